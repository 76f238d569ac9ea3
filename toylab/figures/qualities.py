"""The figure of what evaluations buy in images."""

from math import inf
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator, NullLocator

from toylab.figures.look import in_our_look, mark_blown_up, markers
from toylab.figures.style import line

if TYPE_CHECKING:
    from toylab.images import ImageQuality

TITLES = {
    "error": "difference from the converged images\n(rms of a pixel)",
    "kept": "same {kind} as when converged\n(% of images)",
    "frechet": "Fréchet distance\nto the real images",
}
PALE = "#8a9096"


@in_our_look
def plot_quality(result: "ImageQuality") -> np.ndarray:
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
    scale, marks, blown_up = 100 if measure == "kept" else 1, markers(result.methods), []
    for method in result.methods:
        rows, look = result.of(method), line(method)
        nfe = np.array([row.nfe for row in rows])
        middle, low, high = (
            np.array([scale * getattr(getattr(row, measure), end) for row in rows]) for end in ("middle", "low", "high")
        )
        ax.plot(nfe, np.minimum(middle, top), marker=marks[method], markersize=6, label=method, **look)
        ax.fill_between(nfe, np.minimum(low, top), np.minimum(high, top), color=look["color"], alpha=0.15, linewidth=0)
        if len(over := nfe[~(middle <= top)].tolist()):
            blown_up.append((method, over))
    mark_blown_up(ax, blown_up, top)
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
