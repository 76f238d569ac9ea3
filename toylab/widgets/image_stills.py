"""An image sweep as the gallery draws it, and its picture without a gallery: no kernel, no browser."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from numpy.typing import ArrayLike

from toylab._errors import positive_int
from toylab.figures.style import known_theme, line
from toylab.images.sweeps import ImageSweep
from toylab.widgets.packing import MODES, heading, join, panel_of, panels_of, texts
from toylab.widgets.stills import INKS, at_time, node_at, reached, sheet

VIEWS = ("x_t", "x0", "both")
KINDS = {
    "x_t": "Shown is x_t; values beyond the range of an image are cut off.",
    "x0": "Shown is the x0 that epsilon predicts from x_t.",
    "both": "Above x_t, below it the x0 that epsilon predicts; values beyond the range of an image are cut off.",
}
_GRID, _FRAME = (86, 97, 109), (255, 212, 0)  # as in gallery.css


def pack_images(
    found: ImageSweep, methods: Iterable[str] | None = None, *, columns: int | None = None,
    remarks: Mapping[tuple[str, int], str] | None = None, real: ArrayLike | None = None,
) -> dict[str, Any]:  # fmt: skip
    """All that the gallery needs: a dict of plain values, with every array in "data" (bytes).

    The images of panel i at N steps are the arrays "x_t_i_N" and "x0_i_N", uint8 [N + 1, n, c, h, w], and their nodes
    "times_N"; with real images "near_i_N", uint8 [n, c, h, w], are those nearest to the last ones.
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
    arrays, panels = {}, [_panel(found, method, budgets) for method in methods]
    for i, method, n in runs:
        arrays[f"times_{n}"] = np.asarray(found.times[n], np.float64)
        arrays[f"x_t_{i}_{n}"] = _bytes(found.states[method, n])
        arrays[f"x0_{i}_{n}"] = _bytes(found.predicted[method, n])
        if real is not None:
            arrays[f"near_{i}_{n}"] = _bytes(real[_nearest(real, found.final(method, n))])
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
    }  # fmt: skip
    scene["arrays"], scene["data"] = join(arrays)
    return scene


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
    columns = min(len(counts), 4)
    rows = -(-len(counts) // columns)
    text = textwrap.wrap(f"{scene['caption']} {KINDS[view]}", 50 * columns)
    ratio = math.ceil(scene["images"] / scene["columns"]) * scene["height"] / (scene["columns"] * scene["width"])
    side, name = 3.1, 0.22 if len(kinds) > 1 else 0  # inches of a grid, and of the words above it
    tall = side * ratio
    each, foot = 0.67 + len(kinds) * (tall + name), 0.17 * len(text) + 0.15
    width, height = (side + 0.1) * columns + 0.1, each * rows + foot + 0.3
    figure, ink = sheet(width, height, [scene["heading"]], text, theme), INKS[theme][1]
    for place, (method, n) in enumerate(counts.items()):
        left = (0.1 + (side + 0.1) * (place % columns)) / width
        top = height - 0.3 - each * (place // columns)
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
