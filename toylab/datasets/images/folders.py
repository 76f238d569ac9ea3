"""Any folder of images."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch
from PIL import Image, ImageOps
from tqdm.auto import tqdm

SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"}


def read(folder, size, *, progress=True):
    """Every image in `folder` and below: pixels uint8 [n, 3, size, size]; labels int64 [n] and class names, or None.

    Ordered by path. The middle square is resized to `size`: averaged over areas to shrink it, bicubic to enlarge it.
    Where all images lie in sub-folders, the first sub-folder is the class. ValueError names the images that cannot
    be read; FileNotFoundError or NotADirectoryError where there is no such folder.
    """
    folder = Path(folder).expanduser()
    if not folder.exists():
        raise FileNotFoundError(f"no folder {folder}")
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is not a folder")
    paths = find(folder)
    if not paths:
        raise ValueError(f"no images in {folder}; they end in: {', '.join(sorted(SUFFIXES))}")
    pixels, unreadable = np.empty((len(paths), 3, size, size), np.uint8), []

    def load(i):
        try:
            pixels[i] = _square(folder / paths[i], size).transpose(2, 0, 1)
        except Exception as error:  # Pillow's decoders raise many kinds
            unreadable.append((i, error))

    with ThreadPoolExecutor(min(8, os.cpu_count() or 1)) as pool:
        jobs = pool.map(load, range(len(paths)))
        for _ in tqdm(jobs, "reading images", len(paths), delay=2, leave=False, disable=not progress):
            pass
    if unreadable:
        i, error = min(unreadable)
        raise ValueError(f"cannot read {folder / paths[i]}: {error} ({len(unreadable)} of {len(paths)} images)")
    if any(len(path.parts) == 1 for path in paths):
        return torch.from_numpy(pixels), None, None
    classes = sorted({path.parts[0] for path in paths})
    labels = [classes.index(path.parts[0]) for path in paths]
    return torch.from_numpy(pixels), torch.tensor(labels), classes


def find(folder):
    """The paths of its images relative to `folder`, in order of their parts; hidden files are left out."""
    found = (path.relative_to(folder) for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    return sorted((path for path in found if not any(part.startswith(".") for part in path.parts)),
                  key=lambda path: path.parts)


def _square(path, size):
    """The middle square of an image file as uint8 [size, size, 3]."""
    with Image.open(path) as image:
        image = ImageOps.exif_transpose(image)
        if image.has_transparency_data:
            image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image.convert("RGBA"))
        image = image.convert("RGB")
        side = min(image.size)
        left, top = ((extent - side) // 2 for extent in image.size)
        kernel = Image.Resampling.BOX if side >= size else Image.Resampling.BICUBIC
        return np.asarray(image.resize((size, size), kernel, box=(left, top, left + side, top + side)))
