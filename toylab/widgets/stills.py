"""The player's picture without a player: matplotlib, no kernel, no browser."""

import io
import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from PIL import Image

from toylab._errors import flag, listed, number, positive_int
from toylab.analysis._sweep import Sweep
from toylab.figures.style import ALERTS, known_theme, line
from toylab.widgets import packing

INKS = {  # theme: background, text, manifold, off-screen marks, density, border
    "light": ("#ffffff", "#15181c", "#9499a0", "#15181c", "#7896c8", "#c4c9d0"),
    "dark": ("#14171c", "#f2f4f6", "#8b939e", "#f2f4f6", "#466296", "#4a515b"),
}


def still(
    sweep: Sweep, steps: int | None = None, time: float | None = None, methods: Iterable[str] | None = None, *,
    budget: int | None = None, selected: Iterable[int] | None = None, density: bool = False, unlikely: bool = False,
    titles: Mapping[str, str] | None = None, fields: Mapping[str, Mapping[str, Any]] | None = None,
    window: float | None = None, theme: str = "light", heading: str | None = None, caption: str | None = None,
) -> Figure:  # fmt: skip
    """A figure of one slider position: a panel per method, with its particles and their tracks.

    Args:
        sweep: a `Sweep`.
        steps: one of its step counts; by default the largest up to 10.
        time: t of the state shown, in the range of the sweep's times: each panel shows the last node
            that it has reached; by default the end.
        methods: 1 to 8 of its methods, in order; by default all.
        budget: network evaluations instead of steps: each method takes its largest count within it.
        selected: particles whose tracks are drawn; by default the first 64.
        density: draw log p_t, if the sweep has it, behind the particles.
        unlikely: draw the unlikely particles, if the sweep knows them, in red on top of the others, these pale.
        titles, fields, heading, caption: as for `Player`.
        window: half the side of the square shown, by default as for `Player`. theme: "light" or "dark".

    Returns a matplotlib Figure (Agg; not registered with pyplot). Raises TypeError or ValueError.
    """
    packing.texts(heading=heading, caption=caption)
    density, unlikely = flag("density", density), flag("unlikely", unlikely)
    methods = packing.choose_methods(sweep, methods)
    titles, fields = (packing.by_panel(*part, methods) for part in (("titles", titles), ("fields", fields)))
    window, fit = packing.window_of(sweep, window, bool(fields))
    known_theme(theme)
    if budget is not None and steps is not None:
        raise ValueError(f"give steps or budget, not both; got steps={steps}, budget={budget}")
    counts = _counts(sweep, methods, steps, budget)
    every = np.concatenate([sweep.times[n] for n in sweep.steps])
    time = sweep.times[sweep.steps[0]][-1] if time is None else number("time", time, every.min(), every.max())
    chosen = range(64) if selected is None else listed("selected", selected, "particles")
    selected = [positive_int("selected", each, 0) for each in chosen]
    columns = len(methods) if len(methods) < 5 else 3 if len(methods) < 7 else 4
    rows = -(-len(methods) // columns)
    unlikely = unlikely and sweep.unlikely is not None
    text = packing.caption(sweep, window, fit) if caption is None else caption
    nodes = {(m, n): reached(sweep.times[n], time) for m, n in counts.items() if n is not None}
    view = packing.view_at(sweep, nodes, window, fit)
    text = textwrap.wrap(f"{text} {packing.UNLIKELY}" if unlikely else text, 48 * columns)
    title = textwrap.wrap(packing.heading(sweep) if heading is None else heading, 30 * columns, break_on_hyphens=False)
    foot, width = 0.17 * len(text) + 0.15, 3.2 * columns + 0.1
    height = 3.75 * rows + 0.15 + 0.2 * max(1, len(title))
    figure = sheet(width, height + foot, title, text, theme)
    axes = [
        figure.add_axes(((0.1 + 3.2 * (i % columns)) / width,
                         (foot + 3.75 * (rows - 1 - i // columns)) / (height + foot),
                         3.1 / width, 3.1 / (height + foot)))
        for i in range(len(methods))
    ]  # fmt: skip
    for ax, method in zip(axes, methods, strict=True):
        title, field = titles.get(method, method), fields.get(method)
        _frame(ax, view, theme)
        _panel(ax, sweep, method, counts[method], time, selected, density, unlikely, title, field, view, theme)
    return figure


def sheet(width: float, height: float, heading: Iterable[str], caption: Iterable[str], theme: str) -> Figure:
    """An empty figure of this size in inches, with lines of text at its top and at its bottom."""
    back, ink = INKS[theme][:2]
    figure = Figure(figsize=(width, height), facecolor=back)
    FigureCanvasAgg(figure)
    above = 1 - 0.07 / height
    figure.text(0.1 / width, above, "\n".join(heading), color=ink, fontsize=12.5, weight="bold", va="top")
    figure.text(0.1 / width, 0.1 / height, "\n".join(caption), color=ink, fontsize=9)
    return figure


def at_time(t: float) -> str:
    """The time of a panel, in words."""
    return f"t = {t:{'.3f' if t >= 1e-3 else '.1e'}}"


def png(figure: Figure, dpi: float = 100, colors: int = 256) -> bytes:
    """A figure as the bytes of a PNG with a palette of `colors`: about half the size of the full one."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    picture = Image.open(buffer).convert("RGB").quantize(colors, dither=Image.Dither.NONE)
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    return buffer.getvalue()


def _counts(sweep, methods, steps, budget):
    if budget is not None:
        budget = positive_int("budget", budget)
        within = {m: [n for n in sweep.steps if sweep.nfe[m, n] <= budget] for m in methods}
        return {m: max(counts, default=None) for m, counts in within.items()}
    if steps is None:
        steps = max((n for n in sweep.steps if n <= 10), default=sweep.steps[0])
    elif positive_int("steps", steps) not in sweep.steps:
        raise ValueError(f"steps must be one of the sweep's counts {list(sweep.steps)}, got {steps!r}")
    return dict.fromkeys(methods, steps)


def _frame(ax, window, theme):
    back, _, _, _, _, border = INKS[theme]
    limits = -1.05 * window, 1.05 * window
    ax.set(xlim=limits, ylim=limits, xticks=[], yticks=[], facecolor=back)
    for spine in ax.spines.values():
        spine.set_color(border)


def _panel(ax, sweep, method, n, time, selected, density, unlikely, title, field, window, theme):
    _, ink, gray, mark, haze, _ = INKS[theme]
    look = line(method, theme)
    ax.add_line(Line2D([0.0, 0.115], [1.16] * 2, transform=ax.transAxes, clip_on=False, linewidth=1.6, **look))
    ax.text(0.14, 1.16, title, transform=ax.transAxes, va="center", weight="bold", fontsize=12, color=ink)
    if n is None:
        least = min(sweep.nfe[method, count] for count in sweep.steps)
        ax.text(0, 0, f"its smallest run: NFE {least}", ha="center", va="center", fontsize=12, color=ink)
        return
    times = sweep.times[n]
    node = reached(times, time)
    _background(ax, sweep, times[node], density, field, gray, haze)
    points, outside = packing.clamp(sweep.states[method, n][: node + 1], window)
    paths, _ = packing.clamp(sweep.states[method, n][: node + 1], max(window, packing.WINDOW))
    tracks = [paths[:, p] for p in selected if p < paths.shape[1]]
    few = 0 < len(tracks) <= packing.FEW  # these stand out, and the rest is pale
    thin, pale = 0.25 if unlikely else 0.5, 0.35 if unlikely or few else 1
    ax.add_collection(LineCollection(tracks, colors=look["color"], linestyles=[look["linestyle"]],
                                     linewidths=1.6 if few else 0.6, alpha=0.95 if few else thin,
                                     zorder=4 if few else 2))  # fmt: skip
    bad = packing.unlikely(sweep, method, n)[node] if unlikely else np.zeros(points.shape[1], bool)
    here, red = points[node][~outside[node] & ~bad], points[node][~outside[node] & bad]
    ax.scatter(*here.T, s=5, color=look["color"], alpha=pale, linewidths=0, zorder=3)
    ax.scatter(*red.T, s=9, color=ALERTS[theme], alpha=0.35 if few else 1, linewidths=0, zorder=3)
    if few:
        chosen = np.array(tracks).reshape(-1, 2)
        ax.scatter(*chosen.T, s=12, color=look["color"], linewidths=0, zorder=4)
        ends = np.array([points[node, p] for p in selected if p < points.shape[1]])
        ax.scatter(*ends.T, s=60, facecolors="none", edgecolors=mark, linewidths=1.5, zorder=5)
    lost = points[node][outside[node]]
    squares = np.where(bad[outside[node]], ALERTS[theme], mark)
    ax.scatter(*lost.T, s=14, marker="s", color=squares, clip_on=False, linewidths=0, zorder=4)
    text = {"transform": ax.transAxes, "va": "center", "color": ink}
    if sweep.nfe[method, n]:
        ax.text(1, 1.16, f"N = {n}, NFE {sweep.nfe[method, n]}", ha="right", fontsize=10.5, **text)
    off = sweep.off[method, n][node]
    share = f"unlikely {bad.mean():.0%}" if unlikely else f"off {off:.0%}"
    score = f"distance {sweep.distance[method, n][node]:.3g}, {share}" if np.isfinite(off) else ""
    ax.text(0, 1.093, score, fontsize=10.5, **text)
    ax.text(0, 1.03, at_time(times[node]), fontsize=9.5, **text)
    if len(lost):
        words = f"{len(lost)} of {len(outside[node])} off screen"
        ax.text(1, 1.03, words, ha="right", weight="bold", fontsize=9.5, **text)


def node_at(progress: float, steps: int) -> int:
    """The node that is shown at `progress` in [0, 1]; halves go up, as in the browser."""
    return math.floor(progress * steps + 0.5)


def reached(times: Sequence[float] | np.ndarray, t: float) -> int:
    """Index of the last of `times` (running either way) that has not gone beyond t."""
    ahead = (np.asarray(times) - t) * np.sign(times[-1] - times[0])
    return max(int((ahead <= 1e-9).sum()) - 1, 0)


def _background(ax, sweep, t, density, field, gray, haze):
    if density and sweep.density is not None:
        k = int(np.abs(np.asarray(sweep.density["times"]) - t).argmin())
        log_p, edge = sweep.density["log_p"][k], sweep.density["extent"]
        shade = np.zeros((*log_p.shape, 4), dtype=np.uint8)
        shade[..., :3] = [int(haze[i : i + 2], 16) for i in (1, 3, 5)]
        shade[..., 3] = 0.75 * 255 * np.exp(0.5 * (log_p - log_p.max()))
        edge *= len(log_p) / (len(log_p) - 1)
        extent = (-edge, edge, -edge, edge)
        ax.imshow(shade, origin="lower", extent=extent, interpolation="bilinear", aspect="auto", zorder=0)
    few = len(np.unique(sweep.curve, axis=0)) < 50
    ax.scatter(*np.asarray(sweep.curve).T, s=60 if few else 2.5, facecolors="none" if few else gray,
               edgecolors=gray, linewidths=1.8 if few else 0, zorder=1)  # fmt: skip
    if field is not None:
        k = int(np.abs(np.asarray(field["times"]) - t).argmin())
        grid, vectors = np.linspace(-field["extent"], field["extent"], field["vectors"].shape[1]), field["vectors"]
        ax.quiver(grid, grid, vectors[k, ..., 0], vectors[k, ..., 1], angles="xy", color=gray,
                  scale_units="xy", scale=1 / (grid[1] - grid[0]), zorder=2)  # fmt: skip
