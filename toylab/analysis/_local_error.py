"""The local truncation error: what one step loses, beside what all of them lose together."""

from dataclasses import dataclass

import numpy as np
import torch

from toylab import grids
from toylab._errors import positive_int
from toylab._progress import Bar
from toylab.analysis._compare import limits
from toylab.analysis._order import (
    ABOVE_FLOOR,
    asymptotic_window,
    check_deterministic,
    check_method,
    round_off,
    start_particles,
    step_counts,
)
from toylab.problems.flow import LOOSER, exact_flow, rms
from toylab.samplers import get, iterate, sample
from toylab.samplers.core import PLANE
from toylab.schedules import as_schedule

LEAST = 8  # steps: their second half has the whole past that any of the methods wants


@dataclass(frozen=True)
class LocalError:
    """What each step of a method loses, and what is left of it at the end.

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

    method: str
    steps: np.ndarray
    order: float
    local: np.ndarray
    end: np.ndarray
    times: dict
    profile: dict
    fitted: np.ndarray
    floor: float

    def plot(self, axes=None):
        """Local and global error against N, and the local one along t (see `toylab.figures.plot_local_error`).
        Returns the matplotlib Axes."""
        from toylab.figures import plot_local_error

        return plot_local_error(self, axes)


def local_error(
    eps, schedule, method="F-PNDM", steps=(40, 80, 160, 320), x_T=None, n=64, shape=PLANE, seed=0,
    t_start=None, t_end=0.2, spacing="t", progress=True, **options,
):  # fmt: skip
    """Measure the local truncation error: every step starts on the exact flow, with the exact past.

    After each step the state is put back onto the exact flow, so that a multistep method's slopes of earlier
    nodes are those of the flow. What is measured is the formula alone. A first-order start, which PLMS has,
    is in the first steps of the profile but not in the slope; it does not add up like the others, because it
    is made once. Steps taken to the end without this correction give the global error beside it.

    Args:
        eps, schedule, method, x_T, n, shape, seed, t_start, t_end, spacing, **options: as for
            `measure_order`.
        steps: at least two step counts of 8 or more, increasing.
        progress: show a bar for work over two seconds.

    Returns a `LocalError`. Raises ValueError or TypeError as `measure_order` does.
    """
    schedule, method = as_schedule(schedule), get(method, **options)
    check_method(method)
    counts = step_counts(steps)
    positive_int("steps", int(counts[0]), LEAST)
    where = limits(schedule, t_start, t_end, spacing)
    x_T = start_particles(eps, x_T, n, shape, seed)
    check_deterministic(eps, x_T, where["t_start"])

    times = {count: grids.nodes(schedule, count, **where) for count in counts.tolist()}
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
    fitted = asymptotic_window(local, -np.diff(np.log(local)) / np.diff(np.log(counts)), floor)
    if fitted.sum() < 2:
        raise ValueError(
            f"{method.name}: fewer than two of the local errors {np.array2string(local, precision=2)} lie above "
            f"{ABOVE_FLOOR} times the floor {floor:.1g}, so no order can be fitted; choose fewer steps"
        )
    return LocalError(
        method=method.name,
        steps=counts,
        order=float(-np.polyfit(np.log(counts[fitted]), np.log(local[fitted]), 1)[0]),
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
