"""Images in NumPy's .npz files."""

import os

import numpy as np
import torch

from toylab._files import user_path

FORM = "uint8 [n, h, w, c] from 0 to 255 with c = 1 or 3"


def read(path: str | os.PathLike) -> tuple[torch.Tensor, torch.Tensor | None, list[str] | None]:
    """The images in a .npz file, in their order: pixels uint8 [n, c, h, w]; labels int64 [n] and the classes' names, or
    None for what is not there.

    The file holds ``images`` (or one array of any name), uint8 [n, h, w, c] with c = 1 or 3, and may hold
    ``labels``, n integers from 0, and beside them ``classes``, a name for each. ``numpy.savez(path, images=...,
    labels=...)`` writes one. FileNotFoundError where there is none; ValueError names the file and what is wrong.
    """
    path = user_path(path)
    arrays = _arrays(path)
    labels, classes = arrays.pop("labels", None), arrays.pop("classes", None)
    if "images" not in arrays and len(arrays) != 1:
        raise ValueError(f"{path} has no array 'images'; its arrays are: {', '.join(arrays) or 'none'}")
    images = arrays["images"] if "images" in arrays else arrays.popitem()[1]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images in {path} must be {FORM}, got {images.dtype} {list(images.shape)}")
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    if labels is None:
        return pixels, None, None
    if labels.dtype.kind not in "iu" or labels.shape != (len(images),) or labels.min() < 0:
        found = f"{labels.dtype} {list(labels.shape)}"
        raise ValueError(f"labels in {path} must be {len(images)} integers from 0, got {found}")
    labels = torch.from_numpy(labels.astype(np.int64))
    if classes is None:
        return pixels, labels, None
    if classes.dtype.kind != "U" or classes.ndim != 1 or len(classes) <= labels.max():
        found = f"{classes.dtype} {list(classes.shape)}"
        raise ValueError(f"classes in {path} must be a name for each label up to {int(labels.max())}, got {found}")
    return pixels, labels, classes.tolist()


def _arrays(path):
    """All arrays of the file by name; each has the check sum that the archive holds."""
    with path.open("rb") as file:
        try:
            with np.load(file, allow_pickle=False) as arrays:
                return {name: arrays[name] for name in arrays.files}
        except Exception as error:  # a damaged archive can go wrong in any way
            raise ValueError(f"{path} is not a readable .npz file: {error}") from error
