"""Several methods at an equal number of network evaluations, from the same particles."""

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from toylab import datasets, grids
from toylab._errors import positive_int
from toylab.problems.flow import Reference, reference_solution, rms
from toylab.samplers import get, iterate, sample
from toylab.samplers.core import default_dtype, start_noise
from toylab.schedules import as_schedule

METHODS = ("Euler", "Heun", "RK4", "AB4", "DDIM", "S-PNDM", "F-PNDM", "PLMS")
RTOL = 1e-7  # of the exact flow, float32 networks included: the errors compared here are 1e-4 and more
RADIUS = 0.15  # within which a sample covers a point of the manifold


@dataclass(frozen=True)
class Row:
    """One method at one step count.

    Attributes:
        method: canonical name. steps: N. nfe: evaluations, counted.
        distance: mean distance of the samples to the manifold.
        excess: |distance - that of the exact flow|: nearer is not better.
        coverage: share of the manifold that has a sample within 0.15.
        error: rms distance of the particles from their end points under the exact flow of the same eps;
            None for a stochastic method, whose particles do not follow it.
        x: the samples [n, 2].
    """

    method: str
    steps: int
    nfe: int
    distance: float
    excess: float
    coverage: float
    error: float | None
    x: Tensor


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        budget: evaluations that each method could spend.
        rows: a `Row` a method, at its largest step count within the budget, in the order asked for.
        left_out: name -> reason for each method that cannot run within the budget.
        distance: mean distance to the manifold of the exact flow's end points.
        reference: those end points, and how well they are known.
    """

    budget: int
    rows: tuple
    left_out: dict
    distance: float
    reference: Reference


def compare(
    eps, schedule, methods=METHODS, nfe=20, manifold=None, n=2000, seed=0, t_start=None, t_end=None,
    spacing="t", progress=True,
):  # fmt: skip
    """Run every method at the largest step count whose evaluations are within `nfe`, from the same particles.

    `work_precision` does the same for several budgets and seeds.

    Args:
        eps, schedule, seed, t_start, t_end, spacing: as for `toylab.sample`. Start noise is float64 unless
            eps is a network of another dtype.
        methods: names, or results of `toylab.method`, all different.
        nfe: the budget, a positive integer.
        manifold: a Manifold or its name; by default the data set that eps was made for.
        n: particles.
        progress: show bars for work over two seconds.

    Returns a `Comparison`. Raises ValueError or TypeError naming the argument, also when no method at all
    can run within the budget.
    """
    schedule, budget = as_schedule(schedule), positive_int("nfe", nfe)
    where = limits(schedule, t_start, t_end, spacing)
    counts, left_out = plan(method_list(methods), budget, schedule, **where)
    if not counts:
        reasons = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise ValueError(f"nfe must be enough for one of the methods, got {budget}: {reasons}")
    lineup = Lineup(eps, schedule, own_manifold(eps, manifold), n, seed, where, progress)
    rows = tuple(lineup.run(method, steps) for method, steps in counts.items())
    return Comparison(budget, rows, left_out, lineup.distance, lineup.reference)


class Lineup:
    """The particles of one seed, which all methods start from, and where the exact flow takes them.

    Attributes:
        x_T: start noise [n, 2]. reference: the exact flow's end points.
        distance, coverage: of these, see `Row`.
    """

    def __init__(self, eps, schedule, manifold, n, seed, where, progress=True):
        self.eps, self.schedule, self.manifold, self.seed, self.where = eps, schedule, manifold, seed, where
        self.progress = progress
        dtype, device = default_dtype(eps, otherwise=torch.float64)
        self.x_T = start_noise(positive_int("n", n), (2,), seed, dtype, device)
        ends = where["t_start"], where["t_end"]
        self.reference = reference_solution(eps, schedule, self.x_T, *ends, rtol=RTOL, progress=progress)
        self.distance = manifold.distance(self.reference.x).mean().item()
        self.coverage = manifold.coverage(self.reference.x, RADIUS)

    def run(self, method, steps, **options):
        """The `Row` of a method in `steps` steps; options as for `toylab.sample`."""
        run = sample(
            self.eps, self.schedule, method, steps, x_T=self.x_T, seed=self.seed, record=False,
            progress=self.progress, **self.where, **options,
        )  # fmt: skip
        x = run.x.double()
        distance = self.manifold.distance(x).mean().item()
        return Row(
            method=run.method,
            steps=run.steps,
            nfe=run.nfe,
            distance=distance,
            excess=abs(distance - self.distance) if isfinite(distance) else distance,
            coverage=self.manifold.coverage(x, RADIUS),
            error=None if get(method).stochastic else rms(x - self.reference.x),
            x=run.x,
        )


def plan(methods, budget, schedule, **where):
    """({method: its largest N within the budget}, {name: reason} of those that have none)."""
    counts, left_out = {}, {}
    for method in methods:
        if not method.fixed_grid:
            left_out[method.name] = "chooses its own number of evaluations"
        elif (steps := steps_within(method, budget, schedule, **where)) == 0:
            left_out[method.name] = f"needs more than {budget} for a single step"
        else:
            counts[method] = steps
    return counts, left_out


def steps_within(method, budget, schedule="linear", **where):
    """The largest N of `method` that takes at most `budget` evaluations; 0 if a single step takes more.

    Evaluations are counted in runs of one particle, not computed from a formula, and taken to grow with N.
    ValueError for a method that chooses its own steps, and for a budget that is no positive integer.
    `where`: t_start, t_end and spacing as for `toylab.sample`.
    """
    method = get(method)
    if not method.fixed_grid:
        raise ValueError(f"method must step on the given grid, but {method.name} chooses its own steps")
    low, high = 0, positive_int("nfe", budget) + 1  # a step costs at least one: `high` steps are too many
    tried = budget
    while low < high - 1:  # where a run of too many steps had to stop is nearly the answer
        done = _steps_done(method, tried, budget, schedule, where)
        low, high = (tried, high) if done == tried else (low, tried)
        tried = min(max(done, low + 1), high - 1)
    return low


def evaluations(method, steps, schedule="linear"):
    """What `method`, on a given grid, spends in `steps` steps: counted in a run of one particle."""
    return sample(
        lambda x, t: torch.zeros_like(x), schedule, method, steps, n=1, shape=(1,), record=False, progress=False
    ).nfe


class _OverBudget(Exception):
    pass


def _steps_done(method, steps, budget, schedule, where):
    """The steps that a run of `steps` makes before its evaluations exceed the budget; `steps` where they do not."""
    spent = 0

    def eps(x, t):
        nonlocal spent
        spent += 1
        if spent > budget:
            raise _OverBudget
        return torch.zeros_like(x)

    done = -1  # the first state is the start
    try:
        for _ in iterate(eps, schedule, method, steps, n=1, shape=(1,), **where):
            done += 1
    except _OverBudget:
        pass
    return done


def limits(schedule, t_start, t_end, spacing):
    """The keywords t_start, t_end and spacing of `toylab.sample`, filled from the schedule."""
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    return {"t_start": t_start, "t_end": t_end, "spacing": spacing}


def own_manifold(eps, manifold):
    """`manifold`, a Manifold or its name, or by default that of the data set that eps was made for."""
    if manifold is None:
        manifold = getattr(eps, "dataset", None)
        if manifold is None:
            raise ValueError("manifold must be given for an eps that does not know its data set")
    return datasets.as_manifold(manifold)


def method_list(methods):
    """Methods for a list of names or methods; ValueError unless they are all different."""
    if isinstance(methods, str) or not hasattr(methods, "__iter__"):
        raise TypeError(f"methods must be a list of method names, got {methods!r}")
    methods = [get(method) for method in methods]
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"methods must be a non-empty list of different methods, got {names}")
    return methods
