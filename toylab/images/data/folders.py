"""Any folder of image files."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps

from toylab._progress import Bar

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


def read(folder, size, *, progress=True):
    """Every image in `folder` and below it, in the order of their paths: pixels uint8 [n, 3, size, size]; labels
    int64 [n] and the names of the classes, or None and None.

    The middle square of each is resized: by averages over areas to a smaller size, bicubic to a larger one. Grey
    and palette images become RGB, transparent ones lie on white. Where all images are in sub-folders, these are the
    classes. Links to folders are followed; hidden files, and files that do not end like an image, are passed over.
    ValueError names an image that cannot be read, or a folder without images; FileNotFoundError or NotADirectoryError
    one that is none.
    """
    folder, paths = _images(folder)
    pixels = np.empty((len(paths), 3, size, size), np.uint8)

    def place(i):
        pixels[i] = _square(folder / paths[i], size).transpose(2, 0, 1)

    _each(place, folder, paths, "reading images", progress)
    pixels = torch.from_numpy(pixels)
    if any(len(path.parts) == 1 for path in paths):
        return pixels, None, None
    classes = sorted({path.parts[0] for path in paths})
    number = {name: i for i, name in enumerate(classes)}
    return pixels, torch.tensor([number[path.parts[0]] for path in paths]), classes


def own_size(folder, *, progress=True):
    """The side of the middle square that all images in `folder` and below it have. ValueError where they differ;
    other errors as for `read`."""
    folder, paths = _images(folder)
    sides = [0] * len(paths)

    def look(i):
        with Image.open(folder / paths[i]) as file:
            sides[i] = min(file.size)

    _each(look, folder, paths, "measuring images", progress)
    if min(sides) < max(sides):
        raise ValueError(
            f"size must be given for {folder}, whose images differ: their shorter sides are {min(sides)} to "
            f"{max(sides)} pixels long"
        )
    return sides[0]


def _images(folder):
    """The folder, and the paths of the images in it, at least one."""
    folder = Path(os.path.expanduser(folder))
    paths = find(folder)
    if not paths:
        raise ValueError(f"no images in {folder}: none of its files ends in {', '.join(SUFFIXES)}")
    return folder, paths


def _each(work, folder, paths, title, progress):
    """Do `work(i)` for every path, in threads. ValueError names the first image at which it fails."""
    unreadable = {}

    def attempt(i):
        try:
            work(i)
        except Exception as error:  # decoders raise whatever they like
            unreadable[i] = error

    pool = ThreadPoolExecutor(os.cpu_count())
    try:
        jobs = pool.map(attempt, range(len(paths)))
        list(Bar(jobs, title, len(paths), show=progress))
    finally:
        pool.shutdown(cancel_futures=True)
    if unreadable:
        first = min(unreadable)
        raise ValueError(
            f"{folder / paths[first]} cannot be read as an image: {unreadable[first]} "
            f"({len(unreadable)} of {len(paths)} images cannot be read)"
        )


def find(folder):
    """The paths of the images relative to `folder`, sorted by their parts, so that the order is the same anywhere."""
    if not folder.exists():
        raise FileNotFoundError(f"no folder {folder}")
    found = []
    for parent, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and not _leads_back(Path(parent, name))]
        wanted = (name for name in files if name.lower().endswith(SUFFIXES) and not name.startswith("."))
        found += [Path(parent, name).relative_to(folder) for name in wanted]
    return sorted(found, key=lambda path: path.parts)


def _leads_back(folder):
    """Whether `folder` is a link to one on the way to it, and so would never end."""
    return folder.is_symlink() and any(parent.resolve().is_relative_to(folder.resolve()) for parent in folder.parents)


def _raise(error):
    raise error


def _square(path, size):
    """The middle square of an image file: uint8 [size, size, 3]."""
    with Image.open(path) as file:
        image = ImageOps.exif_transpose(file)
    if image.mode.startswith("I;16"):
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no known range")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image, side = image.convert("RGB"), min(image.size)
    left, top = ((extent - side) // 2 for extent in image.size)
    kernel = Image.Resampling.BOX if side >= size else Image.Resampling.BICUBIC
    return np.asarray(image.resize((size, size), kernel, box=(left, top, left + side, top + side)))
