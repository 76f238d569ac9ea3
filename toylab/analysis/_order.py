"""Convergence order: how fast the end-point error falls as the number of steps grows."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._types import Eps, MethodLike, ScheduleLike
from toylab.analysis._arguments import start_particles, step_counts
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.problems.flow import Reference, rms
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import get, iterate, sample
from toylab.samplers.base import Method

T_END = 0.2
ABOVE_FLOOR = 10  # errors below this many times the floor take no part in a fit
AGREE = 0.3  # local orders of an asymptotic window lie this close to its last one
SETTLED = 0.2  # what the last two local orders may differ by for an order to be quoted
DOUBT = 0.4  # what half its interval may be: with more, the next integer would do as well
RESAMPLES = 400
NOT_YET = "not yet"  # in place of an order where errors are not asymptotic


@dataclass(frozen=True, repr=False)
class OrderEstimate(Result):
    """The measured convergence order of one method.

    Attributes:
        method: canonical name.
        order: slope of log error against log(1 / steps), fitted over the asymptotic window.
        interval: 95 % confidence interval of `order`, by bootstrap over particles.
        local_orders: slopes between neighbours, float64 [k - 1].
        steps: step counts, int [k]. nfe: evaluations of each run, int [k].
        errors: rms end-point error of each run, float64 [k].
        particle_errors: end-point error of every particle, float64 [k, n].
        window: bool [k], the runs that the fit uses.
        floor: error below which round-off and the reference's own error rule.
        reference: the end points compared with, and their estimated error.
    """

    drawn_by = "plot_order"
    method: str
    order: float
    interval: tuple
    local_orders: np.ndarray
    steps: np.ndarray
    nfe: np.ndarray
    errors: np.ndarray
    particle_errors: np.ndarray
    window: np.ndarray
    floor: float
    reference: Reference

    @property
    def asymptotic(self) -> bool:
        """True where the errors fall as a power of N, so that `order` is one.

        The last two local orders above the floor agree within 0.2, where there are two: they differ by about as much
        as the last one is still away from its limit. And the particles agree on one integer: half the interval is at
        most 0.4.
        """
        half = (self.interval[1] - self.interval[0]) / 2
        return bool(half <= DOUBT and settled(self.local_orders[: np.flatnonzero(self.window)[-1]]))

    @property
    def verdict(self) -> tuple[str, str]:
        """The order and its interval in words: ("2.00", "1.99 to 2.01"), or ("not yet", "last slope 5.63") where the
        errors are not asymptotic."""
        if self.asymptotic:
            return f"{self.order:.2f}", f"{self.interval[0]:.2f} to {self.interval[1]:.2f}"
        return NOT_YET, f"last slope {self.local_orders[np.flatnonzero(self.window)[-1] - 1]:.2f}"

    def as_dict(self) -> dict:
        """All numbers but the errors of single particles."""
        found = pick(self, "method", "order", "interval", "asymptotic", "floor", "steps", "nfe")
        return found | pick(self, "errors", "local_orders", "window")

    def table(self) -> Table:
        """The order, and a row a step count: N, NFE, error, and the local order that leads to it."""
        slopes = [None, *(f"{slope:.2f}" for slope in self.local_orders)]
        cells = zip(self.steps, self.nfe, brackets(self.errors, self.window), slopes, strict=True)
        order, interval = self.verdict
        note = f"{self.method}: order {order} ({interval}); in brackets: not in the fit; floor {self.floor:.0e}"
        rows = tuple((str(n), str(f), *rest) for n, f, *rest in cells)
        return Table(("N", "NFE", "error", "local order"), rows, note)


def measure_order(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, method: MethodLike = "F-PNDM",
    steps: Iterable[int] = (320, 640), x_T: Tensor | None = None, n: int = 64, shape: tuple | None = None,
    seed: int | None = 0, t_start: float | None = None, t_end: float | None = None, spacing: str = "t",
    reference: Reference | Tensor | None = None, progress: bool = True, **options: Any,
) -> OrderEstimate:  # fmt: skip
    """Measure the convergence order of a method by its end-point errors at growing step counts.

    Args:
        steps: at least two step counts, increasing.
        t_end: by default that of the problem, else 0.2, because nearer to the data the asymptotic range begins beyond
            practical step counts (see the notebook on convergence order).
        reference: a `Reference`, or the exact end points as a tensor like x_T; by default the problem's closed form,
            else solved with DOP853. Others: see `toylab.analysis`. The round-off of a network shows as the floor.

    Raises:
        ValueError, TypeError: naming the argument; for stochastic or adaptive methods, which have no order in the step
            count, for an eps that is not deterministic, for a reference that did not converge, and when fewer than two
            errors lie above the floor.
        Interrupted: with the estimate from the step counts that are done.
    """
    resolved, steps = get(method, **options), step_counts(steps)
    check_method(resolved)
    problem = order_problem(eps, schedule, shape, t_start, t_end)
    x_T = start_particles(problem, n, seed, x_T)
    check_deterministic(problem, x_T)
    if reference is None:
        reference = problem.reference(x_T, progress=progress)
    elif not isinstance(reference, Reference):
        reference = Reference(x=_like(reference, x_T), error=0.0, nfe=0)
    floor = max(reference.error, round_off(reference.x, x_T.dtype))
    where = {"t_start": problem.t_start, "t_end": problem.t_end, "spacing": spacing}

    errors, nfe = [], []
    try:
        with Bar(total=int(steps.sum()), desc=resolved.name, unit="step", show=progress) as bar:
            for count in steps.tolist():
                run = sample(problem, None, resolved, count, x_T=x_T, record=False, progress=False, **where)
                errors.append((run.x.double() - reference.x).flatten(1).norm(dim=1).cpu().numpy())
                nfe.append(run.nfe)
                bar.update(count)
    except KeyboardInterrupt as stop:
        what = f"{resolved.name}: interrupted with {len(errors)} of {len(steps)} step counts done"
        done = _partial(resolved.name, steps, nfe, errors, floor, reference)
        raise Interrupted(what, done) from stop
    return _estimate(resolved.name, steps, np.array(nfe), np.array(errors), floor, reference)


def _partial(method, steps, nfe, errors, floor, reference):
    """The estimate from the step counts that are done, or None when they allow no fit."""
    try:
        return _estimate(method, steps[: len(errors)], np.array(nfe), np.array(errors), floor, reference)
    except ValueError:
        return None


def _estimate(method, steps, nfe, particle_errors, floor, reference):
    if len(particle_errors) < 2:
        raise ValueError(f"{method}: an order needs errors at two step counts, got {len(particle_errors)}")
    errors = np.sqrt((particle_errors**2).mean(1))
    with np.errstate(divide="ignore", invalid="ignore"):
        local_orders = slopes_between(steps, errors)
    window = asymptotic_window(errors, local_orders, floor)
    if window.sum() < 2:
        raise ValueError(
            f"{method}: fewer than two of the errors {np.array2string(errors, precision=2)} lie above "
            f"{ABOVE_FLOOR} times the round-off floor {floor:.1g}, so no order can be fitted; choose fewer steps"
        )
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, particle_errors.shape[1], (RESAMPLES, particle_errors.shape[1]))
    resampled = np.sqrt((particle_errors[window][:, drawn] ** 2).mean(2))
    slopes = slope(steps[window], resampled)
    return OrderEstimate(
        method=method,
        order=float(slope(steps[window], errors[window])),
        interval=tuple(np.quantile(slopes, [0.025, 0.975]).tolist()),
        local_orders=local_orders,
        steps=steps,
        nfe=nfe,
        errors=errors,
        particle_errors=particle_errors,
        window=window,
        floor=floor,
        reference=reference,
    )


def asymptotic_window(errors: np.ndarray, local_orders: np.ndarray, floor: float) -> np.ndarray:
    """The longest run of step counts that ends at the last error above the floor and whose local orders agree."""
    window = np.zeros(len(errors), bool)
    above = np.flatnonzero(errors > ABOVE_FLOOR * floor)
    if len(above) == 0:
        return window
    first = last = above[-1]
    while first > 0 and abs(local_orders[first - 1] - local_orders[last - 1]) <= AGREE:
        first -= 1
    window[first : last + 1] = True
    return window


def slopes_between(steps: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Slopes of -log(errors [k]) against log(steps [k]) between neighbours, float64 [k - 1]."""
    return -np.diff(np.log(errors)) / np.diff(np.log(steps))


def settled(local_orders: np.ndarray) -> bool:
    """True where the last two local orders above the floor agree within 0.2, or there are no two."""
    return len(local_orders) < 2 or bool(abs(local_orders[-1] - local_orders[-2]) <= SETTLED)


def slope_in_words(slope: float, local_orders: np.ndarray) -> str:
    """A slope with two decimals, or that there is none yet: "not yet, last slope 5.63"."""
    return f"{slope:.2f}" if settled(local_orders) else f"{NOT_YET}, last slope {local_orders[-1]:.2f}"


def slope(steps: np.ndarray, errors: np.ndarray) -> np.ndarray:
    """Least-squares slopes of -log(errors [k] or [k, m]) against log(steps [k]): a number or [m]."""
    return -np.polyfit(np.log(steps), np.log(errors), 1)[0]


def check_method(method: Method) -> None:
    """ValueError for a method that has no order in the step count: a stochastic or an adaptive one."""
    if method.stochastic or not method.fixed_grid:
        raise ValueError(f"method must step on the given grid without noise to have an order; {method.name} does not")


def order_problem(
    eps: Eps | Problem, schedule: ScheduleLike | None, shape: tuple | None, t_start: float | None, t_end: float | None
) -> Problem:
    """As `as_problem`, with all limits filled in, t_end = 0.2 where nobody says another."""
    problem = as_problem(eps, schedule, None, shape, t_start, t_end)
    start, end = problem.limits(None, T_END if problem.t_end is None else None)
    return replace(problem, t_start=start, t_end=end)


def check_deterministic(problem: Problem, x_T: Tensor) -> None:
    """ValueError for an eps that gives two answers at the same x and t; what eps returns is looked at."""
    where = {"x_T": x_T, "t_start": problem.t_start, "t_end": problem.t_end}
    (_, once), (_, again) = (iterate(problem.eps, problem.schedule, "DDIM", 1, **where) for _ in range(2))
    if not torch.equal(once, again):
        raise ValueError("eps must be deterministic: two evaluations at the same x and t differ (dropout left on?)")


def brackets(errors: Iterable[float], used: Iterable[bool]) -> list[str]:
    """A cell for each error, in brackets where a fit leaves it out."""
    return [f"{error:.2e}" if fits else f"({error:.2e})" for error, fits in zip(errors, used, strict=True)]


def round_off(x: Tensor, dtype: torch.dtype) -> float:
    """Error below which arithmetic in `dtype` rules, for states of the size of x."""
    return 16 * torch.finfo(dtype).eps * rms(x)


def _like(reference, x_T):
    if not isinstance(reference, Tensor) or reference.shape != x_T.shape:
        got = f"shape {tuple(reference.shape)}" if isinstance(reference, Tensor) else repr(reference)
        raise ValueError(f"reference must be a Reference or a tensor like x_T, {tuple(x_T.shape)}, got {got}")
    return reference.double()
