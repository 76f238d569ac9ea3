"""``toylab lab``: JupyterLab on the notebooks."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from toylab import _shipped
from toylab._extras import extra
from toylab._files import replacing, user_path

FOLDER = "toylab-notebooks"


def lab(
    folder: Annotated[
        str | None,
        typer.Argument(
            metavar="[FOLDER]",
            help=f"Put the notebooks there, beside what is there, and open it. [in a clone: notebooks, else {FOLDER}]",
        ),
    ] = None,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to JupyterLab, after --.")] = None,
    port: Annotated[int, typer.Option(help="Port of JupyterLab on this machine.")] = 8888,
) -> None:
    """Open JupyterLab on the notebooks.

    Files that are in FOLDER already stay as they are. JupyterLab listens on 127.0.0.1 and asks for its token. Without
    a browser, open the address that it prints. Ctrl-C stops it.

    \b
    Examples:
      toylab lab
      toylab lab my-notebooks
      toylab lab --port 9000 -- --no-browser
    """
    given = list(arguments or [])
    if folder is not None and folder.startswith("-"):  # the first of JupyterLab's
        folder, given = None, [folder, *given]
    check_port(port)
    here = notebooks(folder)
    with extra("lab"):
        import_module("jupyterlab")
    print(f"toylab: opening JupyterLab on {here}", file=sys.stderr)
    process = subprocess.Popen(command(here, port, given))
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches JupyterLab, which asks before it stops
    try:
        code = process.wait()
    except KeyboardInterrupt:  # SIGTERM, which reaches this process alone
        process.terminate()
        process.wait()
        raise
    finally:
        signal.signal(signal.SIGINT, before)
    raise typer.Exit(1 if code else 0)


def notebooks(folder: str | os.PathLike | None = None) -> Path:
    """The folder of notebooks to open: that of a clone, unless `folder` (outside a clone `FOLDER`) is to get a copy.

    Raises NotADirectoryError for a file, PermissionError where nothing can be written.
    """
    source = _shipped.shipped("notebooks")
    if folder is None and _shipped.clone():
        return source
    folder = user_path(folder or FOLDER, "folder").absolute()
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"folder must be a folder, but {folder} is a file")
    missing = [path for path in sorted(source.glob("*.ipynb")) if not os.path.lexists(folder / path.name)]
    for path in missing:
        with open(path, "rb") as original, replacing(folder / path.name) as copy:
            shutil.copyfileobj(original, copy)
    if missing:
        print(f"toylab: put {len(missing)} notebooks into {folder}", file=sys.stderr)
    return folder


def check_port(port: int) -> None:
    """ValueError unless `port` is one."""
    if not 1 <= port <= 65535:
        raise ValueError(f"port must be from 1 to 65535, got {port}")


def command(folder: Path, port: int, arguments: Sequence[str]) -> list[str]:
    """The command line that starts JupyterLab; the same as in the Makefile."""
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    place = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}"]
    return [sys.executable, "-m", "jupyterlab", *place, *root, *arguments]
