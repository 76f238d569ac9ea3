"""Folders that come with toylab: ``data`` (trained networks and their cards), ``docs`` and ``notebooks``.

In a clone they lie at its top level; the wheel carries copies inside the package.
"""

import os
from pathlib import Path

HERE = Path(__file__).parent


def clone() -> Path | None:
    """The clone that this package runs from, or None where it was installed."""
    root = HERE.parent
    return root if (root / "notebooks").is_dir() and (root / "pyproject.toml").is_file() else None


def shipped(name: str) -> Path:
    """The folder of this name, "data", "docs" or "notebooks"."""
    return (clone() or HERE / "_shipped") / name


def data() -> Path:
    """The folder to read networks from: $TOYLAB_DATA, or the shipped one."""
    return writable_data() or shipped("data")


def writable_data() -> Path | None:
    """The data folder to write into: $TOYLAB_DATA, or that of a clone; None where there is neither."""
    chosen, root = os.environ.get("TOYLAB_DATA"), clone()
    if chosen:
        return Path(chosen).expanduser()
    return root / "data" if root else None
