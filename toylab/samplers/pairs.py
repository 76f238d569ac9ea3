"""Methods that are a pair: one gradient part, one transfer part, one loop (Liu et al. 2022, section 3)."""

from dataclasses import dataclass
from itertools import pairwise
from math import isinf

from toylab.samplers.gradients import ADAMS_BASHFORTH, Gradient, adams_weights
from toylab.samplers.transfers import Classical, Pseudo


@dataclass(frozen=True)
class Pair:
    """A method made of a gradient part and a transfer part.

    Attributes:
        name: canonical name. gradient: the gradient part. transfer: the transfer part.
        midpoint: clock of inner Runge-Kutta nodes, "t" (the paper's), "sigma", or "own", the transfer's;
            stages at the ends of a step, and methods without inner nodes, do not depend on it.
        weights: "equispaced" (the paper's) Adams-Bashforth weights whatever the grid, or "exact": those of
            the interpolating polynomial in the transfer's own clock on the nodes as they lie. Where that
            clock is infinite at the end (1 / sigma at t = 0) the step uses the newest slope alone.
    """

    name: str
    gradient: Gradient
    transfer: type
    midpoint: str = "t"
    weights: str = "equispaced"

    options = {"midpoint": ("t", "sigma", "own"), "weights": ("equispaced", "exact")}
    stochastic = False
    fixed_grid = True

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        past = []  # (t, slope) at the last nodes, newest first
        for step, (t, s) in enumerate(pairwise(times)):
            past = past[: (self.gradient.adams or 1) - 1]
            if self.gradient.uses_tableau(step):
                average, slope = self._runge_kutta(eps, schedule, x, t, s)
                past = [(t, slope), *past]
            else:
                past = [(t, self.transfer.slope(schedule, x, eps(x, t), t)), *past]
                average = self._adams(schedule, past, s)
            x = self.transfer.move(schedule, x, average, t, s)
            yield x

    def _runge_kutta(self, eps, schedule, x, t, s):
        """(the average slope of the step, the slope at its beginning)."""
        tableau, slopes = self.gradient.tableau, []
        for c, row in zip(tableau.c, tableau.a, strict=True):
            u = self._inner_node(schedule, t, s, c)
            stage = self.transfer.move(schedule, x, _combine(row, slopes, c), t, u) if slopes else x
            slopes.append(self.transfer.slope(schedule, stage, eps(stage, u), u))
        return _combine(tableau.b, slopes), slopes[0]

    def _inner_node(self, schedule, t, s, c):
        if c == 0 or c == 1:
            return s if c else t
        owner = {"t": Classical, "sigma": Pseudo, "own": self.transfer}[self.midpoint]
        clock = owner.clock(schedule, t)
        return owner.time(schedule, clock + c * (owner.clock(schedule, s) - clock))

    def _adams(self, schedule, past, s):
        """The average slope of the step that begins at the newest of `past` and ends at s."""
        weights = ADAMS_BASHFORTH[len(past)]
        if self.weights == "exact":
            clock = [self.transfer.clock(schedule, t).item() for t, _ in past]
            end = self.transfer.clock(schedule, s).item()
            if isinf(end):
                return past[0][1]
            weights = adams_weights(clock, end).tolist()
        return _combine(weights, [slope for _, slope in past])


def _combine(weights, slopes, total=1):
    """Sum of weights * slopes / total, leaving out the slopes of weight 0."""
    return sum(weight / total * slope for weight, slope in zip(weights, slopes, strict=True) if weight)
