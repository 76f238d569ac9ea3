"""Data drawn by hand: strokes of pen positions, the short text that carries them, and a data set of them.

The text is what the address of the live lab has after ``drawing=``: a board from -3 to 3 has 4096 places in each
direction, a coordinate takes two letters, and strokes stand apart by a dot.
"""

import re
from collections.abc import Iterable, Sequence
from functools import cached_property
from math import ceil
from os import PathLike

import numpy as np
from torch import Tensor

from toylab import _errors as errors
from toylab._files import check_new, replacing, user_path
from toylab.datasets.arcs import Arcs
from toylab.datasets.geometry import norm, shares
from toylab.datasets.manifold import Manifold

HALF, LEVELS, MOST_POINTS = 3.0, 4096, 400
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
LONGEST = 100_000  # letters that are read at all
DOT = 0.02  # the length of a stroke of one point
FINE = 0.008  # what nobody sees on the board
PIECES = 1_000  # to which distances are measured, at the least
LEAST = 0.1  # the width of a drawing that is one


class Drawing(Manifold):
    """A `Manifold` of strokes drawn by hand, spread evenly along them.

    Attributes:
        text: the drawing as text, at most 1,800 letters; `toylab.datasets.drawing` and the live lab read it.
    """

    def __init__(self, strokes: Sequence) -> None:
        strokes = simplified(strokes)
        self.text = to_text(strokes)
        super().__init__("drawing", "Your drawing", Polylines(from_text(self.text)))  # as whoever gets the text has it

    def on_board(self, x: Tensor) -> np.ndarray:
        """Points x [..., 2] of the data set's own scale where they lie on the board that was drawn on: float64."""
        return x.detach().cpu().double().numpy() / self._scale + self._centre

    def save(self, path: str | PathLike, force: bool = False) -> None:
        """Write `text` to a file; FileExistsError where there is one, unless `force`."""
        path = user_path(path)
        check_new(path, force)
        with replacing(path) as file:
            file.write(f"{self.text}\n".encode())


def drawing(text: str) -> Drawing:
    """The `Drawing` of a text: from `Drawing.text`, from the live lab's address, or typed.

    Typed points look like ``0,0 1,1 2,0; -1,-1 1,-1``: x and y from -3 to 3, blanks between points, a semicolon between
    strokes. Raises ValueError, or TypeError for no text; nothing in a text is ever run.
    """
    return Drawing(strokes_of(text))


def load_drawing(path: str | PathLike) -> Drawing:
    """The `Drawing` in a file that `Drawing.save` wrote. Raises OSError or ValueError."""
    with open(user_path(path), "rb") as file:
        return drawing(file.read(LONGEST + 1).decode(errors="replace"))


def strokes_of(text: str) -> list[np.ndarray]:
    """The strokes [m, 2] of a text as `drawing` takes it, as they stand there. Raises ValueError or TypeError."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a drawing as text, got {errors.in_short(text)}")
    if len(text) > LONGEST:
        raise ValueError(f"text must have at most {LONGEST:,} letters, got {len(text):,}")
    address = re.search(r"[#&]drawing=([^&\s]*)", text)
    text = address[1] if address else text.strip()
    if not text.strip("."):
        raise ValueError("text must hold a drawing, got none")
    return _typed(text) if "," in text else from_text(text)


def from_text(text: str) -> list[np.ndarray]:
    """The strokes of the short form. Raises ValueError for what is none."""
    strokes = []
    for part in filter(None, text.split(".")):
        places = [DIGITS.find(letter) for letter in part]
        if min(places) < 0:
            bad = part[places.index(-1)]
            raise ValueError(f"text must hold a drawing, letters, digits, '-', '_' and dots alone, got {bad!r}")
        if len(part) % 4:
            raise ValueError(f"text must hold four letters for each point, got a stroke of {len(part)}: is it cut off?")
        levels = np.array(places).reshape(-1, 2, 2) @ (64, 1)
        strokes.append(levels / (LEVELS - 1) * 2 * HALF - HALF)
    return strokes


def to_text(strokes: Iterable[np.ndarray]) -> str:
    """The short form of strokes [m, 2]; what lies off the board is moved to its edge."""

    def letters(stroke):
        levels = np.floor((np.clip(stroke, -HALF, HALF) + HALF) / (2 * HALF) * (LEVELS - 1) + 0.5).astype(int)
        return "".join(DIGITS[level >> 6] + DIGITS[level & 63] for level in levels.ravel())

    return ".".join(map(letters, strokes))


def simplified(strokes: Sequence) -> list[np.ndarray]:
    """The strokes with at most 400 points in all, as near to the drawing as that allows.

    Raises ValueError or TypeError for what is no list of strokes [m, 2] of finite numbers, for none, and for a drawing
    of a single dot.
    """
    strokes = [_stroke(each) for each in _some(strokes)][: MOST_POINTS // 2]
    every = np.concatenate(strokes)
    if np.ptp(every, axis=0).max() < LEAST:
        raise ValueError(f"strokes must be more than a single dot: draw a line at least {LEAST:g} long")
    worth, tolerance = [weights(stroke) for stroke in strokes], FINE
    while sum((each > tolerance).sum() for each in worth) > MOST_POINTS:
        tolerance *= 1.6
    return [stroke[each > tolerance] for stroke, each in zip(strokes, worth, strict=True)]


def weights(stroke: np.ndarray) -> np.ndarray:
    """The tolerance up to which each point of a polyline [m, 2] stays when those near the line between others go.

    [m], infinite for the ends, 0 for what goes in any case. The algorithm of Ramer (1972), Douglas and Peucker (1973).
    """
    worth, pending = np.zeros(len(stroke)), [(0, len(stroke) - 1, np.inf)]
    worth[[0, -1]] = np.inf
    while pending:
        first, last, most = pending.pop()
        if last - first < 2:
            continue
        start, way = stroke[first], stroke[last] - stroke[first]
        off, length = stroke[first + 1 : last] - start, norm(way)
        away = np.abs(off[:, 0] * way[1] - off[:, 1] * way[0]) / length if length else norm(off)
        at = first + 1 + int(away.argmax())
        if away.max() > FINE:
            worth[at] = min(most, away.max())
            pending += [(first, at, worth[at]), (at, last, worth[at])]
    return worth


def _some(strokes):
    try:
        strokes = list(strokes)
    except TypeError:
        raise TypeError(f"strokes must be a list of strokes, got {type(strokes).__name__}") from None
    if not strokes:
        raise ValueError("strokes must hold at least one stroke: nothing is drawn yet")
    return strokes


def _stroke(points):
    try:
        points = np.asarray(points, dtype=float)
    except (TypeError, ValueError):
        raise TypeError("strokes must hold strokes of points [m, 2], got something else") from None
    if points.ndim != 2 or points.shape[1] != 2 or not len(points):
        raise ValueError(f"strokes must hold strokes of points [m, 2], got shape {list(points.shape)}")
    if not np.isfinite(points).all():
        raise ValueError("strokes must hold finite numbers, got one that is not")
    return np.clip(points, -HALF, HALF)


def _typed(text):
    try:
        return [
            _stroke([[float(value) for value in pair.split(",")] for pair in part.split()])
            for part in text.split(";") if part.strip()
        ]  # fmt: skip
    except (ValueError, TypeError, IndexError):
        raise ValueError(
            f"text must have points like 0,0 1,1 2,0 with a semicolon between strokes, got {errors.in_short(text)}"
        ) from None


class Polylines:
    """Straight lines from point to point of strokes [m, 2], weighted by length; see `toylab.datasets.geometry`."""

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
    parts = [np.linspace(start, end, 2 * max(1, ceil(norm(end - start) / length)), endpoint=False)
             for start, end in zip(stroke[:-1], stroke[1:], strict=True)]  # fmt: skip
    return np.concatenate([*parts, stroke[-1:]])
