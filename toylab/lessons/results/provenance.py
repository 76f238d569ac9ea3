"""With what, and on what, numbers were made."""

import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path

LIBRARIES = ("torch", "numpy", "scipy", "scikit-learn", "matplotlib")
ROOT = Path(__file__).parents[3]


def provenance():
    """Commit, versions and hardware: a dict of strings, of "cores" an integer."""
    return {
        "toylab": version("toylab"),
        "commit": commit(ROOT),
        "python": platform.python_version(),
        **{name: version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}",
        "cores": _cores(),
    }


def commit(folder):
    """The commit of the checkout in `folder`, and whether the package or its networks differ from it."""
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
