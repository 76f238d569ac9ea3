"""Trajectories of images in the plane of the data's first two principal components."""

import numpy as np
from sklearn.decomposition import PCA
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from toylab.analysis._sweep import Sweep
from toylab.images.sweeps import ImageSweep
from toylab.images.tiles import as_array

QUANTILE = 0.95  # of the data's own distances, beyond which an image counts as far from them


class Plane:
    """The plane through the mean of images that holds most of their variance.

    Attributes, of the `images` float [n, c, h, w], n > 2:
        shape: of an image, (c, h, w).
        shares: of the variance that lie along the two axes, float64 [2].
        points: the images projected, float32 [n, 2].
        scale: the standard deviation along the first axis, which is the unit of both.
        typical: the distance to the nearest other image that 95 % of the images stay below, in all pixels.

    Raises ValueError for anything else.
    """

    def __init__(self, images: np.ndarray | Tensor) -> None:
        flat = _flat("images", images)
        if len(flat) < 3:
            raise ValueError(f"images must be at least three, got {len(flat)}")
        self.shape = tuple(images.shape[1:])
        self._pca = PCA(2, svd_solver="covariance_eigh").fit(flat)
        self._neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(flat)  # fastest in many dimensions
        self.shares = self._pca.explained_variance_ratio_
        self.scale = float(self._pca.explained_variance_[0] ** 0.5)
        self.points = self.project(images)
        self.typical = float(np.quantile(self._neighbours.kneighbors()[0], QUANTILE))

    def project(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Images [..., c, h, w] -> float32 [..., 2]."""
        images = as_array(images)
        points = self._pca.transform(_flat("images", images.reshape(-1, *images.shape[-3:]))) / self.scale
        return points.reshape(*images.shape[:-3], 2).astype(np.float32)

    @property
    def caption(self) -> str:
        """The meaning of the axes and the numbers, for the caption of a player."""
        along, across = (f"{share:.0%}" for share in self.shares)
        return (
            f"The plane is that of the real images' first two principal components, which hold {along} and {across} of "
            "their variance. Grey: the real images. Distance: mean Euclidean distance, in all pixels, to the nearest "
            f"real image. Off: share farther than {self.typical:.2f} from it, as {1 - QUANTILE:.0%} of the real images "
            "are from their own neighbours."
        )

    def distance(self, images: np.ndarray | Tensor) -> np.ndarray:
        """The Euclidean distance in all pixels to the nearest image of the data: [..., c, h, w] -> float64 [...]."""
        images = as_array(images)
        flat = _flat("images", images.reshape(-1, *images.shape[-3:]))
        return self._neighbours.kneighbors(flat)[0].reshape(images.shape[:-3])


def in_plane(found: ImageSweep, plane: Plane) -> Sweep:
    """An `ImageSweep` as a `Sweep` for the `Player`: x_t in a `Plane`, at the step counts that all methods share.

    The sweep's distance is the mean Euclidean distance in all pixels to the nearest image of the plane's data, its
    threshold the plane's `typical`, its curve the data.
    """
    states, distance, off = {}, {}, {}
    for run in ((method, count) for method in found.methods for count in found.steps):
        away = plane.distance(found.states[run])
        states[run] = plane.project(found.states[run])
        distance[run], off[run] = away.mean(1), (away > plane.typical).mean(1)
    return Sweep(
        methods=found.methods,
        steps=found.steps,
        times={count: found.times[count] for count in found.steps},
        states=states,
        nfe={run: found.nfe[run] for run in states},
        distance=distance,
        off=off,
        curve=plane.points,
        threshold=plane.typical,
        labels=found.labels,
    )


def _flat(argument, images):
    """Images [n, c, h, w] as float64 [n, c h w]."""
    images = as_array(images).astype(np.float64)
    if images.ndim != 4 or images.size == 0:
        raise ValueError(f"{argument} must be [n, c, h, w] with at least one image, got {list(images.shape)}")
    return images.reshape(len(images), -1)
