"""Images in NumPy's .npz files."""

import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch


def read(path):
    """The images and labels of a .npz file: pixels uint8 [n, c, h, w]; labels int64 [n], or None.

    The file holds "images" (or one array alone), uint8 [n, h, w, c] with c = 1 or 3, and may hold "labels".
    FileNotFoundError where there is no such file; ValueError names the file and what is wrong in it.
    """
    path = Path(path).expanduser()
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except (AttributeError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise ValueError(f"{path} is no readable .npz file: {error}") from error
    labels = arrays.pop("labels", None)
    if "images" not in arrays and len(arrays) != 1:
        raise ValueError(f"{path} has no array 'images'; it has: {', '.join(arrays) or 'none'}")
    images = arrays["images"] if "images" in arrays else arrays.popitem()[1]
    if images.dtype != np.uint8:
        raise ValueError(f"images in {path} must be uint8 from 0 to 255, got {images.dtype}")
    if images.ndim != 4 or images.shape[3] not in (1, 3) or 0 in images.shape:
        raise ValueError(f"images in {path} must be [n, h, w, c] with c = 1 or 3, got {list(images.shape)}")
    pixels = torch.from_numpy(np.ascontiguousarray(images.transpose(0, 3, 1, 2)))
    if labels is None:
        return pixels, None
    if labels.shape != (len(images),) or labels.dtype.kind not in "iu":
        raise ValueError(
            f"labels in {path} must be {len(images)} integers, got {labels.dtype} {list(labels.shape)}"
        )
    return pixels, torch.from_numpy(labels.astype(np.int64))
