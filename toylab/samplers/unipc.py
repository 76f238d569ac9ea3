"""UniPC: a predictor and a corrector that share their evaluations, on x0 in lambda = -log sigma."""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from toylab.grids import SPACINGS
from toylab.samplers.base import Planned
from toylab.samplers.gradients import LATER_GRADIENTS
from toylab.samplers.pairs import Pair
from toylab.samplers.steps import Evaluation, Step
from toylab.samplers.transfers import DataPrediction
from toylab.samplers.weights import WEIGHTS
from toylab.schedules import Schedule


@dataclass(frozen=True)
class UniPC(Planned):
    """Multistep UniPC-p with data prediction (Zhao et al. 2023, UniPC, arXiv 2302.04867, section 3).

    UniP-p interpolates the last p slopes by a polynomial in lambda and averages it over 1 / sigma: an exponential
    Adams-Bashforth method of order p. UniC-p repeats the step with the slope at the predicted state as one more node:
    order p + 1. That slope is the next step's first evaluation anyway, so that N steps cost N evaluations; the last
    step has no corrector, whose local error is still that of order p + 1. States are reported after correction, hence
    two evaluations in the first step and none in the last.

    Solving the paper's linear system makes B(h) cancel; it matters only where the paper sets a single coefficient to
    1/2 instead, in UniP-2 and UniC-1. The start with rising orders, UniC-1 first, caps the global order at 3. At
    t_end = 0, where lambda is infinite, the last step has order 1.

    Attributes:
        name: canonical name. slopes: p.
        variant: B(h) of that coefficient, "bh2" (e^h - 1, the paper's first choice) or "bh1" (h).
        start: "rising", or "full": the first p - 1 steps by a Runge-Kutta method of order 4, 4 evaluations each.
        final: "lower" lets the order fall to 1 in the last p steps, as the authors' code does; "full" does not.
    """

    slopes: int
    variant: str = "bh2"
    start: str = "rising"
    final: str = "full"

    options: ClassVar[dict] = {"variant": ("bh2", "bh1"), "start": ("rising", "full"), "final": ("full", "lower")}

    @property
    def order(self) -> int:
        """The order of theory: p + 1, capped by a start or an end of order 1."""
        return min(self.slopes + 1, 3 if self.start == "rising" else 4, 2 if self.final == "lower" else 4)

    def plan(self, schedule: Schedule, times: Tensor) -> list[Step]:
        """See `Planned`."""
        t, s, n = times[:-1], times[1:], len(times) - 1
        first = min(self.slopes - 1, n) if self.start == "full" else 0
        starter = Pair(self.name, LATER_GRADIENTS[f"rising-ab{self.slopes}"], DataPrediction, start="full")
        steps = starter.between(schedule, t[:first], s[:first])
        moves = list(zip(*(part.tolist() for part in DataPrediction.move_parts(schedule, t, s)), strict=True))
        slopes = list(zip(*(part.tolist() for part in DataPrediction.slope_parts(schedule, times)), strict=True))
        for i in range(first, n):
            known = min(i + 1, self.slopes)  # slopes of which the predictor could make use
            used = 1 if s[i] == 0 else min(known, n - i) if self.final == "lower" else known
            scale, gain = moves[i]
            nodes = times[i - used + 1 : i + 1].flip(0)
            predicted = [gain * weight for weight in self._weights(schedule, nodes, s[i])]
            evaluations = []
            if i == first:  # no corrector has evaluated here
                evaluations.append(Evaluation(t[i], 1.0, [0.0] * (known - 1), slopes[i]))
            pad = [0.0] * (known - used)
            gains = pad + predicted[::-1]
            if i < n - 1:
                evaluations.append(Evaluation(s[i], scale, gains, slopes[i + 1]))
                corrected = self._weights(schedule, torch.cat([nodes, s[i : i + 1]]), s[i])
                gains = [*pad, *(gain * weight for weight in corrected[used - 1 :: -1]), gain * corrected[-1]]
            total = len(gains)
            steps.append(Step(evaluations, scale, gains, slice(max(0, total - self.slopes), total)))
        return steps

    def _weights(self, schedule, nodes, end):
        """Weights of the slopes at the times `nodes` [k] for the step from nodes[0] to `end`."""
        if len(nodes) == 2:
            return self._half(*(SPACINGS["logsnr"].clock(schedule, torch.stack([*nodes, end]))).tolist())
        return WEIGHTS["logsnr"](schedule, DataPrediction, nodes[None], end[None])[0].tolist()

    def _half(self, start, other, end):
        """Weights of two slopes with the coefficient 1/2 for the average of their difference, by log sigma."""
        h = start - end
        part = h / (start - other) / 2 * (1 if self.variant == "bh2" else h / -math.expm1(-h))
        return [1 - part, part]
