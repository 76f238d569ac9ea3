"""Points of the plane in two classes, which make conditional epsilons exact."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from torch import Tensor

from toylab._errors import unknown_name
from toylab.datasets.geometry import Polylines
from toylab.datasets.manifold import Manifold

# data set -> the classes in the order of `Manifold.curve`, and the share of its length that the first has
CLASSES = {
    "two-circles": (("outer", "inner"), 2 / 3),
    "moons": (("upper", "lower"), 1 / 2),
    "spiral": (("inner", "outer"), 1 / 2),
}


class LabelledPoints(NamedTuple):
    """points: float64 [n, 2], evenly on the data set. labels: int64 [n]. classes: their names, in order.

    pieces: int64 [n], the connected piece that each point lies on; by default each class is one.
    """

    points: Tensor
    labels: Tensor
    classes: tuple[str, ...]
    pieces: Tensor | None = None

    def of(self, name: str) -> Tensor:
        """The points [k, 2] of one class. ValueError for a name that is none."""
        return self.points[self._are(name)]

    def _are(self, name):
        if name not in self.classes:
            raise unknown_name("class", name, self.classes)
        return self.labels == self.classes.index(name)

    def manifold(self, name: str) -> Manifold:
        """One class as a `Manifold`, which stays where it is in the data set; ValueError for a name that is none.

        Its distances are those to straight lines through its points, of which there should be some thousands.
        """
        points, pieces = self.of(name), (self.labels if self.pieces is None else self.pieces)[self._are(name)]
        return OneClass(name, [points[pieces == piece].numpy() for piece in pieces.unique()])


class OneClass(Manifold):
    """A part of a data set, in the place and the size that it has there. pieces: float64 [k, 2] each, in order."""

    def __init__(self, name: str, pieces: Sequence[np.ndarray]) -> None:
        super().__init__(name, name.capitalize(), Polylines(pieces))
        self._centre, self._scale = np.zeros(2), 1.0
