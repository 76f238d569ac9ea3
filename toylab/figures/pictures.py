"""Figures of what is measured of images."""

from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from toylab.figures.look import INK, PALE, common_legend, in_our_look
from toylab.figures.style import line, told_apart

if TYPE_CHECKING:
    from toylab.images import Distances, ImagePaths, Nearest

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


@in_our_look
def plot_image_paths(result: "ImagePaths") -> np.ndarray:
    """Above, the median of each statistic of x_t along each path of an `ImagePaths`, and the band of the forward
    process in grey; below, the share of images beyond the band. Returns the Axes [2, statistics]."""
    figure, axes = plt.subplots(2, len(result.band), figsize=(15, 7.5), sharex=True, squeeze=False)
    looks = told_apart(result.methods)
    for (name, (low, middle, high)), (ax, below) in zip(result.band.items(), axes.T, strict=True):
        ax.fill_between(result.times, low, high, color=PALE, alpha=0.3, linewidth=0, label="98 % of forward images")
        ax.plot(result.times, middle, color=PALE, linewidth=1.2)
        for row in result.rows:
            look = {"markersize": 5, **looks[row.method]}
            label = f"{row.method}, N = {row.steps}"
            ax.plot(row.times, np.minimum(row.values[name], 4 * high.max()), label=label, **look)
            below.plot(row.times, 100 * row.off[name], **look)
        below.axhline(2, color=PALE, linewidth=3, alpha=0.5)
        below.set(ylim=(-3, 103), xlabel="t")
        ax.set(title=f"{name} of x_t", yscale="log")
    axes[0, 0].invert_xaxis()
    axes[1, 0].set_ylabel("% of images beyond the band")
    common_legend(figure, axes.ravel())
    return axes


@in_our_look
def plot_nearest(result: "Nearest", columns: int = 12) -> np.ndarray:
    """The first images of a `Nearest`, and below each the nearest real ones. Returns the Axes, one a row."""
    count = min(columns, len(result.images))
    names = ["images", *(f"nearest in {row.name}" for row in result.rows)]
    figure, axes = plt.subplots(len(names), 1, figsize=(1.1 * count, 1.5 * len(names)))
    for ax, name, images in zip(axes, names, (result.images, *result.found), strict=True):
        strip = np.concatenate(
            [np.pad(each, ((0, 0), (0, 0), (0, 1)), constant_values=1) for each in images[:count]], 2
        )
        picture = ((strip.clip(-1, 1) + 1) / 2).transpose(1, 2, 0)
        ax.imshow(picture if picture.shape[2] == 3 else picture[..., 0], cmap="gray", interpolation="nearest")
        ax.set_title(name, loc="left", fontsize=12)
        ax.set_axis_off()
    return axes
