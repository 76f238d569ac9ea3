"""The table of data sets: one function each, in teaching order.

A curve is a function of u [m] in [0, 1] that returns its coordinates (x, y), in any units: `Manifold`
centres and scales it.
"""

from functools import partial
from typing import TypeAlias

import numpy as np
from numpy import cos, pi, sin

from toylab.datasets.drawings import CAT
from toylab.datasets.geometry import Curves, Points, Squares

TURN = 2 * pi
Plane: TypeAlias = tuple[np.ndarray, np.ndarray]  # coordinates x and y


def arc(
    u: np.ndarray, start: float, end: float, radius: float = 1.0, centre: tuple[float, float] = (0.0, 0.0)
) -> Plane:
    """Part of a circle, from one angle to another."""
    angle = start + (end - start) * u
    return centre[0] + radius * cos(angle), centre[1] + radius * sin(angle)


def line(u: np.ndarray) -> Plane:
    """Diagonal, so that both coordinates have unit variance."""
    return u, u


def circle(u: np.ndarray, radius: float = 1.0) -> Plane:
    """One turn about the origin."""
    return arc(u, 0, TURN, radius)


def moons() -> Curves:
    """The half circles of scikit-learn's make_moons."""
    return Curves(partial(arc, start=0, end=pi), partial(arc, start=-pi, end=0, centre=(1, 0.5)), arcs=8)


def spiral(u: np.ndarray) -> Plane:
    """An Archimedean spiral of three turns that starts a little off its pole."""
    angle = TURN * (0.25 + 3 * u)
    return angle * cos(angle), angle * sin(angle)


def swiss_roll(u: np.ndarray) -> Plane:
    """The rolled-up coordinates (first and third) of scikit-learn's make_swiss_roll."""
    angle = 1.5 * pi * (1 + 2 * u)
    return angle * cos(angle), angle * sin(angle)


def s_curve(u: np.ndarray) -> Plane:
    """The curved coordinates (first and third) of scikit-learn's make_s_curve."""
    t = 3 * pi * (u - 0.5)
    return sin(t), np.sign(t) * (cos(t) - 1)


def sine(u: np.ndarray) -> Plane:
    """Two periods."""
    t = 2 * TURN * (u - 0.5)
    return t, 3 * sin(t)


def figure_eight(u: np.ndarray) -> Plane:
    """Bernoulli's lemniscate."""
    t = TURN * u
    return cos(t) / (1 + sin(t) ** 2), sin(t) * cos(t) / (1 + sin(t) ** 2)


def trefoil(u: np.ndarray) -> Plane:
    """The usual projection of the trefoil knot, with three crossings."""
    t = TURN * u
    return sin(t) + 2 * sin(2 * t), cos(t) - 2 * cos(2 * t)


def pinwheel_arm(u: np.ndarray, turn: float) -> Plane:
    """One of five arms that bend as they leave the centre."""
    radius = 0.25 + 0.75 * u
    angle = turn + 1.5 * radius
    return radius * cos(angle), radius * sin(angle)


def ring_of_points(n: int) -> list[tuple[float, float]]:
    """n points on the unit circle, equally far apart."""
    return [(cos(TURN * k / n), sin(TURN * k / n)) for k in range(n)]


def checkerboard() -> Squares:
    """The eight dark fields of a board of four by four."""
    return Squares([(i, j) for i in range(4) for j in range(4) if (i + j) % 2 == 0], side=1.0)


# name -> (title, function that builds the geometry)
TABLE = {
    # Off the origin, where the noise has its mean, so that it has somewhere to flow to; its mean square
    # is one, as for all other sets.
    "point": ("One point", lambda: Points([(1.4, 0.2)])),
    "two-points": ("Two points", lambda: Points([(-1, 0), (1, 0)])),
    "line": ("Line", lambda: Curves(line, arcs=1)),
    "circle": ("Circle", lambda: Curves(circle, arcs=8)),
    "two-circles": ("Two circles", lambda: Curves(circle, partial(circle, radius=0.5), arcs=16)),
    "moons": ("Two moons", moons),
    "spiral": ("Spiral", lambda: Curves(spiral)),
    "swiss-roll": ("Swiss roll", lambda: Curves(swiss_roll)),
    "s-curve": ("S curve", lambda: Curves(s_curve)),
    "sine": ("Sine wave", lambda: Curves(sine)),
    "figure-eight": ("Figure eight", lambda: Curves(figure_eight)),
    "trefoil": ("Trefoil", lambda: Curves(trefoil)),
    "pinwheel": ("Pinwheel", lambda: Curves(*(partial(pinwheel_arm, turn=TURN * k / 5) for k in range(5)))),
    "checkerboard": ("Checkerboard", checkerboard),
    "gaussians": ("Eight points on a ring", lambda: Points(ring_of_points(8))),
    "cat": ("Cat", lambda: Curves(*CAT)),
}
