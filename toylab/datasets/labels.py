"""Points of the plane in two classes, which make conditional epsilons exact."""

from typing import NamedTuple

import numpy as np
from torch import Tensor

from toylab._errors import unknown_name
from toylab.datasets.drawn import Polylines
from toylab.datasets.manifold import Manifold

# data set -> the classes in the order of `Manifold.curve`, and the share of its length that the first has
CLASSES = {
    "two-circles": (("outer", "inner"), 2 / 3),
    "moons": (("upper", "lower"), 1 / 2),
    "spiral": (("inner", "outer"), 1 / 2),
}


class LabelledPoints(NamedTuple):
    """points: float64 [n, 2], evenly on the data set. labels: int64 [n]. classes: their names, in order."""

    points: Tensor
    labels: Tensor
    classes: tuple[str, ...]

    def of(self, name: str) -> Tensor:
        """The points [k, 2] of one class. ValueError for a name that is none."""
        if name not in self.classes:
            raise unknown_name("class", name, self.classes)
        return self.points[self.labels == self.classes.index(name)]

    def manifold(self, name: str) -> Manifold:
        """One class as a `Manifold`, which stays where it is in the data set; ValueError for a name that is none.

        Its distances are those to straight lines through its points, of which there should be some thousands.
        """
        return OneClass(name, self.of(name).numpy())


class OneClass(Manifold):
    """A part of a data set, in the place and the size that it has there. points: float64 [k, 2], in order."""

    def __init__(self, name: str, points: np.ndarray) -> None:
        super().__init__(name, name.capitalize(), Polylines([points]))
        self._centre, self._scale = np.zeros(2), 1.0
