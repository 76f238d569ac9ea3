"""One look for all matplotlib figures, and the parts that several of them share."""

from collections.abc import Callable, Iterable, Sequence
from functools import wraps
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

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
INK, PALE = "#202428", "#8a9096"
ENDS = ("middle", "low", "high")  # of a `Spread`


def in_our_look(plot: Callable) -> Callable:
    """Run a plotting function under the project's matplotlib settings."""

    @wraps(plot)
    def wrapped(*args, **kwargs):
        plt.draw_if_interactive()  # loads the backend: its settings would be forgotten at the end of the context
        with plt.rc_context(LOOK):
            return plot(*args, **kwargs)

    return wrapped


def axes_of_errors(ax: Axes | None, **titles: str) -> Axes:
    """`ax`, or new Axes, for end-point errors against step counts."""
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    ax.set(xlabel="steps N", ylabel="end-point error (rms)", **titles)
    return ax


def ticks(ax: Axes, values: Iterable[int]) -> None:
    """Ticks of a logarithmic x axis at these values alone."""
    ax.set_xticks(list(values), [str(value) for value in values])
    ax.xaxis.set_minor_locator(NullLocator())


def common_legend(figure: Figure, axes: Sequence[Axes] | np.ndarray) -> None:
    """One legend to the right of all Axes, with every label once."""
    found = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(found.values(), found.keys(), loc="outside right center", fontsize=13)


def markers(methods: Iterable[str], shapes: str = "oDsvPX") -> dict[str, str]:
    """A marker for each method: methods that share a hue differ in it, since dashes hide behind markers."""
    chosen, used = {}, {}
    for method in methods:
        hue = line(method)["color"]
        chosen[method] = shapes[used.setdefault(hue, 0) % len(shapes)]
        used[hue] += 1
    return chosen


def draw_spreads(ax: Axes, result: Any, measure: str, top: float, scale: float = 1) -> None:
    """A measure of a result's rows, a `Spread` each, against NFE: the median over the seeds and, but for adaptive
    methods, a band from the least to the largest. What lies beyond `top` has blown up: a triangle there."""
    marks, blown_up = markers(result.methods), False
    for method in result.methods:
        rows, look = [row for row in result.of(method) if getattr(row, measure) is not None], line(method)
        if not rows:
            continue
        nfe, spreads = np.array([row.nfe for row in rows]), [getattr(row, measure) for row in rows]
        middle, low, high = (scale * np.array([getattr(each, end) for each in spreads]) for end in ENDS)
        ax.plot(nfe, np.minimum(middle, top), marker=marks[method], markersize=6, label=method, **look)
        if rows[0].budget:  # an adaptive method's NFE may fall as its tolerance does
            band = np.minimum(low, top), np.minimum(high, top)
            ax.fill_between(nfe, *band, color=look["color"], alpha=0.14, linewidth=0)
        if len(over := nfe[~(middle <= top)]):
            ax.plot(over, [top] * len(over), "^", color=look["color"], markersize=11, clip_on=False, zorder=4)
            blown_up = True
    if blown_up:
        ax.plot([], [], "^", color="0.45", markersize=11, linestyle="none", label=f"beyond {top:.3g}: blown up")
    ax.set(xscale="log", xlabel="network evaluations (NFE)")
