"""matplotlib figures of measurements: schedules, errors, scores, convergence orders."""

from collections.abc import Iterable, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import LogFormatter

from toylab import schedules
from toylab._errors import listed
from toylab.analysis import OffManifold, OrderEstimate, OrderTable, off_manifold
from toylab.analysis._arguments import method_list
from toylab.analysis._eps_error import eps_error
from toylab.figures.look import FIT, axes_of_errors, in_our_look, legend, ticks
from toylab.figures.style import told_apart
from toylab.problems import Problem, as_problem
from toylab.samplers import sample


@in_our_look
def plot_schedules(names: Iterable[str] | None = None) -> tuple[Axes, Axes]:
    """alpha_bar and sigma against t for the named schedules (by default all). Returns the two Axes."""
    names = schedules.names() if names is None else listed("names", names, "schedules")
    chosen = [schedules.as_schedule(name) for name in names]
    _, (left, right) = plt.subplots(1, 2, figsize=(13, 4.6))
    for schedule in chosen:
        t = np.linspace(schedule.t_min, schedule.t_max, 400)
        left.plot(t, [schedule.alpha_bar(u) for u in t], label=schedule.name)
        right.plot(t, [schedule.sigma(u) for u in t], label=schedule.name)
    left.set(xlabel="t", ylabel=r"$\bar\alpha(t)$", title="what is left of the data")
    right.set(xlabel="t", ylabel=r"$\sigma(t)$", title="noise in units of the data", xscale="log", yscale="log")
    left.legend(title="schedule")
    return left, right


@in_our_look
def plot_eps_error(networks: Iterable, ax: Axes | None = None) -> Axes:
    """Relative rms error of each network's epsilon against the exact one, over t. Returns the Axes."""
    ax = ax or plt.subplots(figsize=(8, 4.8))[1]
    for network in networks:
        t, error = eps_error(network)
        ax.plot(t, 100 * error, label=f"{network.dataset}, {network.schedule.name}")
    ax.set(xlabel="t", ylabel="relative error of epsilon (%)", title="trained network against exact epsilon")
    ax.set_ylim(0, None)
    ax.legend()
    return ax


@in_our_look
def plot_off_manifold(
    problem: Problem, methods: Iterable, steps: int = 20, n: int = 512, seed: int | None = 0, ax: Axes | None = None,
    **options: Any,
) -> Axes:  # fmt: skip
    """r_t of each method over t, with the band of forward-process samples. Returns the Axes.

    `problem`: a `toylab.problems.Problem` with a manifold. Further arguments as for `toylab.sample`.
    """
    ax = ax or plt.subplots(figsize=(8, 4.8))[1]
    problem = as_problem(problem)
    runs = [sample(problem, None, method, steps, n=n, seed=seed, **options) for method in method_list(methods)]
    _draw_ratio(ax, [off_manifold(run, problem) for run in runs])
    ax.set_title(f"off the manifold: {steps} steps")
    return ax


@in_our_look
def plot_scores(scores: OffManifold | Sequence[OffManifold]) -> tuple[Axes, Axes]:
    """r_t, and the share of unlikely particles, over t, of one `OffManifold` or several. Returns the two Axes."""
    scores = [scores] if isinstance(scores, OffManifold) else scores
    _, (left, right) = plt.subplots(1, 2, figsize=(13.5, 5))
    _draw_ratio(left, scores)
    left.set_title("off the manifold")
    looks = told_apart(score.method for score in scores)
    for score in scores:
        right.plot(score.times, 100 * score.share, markersize=5, **looks[score.method])
    right.axhline(1, color="0.5", linewidth=3, alpha=0.5, label="forward process: 1 %")
    right.set(xlabel="t", xlim=left.get_xlim(), ylim=(-3, 103), title="unlikely particles (%)")
    right.legend(fontsize=11)
    return left, right


def _draw_ratio(ax, scores):
    looks, methods = told_apart(score.method for score in scores), {}
    for score in scores:
        label = score.method if score.nfe is None else f"{score.method} (NFE {score.nfe})"
        methods[label] = score.method
        ax.plot(score.times, score.ratio, markersize=5, label=label, **looks[score.method])
    ax.fill_between(score.times, *score.band, color="0.5", alpha=0.25, label="forward process, 1 % to 99 %")
    ax.set(xlabel="t", ylabel=r"$r_t$ (1 = on the manifold)", xlim=(1, 0), yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(LogFormatter())  # labels as many as there is room for
    legend(ax, [ax], methods, fontsize=11)


@in_our_look
def plot_order(estimates: OrderEstimate | OrderTable | Iterable[OrderEstimate], ax: Axes | None = None) -> Axes:
    """Errors of `measure_order` or `order_table` against steps, log-log. Returns the Axes.

    Marks are the rms error (hollow for methods whose line is not solid, the classical ones above all), joined by the
    method's own line; the faint band holds half of the particles, the wide grey line is the fit over the asymptotic
    window (shaded) with its slope as label, where there is one yet; the dotted line is the round-off floor.
    """
    if isinstance(estimates, OrderEstimate | OrderTable):
        estimates = getattr(estimates, "estimates", {"": estimates}).values()
    estimates, ax = list(estimates), axes_of_errors(ax, title="convergence order")
    looks, methods = told_apart(estimate.method for estimate in estimates), {}
    for estimate in estimates:
        look, (order, interval) = looks[estimate.method], estimate.verdict
        color, fill = look["color"], "full" if look["linestyle"] == "-" else "none"
        low, high = np.quantile(estimate.particle_errors, [0.25, 0.75], axis=1)
        ax.fill_between(estimate.steps, low, high, color=color, alpha=0.15, linewidth=0)
        half = (estimate.interval[1] - estimate.interval[0]) / 2
        found = f"order {order} ± {half:.2f}" if estimate.asymptotic else f"not asymptotic yet ({interval})"
        label = f"{estimate.method}: {found}"
        methods[label] = estimate.method
        ax.loglog(
            estimate.steps, estimate.errors, markersize=8, fillstyle=fill, markeredgewidth=2, linewidth=1.3,
            label=label, **look,
        )  # fmt: skip
        if not estimate.asymptotic:
            continue
        steps, errors = estimate.steps[estimate.window], estimate.errors[estimate.window]
        level = np.exp(np.mean(np.log(errors) + estimate.order * np.log(steps)))
        ax.loglog(steps, level * steps**-estimate.order, color=FIT, linewidth=6, alpha=0.3, zorder=1)
        ax.axvspan(steps[0], steps[-1], color=color, alpha=0.08 / len(estimates), linewidth=0)
    floor = max(estimate.floor for estimate in estimates)
    ax.axhline(floor, color="0.4", linestyle=":", linewidth=1.5)
    ax.annotate("round-off floor", (ax.get_xlim()[0], floor), xytext=(4, 4), textcoords="offset points", color="0.4")
    counts = sorted({int(count) for estimate in estimates for count in estimate.steps})
    ticks(ax, counts)
    ax.set_ylim(floor / 30, None)
    legend(ax, [ax], methods, frameon=True, framealpha=0.9, edgecolor="none")
    return ax
