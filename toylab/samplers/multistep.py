"""One loop for the multistep methods that come with weights of their own."""

from dataclasses import dataclass
from itertools import pairwise

import torch

from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.pairs import Pair
from toylab.samplers.transfers import Pseudo

_STARTER = Pair("PRK", GRADIENTS["rk4"], Pseudo, midpoint="sigma")


@dataclass(frozen=True)
class Multistep:
    """A multistep method: `transfer` says what is averaged and how it moves a state, `weights` how it is
    averaged.

    Attributes:
        name: canonical name.
        order: the number of slopes that a step combines, which is also the order of the formula.
        start: "rising" uses the slopes there are, from one step of order 1 on, as the papers do: one
            evaluation a step, but the local error of the first step, O(h^2), caps the global order at 2.
            "full" takes the first order - 1 steps with a Runge-Kutta method of order 4 (PRK with midpoints in
            sigma), 4 evaluations each.
    """

    name: str
    order: int
    start: str = "rising"

    options = {"start": ("rising", "full")}
    stochastic = False
    fixed_grid = True
    transfer = Pseudo

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        past = []  # (t, slope) at the last nodes, newest first
        for step, (t, s) in enumerate(pairwise(times)):
            if self.start == "full" and step < self.order - 1:
                end, first = full_order_step(eps, schedule, x, t, s)
                past = [(t, self.transfer.slope(schedule, x, first, t)), *past]
                x = end
            else:
                slope = self.transfer.slope(schedule, x, eps(x, t), t)
                past = [(t, slope), *past][: self.order]
                used = past[: self.slopes_used(len(times) - 1 - step, s)]
                weights = self.weights(schedule, [t for t, _ in used], s)
                x = self.transfer.move(schedule, x, combine(weights, [slope for _, slope in used]), t, s)
            yield x

    def slopes_used(self, steps_left, s):
        """The most slopes that the step to s combines, `steps_left` counting it."""
        return self.order

    def weights(self, schedule, times, s):
        """Weights of the slopes at `times` (newest first) for the step from times[0] to s, floats."""
        raise NotImplementedError(f"{type(self).__name__} must define weights(schedule, times, s)")


def full_order_step(eps, schedule, x, t, s):
    """(the state at s, eps(x, t)): one step of order 4 that needs no past and evaluates eps at s too."""
    slopes = []

    def recorded(x, t):
        slopes.append(eps(x, t))
        return slopes[-1]

    end = next(_STARTER.run(recorded, schedule, torch.stack([t, s]), x, None))
    return end, slopes[0]


def combine(weights, slopes):
    """Sum of weights * slopes."""
    return sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
