"""Drawings made by hand: strokes through control points, symmetric about the vertical axis."""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import CubicSpline


def through(*points: tuple[float, float]) -> Callable[[np.ndarray], tuple]:
    """A smooth stroke through these points (straight through two), closed when the last is the first."""
    controls = np.array(points, dtype=float)
    knots = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(controls, axis=0).T))])
    closed = len(points) > 2 and points[0] == points[-1]
    spline = CubicSpline(knots / knots[-1], controls, bc_type="periodic" if closed else "natural")
    return lambda u: spline(u).T


def mirrored(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The same points on the other side of the vertical axis."""
    return [(-x, y) for x, y in points]


def both_sides(*points: tuple[float, float]) -> tuple[Callable, Callable]:
    """A stroke on the right and its mirror image on the left."""
    return through(*points), through(*mirrored(points))


_CHEEK = [(3.1, 4.3), (3.5, 2.2), (3.75, 0.3), (2.9, -1.9), (1.4, -2.95)]
_CHIN = (0, -3.2)
_BROW = [(1.45, 2.75), (0, 2.95), (-1.45, 2.75)]

CAT = (
    through(*_CHEEK, _CHIN, *mirrored(_CHEEK)[::-1]),
    through(*_BROW),
    *both_sides((3.1, 4.3), (2.35, 3.65), (1.45, 2.75)),
    *both_sides((1.95, 0.75), (1.5, 1.2), (1.05, 0.75), (1.5, 0.3), (1.95, 0.75)),
    through((0.4, -0.55), (-0.4, -0.55)),
    *both_sides((0.4, -0.55), (0, -0.95)),
    *both_sides((0, -0.95), (0.25, -1.6), (0.85, -1.7), (1.25, -1.3)),
    *both_sides((2.1, -0.6), (3.5, -0.4), (5.0, 0.1)),
    *both_sides((2.1, -1.0), (3.5, -1.15), (5.0, -1.1)),
)
