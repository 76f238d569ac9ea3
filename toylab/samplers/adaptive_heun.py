"""An adaptive step size with the simplest embedded pair: Heun's method, and Euler's to tell its error."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from toylab._types import Eps
from toylab.samplers.base import Method, Noise, refuse_zero
from toylab.samplers.transfers import TRANSFERS
from toylab.schedules import Schedule

FIRST = 1e-2  # first step, as part of the whole interval
SAFETY, LEAST, MOST = 0.9, 0.2, 5.0  # how the step size may change from one attempt to the next


@dataclass(frozen=True)
class AdaptiveHeun(Method):
    """The Heun-Euler pair of order 2(1) with step size control (Hairer, Norsett and Wanner, Solving Ordinary
    Differential Equations I, section II.4), the whole batch as one system.

    Both methods are moves of a transfer: with "classical" they step in t and x, with "pseudo" in sigma and
    y = x / sqrt(alpha_bar), where Euler's method is DDIM. Tolerances apply to x. The solver places its own
    steps; at the grid's nodes states are reported, by the pair's free interpolation of order 2. eps is
    evaluated at the end: t_end > 0. A step costs two evaluations, a rejected attempt one.

    Attributes:
        name: canonical name. transfer: "pseudo" or "classical".
        rtol, atol: relative and absolute tolerance of the local error, taken to be Euler's.
    """

    transfer: str = "pseudo"
    rtol: float = 1e-3
    atol: float = 1e-3

    options: ClassVar[dict] = {"transfer": ("pseudo", "classical"), "rtol": float, "atol": float}
    fixed_grid: ClassVar[bool] = False

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise | None) -> Iterator[Tensor]:
        """See `Method.run`. eps is evaluated at both ends."""
        refuse_zero(self.name, schedule, times[[0, -1]])
        least = 100 * torch.finfo(x.dtype).eps
        if self.rtol < least:
            raise ValueError(f"rtol must be at least {least:.2g} for states of {x.dtype}, got {self.rtol:g}")
        return self._states(eps, schedule, times, x)

    def _states(self, eps, schedule, times, x):
        transfer, end = TRANSFERS[self.transfer], times[-1]
        clocks = transfer.clock(schedule, times).tolist()
        clock, way = clocks[0], 1 if clocks[-1] > clocks[0] else -1  # sizes are positive in either direction
        size = FIRST * abs(clocks[-1] - clocks[0])
        t, slope, reported = times[0], transfer.slope(schedule, x, eps(x, times[0]), times[0]), 1
        while reported < len(times):
            if size <= 1e-14 * abs(clock):
                raise ValueError(f"{self.name} failed at t = {t:g}: rtol or atol is too small for this eps")
            target = clocks[-1] if size >= abs(clocks[-1] - clock) else clock + way * size
            s = end if target == clocks[-1] else transfer.time(schedule, torch.tensor(target, dtype=torch.float64))
            guess = transfer.move(schedule, x, slope, t, s)
            average = (slope + transfer.slope(schedule, guess, eps(guess, s), s)) / 2
            arrived = transfer.move(schedule, x, average, t, s)
            error = self._error(x, guess, arrived)
            if error <= 1:
                while reported < len(times) and way * (clocks[reported] - target) <= 0:
                    part = (clocks[reported] - clock) / (target - clock)
                    yield transfer.move(schedule, x, slope + part * (average - slope), t, times[reported])
                    reported += 1
                t, x, clock = s, arrived, target
                if reported < len(times):
                    slope = transfer.slope(schedule, x, eps(x, t), t)
            size *= min(MOST, max(LEAST, SAFETY / max(error, 1e-12) ** 0.5))

    def _error(self, x, guess, arrived):
        """Root mean square of the estimated error, relative to what is allowed; huge if not a number."""
        allowed = self.atol + self.rtol * torch.maximum(x.abs(), arrived.abs())
        return ((arrived - guess) / allowed).square().mean().sqrt().nan_to_num(torch.inf).item()
