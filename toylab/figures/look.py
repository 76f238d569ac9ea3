"""One look for all matplotlib figures, and the parts that several of them share."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import wraps
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from matplotlib.ticker import NullLocator

from toylab.figures.style import told_apart
from toylab.samplers.rows import look

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

BLOWN_UP = r"$\uparrow$"  # no marker of a method
FIT = "0.45"  # the grey of fitted lines, thin and solid: dashes mean the classical transfer
INK, PALE = "#202428", "#8a9096"
BESIDE, ROW = 3.4, 0.36  # inches: width of a legend in groups, height of one of its rows
MOST = 6  # methods in a legend without groups
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


def legend(target: Axes | Figure, axes: Sequence[Axes], methods: Mapping[str, str], **where: Any) -> None:
    """One legend in `target` of what these Axes show, with every label once.

    `methods`: the method of each label that stands for one. More than MOST of them are grouped by family, each under
    its name, and stand to the right of `target`, whose figure grows for them.
    """
    found = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    families, known = {}, [label for label in found if label in methods]
    for label in known if len(known) > MOST else ():
        families.setdefault(look(methods[label])[0], []).append(label)
    rest, rows = [label for label in found if not families or label not in methods], []
    for family, labels in families.items():
        rows += [(Patch(visible=False), family), *((found[label], label) for label in labels)]
    rows += [(found[label], label) for label in rest]
    if families:
        figure = cast(Figure, target if isinstance(target, Figure) else target.figure)
        figure.set_figheight(max(figure.get_figheight(), ROW * len(rows)))
        if isinstance(target, Axes):
            figure.set_figwidth(figure.get_figwidth() + BESIDE)
            where |= {"loc": "upper left", "bbox_to_anchor": (1, 1)}
    handles, labels = zip(*rows, strict=True) if rows else ((), ())
    for text in target.legend(handles, labels, **where).get_texts():
        if text.get_text() in families:
            text.set_fontweight("bold")


def common_legend(figure: Figure, axes: Sequence[Axes] | np.ndarray, methods: Iterable[str] = ()) -> None:
    """One `legend` to the right of all Axes; `methods`: those whose labels are their names."""
    legend(figure, list(axes), {method: method for method in methods}, loc="outside right center", fontsize=13)


def draw_spreads(
    ax: Axes, result: Any, measure: str, top: float, scale: float = 1, against: str | None = None,
    pale: Collection[str] = (),
) -> None:  # fmt: skip
    """A measure of a result's rows, a `Spread` each, against NFE: the median over the seeds and, but for adaptive
    methods, a band from the least to the largest. What lies beyond `top` has blown up: an arrow there.

    `against`: another measure in place of NFE, then without bands. `pale`: methods that only stand behind the others.
    """
    looks, blown_up = told_apart(result.methods), False
    for method in result.methods:
        rows = [row for row in result.of(method) if getattr(row, measure) is not None]
        if against:
            rows = [row for row in rows if getattr(row, against) and getattr(row, against).middle <= top]
        if not rows:
            continue
        look = looks[method] | ({"alpha": 0.35, "linewidth": 1.2, "zorder": 1.5} if method in pale else {})
        x = np.array([getattr(row, against).middle if against else row.nfe for row in rows])
        spreads = [getattr(row, measure) for row in rows]
        middle, low, high = (scale * np.array([getattr(each, end) for each in spreads]) for end in ENDS)
        ax.plot(x, np.minimum(middle, top), markersize=6, label=method, **look)
        if (
            rows[0].budget and not against and method not in pale
        ):  # an adaptive method's NFE may fall as its tolerance does
            band = np.minimum(low, top), np.minimum(high, top)
            ax.fill_between(x, *band, color=look["color"], alpha=0.14, linewidth=0)
        if len(over := x[~(middle <= top)]):
            ax.plot(
                over,
                [top] * len(over),
                linestyle="none",
                marker=BLOWN_UP,
                color=look["color"],
                markersize=13,
                clip_on=False,
                zorder=4,
            )
            blown_up = True
    if blown_up:
        ax.plot(
            [], [], marker=BLOWN_UP, color="0.45", markersize=13, linestyle="none", label=f"beyond {top:.3g}: blown up"
        )
    ax.set(xscale="log", xlabel="network evaluations (NFE)")
