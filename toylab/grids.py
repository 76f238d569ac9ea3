"""Where the nodes of a sampling run go: N steps, N + 1 decreasing times."""

import torch

from toylab._errors import number, positive_int, unknown_name

KARRAS_RHO = 7.0

# spacing -> (clock(schedule, t), its inverse t(schedule, clock)); the nodes are equispaced in the clock
_CLOCKS = {
    "t": (lambda schedule, t: t, lambda schedule, c: c),
    "sigma": (lambda schedule, t: schedule.sigma(t), lambda schedule, c: schedule.t_of_sigma(c)),
    "logsnr": (lambda schedule, t: schedule.sigma(t).log(), lambda schedule, c: schedule.t_of_sigma(c.exp())),
    "karras": (
        lambda schedule, t: schedule.sigma(t) ** (1 / KARRAS_RHO),
        lambda schedule, c: schedule.t_of_sigma(c**KARRAS_RHO),
    ),
    "quad": (lambda schedule, t: t.sqrt(), lambda schedule, c: c**2),
}


def spacings():
    """The known spacings: equispaced in t, in sigma, in log-SNR, in sigma^(1/7) (Karras et al. 2022),
    and in sqrt(t) ("quad" of Song, Meng and Ermon 2021)."""
    return list(_CLOCKS)


def limits(schedule, t_start=None, t_end=None):
    """(t_start, t_end) as floats, filled from the schedule; ValueError unless 0 <= t_end < t_start <= t_max."""
    t_start = number("t_start", schedule.t_max if t_start is None else t_start, 0, schedule.t_max)
    t_end = number("t_end", schedule.t_min if t_end is None else t_end, 0, schedule.t_max)
    if t_end >= t_start:
        raise ValueError(f"t_end must be less than t_start, got t_end = {t_end:g}, t_start = {t_start:g}")
    return t_start, t_end


def nodes(schedule, steps, t_start=None, t_end=None, spacing="t"):
    """`steps` + 1 times from t_start down to t_end, equispaced in the clock `spacing`: float64 [steps + 1].

    Raises TypeError or ValueError for steps below 1, limits out of order or range, an unknown spacing,
    and t_end = 0 with "logsnr", whose clock is infinite there.
    """
    steps = positive_int("steps", steps)
    t_start, t_end = limits(schedule, t_start, t_end)
    if not isinstance(spacing, str) or spacing.lower() not in _CLOCKS:
        raise unknown_name("spacing", spacing, spacings())
    clock, inverse = _CLOCKS[spacing.lower()]
    ends = clock(schedule, torch.tensor([t_start, t_end], dtype=torch.float64))
    if not ends.isfinite().all():
        raise ValueError(f"t_end must be greater than 0 with spacing {spacing!r}, got {t_end:g}")
    part = torch.arange(steps + 1, dtype=torch.float64) / steps
    times = inverse(schedule, ends[0] + (ends[1] - ends[0]) * part)
    times[0], times[-1] = t_start, t_end
    return _decreasing(times, f"steps = {steps} with spacing {spacing!r}")


def explicit(schedule, times):
    """Given nodes as float64 [N + 1]; ValueError unless they are at least two, decreasing and in [0, t_max]."""
    try:
        times = torch.as_tensor(times, dtype=torch.float64, device="cpu").detach().clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"times must be a list of decreasing numbers, got {times!r}") from error
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times must be a list of at least two decreasing numbers, got shape {tuple(times.shape)}")
    if not (times.isfinite() & (times >= 0) & (times <= schedule.t_max)).all():
        raise ValueError(f"times must lie in [0, {schedule.t_max:g}], got {times.tolist()}")
    return _decreasing(times, "times")


def _decreasing(times, what):
    rising = (times.diff() >= 0).nonzero()
    if len(rising):
        i = int(rising[0])
        raise ValueError(
            f"{what}: nodes must decrease strictly, but t[{i}] = {times[i]:.17g}, t[{i + 1}] = {times[i + 1]:.17g}"
        )
    return times
