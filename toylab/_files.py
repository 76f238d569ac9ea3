"""Files that are written in one piece or not at all."""

import glob
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import psutil


@contextmanager
def replacing(path):
    """A binary file to write, which takes the place of `path` when all went well and is removed when not. An OSError
    in the block names `path`. What killed processes left behind of it is removed."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(path.parent, glob.escape(path.name))
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, path)
    except OSError as error:
        if error.errno is not None:  # a message of its own would be hidden by the name
            error.filename = error.filename or str(path)
        raise
    finally:
        partial.unlink(missing_ok=True)


def remove_leftovers(folder, names="*"):
    """Remove what killed processes left half-written in `folder` of the files with these names (a pattern)."""
    for partial in Path(folder).glob(f".{names}.*.partial"):
        pid = partial.name.split(".")[-2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            partial.unlink(missing_ok=True)


def check_writable(path):
    """Make the folder of `path`; OSError (PermissionError, say) unless a file can be written there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    with tempfile.TemporaryFile(dir=path.parent):
        pass
