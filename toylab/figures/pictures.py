"""Figures of what is measured of images."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from toylab.figures.look import INK, PALE, in_our_look
from toylab.figures.style import line

if TYPE_CHECKING:
    from toylab.images import Distances

FLOOR = {"color": PALE, "alpha": 0.3, "linewidth": 3}


@in_our_look
def plot_distances(result: "Distances") -> np.ndarray:
    """A line for each row of a `Distances`: Fréchet distance (dot: n images, ring: extrapolated to infinitely many),
    kernel distance with its confidence interval, precision (dot) and recall (ring); and the Fréchet distance against
    1/n. Grey is what real images reach. Returns the four Axes."""
    rows, floor = result.rows, result.floor
    height = max(3.2, 1.7 + 0.36 * len(rows))
    figure, axes = plt.subplots(1, 4, figsize=(17, height), width_ratios=(1, 1, 1, 1.25))
    for ax in axes[1:3]:
        ax.sharey(axes[0])
        ax.tick_params(labelleft=False)
    names = [f"{row.method}, NFE {row.nfe}" if row.method else row.name for row in rows]
    axes[0].set(ylim=(len(rows) - 0.4, -0.6), yticks=range(len(rows)), yticklabels=names)
    axes[0].axvspan(floor.frechet.low, floor.frechet.high, **FLOOR)
    axes[1].axvspan(*floor.kernel.interval, **FLOOR)
    axes[2].axvline(100 * floor.precision.middle, color=PALE, linewidth=5, alpha=0.4)
    for place, row in enumerate(rows):
        color = line(row.method)["color"] if row.method else INK
        _spread(axes[0], row.frechet, place, color, "full")
        if row.limit:
            _spread(axes[0], row.limit, place, color, "none")
        low, high = row.kernel.interval
        axes[1].plot([low, high], [place, place], color=color)
        axes[1].plot(row.kernel.value, place, "o", color=color)
        _spread(axes[2], row.precision, place, color, "full", 100)
        _spread(axes[2], row.recall, place, color, "none", 100)
        _against_n(axes[3], row, color)
    _against_n(axes[3], floor, PALE)
    axes[0].set(title=result.title.replace(" (", "\n("), xlabel="dot: n images, ring: n → ∞")
    axes[0].set_xlim(left=min(0, axes[0].get_xlim()[0]))
    axes[1].set(title="KID" if result.title == "FID" else "kernel distance", xlabel="with 95 % interval")
    axes[2].set(title="precision and recall", xlabel="% (dot and ring)", xlim=(-3, 103))
    axes[3].set(title="the bias in n", xlabel="n, on a scale of 1/n", ylabel=result.title.partition(" (")[0])
    sizes = [size for size, _ in floor.parts]
    axes[3].set_xticks([0, *(1 / size for size in sizes)], ["∞", *map(str, sizes)])
    figure.supxlabel(f"grey: {floor.n} real images against {result.real}", fontsize=12)
    return axes


def _spread(ax: Axes, spread, place, color, fill, scale=1):
    ax.plot([scale * spread.low, scale * spread.high], [place, place], color=color, linewidth=1.5)
    ax.plot(scale * spread.middle, place, "o", color=color, fillstyle=fill, markersize=8, markeredgewidth=2)


def _against_n(ax, row, color):
    inverse, values = np.array([1 / size for size, _ in row.parts]), [value for _, value in row.parts]
    ax.plot(inverse, values, "o", color=color, markersize=5)
    if len(values) > 1:
        slope = (values[1] - values[0]) / (inverse[1] - inverse[0])
        reach = np.array([0, inverse[-1]])
        ax.plot(reach, values[0] + slope * (reach - inverse[0]), color=color, linewidth=1.2)
