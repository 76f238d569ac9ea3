"""UniPC: a predictor and a corrector that share their evaluations, on x0 in lambda = -log sigma."""

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
        known = [min(i + 1, self.slopes) for i in range(n)]  # slopes of which the predictor could make use
        used = [min(count, n - i) if self.final == "lower" else count for i, count in enumerate(known)]
        if s[-1] == 0:
            used[-1] = 1
        predictors, correctors = self._weights(schedule, times, used, 0), self._weights(schedule, times, used, 1)
        at = times.unbind()
        for i in range(first, n):
            (scale, gain), pad = moves[i], [0.0] * (known[i] - used[i])
            gains = [*pad, *(gain * weight for weight in predictors[i])]
            evaluations = []
            if i == first:  # no corrector has evaluated here
                evaluations.append(Evaluation(at[i], 1.0, [0.0] * (known[i] - 1), slopes[i]))
            if i < n - 1:
                evaluations.append(Evaluation(at[i + 1], scale, gains, slopes[i + 1]))
                gains = [*pad, *(gain * weight for weight in correctors[i])]
            steps.append(Step(evaluations, scale, gains, slice(max(0, len(gains) - self.slopes), len(gains))))
        return steps

    def _weights(self, schedule, times, used, corrector):
        """{step: weights of its last `used` slopes, old to new}; with `corrector` 1, of that at its end as well."""
        found = {}
        for count in set(used):
            steps = torch.tensor([i for i, slopes in enumerate(used[: len(used) - corrector]) if slopes == count])
            if not len(steps):
                continue
            nodes = times[steps[:, None] + torch.tensor([*range(0, -count, -1), *([1] * corrector)])]
            row = self._half if nodes.shape[1] == 2 else WEIGHTS["logsnr"]
            weights = row(schedule, DataPrediction, nodes, times[steps + 1])
            order = [*range(count - 1, -1, -1), *([count] * corrector)]
            found |= dict(zip(steps.tolist(), weights[:, order].tolist(), strict=True))
        return found

    def _half(self, schedule, transfer, nodes, end):
        """Weights [n, 2] of two slopes with the coefficient 1/2 for the average of their difference."""
        clock = SPACINGS["logsnr"].clock
        (start, other), end = clock(schedule, nodes).T, clock(schedule, end)
        h = start - end
        part = h / (start - other) / 2 * (1 if self.variant == "bh2" else h / -torch.expm1(-h))
        return torch.stack([1 - part, part], 1)
