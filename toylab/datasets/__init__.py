"""Two-dimensional data sets: curves, points and squares that samples should end on.

``names()`` lists them in teaching order, ``get(name)`` returns one. Images are in `toylab.images`.
"""

from functools import cache

import torch

from toylab import _errors as errors
from toylab.datasets.drawn import Drawing, drawing, load_drawing
from toylab.datasets.geometry import Curves, Points, Squares
from toylab.datasets.labels import CLASSES, LabelledPoints
from toylab.datasets.manifold import Manifold
from toylab.datasets.shapes import TABLE

__all__ = [
    "Curves", "Drawing", "LabelledPoints", "Manifold", "Points", "Squares", "as_manifold", "drawing", "get", "labelled",
    "load_drawing", "names",
]  # fmt: skip


def names() -> list[str]:
    """The names of all two-dimensional data sets, in teaching order."""
    return list(TABLE)


def get(name: str) -> Manifold:
    """The `Manifold` of this name, always the same object.

    Upper and lower case are alike, as are '-', '_' and ' '. ValueError for an unknown name, with the
    nearest one; TypeError for anything but a string.
    """
    key = name.strip().lower().replace("_", "-").replace(" ", "-") if isinstance(name, str) else name
    if not isinstance(name, str) or key not in TABLE:
        raise errors.unknown_name("data set", name, names())
    return _build(key)


@cache
def _build(name: str) -> Manifold:
    title, geometry = TABLE[name]
    return Manifold(name, title, geometry())


def as_manifold(value: Manifold | str) -> Manifold:
    """`value` if it is a `Manifold`, the named one if it is a name; TypeError or ValueError otherwise."""
    return value if isinstance(value, Manifold) else get(value)


def labelled(data: str | Drawing, n: int = 400) -> LabelledPoints:
    """Even points in two classes: those of ``moons``, ``two-circles``, ``spiral`` (halves), or a drawing (its pens).

    An exact epsilon of one class and one of all points can be guided::

        data = toylab.datasets.labelled("spiral")
        outer, everything = (toylab.exact_eps(p, "linear", spread=0.02) for p in (data.of("outer"), data.points))
        eps = toylab.guided(outer, everything, 4)

    ValueError for a data set without classes, and a drawing of one pen.
    """
    if isinstance(data, Drawing):
        return data.labelled(n)
    if not isinstance(data, str) or data not in CLASSES:
        raise errors.unknown_name("labelled data set", data, list(CLASSES))
    classes, share = CLASSES[data]
    points = get(data).curve(n)
    labels = (torch.arange(n, device="cpu") + 0.5 >= share * n).long()
    return LabelledPoints(points, labels, classes)
