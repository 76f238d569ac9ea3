"""An image sweep as the gallery draws it, and its picture without a gallery: no kernel, no browser."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from toylab._errors import positive_int
from toylab.figures.style import known_theme, line
from toylab.images.sweeps import ImageSweep
from toylab.widgets.packing import MODES, heading, join, panel_of, panels_of, texts
from toylab.widgets.stills import INKS, at_time, node_at, reached, sheet

if TYPE_CHECKING:
    from toylab.images import Plane

VIEWS = ("x_t", "x0", "both")
KINDS = {
    "x_t": "Shown is x_t; values beyond the range of an image are cut off.",
    "x0": "Shown is the x0 that epsilon predicts from x_t.",
    "both": "Above x_t, below it the x0 that epsilon predicts; values beyond the range of an image are cut off.",
}
_PLANE = "Principal plane: grey the images that it is of, dots x_t of every method; those beyond are on its border."
_MOST = 1000  # grey dots
_GRID, _FRAME = (86, 97, 109), (255, 212, 0)  # as in gallery.css


def pack_images(
    found: ImageSweep, methods: Iterable[str] | None = None, *, columns: int | None = None,
    remarks: Mapping[tuple[str, int], str] | None = None, real: ArrayLike | None = None,
    plane: "Plane | None" = None,
) -> dict[str, Any]:  # fmt: skip
    """All that the gallery needs: a dict of plain values, with every array in "data" (bytes).

    The images of panel i at N steps are the arrays "x_t_i_N" and "x0_i_N", uint8 [N + 1, n, c, h, w], and their nodes
    "times_N"; with real images "near_i_N", uint8 [n, c, h, w], are those nearest to the last ones; with a plane
    "place_i_N", float32 [N + 1, n, 2], are the places of x_t in it, and "real", float32 [m, 2], those of its images.
    Arguments as for `Gallery`; raises TypeError or ValueError.
    """
    methods = _methods(found, methods)
    images, channels, height, width = found.states[methods[0], found.steps[0]].shape[1:]
    columns = math.ceil(math.sqrt(images)) if columns is None else positive_int("columns", columns)
    if not isinstance(remarks, Mapping | None):
        raise TypeError(f"remarks must be a dict by (method, steps), got {remarks!r}")
    texts(**{f"remarks[{at!r}]": text for at, text in (remarks or {}).items()})
    unknown = sorted(set(remarks or {}) - set(found.states), key=str)
    if unknown:
        raise ValueError(f"remarks must be on runs (method, steps) of the sweep, got {unknown[0]!r}")
    real = None if real is None else np.asarray(real, np.float32)
    runs = [(i, method, n) for i, method in enumerate(methods) for name, n in sorted(found.states) if name == method]
    budgets = [int(budget) for budget in found.budgets if any(found.within(method, budget) for method in methods)]
    panels = [_panel(found, method, budgets) for method in methods]
    flat, arrays = (None, {}) if plane is None else _in_plane(plane, (channels, height, width))
    for i, method, n in runs:
        arrays[f"times_{n}"] = np.asarray(found.times[n], np.float64)
        arrays[f"x_t_{i}_{n}"] = _bytes(found.states[method, n])
        arrays[f"x0_{i}_{n}"] = _bytes(found.predicted[method, n])
        if real is not None:
            arrays[f"near_{i}_{n}"] = _bytes(real[_nearest(real, found.final(method, n))])
        if plane is not None:
            arrays[f"place_{i}_{n}"] = plane.project(np.nan_to_num(found.states[method, n], posinf=1e6, neginf=-1e6))
        remark = (remarks or {}).get((method, n), "")
        panels[i]["runs"][str(n)] = {"nfe": int(found.nfe[method, n]), "remark": remark}
    scene = {
        "panels": panels,
        "steps": [int(n) for n in found.steps],
        "budgets": budgets,
        "images": images, "columns": min(columns, images),
        "channels": channels, "height": height, "width": width,
        "heading": heading(found),
        "caption": f"{images} images; the same place in every panel is the same start noise.",
        "kinds": KINDS,
        "modes": MODES,
        "near": real is not None,
        "plane": flat,
    }  # fmt: skip
    scene["arrays"], scene["data"] = join(arrays)
    return scene


def _in_plane(plane, shape):
    """The gallery's words of a plane of images of this shape, and its array "real"."""
    from toylab.images import Plane  # scikit-learn takes a second to come

    if not isinstance(plane, Plane):
        raise TypeError(f"plane must be a toylab.images.Plane, got {type(plane).__name__}")
    if plane.shape != shape:
        raise ValueError(f"plane must be one of images like those of the sweep, {shape}, got {plane.shape}")
    along, across = (f"{share:.0%}" for share in plane.shares)
    real = plane.points[:: -(-len(plane.points) // _MOST)]
    words = {"shares": f"{along}, {across} of the variance", "caption": _PLANE}
    return words | {"window": 1.08 * float(np.abs(plane.points).max())}, {"real": real}


def _nearest(real, images):
    """The rows of the `real` images nearest to each of the images, in all pixels."""
    if real.shape[1:] != images.shape[1:] or not len(real):
        raise ValueError(f"real must be images like those of the sweep, {images.shape[1:]}, got {list(real.shape)}")
    flat, seen = real.reshape(len(real), -1), np.nan_to_num(np.clip(images, -1, 1)).reshape(len(images), -1)
    return (np.square(flat).sum(1) - 2 * seen @ flat.T).argmin(1)


def _methods(found, methods):
    if not isinstance(found, ImageSweep):
        raise TypeError(f"found must be an ImageSweep (toylab.images.image_sweep(...)), got {type(found).__name__}")
    chosen = panels_of(found.methods, methods)
    if next(iter(found.states.values())).shape[2] not in (1, 3):
        raise ValueError("found must have images of 1 or 3 channels")
    return chosen


def _panel(found: ImageSweep, method: str, budgets: list[int]) -> dict[str, Any]:
    return {
        **panel_of(method),
        "runs": {},
        "within": [found.within(method, budget) for budget in budgets],
        "least": min(nfe for (name, _), nfe in found.nfe.items() if name == method),
    }


def _bytes(images):
    """Values in [-1, 1] as uint8, those beyond cut off, those that are no numbers grey."""
    return np.rint((np.nan_to_num(np.clip(images, -1, 1)) + 1) * 127.5).astype(np.uint8)


def image_still(
    found: ImageSweep, scene: Mapping[str, Any], counts: Mapping[str, int | None], progress: float = 1.0,
    view: str = "x_t", selected: int = -1, theme: str = "light",
) -> Figure:  # fmt: skip
    """A figure of one position of the sliders.

    Args:
        found: the `ImageSweep`. scene: what `pack_images` made of it. counts: {method: steps or None}.
        progress, view, selected: as for `Gallery`. theme: "light" or "dark".

    Returns a matplotlib Figure (Agg; not registered with pyplot). Raises ValueError.
    """
    known_theme(theme)
    finest = max(n for n in counts.values() if n)
    t = found.times[finest][node_at(progress, finest)]
    kinds = ("x_t", "x0") if view == "both" else (view,)
    count, words = len(counts) + bool(scene["plane"]), (scene["caption"], KINDS[view], _PLANE if scene["plane"] else "")
    columns = min(count, 4)
    rows = -(-count // columns)
    text = textwrap.wrap(" ".join(words), 50 * columns)
    ratio = math.ceil(scene["images"] / scene["columns"]) * scene["height"] / (scene["columns"] * scene["width"])
    side, name = 3.1, 0.22 if len(kinds) > 1 else 0  # inches of a grid, and of the words above it
    tall = side * ratio
    each, foot = 0.67 + len(kinds) * (tall + name), 0.17 * len(text) + 0.15
    width, height = (side + 0.1) * columns + 0.1, each * rows + foot + 0.3
    figure, ink = sheet(width, height, [scene["heading"]], text, theme), INKS[theme][1]
    corners = [
        ((0.1 + (side + 0.1) * (place % columns)) / width, height - 0.3 - each * (place // columns))
        for place in range(count)
    ]
    if scene["plane"]:
        left, top = corners.pop()
        figure.text(left, (top - 0.22) / height, "principal plane", weight="bold", fontsize=12, color=ink, va="center")
        ax = figure.add_axes((left, (top - 0.6 - side) / height, side / width, side / height))
        _draw_plane(ax, found, scene, counts, t, selected, theme)
    for place, ((method, n), (left, top)) in enumerate(zip(counts.items(), corners, strict=True)):
        _head(figure, found, scene, place, method, n, t, left, top, side, theme)
        for k, kind in enumerate(kinds if n else ()):
            bottom = top - 0.6 - (k + 1) * (tall + name)
            ax = figure.add_axes((left, bottom / height, side / width, tall / height))
            ax.set_axis_off()
            source = found.states if kind == "x_t" else found.predicted
            grid = _tiled(_bytes(source[method, n][reached(found.times[n], t)]), scene["columns"], selected)
            ax.imshow(grid, interpolation="nearest", aspect="auto")
            if len(kinds) > 1:
                word = {"x_t": "x_t", "x0": "predicted x0"}[kind]
                figure.text(left, (bottom + tall + 0.05) / height, word, color=ink, fontsize=9.5)
    return figure


def _draw_plane(ax, found, scene, counts, t, selected, theme):
    def read(name, *shape):
        at = scene["arrays"][name]
        return np.frombuffer(scene["data"], at["kind"], at["count"], at["offset"]).reshape(*shape, 2)

    window = scene["plane"]["window"]
    ax.scatter(*read("real", -1).T, s=2, color=INKS[theme][2], linewidths=0)
    for i, (method, n) in enumerate(counts.items()):
        if not n:
            continue
        node, look = reached(found.times[n], t), line(method, theme)
        places = read(f"place_{i}_{n}", n + 1, scene["images"]).clip(-window, window)
        ax.scatter(*places[node].T, s=8, color=look["color"], alpha=1 if selected < 0 else 0.35, linewidths=0)
        if selected >= 0:
            ax.plot(*places[: node + 1, selected].T, marker="o", markersize=3, linewidth=1.4, **look)
    ax.set(xlim=(-window, window), ylim=(-window, window), xticks=(), yticks=(), facecolor="none")


def _head(figure, found, scene, place, method, n, t, left, top, side, theme):
    width, height = figure.get_size_inches()
    ink, right = INKS[theme][1], left + side / width
    first, second = (top - 0.22) / height, (top - 0.45) / height
    figure.add_artist(Line2D([left, left + 0.35 / width], [first] * 2, linewidth=1.6, **line(method, theme)))
    how = {"color": ink, "va": "center"}
    figure.text(left + 0.43 / width, first, method, weight="bold", fontsize=12, **how)
    if not n:
        figure.text(right, first, f"its smallest run: NFE {scene['panels'][place]['least']}", ha="right", **how)
        return
    run = scene["panels"][place]["runs"][str(n)]
    figure.text(right, first, f"N = {n}, NFE {run['nfe']}", ha="right", fontsize=10.5, **how)
    node = reached(found.times[n], t)
    figure.text(left, second, at_time(found.times[n][node]), fontsize=9.5, **how)
    if node == n:
        figure.text(right, second, run["remark"], ha="right", fontsize=9.5, **how)


def _tiled(images, columns, selected):
    """uint8 [n, c, h, w] as one picture, uint8 [height, width, 3], with lines of one pixel between."""
    n, _, h, w = images.shape
    rows = -(-n // columns)
    picture = np.empty((rows * (h + 1) + 1, columns * (w + 1) + 1, 3), np.uint8)
    picture[:] = _GRID
    corners = [((i // columns) * (h + 1), (i % columns) * (w + 1)) for i in range(n)]
    if selected >= 0:
        top, left = corners[selected]
        picture[top : top + h + 2, left : left + w + 2] = _FRAME
    for image, (top, left) in zip(images, corners, strict=True):
        picture[top + 1 : top + 1 + h, left + 1 : left + 1 + w] = image.transpose(1, 2, 0)  # grey: three times
    return picture
