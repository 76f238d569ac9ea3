"""Methods that are a pair: one gradient part, one transfer part, one loop (Liu et al. 2022, section 3)."""

from dataclasses import dataclass
from itertools import pairwise

from .gradients import ADAMS_BASHFORTH, Gradient, adams_weights


@dataclass(frozen=True)
class Pair:
    """A method made of a gradient part and a transfer part.

    Attributes:
        name: canonical name. gradient: the gradient part. transfer: the transfer part.
        midpoint: clock of inner Runge-Kutta nodes, "t" (the paper's) or "sigma"; stages at the ends of
            a step, and methods without inner nodes, do not depend on it.
        weights: "equispaced" (the paper's) Adams-Bashforth weights whatever the grid, or "exact": those of
            the interpolating polynomial in the transfer's own clock on the nodes as they lie.
    """

    name: str
    gradient: Gradient
    transfer: type
    midpoint: str = "t"
    weights: str = "equispaced"

    options = {"midpoint": ("t", "sigma"), "weights": ("equispaced", "exact")}
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
        if self.midpoint == "t":
            return t + c * (s - t)
        sigma = schedule.sigma(t)
        return schedule.t_of_sigma(sigma + c * (schedule.sigma(s) - sigma))

    def _adams(self, schedule, past, s):
        """The average slope of the step that begins at the newest of `past` and ends at s."""
        weights = ADAMS_BASHFORTH[len(past)]
        if self.weights == "exact":
            clock = [self.transfer.clock(schedule, t).item() for t, _ in past]
            weights = adams_weights(clock, self.transfer.clock(schedule, s).item()).tolist()
        return _combine(weights, [slope for _, slope in past])


def _combine(weights, slopes, total=1):
    """Sum of weights * slopes / total, leaving out the slopes of weight 0."""
    return sum(weight / total * slope for weight, slope in zip(weights, slopes, strict=True) if weight)
