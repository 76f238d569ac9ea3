"""Gradient parts: how many slopes a step combines, and where. Tables of numbers, not code."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta method: stage i sits at part c[i] of the step, reached with the slope that
    averages the earlier ones with weights a[i] / c[i]; the step uses the average with weights b."""

    c: tuple
    a: tuple
    b: tuple


IMPROVED_EULER = Tableau(c=(0, 1), a=((), (1,)), b=(1 / 2, 1 / 2))
RK4 = Tableau(c=(0, 1 / 2, 1 / 2, 1), a=((), (1 / 2,), (0, 1 / 2), (0, 0, 1)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6))

# Adams-Bashforth weights of the slopes at the last nodes, newest first, for equispaced nodes
ADAMS_BASHFORTH = {
    1: (1.0,),
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}


def adams_weights(nodes, end):
    """Weights that average the interpolating polynomial through `nodes` [k] (newest first) over [nodes[0], end].

    They sum to 1 and, for equispaced nodes, equal ADAMS_BASHFORTH[k]. Hairer, Norsett and Wanner,
    Solving Ordinary Differential Equations I, section III.5 (variable step size).
    """
    u = (np.asarray(nodes, dtype=np.float64) - nodes[0]) / (end - nodes[0])
    powers = np.arange(len(u))
    return np.linalg.solve(u[None, :] ** powers[:, None], 1 / (powers + 1))


@dataclass(frozen=True)
class Gradient:
    """A gradient part.

    Attributes:
        name: what `toylab.method(gradient=...)` calls it.
        adams: the order of the multistep formula, or None for a pure Runge-Kutta method.
        tableau: the Runge-Kutta method of every step (adams is None) or of the first adams - 1 steps;
            None for a multistep method that starts itself with rising orders.
    """

    name: str
    adams: int | None = None
    tableau: Tableau | None = None

    def uses_tableau(self, step):
        """Whether step number `step` (from 0) is a Runge-Kutta step."""
        return self.tableau is not None and (self.adams is None or step < self.adams - 1)


GRADIENTS = {
    gradient.name: gradient
    for gradient in (
        Gradient("euler", adams=1),
        Gradient("improved-euler", tableau=IMPROVED_EULER),
        Gradient("rk4", tableau=RK4),
        Gradient("ab2", adams=2, tableau=IMPROVED_EULER),
        Gradient("ab4", adams=4, tableau=RK4),
        Gradient("plms", adams=4),
    )
}
