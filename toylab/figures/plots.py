"""matplotlib figures of measurements: schedules, errors, scores, convergence orders."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogFormatter, NullLocator

from toylab import schedules
from toylab.analysis import off_manifold
from toylab.analysis._networks import eps_error
from toylab.figures.look import in_our_look
from toylab.figures.style import line
from toylab.samplers import sample


@in_our_look
def plot_schedules(names=None):
    """alpha_bar and sigma against t for the named schedules (by default all). Returns the two Axes."""
    _, (left, right) = plt.subplots(1, 2, figsize=(13, 4.6))
    for name in names or schedules.names():
        schedule = schedules.get(name)
        t = np.linspace(schedule.t_min, schedule.t_max, 400)
        left.plot(t, [schedule.alpha_bar(u) for u in t], label=name)
        right.plot(t, [schedule.sigma(u) for u in t], label=name)
    left.set(xlabel="t", ylabel=r"$\bar\alpha(t)$", title="what is left of the data")
    right.set(xlabel="t", ylabel=r"$\sigma(t)$", title="noise in units of the data", xscale="log", yscale="log")
    left.legend(title="schedule")
    return left, right


@in_our_look
def plot_eps_error(networks, ax=None):
    """Relative rms error of each network's epsilon against the exact one, over t. Returns the Axes."""
    ax = ax or plt.subplots(figsize=(8, 4.8))[1]
    for network in networks:
        t, error = eps_error(network)
        ax.plot(t, 100 * error, label=f"{network.dataset}, {network.schedule.name}")
    ax.set(
        xlabel="t",
        ylabel="relative error of epsilon (%)",
        ylim=(0, None),
        title="trained network against exact epsilon",
    )
    ax.legend()
    return ax


@in_our_look
def plot_off_manifold(problem, methods, steps=20, n=512, seed=0, ax=None, **options):
    """r_t of each method over t, with the band of forward-process samples. Returns the Axes.

    `problem`: a `toylab.problems.Problem` with a manifold. Further arguments as for `toylab.sample`.
    """
    ax = ax or plt.subplots(figsize=(8, 4.8))[1]
    runs = [sample(problem.eps, problem.schedule, method, steps, n=n, seed=seed, **options) for method in methods]
    _draw_ratio(ax, [(run, off_manifold(run, problem.manifold, problem.schedule)) for run in runs])
    ax.set_title(f"off the manifold: {steps} steps")
    return ax


@in_our_look
def plot_scores(scored):
    """r_t, and the share of unlikely particles, over t. Returns the two Axes.

    `scored`: pairs of a `Trajectory` and its `OffManifold`.
    """
    _, (left, right) = plt.subplots(1, 2, figsize=(13.5, 5))
    _draw_ratio(left, scored)
    left.set_title("off the manifold")
    for run, score in scored:
        right.plot(score.times, 100 * score.share, marker="o", markersize=5, **line(run.method))
    right.axhline(1, color="0.5", linewidth=3, alpha=0.5, label="forward process: 1 %")
    right.set(xlabel="t", xlim=left.get_xlim(), ylim=(-3, 103), title="unlikely particles (%)")
    right.legend(fontsize=11)
    return left, right


def _draw_ratio(ax, scored):
    for run, score in scored:
        label = f"{run.method} (NFE {run.nfe})"
        ax.plot(score.times, score.ratio, marker="o", markersize=5, label=label, **line(run.method))
    ax.fill_between(score.times, *score.band, color="0.5", alpha=0.25, label="forward process, 1 % to 99 %")
    ax.set(xlabel="t", ylabel=r"$r_t$ (1 = on the manifold)", xlim=(1, 0), yscale="log")
    ax.yaxis.set_major_formatter("{x:g}")
    ax.yaxis.set_minor_formatter(LogFormatter())  # labels as many as there is room for
    ax.legend(fontsize=11)


@in_our_look
def plot_order(estimates, ax=None):
    """Errors of `measure_order` against steps, log-log. Returns the Axes.

    Dots are the rms error (rings for methods that are not drawn solid elsewhere, the classical ones above all),
    the faint band holds half of the particles, the dashed line is the fit over the asymptotic window (shaded)
    with its slope as label, the dotted line is the round-off floor.
    """
    ax, handles = ax or plt.subplots(figsize=(8, 5.4))[1], []
    for estimate in estimates:
        look = line(estimate.method)
        color, fill = look["color"], "full" if look["linestyle"] == "-" else "none"
        low, high = np.quantile(estimate.particle_errors, [0.25, 0.75], axis=1)
        ax.fill_between(estimate.steps, low, high, color=color, alpha=0.15, linewidth=0)
        dots = ax.loglog(
            estimate.steps, estimate.errors, "o", color=color, markersize=8, fillstyle=fill, markeredgewidth=2
        )
        steps, errors = estimate.steps[estimate.window], estimate.errors[estimate.window]
        level = np.exp(np.mean(np.log(errors) + estimate.order * np.log(steps)))
        half = (estimate.interval[1] - estimate.interval[0]) / 2
        fit = ax.loglog(steps, level * steps**-estimate.order, "--", color=color,
                        label=f"{estimate.method}: order {estimate.order:.2f} ± {half:.2f}")  # fmt: skip
        handles.append((*dots, *fit))
        ax.axvspan(steps[0], steps[-1], color=color, alpha=0.08 / len(estimates), linewidth=0)
    floor = max(estimate.floor for estimate in estimates)
    ax.axhline(floor, color="0.4", linestyle=":", linewidth=1.5)
    ax.annotate("round-off floor", (ax.get_xlim()[0], floor), xytext=(4, 4), textcoords="offset points", color="0.4")
    counts = sorted({int(count) for estimate in estimates for count in estimate.steps})
    ax.set_xticks(counts, [str(count) for count in counts])
    ax.xaxis.set_minor_locator(NullLocator())
    ax.set(xlabel="steps N", ylabel="end-point error (rms)", title="convergence order", ylim=(floor / 30, None))
    labels = ax.get_legend_handles_labels()[1]
    ax.legend(handles, labels, handlelength=3, frameon=True, framealpha=0.9, edgecolor="none")
    return ax
