"""The nodes of a sampling run: N steps, N + 1 decreasing times."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from toylab._errors import number, positive_int, unknown_name
from toylab.schedules import Schedule, as_schedule

KARRAS_RHO = 7.0
MOST_STEPS = 10**8  # steps of one run: its times, and how often it evaluated in each, take 24 bytes a step


@dataclass(frozen=True)
class Spacing:
    """Nodes that are even in a clock, which is a function of t or of sigma.

    Attributes:
        of: "t" or "sigma". forward: the clock as a function of it, of float64 tensors. backward: its inverse.
        title: in a few words. color, marker: how figures draw it.
    """

    of: str
    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor], Tensor]
    title: str
    color: str
    marker: str

    def clock(self, schedule: Schedule, t: Tensor) -> Tensor:
        """The clock at the times t."""
        return self.forward(t if self.of == "t" else schedule.sigma(t))

    def time(self, schedule: Schedule, clock: Tensor) -> Tensor:
        """The times at which it shows `clock`."""
        return self.backward(clock) if self.of == "t" else schedule.t_of_sigma(self.backward(clock))

    def sigma(self, schedule: Schedule, clock: Tensor) -> Tensor:
        """sigma where it shows `clock`."""
        return schedule.sigma(self.backward(clock)) if self.of == "t" else self.backward(clock)


def _same(value):
    return value


SPACINGS = {
    "t": Spacing("t", _same, _same, "even in t", "#440154", "o"),
    "sigma": Spacing("sigma", _same, _same, "even in sigma", "#424086", "s"),
    "logsnr": Spacing("sigma", torch.log, torch.exp, "even in log-SNR", "#2c728e", "D"),
    "karras": Spacing("sigma", lambda sigma: sigma ** (1 / KARRAS_RHO), lambda clock: clock**KARRAS_RHO,
                      "even in sigma^(1/7) (Karras et al. 2022)", "#1fa088", "^"),
    "quad": Spacing("t", torch.sqrt, torch.square, "even in sqrt(t) (Song, Meng and Ermon 2021)", "#5ec962", "v"),
}  # fmt: skip


def spacings() -> list[str]:
    """The names of the known spacings."""
    return list(SPACINGS)


def limits(schedule: Schedule, t_start: float | None = None, t_end: float | None = None) -> tuple[float, float]:
    """(t_start, t_end) as floats, filled from the schedule; ValueError unless 0 <= t_end < t_start <= t_max."""
    schedule = as_schedule(schedule)
    t_start = number("t_start", schedule.t_max if t_start is None else t_start, 0, schedule.t_max)
    t_end = number("t_end", schedule.t_min if t_end is None else t_end, 0, schedule.t_max)
    if t_end >= t_start:
        raise ValueError(f"t_end must be less than t_start, got t_end = {t_end:g}, t_start = {t_start:g}")
    return t_start, t_end


def nodes(
    schedule: Schedule, steps: int, t_start: float | None = None, t_end: float | None = None, spacing: str = "t"
) -> Tensor:
    """`steps` + 1 times from t_start down to t_end, equispaced in the clock `spacing`: float64 [steps + 1].

    Raises TypeError or ValueError for steps below 1, limits out of order or range, an unknown spacing,
    and t_end = 0 with "logsnr", whose clock is infinite there.
    """
    schedule, steps = as_schedule(schedule), positive_int("steps", steps, at_most=MOST_STEPS)
    t_start, t_end = limits(schedule, t_start, t_end)
    if not isinstance(spacing, str) or spacing.lower() not in SPACINGS:
        raise unknown_name("spacing", spacing, spacings())
    chosen = SPACINGS[spacing.lower()]
    ends = chosen.clock(schedule, torch.tensor([t_start, t_end], dtype=torch.float64))
    if not ends.isfinite().all():
        raise ValueError(f"t_end must be greater than 0 with spacing {spacing!r}, got {t_end:g}")
    part = torch.arange(steps + 1, dtype=torch.float64) / steps
    times = chosen.time(schedule, ends[0] + (ends[1] - ends[0]) * part)
    times[0], times[-1] = t_start, t_end
    return _one_way(times, f"steps = {steps} with spacing {spacing!r}")


def explicit(schedule: Schedule, times: Sequence[float] | Tensor) -> Tensor:
    """Given nodes as float64 [N + 1]: at least two, in [0, t_max], decreasing (noise to data) or increasing.

    Raises TypeError or ValueError otherwise.
    """
    schedule = as_schedule(schedule)
    try:
        times = torch.as_tensor(times, dtype=torch.float64, device="cpu").detach().clone()
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"times must be a list of decreasing numbers, got {times!r}") from error
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times must be a list of at least two decreasing numbers, got shape {tuple(times.shape)}")
    if not (times.isfinite() & (times >= 0) & (times <= schedule.t_max)).all():
        raise ValueError(f"times must lie in [0, {schedule.t_max:g}], got {times.tolist()}")
    if times[-1] > times[0]:
        return _one_way(times.flip(0), "times, from the last to the first").flip(0)
    return _one_way(times, "times")


def _one_way(times, what):
    rising = (times.diff() >= 0).nonzero()
    if len(rising):
        i = int(rising[0])
        raise ValueError(
            f"{what}: nodes must decrease strictly, but t[{i}] = {times[i]:.17g}, t[{i + 1}] = {times[i + 1]:.17g}"
        )
    return times
