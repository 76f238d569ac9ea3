"""From a name to images.

A name is ``SOURCE``, ``SOURCE-SIZE``, or one of these with ``:`` and what the source needs to know: ``cifar10-16``,
``cifar10:test``, ``npz:PATH``, ``folder-64:PATH``.
"""

import os
import re
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits

from toylab import _errors as errors
from toylab._files import user_path
from toylab.images.data import arrays, cifar, folders
from toylab.images.data.pixels import Images, shrink, with_channels

SOURCES = ("digits", "cifar10", "npz", "folder")
LARGEST = 1024  # pixels along a side
DIGITS_TOP = 16


def names() -> list[str]:
    """The forms of names that `load` takes, for messages and help."""
    return ["digits", "cifar10", "cifar10-16", "npz:PATH", "folder:PATH"]


def load(
    name_or_path: str | Path, *, size: int | None = None, channels: int | None = None, train: bool = True,
    folder: str | os.PathLike | None = None, flip: bool | None = None, progress: bool = True,
) -> Images:  # fmt: skip
    """The `Images` of this name, all in memory.

    - ``digits``: 1797 grey handwritten digits of 8x8 with 17 levels, from scikit-learn.
    - ``cifar10``: 50,000 photographs of 32x32 in ten classes, downloaded when they are first asked for (170 MB);
      ``cifar10:test`` are the 10,000 test images. See `cifar.read`.
    - ``npz:PATH``: see `arrays.read`.
    - ``folder:PATH``: see `folders.read`. CelebA, unpacked, is ``load("folder:img_align_celeba", size=64)``.

    The path of a folder or of a file ending in .npz is a name, too.

    Args:
        size: height and width; a folder needs it where the shorter sides of its images differ. Other images are shrunk
            to it (see `shrink`), to at most their own. It can stand in the name instead, and does so in that of the
            result: ``cifar10-16``.
        channels: 1 or 3, to which grey or coloured images are turned; None for their own, which for a folder are 3.
        train: False gives the test images of CIFAR-10; nothing else has any.
        folder: where CIFAR-10 lies and is downloaded to; by default see `cifar.default_folder`.
        flip: whether `Images.batch` mirrors half of the images; None mirrors those of CIFAR-10 only.

    ValueError or TypeError for an argument, or a file, that is named; OSError (FileNotFoundError and others) for
    files that cannot be read or downloaded.
    """
    train = errors.flag("train", train)
    source, in_name, rest = _parse(name_or_path)
    size = _checked_size(name_or_path, size, in_name)
    if source == "cifar10":
        if rest == "train" and not train:
            raise ValueError(f"train=False contradicts the name {str(name_or_path)!r}")
        train, rest = (False, "test") if rest == "test" or not train else (True, "")
    elif not train:
        raise ValueError(f"train=False asks for the test images of cifar10, got {str(name_or_path)!r}, which has none")
    elif folder is not None:
        raise ValueError(f"folder says where cifar10 lies, got {str(folder)!r} with {str(name_or_path)!r}")
    if source == "folder" and size is None:
        size = _checked_size(name_or_path, folders.own_size(rest, progress=progress), None)

    if channels is not None and errors.positive_int("channels", channels) not in (1, 3):
        raise ValueError(f"channels must be 1 (grey) or 3 (colour), got {channels}")

    labels, classes, top, passed_over = None, None, 255, 0
    if source == "digits":
        pixels, labels, classes, top = _digits()
    elif source == "cifar10":
        pixels, labels, classes = cifar.read(folder, train, progress=progress)
    elif source == "npz":
        pixels, labels, classes = arrays.read(rest)
    else:
        pixels, labels, classes, passed_over = folders.read(rest, size, progress=progress)

    own = tuple(pixels.shape[2:])
    if size is not None and size > min(own):
        raise ValueError(f"size must be at most {min(own)} for images of {own[0]}x{own[1]}, got {size}")
    resized = source == "folder"
    if size is not None and own != (size, size):
        pixels, top, resized = shrink(pixels, size, top), 255, True
    pixels = with_channels(pixels, channels or pixels.shape[1])
    name = f"{source}{f'-{size}' if resized else ''}{f':{rest}' if rest else ''}"
    flip = source == "cifar10" if flip is None else errors.flag("flip", flip)
    return Images(name, pixels, labels=labels, classes=classes, flip=flip, top=top, passed_over=passed_over)


def _digits():
    digits = load_digits()
    pixels = torch.from_numpy(digits.images.astype(np.uint8))[:, None]
    return pixels, torch.from_numpy(digits.target).long(), [str(name) for name in digits.target_names], DIGITS_TOP


def _parse(name_or_path):
    """The source, the size in the name (or None), and what follows the colon (or "")."""
    if not isinstance(name_or_path, (str, Path)):
        raise TypeError(f"name_or_path must be a name (str) or a path, got {name_or_path!r}")
    text = str(name_or_path)
    if not text.strip():
        raise errors.unknown_name("images", text, names())
    match = re.fullmatch(r"\s*(\w+?)(?:-(\d+))?\s*(?::(.*))?", text, re.DOTALL)
    if isinstance(name_or_path, Path) or not match or match[1].lower() not in SOURCES:
        return _path_source(name_or_path), None, text
    source, size, rest = match[1].lower(), match[2], match[3]
    known = {"digits": [None], "cifar10": [None, "train", "test"]}.get(source)
    if known is None and not rest:
        raise ValueError(f"{text!r} names no file: it must be {source}:PATH")
    if known is not None and rest not in known:
        forms = [source if part is None else f"{source}:{part}" for part in known]
        raise errors.unknown_name("images", text, forms)
    return source, None if size is None else int(size), rest or ""


def _path_source(name_or_path):
    """``npz`` or ``folder`` for what is no name but may be a path."""
    path = user_path(name_or_path, "name_or_path")
    if path.is_dir():
        return "folder"
    if path.suffix.lower() == ".npz":
        return "npz"
    if isinstance(name_or_path, Path) or os.sep in name_or_path:
        raise FileNotFoundError(f"{path} is neither a folder nor a .npz file")
    raise errors.unknown_name("images", name_or_path, names())


def _checked_size(name_or_path, size, in_name):
    """The size that is asked for, from the argument or from the name; None for the images' own."""
    for value in (size, in_name):
        if value is not None and errors.positive_int("size", value) > LARGEST:
            raise ValueError(f"size must be an integer from 1 to {LARGEST}, got {value}")
    if None not in (size, in_name) and size != in_name:
        raise ValueError(f"size must be {in_name} as in the name {str(name_or_path)!r}, got {size}")
    return in_name if size is None else int(size)
