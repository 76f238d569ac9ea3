"""UniPC: a predictor and a corrector that share their evaluations, on x0 in lambda = -log sigma."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from toylab.samplers.base import Planned
from toylab.samplers.gradients import LATER_GRADIENTS
from toylab.samplers.pairs import Pair
from toylab.samplers.steps import Evaluation, Step, numbers
from toylab.samplers.transfers import DataPrediction
from toylab.samplers.weights import WEIGHTS, weigher
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

    def plan(self, schedule: Schedule, t: Tensor, s: Tensor, part: range) -> list[Step]:
        """See `Planned`."""
        n, first = len(t), self.slopes - 1 if self.start == "full" else 0
        starter = Pair(self.name, LATER_GRADIENTS[f"rising-ab{self.slopes}"], DataPrediction, start="full")
        cut = min(max(first, part.start), part.stop)
        steps = starter.plan(schedule, t, s, range(part.start, cut))
        part, own = range(cut, part.stop), slice(cut, part.stop)
        if not part:
            return steps
        known = np.minimum(np.asarray(part) + 1, self.slopes)  # slopes of which the predictor could make use
        used = np.minimum(known, n - np.asarray(part)) if self.final == "lower" else known.copy()
        if part.stop == n and s[-1] == 0:
            used[-1] = 1
        weigh = weigher(WEIGHTS["logsnr"], schedule, DataPrediction, t, s, part, used, self.slopes, self._half)
        scales, gain = DataPrediction.move_parts(schedule, t[own], s[own])
        predictors, correctors = (
            (gain[:, None] * torch.from_numpy(each)).tolist() for each in (weigh(), weigh(end=True))
        )
        there, *slopes = numbers(*DataPrediction.slope_parts(schedule, torch.cat([t[cut : cut + 1], s[own]])))
        for i, count, scale, predictor, corrector, end, slope in zip(
            part, known.tolist(), scales.tolist(), predictors, correctors, s[own].unbind(), slopes, strict=True
        ):
            gains, evaluations = predictor[self.slopes - count :], []
            if i == first:  # no corrector has evaluated here
                evaluations.append(Evaluation(t[i], 1.0, (), there))
            if i < n - 1:
                evaluations.append(Evaluation(end, scale, gains, slope))
                gains = corrector[self.slopes - count :]
            steps.append(Step(evaluations, scale, gains, slice(max(0, len(gains) - self.slopes), len(gains))))
        return steps

    def _half(self, readings, ends):
        """Weights [n, 2] of two slopes, with the coefficient 1/2 for the average of their difference."""
        start, other = readings.T
        h = start - ends
        with np.errstate(invalid="ignore", divide="ignore"):  # a step to t = 0 has no corrector
            part = h / (start - other) / 2 * (1 if self.variant == "bh2" else h / -np.expm1(-h))
        return np.stack([1 - part, part], 1)
