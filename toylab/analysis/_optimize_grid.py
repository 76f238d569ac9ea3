"""The best nodes for a method with few steps, found by optimisation."""

import copy
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import minimize
from torch import Tensor

from toylab import grids
from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._threads import single_blas_thread
from toylab._types import Eps, MethodLike, ScheduleLike
from toylab.analysis._arguments import start_particles
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.problems.flow import rms
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import get, sample
from toylab.schedules import Schedule

HELD_OUT = 0x0DD  # seed of the held-out particles, with that of the training particles added
SHORTEST = 1e-4  # step, as part of the longest, in the mixed clock
WORST = 1e6  # errors are cut off here: methods that blow up still have a direction to improve in
RTOL = 1e-11
ABOVE_FLOOR = 10  # errors below this many times that of the exact end points have nothing left to improve


@dataclass(frozen=True, repr=False)
class OptimizedGrid(Result):
    """The nodes found, and what they are worth.

    Attributes:
        method: canonical name. nfe: evaluations of a run.
        times: float64 [steps + 1], decreasing: pass them to `toylab.sample(times=...)`.
        train, held_out: rms end-point error by spacing, those of the stock grids and "optimised", on the
            particles that the nodes were fitted to and on others.
        floor: bound on the error of the exact end points compared with. Where the best stock grid is within
            10 times of it there was nothing to search for: "optimised" is that grid.
        runs: that the search took.
        schedule: for which the nodes are.
    """

    drawn_by = "plot_nodes"
    method: str
    nfe: int
    times: Tensor
    train: dict
    held_out: dict
    floor: float
    runs: int
    schedule: Schedule

    @property
    def best_stock(self) -> str:
        """The spacing with the least held-out error of those that are not optimised."""
        return min((name for name in self.held_out if name != "optimised"), key=self.held_out.get)

    @property
    def gain(self) -> float:
        """The held-out error of the best stock grid over that of the nodes found: above 1 these are better."""
        return self.held_out[self.best_stock] / self.held_out["optimised"]

    @property
    def verdict(self) -> str:
        """The worth of the search, in one sentence."""
        if self.runs == 0:
            return f"nothing to search for: {self.best_stock} is within 10 times the floor of {self.floor:.1g}"
        better = self.gain >= 1
        times = f"{self.gain if better else 1 / self.gain:.3g} times {'smaller' if better else 'larger'}"
        return (
            f"{self.runs} runs; on held-out particles the error is {times} than with the best stock spacing, "
            f"{self.best_stock}"
        )

    def as_dict(self) -> dict:
        """All numbers."""
        fields = "method", "nfe", "times", "train", "held_out", "best_stock", "gain", "floor", "runs"
        return pick(self, *fields) | {"schedule": self.schedule.name, "steps": len(self.times) - 1}

    def table(self) -> Table:
        """The errors of every spacing, on the particles fitted to and on others."""
        rows = tuple((name, self.train[name], self.held_out[name]) for name in self.train)
        return Table(("nodes", "error", "error, held out"), rows, self.verdict)


def optimize_grid(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, method: MethodLike = "F-PNDM", steps: int = 10,
    t_start: float | None = None, t_end: float | None = None, n: int = 128, shape: tuple | None = None,
    seed: int | None = 0, iterations: int = 60, progress: bool = True, **options: Any,
) -> OptimizedGrid:  # fmt: skip
    """Find the nodes with which a method ends closest to the exact flow of `eps`.

    The rms end-point error of n training particles is minimised over the steps - 1 free nodes by L-BFGS-B
    with finite differences, from the best stock grid on. The unknowns are the logarithms of the
    increments in the clock t + sigma^(1/7), both scaled to [0, 1]: any of them is a decreasing grid between
    the same ends, and every stock grid is one of them. n more particles, never seen by the search, judge the
    result. The search is deterministic. A network is evaluated in float64 (a copy of it is): in float32 the
    finite differences would be round-off and nothing else.

    Args:
        steps: N >= 2.
        n: training particles, and as many held-out ones.
        iterations: of L-BFGS-B, at most. Others: see `toylab.analysis`.

    Raises:
        ValueError, TypeError: naming the argument, also for stochastic or adaptive methods.
        Interrupted: with the best nodes so far, on Ctrl-C during the search.
    """
    resolved, problem = get(method, **options), as_problem(eps, schedule, None, shape, t_start, t_end)
    if resolved.stochastic or not resolved.fixed_grid:
        raise ValueError(f"method must step on the given grid without noise, but {resolved.name} does not")
    steps, iterations = positive_int("steps", steps, at_least=2), positive_int("iterations", iterations)
    if isinstance(problem.eps, torch.nn.Module):
        problem = replace(problem, eps=copy.deepcopy(problem.eps).double())
    train, held_out = (
        _Particles(problem, resolved, start_particles(problem, n, own), progress)
        for own in (seed, None if seed is None else seed + HELD_OUT)
    )
    stock = _stock_grids(problem, steps)
    errors = {spacing: train.error(times) for spacing, times in stock.items()}
    best = min(errors, key=errors.get)
    search = _Search(train, _MixedClock(problem.schedule, *problem.limits()), stock[best], errors[best])

    def result():
        tried = stock | {"optimised": search.times}
        own, fresh = ({name: each.error(times) for name, times in tried.items()} for each in (train, held_out))
        found = search.times, own, fresh, train.floor, search.runs
        return OptimizedGrid(resolved.name, train.nfe, *found, problem.schedule)

    if errors[best] > ABOVE_FLOOR * train.floor:
        label = f"nodes of {resolved.name}"
        with Bar(total=iterations, desc=label, show=progress) as bar:
            try:
                search.run(iterations, bar)
            except KeyboardInterrupt as stop:
                raise Interrupted(f"{label}: stopped after {search.runs} runs", result()) from stop
    return result()


class _Particles:
    """Start states, their exact end points, and the error of a grid."""

    def __init__(self, problem, method, x_T, progress):
        self.arguments, self.x_T = (problem.eps, problem.schedule, method), x_T
        rtol = RTOL if x_T.dtype == torch.float64 else None
        reference = problem.reference(x_T, rtol=rtol, progress=progress)
        self.end, self.nfe = reference.x, 0
        end, start = (problem.schedule.alpha_bar(t) for t in problem.limits()[::-1])
        self.floor = max(reference.error, (rtol or torch.finfo(x_T.dtype).eps) * rms(x_T) * (end / start) ** 0.5)

    def error(self, times):
        """rms end-point error with these nodes; infinite for a run that ends in NaN."""
        try:
            run = sample(*self.arguments, x_T=self.x_T, times=times, record=False, progress=False)
        except ValueError as blown_up:
            if "blown up" not in str(blown_up):
                raise
            return np.inf
        self.nfe = run.nfe
        error = rms(run.x.double() - self.end)
        return error if np.isfinite(error) else np.inf


class _MixedClock:
    """The mean of t and sigma^(1/7), each scaled to 1 at t_start and 0 at t_end; a table for its inverse."""

    def __init__(self, schedule, t_start, t_end):
        parts = torch.linspace(0, 1, 4001, dtype=torch.float64)
        power = schedule.sigma(torch.tensor([t_start, t_end], dtype=torch.float64)) ** (1 / grids.KARRAS_RHO)
        by_sigma = schedule.t_of_sigma((power[1] + parts * (power[0] - power[1])) ** grids.KARRAS_RHO)
        t = torch.cat([t_end + parts * (t_start - t_end), by_sigma]).clamp(t_end, t_start).unique()
        karras = (schedule.sigma(t) ** (1 / grids.KARRAS_RHO) - power[1]) / (power[0] - power[1])
        self.t, self.clock = t.numpy(), ((t - t_end) / (t_start - t_end) / 2 + karras / 2).numpy()
        self.ends = t_start, t_end

    def unknowns(self, times):
        """Logarithms of the increments of a grid [N + 1]: [N]."""
        return np.log(-np.diff(np.interp(times.numpy(), self.t, self.clock)))

    def times(self, unknowns):
        """The grid [N + 1] of the unknowns [N], whatever they are."""
        share = np.exp(np.maximum(unknowns - unknowns.max(), np.log(SHORTEST)))
        clock = 1 - np.cumsum(share / share.sum())
        times = np.interp(clock[:-1], self.clock, self.t)
        return torch.from_numpy(np.concatenate([self.ends[:1], times, self.ends[1:]]))


class _Search:
    """L-BFGS-B on the logarithm of the error, with the best grid kept."""

    def __init__(self, particles, clock, times, error):
        self.particles, self.clock = particles, clock
        self.times, self.least, self.runs = times, error, 0

    def run(self, iterations, bar):
        """Improve `times` until nothing is gained, or for so many iterations."""
        with single_blas_thread():
            minimize(
                self._objective, self.clock.unknowns(self.times), method="L-BFGS-B", jac="2-point",
                callback=lambda _: bar.update(), options={"maxiter": iterations, "maxfun": 10**9, "ftol": 1e-7},
            )  # fmt: skip

    def _objective(self, unknowns):
        times = self.clock.times(unknowns)
        error = self.particles.error(times)
        self.runs += 1
        if error < self.least:
            self.least, self.times = error, times
        return np.log(min(max(error, 1e-300), WORST))


def _stock_grids(problem, steps):
    """Every stock spacing that exists between these limits: {name: times}."""
    found = {}
    for spacing in grids.spacings():
        with suppress(ValueError):  # "logsnr" at t_end = 0
            found[spacing] = grids.nodes(problem.schedule, steps, *problem.limits(), spacing=spacing)
    return found
