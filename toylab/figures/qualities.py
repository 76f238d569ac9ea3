"""What evaluations buy in images, as a figure and a table."""

from math import inf

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from toylab.analysis._table import Table
from toylab.analysis._work import Spread
from toylab.figures.look import in_our_look
from toylab.figures.style import line

TITLES = {
    "error": "difference from the converged images\n(rms of a pixel)",
    "kept": "same {kind} as when converged\n(% of images)",
    "frechet": "Fréchet distance\nto the real images",
}
PALE = "#8a9096"


@in_our_look
def plot_quality(result):
    """Error, share kept (where there was a classifier) and Fréchet distance of an `ImageQuality` against NFE: medians
    over the seeds, bands from the least to the largest. What is beyond the limits has blown up and is a triangle at the
    top. Returns the Axes.
    """
    measures = [measure for measure in TITLES if measure != "kept" or result.kind]
    figure, axes = plt.subplots(1, len(measures), figsize=(2.5 + 4 * len(measures), 5.0))
    for ax, measure in zip(axes, measures, strict=True):
        _draw(ax, result, measure)
    axes[-1].axhspan(result.floor[0], result.floor[2], color=PALE, alpha=0.3, label=f"{result.n} real images")
    labels = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    figure.legend(labels.values(), labels.keys(), loc="outside right center", fontsize=13)
    return axes


def _draw(ax, result, measure):
    top = {"error": 1, "kept": inf, "frechet": max(10, 3 * result.floor[2])}[measure]
    scale = 100 if measure == "kept" else 1
    for method in result.methods:
        rows, look = result.of(method), line(method)
        nfe = np.array([row.nfe for row in rows])
        middle, low, high = (
            np.array([scale * getattr(getattr(row, measure), end) for row in rows]) for end in ("middle", "low", "high")
        )
        ax.plot(nfe, np.minimum(middle, top), marker="o", markersize=6, label=method, **look)
        ax.fill_between(nfe, np.minimum(low, top), np.minimum(high, top), color=look["color"], alpha=0.15, linewidth=0)
        over = nfe[~(middle <= top)]
        if len(over):
            ax.plot(over, [top] * len(over), "^", color=look["color"], markersize=11, clip_on=False, zorder=4)
    ax.set(xscale="log", xlabel="network evaluations (NFE)")
    ax.set_title(TITLES[measure].format(kind=result.kind), pad=12)
    ax.set_xticks(result.budgets, [str(budget) for budget in result.budgets])
    ax.xaxis.set_minor_locator(NullLocator())
    if measure == "kept":
        ax.set_ylim(0, 103)
        return
    ax.set(yscale="log", ylim=(None, top))
    ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter("{x:g}")


def quality_table(result, budgets=None):
    """All measures of an `ImageQuality` at these of its budgets, by default all of them, as a `Table`."""
    budgets = result.budgets if budgets is None else budgets
    rows = [
        (f"{row.method}, N = {row.steps}", str(row.nfe), row.error.middle, *_judged(row.kept, row.confidence),
         row.frechet.middle)
        for budget in budgets for row in result.rows if row.budget == budget
    ]  # fmt: skip
    many, steps = result.reference
    same = result.kind and Spread((1.0,))
    rows.append(
        (f"converged: {many}, N = {steps}", str(result.reference_nfe), 0.0, *_judged(same, result.confidence),
         result.frechet.middle)
    )  # fmt: skip
    left = ", ".join(f"{name} at {at}" for name, at in result.left_out if at in budgets)
    note = (
        f"medians of {len(result.seeds)} seeds with {result.n} images each; the Fréchet distance of {result.n} real "
        f"images to all of them is {result.floor[0]:.2g} to {result.floor[2]:.2g}"
        + (f"; left out: {left}" if left else "")
    )
    judged = (f"same {result.kind}", "median confidence") if result.kind else ()
    header = ("method", "NFE", "difference from converged", *judged, "Fréchet distance")
    return Table(header, tuple(rows), note)


def _judged(kept, confidence):
    """The cells of what a classifier measures, none where there was no classifier."""
    return (f"{kept.middle:.0%}", f"{confidence.middle:.2f}") if kept else ()
