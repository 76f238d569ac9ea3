"""Images in two stages: small ones, then the same at twice their height and width (Ho et al. 2022)."""

from collections.abc import Callable
from typing import Any

from toylab._errors import seed_number
from toylab._types import Eps
from toylab.epsilon.sharpener import Sharpener
from toylab.images.sampler import ImageSampler
from toylab.samplers import Trajectory

SECOND = 2**62  # of a seed, the bit that keeps the noise of the second stage apart from that of the first


def cascade(
    eps: Eps, sharpener: Sharpener, method: str | Callable = "F-PNDM", steps: int = 20, *, n: int = 64, seed: int = 0,
    batch: int | None = None, record: bool = False, progress: bool = True, **options: Any,
) -> tuple[Trajectory, Trajectory]:  # fmt: skip
    """Sample small images, then sharpen them, both with the same method and grid.

    Args:
        eps: of images that `sharpener` takes, with labels or guided as well.
        sharpener: a network such as ``toylab.load("cifar10-sharp")``.
        method, steps, **options: as for `ImageSampler`; n, seed, batch, record, progress: as for its `images`.

    Returns the `Trajectory` of the small images [n, *sharpener.low] and that of the large ones [n, *sharpener.shape],
    each with its own NFE. The small ones are those that `ImageSampler` makes of the same seed.

    Raises ValueError or TypeError naming the argument, for images of another size than those that `sharpener` takes.
    """
    if not isinstance(sharpener, Sharpener):
        raise TypeError(f"sharpener must be a toylab.epsilon.Sharpener, got {type(sharpener).__name__}")
    if getattr(eps, "shape", None) != sharpener.low:
        raise ValueError(f"eps must be of images of shape {sharpener.low}, got {getattr(eps, 'shape', eps)}")
    if seed_number("seed", seed) >= SECOND:
        raise ValueError(f"seed must be below 2**62 in two stages, got {seed}")
    small = ImageSampler(eps, method, steps, **options).images(n, seed, batch, record, progress)
    second = sharpener.of(small.x.clamp(-1, 1))
    return small, ImageSampler(second, method, steps, **options).images(n, seed + SECOND, batch, record, progress)
