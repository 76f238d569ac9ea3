"""The local truncation error: what one step loses, beside what all of them lose together."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab import grids
from toylab._errors import positive_int
from toylab._progress import Bar
from toylab._types import Eps, MethodLike, ScheduleLike
from toylab.analysis._arguments import start_particles, step_counts
from toylab.analysis._order import (
    ABOVE_FLOOR,
    asymptotic_window,
    brackets,
    check_deterministic,
    check_method,
    order_problem,
    round_off,
    slope,
    slope_in_words,
    slopes_between,
)
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.problems.flow import LOOSER, exact_flow, rms
from toylab.problems.problem import Problem
from toylab.samplers import get, iterate, sample

LEAST = 8  # steps: their second half has the whole past that any of the methods wants


@dataclass(frozen=True, repr=False)
class LocalError(Result):
    """The errors of the single steps of a method, and of all of them at the end.

    Attributes:
        method: canonical name.
        steps: step counts, int [k].
        order: slope of log local error against log step size, fitted over the asymptotic window: one more
            than the order of the method's formula.
        local: local error of each run, float64 [k]: rms over particles and the steps of the second half.
        end: rms end-point error of the same runs left to themselves, the global error, float64 [k].
        times: for each step count N the nodes, float64 [N + 1].
        profile: for each N the local error of every step, rms over particles, float64 [N].
        fitted: bool [k], the runs that the slope uses.
        floor: error below which round-off and the exact flow's own error rule.
    """

    drawn_by = "plot_local_error"
    method: str
    steps: np.ndarray
    order: float
    local: np.ndarray
    end: np.ndarray
    times: dict
    profile: dict
    fitted: np.ndarray
    floor: float

    @property
    def end_order(self) -> float:
        """Slope of the global error over the same step counts."""
        return float(slope(self.steps[self.fitted], self.end[self.fitted]))

    @property
    def slopes(self) -> tuple[str, str]:
        """The slopes of both errors in words: ("3.00", "2.01"), or "not yet, last slope 5.63" where the last two slopes
        between neighbours do not agree."""
        used = np.flatnonzero(self.fitted)[:-1]
        pairs = ((self.order, self.local), (self.end_order, self.end))
        one, every = (slope_in_words(found, slopes_between(self.steps, errors)[used]) for found, errors in pairs)
        return one, every

    def as_dict(self) -> dict:
        """All numbers."""
        fields = "method", "order", "end_order", "floor", "steps", "local", "end", "fitted", "times", "profile"
        return pick(self, *fields)

    def table(self) -> Table:
        """The errors of one step and of all steps, with their slopes; in brackets what the fit leaves out."""
        rows = (
            (self.method, "one step", self.slopes[0], *brackets(self.local, self.fitted), f"{self.floor:.0e}"),
            ("", "all steps", self.slopes[1], *brackets(self.end, self.fitted), ""),
        )
        return Table(("method", "error of", "slope", *(f"N = {count}" for count in self.steps), "floor"), rows)


def local_error(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, method: MethodLike = "F-PNDM",
    steps: Iterable[int] = (40, 80, 160, 320), x_T: Tensor | None = None, n: int = 64, shape: tuple | None = None,
    seed: int | None = 0, t_start: float | None = None, t_end: float | None = None, spacing: str = "t",
    progress: bool = True, **options: Any,
) -> LocalError:  # fmt: skip
    """Measure the local truncation error: every step starts on the exact flow, with the exact past.

    After each step the state is put back onto the exact flow, so that a multistep method's slopes of earlier
    nodes are those of the flow. What is measured is the formula alone. A first-order start, which PLMS has,
    is in the first steps of the profile but not in the slope; it does not add up like the others, because it
    is made once. Steps taken to the end without this correction give the global error beside it.

    Args:
        steps: at least two step counts of 8 or more, increasing. Others: as for `measure_order`.

    Raises:
        ValueError, TypeError: as `measure_order` does.
    """
    method, counts = get(method, **options), step_counts(steps)
    check_method(method)
    positive_int("steps", int(counts[0]), LEAST)
    problem = order_problem(eps, schedule, shape, t_start, t_end)
    eps, schedule, x_T = problem.eps, problem.schedule, start_particles(problem, n, seed, x_T)
    check_deterministic(problem, x_T)

    times = {count: grids.nodes(schedule, count, *problem.limits(), spacing) for count in counts.tolist()}
    union = torch.cat(list(times.values())).unique().flip(0)
    exact, error = _flow(eps, schedule, x_T, union, progress)
    local, end, profile = [], [], {}
    for count, nodes in Bar(times.items(), desc=method.name, show=progress):
        flow = exact[torch.searchsorted(-union, -nodes)]
        profile[count] = _steps_from_the_flow(eps, schedule, method, nodes, flow, x_T)
        local.append(np.sqrt((profile[count][count // 2 :] ** 2).mean()))
        run = sample(eps, schedule, method, x_T=x_T, times=nodes, record=False, progress=False)
        end.append(rms(run.x.double() - flow[-1]))
    local, floor = np.array(local), max(error, round_off(exact[-1], x_T.dtype))
    fitted = asymptotic_window(local, slopes_between(counts, local), floor)
    if fitted.sum() < 2:
        raise ValueError(
            f"{method.name}: fewer than two of the local errors {np.array2string(local, precision=2)} lie above "
            f"{ABOVE_FLOOR} times the floor {floor:.1g}, so no order can be fitted; choose fewer steps"
        )
    return LocalError(
        method=method.name,
        steps=counts,
        order=float(slope(counts[fitted], local[fitted])),
        local=local,
        end=np.array(end),
        times={count: nodes.numpy() for count, nodes in times.items()},
        profile=profile,
        fitted=fitted,
        floor=floor,
    )


def _flow(eps, schedule, x_T, times, progress):
    """(the exact flow at `times`, its estimated rms error at the worst of them)."""
    rtol = 3e-14 if x_T.dtype == torch.float64 else 1e-6
    exact = exact_flow(eps, schedule, x_T, times, rtol, progress)
    coarse = exact_flow(eps, schedule, x_T, times, LOOSER * rtol, progress)
    return exact, max(map(rms, exact - coarse)) / (LOOSER - 1)


def _steps_from_the_flow(eps, schedule, method, times, flow, x_T):
    """The rms error of every step, each begun on the flow: float64 [N]."""

    def fresh(x, t):
        return eps(x, t).clone()  # slopes of the past must not change with the state

    states = iterate(fresh, schedule, method, x_T=flow[0].to(x_T.dtype, copy=True), times=times)
    next(states)
    errors = []
    for x, exact in zip(states, flow[1:], strict=True):
        errors.append(rms(x.double() - exact))
        x.copy_(exact)  # the sampler goes on from its own state tensor
    return np.array(errors)
