"""With what, and on what, numbers were made."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from toylab import __version__, _shipped

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "matplotlib")


def provenance() -> dict[str, Any]:
    """Commit, versions and hardware: a dict of strings, of "cores" an integer."""
    return {
        "toylab": __version__,
        "commit": commit(_shipped.clone()),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": _cores(),
    }


def commit(folder: Path | None) -> str:
    """The commit of the checkout in `folder`, and whether the package or its networks differ from it."""
    if folder is None:
        return "unknown: an installed package"
    try:
        name = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", "toylab", "data")
    except (OSError, subprocess.CalledProcessError):
        return "unknown: not a git checkout"
    return f"{name[:12]}{', with changes that are not committed' if changed else ''}"


def _git(folder, *words):
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _cores():
    """Those that this process may use, where the system tells."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
