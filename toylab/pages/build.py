"""The live lab as one HTML file: no network, no server, no Python behind it."""

import base64
import hashlib
import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from toylab._files import replacing, strict_json, user_path
from toylab.pages import source, tables
from toylab.widgets.page import source as widget_source

MODULES = ("state", "drawing", "figures", "panels", "lab")


def live_page() -> str:
    """The page as HTML. It samples live, in a worker of the browser, with the exact epsilon of the data chosen.

    Its content policy lets in nothing but the scripts and the style that it holds, and no connection to anywhere.
    """
    values = tables.core_tables() | {"sets": _packed(tables.data_sets()), "styles": tables.styles()}
    parts = {
        "style": widget_source("parts.css") + source.text("lab/lab.css"),
        "tables": strict_json(values, separators=(",", ":")).replace("<", "\\u003c"),
        "worker": source.text("lab/worker.js"),
        "core": source.core(),
        "module": _module(),
    }
    policy = {
        "default-src": "'none'",
        "script-src": f"{_hash(parts['core'])} {_hash(parts['module'])}",
        "style-src": _hash(parts["style"]),
        "worker-src": "blob:",
        "img-src": "data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    parts["policy"] = "; ".join(f"{name} {allowed}" for name, allowed in policy.items())
    page = source.text("lab/page.html")
    for name, value in parts.items():
        page = page.replace("{{" + name + "}}", value, 1)
    return page


def write_live_page(path: str | os.PathLike, force: bool = False) -> Path:
    """Write `live_page` to `path` (.html, added where there is no suffix), in one piece or not at all.

    Returns the path.

    Raises FileExistsError for a file that is there, unless `force`; ValueError for another suffix; OSError naming
    `path` where it cannot be written.
    """
    path = user_path(path, "file")
    if not path.suffix:
        path = path.with_name(f"{path.name}.html")
    if path.suffix.lower() not in (".html", ".htm"):
        raise ValueError(f"file must end in .html, got {str(path)!r}")
    if path.exists() and not force:
        raise FileExistsError(f"{path} is there already; --force (force=True) replaces it")
    page = live_page().encode()
    with replacing(path) as file:
        file.write(page)
    return path


@cache
def _module() -> str:
    """The page's own script; its names stay apart from those of the widgets' files that it calls."""
    own = source.joined(*(source.text(f"lab/{name}.js") for name in MODULES))
    return f"{widget_source('parts.js', 'panels.js')}\n{{\n{own}\n}}\n"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _packed(sets: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Strokes as base64 of float32, with the number of points of each."""
    return {name: _packed_set(shape) if "strokes" in shape else shape for name, shape in sets.items()}


def _packed_set(shape):
    values = np.concatenate(shape["strokes"]).astype("<f4")
    return shape | {
        "strokes": base64.b64encode(values.tobytes()).decode(),
        "counts": [len(stroke) // 2 for stroke in shape["strokes"]],
    }
