"""The real images that others are nearest to, in pixels and in features: whether they are copies."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.images.features import features_for
from toylab.images.tiles import as_tensor

CLOSE = 0.01  # the share of real images that are nearer to another real one than what counts as a copy
ASKED = 500  # real images whose own neighbours are looked for


@dataclass(frozen=True)
class Neighbours:
    """The nearest real images by one measure.

    Attributes:
        name: "pixels", or the name of the features. indices: of the nearest real images, int64 [n].
        distances: Euclidean ones to these, float64 [n].
        typical: the median distance of real images to the nearest other real one. close: the 1 % quantile of it.
    """

    name: str
    indices: np.ndarray
    distances: np.ndarray
    typical: float
    close: float

    @property
    def copies(self) -> float:
        """The share of images that are nearer to a real one than 99 % of the real ones are to another."""
        return float((self.distances < self.close).mean())


@dataclass(frozen=True, repr=False)
class Nearest(Result):
    """The findings of `nearest_images`.

    Attributes:
        rows: `Neighbours` in pixels and in features. images: those asked about, float32 [n, c, h, w].
        found: for each row the nearest real images, float32 [n, c, h, w]. real: their number.
    """

    drawn_by = "plot_nearest"
    rows: tuple
    images: np.ndarray
    found: tuple
    real: int

    def as_dict(self) -> dict:
        """All numbers, without the images."""
        return pick(self, "real") | {"rows": [vars(row) | {"copies": row.copies} for row in self.rows]}

    def table(self) -> Table:
        """Distances to the nearest real images beside those that real images have among themselves."""
        rows = tuple(
            (row.name, float(np.median(row.distances)), float(row.distances.min()), row.typical, f"{row.copies:.0%}")
            for row in self.rows
        )
        note = (
            f"{len(self.images)} images, the nearest of {self.real} real ones. Copies: nearer to a real image than "
            f"{1 - CLOSE:.0%} of these are to another; {CLOSE:.0%} are where images are new."
        )
        return Table(("distance in", "median", "least", "median among real images", "copies"), rows, note)


def nearest_images(
    images: np.ndarray | Tensor, real: np.ndarray | Tensor, features: str | Callable | None = None
) -> Nearest:
    """Find the real image nearest to each of some images, in pixels and in features.

    Args:
        images: [n, c, h, w] in [-1, 1]. real: real images [m, c, h, w], m > 1, those that a network was trained on.
        features: as for `Yardstick`; with "pixels" in principal components.

    ValueError for images of different shapes or too few real ones.
    """
    images, real = (
        as_tensor(argument, each).detach().cpu().float() for argument, each in (("images", images), ("real", real))
    )
    if images.ndim != 4 or real.ndim != 4 or images.shape[1:] != real.shape[1:] or not len(images) or len(real) < 2:
        raise ValueError(
            "images and real must be [n, c, h, w] and [m, c, h, w] of one shape with m > 1, got "
            f"{list(images.shape)} and {list(real.shape)}"
        )
    seen = features_for(real, features)
    name = getattr(seen, "name", "features")
    by = {"pixels": lambda x: x.flatten(1).numpy(), "principal components" if name == "pixels" else name: seen}
    rows = tuple(_neighbours(name, np.asarray(view(images)), np.asarray(view(real))) for name, view in by.items())
    return Nearest(rows, images.numpy(), tuple(real[row.indices].numpy() for row in rows), len(real))


def _neighbours(name, x, real):
    index = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(real)
    distances, indices = index.kneighbors(x)
    asked = np.random.default_rng(0).permutation(len(real))[:ASKED]
    among = index.kneighbors(real[asked], 2)[0][:, 1]
    return Neighbours(
        name=name,
        indices=indices[:, 0],
        distances=distances[:, 0].astype(np.float64),
        typical=float(np.median(among)),
        close=float(np.quantile(among, CLOSE)),
    )
