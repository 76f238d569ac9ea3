"""The labs of the notebooks: figures of orders, clocks, work and fault, live from a few controls.

Each has what its notebook plays with as a control, and shows no more than can be measured in about three seconds
on one core. What takes longest, exact flows and runs, is kept, so that going back costs nothing.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache

import matplotlib.pyplot as plt
import numpy as np

from toylab import datasets, epsilon, grids, problems, schedules
from toylab.analysis import decompose_error, optimize_grid, order_table, work_precision
from toylab.analysis._end_errors import error_at
from toylab.figures.look import axes_of_errors, in_our_look
from toylab.figures.measures import LABELS, plot_decomposition, plot_work
from toylab.figures.plots import plot_order
from toylab.figures.theory import OPTIMISED, draw_clocks, draw_nodes
from toylab.samplers import get, method
from toylab.samplers import methods as known_methods
from toylab.widgets.lab import Lab, menu, several, slider

POINTS = 240  # of exact epsilons whose orders are measured
T_END = (0.001, 0.003, 0.01, 0.03, 0.05, 0.1, 0.2, 0.3)
T_START = {f"{t:g}": t for t in (0.5, 0.6, 0.7, 0.8, 0.9)} | {"t_max": None}
SPREAD = (0, 0.02, 0.05, 0.1, 0.2, 0.4)
NODES = (5, 6, 8, 10, 13, 16, 20)
BUDGETS = (5, 10, 20, 50, 100)
FAULT_BUDGETS = (5, 7, 10, 14, 20, 28, 40, 57, 80, 113, 160)
FLOW_RTOL = 1e-5  # of flows whose difference is about 1e-2
FLOW_POINTS = 1000  # of the exact one: twice as many change that difference by less than 1 % on every curve
SHARP_RTOL = 1e-9  # of flows to data without spread, where no method comes nearer than 1e-5
MEASURES = {
    "end-point error": "error", "|d − d_exact|": "excess", "distance": "distance", "coverage": "coverage",
    "|d − d_exact| for an error": ("excess", "error"), "distance for an error": ("distance", "error"),
}  # fmt: skip
PICTURE = 7.0  # inches wide, for type that can be read from the last row


def order_lab(
    methods: Iterable[str] = ("DDIM", "S-PNDM", "F-PNDM", "RK4"), dataset: str = "circle", particles: int = 24
) -> Lab:
    """A live figure of convergence orders, with controls for everything that can hide one; particles: measured ones.

    Its result is an `OrderTable`. Raises ValueError for what is not on offer.
    """

    def compute(dataset, schedule, spacing, steps, t_start, t_end, spread, methods):
        problem = problems.curve(dataset, POINTS, spread, schedule)
        table = order_table(
            problem, None, methods, steps, n=particles, t_start=t_start, t_end=t_end, spacing=spacing, progress=False
        )  # fmt: skip
        ax = plot_order(list(table.estimates.values()), in_our_look(plt.subplots)(figsize=(PICTURE, 5.0))[1])
        ax.set_title(f"convergence order: {problem.title}, t_end = {t_end:g}", fontsize=13)
        return table, ax.figure, _left_out(table.left_out)

    controls = {
        "dataset": menu("data set", datasets.names(), dataset),
        "schedule": menu("schedule", schedules.names(), "linear"),
        "spacing": menu("spacing", grids.spacings(), "t"),
        "steps": slider("steps", _ranges((10, 20, 40, 80, 160), 3), _range(40, 3)),
        "t_start": slider("t_start", T_START, None),
        "t_end": slider("t_end", T_END, 0.2),
        "spread": slider("spread", SPREAD[1:], 0.05),
        "methods": several("methods", _deterministic(), methods),
    }
    return Lab("convergence orders", controls, compute)


def clock_lab(
    method: str = "F-PNDM", dataset: str = "circle", t_start: float | None = 0.6, t_end: float = 0.2,
    spread: float = 0.05, first: int = 20, nodes: int = 10, optimised: bool = False,
) -> Lab:  # fmt: skip
    """The nodes of five clocks, and the errors of the same method with each, live.

    Args:
        method, dataset, t_start (None for the largest), t_end, spread: shown at first.
        first: the least step count shown at first, 5, 10 or 20, doubled five times.
        nodes: how many steps the upper figure shows.
        optimised: also search for better nodes with so many steps, and show what they are worth.

    Its result is a dict {clock: errors}. Raises ValueError for what is not on offer.
    """
    offered = {name: get(name) for name in _deterministic()} | _exact_weights()

    @cache
    def start(dataset, schedule, spread, t_start, t_end):
        problem = problems.curve(dataset, POINTS, spread, schedule)
        x_T, rtol = problem.start(48), None if spread else SHARP_RTOL
        return problem, x_T, problem.reference(x_T, t_start, t_end, rtol, progress=False).x

    @cache
    def error(where, method, steps, spacing):
        problem, x_T, end = start(*where)
        limits = {"t_start": where[-2], "t_end": where[-1]}
        return error_at(problem, offered[method], steps, end, x_T, spacing=spacing, **limits)

    @cache
    def search(where, method, steps):
        problem, x_T, end = start(*where)
        limits = {"t_start": where[-2], "t_end": where[-1]}
        found = optimize_grid(
            problem, None, offered[method], steps, n=48, seed=1, iterations=100 // steps, progress=False, **limits
        )  # fmt: skip
        return found, error_at(problem, offered[method], steps, end, x_T, times=found.times)

    def compute(dataset, schedule, method, t_start, t_end, spread, steps, nodes, seen, optimised):
        where = dataset, schedule, spread, t_start, t_end
        problem = start(*where)[0]
        limits = grids.limits(problem.schedule, t_start, t_end)
        errors, shown = {}, {}
        for spacing in grids.spacings():
            errors[spacing] = [error(where, method, n, spacing) for n in steps]
            shown[spacing] = grids.nodes(problem.schedule, nodes, *limits, spacing)
        figure, (top, bottom) = in_our_look(plt.subplots)(2, 1, figsize=(PICTURE, 6.9), height_ratios=(2, 3.4))
        draw_clocks(axes_of_errors(bottom), steps, errors)
        note = ""
        if optimised:
            found, least = search(where, method, nodes)
            shown["optimised"], errors["optimised"] = found.times, least
            bottom.plot(nodes, least, "*", color=OPTIMISED["color"], markersize=18, label="optimised")
            bottom.legend(fontsize=11)
            note = f"optimised: {found.runs} runs; on particles that the search has not seen, {found.gain:.2g} times " \
                   f"less error than the best clock, {found.best_stock}"  # fmt: skip
        draw_nodes(top, shown, problem.schedule, seen)
        top.set_title(f"where {nodes} steps go, from noise (left) to data", fontsize=13)
        bottom.set_title(f"{method}: {problem.title}", fontsize=13)
        return errors, figure, note

    controls = {
        "dataset": menu("data set", datasets.names(), dataset),
        "schedule": menu("schedule", schedules.names(), "linear"),
        "method": menu("method", {name: name for name in offered}, method),
        "t_start": slider("t_start", T_START, t_start),
        "t_end": slider("t_end", T_END, t_end),
        "spread": slider("spread", SPREAD, spread),
        "steps": slider("N", _ranges((5, 10, 20), 5), _range(first, 5)),
        "nodes": slider("nodes", NODES, nodes),
        "seen": menu("seen in", grids.spacings(), "t"),
        "optimised": menu("optimise", {"off": False, "on: a few seconds": True}, optimised),
    }
    return Lab("clocks", controls, compute)


def work_lab(
    methods: Iterable[str] = ("DDIM", "S-PNDM", "F-PNDM", "PLMS", "RK4", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2"),
    dataset: str = "circle", eps: str = "exact", measure: str | tuple[str, str] = "error", particles: int = 128,
) -> Lab:  # fmt: skip
    """The worth of a network evaluation with each method, live.

    At first it shows `dataset`, `eps` ("exact" or "network") and `measure` ("error", "excess", "distance", "coverage",
    or a pair of them as for `plot_work`); particles: measured ones. Its result is a `WorkPrecision`. Raises ValueError
    for what is not on offer.
    """

    @cache
    def measured(dataset, eps, spacing, t_end, seed, methods):
        problem = problems.find(dataset, eps, "linear")
        return problem, work_precision(
            problem, methods=methods, nfe=BUDGETS, seeds=(seed,), n=particles, t_end=t_end, spacing=spacing,
            progress=False,
        )  # fmt: skip

    def compute(measure, methods, **where):
        problem, found = measured(methods=tuple(methods), **where)
        names = [measure] if isinstance(measure, str) else measure
        if all(getattr(row, names[-1]) is None for row in found.rows):
            raise ValueError(f"{LABELS[names[-1]]} is not known of stochastic methods: their particles follow no flow")
        figure, ax = in_our_look(plt.subplots)(figsize=(PICTURE, 6.3))
        plot_work(found, (measure,), ax)
        ax.set_title(f"{problem.title}; even in {where['spacing']}, t_end = {where['t_end']:g}", fontsize=13)
        ax.set_ylabel(LABELS[names[0]])
        return found, figure, _left_out({f"{name} at {at:g}": why for (name, at), why in found.left_out.items()})

    controls = {
        "dataset": menu("data set", datasets.names(), dataset),
        "eps": menu("epsilon", ("exact", "network"), eps),
        "measure": menu("measure", MEASURES, measure),
        "spacing": menu("spacing", grids.spacings(), "t"),
        "t_end": slider("t_end", T_END[:6], 0.001),
        "seed": slider("seed", range(5), 0),
        "methods": several("methods", known_methods(), methods),
    }
    return Lab("work against precision", controls, compute)


def fault_lab(network: str = "spiral", methods: Iterable[str] = ("DDIM", "S-PNDM"), particles: int = 128) -> Lab:
    """The solver's part of an error and the network's, live.

    At first it shows a shipped network of points in the plane, 1 to 4 methods, and 32, 64, 128 or 256 particles.
    Its result is a `Decomposition`. Raises ValueError for what is not on offer.
    """

    @cache
    def flows(network, particles, seed):
        net = epsilon.load(network)
        exact = epsilon.exact_eps(datasets.get(net.dataset).curve(FLOW_POINTS), net.schedule)
        return decompose_error(
            net, exact, methods=["DDIM"], nfe=[5], n=particles, seed=seed, rtol=FLOW_RTOL, progress=False
        )

    @cache
    def parts(network, particles, seed, method):
        return decompose_error(
            epsilon.load(network), methods=[method], nfe=FAULT_BUDGETS, n=particles, seed=seed,
            flows=flows(network, particles, seed), progress=False,
        )  # fmt: skip

    def compute(methods, **where):
        if not 1 <= len(methods) <= 4:
            raise ValueError(f"methods must be 1 to 4 names for as many panels, got {len(methods)}")
        each = [parts(method=method, **where) for method in methods]
        found = replace(
            each[0], rows=tuple(row for part in each for row in part.rows),
            left_out={at: why for part in each for at, why in part.left_out.items()},
        )  # fmt: skip
        rows, columns = (len(methods) + 1) // 2, min(len(methods), 2)
        size = (PICTURE, 5.0) if columns == 1 else (8.8, 0.5 + 4.0 * rows)
        figure, axes = in_our_look(plt.subplots)(rows, columns, figsize=size, sharey=True, squeeze=False)
        plot_decomposition(found, axes.ravel()[: len(methods)])
        for ax in axes.ravel()[len(methods) :]:
            ax.axis("off")
        figure.suptitle(f"Whose fault is it? {where['network']}, network error {found.network:.2g}", fontsize=17)
        half = np.median(found.network_errors)
        notes = [
            f"{where['particles']} particles: network error {found.network:.2g} (rms), of half below {half:.2g}.",
            "Dots: the solver's error (rms); bands: half of the particles.",
            _left_out(found.left_out),
        ]
        return found, figure, "\n".join(notes)

    controls = {
        "network": menu("network", _networks(), network),
        "particles": slider("particles", (32, 64, 128, 256), particles),
        "seed": slider("seed", range(5), 0),
        "methods": several("methods", _deterministic(), methods),
    }
    return Lab("whose fault is it?", controls, compute)


def _deterministic():
    """The methods that step on a given grid without noise: those with an order."""
    return [name for name in known_methods() if get(name).fixed_grid and not get(name).stochastic]


def _exact_weights():
    """{what stands in a menu: method} for methods with the weights and midpoints that keep order on any grid."""
    gradients = {"S-PNDM": "ab2", "F-PNDM": "ab4", "PLMS": "plms", "PRK": "rk4"}
    return {
        f"{name}, exact weights": method(gradient, "pseudo", midpoint="sigma", weights="exact")
        for name, gradient in gradients.items()
    }


def _networks():
    """The shipped networks of points in the plane."""
    named = [epsilon.checkpoint_name(data, schedule) for data in datasets.names() for schedule in schedules.names()]
    return [name for name in named if name in epsilon.names()]


def _range(first, doublings):
    return [first * 2**k for k in range(doublings + 1)]


def _ranges(firsts, doublings):
    """{text: step counts} for ranges that begin with each of `firsts`."""
    return {f"{first} to {first * 2**doublings}": _range(first, doublings) for first in firsts}


def _left_out(reasons):
    return "\n".join(f"left out: {name}, {reason}" for name, reason in reasons.items())
