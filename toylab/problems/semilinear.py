"""Semilinear ODEs outside diffusion, for the samplers as they are: dy/dt = a(t) y + b(t) f(y, t).

The probability flow is one of them, with f = eps. In general let A' = a A, A(t_max) = 1, and let c(t) be the
integral of b / A from t_max to t. Then z = y / A satisfies dz/dc = f: what sqrt(alpha_bar) and sigma are to a
diffusion, A and c are here. A `LinearPart` is a schedule that says so (log alpha_bar = 2 log A, sigma = c,
drift = a y + b f), and nothing about the samplers changes: the classical transfer averages dy/dt and moves
along a straight line; the pseudo transfer averages f and moves by phi, the exact flow for a constant f. With
one slope that is the exponential Euler method (Hochbruck and Ostermann 2010, Exponential integrators, Acta
Numerica 19, section 2), with more it is what PNDM does with eps.

Runs go from t_max down to 0, as those of a diffusion do. A problem that runs up is one of these in the time
that is left: t_max - t for t, -a for a, and -f for f.
"""

import math
from collections.abc import Callable
from typing import TypeAlias

import numpy as np
import torch
from torch import Tensor

from toylab._errors import number
from toylab.problems.problem import Problem
from toylab.schedules import Schedule

_NODES, _WEIGHTS = (torch.from_numpy(values) for values in np.polynomial.legendre.leggauss(48))
_CELLS = 512  # of the table from which the inverse of c starts
_NEWTON = 4

Coefficient: TypeAlias = float | Callable[[Tensor], Tensor]


def linear_part(a: Coefficient, b: Coefficient = 1.0, t_max: float = 1.0) -> "LinearPart":
    """The schedule of dy/dt = a(t) y + b(t) f(y, t) on [0, t_max], to be used with ``f(y, t)`` as eps.

    Args:
        a, b: numbers, or smooth functions of a float64 tensor t [...] that return a tensor [...]; b > 0.

    Integrals are Gauss quadrature with 48 nodes, exact to round-off for what is smooth on [0, t_max].
    Raises ValueError or TypeError naming the argument.
    """
    return LinearPart(a, b, t_max)


class LinearPart(Schedule):
    """See `linear_part`. `sigma`, here c, is 0 at t_max and negative below: spacings t, sigma and quad."""

    name = "semilinear"
    t_min = 0.0
    least_sigma = -math.inf

    def __init__(self, a: Coefficient, b: Coefficient = 1.0, t_max: float = 1.0) -> None:
        self.t_max = number("t_max", t_max, 0, open_low=True)
        self.a, self.b = _coefficient("a", a), _coefficient("b", b)
        self._t = torch.linspace(0, self.t_max, _CELLS + 1, dtype=torch.float64)
        for argument, values in (("a", self.a(self._t)), ("b", self.b(self._t))):
            if not isinstance(values, Tensor) or values.shape != self._t.shape or not values.isfinite().all():
                raise ValueError(f"{argument} must return a finite tensor like t on [0, t_max], got {values!r}")
        if not (self.b(self._t) > 0).all():
            raise ValueError(f"b must be positive on [0, t_max], got {self.b(self._t).min():g}; -f turns its sign")
        self._c = self.sigma(self._t)

    def _to_the_start(self, function, t):
        """The integral of function from t [...] to t_max: [...]."""
        half = (self.t_max - t) / 2
        return half * (function(t[..., None] + half[..., None] * (1 + _NODES)) @ _WEIGHTS)

    def _log_scale(self, t):
        return -self._to_the_start(self.a, t)

    def log_alpha_bar(self, t: Tensor) -> Tensor:
        """2 log A(t)."""
        return 2 * self._log_scale(t)

    def sigma(self, t: Tensor) -> Tensor:
        """c(t)."""
        return -self._to_the_start(lambda u: self.b(u) * torch.exp(-self._log_scale(u)), t)

    def noise_std(self, t: Tensor) -> Tensor:
        """A(t) c(t)."""
        return torch.exp(self._log_scale(t)) * self.sigma(t)

    def beta(self, t: Tensor) -> Tensor:
        """-2 a(t)."""
        return -2 * self.a(t)

    def drift(self, x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """a(t) x + b(t) eps."""
        return self.a(t) * x + self.b(t) * eps

    def t_of_sigma(self, sigma: Tensor) -> Tensor:
        """The inverse of c, by Newton's method from a table."""
        cell = torch.searchsorted(self._c, sigma.contiguous(), right=True).clamp(1, _CELLS)
        (low, high), (left, right) = (self._c[cell - 1], self._c[cell]), (self._t[cell - 1], self._t[cell])
        t = left + (right - left) * (sigma - low) / (high - low)
        for _ in range(_NEWTON):
            t = t - (self.sigma(t) - sigma) * torch.exp(self._log_scale(t)) / self.b(t)
            t = t.clamp(0, self.t_max)
        return t


def _coefficient(argument, value):
    if callable(value):
        return value
    constant = number(argument, value)
    return lambda t: torch.full_like(t, constant)


def prothero_robinson(stiffness: float = 50.0, known: float = 0.9, frequency: float = 1.0) -> Problem:
    """A stiff scalar problem with a closed form: dy/dt = L (y - g(t)) + g'(t), g = sin(2 pi frequency t).

    The solution is y = g + (y(1) - g(1)) exp(-L (1 - t)): it falls onto g within 1 / L and then follows it
    (Prothero and Robinson 1974, Mathematics of Computation 28, 145-162). The linear part holds the share
    `known` of the stiffness, a = known L; the rest is in f(y, t) = (1 - known) L y - L g + g', so that f
    depends on y as an eps does. With known = 1 a pseudo method cannot be unstable.

    Args: stiffness: L in (0, 500]. known: in (0, 1]. frequency: of g, in [0, 1e6].
    """
    stiffness = number("stiffness", stiffness, 0, 500, open_low=True)
    known = number("known", known, 0, 1, open_low=True)
    omega = 2 * math.pi * number("frequency", frequency, 0, 1e6)

    def f(y, t):
        return (1 - known) * stiffness * y - stiffness * torch.sin(omega * t) + omega * torch.cos(omega * t)

    def flow(y, t, s):
        return math.sin(omega * s) + (y - math.sin(omega * t)) * math.exp(-stiffness * (t - s))

    labels = {"dataset": f"Prothero-Robinson, stiffness {stiffness:g}", "schedule": "semilinear",
              "epsilon": f"{known:.0%} of it in the linear part"}  # fmt: skip
    return Problem(f, linear_part(known * stiffness), None, labels, (1,), flow)
