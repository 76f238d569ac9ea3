"""Real images that sets of others are compared with, and how near as many real ones come."""

import re
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from toylab._errors import positive_int
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab.images.comparing import BLOCKS, KernelDistance, Normal, kernel_distance, precision_recall
from toylab.images.data.pixels import Images
from toylab.images.features import features_for
from toylab.images.tiles import to_bytes

MOST = 5000  # real images, and as many held out
FLOORS = 5  # sets of real images, of which the floor is the median
PARTS = (1, 2, 4)  # into which a set is divided, to see what its size does to a Fréchet distance
CHUNK = 1024  # images whose features are taken at once


@dataclass(frozen=True)
class Measured:
    """One set of images against the real ones.

    Attributes:
        n: images. frechet: `frechet_distance` to all real images.
        limit: what it would be for infinitely many, extrapolated in 1/n from all images and from halves of them; None
            where a half has too few for a covariance.
        parts: (number of images, mean Fréchet distance of separate parts with as many), the whole set first.
        kernel: `kernel_distance`. precision, recall: see `precision_recall`, of equally many images.
    """

    n: int
    frechet: float
    limit: float | None
    parts: tuple[tuple[int, float], ...]
    kernel: KernelDistance
    precision: float
    recall: float


class Yardstick:
    """Real images as features, with which any number of sets is compared.

    Args:
        real: `Images`, or a tensor [m, c, h, w] in [-1, 1].
        features: "photographs" (the classifier of CIFAR-10's last layer), "digits" (that of their classifier), "pixels"
            (principal components), or a function images [n, c, h, w] -> [n, d] that may say its `name` and, in `about`,
            what it is. By default the classifier that knows such images, or pixels.
        held: real images of the same kind that are not among `real`, for the floor; by default half of `real`, which
            then are the less.
        most: real images to use at most, drawn with seed 0, and held ones.

    Attributes:
        name, about: of the features. width: their number. shape: of an image.
        real, held: float64 [m, d], features of real images and of held-out ones.
        names: of both, in words.

    Raises ValueError or TypeError naming the argument.
    """

    def __init__(
        self, real: Images | Tensor, features: str | Callable | None = None, held: Images | Tensor | None = None,
        *, most: int = MOST, progress: bool = True,
    ):  # fmt: skip
        most = positive_int("most", most, 2)
        self.shape = _checked("real", real)
        order = torch.randperm(len(real), generator=torch.Generator().manual_seed(0))
        if held is None:
            kept, others, source = order[: (len(real) + 1) // 2], order[(len(real) + 1) // 2 :], real
        else:
            self._same_shape("held", held)
            kept, source = order, held
            others = torch.randperm(len(held), generator=torch.Generator().manual_seed(0))
        values = _values(real, kept[:most])
        self._features = features_for(values, features)
        self.name = getattr(self._features, "name", None) or getattr(self._features, "__name__", "own")
        self.about = getattr(self._features, "about", "")
        self.real = self.seen(values, "real", progress)
        self.held = self.seen(_values(source, others[:most]), "held", progress)
        self.width = self.real.shape[1]
        self.enough("real", len(self.real))
        self._normal = Normal(self.real)
        others = _named(source) if held is not None else "others of them"
        self.names = f"{len(self.real)} of {_named(real)}", f"{len(self.held)} of {others}"

    def seen(self, images: Images | Tensor | np.ndarray, argument: str = "images", progress: bool = True) -> np.ndarray:
        """The features of images [n, c, h, w], float64 [n, d], of their bytes: values beyond [-1, 1] are cut off.

        ValueError for images of another shape than the real ones, or features that are not finite.
        """
        self._same_shape(argument, images)
        parts, bar = [], Bar(total=len(images), desc=f"features of {argument}", show=progress, unit="image")
        with bar, single_thread():
            for rows in torch.arange(len(images)).split(CHUNK):
                found = np.asarray(self._features(_as_bytes(_values(images, rows))), np.float64)
                if found.ndim != 2 or len(found) != len(rows):
                    raise ValueError(f"features must give [n, d] for n images, got {list(found.shape)} for {len(rows)}")
                parts.append(found)
                bar.update(len(rows))
        found = np.concatenate(parts)
        if not np.isfinite(found).all():
            raise ValueError(f"features must be finite, but some of {argument} are not")
        return found

    def measure(self, images: Images | Tensor | np.ndarray, progress: bool = True) -> Measured:
        """The `Measured` of images [n, c, h, w] in [-1, 1].

        ValueError for images of another shape, and for fewer than a covariance of the features needs.
        """
        self._same_shape("images", images)
        self.enough("images", len(images))
        return self._measure(self.seen(images, progress=progress))

    def floor(self, n: int) -> list[Measured]:
        """Up to `FLOORS` separate sets of n held-out real images (or of all, where they are less) measured likewise."""
        n = min(positive_int("n", n), len(self.held))
        self.enough("held", n)
        return [self._measure(self.held[i * n : (i + 1) * n]) for i in range(min(FLOORS, len(self.held) // n))]

    def _measure(self, x):
        parts = [
            (len(x) // count, float(np.mean([self._normal.distance(part) for part in np.array_split(x, count)])))
            for count in PARTS if len(x) // count > self.width
        ]  # fmt: skip
        equal = min(len(x), len(self.real))
        precision, recall = precision_recall(x[:equal], self.real[:equal])
        return Measured(
            n=len(x),
            frechet=parts[0][1],
            limit=2 * parts[0][1] - parts[1][1] if len(parts) > 1 else None,
            parts=tuple(parts),
            kernel=kernel_distance(x, self.real),
            precision=precision,
            recall=recall,
        )

    def _same_shape(self, argument, images):
        if (shape := _checked(argument, images)) != self.shape:
            raise ValueError(f"{argument} must be images like the real ones, {self.shape}, got {shape}")

    def enough(self, argument: str, n: int) -> None:
        """ValueError unless n images are enough for a covariance of the features."""
        least = max(self.width + 1, 2 * BLOCKS)
        if n < least:
            raise ValueError(
                f"{argument} must be at least {least} for a covariance of the {self.width} features called "
                f"{self.name!r}, got {n}"
            )


def _checked(argument, images):
    """The shape of an image; ValueError or TypeError unless there are some, [n, c, h, w]."""
    if not isinstance(images, Images | Tensor | np.ndarray):
        raise TypeError(f"{argument} must be Images or a tensor [n, c, h, w], got {type(images).__name__}")
    shape = (len(images), *images.shape) if isinstance(images, Images) else tuple(images.shape)
    if len(shape) != 4 or shape[0] == 0:
        raise ValueError(f"{argument} must be [n, c, h, w] with at least one image, got {shape}")
    return shape[1:]


def _values(images, rows):
    return images.values(rows) if isinstance(images, Images) else torch.as_tensor(images)[rows]


def _as_bytes(x):
    """Images as those in files are: of 256 levels in [-1, 1]; what is no number is grey."""
    return to_bytes(x.nan_to_num(0.0)).float() / 127.5 - 1


def _named(images):
    """The name of images, without the folders of their file."""
    return re.sub(r":.*[/\\]", ":", images.name) if isinstance(images, Images) else "the given images"
