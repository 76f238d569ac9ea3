"""Data drawn by hand: strokes of pen positions, the short text that carries them, and a data set of them.

The text is what the address of the live lab has after ``drawing=``: a board from -3 to 3 has 4096 places in each
direction, a coordinate takes two letters, and strokes stand apart by a dot. What a second pen drew begins with "~".
"""

import re
from collections.abc import Sequence
from os import PathLike

import numpy as np
import torch
from torch import Tensor

from toylab import _errors as errors
from toylab._files import check_new, replacing, user_path
from toylab.datasets.geometry import Polylines, norm
from toylab.datasets.labels import LabelledPoints
from toylab.datasets.manifold import Manifold

HALF, LEVELS, MOST_POINTS = 3.0, 4096, 400
DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
SECOND = "~"  # before a stroke of the second pen
PENS = "first", "second"
LONGEST = 100_000  # letters that are read at all
FINE = 0.008  # what nobody sees on the board
LEAST = 0.1  # the width of a drawing that is one


class Drawing(Manifold):
    """A `Manifold` of strokes drawn by hand, spread evenly along them.

    Args:
        strokes: pen positions [m, 2] from -3 to 3, at least one stroke. pens: of each stroke 0 or 1; by default 0.

    Attributes:
        text: the drawing as text, at most 1,800 letters; `toylab.datasets.drawing` and the live lab read it.
        classes: ("first", "second") where both pens drew, which `toylab.datasets.labelled` tells apart; else ().

    Raises ValueError or TypeError for what is no drawing, or not a pen for each stroke.
    """

    def __init__(self, strokes: Sequence, pens: Sequence[int] | None = None) -> None:
        strokes = simplified(strokes)
        self._pens = _pens(pens, strokes)
        self.classes = PENS if len(set(self._pens)) == 2 else ()
        self.text = to_text(strokes, self._pens)
        self._lines = Polylines(from_text(self.text))  # as whoever gets the text has it
        super().__init__("drawing", "Your drawing", self._lines)

    def labelled(self, n: int) -> LabelledPoints:
        """`curve(n)` with the pens as classes; ValueError for a drawing of one pen."""
        if not self.classes:
            raise ValueError("data must have classes: draw with both pens, got strokes of one")
        points, strokes = self.curve(n), self._lines.strokes_of(n)
        pens = np.array(self._pens)[strokes]
        return LabelledPoints(points, torch.from_numpy(pens), self.classes, torch.from_numpy(strokes))

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
    strokes; ``~`` before a stroke is for the second pen. Raises ValueError, or TypeError for no text; nothing in a text
    is ever run.
    """
    return Drawing(*strokes_of(text))


def load_drawing(path: str | PathLike) -> Drawing:
    """The `Drawing` in a file that `Drawing.save` wrote. Raises OSError or ValueError."""
    with open(user_path(path), "rb") as file:
        return drawing(file.read(LONGEST + 1).decode(errors="replace"))


def strokes_of(text: str) -> tuple[list[np.ndarray], list[int]]:
    """The strokes [m, 2] of a text as `drawing` takes it, and the pen of each. Raises ValueError or TypeError."""
    if not isinstance(text, str):
        raise TypeError(f"text must be a drawing as text, got {errors.in_short(text)}")
    if len(text) > LONGEST:
        raise ValueError(f"text must have at most {LONGEST:,} letters, got {len(text):,}")
    address = re.search(r"[#&]drawing=([^&\s]*)", text)
    text = address[1] if address else text.strip()
    if not text.strip(f".{SECOND}"):
        raise ValueError("text must hold a drawing, got none")
    read, between = (_typed, ";") if "," in text else (from_text, ".")
    return read(text), [pen for pen, _ in _parts(text, between)]


def _parts(text, between):
    """(pen, what it drew) of each stroke of a text."""
    parts = [part.strip() for part in text.split(between)]
    parts = [(int(part.startswith(SECOND)), part.removeprefix(SECOND).strip()) for part in parts]
    return [(pen, stroke) for pen, stroke in parts if stroke]


def from_text(text: str) -> list[np.ndarray]:
    """The strokes of the short form. Raises ValueError for what is none."""
    strokes = []
    for _, part in _parts(text, "."):
        places = [DIGITS.find(letter) for letter in part]
        if min(places) < 0:
            bad = part[places.index(-1)]
            raise ValueError(f"text must hold a drawing, letters, digits, '-', '_' and dots alone, got {bad!r}")
        if len(part) % 4:
            raise ValueError(f"text must hold four letters for each point, got a stroke of {len(part)}: is it cut off?")
        levels = np.array(places).reshape(-1, 2, 2) @ (64, 1)
        strokes.append(levels / (LEVELS - 1) * 2 * HALF - HALF)
    return strokes


def to_text(strokes: Sequence[np.ndarray], pens: Sequence[int] | None = None) -> str:
    """The short form of strokes [m, 2], each by pen 0 (as all are by default) or 1; what lies off the board is moved to
    its edge."""

    def letters(stroke):
        levels = np.floor((np.clip(stroke, -HALF, HALF) + HALF) / (2 * HALF) * (LEVELS - 1) + 0.5).astype(int)
        return "".join(DIGITS[level >> 6] + DIGITS[level & 63] for level in levels.ravel())

    pens = [0] * len(strokes) if pens is None else pens
    return ".".join(SECOND * pen + letters(stroke) for pen, stroke in zip(pens, strokes, strict=True))


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


def _pens(pens, strokes):
    """The pens of these strokes, of which `simplified` may have left out the last."""
    if pens is None:
        return [0] * len(strokes)
    pens = [errors.positive_int("pens", pen, 0, 1) for pen in pens]
    if len(pens) < len(strokes):
        raise ValueError(f"pens must be one for each stroke, got {len(pens)} for {len(strokes)}")
    return pens[: len(strokes)]


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
            for _, part in _parts(text, ";")
        ]  # fmt: skip
    except (ValueError, TypeError, IndexError):
        raise ValueError(
            f"text must have points like 0,0 1,1 2,0 with a semicolon between strokes, got {errors.in_short(text)}"
        ) from None
