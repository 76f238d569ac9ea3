"""Figures of work against precision, of points and of images, of whose fault an error is, and of single steps."""

from collections.abc import Sequence
from math import ceil, inf
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from toylab.analysis import Decomposition, LocalError, WorkPrecision
from toylab.analysis._order import NOT_YET
from toylab.analysis._work import LABELS, RANKED
from toylab.figures.look import FIT, INK, MOST, PALE, common_legend, draw_spreads, in_our_look, legend, ticks
from toylab.figures.style import line

if TYPE_CHECKING:
    from toylab.images import ImageQuality

TOP = 10  # errors beyond have blown up: data have unit variance
ACCENT = "#fff3d6"
STAR = " ★"
OF_IMAGES = {
    "error": "difference from the converged images\n(rms of a pixel)",
    "kept": "same {kind} as when converged\n(% of images)",
    "frechet": "Fréchet distance\nto the {real}",
}


@in_our_look
def plot_work(
    result: WorkPrecision, measures: Sequence[str | tuple[str, str]] = ("error", ("excess", "error")),
    axes: Axes | Sequence[Axes] | np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    """The measures of a `WorkPrecision`: "error", "excess", "distance" or "coverage".

    A name is drawn against NFE, a pair of names the first against the second: ("excess", "error") asks whether those
    who end near the exact flow's end points also end as near to the data, whatever that costs.

    Dots are medians over the seeds, bands reach from the least to the largest (not for adaptive methods),
    rings are the Pareto front. Of distances there is none, because nearer is not better; a line shows the
    exact flow's instead. Of more than six methods, the best of each family (see `WorkPrecision.best`) have a star, and
    the others are pale. Errors beyond 10 have blown up and are shown as arrows at the top. Returns the Axes, one a
    measure.
    """
    pairs = [(measure, None) if isinstance(measure, str) else measure for measure in measures]
    figure = None
    if axes is None:
        figure, axes = plt.subplots(1, len(pairs), figsize=(6.1 * len(pairs) + 2.2, 5.4), squeeze=False)
    every, pale = np.ravel(axes), _outdone(result, [measure for measure, _ in pairs])
    for ax, (measure, against) in zip(every, pairs, strict=True):
        _draw_measure(ax, result, measure, against, pale)
    if pale:
        for ax in every:
            _star(ax, set(result.methods) - set(pale))
    labels = {label: label.removesuffix(STAR) for ax in every for label in ax.get_legend_handles_labels()[1]}
    labels = {label: method for label, method in labels.items() if method in result.methods}
    if figure:
        legend(figure, list(every), labels, loc="outside right center", fontsize=13)
    else:
        legend(every[-1], list(every), labels)
    return every


def _outdone(result, measures):
    """Of more than MOST methods those that are not the best of their family."""
    ranked = next((measure for measure in measures if measure in RANKED), None)
    if len(result.methods) <= MOST or ranked is None:
        return ()
    best = result.best(ranked).values()
    return [method for method in result.methods if method not in best]


def _star(ax, best):
    for drawn in ax.get_lines():
        if drawn.get_label() in best:
            drawn.set_label(f"{drawn.get_label()}{STAR}")
    ax.plot([], [], " ", label=f"{STAR.strip()} best of its family")


def _draw_measure(ax, result, measure, against, pale):
    top = 1.03 if measure == "coverage" else TOP
    draw_spreads(ax, result, measure, top, against=against, pale=pale)
    if measure == "distance":
        ax.axhline(result.distance.middle, color=PALE, linewidth=3, zorder=1, label="exact flow")
    elif not against:
        front = [row for row in result.front(measure) if getattr(row, measure).middle <= top]
        ax.plot(
            [row.nfe for row in front], [getattr(row, measure).middle for row in front], "o", color=INK,
            fillstyle="none", markersize=14, markeredgewidth=2, linestyle="none", label="Pareto front", zorder=5,
        )  # fmt: skip
    elif measure == "excess" and against == "error":  # by the triangle inequality
        ends = np.array(ax.get_xlim())
        ax.plot(ends, ends, color=PALE, linewidth=1.3, zorder=1, label="no excess lies above")
    if measure == "coverage":
        ax.set_ylim(0, top)
    else:
        ax.set(yscale="log", ylim=(None, top))
    if against:
        ax.set(xlabel=LABELS[against], title=f"{LABELS[measure]},\nagainst the {against}")
    else:
        ticks(ax, result.nfe)
        ax.set_title(LABELS[measure])


@in_our_look
def plot_quality(result: "ImageQuality", real: str = "real images") -> np.ndarray:
    """Error, share kept (where there was a classifier) and Fréchet distance of an `ImageQuality` against NFE, drawn as
    `plot_work` does. real: a name of the images that stood for real ones, where they are none. Returns the Axes."""
    measures = [measure for measure in OF_IMAGES if measure != "kept" or result.kind]
    figure, axes = plt.subplots(1, len(measures), figsize=(2.5 + 4 * len(measures), 5.0))
    tops = {"error": 1, "kept": inf, "frechet": max(10, 3 * result.floor[2])}
    for ax, measure in zip(axes, measures, strict=True):
        draw_spreads(ax, result, measure, tops[measure], 100 if measure == "kept" else 1)
        ax.set_title(OF_IMAGES[measure].format(kind=result.kind, real=real), pad=12)
        ticks(ax, result.budgets)
        if measure == "kept":
            ax.set_ylim(0, 103)
            continue
        ax.set(yscale="log", ylim=(None, tops[measure]))
        ax.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=9))
        ax.yaxis.set_minor_locator(NullLocator())
        ax.yaxis.set_major_formatter("{x:g}")
    axes[-1].axhspan(result.floor[0], result.floor[2], color=PALE, alpha=0.3, label=f"{result.n} {real}")
    common_legend(figure, axes, result.methods)
    return axes


@in_our_look
def plot_decomposition(
    result: Decomposition, axes: Axes | Sequence[Axes] | np.ndarray | None = None, fault: str = "network"
) -> np.ndarray:
    """A panel a method of a `Decomposition`: solver error, network error and total against NFE, log-log.

    Bands hold half of the particles. Right of the crossover the solver loses less than the network does.
    fault: what else may be to blame, in a word, where the eps is no network. Returns the Axes.
    """
    methods = result.methods
    if axes is None:
        size = (5.1 * len(methods) + 0.6, 5.2)
        figure, axes = plt.subplots(1, len(methods), figsize=size, sharey=True, squeeze=False)
        figure.suptitle(f"Whose fault is it? {result.name}, {fault} error {result.network:.2g}", fontsize=17)
    every = np.ravel(axes)
    for ax, method in zip(every, methods, strict=True):
        _draw_decomposition(ax, result, method, fault)
    every[0].set_ylabel("end-point error (rms)")
    return every


def _draw_decomposition(ax, result, method, fault):
    rows, color = result.of(method), line(method)["color"]
    nfe = np.array([row.nfe for row in rows])
    solver, total = (np.array([getattr(row, each) for row in rows]) for each in ("solver", "total"))
    errors = [result.network, *(row.solver for row in result.rows)]
    lowest = min((error for error in errors if error > 0), default=TOP / 10) / 4
    crossover = result.crossover(method)
    ax.set(xscale="log", yscale="log", ylim=(lowest, TOP), xlim=(nfe[0] / 1.12, nfe[-1] * 1.12))
    ax.grid(False)
    if crossover is not None:
        ax.axvspan(crossover, nfe[-1] * 1.12, color=ACCENT, zorder=0)
    quartiles = np.array([np.quantile(row.solver_errors, [0.25, 0.75]) for row in rows]).T
    ax.fill_between(nfe, *quartiles, color=color, alpha=0.18, linewidth=0)
    ax.axhline(result.network, color=PALE, linewidth=3)
    ax.plot(nfe, total, color=INK, linewidth=5, alpha=0.9, solid_capstyle="round")
    ax.plot(nfe, solver, marker="o", markersize=6, linewidth=2.4, color=color)
    names = (0.02, "left", "total", INK), (0.5, "center", fault, "#62686e"), (0.98, "right", "solver", color)
    for across, side, name, ink in names:  # above the axes, where no curve and no crossover is
        ax.annotate(
            name, (across, 1), (0, 5), "axes fraction", "offset points", color=ink, fontsize=14, fontweight="bold",
            ha=side, va="bottom",
        )  # fmt: skip
    if crossover is None:
        note = "the solver's fault\nall the way" if result.network else f"no {fault} error"
    else:
        note = f"from NFE {ceil(crossover)} on\nthe {fault}'s fault"
        ax.plot([crossover] * 2, [lowest, result.network], color=INK, linewidth=1.5)
        ring = {"color": "white", "markeredgecolor": INK, "markeredgewidth": 2, "markersize": 12}
        ax.plot(crossover, result.network, "o", zorder=5, **ring)
    ax.text(0.97, 0.96, note, transform=ax.transAxes, ha="right", va="top", fontsize=14, color=INK)
    ticks(ax, [value for value in (5, 10, 20, 40, 80, 160, 320, 640) if nfe[0] / 1.1 <= value <= nfe[-1] * 1.1])
    ax.set(xlabel="network evaluations (NFE)")
    ax.set_title(method, color=color, fontweight="bold", fontsize=16, pad=26)


@in_our_look
def plot_local_error(result: LocalError | Sequence[LocalError], axes: np.ndarray | None = None) -> np.ndarray:
    """Local and global errors of a `LocalError` against steps with their slopes, and the local one along t.

    Returns the Axes, two for each of several results.
    """
    results = result if isinstance(result, Sequence) else [result]
    if axes is None:
        axes = plt.subplots(len(results), 2, figsize=(13.5, 5.2 * len(results)), squeeze=False)[1]
    for each, (left, right) in zip(results, np.reshape(axes, (-1, 2)), strict=True):
        _draw_steps(left, each)
        _draw_profile(right, each)
    return np.ravel(axes)


def _draw_steps(ax, result):
    color, steps = line(result.method)["color"], result.steps[result.fitted]
    local, end = result.slopes
    for errors, slope, said, word, fill in (
        (result.end, result.end_order, end, "global: all steps", "none"),
        (result.local, result.order, local, "local: one step", "full"),
    ):
        if not said.startswith(NOT_YET):
            level = np.exp(np.mean(np.log(errors[result.fitted]) + slope * np.log(steps)))
            ax.loglog(steps, level * steps**-slope, color=FIT, linewidth=1.3, zorder=1)
        ax.loglog(result.steps, errors, "o", color=color, markersize=9, fillstyle=fill, markeredgewidth=2,
                  label=f"{word}, slope {said}")  # fmt: skip
    ax.axhline(result.floor, color=PALE, linestyle=":")
    ax.annotate("floor", (result.steps[0], result.floor), xytext=(0, 5), textcoords="offset points", color="#62686e")
    ax.set(xlabel="steps N", ylabel="error (rms)", title=f"{result.method}: one step, and all of them")
    ax.legend()
    ticks(ax, result.steps.tolist())


def _draw_profile(ax, result):
    color, shades = line(result.method)["color"], np.linspace(0.35, 1, len(result.steps))
    for count, shade in zip(result.steps.tolist(), shades, strict=True):
        ax.semilogy(result.times[count][:-1], result.profile[count], color=color, alpha=shade, label=f"N = {count}")
    ax.invert_xaxis()
    ax.set(xlabel="t", title="local error of the step that begins at t")
    ax.legend()
