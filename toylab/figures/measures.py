"""Figures and tables of work against precision, of whose fault an error is, and of single steps."""

from math import ceil

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import NullLocator

from toylab.analysis._table import Table
from toylab.figures.look import in_our_look
from toylab.figures.style import line

LABELS = {
    "error": "end-point error (rms)",
    "excess": "|d − d of the exact flow|",
    "distance": "mean distance to the manifold",
    "coverage": "share of the manifold covered",
}
TOP = 10  # errors beyond have blown up: data have unit variance
INK, PALE, ACCENT = "#202428", "#8a9096", "#fff3d6"


@in_our_look
def plot_work(result, measures=("error", "excess"), axes=None):
    """The measures of a `WorkPrecision` against NFE: "error", "excess", "distance" or "coverage".

    Dots are medians over the seeds, bands reach from the least to the largest (not for adaptive methods),
    rings are the Pareto front. Of distances there is none, because nearer is not better; a line shows the
    exact flow's instead.
    Errors beyond 10 have blown up and are shown as triangles at the top. Returns the Axes, one a measure.
    """
    figure = None
    if axes is None:
        figure, axes = plt.subplots(1, len(measures), figsize=(6.1 * len(measures) + 2.2, 5.4), squeeze=False)
    axes = np.atleast_1d(axes).ravel()
    for ax, measure in zip(axes, measures, strict=True):
        _draw_measure(ax, result, measure)
    entries = {label: handle for ax in axes for handle, label in zip(*ax.get_legend_handles_labels(), strict=True)}
    labels, handles = list(entries), list(entries.values())
    if figure:
        figure.legend(handles, labels, loc="outside right center", fontsize=13)
    else:
        axes[-1].legend(handles, labels)
    return axes


def _draw_measure(ax, result, measure):
    top = 1.03 if measure == "coverage" else TOP
    for method in result.methods:
        rows = [row for row in result.of(method) if getattr(row, measure) is not None]
        if not rows:
            continue
        nfe = [row.nfe for row in rows]
        middle, low, high = (
            np.array([getattr(getattr(row, measure), each) for row in rows]) for each in ("middle", "low", "high")
        )
        look = line(method)
        ax.plot(nfe, np.minimum(middle, top), marker="o", markersize=6, label=method, **look)
        if rows[0].budget:  # an adaptive method's NFE may fall as its tolerance does
            low, high = np.minimum(low, top), np.minimum(high, top)
            ax.fill_between(nfe, low, high, color=look["color"], alpha=0.13, linewidth=0)
        over = [each for each, value in zip(nfe, middle, strict=True) if not value <= top]
        if over:
            ax.plot(over, [top] * len(over), "^", color=look["color"], markersize=11, clip_on=False, zorder=4)
    if measure == "distance":
        ax.axhline(result.distance.middle, color=PALE, linewidth=3, zorder=1, label="exact flow")
    else:
        front = [row for row in result.front(measure) if getattr(row, measure).middle <= top]
        ax.plot(
            [row.nfe for row in front], [getattr(row, measure).middle for row in front], "o", color=INK,
            fillstyle="none", markersize=14, markeredgewidth=2, linestyle="none", label="Pareto front", zorder=5,
        )  # fmt: skip
    if measure == "coverage":
        ax.set(xscale="log", ylim=(0, top))
    else:
        ax.set(xscale="log", yscale="log", ylim=(None, top))
    _ticks(ax, result.nfe)
    ax.set(xlabel="network evaluations (NFE)", title=LABELS[measure])


def _ticks(ax, values):
    ax.set_xticks(values, [str(value) for value in values])
    ax.xaxis.set_minor_locator(NullLocator())


@in_our_look
def plot_decomposition(result, axes=None):
    """A panel a method of a `Decomposition`: solver error, network error and total against NFE, log-log.

    Bands hold half of the particles. Right of the crossover the solver loses less than the network does.
    Returns the Axes.
    """
    methods = result.methods
    if axes is None:
        size = (5.1 * len(methods) + 0.6, 5.2)
        figure, axes = plt.subplots(1, len(methods), figsize=size, sharey=True, squeeze=False)
        figure.suptitle(f"Whose fault is it? {result.name}, network error {result.network:.2g}", fontsize=17)
    axes = np.atleast_1d(axes).ravel()
    for ax, method in zip(axes, methods, strict=True):
        _draw_decomposition(ax, result, method)
    axes[0].set_ylabel("end-point error (rms)")
    return axes


def _draw_decomposition(ax, result, method):
    rows, color = result.of(method), line(method)["color"]
    nfe = np.array([row.nfe for row in rows])
    solver, total = (np.array([getattr(row, each) for row in rows]) for each in ("solver", "total"))
    lowest = min(result.network, *(row.solver for each in result.methods for row in result.of(each))) / 4
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
    for place, (name, ink) in enumerate((("solver error", color), ("network error", "#62686e"), ("total error", INK))):
        ax.text(
            0.04, 0.04 + 0.07 * place, name, transform=ax.transAxes, color=ink, fontsize=14, fontweight="bold",
            bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.75, "pad": 1}, zorder=6,
        )  # fmt: skip
    if crossover is None:
        note = "the solver's fault\nall the way" if result.network else "no network error"
    else:
        note = f"from NFE {ceil(crossover)} on\nthe network's fault"
        ax.plot([crossover] * 2, [lowest, result.network], color=INK, linewidth=1.5)
        ring = {"color": "white", "markeredgecolor": INK, "markeredgewidth": 2, "markersize": 12}
        ax.plot(crossover, result.network, "o", zorder=5, **ring)
    ax.text(0.97, 0.96, note, transform=ax.transAxes, ha="right", va="top", fontsize=14, color=INK)
    _ticks(ax, [value for value in (5, 10, 20, 40, 80, 160, 320, 640) if nfe[0] / 1.1 <= value <= nfe[-1] * 1.1])
    ax.set(xlabel="network evaluations (NFE)")
    ax.set_title(method, color=color, fontweight="bold", fontsize=16)


@in_our_look
def plot_local_error(result, axes=None):
    """A `LocalError`: local and global error against steps with their slopes, and the local one along t.

    Returns the two Axes.
    """
    if axes is None:
        axes = plt.subplots(1, 2, figsize=(13.5, 5.2))[1]
    left, right = axes
    color = line(result.method)["color"]
    for errors, word, fill, dash in (
        (result.end, "global: all steps", "none", "--"),
        (result.local, "local: one step", "full", "-"),
    ):
        steps, fitted = result.steps[result.fitted], errors[result.fitted]
        slope, level = np.polyfit(np.log(steps), np.log(fitted), 1)
        left.loglog(result.steps, errors, "o", color=color, markersize=9, fillstyle=fill, markeredgewidth=2)
        left.loglog(steps, np.exp(level) * steps**slope, dash, color=color, label=f"{word}, slope {-slope:.2f}")
    left.axhline(result.floor, color=PALE, linestyle=":")
    left.annotate("floor", (result.steps[0], result.floor), xytext=(0, 5), textcoords="offset points", color="#62686e")
    left.set(xlabel="steps N", ylabel="error (rms)", title=f"{result.method}: one step, and all of them")
    left.legend()
    _ticks(left, result.steps.tolist())
    shades = np.linspace(0.35, 1, len(result.steps))
    for count, shade in zip(result.steps.tolist(), shades, strict=True):
        right.semilogy(result.times[count][:-1], result.profile[count], color=color, alpha=shade, label=f"N = {count}")
    right.invert_xaxis()
    right.set(xlabel="t", title="local error of the step that begins at t")
    right.legend()
    return left, right


def work_table(result, measure="error"):
    """Medians of one measure of a `WorkPrecision`, methods by budgets, as a `Table`."""
    ranked = measure != "distance"
    front = {id(row) for row in result.front(measure)} if ranked else set()
    cells = {(row.method, row.budget or f"rtol {row.rtol:g}"): row for row in result.rows}
    rows = []
    for method in result.methods:
        if any(row.budget for row in result.of(method)):
            found = [cells.get((method, budget)) for budget in result.nfe]
            rows.append((method, *(_cell(row, measure, front) for row in found)))
    for row in result.rows:
        if row.budget is None:
            name = f"{row.method}, rtol {row.rtol:g} (NFE {row.nfe})"
            rows.append((name, _cell(row, measure, front), *[""] * (len(result.nfe) - 1)))
    seeds = "one seed" if len(result.seeds) == 1 else f"median of {len(result.seeds)} seeds"
    last = "* on the Pareto front" if ranked else f"of the exact flow {result.distance.middle:.3g}"
    note = f"{LABELS[measure]}, {seeds}; {last}"
    if result.left_out:
        note += "; left out: " + ", ".join(f"{name} at {at:g}" for name, at in result.left_out)
    return Table(("method", *(f"NFE {budget}" for budget in result.nfe)), tuple(rows), note)


def _cell(row, measure, front):
    if row is None or getattr(row, measure) is None:
        return None
    return f"{getattr(row, measure).middle:.3g}{' *' if id(row) in front else ''}"


def decomposition_table(result):
    """Solver, network and total error of a `Decomposition` as a `Table`."""
    rows = [
        (f"{row.method}, N = {row.steps}", str(row.nfe), row.solver, result.network, row.total) for row in result.rows
    ]
    found = {method: result.crossover(method) for method in result.methods}
    note = "crossover: " + ", ".join(
        f"{method} " + ("none" if at is None else f"NFE {ceil(at)}") for method, at in found.items()
    )
    return Table(("method", "NFE", "solver error", "network error", "total error"), tuple(rows), note)


def order_table_view(result):
    """Orders and errors of an `OrderTable` as a `Table`; step counts outside the fit are in brackets."""
    rows = []
    for estimate in result.estimates.values():
        errors = [
            f"{error:.2e}" if used else f"({error:.2e})"
            for error, used in zip(estimate.errors, estimate.window, strict=True)
        ]
        low, high = estimate.interval
        rows.append((estimate.method, f"{estimate.order:.2f}", f"{low:.2f} to {high:.2f}", *errors))
    counts = next(iter(result.estimates.values())).steps
    note = f"end-point errors against a reference known to {result.reference.error:.0e}"
    for method, reason in result.left_out.items():
        note += f"; {method} left out: {reason}"
    return Table(("method", "order", "95 % interval", *(f"error, N = {count}" for count in counts)), tuple(rows), note)
