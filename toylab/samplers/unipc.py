"""UniPC: a predictor and a corrector that share their evaluations, on x0 in lambda = -log sigma."""

import math
from dataclasses import dataclass
from itertools import pairwise

from toylab.samplers.data_prediction import DataPrediction
from toylab.samplers.multistep import combine, full_order_step
from toylab.samplers.quadrature import exponential_weights, log_snr


@dataclass(frozen=True)
class UniPC:
    """Multistep UniPC-p with data prediction (Zhao et al. 2023, UniPC, arXiv 2302.04867, section 3).

    UniP-p interpolates the last p slopes by a polynomial in lambda and averages it over 1 / sigma: an
    exponential Adams-Bashforth method of order p. UniC-p repeats the step with the slope at the predicted
    state as one more node: order p + 1. That slope is the next step's first evaluation anyway, so that N
    steps cost N evaluations; the last step has no corrector, whose local error is still that of order p + 1.
    States are reported after correction, hence two evaluations in the first step and none in the last.

    Solving the paper's linear system makes B(h) cancel; it matters only where the paper sets a single
    coefficient to 1/2 instead, in UniP-2 and UniC-1. The start with rising orders, UniC-1 first, caps the
    global order at 3. At t_end = 0, where lambda is infinite, the last step has order 1.

    Attributes:
        name: canonical name. order: p.
        variant: B(h) of that coefficient, "bh2" (e^h - 1, the paper's first choice) or "bh1" (h).
        start: "rising", or "full": the first p - 1 steps by a Runge-Kutta method of order 4, 4 evaluations
            each.
        final: "lower" lets the order fall to 1 in the last p steps, as the authors' code does; "full" does
            not.
    """

    name: str
    order: int
    variant: str = "bh2"
    start: str = "rising"
    final: str = "full"

    options = {"variant": ("bh2", "bh1"), "start": ("rising", "full"), "final": ("full", "lower")}
    stochastic = False
    fixed_grid = True

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        transfer, steps = DataPrediction, len(times) - 1
        past = []  # (t, slope) at the last nodes, newest first
        for step, (t, s) in enumerate(pairwise(times)):
            if self.start == "full" and step < self.order - 1:
                end, first = full_order_step(eps, schedule, x, t, s)
                past = [(t, transfer.slope(schedule, x, first, t)), *past]
                x = end
                yield x
                continue
            if len(past) <= step:  # no corrector has evaluated here
                past = [(t, transfer.slope(schedule, x, eps(x, t), t)), *past]
            order = 1 if s == 0 else min(self.order, steps - step if self.final == "lower" else self.order)
            used = past[:order]
            predicted = self._step(schedule, x, used, t, s)
            if step < steps - 1:
                arrived = (s, transfer.slope(schedule, predicted, eps(predicted, s), s))
                past = [arrived, *past]
                x = self._step(schedule, x, [*used, arrived], t, s)
            else:
                x = predicted
            yield x

    def _step(self, schedule, x, used, t, s):
        """From t to s with the slopes `used`: (time, slope), that at t first."""
        if len(used) == 1:
            weights = [1.0]
        else:
            nodes, end = [log_snr(schedule, node) for node, _ in used], log_snr(schedule, s)
            weights = self._half(nodes, end) if len(used) == 2 else exponential_weights(nodes, end, rate=1)
        return DataPrediction.move(schedule, x, combine(weights, [slope for _, slope in used]), t, s)

    def _half(self, nodes, end):
        """Weights of two slopes with the coefficient 1/2 for the average of their difference."""
        h = end - nodes[0]
        part = h / (nodes[1] - nodes[0]) / 2 * (1 if self.variant == "bh2" else h / -math.expm1(-h))
        return [1 - part, part]
