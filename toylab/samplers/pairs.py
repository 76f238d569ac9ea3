"""Methods that are a gradient part, a transfer part and a weights part (Liu et al. 2022, section 3)."""

from dataclasses import InitVar, dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab.samplers.base import Planned
from toylab.samplers.gradients import ONE_SLOPE, RK4, Gradient
from toylab.samplers.steps import Evaluation, Step, numbers
from toylab.samplers.transfers import Frozen, Transfer
from toylab.samplers.weights import WEIGHTS, clock_of, weigher
from toylab.schedules import Schedule

MIDPOINTS = ("t", "sigma", "logsnr", "own")
OWN_CLOCK = {"classical": "t", "pseudo": "sigma"}  # transfers whose clock is that of a spacing


@dataclass(frozen=True)
class Pair(Planned):
    """A method made of parts: what a step combines, what that is and how it moves a state, how it is averaged.

    Where a clock that is asked for is infinite at the end of a step (1 / sigma and log sigma at t = 0), the step uses
    the newest slope alone.

    Attributes:
        name: canonical name. gradient: the gradient part. transfer: the transfer part.
        midpoint: clock of inner Runge-Kutta nodes: "t" (the paper's), "sigma", "logsnr", or "own", the transfer's;
            stages at the ends of a step, and methods without inner nodes, do not depend on it.
        weights: the weights part, see `toylab.samplers.weights.WEIGHTS`: "equispaced" (the paper's) Adams-Bashforth
            weights whatever the grid; "exact", those of the interpolating polynomial in the transfer's own clock on
            the nodes as they lie; or "t", "logsnr", "midpoint". Runge-Kutta methods have the weights of their tableau,
            but for "heun3", whose slopes are interpolated too.
        start: of a method that starts itself, "rising" orders, as the papers do: one evaluation a step, but the local
            error of the first step, O(h^2), caps the global order at 2. "full" takes the steps that lack a past by RK4
            with midpoints in the transfer's own clock, 4 evaluations each.
        final: "lower" lets the number of slopes fall to 1 in the last steps, as the code of DPM-Solver++ does for few
            steps; "full" does not.
    """

    gradient: Gradient
    transfer: type[Transfer]
    midpoint: str = "t"
    weights: str = "equispaced"
    start: str = "rising"
    final: str = "full"

    @property
    def options(self) -> dict[str, Any]:
        """See `Method`; start and final are for methods that start themselves."""
        options = {"midpoint": MIDPOINTS, "weights": tuple(WEIGHTS)}
        return options | {"start": ("rising", "full"), "final": ("full", "lower")} if self.gradient.rising else options

    @property
    def order(self) -> int:
        """The order of theory on a grid uniform in t: the formula's, or less where a clock is not the transfer's.

        Slopes averaged over the wrong clock leave an error of h^2; made in the first few steps alone, one of h^3.
        """
        gradient, (tableau, midpoint) = self.gradient, self._starter()
        limits = [gradient.order]
        own = OWN_CLOCK.get(self.transfer.name)
        if self.transfer is Frozen:
            limits.append(1)
        if tableau and any(0 < c < 1 for c in tableau.c):
            interpolated = tableau.through and self.weights != "equispaced" and WEIGHTS[self.weights].over == "own"
            if midpoint not in ("own", own) and not interpolated:
                limits.append(2 if gradient.adams is None else 3)
        if gradient.adams and gradient.adams > 1:
            weights = WEIGHTS[self.weights]
            if weights.over != "own" or (weights.polynomial is None and own != "t"):
                limits.append(2)
            if (gradient.rising and self.start == "rising") or self.final == "lower":
                limits.append(2)
        return min(limits)

    def plan(self, schedule: Schedule, t: Tensor, s: Tensor, part: range) -> list[Step]:
        """See `Planned`."""
        tableau, midpoint = self._starter()
        first = self.gradient.adams - 1 if tableau and self.gradient.adams else 0 if self.gradient.adams else len(t)
        cut = min(max(first, part.start), part.stop)
        starting = slice(part.start, cut)
        steps = self._runge_kutta(schedule, t[starting], s[starting], tableau, midpoint, part.start)
        return steps + self._adams(schedule, t, s, range(cut, part.stop))

    def _starter(self):
        """(the tableau of the first steps or of all, the clock of its inner nodes)."""
        if self.gradient.rising and self.start == "full":
            return RK4, "own"
        return self.gradient.tableau, self.midpoint

    def _runge_kutta(self, schedule, t, s, tableau, midpoint, first):
        if not len(t):
            return []
        clock, time = clock_of(midpoint, self.transfer)
        inner = any(0 < c < 1 for c in tableau.c)
        if inner and not clock(schedule, s[-1]).isfinite():
            last = self._runge_kutta(schedule, t[-1:], s[-1:], ONE_SLOPE, midpoint, first + len(t) - 1)
            return self._runge_kutta(schedule, t[:-1], s[:-1], tableau, midpoint, first) + last
        nodes = {c: t if c == 0 else s if c == 1 else _between(schedule, clock, time, t, s, c) for c in {*tableau.c, 1}}
        stages, targets = (torch.stack([nodes[c] for c in parts]) for parts in (tableau.c, (*tableau.c[1:], 1)))
        slopes = torch.stack(self.transfer.slope_parts(schedule, stages), -1)
        scales, gains = self.transfer.move_parts(schedule, t.expand_as(targets), targets)
        weights = [self._stage_weights(schedule, tableau, i, nodes, end) for i, end in enumerate(targets)]
        rows = [(gain[:, None] * each).tolist() for gain, each in zip(gains, weights, strict=True)]
        moves = zip(zip(*scales.tolist(), strict=True), zip(*rows, strict=True), strict=True)
        at, slopes = zip(*(each.unbind() for each in stages), strict=True), zip(*slopes.tolist(), strict=True)
        steps = []
        for i, (times, slope, (scale, gain)) in enumerate(zip(at, slopes, moves, strict=True), first):
            past = [0.0] * i if self.gradient.adams else []
            reached = [(1.0, past), *((factor, past + row) for factor, row in zip(scale, gain, strict=True))]
            evaluations = [Evaluation(t, *where, parts) for t, where, parts in zip(times, reached, slope, strict=False)]
            steps.append(Step(evaluations, *reached[-1], keep=slice(len(past) + 1 if self.gradient.adams else 0)))
        return steps

    def _stage_weights(self, schedule, tableau, stage, nodes, end):
        """Weights of the slopes at the first nodes, for the state at the next node or the end of the step: [n, k]."""
        rows, totals = (*tableau.a[1:], tableau.b), (*tableau.c[1:], 1)
        row = [weight / totals[stage] for weight in rows[stage]]
        if not tableau.through or self.weights == "equispaced":
            return torch.tensor(row, dtype=torch.float64).expand(len(end), -1)
        used = list(tableau.through[stage])
        weights = np.zeros((len(end), len(row)))
        known = torch.stack([nodes[tableau.c[i]] for i in used], 1)
        weights[:, used] = WEIGHTS[self.weights](schedule, self.transfer, known, end)
        return torch.from_numpy(weights)

    def _adams(self, schedule, t, s, part):
        if not part:
            return []
        weights, most, own = WEIGHTS[self.weights], self.gradient.adams or 1, slice(part.start, part.stop)
        used = np.minimum(np.asarray(part) + 1, most)
        if self.final == "lower":
            used = np.minimum(used, len(t) - np.asarray(part))
        used = np.where(weights.finite(schedule, self.transfer, s[own]), used, 1)
        averages = torch.from_numpy(weigher(weights, schedule, self.transfer, t, s, part, used, most)())
        scale, gain = self.transfer.move_parts(schedule, t[own], s[own])
        moves = zip(scale.tolist(), (gain[:, None] * averages).tolist(), strict=True)
        slopes = numbers(*self.transfer.slope_parts(schedule, t[own]))
        steps = []
        for i, node, slope, (factor, gains) in zip(part, t[own].unbind(), slopes, moves, strict=True):
            known = min(i + 1, most)  # slopes, with that of this step
            evaluations = [Evaluation(node, 1.0, (), slope)]
            steps.append(Step(evaluations, factor, gains[most - known :], slice(max(0, known + 1 - most), known)))
        return steps


@dataclass(frozen=True)
class DPMSolverPlusPlus(Pair):
    """DPM-Solver++(2M): x0 extrapolated from the last two nodes by a straight line in lambda = -log sigma.

    It is S-PNDM in another frame: Adams-Bashforth weights of order 2, here in lambda and exact on any grid, for the
    transfer of data prediction. `solver_type` is what the authors' code calls the weights: "midpoint" (the paper's)
    takes the plain average of the straight line over lambda, "heun" (here "logsnr") the average over 1 / sigma that
    the transfer asks for. Both have order 2.
    """

    solver_type: InitVar[str | None] = None

    def __post_init__(self, solver_type):
        if solver_type is not None:
            object.__setattr__(self, "weights", {"midpoint": "midpoint", "heun": "logsnr"}[solver_type])

    @property
    def options(self) -> dict[str, Any]:
        """See `Pair`."""
        return super().options | {"solver_type": ("midpoint", "heun")}


def _between(schedule, clock, time, t, s, c):
    """The times [n] that divide the way from t to s as c : 1 - c in a clock."""
    start, end = clock(schedule, t), clock(schedule, s)
    return time(schedule, start + c * (end - start))
