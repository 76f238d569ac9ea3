"""DPM-Solver (single-step, on eps) and DPM-Solver++(2M) (multistep, on x0), in lambda = -log sigma."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch

from toylab.samplers.data_prediction import DataPrediction
from toylab.samplers.gradients import adams_weights
from toylab.samplers.multistep import Multistep, combine
from toylab.samplers.quadrature import exponential_weights, log_snr
from toylab.samplers.transfers import Pseudo


@dataclass(frozen=True)
class DPMSolver:
    """Single-step DPM-Solver-2 and -3 (Lu et al. 2022, DPM-Solver, arXiv 2206.00927, algorithms 1 and 2): an
    exponential Runge-Kutta method of that order, as many evaluations a step, inner nodes at halves or thirds
    of the step in lambda.

    Order 2 is the pseudo transfer with the midpoint rule, its midpoint in lambda. In order 3 the second stage
    and the step itself average the straight line in lambda through the first and the latest slope exactly
    over sigma. A last step to t_end = 0, where lambda is infinite, has order 1 and one evaluation.

    Attributes:
        name: canonical name. order: 2 or 3.
    """

    name: str
    order: int

    options = {}
    stochastic = False
    fixed_grid = True

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        for t, s in pairwise(times):
            average = eps(x, t)
            if s > 0:
                average = self._average_slope(eps, schedule, x, average, t, s)
            x = Pseudo.move(schedule, x, average, t, s)
            yield x

    def _average_slope(self, eps, schedule, x, first, t, s):
        """The average slope of the step from t to s > 0, whose first slope is given."""
        start, step = log_snr(schedule, t), log_snr(schedule, s) - log_snr(schedule, t)
        middle = self._slope(eps, schedule, x, first, t, start + step / self.order)
        if self.order == 2:
            return middle
        average = _line(first, middle, step / 3, 2 * step / 3)
        late = self._slope(eps, schedule, x, average, t, start + 2 * step / 3)
        return _line(first, late, 2 * step / 3, step)

    @staticmethod
    def _slope(eps, schedule, x, average, t, log_snr):
        """The slope at the inner node of that lambda, reached from t with `average`."""
        u = schedule.t_of_sigma(torch.tensor(math.exp(-log_snr), dtype=torch.float64))
        return eps(Pseudo.move(schedule, x, average, t, u), u)


def _line(first, latest, node, end):
    """The straight line in lambda through slopes at 0 and `node`, averaged over sigma from 0 to `end`."""
    return combine(exponential_weights([0.0, node], end, rate=-1), [first, latest])


@dataclass(frozen=True)
class DPMSolverPlusPlus(Multistep):
    """DPM-Solver++(2M) (Lu et al. 2022b, DPM-Solver++, arXiv 2211.01095, algorithm 2): x0 extrapolated from
    the last two nodes by a straight line in lambda.

    It is S-PNDM in another frame: Adams-Bashforth weights of order 2, here in lambda and exact on any grid,
    for the transfer of data prediction. At t_end = 0, where lambda is infinite, the last step has order 1.

    Attributes:
        solver_type: "midpoint" (the paper's) takes the plain average of the straight line over lambda; "heun"
            the average over 1 / sigma that the transfer asks for. Both have order 2.
        final: "lower" ends with a step of order 1, as the authors' code does for few steps; "full" does not.
    """

    order: int = 2
    solver_type: str = "midpoint"
    final: str = "full"

    options = Multistep.options | {"solver_type": ("midpoint", "heun"), "final": ("full", "lower")}
    transfer = DataPrediction

    def slopes_used(self, steps_left, s):
        """One slope for a last step to t = 0 or with final "lower", otherwise two."""
        return 1 if s == 0 or (steps_left == 1 and self.final == "lower") else self.order

    def weights(self, schedule, times, s):
        """Weights of x0 at `times` (newest first) for the step from times[0] to s: a list of floats."""
        if len(times) == 1:
            return [1.0]
        nodes, end = [log_snr(schedule, t) for t in times], log_snr(schedule, s)
        if self.solver_type == "midpoint":
            return adams_weights(nodes, end).tolist()
        return exponential_weights(nodes, end, rate=1)
