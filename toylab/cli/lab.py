"""``toylab lab``: JupyterLab on the notebooks."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Annotated

import typer


def lab(
    port: Annotated[int, typer.Option(help="Port of JupyterLab on this machine.")] = 8888,
    arguments: Annotated[list[str] | None, typer.Argument(help="Passed on to JupyterLab, after --.")] = None,
):
    """Open JupyterLab on the notebooks.

    It listens on 127.0.0.1 and asks for its token. Without a browser, open the address that it prints.
    Ctrl-C stops it.

    \b
    Examples:
      toylab lab
      toylab lab --port 9000 -- --no-browser
    """
    folder = notebooks()
    start = command(folder, port, arguments or [])
    print(f"toylab: opening JupyterLab on {folder}", file=sys.stderr)
    process = subprocess.Popen(start)
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches JupyterLab, which asks before it stops
    try:
        code = process.wait()
    finally:
        signal.signal(signal.SIGINT, before)
    raise typer.Exit(1 if code else 0)


def notebooks():
    """The notebooks folder of the checkout that this package belongs to, or of the current folder.

    Raises FileNotFoundError where there is none.
    """
    for place in (Path(__file__).resolve().parents[2], Path.cwd()):
        if (place / "toylab").is_dir() and (place / "notebooks").is_dir():
            return place / "notebooks"
    raise FileNotFoundError(
        "no notebooks here: they are part of the repository, not of the installed package; run this in a clone of it"
    )


def command(folder, port, arguments):
    """What starts JupyterLab, as a list; the same as in the Makefile."""
    if not 1 <= port <= 65535:
        raise ValueError(f"port must be from 1 to 65535, got {port}")
    root = ["--allow-root"] if getattr(os, "geteuid", lambda: 1)() == 0 else []
    place = ["--ServerApp.ip=127.0.0.1", f"--ServerApp.port={port}", f"--ServerApp.root_dir={folder}"]
    return [sys.executable, "-m", "jupyterlab", *place, *root, *arguments]
