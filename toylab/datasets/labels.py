"""Points of the plane in two classes, which make conditional epsilons exact."""

from typing import NamedTuple

from torch import Tensor

from toylab._errors import unknown_name

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
