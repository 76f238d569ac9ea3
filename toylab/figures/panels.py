"""The samples at the end, a panel a method, and their distance to the data."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullLocator

from toylab.analysis import Comparison, Sweep
from toylab.figures.look import in_our_look, legend
from toylab.figures.style import line, told_apart

WINDOW = 3.3
COLUMNS = 5
INK, PALE = "#15181c", "#a2a7ad"


def plot_comparison(result: Comparison) -> np.ndarray:
    """A panel a method of a `Comparison`, and one of the exact flow: the Axes."""
    count = len(result.rows) + 1
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    figure = plt.figure(figsize=(2.9 * columns, 3.3 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    curve = result.problem.manifold.curve(800).numpy()
    _panel(axes[0], curve, result.reference.x, "exact flow", "", f"distance {result.distance:.3g}")
    for ax, row in zip(axes[1:], result.rows, strict=False):
        error = "" if row.error is None else f", error {row.error:.3g}"
        _panel(ax, curve, row.x, row.method, f"N = {row.steps}, NFE {row.nfe}", f"distance {row.distance:.3g}{error}")
    for ax in axes[count:]:
        ax.set_visible(False)
    figure.suptitle(f"{result.problem.title}: at most {result.budget} NFE")
    return axes


def _panel(ax, curve, x, name, cost, score):
    x, few = x.double().cpu().numpy(), len(np.unique(curve, axis=0)) < 50
    face, width = ("none", 1.5) if few else (PALE, 0)
    ax.scatter(*curve.T, s=45 if few else 2, c=face, edgecolors=PALE, linewidths=width)
    inside = (np.abs(x) <= WINDOW).all(1)
    color = INK if name == "exact flow" else line(name)["color"]
    ax.scatter(*x[inside].T, s=4, color=color, linewidths=0)
    ax.set(xlim=(-WINDOW, WINDOW), ylim=(-WINDOW, WINDOW), aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"{name}   {cost}" if cost else name, loc="left", fontsize=10.5, weight="bold", color=color)
    lost = f"   {(~inside).sum()} off screen" if not inside.all() else ""
    ax.set_xlabel(score + lost, fontsize=9)


@in_our_look
def plot_sweep(result: Sweep, ax: Axes | None = None) -> Axes:
    """The mean distance to the manifold at the end of each run of a `Sweep` against its NFE. Returns the Axes."""
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    for method, look in told_apart(result.methods).items():
        nfe = [result.nfe[method, count] for count in result.steps]
        distance = [result.distance[method, count][-1] for count in result.steps]
        ax.loglog(nfe, distance, markersize=6, label=method, **look)
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="network evaluations (NFE)", ylabel="mean distance to the manifold", title=result.labels["dataset"])
    legend(ax, [ax], {method: method for method in result.methods})
    return ax
