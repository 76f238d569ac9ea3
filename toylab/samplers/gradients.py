"""Gradient parts: how many slopes a step combines, and where. Tables of numbers, not code."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Tableau:
    """An explicit Runge-Kutta method: stage i sits at part c[i] of the step, reached with the slope that averages the
    earlier ones with weights a[i] / c[i]; the step uses the average with weights b.

    `order`: of the method, where its slopes are averaged over the right clock. `through`: for each stage after the
    first, and for the step, the stages whose slopes are interpolated by a polynomial, which the weights part can then
    average in another clock; () where a and b are no such averages.
    """

    c: tuple[float, ...]
    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    order: int
    through: tuple[tuple[int, ...], ...] = ()


ONE_SLOPE = Tableau(c=(0,), a=((),), b=(1,), order=1)
IMPROVED_EULER = Tableau(c=(0, 1), a=((), (1,)), b=(1 / 2, 1 / 2), order=2)
RK4 = Tableau(c=(0, 1 / 2, 1 / 2, 1), a=((), (1 / 2,), (0, 1 / 2), (0, 0, 1)), b=(1 / 6, 1 / 3, 1 / 3, 1 / 6), order=4)
MIDPOINT = Tableau(c=(0, 1 / 2), a=((), (1 / 2,)), b=(0, 1), order=2)
HEUN3 = Tableau(
    c=(0, 1 / 3, 2 / 3), a=((), (1 / 3,), (0, 2 / 3)), b=(1 / 4, 0, 3 / 4), order=3, through=((0,), (0, 1), (0, 2))
)


@dataclass(frozen=True)
class Gradient:
    """A gradient part.

    Attributes:
        name: what `toylab.method(gradient=...)` calls it.
        adams: the number of slopes of the multistep formula, or None for a pure Runge-Kutta method.
        tableau: the Runge-Kutta method of every step (adams is None) or of the first adams - 1 steps; None for a
            multistep method that starts itself with the slopes there are, from one step of order 1 on.
    """

    name: str
    adams: int | None = None
    tableau: Tableau | None = None

    @property
    def order(self) -> int:
        """The order of the formula, where its slopes are averaged over the right clock."""
        return self.adams or self.tableau.order

    @property
    def rising(self) -> bool:
        """True if it starts itself with rising orders, which caps the global order at 2."""
        return self.tableau is None and (self.adams or 0) > 1


def _by_name(*gradients):
    return {gradient.name: gradient for gradient in gradients}


GRADIENTS = _by_name(  # the paper's
    Gradient("euler", adams=1),
    Gradient("improved-euler", tableau=IMPROVED_EULER),
    Gradient("rk4", tableau=RK4),
    Gradient("ab2", adams=2, tableau=IMPROVED_EULER),
    Gradient("ab4", adams=4, tableau=RK4),
    Gradient("plms", adams=4),
)
LATER_GRADIENTS = _by_name(
    Gradient("midpoint", tableau=MIDPOINT),
    Gradient("heun3", tableau=HEUN3),  # Heun's method of third order
    Gradient("rising-ab2", adams=2),
    Gradient("rising-ab3", adams=3),
)
