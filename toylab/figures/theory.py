"""Figures of theory: constants, clocks, placed nodes, other ODEs, and the lines that the pseudo move follows."""

from collections.abc import Iterable, Sequence
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter
from torch import Tensor

from toylab import grids
from toylab._errors import positive_int
from toylab.analysis import LeadingError, OptimizedGrid, leading_error
from toylab.analysis._arguments import method_list
from toylab.analysis._end_errors import error_at
from toylab.analysis._leading_error import STEPS
from toylab.analysis._order import slope_in_words, slopes_between
from toylab.figures.look import axes_of_errors, in_our_look, legend, ticks
from toylab.figures.style import line, told_apart
from toylab.problems import Problem, as_problem
from toylab.problems.flow import rms
from toylab.samplers import get, sample
from toylab.schedules import Schedule

OPTIMISED = {"color": "#C04A00", "marker": "o"}  # nodes of no spacing


@in_our_look
def plot_constants(
    problem: Problem, methods: Iterable[str] = ("DDIM", "F-PNDM", "PRK"), t_end: float = 0.2, n: int = 16,
    steps: Sequence[int] = STEPS, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Measured errors (dots) and their predicted first term (lines, nothing fitted) against N: the Axes.

    `problem`: a `toylab.problems.Problem` with a smooth eps, spread > 0.
    """
    problem = as_problem(problem)
    ax = axes_of_errors(ax, title=f"measured (dots) and predicted (lines)\n{problem.title}")
    x_T = problem.start(n)
    reference = problem.reference(x_T, None, t_end).x
    for name in methods:
        errors = [error_at(problem, name, count, reference, x_T, t_end=t_end) for count in steps]
        predicted = leading_error(problem, x_T=x_T, method=name, t_end=t_end)
        (drawn,) = _draw_term(ax, predicted, steps)
        ax.loglog(steps, errors, "o", color=drawn.get_color(), markersize=7, label=_term(predicted))
    ax.legend()
    return ax


@in_our_look
def plot_leading_error(result: LeadingError, ax: Axes | None = None) -> Axes:
    """The rms end-point error that a `LeadingError` predicts, against N. Returns the Axes."""
    ax = axes_of_errors(ax, title="predicted")
    _draw_term(ax, result, STEPS, label=_term(result))
    ax.legend()
    return ax


def _draw_term(ax, predicted, steps, **look):
    return ax.loglog(steps, [predicted.rms(count) for count in steps], **line(predicted.method), **look)


def _term(predicted):
    return f"{predicted.method}: {rms(predicted.constant):.2g} h$^{predicted.order}$"


@in_our_look
def plot_clocks(
    problem: Problem, method: str = "F-PNDM", t_start: float | None = 0.6, t_end: float | None = 0.05, n: int = 16,
    steps: Sequence[int] = (20, *STEPS[2:], 1280), ax: Axes | None = None, **options: Any,
) -> Axes:  # fmt: skip
    """The error of one method against N in every clock, with the local order at the end. Returns the Axes."""
    problem = as_problem(problem)
    ax = axes_of_errors(ax, title=f"{method} in every clock\n{problem.title}")
    x_T, limits, chosen = problem.start(n), {"t_start": t_start, "t_end": t_end}, get(method, **options)
    reference = problem.reference(x_T, **limits).x
    draw_clocks(ax, steps, {
        spacing: [error_at(problem, chosen, count, reference, x_T, spacing=spacing, **limits) for count in steps]
        for spacing in grids.spacings()
    })  # fmt: skip
    return ax


def _look(spacing):
    """Colour and marker of a spacing, or of optimised nodes, as matplotlib keywords."""
    row = grids.SPACINGS.get(spacing)
    return {"color": row.color, "marker": row.marker} if row else OPTIMISED


def draw_clocks(ax: Axes, steps: Sequence[int], errors: dict) -> None:
    """Errors {spacing: [len(steps)]} of one method against N, each with its last local order, if that is one yet."""
    for spacing, found in errors.items():
        slopes = slopes_between(np.asarray(steps), np.asarray(found))
        order = slope_in_words(slopes[-1], slopes) if np.isfinite(slopes[-2:]).all() else "–"
        ax.loglog(steps, found, markersize=7, label=f"even in {spacing}: order {order}", **_look(spacing))
    ticks(ax, steps)
    ax.legend(fontsize=11)


@in_our_look
def plot_nodes(found: OptimizedGrid, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """The nodes of an `OptimizedGrid` beside the stock grids, and the held-out errors: the Axes."""
    schedule = found.schedule
    left, right = axes if axes is not None else plt.subplots(1, 2, figsize=(13, 4.6))[1]
    names = [*(name for name in grids.spacings() if name in found.held_out), "optimised"]
    ends, steps = (found.times[0].item(), found.times[-1].item()), len(found.times) - 1
    times = {name: grids.nodes(schedule, steps, *ends, name) for name in names[:-1]} | {"optimised": found.times}
    draw_nodes(left, times, schedule)
    left.set_title(f"nodes of {found.method}, NFE {found.nfe}")
    errors = [found.held_out[name] for name in names]
    bars = right.barh(range(len(names)), errors, color=[_look(name)["color"] for name in names])
    right.bar_label(bars, [f"{error:.2g}" for error in errors], padding=4)
    right.set_yticks(range(len(names)), names)
    right.invert_yaxis()
    right.grid(axis="y", visible=False)
    gain = f"{found.gain:.3g} times smaller" if found.gain >= 1 else f"{1 / found.gain:.3g} times larger"
    right.set(xscale="log", xlabel="held-out error (rms)", title=f"{gain} than with {found.best_stock}")
    right.xaxis.set_minor_formatter(NullFormatter())  # the bars have numbers
    right.margins(x=0.25)
    return left, right


def draw_nodes(ax: Axes, times: dict, schedule: Schedule, seen: str = "t") -> None:
    """Grids {name: [N + 1]} between the same ends, a row each, over the clock `seen`, with t at its ticks."""
    ends = next(iter(times.values()))[[0, -1]].tolist()
    part, way = np.linspace(0, 1, 4001), grids.nodes(schedule, 4000, *ends, spacing=seen).numpy()
    for row, (name, nodes) in enumerate(times.items()):
        at = np.interp(-nodes.numpy(), -way, part)
        ax.plot(at, np.full(len(at), row), markersize=7, linewidth=1, **_look(name))
    ax.set_xticks(part[::1000], [f"{t:.3g}" for t in way[::1000]])
    ax.set_yticks(range(len(times)), list(times))
    ax.grid(axis="y", visible=False)
    ax.invert_yaxis()
    ax.set(xlabel="t" if seen == "t" else f"t, drawn even in {seen}", xlim=(-0.03, 1.03))


@in_our_look
def plot_pairs(
    problem: Problem, methods: Sequence[str] = ("Euler", "RK4", "AB4", "DDIM", "PRK", "F-PNDM"),
    steps: Sequence[int] = STEPS, n: int = 16, t_end: float | None = None, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Errors of classical (dashed) and pseudo (solid) methods against N on any problem. Returns the Axes.

    Errors above 100 are cut off: a classical method whose steps are too long for a stiff problem blows up.
    """
    problem = as_problem(problem)
    ax, x_T, looks = axes_of_errors(ax, title=problem.title), problem.start(n), told_apart(methods)
    reference = problem.reference(x_T, None, t_end).x
    for name in methods:
        errors = [error_at(problem, name, count, reference, x_T, t_end=t_end) for count in steps]
        ax.loglog(steps, errors, markersize=6, label=name, **looks[name])
    low, high = ax.get_ylim()
    ax.set_ylim(low, min(high, 100))
    legend(ax, [ax], {name: name for name in methods}, fontsize=11)
    return ax


@in_our_look
def plot_straight_lines(
    problem: Problem, methods: Iterable = ("Euler", "DDIM"), steps: int = 8, particles: int = 6, seed: int = 0,
    t_start: float = 0.6, **options: Any,
) -> tuple[Axes, Axes]:  # fmt: skip
    """First coordinates of a few particles, as x against t and as y = x / sqrt(alpha_bar) against sigma.

    In (sigma, y) the exact flow of one data point is a set of straight lines that meet at the point, and the
    pseudo move with a right epsilon follows them; in (t, x) they are curves. Grey: a run of DDIM with 400 steps.

    `problem`: of one point for straight lines. Further arguments as for `toylab.sample`. Returns the two Axes.
    """
    problem, methods = as_problem(problem), method_list(methods)
    schedule, particles = problem.schedule, positive_int("particles", particles)
    _, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    x_T = problem.start(particles, seed)

    def draw(method, count, **look):
        run = sample(problem.eps, schedule, method, count, x_T=x_T, t_start=t_start, progress=False, **options)
        t, x = run.times.numpy(), cast(Tensor, run.states)[:, :, 0].numpy()
        root = np.array([schedule.alpha_bar(u) for u in t])[:, None] ** 0.5
        paths = left.plot(t, x, **look), right.plot([schedule.sigma(u) for u in t], x / root, **look)
        return paths[0][0]

    draw("DDIM", 400, color="0.8", linewidth=6)
    drawn = [draw(method, steps, marker="o", markersize=5, **line(method.name)) for method in methods]
    left.set(xlabel="t", ylabel="x (first coordinate)", xlim=(t_start, 0), title="as the network sees it")
    right.set(xlabel=r"$\sigma$", ylabel=r"$y = x / \sqrt{\bar\alpha}$", title="as the pseudo move sees it")
    right.set_xlim(schedule.sigma(t_start), 0)
    left.legend(drawn, [f"{method.name}, {steps} steps" for method in methods])
    return left, right
