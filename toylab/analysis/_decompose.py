"""Whose fault is it? The error of a sample, split into what the solver and what the network loses."""

import copy
from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil, exp, log

import numpy as np
import torch

from toylab._errors import number, positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._types import Eps, ManifoldLike, ScheduleLike
from toylab.analysis._arguments import increasing, known_manifold, method_list
from toylab.analysis._budget import plans
from toylab.analysis._compare import limits
from toylab.analysis._result import Result, Rows, pick, reasons
from toylab.analysis._table import Table
from toylab.epsilon.exact import exact_eps
from toylab.problems.flow import Reference, reference_solution, rms
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import sample
from toylab.samplers.core import cost, default_dtype, start_noise

METHODS = ("DDIM", "S-PNDM", "F-PNDM")
NFE = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160)
RTOL = 1e-8
POINTS = 2000  # of the exact epsilon: as close together as sigma at t_min is wide on a curve of length 20


@dataclass(frozen=True)
class Part:
    """One method at one budget.

    Attributes:
        budget: evaluations it could spend. nfe: evaluations, counted.
        solver: rms distance of the network's samples in N steps from the end points of the network's own flow.
        total: rms distance of the same samples from the end points of the exact flow.
        solver_errors, total_errors: the same for every particle, float64 [n].
    """

    method: str
    budget: int
    steps: int
    nfe: int
    solver: float
    total: float
    solver_errors: np.ndarray
    total_errors: np.ndarray


@dataclass(frozen=True, repr=False)
class Decomposition(Rows, Result):
    """The findings of `decompose_error`.

    As vectors, a particle's total error is its solver error plus its network error; as lengths they obey the
    triangle inequality: |solver - network| <= total <= solver + network.

    Attributes:
        rows: a `Part` for each method and budget, by method in the order asked for, then by budget.
        network: rms distance between the end points of the network's flow and of the exact flow.
        network_errors: the same for every particle, float64 [n].
        distance: mean distances to the manifold of the end points of the "network" flow and the "exact" flow.
        left_out: (method, budget) -> reason for what cannot run.
        own, exact: the two flows' end points, as a `Reference` each.
        name: of the data set.
    """

    drawn_by = "plot_decomposition"
    rows: tuple
    network: float
    network_errors: np.ndarray
    distance: dict
    left_out: dict
    own: Reference
    exact: Reference
    name: str

    def of(self, method: str) -> tuple[Part, ...]:
        """The rows of one method, by growing NFE; a run that several budgets allow only once."""
        rows = {row.nfe: row for row in self.rows if row.method == method}
        return tuple(rows[nfe] for nfe in sorted(rows))

    def crossover(self, method: str) -> float | None:
        """The NFE, a float, beyond which the solver error stays below the network error, so that steps buy little.

        Interpolated along straight lines in log NFE and log error. The smallest NFE measured when the solver
        error is below from there on; None when it is still above at the largest, or there is no network error.
        """
        rows = self.of(method)
        above = [row.solver >= self.network for row in rows]
        if above[-1] or self.network == 0:
            return None
        if not any(above):
            return float(rows[0].nfe)
        before = max(i for i, is_above in enumerate(above) if is_above)
        left, right = rows[before], rows[before + 1]
        if right.solver == 0:
            return float(right.nfe)
        part = log(left.solver / self.network) / log(left.solver / right.solver)
        return exp(log(left.nfe) + part * log(right.nfe / left.nfe))

    def as_dict(self) -> dict:
        """All numbers but those of single particles."""
        fields = "method", "budget", "steps", "nfe", "solver", "total"
        return {
            "dataset": self.name,
            "network": self.network,
            "distance": self.distance,
            "uncertainty": {"network": self.own.error, "exact": self.exact.error},
            "crossover": {method: self.crossover(method) for method in self.methods},
            "rows": [pick(row, *fields) for row in self.rows],
            "left_out": reasons(self.left_out),
        }

    def table(self) -> Table:
        """Solver, network and total error of every run, and the crossovers."""
        rows = tuple(
            (f"{row.method}, N = {row.steps}", str(row.nfe), row.solver, self.network, row.total)
            for method in self.methods for row in self.of(method)
        )  # fmt: skip
        found = {method: self.crossover(method) for method in self.methods}
        at = [f"{method} {'none' if nfe is None else f'NFE {ceil(nfe)}'}" for method, nfe in found.items()]
        header = ("method", "NFE", "solver error", "network error", "total error")
        return Table(header, rows, f"crossover: {', '.join(at)}")


def decompose_error(
    net: Eps | Problem, exact: Eps | None = None, schedule: ScheduleLike | None = None, methods: Iterable = METHODS,
    nfe: Iterable[int] = NFE, n: int = 256, seed: int | None = 0, manifold: ManifoldLike | None = None,
    t_start: float | None = None, t_end: float | None = None, spacing: str = "t", rtol: float = RTOL,
    flows: Decomposition | None = None, progress: bool = True,
) -> Decomposition:  # fmt: skip
    """Split the error of a network's samples, for the same particles, into two parts.

    Solver error: the network in N steps against the network's own flow. Network error: the network's flow
    against the exact flow. A network is evaluated in float64 (a copy of it is), so that its error is its own
    and not round-off's.

    Args:
        net: a network, a `Problem`, or any eps(x, t) that works in float64.
        exact: the exact eps; by default that of 2000 points evenly on the manifold.
        nfe: budgets, increasing; each method takes the largest step count within each.
        rtol: relative tolerance of the two flows.
        flows: the `Decomposition` of an earlier call that differs in methods and nfe alone: its two flows are taken
            over instead of being computed again. Others: see `toylab.analysis`.

    Raises:
        ValueError, TypeError: naming the argument, also when nothing can run.
        Interrupted: with what is done.
    """
    problem = as_problem(net, schedule, manifold, None, t_start, t_end)
    manifold, schedule, net = known_manifold(problem), problem.schedule, problem.eps
    where = limits(problem, spacing)
    jobs, left_out = _jobs(method_list(methods), increasing("nfe", nfe), schedule, cost(net), where)
    net = copy.deepcopy(net).double() if isinstance(net, torch.nn.Module) else net
    _, device = default_dtype(net)
    exact = exact_eps(manifold.curve(POINTS).to(device), schedule) if exact is None else exact
    x_T = start_noise(positive_int("n", n), problem.shape, seed, torch.float64, device)
    if flows is None:
        rtol, ends = number("rtol", rtol, 1e-13, 0.1), problem.limits()
        own, truth = (reference_solution(eps, schedule, x_T, *ends, rtol, progress) for eps in (net, exact))
    else:
        own, truth = _taken_over(flows, manifold, x_T)

    rows, known, flows_by_name = [], {}, {"network": own, "exact": truth}

    def result():
        return Decomposition(
            rows=tuple(rows),
            network=rms(own.x - truth.x),
            network_errors=_lengths(own.x - truth.x),
            distance={name: manifold.distance(flow.x).mean().item() for name, flow in flows_by_name.items()},
            left_out=left_out,
            own=own,
            exact=truth,
            name=manifold.name,
        )

    try:
        for method, budget, steps in Bar(jobs, desc="network", show=progress):
            if (method, steps) not in known:
                known[method, steps] = sample(
                    net, schedule, method, steps, x_T=x_T, record=False, progress=False, **where
                )
            rows.append(_part(known[method, steps], budget, own, truth))
    except KeyboardInterrupt as stop:
        what = f"interrupted with {len(rows)} of {len(jobs)} runs done"
        raise Interrupted(what, result() if rows else None) from stop
    return result()


def _taken_over(flows, manifold, x_T):
    """The two flows of an earlier `Decomposition` of as many particles of the same data set."""
    if not isinstance(flows, Decomposition):
        raise TypeError(f"flows must be an earlier Decomposition, got {flows!r}")
    if (flows.name, len(flows.own.x)) != (manifold.name, len(x_T)):
        found = f"{len(flows.own.x)} particles of {flows.name!r}"
        raise ValueError(f"flows must be of {len(x_T)} particles of {manifold.name!r}, got {found}")
    return flows.own, flows.exact


def _jobs(methods, budgets, schedule, a_call, where):
    """([(method, budget, steps)] by method, {(name, budget): reason})."""
    jobs, left_out = [], {}
    for method in methods:
        if method.stochastic:
            reason = "is stochastic: its particles do not follow the flow"
            left_out |= {(method.name, budget): reason for budget in budgets}
            continue
        counts, reasons = plans([method], budgets, schedule, a_call, **where)
        jobs += [(*job, steps) for job, steps in counts.items()]
        left_out |= reasons
    if not jobs:
        raise ValueError(f"methods must be able to run within nfe = {list(budgets)}: {left_out}")
    return jobs, left_out


def _part(run, budget, own, truth):
    solver, total = run.x - own.x, run.x - truth.x
    return Part(run.method, budget, run.steps, run.nfe, rms(solver), rms(total), _lengths(solver), _lengths(total))


def _lengths(difference):
    return difference.norm(dim=1).cpu().numpy()
