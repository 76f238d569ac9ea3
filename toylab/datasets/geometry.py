"""Sets in the plane, in whatever coordinates suit their formula: points, curves, squares.

Each kind has the same five members, all in float64 numpy arrays:

- ``moments() -> (mean [2], variance)`` of the uniform distribution on the set (equal weights, arc
  length, area); the variance is averaged over the two coordinates;
- ``draw(generator, n) -> [n, 2]``, random members of that distribution;
- ``even(n) -> [n, 2]``, members spread evenly;
- ``distance(x [m, 2]) -> [m]``, for finite x;
- ``outlines() -> list of [m_i, 2]``, one polyline per connected piece, for drawing.
"""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from scipy.integrate import simpson

from toylab.datasets.arcs import Arcs

TABLE_ROWS = 20_000
OUTLINE_SEGMENTS = 1_000
DOT = 0.02  # the length of a stroke of one point
PIECES = 1_000  # to which distances to lines are measured, at the least


def shares(n: int, weights: Sequence[float] | np.ndarray) -> np.ndarray:
    """`n` split into integers in proportion to `weights` (largest remainders)."""
    exact = n * np.asarray(weights, float) / np.sum(weights)
    counts = np.floor(exact).astype(int)
    most_missing = np.argsort(counts - exact, kind="stable")
    counts[most_missing[: n - counts.sum()]] += 1
    return counts


def cell_centres(n: int) -> np.ndarray:
    """[n], the centres of n equal cells of [0, 1]."""
    return (np.arange(n) + 0.5) / max(n, 1)


def norm(vectors: np.ndarray) -> np.ndarray:
    """Euclidean length along the last axis, without the overflow of squares."""
    return np.hypot(vectors[..., 0], vectors[..., 1])


class Points:
    """A handful of points of equal weight."""

    def __init__(self, points: Sequence) -> None:
        self._points = np.array(points, dtype=float)
        if self._points.ndim != 2 or self._points.shape[1] != 2 or not self._points.size:
            raise ValueError(f"points must have shape [k, 2] with k >= 1, got {list(self._points.shape)}")

    def moments(self) -> tuple[np.ndarray, float]:
        return self._points.mean(0), self._points.var(0).mean()

    def draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        return self._points[generator.integers(len(self._points), size=n)]

    def even(self, n: int) -> np.ndarray:
        return self._points[np.arange(n) % len(self._points)]

    def distance(self, x: np.ndarray) -> np.ndarray:
        return np.minimum.reduce([norm(x - point) for point in self._points])

    def outlines(self) -> list[np.ndarray]:
        return list(self._points[:, None])


class Squares:
    """Filled squares of one size, given by their centres; they may touch but not overlap."""

    def __init__(self, centres: Sequence, side: float) -> None:
        self._centres = np.array(centres, dtype=float)
        self._side = side

    def moments(self) -> tuple[np.ndarray, float]:
        return self._centres.mean(0), self._centres.var(0).mean() + self._side**2 / 12

    def draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        centres = self._centres[generator.integers(len(self._centres), size=n)]
        return centres + self._side * (generator.random((n, 2)) - 0.5)

    def even(self, n: int) -> np.ndarray:
        counts = shares(n, np.ones(len(self._centres)))
        return np.concatenate([c + self._side * self._grid(k) for c, k in zip(self._centres, counts, strict=False)])

    @staticmethod
    def _grid(n):
        columns = max(1, round(n**0.5))
        rows = shares(n, np.ones(columns))
        x = np.repeat(cell_centres(columns), rows)
        y = np.concatenate([cell_centres(k) for k in rows])
        return np.stack([x, y], -1) - 0.5

    def distance(self, x: np.ndarray) -> np.ndarray:
        return np.minimum.reduce([norm(np.maximum(np.abs(x - centre) - self._side / 2, 0)) for centre in self._centres])

    def outlines(self) -> list[np.ndarray]:
        corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        return [centre + self._side / 2 * corners for centre in self._centres]


class Stroke:
    """One parametric curve, read by arc length instead of its parameter.

    `function` maps u [m] in [0, 1] to its coordinates (x, y), each [m]. It should be smooth: a curve
    with corners is several strokes that meet there.
    """

    def __init__(self, function: Callable) -> None:
        self._function = function
        self._u = np.linspace(0, 1, TABLE_ROWS + 1)
        points = self._evaluate(self._u)
        if points.shape != (len(self._u), 2) or not np.isfinite(points).all():
            raise ValueError(f"function must map u [m] to two finite coordinates [m], got {function!r}")
        steps = norm(np.diff(points, axis=0))
        self._length_at = np.concatenate([[0.0], np.cumsum(steps)])
        self.length = self._length_at[-1]
        if self.length == 0:
            raise ValueError(f"function must trace a curve of positive length, got {function!r}")

    def _evaluate(self, u):
        return np.stack(np.broadcast_arrays(*self._function(u)), -1).astype(float)

    def at(self, fraction: np.ndarray) -> np.ndarray:
        """[m, 2], the points at these fractions [m] of the length."""
        return self._evaluate(np.interp(fraction * self.length, self._length_at, self._u))


class Curves:
    """One or more strokes, weighted by arc length.

    `functions`: one parametric function per stroke, see `Stroke`. Distances are measured to about `arcs`
    circular arcs in all, of equal length and each through three points of the curve. A few are exact for
    straight and circular strokes; 1,500 are within 1e-6 of all the others in the table, once scaled.
    ValueError without a function, or for one that does not return finite coordinates of a curve.
    """

    def __init__(self, *functions: Callable, arcs: int = 1_500) -> None:
        if not functions:
            raise ValueError("functions must be at least one parametric curve, got none")
        self._strokes = [Stroke(function) for function in functions]
        self._lengths = np.array([stroke.length for stroke in self._strokes])
        self._size = self._lengths.sum()
        self._arc_count = arcs

    def _polylines(self, pieces, steps=1):
        """Every stroke as [k * steps + 1, 2] even points, where the k of all strokes are about `pieces`."""
        counts = np.maximum(1, np.ceil(pieces * self._lengths / self._size)).astype(int)
        return [stroke.at(np.linspace(0, 1, k * steps + 1)) for stroke, k in zip(self._strokes, counts, strict=False)]

    @cached_property
    def _arcs(self):
        return Arcs(self._polylines(self._arc_count, steps=2))

    def moments(self) -> tuple[np.ndarray, float]:
        fractions = np.linspace(0, 1, TABLE_ROWS + 1)
        points = np.stack([stroke.at(fractions) for stroke in self._strokes])
        weights = self._lengths / self._size
        mean = weights @ simpson(points, x=fractions, axis=1)
        return mean, weights @ simpson((points - mean) ** 2, x=fractions, axis=1).mean(1)

    def draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        place = generator.random(n) * self._size
        ends = np.cumsum(self._lengths)
        which = np.minimum(np.searchsorted(ends, place, side="right"), len(ends) - 1)
        points = np.empty((n, 2))
        for i, stroke in enumerate(self._strokes):
            here = which == i
            points[here] = stroke.at(1 - (ends[i] - place[here]) / stroke.length)
        return points

    def even(self, n: int) -> np.ndarray:
        counts = shares(n, self._lengths)
        return np.concatenate([stroke.at(cell_centres(k)) for stroke, k in zip(self._strokes, counts, strict=False)])

    def distance(self, x: np.ndarray) -> np.ndarray:
        return self._arcs.distance(x)

    def outlines(self) -> list[np.ndarray]:
        return self._polylines(OUTLINE_SEGMENTS)


class Polylines:
    """Straight lines between the points of strokes [m, 2], weighted by length; one point alone is a short line."""

    def __init__(self, strokes: Sequence[np.ndarray]) -> None:
        strokes = [each if len(each) > 1 else np.stack([each[0], each[0] + (DOT, 0)]) for each in strokes]
        self._strokes = strokes
        self._start = np.concatenate([stroke[:-1] for stroke in strokes])
        self._way = np.concatenate([np.diff(stroke, axis=0) for stroke in strokes])
        self._lengths = norm(self._way)
        self._ends = np.cumsum(self._lengths)
        self._stroke_lengths = np.array([norm(np.diff(stroke, axis=0)).sum() for stroke in strokes])

    def _at(self, place):
        """The points at these lengths [m] along all lines, one after the other."""
        which = np.minimum(np.searchsorted(self._ends, place, side="right"), len(self._ends) - 1)
        part = 1 - (self._ends[which] - place) / np.where(self._lengths[which] > 0, self._lengths[which], 1)
        return self._start[which] + np.clip(part, 0, 1)[:, None] * self._way[which]

    def strokes_of(self, n: int) -> np.ndarray:
        """[n], which stroke each of `even(n)` lies on."""
        return np.repeat(np.arange(len(self._strokes)), shares(n, self._stroke_lengths))

    def moments(self) -> tuple[np.ndarray, float]:
        weights = self._lengths / self._lengths.sum()
        mean = weights @ (self._start + self._way / 2)
        off = self._start + self._way / 2 - mean
        return mean, float(weights @ (off**2 + self._way**2 / 12).mean(1))  # a line of length l has variance l^2 / 12

    def draw(self, generator: np.random.Generator, n: int) -> np.ndarray:
        return self._at(generator.random(n) * self._ends[-1])

    def even(self, n: int) -> np.ndarray:
        before = np.cumsum(self._stroke_lengths) - self._stroke_lengths
        counts = shares(n, self._stroke_lengths)
        places = [start + length * (np.arange(k) + 0.5) / max(k, 1)
                  for start, length, k in zip(before, self._stroke_lengths, counts, strict=True)]  # fmt: skip
        return self._at(np.concatenate(places))

    @cached_property
    def _arcs(self):
        return Arcs([_split(stroke, self._ends[-1] / PIECES) for stroke in self._strokes], corners=True)

    def distance(self, x: np.ndarray) -> np.ndarray:
        return self._arcs.distance(x)

    def outlines(self) -> list[np.ndarray]:
        return self._strokes


def _split(stroke, length):
    """A polyline [m, 2] with each line in an even number of equal parts of at most half a `length`."""
    way = np.diff(stroke, axis=0)
    counts = 2 * np.maximum(1, np.ceil(norm(way) / length)).astype(int)
    line = np.repeat(np.arange(len(way)), counts)
    part = (np.arange(len(line)) - np.repeat(np.cumsum(counts) - counts, counts)) / counts[line]
    return np.concatenate([stroke[line] + part[:, None] * way[line], stroke[-1:]])
