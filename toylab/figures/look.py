"""One look for all matplotlib figures: large type, faint grid, no frame."""

from collections.abc import Callable, Iterable
from functools import wraps

import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from toylab.figures.style import line

LOOK = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}

FIT = "0.45"  # the grey of fitted lines, thin and solid: dashes mean the classical transfer


def in_our_look(plot: Callable) -> Callable:
    """Run a plotting function under the project's matplotlib settings."""

    @wraps(plot)
    def wrapped(*args, **kwargs):
        plt.draw_if_interactive()  # loads the backend: its settings would be forgotten at the end of the context
        with plt.rc_context(LOOK):
            return plot(*args, **kwargs)

    return wrapped


def markers(methods: Iterable[str], shapes: str = "oDsvPX") -> dict[str, str]:
    """A marker for each method: methods that share a hue differ in it, since dashes hide behind markers."""
    chosen, used = {}, {}
    for method in methods:
        hue = line(method)["color"]
        chosen[method] = shapes[used.setdefault(hue, 0) % len(shapes)]
        used[hue] += 1
    return chosen


def mark_blown_up(ax: Axes, over: list[tuple[str, list[float]]], top: float) -> None:
    """Triangles at the top for what lies beyond it, [(method, its NFE there)], and what they mean for the legend."""
    for method, at in over:
        ax.plot(at, [top] * len(at), "^", color=line(method)["color"], markersize=11, clip_on=False, zorder=4)
    if over:
        ax.plot([], [], "^", color="0.45", markersize=11, linestyle="none", label=f"beyond {top:.3g}: blown up")
