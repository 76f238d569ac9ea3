"""From a name to images."""

import re
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from toylab import errors

from . import arrays, cifar, folders
from .pixels import Images, shrink

SOURCES = ("digits", "cifar10", "npz", "folder")
LARGEST = 1024


def names():
    """The forms of name that `load` takes."""
    return ["digits", "cifar10", "cifar10-16", "npz:PATH", "folder:PATH"]


def load(name_or_path, *, size=None, train=True, folder=None, flip=None, progress=True):
    """The `Images` of this name.

    Names are ``digits`` (8x8, grey, from scikit-learn), ``cifar10`` (downloaded at first), ``npz:PATH`` (see
    `arrays.read`) and ``folder:PATH`` (see `folders.read`; needs a size); the path of a folder or of a .npz file
    will do too.

    Args:
        size: height and width to shrink to by averaging areas (a folder's images are enlarged too). It can stand in
            the name: ``cifar10-16``, ``folder-64:PATH``, and does in the `name` of the result.
        train: False for the test images, which only CIFAR-10 has; so has the name ``cifar10:test``.
        folder: where CIFAR-10 lies or is downloaded to, by default ``downloads`` in the data folder.
        flip: mirror half of the images in training; by default only those of CIFAR-10.
        progress: show bars for what takes longer than two seconds.

    ValueError, TypeError or an OSError (FileNotFoundError among them) that names the argument or the file.
    """
    kind, size, place = _parse(name_or_path, size)
    flip = kind == "cifar10" if flip is None else bool(flip)
    test = kind == "cifar10" and (place == "test" or not train)
    if kind != "cifar10" and not train:
        raise ValueError(f"train=False asks for test images, which {kind!r} does not have; only cifar10 does")
    if kind != "cifar10" and folder is not None:
        raise ValueError(f"folder says where cifar10 lies and means nothing for {kind!r}, got {str(folder)!r}")
    top, classes = 255, None
    if kind == "digits":
        digits, top = load_digits(), 16
        pixels = torch.from_numpy(digits.images.astype(np.uint8))[:, None]
        labels, classes = torch.from_numpy(digits.target), [str(name) for name in digits.target_names]
    elif kind == "cifar10":
        pixels, labels, classes = cifar.read(folder, train=not test, progress=progress)
    elif kind == "npz":
        pixels, labels = arrays.read(place)
    else:
        if size is None:
            raise ValueError(f"size must be given for {name_or_path!r}: its images can be of any size")
        pixels, labels, classes = folders.read(place, size, progress=progress)
    own = tuple(pixels.shape[2:])
    if size is not None and size > min(own):
        raise ValueError(f"size must be at most {min(own)} for {name_or_path!r}, whose images are {own[0]}x{own[1]}")
    if size is not None and own != (size, size):
        pixels, top = shrink(pixels, size, top), 255
    sized = kind if size is None or (own == (size, size) and kind != "folder") else f"{kind}-{size}"
    name = sized if kind == "digits" else f"{sized}:{place}"
    if kind == "cifar10":
        name = f"{sized}:test" if test else sized
    return Images(name, pixels, labels=labels, classes=classes, flip=flip, top=top)


def _parse(name_or_path, size):
    """The kind of source, the size or None, and what follows the colon."""
    if not isinstance(name_or_path, (str, Path)):
        raise TypeError(f"name_or_path must be a name (str) or a path, got {name_or_path!r}")
    text = str(name_or_path).strip()
    head, colon, place = text.partition(":")
    match = re.fullmatch(r"([a-z0-9]+?)(?:-(\d+))?", head.lower())
    kind, in_name = match.groups() if match else (None, None)
    if kind not in SOURCES or isinstance(name_or_path, Path):
        path = Path(text).expanduser()
        if path.suffix.lower() != ".npz" and not path.is_dir():
            raise errors.unknown_name("images", text, names())
        kind, in_name, colon, place = "npz" if path.suffix.lower() == ".npz" else "folder", None, ":", text
    if in_name is not None:
        if size is not None and size != int(in_name):
            raise ValueError(f"size must be {in_name}, as in the name {text!r}, got {size!r}")
        size = int(in_name)
    if size is not None:
        size = errors.positive_int("size", size)
        if size > LARGEST:
            raise ValueError(f"size must be an integer from 1 to {LARGEST}, got {size}")
    if kind in ("npz", "folder") and not place:
        raise ValueError(f"{text!r} needs a path: {kind}:PATH")
    parts = {"digits": [], "cifar10": ["train", "test"]}.get(kind, [place])
    if colon and place not in parts:
        known = ", ".join([kind, *(f"{kind}:{part}" for part in parts)])
        raise ValueError(f"{place!r} means nothing in {text!r}; choose from: {known}")
    return kind, size, place
