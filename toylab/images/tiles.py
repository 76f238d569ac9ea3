"""Images as bytes, and many of them as one picture."""

import math
import os
from typing import BinaryIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from toylab._errors import in_short, positive_int


def to_bytes(x: Tensor) -> Tensor:
    """Images [n, c, h, w] in [-1, 1] (values beyond are cut off) as uint8 [n, c, h, w]."""
    return ((x.detach().float().clamp(-1, 1) + 1) * 127.5).round().byte().cpu()


def as_tensor(argument: str, images: Tensor | np.ndarray) -> Tensor:
    """`images` as a tensor, not copied where that can be; TypeError for what are no numbers."""
    try:
        return torch.as_tensor(images)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"{argument} must be images [n, c, h, w], got {in_short(images)}") from error


def as_array(images: Tensor | np.ndarray) -> np.ndarray:
    """`images` as an array, not copied where that can be; of a tensor the values, wherever it is, without gradients."""
    return images.detach().cpu().numpy() if isinstance(images, Tensor) else np.asarray(images)


def tile(x: Tensor, columns: int | None = None, gap: int = 1) -> np.ndarray:
    """Images [n, c, h, w] in [-1, 1], c = 1 or 3, row by row in one array, uint8 [height, width, 3], on white.

    columns: images a row, by default as many as make a square. gap: pixels between images.
    """
    if not isinstance(x, torch.Tensor) or x.ndim != 4 or x.shape[1] not in (1, 3) or x.numel() == 0:
        got = tuple(x.shape) if isinstance(x, torch.Tensor) else type(x).__name__
        raise ValueError(f"x must be a tensor of images [n, 1 or 3, h, w], got {got}")
    n, _, h, w = x.shape
    columns = min(n, math.ceil(math.sqrt(n)) if columns is None else positive_int("columns", columns))
    rows, gap = math.ceil(n / columns), positive_int("gap", gap, 0)
    picture = torch.full((rows * (h + gap) - gap, columns * (w + gap) - gap, 3), 255, dtype=torch.uint8)
    for i, image in enumerate(to_bytes(x).expand(n, 3, h, w)):
        top, left = (i // columns) * (h + gap), (i % columns) * (w + gap)
        picture[top : top + h, left : left + w] = image.permute(1, 2, 0)
    return picture.numpy()


def save_picture(x: Tensor, file: str | os.PathLike | BinaryIO, columns: int | None = None, scale: int = 1) -> None:
    """Write `tile(x)` as a PNG to a path or binary file, each pixel `scale` pixels wide."""
    picture = Image.fromarray(tile(x, columns))
    size = tuple(positive_int("scale", scale) * side for side in picture.size)
    picture.resize(size, Image.Resampling.NEAREST).save(file, format="png")
