"""The live lab as one HTML file, or as a folder for strict hosts: no network, no server, no Python behind it."""

import base64
import os
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from toylab._files import check_new, replacing_together, strict_json, user_path
from toylab.figures.style import DEEPER, MARKERS
from toylab.pages import source, tables
from toylab.pages.networks import packed_networks
from toylab.pages.scenes import Scene, lecture
from toylab.widgets.page import content_policy, inline_hash
from toylab.widgets.page import source as widget_source

MODULES = ("state", "drawing", "figures", "panels", "stage", "lab")
OF_WIDGETS = "parts.js", "panels.js", "drawing.js", "keys.js", "keep.js"


def live_page(scenes: list[Scene] | None = None, networks: Iterable[str | os.PathLike] = ()) -> str:
    """The page as HTML. It samples live, in workers of the browser, with the exact epsilon of the data chosen.

    Its content policy lets in nothing but the scripts and the style that it holds, and no connection to anywhere.
    `scenes` are those of its lecture mode, by default of a lecture of two hours. `networks`, shipped ones or paths, are
    put into the page, about 160 kB each: see `packed_networks`, also for what is raised.
    """
    parts = _parts()
    policy = {
        "script-src": f"{inline_hash(parts['core'])} {inline_hash(parts['module'])}",
        "style-src": inline_hash(parts["style"]),
        "worker-src": "blob:",
    }
    holders = {
        "style": "<style>{}</style>",
        "worker": '<script type="text/plain" id="worker">{}</script>',
        "core": '<script id="core">{}</script>',
        "module": '<script type="module">{}</script>',
    }
    return _filled(
        {name: holder.replace("{}", parts[name]) for name, holder in holders.items()}, policy, scenes, networks
    )


def live_files(networks: Iterable[str | os.PathLike] = ()) -> dict[str, str]:
    """The same page without a line of script in it, by file name: index.html and what it loads from beside itself.

    For hosts that forbid scripts inside a page (`script-src 'self'`); browsers load such parts from a server only.
    """
    parts = _parts()
    holders = {
        "style": '<link rel="stylesheet" href="lab.css">',
        "worker": '<template id="worker" data-file="worker.js"></template>',
        "core": '<script src="core.js"></script>',
        "module": '<script type="module" src="lab.js"></script>',
    }
    policy = dict.fromkeys(("script-src", "style-src", "worker-src"), "'self'")
    return {
        "lab.css": parts["style"],
        "core.js": parts["core"],
        "worker.js": parts["core"] + parts["worker"],
        "lab.js": parts["module"],
        "index.html": _filled(holders, policy, None, networks),
    }


def write_live_page(
    path: str | os.PathLike,
    force: bool = False,
    scenes: list[Scene] | None = None,
    networks: Iterable[str | os.PathLike] = (),
) -> Path:
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
    write_files({path: live_page(scenes, networks)}, force)
    return path


def write_live_folder(path: str | os.PathLike, force: bool = False, networks: Iterable[str | os.PathLike] = ()) -> Path:
    """Write `live_files` into the folder `path`, all of them or none. Returns its index.html.

    Raises FileExistsError for files that are there, unless `force`; OSError naming what cannot be written.
    """
    folder = user_path(path, "folder")
    write_files({folder / name: text for name, text in live_files(networks).items()}, force)
    return folder / "index.html"


def write_files(contents: dict[Path, str | bytes], force: bool) -> None:
    """Write files that belong together; FileExistsError where one of them is there, unless `force`."""
    for path in contents:
        check_new(path, force or path.is_dir())
    with replacing_together(*contents) as files:
        for file, content in zip(files, contents.values(), strict=True):
            file.write(content.encode() if isinstance(content, str) else content)


def _parts():
    """The parts of the page, by name."""
    return {
        "style": widget_source("parts.css") + source.text("lab/lab.css"),
        "worker": source.text("lab/worker.js"),
        "core": source.core(),
        "module": _module(),
    }


def _filled(
    holders: dict[str, str], policy: dict[str, str], scenes: list[Scene] | None, networks: Iterable[str | os.PathLike]
) -> str:
    """The page's HTML around these elements, under this content policy, which forbids all that it does not name."""
    values = tables.core_tables() | {"sets": _packed(tables.data_sets()), "styles": tables.styles()}
    values |= {"networks": packed_networks(networks)}
    values |= {"markers": list(MARKERS), "deeper": DEEPER, "clocks": tables.clock_styles()}
    parts = holders | {
        "tables": _data(values),
        "scenes": _data([asdict(scene) for scene in (lecture() if scenes is None else scenes)]),
        "policy": content_policy(policy),
    }
    return source.filled("lab/page.html", parts)


def _data(values: Any) -> str:
    """JSON that ends no script element."""
    return strict_json(values, separators=(",", ":")).replace("<", "\\u003c")


@cache
def _module() -> str:
    """The page's own script; its names stay apart from those of the widgets' files that it calls."""
    own = source.joined(*(source.text(f"lab/{name}.js") for name in MODULES))
    return f"{widget_source(*OF_WIDGETS)}\n{{\n{own}\n}}\n"


def _packed(sets: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Strokes as base64 of float32, with the number of points of each."""
    return {name: _packed_set(shape) if "strokes" in shape else shape for name, shape in sets.items()}


def _packed_set(shape):
    values = np.concatenate(shape["strokes"]).astype("<f4")
    return shape | {
        "strokes": base64.b64encode(values.tobytes()).decode(),
        "counts": [len(stroke) // 2 for stroke in shape["strokes"]],
    }
