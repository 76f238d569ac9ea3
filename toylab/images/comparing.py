"""Two sets of features compared: a Fréchet distance, a kernel distance, precision and recall."""

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student
from torch import Tensor

from toylab._errors import positive_int
from toylab.images.tiles import as_array

BLOCKS = 10
NEIGHBOURS = 3
CHUNK = 1024  # rows whose distances to all others are in memory at once


class Normal:
    """The mean and the covariance of features x [n, d] (float64 array), with the covariance's root."""

    def __init__(self, x: np.ndarray):
        self.mean = x.mean(0)
        self.covariance = np.atleast_2d(np.cov(x, rowvar=False))
        values, vectors = np.linalg.eigh(self.covariance)
        self.root = (vectors * np.sqrt(values.clip(0))) @ vectors.T

    def distance(self, x: np.ndarray) -> float:
        """The `frechet_distance` of features x [n, d] to those of this."""
        mean, covariance = x.mean(0), np.atleast_2d(np.cov(x, rowvar=False))
        middle = np.linalg.eigvalsh(self.root @ covariance @ self.root).clip(0)  # those of the product of both
        traces = np.trace(covariance) + np.trace(self.covariance) - 2 * np.sqrt(middle).sum()
        return max(0.0, float(np.square(mean - self.mean).sum() + traces))


def frechet_distance(x: np.ndarray | Tensor, y: np.ndarray | Tensor) -> float:
    """Fréchet distance of the Gaussians with the means and covariances of x [n, d] and y [m, d] (Dowson and Landau
    1982), squared as is usual: |mean difference|^2 + trace(A + B - 2 (A B)^(1/2)). At least 0.

    The fewer samples, the larger it is, also for samples of one distribution: compare equal numbers only.
    ValueError unless x and y have at least two rows and equally many columns.
    """
    x, y = _pair(x, y, 2)
    return Normal(y).distance(x)


@dataclass(frozen=True)
class KernelDistance:
    """An unbiased estimate of a squared maximum mean discrepancy, which is around 0 for samples of one distribution.

    Attributes:
        blocks: the estimates of separate blocks of the samples, at least two.
    """

    blocks: tuple[float, ...]

    @property
    def value(self) -> float:
        """The mean over the blocks."""
        return float(np.mean(self.blocks))

    @property
    def interval(self) -> tuple[float, float]:
        """Student's 95 % confidence interval of the mean."""
        count = len(self.blocks)
        half = student.ppf(0.975, count - 1) * np.std(self.blocks, ddof=1) / count**0.5
        return float(self.value - half), float(self.value + half)


def kernel_distance(x: np.ndarray | Tensor, y: np.ndarray | Tensor, blocks: int = BLOCKS) -> KernelDistance:
    """The squared maximum mean discrepancy (Gretton et al. 2012) of x [n, d] and y [m, d] with the cubic kernel
    (x.y / d + 1)^3 of Bińkowski et al. (2018): the unbiased estimate in each of `blocks` separate parts of both.

    ValueError unless both have equally many columns and at least two rows a block.
    """
    blocks = positive_int("blocks", blocks, 2)
    x, y = _pair(x, y, 2 * blocks)
    pairs = zip(np.array_split(x, blocks), np.array_split(y, blocks), strict=True)
    return KernelDistance(tuple(_discrepancy(*pair) for pair in pairs))


def _discrepancy(x, y):
    return _among(x) + _among(y) - 2 * _kernel(x, y).mean()


def _among(x):
    """The mean of the kernel over pairs of different rows."""
    kernel = _kernel(x, x)
    return (kernel.sum() - np.trace(kernel)) / (len(x) * (len(x) - 1))


def _kernel(x, y):
    return (x @ y.T / x.shape[1] + 1) ** 3


def precision_recall(
    x: np.ndarray | Tensor, y: np.ndarray | Tensor, neighbours: int = NEIGHBOURS
) -> tuple[float, float]:
    """Precision and recall (Kynkäänniemi et al. 2019) of samples x [n, d] for real ones y [m, d].

    Precision is the share of x within the reach of a row of y, recall the share of y within the reach of a row of x.
    A row reaches as far as its `neighbours`-th nearest of the same set. Both depend on n and m: compare equal numbers
    only. ValueError unless both have equally many columns and more than `neighbours` rows.
    """
    neighbours = positive_int("neighbours", neighbours)
    x, y = _pair(x, y, neighbours + 1)
    return _share_within(x, y, neighbours), _share_within(y, x, neighbours)


def _share_within(x, y, neighbours):
    """The share of x within the reach of a row of y."""
    reach = [np.partition(part, neighbours, 1)[:, neighbours] for part in _squares(y, y)]  # the nearest is the row
    reach = np.concatenate(reach)
    return float(np.concatenate([(part <= reach).any(1) for part in _squares(x, y)]).mean())


def _squares(x, y):
    """Squared distances of the rows of x to those of y, some rows of x at a time."""
    lengths = np.square(y).sum(1)
    for part in np.split(x, range(CHUNK, len(x), CHUNK)):
        yield np.square(part).sum(1)[:, None] + lengths - 2 * part @ y.T


def _pair(x, y, least):
    x, y = (as_array(features).astype(np.float64, copy=False) for features in (x, y))
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < least:
        raise ValueError(
            f"x and y must be [n, d] and [m, d] with n, m > {least - 1}, got {list(x.shape)} and {list(y.shape)}"
        )
    return x, y
