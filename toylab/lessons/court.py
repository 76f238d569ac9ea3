"""The cases of lesson 14: changes that real schedulers make, as plain functions, and how one is tried."""

from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
import torch
from torch import Tensor

from toylab import problems
from toylab._types import Eps, MethodLike
from toylab.analysis._compare import Lineup, limits
from toylab.analysis._order import slope
from toylab.analysis._table import Table
from toylab.lessons.written import ddim
from toylab.problems.flow import rms
from toylab.samplers import get, sample
from toylab.samplers.transfers import DataPrediction, Pseudo
from toylab.samplers.weights import ADAMS_BASHFORTH
from toylab.schedules import Schedule


def repeats_a_node(eps: Eps, schedule: Schedule, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """PLMS with a list of nodes in which the second one stands twice: go there, ask, return, and step with the mean."""
    slopes = []
    for t, s in zip(times[:-1], times[1:], strict=True):
        slopes = [eps(x, t), *slopes][:4]
        mean = sum(w * e for w, e in zip(ADAMS_BASHFORTH[len(slopes)], slopes, strict=True))
        if len(slopes) == 1:
            mean = (slopes[0] + eps(Pseudo.move(schedule, x, slopes[0], t, s), s)) / 2
        x = Pseudo.move(schedule, x, mean, t, s)
        yield x


def two_data(
    eps: Eps, schedule: Schedule, x: Tensor, times: Tensor, length: Callable = lambda h, k: h,
    share: Callable = lambda h, k: h / (2 * k), last_order: int = 2,
) -> Iterator[Tensor]:  # fmt: skip
    """DPM-Solver++2M (Lu et al. 2022b, algorithm 2), with its parts to be changed.

    Args:
        length: of a step h after a step k in log-SNR, as the move takes it. share: of the difference between the last
            two predictions of the data, that is added to the newer one. last_order: of the last step, 1 or 2.
    """
    before = None
    for t, s in zip(times[:-1], times[1:], strict=True):
        data = DataPrediction.slope(schedule, x, eps(x, t), t)
        h = (schedule.sigma(t) / schedule.sigma(s)).log()
        if before is None or (last_order == 1 and s == times[-1]):
            mean, far = data, h
        else:
            mean, far = data + share(h, before[1]) * (data - before[0]), length(h, before[1])
        kept = schedule.noise_std(s) / schedule.noise_std(t)
        x, before = kept * x - schedule.alpha_bar(s) ** 0.5 * torch.expm1(-far) * mean, (data, h)
        yield x


def averaged_step(eps: Eps, schedule: Schedule, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """DPM-Solver++2M with the mean of this step and the last one where the length of this step belongs."""
    yield from two_data(eps, schedule, x, times, length=lambda h, k: (h + k) / 2)


def lower_order_last(eps: Eps, schedule: Schedule, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """DPM-Solver++2M with a last step of first order."""
    yield from two_data(eps, schedule, x, times, last_order=1)


def other_direction(eps: Eps, schedule: Schedule, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """DDIM with the direction term of eta = 1, and no noise."""
    e = eps(x, t)
    share = schedule.noise_std(s) / schedule.noise_std(t)
    noise = share**2 * (1 - schedule.alpha_bar(t) / schedule.alpha_bar(s))
    data = DataPrediction.slope(schedule, x, e, t)
    return schedule.alpha_bar(s) ** 0.5 * data + (schedule.noise_std(s) ** 2 - noise) ** 0.5 * e


CIRCLE, PARTICLES, SPACINGS = "circle", 128, ("t", "logsnr")
EVALUATIONS, POINT = "evaluations of 20 steps", "error on one data point"
CASES = {  # letter: what is tried, and what it is compared with
    "a": (repeats_a_node, "PLMS"),
    "b": (averaged_step, "DPM-Solver++2M"),
    "c": (lower_order_last, "DPM-Solver++2M"),
    "d": (other_direction, "DDIM"),
    "e": (ddim, "DDIM"),
}


def trial(accused: MethodLike, rival: MethodLike) -> Table:
    """The measurements of a method beside those of another: a `Table`, see `facts`."""
    both = [facts(each) for each in (accused, rival)]
    rows = [(name, *(found[name] for found in both)) for name in both[0]]
    shown = [(name, *(_shown(name, value) for value in values)) for name, *values in rows]
    note = f"errors with N steps and distances: {CIRCLE}, {PARTICLES} particles, seed 0; the exact flow ends at a " \
           f"distance of {_lineup('t').distance:.3g}"  # fmt: skip
    return Table(("measured", *(get(each).name for each in (accused, rival))), tuple(shown), note)


def ruling(accused: MethodLike, rival: MethodLike) -> str:
    """The verdict.

    Returns "bug" where a property is lost, an order or the exactness on one data point; "feature" where none is and an
    error falls to less than half; else "neither".
    """
    found, known = facts(accused), facts(rival)
    if any(found[name] < known[name] - 0.5 for name in found if name.startswith("order")):
        return "bug"
    if found[POINT] > 1e-10 > known[POINT]:
        return "bug"
    gains = [known[name] / found[name] for name in found if name.startswith("error, ")]
    return "feature" if max(gains) > 2 and min(gains) > 0.9 else "neither"


@cache
def facts(method: MethodLike) -> dict[str, float]:
    """All that the court measures of a method.

    Evaluations of 20 steps; orders on a Gaussian, whose flow is known; the error on one data point; end-point errors
    (rms) and mean distances on the circle with the exact epsilon. Nodes are even in t or in log-SNR.
    """
    run, error = _on(problems.one_point(), method, 20)
    found = {EVALUATIONS: run.nfe} | {f"order, even in {spacing}": _order(method, spacing) for spacing in SPACINGS}
    found[POINT] = error
    for spacing in SPACINGS:
        runs = {steps: _lineup(spacing).run(method, steps) for steps in (5, 10, 20)}
        found |= {f"error, even in {spacing}, N = {steps}": run.error for steps, run in runs.items()}
        found[f"distance, even in {spacing}, N = 20"] = runs[20].distance
    return found


@cache
def _lineup(spacing):
    circle = problems.find(CIRCLE, "exact")
    return Lineup(circle, PARTICLES, 0, limits(circle, spacing), progress=False)


def _on(problem, method, steps, **where):
    """(a run, its rms error) where the flow is known."""
    x_T = problem.start()
    run = sample(problem, None, method, steps, x_T=x_T, record=False, progress=False, **where)
    ends = {name: value for name, value in where.items() if name != "spacing"}
    return run, rms(run.x - problem.solution(x_T, **ends))


def _order(method, spacing, steps=(80, 160)):
    where = {"t_start": 0.8, "t_end": 0.2, "spacing": spacing}
    errors = [_on(problems.gaussian(), method, count, **where)[1] for count in steps]
    return float(slope(np.array(steps), np.array(errors)))


def _shown(name, value):
    if name == EVALUATIONS:
        return str(value)
    if name.startswith("order"):
        return f"{abs(value):.1f}"
    return "none" if value < 1e-10 else value
