"""Figures and tables of what theory says: constants, clocks, placed nodes, transfers, other ODEs."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import NullFormatter, NullLocator
from torch import Tensor

from toylab import grids
from toylab._types import MethodLike
from toylab.analysis import LeadingError, OptimizedGrid, Table, leading_error
from toylab.analysis._budget import steps_within
from toylab.analysis._leading_error import STEPS
from toylab.figures.look import in_our_look, markers
from toylab.figures.style import line
from toylab.problems import Problem, as_problem
from toylab.problems.flow import rms
from toylab.samplers import get, method, sample
from toylab.samplers.core import cost
from toylab.schedules import Schedule

TRANSFERS = ("classical", "frozen", "pseudo", "data")
MISSING = "– where the budget is spent before the first multistep step"
OPTIMISED = {"color": "#C04A00", "marker": "o"}  # nodes of no spacing


def errors_at(
    problem: Problem, chosen: MethodLike, steps: Iterable[int], reference: Tensor, x_T: Tensor, **options: Any
) -> np.ndarray:
    """rms end-point errors of the runs with these step counts; a run that blows up counts as infinite."""
    found = []
    for count in steps:
        try:
            run = sample(problem, None, chosen, count, x_T=x_T, record=False, progress=False, **options)
        except ValueError:
            found.append(np.inf)
            continue
        found.append(rms(run.x.double() - reference))
    return np.array(found)


@in_our_look
def plot_constants(
    problem: Problem, methods: Iterable[str] = ("DDIM", "F-PNDM", "PRK"), t_end: float = 0.2, n: int = 16,
    steps: Sequence[int] = STEPS, ax: Axes | None = None,
) -> Axes:  # fmt: skip
    """Measured errors (dots) and their predicted first term (lines, nothing fitted) against N: the Axes.

    `problem`: a `toylab.problems.Problem` with a smooth eps, spread > 0.
    """
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    problem = as_problem(problem)
    x_T = problem.start(n)
    reference = problem.reference(x_T, None, t_end).x
    for name in methods:
        predicted = leading_error(problem, x_T=x_T, method=name, t_end=t_end)
        look = line(name)
        ax.loglog(steps, [predicted.rms(count) for count in steps], **look)
        label = f"{name}: {rms(predicted.constant):.2g} h$^{predicted.order}$"
        ax.loglog(steps, errors_at(problem, name, steps, reference, x_T, t_end=t_end), "o", color=look["color"],
                  markersize=7, label=label)  # fmt: skip
    ax.set(xlabel="steps N", ylabel="end-point error (rms)",
           title=f"measured (dots) and predicted (lines)\n{problem.title}")  # fmt: skip
    ax.legend()
    return ax


@in_our_look
def plot_leading_error(result: LeadingError, ax: Axes | None = None) -> Axes:
    """The rms end-point error that a `LeadingError` predicts, against N. Returns the Axes."""
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    label = f"{result.method}: {rms(result.constant):.2g} h$^{result.order}$"
    ax.loglog(STEPS, [result.rms(count) for count in STEPS], label=label, **line(result.method))
    ax.set(xlabel="steps N", ylabel="end-point error (rms)", title="predicted")
    ax.legend()
    return ax


@in_our_look
def plot_clocks(
    problem: Problem, method: str = "F-PNDM", t_start: float | None = 0.6, t_end: float | None = 0.05, n: int = 16,
    steps: Sequence[int] = (20, *STEPS[2:], 1280), ax: Axes | None = None, **options: Any,
) -> Axes:  # fmt: skip
    """The error of one method against N in every clock, with the local order at the end. Returns the Axes."""
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    problem = as_problem(problem)
    x_T = problem.start(n)
    limits = {"t_start": t_start, "t_end": t_end}
    reference = problem.reference(x_T, **limits).x
    chosen = get(method, **options)
    draw_clocks(ax, steps, {
        spacing: errors_at(problem, chosen, steps, reference, x_T, spacing=spacing, **limits)
        for spacing in grids.spacings()
    })  # fmt: skip
    ax.set_title(f"{method} in every clock\n{problem.title}")
    return ax


def _look(spacing):
    """Colour and marker of a spacing, or of optimised nodes, as matplotlib keywords."""
    row = grids.SPACINGS.get(spacing)
    return {"color": row.color, "marker": row.marker} if row else OPTIMISED


def draw_clocks(ax: Axes, steps: Sequence[int], errors: dict) -> None:
    """Errors {spacing: [len(steps)]} of one method against N, each with its last local order."""
    for spacing, found in errors.items():
        blown_up = np.isinf(found[-2:]).any()
        order = "–" if blown_up else f"{np.log(found[-2] / found[-1]) / np.log(steps[-1] / steps[-2]):.2f}"
        ax.loglog(steps, found, markersize=7, **_look(spacing),
                  label=f"even in {spacing}: last order {order}")  # fmt: skip
    ax.set_xticks(steps, [str(count) for count in steps])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="steps N", ylabel="end-point error (rms)")
    ax.legend(fontsize=11)


def clock_table(
    problem: Problem, methods: Iterable[str] = ("DDIM", "S-PNDM", "F-PNDM", "PLMS"),
    nfe: Sequence[int] = (10, 20, 50), t_end: float = 1e-3, n: int = 256,
) -> Table:  # fmt: skip
    """End-point errors at few evaluations, where order is not everything: a row for each method and clock."""
    problem = as_problem(problem)
    errors = _at_equal_nfe(problem, nfe, t_end, n)
    rows = [(name, spacing, *errors(name, spacing)) for name in methods for spacing in grids.spacings()]
    return Table(
        ("method", "nodes even in", *(f"NFE {budget}" for budget in nfe)),
        tuple(rows),
        f"rms end-point error, {problem.title}, t_end = {t_end:g}, {n} particles; {MISSING}",
    )


def transfer_table(
    problem: Problem, gradients: Iterable[str] = ("euler", "ab2", "ab4", "plms"), nfe: Sequence[int] = (10, 20, 50),
    t_end: float = 1e-3, n: int = 256, spacing: str = "t",
) -> Table:  # fmt: skip
    """End-point errors of the same gradient parts with all four transfer parts, at equal evaluations."""
    problem = as_problem(problem)
    errors, rows = _at_equal_nfe(problem, nfe, t_end, n), []
    for gradient in gradients:
        by_transfer = [errors(method(gradient, transfer), spacing) for transfer in TRANSFERS]
        rows += [(gradient, budget, *cells) for budget, *cells in zip(nfe, *by_transfer, strict=True)]
    return Table(
        ("gradient part", "NFE", *TRANSFERS),
        tuple(rows),
        f"rms end-point error, {problem.title}, nodes even in {spacing}, t_end = {t_end:g}, {n} particles; " + MISSING,
    )


def _at_equal_nfe(problem, nfe, t_end, n):
    """A function (method, spacing) -> its error at every budget, None where only start-up steps would fit."""
    problem = as_problem(problem)
    x_T = problem.start(n)
    reference = problem.reference(x_T, None, t_end).x

    def errors(name, spacing):
        chosen, where = get(name), {"t_end": t_end, "spacing": spacing}
        needed = chosen.gradient.adams if chosen.gradient.adams and chosen.gradient.tableau else 1
        counts = [steps_within(chosen, budget, problem.schedule, cost(problem), **where) for budget in nfe]
        return [
            errors_at(problem, chosen, [count], reference, x_T, **where)[0] if count >= needed else None
            for count in counts
        ]

    return errors


@in_our_look
def plot_nodes(found: OptimizedGrid, axes: Sequence[Axes] | None = None) -> tuple[Axes, Axes]:
    """Where an `OptimizedGrid` put its nodes beside the stock grids, and the held-out errors: the Axes."""
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
    ax = ax or plt.subplots(figsize=(8, 5.2))[1]
    problem = as_problem(problem)
    x_T = problem.start(n)
    reference, marks = problem.reference(x_T, None, t_end).x, markers(methods)
    for name in methods:
        errors = errors_at(problem, name, steps, reference, x_T, t_end=t_end)
        ax.loglog(steps, errors, marker=marks[name], markersize=6, label=name, **line(name))
    ax.set(xlabel="steps N", ylabel="end-point error (rms)", title=problem.title)
    low, high = ax.get_ylim()
    ax.set_ylim(low, min(high, 100))
    ax.legend(fontsize=11)
    return ax
