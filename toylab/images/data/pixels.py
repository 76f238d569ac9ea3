"""Images in memory: bytes, and batches of them in [-1, 1]."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import interpolate

CHUNK = 4096  # images converted to floating point at a time


class Images:
    """Images of one size, with their labels.

    `name`: what `load` takes to give the same images again. `pixels`: uint8 [n, c, h, w] from 0 to `top`, which
    stand for -1 to 1. `labels`: int64 [n], or None. `classes`: the labels' names in order, or None. `flip`:
    whether `batch` mirrors half of the images left to right. `passed_over`: files of a folder that are no images.
    """

    def __init__(
        self, name: str, pixels: Tensor, *, labels: Tensor | None = None, classes: list[str] | None = None,
        flip: bool = False, top: int = 255, passed_over: int = 0,
    ):  # fmt: skip
        self.name = name
        self.pixels = pixels
        self.labels = labels
        self.classes = classes
        self.flip = flip
        self.top = top
        self.passed_over = passed_over

    def __repr__(self) -> str:
        others = f", {self.passed_over} other files passed over" if self.passed_over else ""
        return f"Images({self.name!r}, {len(self)} x {list(self.shape)}{others})"

    def __len__(self) -> int:
        return len(self.pixels)

    @property
    def shape(self) -> tuple[int, int, int]:
        """(channels, height, width)"""
        return tuple(self.pixels.shape[1:])

    def values(self, rows: slice | Sequence[int] | Tensor) -> Tensor:
        """The images at `rows` (a slice, or integers as a list, array or tensor), in that order and never mirrored:
        float32 [n, c, h, w] in [-1, 1], where 0 is -1 and `top` is 1 exactly. IndexError beyond the last image."""
        return self.pixels[rows].float().mul_(2).sub_(self.top).div_(self.top)

    def batch(self, n: int, generator: torch.Generator) -> Tensor:
        """`n` images drawn with replacement as float32 [n, c, h, w] in [-1, 1], mirrored at random where `flip`.

        Every choice comes from `generator` (a `torch.Generator` on the CPU), so its state decides the batch.
        """
        return self.labelled_batch(n, generator)[0]

    def labelled_batch(self, n: int, generator: torch.Generator) -> tuple[Tensor, Tensor | None]:
        """The images of `batch`, and their labels int64 [n], or None."""
        rows = torch.randint(len(self), (n,), generator=generator, device=generator.device)
        x = self.values(rows)
        if self.flip:
            mirrored = torch.rand(n, generator=generator, device=generator.device) < 0.5
            x[mirrored] = x[mirrored].flip(-1)
        return x, None if self.labels is None else self.labels[rows]


def shrink(pixels: Tensor, size: int, top: int = 255) -> Tensor:
    """uint8 [n, c, h, w] from 0 to `top` -> uint8 [n, c, size, size] from 0 to 255.

    The middle square is averaged over the area of each new pixel and rounded to the nearest of the 256 levels (a
    half to the even one). Where the square is a multiple of `size`, these areas are blocks of whole pixels;
    otherwise neighbouring areas share pixels, as in ``torch.nn.functional.interpolate(mode="area")``.
    """
    side = min(pixels.shape[2:])
    top_row, left = ((extent - side) // 2 for extent in pixels.shape[2:])
    square = pixels[:, :, top_row : top_row + side, left : left + side]
    parts = [
        interpolate(part.float(), size=(size, size), mode="area").mul_(255 / top).round_().byte()
        for part in square.split(CHUNK)
    ]
    return torch.cat(parts)


def with_channels(pixels: Tensor, channels: int) -> Tensor:
    """uint8 [n, 1 or 3, h, w] -> uint8 [n, channels, h, w]: colour becomes grey as in ITU-R 601, grey three times
    itself."""
    if pixels.shape[1] == channels:
        return pixels
    if channels == 3:
        return pixels.expand(-1, 3, -1, -1).contiguous()
    share = torch.tensor([19595, 38470, 7471], dtype=torch.int32).reshape(3, 1, 1)  # of 2**16, as Pillow has them
    return torch.cat([((part * share).sum(1, keepdim=True) + 2**15 >> 16).byte() for part in pixels.split(CHUNK)])
