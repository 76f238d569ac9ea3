"""CIFAR-10 (Krizhevsky, 2009) in its official Python layout: downloaded, verified, read."""

import hashlib
import io
import os
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pooch
import torch
from tqdm.auto import tqdm

ADDRESS = "https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz"
ARCHIVE = "cifar-10-python.tar.gz"
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
SHAPE = (3, 32, 32)


def default_folder():
    """Where downloads lie: ``downloads`` in the repository's data folder, or in $TOYLAB_DATA."""
    data = os.environ.get("TOYLAB_DATA") or Path(__file__).parents[3] / "data"
    return Path(data).expanduser() / "downloads"


def read(folder=None, train=True, *, progress=True, address=ADDRESS, md5=MD5):
    """The training images (or the test images) in the official order: pixels uint8 [n, 3, 32, 32], labels int64
    [n], and the ten class names.

    `folder` (default: `default_folder`) holds the archive as downloaded, or what it unpacks to; otherwise the
    archive is fetched from `address` into it, in one piece or not at all. Nothing is unpacked or changed there.
    `md5` maps the archive's and its files' names to the sums they must have: a copy with other pixels takes another
    table. ValueError names a file that does not have its sum, OSError says what to do when the download fails.
    """
    folder = default_folder() if folder is None else Path(folder).expanduser()
    archive, layout = folder / ARCHIVE, folder / LAYOUT
    if not archive.exists() and not layout.exists():
        _download(archive, address, md5[ARCHIVE], progress)
    wanted = [*(TRAIN if train else TEST), "batches.meta"]
    files = _from_archive(archive, wanted, md5) if archive.exists() else _from_layout(layout, wanted, md5)
    bar = tqdm(files, total=len(wanted), desc="reading CIFAR-10", delay=2, leave=False, disable=not progress)
    found = {path.name: _checked(path, data, md5[path.name]) for path, data in bar}
    classes = found.pop("batches.meta")["label_names"]
    parts = [found[name] for name in wanted[:-1]]
    pixels = np.concatenate([part["data"] for part in parts]).reshape(-1, *SHAPE)
    labels = np.concatenate([np.asarray(part["labels"], dtype=np.int64) for part in parts])
    return torch.from_numpy(pixels), torch.from_numpy(labels), list(classes)


def _download(archive, address, md5, progress):
    archive.parent.mkdir(parents=True, exist_ok=True)
    bar = tqdm(desc=ARCHIVE, unit="B", unit_scale=True, delay=2, leave=False) if progress else False
    fetch = pooch.HTTPDownloader(progressbar=bar, timeout=30)
    try:
        pooch.retrieve(address, f"md5:{md5}", fname=archive.name, path=archive.parent, downloader=fetch)
    except (OSError, ValueError) as error:
        raise OSError(
            f"CIFAR-10 could not be downloaded: {error}. Try again, or fetch {address} elsewhere (md5 {md5}) and "
            f"put it into {archive.parent} as {ARCHIVE}"
        ) from error


def _from_archive(archive, names, md5):
    """Pairs (path for messages, bytes) of the named files in the verified archive."""
    with archive.open("rb") as file:
        _compare(archive, hashlib.file_digest(file, "md5").hexdigest(), md5[ARCHIVE])
        file.seek(0)
        with tarfile.open(fileobj=file) as tar:
            for name in names:
                yield archive / name, tar.extractfile(f"{LAYOUT}/{name}").read()


def _from_layout(layout, names, md5):
    for name in names:
        yield layout / name, (layout / name).read_bytes()


def _checked(path, data, md5):
    """What the file with these bytes holds, a dict, if it has this sum."""
    _compare(path, hashlib.md5(data).hexdigest(), md5)
    return _Unpickler(io.BytesIO(data), encoding="latin1").load()


def _compare(path, found, expected):
    if found != expected:
        raise ValueError(
            f"{path} is not the official file: its md5 is {found}, not {expected}. It may be truncated or another "
            "data set; nothing was changed. Move it away, and it is downloaded afresh"
        )


class _Unpickler(pickle.Unpickler):
    """Makes arrays, strings, numbers, lists and dicts, and runs nothing else: sums can be replaced by the caller."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
        ("_codecs", "encode"),
    }

    def find_class(self, module, name):
        if (module, name) not in self.ALLOWED:
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed in a file of images")
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)
