"""Figures of verdicts on the paper's claims, and of the search for settings that break one."""

from math import inf
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullLocator

from toylab.claims.judging import HOLDS, NOT, PARTLY, Verdict, Verdicts, cell
from toylab.claims.setting import WORLDS
from toylab.figures.look import FIT, INK, in_our_look

if TYPE_CHECKING:
    from toylab.claims import Counterexample

COLOURS = {HOLDS: "#00916A", PARTLY: "#C08500", NOT: "#C04A00", "–": "#8a9096"}
SHADES = {HOLDS: "#cfeae2", PARTLY: "#f6e8c4", NOT: "#f5d6c8", "–": "#eceef0"}
EDGE = 1e3  # numbers beyond, on either side, are drawn there


@in_our_look
def plot_verdicts(result: Verdicts | Verdict, ax: Axes | None = None) -> Axes | np.ndarray:
    """The verdicts as a table of colours, with the medians of the numbers; one claim alone as `plot_verdict` does.

    Returns the Axes.
    """
    if isinstance(result, Verdict) or len(result.claims) == 1:
        return plot_verdict(result)
    claims, worlds = result.claims, result.worlds
    ax = ax or plt.subplots(figsize=(2.6 + 2.5 * len(worlds), 1 + 0.5 * len(claims)))[1]
    for verdict in result.rows:
        x, y = worlds.index(verdict.world), claims.index(verdict.claim)
        ax.add_patch(plt.Rectangle((x - 0.48, y - 0.46), 0.96, 0.92, color=SHADES[verdict.word]))
        ax.text(x, y, cell(verdict).replace(": ", "\n"), ha="center", va="center", fontsize=11, color=INK)
    ax.set_xticks(range(len(worlds)), [WORLDS[world].title.replace(", ", ",\n") for world in worlds])
    ax.set_yticks(range(len(claims)), [claim.name for claim in claims])
    ax.set(xlim=(-0.5, len(worlds) - 0.5), ylim=(len(claims) - 0.5, -0.5))
    ax.tick_params(length=0)
    ax.xaxis.tick_top()
    ax.grid(False)
    for side in ax.spines.values():
        side.set_visible(False)
    return ax


@in_our_look
def plot_verdict(result: Verdicts | Verdict) -> np.ndarray:
    """A panel for each number of one claim, a row for each world: a dot a setting, and what the number must be.

    Returns the Axes.
    """
    rows = [result] if isinstance(result, Verdict) else list(result.rows)
    claim = rows[0].claim
    figure, axes = plt.subplots(
        1, len(claim.numbers), figsize=(5.2 * len(claim.numbers), 1.6 + 0.55 * len(rows)), squeeze=False, sharey=True
    )
    for ax, number in zip(axes[0], claim.numbers, strict=True):
        for place, verdict in enumerate(rows):
            if verdict.values:
                values = np.clip(np.array(verdict.of(number).values), 1 / EDGE, EDGE)
                spread = np.linspace(-0.2, 0.2, len(values)) if len(values) > 1 else np.zeros(1)
                ax.plot(values, place + spread, "o", color=COLOURS[verdict.word], markersize=7, alpha=0.8)
        _bounds(ax, number)
        ax.set(xscale="log", ylim=(len(rows) - 0.5, -0.5))
        ax.set_xlim(*_wide_enough(ax.get_xlim()))
        _plain(ax.xaxis)
        ax.set_title(number.name, fontsize=12)
    axes[0, 0].set_yticks(range(len(rows)), [WORLDS[verdict.world].title for verdict in rows])
    figure.suptitle(claim.sentence, fontsize=14)
    return axes[0]


@in_our_look
def plot_search(result: "Counterexample") -> np.ndarray:
    """A panel for each number of a claim: all settings of a search in order, counterexamples in red.

    Returns the Axes.
    """
    numbers = result.claim.numbers
    figure, axes = plt.subplots(1, len(numbers), figsize=(5.2 * len(numbers), 4), squeeze=False, sharex=True)
    broken = np.isin(np.arange(len(result.tried)), result.broken)
    for k, (ax, number) in enumerate(zip(axes[0], numbers, strict=True)):
        values = np.clip(np.array([row[k] for row in result.values]), 1 / EDGE, EDGE)
        for chosen, colour in ((~broken, FIT), (broken, COLOURS[NOT])):
            ax.plot(np.flatnonzero(chosen) + 1, values[chosen], "o", color=colour, markersize=6)
        _bounds(ax, number, across=True)
        ax.set(yscale="log", xlabel="setting")
        ax.set_ylim(*_wide_enough(ax.get_ylim()))
        _plain(ax.yaxis)
        ax.set_title(number.name, fontsize=12)
    figure.suptitle(result.sentence, fontsize=14)
    return axes[0]


def _wide_enough(limits):
    """Limits of a logarithmic axis that reach over a factor of ten at least."""
    middle, half = np.sqrt(np.prod(limits)), max(10.0, limits[1] / limits[0]) ** 0.5
    return middle / half, middle * half


def _plain(axis):
    """Ticks of a logarithmic axis as plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter("{x:g}")


def _bounds(ax, number, across=False):
    """Lines at what the number must be."""
    line = ax.axhline if across else ax.axvline
    for bound in (number.least, number.most):
        if 0 < bound < inf:
            line(bound, color=INK, linewidth=1.2)
