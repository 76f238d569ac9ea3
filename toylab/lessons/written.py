"""Samplers as plain functions, as a student writes them; they are taken wherever a method's name is."""

from collections.abc import Iterator

from torch import Tensor

from toylab._types import Eps
from toylab.schedules import Schedule


def euler(eps: Eps, schedule: Schedule, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """Euler's method: a straight line in t along dx/dt."""
    slope = schedule.drift(x, eps(x, t), t)
    return x + (s - t) * slope


def ddim(eps: Eps, schedule: Schedule, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """Euler's method again: a straight line in sigma along dy/dsigma = eps, for y = x / sqrt(alpha_bar)."""
    y = x / schedule.alpha_bar(t) ** 0.5
    y = y + (schedule.sigma(s) - schedule.sigma(t)) * eps(x, t)
    return schedule.alpha_bar(s) ** 0.5 * y


def two_slopes(eps: Eps, schedule: Schedule, x: Tensor, times: Tensor) -> Iterator[Tensor]:
    """AB2 in y and sigma, for steps as long as they are: the line through the last two epsilons, continued."""
    before = None
    for t, s in zip(times[:-1], times[1:], strict=True):
        e, step = eps(x, t), schedule.sigma(s) - schedule.sigma(t)
        mean = e if before is None else e + step / 2 * (e - before[0]) / before[1]
        y = x / schedule.alpha_bar(t) ** 0.5 + step * mean
        x, before = schedule.alpha_bar(s) ** 0.5 * y, (e, step)
        yield x
