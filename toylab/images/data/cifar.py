"""CIFAR-10 (Krizhevsky, 2009) in its official Python layout: downloaded, verified, read.

torchvision has the same archive, names and sums, but its PyPI build does not import beside a CPU build of torch.
"""

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import torch

from toylab import _shipped
from toylab._extras import extra
from toylab._files import user_path
from toylab._progress import Bar

ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
ARCHIVE_BYTES = 170_498_071
LAYOUT = "cifar-10-batches-py"
MD5 = {
    ARCHIVE: "c58f30108f718f92721af3d95e74349a",
    "data_batch_1": "c99cafc152244af753f735de768cd75f",
    "data_batch_2": "d4bba439e000b95fd0a9bffe97cbabec",
    "data_batch_3": "54ebc095f3ab1f0389bbae665268c751",
    "data_batch_4": "634d18415352ddfa80567beed471001a",
    "data_batch_5": "482c414d41f54cd18b22e5b47cb7c3cb",
    "test_batch": "40351d587109b95175f43aff81a1287e",
    "batches.meta": "5ff9c542aee3614f3951f8cda6e48888",
}
TRAIN = [f"data_batch_{i}" for i in range(1, 6)]
TEST = ["test_batch"]
META = "batches.meta"
SHAPE = (3, 32, 32)


def default_folder() -> Path:
    """The folder for downloads: ``downloads`` in $TOYLAB_DATA or in the data folder of a clone, or the user's cache."""
    data = _shipped.writable_data()
    return data / "downloads" if data else Path(_pooch().os_cache("toylab"))


def read(
    folder: str | os.PathLike | None = None, train: bool = True, *, progress: bool = True, address: str = ADDRESS,
    md5: dict[str, str] = MD5,
) -> tuple[torch.Tensor, torch.Tensor, list[str]]:  # fmt: skip
    """The training images (or the test images) in the official order: pixels uint8 [n, 3, 32, 32], labels int64
    [n], and the names of the classes.

    `folder` (by default `default_folder`) holds the archive as downloaded, or the folder it unpacks to. Where both
    are missing the archive is fetched from `address`, in one piece or not at all. Nothing else is written, and
    nothing that lies there is changed. `md5` maps the names of the archive and of its files to the sums they must
    have: copies with other pixels need a table of their own.

    ValueError names a file that is not the one of this sum or does not hold images; OSError says what to do when
    the download fails; FileNotFoundError names a file that is missing in the unpacked folder.
    """
    folder = default_folder() if folder is None else user_path(folder, "folder")
    archive, layout = folder / ARCHIVE, folder / LAYOUT
    names = [*(TRAIN if train else TEST), META]
    if not archive.exists() and not layout.exists():
        _download(archive, address, md5[ARCHIVE], progress)
    files = _from_archive(archive, names, md5) if archive.exists() else _from_layout(layout, names)
    bar = Bar(files, total=len(names), desc="reading CIFAR-10", show=progress)
    found = {path.name: _content(path, data, md5[path.name]) for path, data in bar}
    missing = [name for name in names if name not in found]
    if missing:
        raise ValueError(f"{archive} lacks {', '.join(missing)}")
    classes = found.pop(META)
    pixels, labels = zip(*(found[name] for name in names[:-1]), strict=True)
    return torch.from_numpy(np.concatenate(pixels)), torch.from_numpy(np.concatenate(labels)), classes


def _pooch():
    with extra("images"):
        import pooch
    return pooch


def _download(archive, address, md5, progress):
    pooch = _pooch()
    archive.parent.mkdir(parents=True, exist_ok=True)
    pooch.get_logger().setLevel("WARNING")
    style = {"unit": "B", "unit_scale": True}
    with Bar(desc=ARCHIVE, total=ARCHIVE_BYTES, show=progress, **style) as bar:
        fetch = pooch.HTTPDownloader(progressbar=bar if progress else False, timeout=30)
        try:
            pooch.retrieve(address, f"md5:{md5}", fname=archive.name, path=archive.parent, downloader=fetch)
        except (OSError, ValueError) as error:
            raise OSError(
                f"CIFAR-10 could not be downloaded ({error}). Try again, or get {archive.name} from {address} by "
                f"other means (its md5 is {md5}) and put it into {archive.parent}"
            ) from error


def _from_archive(archive, names, md5):
    """Pairs (path for messages, bytes) of the named files in the archive, in the archive's order."""
    with archive.open("rb") as file:
        _compare(archive, hashlib.file_digest(file, "md5").hexdigest(), md5[ARCHIVE])
        file.seek(0)
        try:
            with tarfile.open(fileobj=file, mode="r|gz") as tar:
                for member in tar:
                    folder, _, name = member.name.rpartition("/")
                    if folder == LAYOUT and name in names and member.isfile():
                        yield archive / name, tar.extractfile(member).read()
        except (tarfile.TarError, EOFError) as error:
            raise ValueError(f"{archive} cannot be unpacked: {error}") from error


def _from_layout(layout, names):
    for name in names:
        yield layout / name, (layout / name).read_bytes()


def _compare(path, found, expected):
    if found != expected:
        raise ValueError(
            f"{path} is not the official file: its md5 is {found} and should be {expected}. It may be incomplete, or "
            "another data set. Nothing was changed; move it away to have it downloaded again"
        )


def _content(path, data, md5):
    """The content of the file with these bytes: pixels uint8 [n, 3, 32, 32] and labels int64 [n], or the classes."""
    _compare(path, hashlib.md5(data).hexdigest(), md5)
    try:
        found = _Unpickler(io.BytesIO(data), encoding="latin1").load()
        if path.name == META:
            return [str(name) for name in found["label_names"]]
        pixels, labels = found["data"], np.array(found["labels"])
        if pixels.dtype != np.uint8 or labels.dtype.kind != "i" or labels.shape != (len(pixels),):
            raise ValueError(f"{pixels.dtype} {list(pixels.shape)} with labels {labels.dtype} {list(labels.shape)}")
        return pixels.reshape(len(pixels), *SHAPE), labels.astype(np.int64)
    except Exception as error:  # a pickle can go wrong in any way
        raise ValueError(f"{path} does not hold images in CIFAR-10's layout: {error!r}") from error


class _Unpickler(pickle.Unpickler):
    """Makes arrays, strings, numbers, lists and dicts and runs nothing else, since callers can change the sums."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed here")
        return super().find_class(module.replace("numpy.core.", "numpy._core."), name)
