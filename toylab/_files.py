"""Files that are written in one piece or not at all, the paths that people give, and JSON that any reader takes."""

import glob
import json
import math
import os
import platform
import signal
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO

import psutil


def user_path(path: str | os.PathLike, argument: str = "path") -> Path:
    """`path` with ``~`` expanded; TypeError unless it is a string or a path, ValueError where it can be no file's."""
    name = os.fspath(path) if isinstance(path, (str, os.PathLike)) else path
    if not isinstance(name, str):
        raise TypeError(f"{argument} must be a path (str or Path), got {path!r}")
    if not name.strip() or "\0" in name:
        raise ValueError(f"{argument} must be the path of a file or folder, got {name!r}")
    return Path(os.path.expanduser(name))


@contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A binary file to write, which takes the place of `path` when all went well and is removed when not. An OSError
    in the block names `path`. What killed processes left behind of it is removed."""
    with replacing_together(path) as (file,):
        yield file


@contextmanager
def replacing_together(*paths: str | os.PathLike) -> Iterator[list[BinaryIO]]:
    """The same for several files that belong together: a Ctrl-C, a full disk or a kill at any moment leaves the old
    ones, the new ones, or (a kill only) the first without the others, but never old beside new."""
    places = {path: _partial(path) for path in map(user_path, paths)}
    try:
        with ExitStack() as stack:
            yield [stack.enter_context(_written(path, partial)) for path, partial in places.items()]
        with _undisturbed():
            for path in list(places)[1:]:
                path.unlink(missing_ok=True)
            for path, partial in places.items():
                with _naming(path, partial):
                    os.replace(partial, path)
    finally:
        for partial in places.values():
            with suppress(OSError):  # where no file could be made, none can be removed
                partial.unlink()


def _partial(path):
    """The hidden file beside `path` that this thread writes first."""
    return path.with_name(f".{path.name}.{threading.get_native_id()}.{os.getpid()}.partial")


@contextmanager
def _written(path, partial):
    """The file `partial`, on the disk when the block has ended well. Errors speak of `path`."""
    with _naming(path, partial):
        if path.is_dir():
            raise IsADirectoryError(f"{path} is a folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(path.parent, glob.escape(path.name))
        with open(partial, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())


@contextmanager
def _naming(path, partial):
    """Errors of the system name `path`, not the file in its place that no reader has heard of."""
    try:
        yield
    except OSError as error:
        if error.errno is None or error.filename not in (None, str(partial)):
            raise  # with a message of its own, or about another file
        raise OSError(error.errno, error.strerror, str(path)) from error


@contextmanager
def _undisturbed():
    """Run a short block to its end before a Ctrl-C or SIGTERM acts, which only the main thread sees."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came, handlers = [], {}
    for each in (signal.SIGINT, signal.SIGTERM):
        if callable(signal.getsignal(each)):  # else it kills the process or is ignored
            handlers[each] = signal.signal(each, lambda *event: came.append(event))
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
        for event in came[:1]:
            handlers[event[0]](*event)


def remove_leftovers(folder: str | os.PathLike, names: str = "*") -> None:
    """Remove what killed processes left half-written in `folder` of the files with these names (a pattern)."""
    for partial in Path(folder).glob(f".{names}.*.partial"):
        pid = partial.name.split(".")[-2]
        if pid.isdecimal() and not psutil.pid_exists(int(pid)):
            partial.unlink(missing_ok=True)


def check_new(path: Path, force: bool) -> None:
    """FileExistsError for a path that is there, unless `force`."""
    if path.exists() and not force:
        raise FileExistsError(f"{path} is there already; --force (force=True) replaces it")


def check_writable(path: str | os.PathLike) -> None:
    """Make the folder of `path`; OSError (PermissionError, say) unless a file can be written there."""
    path = user_path(path)
    if path.is_dir():
        raise IsADirectoryError(f"{path} is a folder")
    with _naming(path, path):
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent, prefix=f"{path.name}."):  # as long a name as that to be written
            pass


def finite(value: Any) -> Any:
    """`value` for JSON: dictionaries, lists, strings, plain numbers; None in place of numbers that are not finite, of
    which JSON has none. Scalars and arrays of NumPy and torch become numbers and lists."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, Mapping):
        return {key: finite(part) for key, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def strict_json(value: Any, **options: Any) -> str:
    """`value` as JSON that every reader takes (see `finite`)."""
    return json.dumps(finite(value), allow_nan=False, **options)


@contextmanager
def owned(path: str | os.PathLike, argument: str = "out") -> Iterator[None]:
    """Own `path` for a block: a hidden file beside it names the process. FileExistsError where another process, or
    another thread, owns it; what killed processes left behind is taken over."""
    path = user_path(path, argument)
    if not path.name:
        raise ValueError(f"{argument} must be the path of a file or folder with a name, got {str(path)!r}")
    lock, aside = path.with_name(f".{path.name}.lock"), _partial(path.with_name(f"{path.name}.lock"))
    with _naming(path, lock):
        path.parent.mkdir(parents=True, exist_ok=True)
        while not _locked(lock):
            owner = _owner(lock)
            if owner:
                raise FileExistsError(
                    f"{path} is being written by another run ({owner}): wait for it, or choose another {argument} "
                    f"({lock} says so; remove that file if no such run is left)"
                )
            with suppress(FileNotFoundError):  # taken over by somebody else meanwhile
                os.replace(lock, aside)
                if _owner(aside):  # somebody else had been faster, and this is his
                    os.replace(aside, lock)
            aside.unlink(missing_ok=True)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def _locked(lock):
    """True if the file `lock` was not there and now names this process."""
    try:
        with open(lock, "x", encoding="utf-8") as file:
            json.dump([os.getpid(), psutil.Process().create_time(), platform.node()], file)
    except FileExistsError:
        return False
    except OSError:  # a full disk
        lock.unlink(missing_ok=True)
        raise
    return True


def _owner(lock):
    """The owner of the file `lock`, in words; None for nobody who lives."""
    try:
        pid, began, machine = json.loads(lock.read_text(encoding="utf-8"))
        if machine != platform.node():
            return f"process {pid} on {machine}"  # of which nothing can be known here
        return f"process {pid}" if psutil.Process(pid).create_time() == began else None
    except (FileNotFoundError, psutil.NoSuchProcess):
        return None
    except ValueError:  # not written yet, unless the process that was to do so is dead
        return "which has just begun" if time.time() - lock.stat().st_mtime < 10 else None
