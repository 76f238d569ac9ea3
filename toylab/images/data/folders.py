"""Any folder of image files."""

import os
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from toylab._files import user_path
from toylab._progress import Bar

NO_PICTURES = {"BUFR", "EPS", "GRIB", "HDF5", "MPEG", "WMF"}  # formats that Pillow knows but cannot decode by itself
SIXTEEN_BITS = {"PNG", "PPM"}  # formats that Pillow may give as 32-bit integers, which in them reach 65535
ORIENTATION = 0x0112
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT, 3: Image.Transpose.ROTATE_180, 4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE, 6: Image.Transpose.ROTATE_270, 7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}  # fmt: skip


class Folder(NamedTuple):
    """The image files of a folder: it, their paths relative to it, and the number of files that are none."""

    folder: Path
    paths: list[Path]
    passed_over: int


@cache
def suffixes() -> tuple[str, ...]:
    """The endings of image files, in lower case: those that Pillow opens here."""
    known = Image.registered_extensions().items()
    return tuple(sorted(end for end, form in known if form in Image.OPEN and form not in NO_PICTURES))


def read(
    folder: str | os.PathLike, size: int, *, progress: bool = True
) -> tuple[Tensor, Tensor | None, list[str] | None, int]:
    """Every image in `folder` and below it, in the order of their paths: pixels uint8 [n, 3, size, size]; labels
    int64 [n] and the names of the classes, or None and None; the number of files that were passed over.

    The middle square of each is resized: by averages over areas to a smaller size, bicubic to a larger one. Grey
    and palette images become RGB, transparent ones lie on white. Where all images are in sub-folders, these are the
    classes. Links to folders are followed; hidden files, and files that do not end like an image, are passed over.
    ValueError names an image that cannot be read, or a folder without images; FileNotFoundError or NotADirectoryError
    one that is none.
    """
    found = _images(folder)
    folder, paths, passed_over = found
    pixels = np.empty((len(paths), 3, size, size), np.uint8)

    def place(i):
        pixels[i] = _square(folder / paths[i], size).transpose(2, 0, 1)

    _each(place, found, "reading images", progress)
    images = torch.from_numpy(pixels)
    if any(len(path.parts) == 1 for path in paths):
        return images, None, None, passed_over
    classes = sorted({path.parts[0] for path in paths})
    number = {name: i for i, name in enumerate(classes)}
    return images, torch.tensor([number[path.parts[0]] for path in paths]), classes, passed_over


def own_size(folder: str | os.PathLike, *, progress: bool = True) -> int:
    """The side of the middle square that all images in `folder` and below it have. ValueError where they differ;
    other errors as for `read`."""
    found = _images(folder)
    folder, paths, _ = found
    sides = [0] * len(paths)

    def look(i):
        with Image.open(folder / paths[i]) as file:
            sides[i] = min(file.size)

    _each(look, found, "measuring images", progress)
    if min(sides) < max(sides):
        raise ValueError(
            f"size must be given for {folder}, whose images differ: their shorter sides are {min(sides)} to "
            f"{max(sides)} pixels long"
        )
    return sides[0]


def _images(folder):
    """The `Folder`, with one image at least."""
    found = find(user_path(folder, "folder"))
    if not found.paths:
        raise ValueError(f"no images in {found.folder}: none of its files ends in {', '.join(suffixes())}")
    return found


def _each(work, found, title, progress):
    """Do `work(i)` for every path, in threads. ValueError names the first image at which it fails."""
    (folder, paths, _), unreadable = found, {}

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


def find(folder: Path) -> Folder:
    """The images below `folder`, sorted by the parts of their paths, so that the order is the same anywhere."""
    if not folder.exists():
        raise FileNotFoundError(f"no folder {folder}")
    found, passed_over = [], 0
    for parent, folders, files in os.walk(folder, onerror=_raise, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".") and not _leads_back(Path(parent, name))]
        files = [name for name in files if not name.startswith(".")]
        wanted = [name for name in files if name.lower().endswith(suffixes())]
        found += [Path(parent, name).relative_to(folder) for name in wanted]
        passed_over += len(files) - len(wanted)
    return Folder(folder, sorted(found, key=lambda path: path.parts), passed_over)


def _leads_back(folder):
    """True if `folder` is a link to one on the way to it, and so would never end."""
    return folder.is_symlink() and any(parent.resolve().is_relative_to(folder.resolve()) for parent in folder.parents)


def _raise(error):
    raise error


def _square(path, size):
    """The middle square of an image file: uint8 [size, size, 3]."""
    with Image.open(path) as file:
        file.load()
        image = _upright(file)
    if image.mode.startswith("I;16") or (image.mode == "I" and file.format in SIXTEEN_BITS):
        image = Image.fromarray((np.asarray(image) / 257).round().astype(np.uint8))
    elif image.mode in ("I", "F"):
        raise ValueError(f"pixels of mode {image.mode} have no known range")
    if image.has_transparency_data:
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
    image, side = image.convert("RGB"), min(image.size)
    left, top = ((extent - side) // 2 for extent in image.size)
    kernel = Image.Resampling.BOX if side >= size else Image.Resampling.BICUBIC
    return np.asarray(image.resize((size, size), kernel, box=(left, top, left + side, top + side)))


def _upright(image):
    """`image` as it was held, by the one entry of its EXIF data that says so: others may be damaged."""
    try:
        turn = TURNS.get(image.getexif().get(ORIENTATION))
    except Exception:  # the data may be anything
        turn = None
    return image if turn is None else image.transpose(turn)
