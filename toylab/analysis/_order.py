"""Convergence order: how fast the end-point error falls as the number of steps grows."""

from dataclasses import dataclass

import numpy as np
import torch

from toylab import grids
from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab.problems.flow import Reference, reference_solution, rms
from toylab.samplers import get, sample
from toylab.samplers.core import PLANE, default_dtype, particle_shape, start_noise
from toylab.schedules import as_schedule

ABOVE_FLOOR = 10  # errors below this many times the floor take no part in a fit
AGREE = 0.3  # local orders of an asymptotic window lie this close to its last one
RESAMPLES = 400


@dataclass(frozen=True)
class OrderEstimate:
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

    def plot(self, ax=None):
        """Draw the log-log figure (see `toylab.figures.plot_order`). Returns the matplotlib Axes."""
        from toylab.figures import plot_order

        return plot_order([self], ax=ax)


def measure_order(
    eps, schedule, method="F-PNDM", steps=(320, 640), x_T=None, n=64, shape=PLANE, seed=0,
    t_start=None, t_end=0.2, spacing="t", reference=None, progress=True, **options,
):  # fmt: skip
    """Measure the convergence order of a method by its end-point errors at growing step counts.

    Args:
        eps, schedule, method, n, shape, spacing, t_start, **options: as for `toylab.sample`. Start noise is
            float64 unless eps is a network of another dtype, whose own round-off then shows as the floor.
        steps: at least two step counts, increasing.
        t_end: 0.2 by default, because nearer to the data the asymptotic range begins beyond practical
            step counts (docs in the notebook on convergence order).
        reference: a `Reference`, or the exact end points as a tensor like x_T; by default solved with DOP853.
        progress: show bars for work over two seconds.

    Returns an `OrderEstimate`. Raises ValueError for stochastic or adaptive methods, which have no order in
    the step count, for an eps that is not deterministic, for a reference that did not converge, and when
    fewer than two errors lie above the floor. Interrupted, it raises `Interrupted` with the estimate from the
    step counts that are done.
    """
    schedule, resolved = as_schedule(schedule), get(method, **options)
    check_method(resolved)
    steps = step_counts(steps)
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    x_T = start_particles(eps, x_T, n, shape, seed)
    check_deterministic(eps, x_T, t_start)
    if reference is None:
        reference = reference_solution(eps, schedule, x_T, t_start, t_end, progress=progress)
    elif not isinstance(reference, Reference):
        reference = Reference(x=_like(reference, x_T), error=0.0, nfe=0)
    floor = max(reference.error, round_off(reference.x, x_T.dtype))

    errors, nfe = [], []
    try:
        with Bar(total=int(steps.sum()), desc=resolved.name, unit="step", show=progress) as bar:
            for count in steps.tolist():
                run = sample(
                    eps, schedule, resolved, count, x_T=x_T, t_start=t_start, t_end=t_end, spacing=spacing,
                    record=False, progress=False,
                )  # fmt: skip
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
    log_steps = np.log(steps)
    with np.errstate(divide="ignore", invalid="ignore"):
        local_orders = -np.diff(np.log(errors)) / np.diff(log_steps)
    window = asymptotic_window(errors, local_orders, floor)
    if window.sum() < 2:
        raise ValueError(
            f"{method}: fewer than two of the errors {np.array2string(errors, precision=2)} lie above "
            f"{ABOVE_FLOOR} times the round-off floor {floor:.1g}, so no order can be fitted; choose fewer steps"
        )
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, particle_errors.shape[1], (RESAMPLES, particle_errors.shape[1]))
    resampled = np.sqrt((particle_errors[window][:, drawn] ** 2).mean(2))
    slopes = _slope(log_steps[window], np.log(resampled))
    return OrderEstimate(
        method=method,
        order=float(_slope(log_steps[window], np.log(errors[window])[:, None])[0]),
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


def asymptotic_window(errors, local_orders, floor):
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


def _slope(log_steps, log_errors):
    """Least-squares slopes of -log_errors [k, m] against log_steps [k]: [m]."""
    return -np.polyfit(log_steps, log_errors, 1)[0]


def step_counts(steps):
    """At least two increasing step counts, as an int array."""
    if isinstance(steps, str) or not hasattr(steps, "__iter__"):
        raise TypeError(f"steps must be a list of step counts, got {steps!r}")
    counts = np.array([positive_int("steps", count) for count in steps])
    if len(counts) < 2 or (np.diff(counts) <= 0).any():
        raise ValueError(f"steps must be at least two increasing step counts, got {counts.tolist()}")
    return counts


def check_method(method):
    """ValueError for a method that has no order in the step count: a stochastic or an adaptive one."""
    if method.stochastic or not method.fixed_grid:
        raise ValueError(f"method must step on the given grid without noise to have an order; {method.name} does not")


def start_particles(eps, x_T, n, shape, seed):
    """x_T, or start noise: float64 unless eps is a network of another dtype."""
    if x_T is not None:
        return x_T
    shape = particle_shape(eps, shape)
    return start_noise(positive_int("n", n), shape, seed, *default_dtype(eps, otherwise=torch.float64))


def check_deterministic(eps, x_T, t_start):
    """ValueError for an eps that gives two answers at the same x and t."""
    t = torch.tensor(t_start, dtype=torch.float64, device=x_T.device)
    with torch.no_grad():
        if not torch.equal(eps(x_T, t), eps(x_T, t)):
            raise ValueError("eps must be deterministic: two evaluations at the same x and t differ (dropout left on?)")


def round_off(x, dtype):
    """Error below which arithmetic in `dtype` rules, for states of the size of x."""
    return 16 * torch.finfo(dtype).eps * rms(x)


def _like(reference, x_T):
    if not isinstance(reference, torch.Tensor) or reference.shape != x_T.shape:
        got = f"shape {tuple(reference.shape)}" if isinstance(reference, torch.Tensor) else repr(reference)
        raise ValueError(f"reference must be a Reference or a tensor like x_T, {tuple(x_T.shape)}, got {got}")
    return reference.double()
