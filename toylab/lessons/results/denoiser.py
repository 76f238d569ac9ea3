"""Notebook 2: how far trained networks are from the exact epsilon, and what schedules do."""

import numpy as np

from toylab import load, schedules
from toylab.analysis import Table
from toylab.analysis._eps_error import POINTS, eps_error
from toylab.figures import plot_eps_error, plot_schedules
from toylab.lessons.results.section import Found, figure, section, settings
from toylab.lessons.results.start import percent

NETWORKS = ("circle", "moons", "spiral", "checkerboard")
TIMES = (0.05, 0.1, 0.2, 0.5, 1.0)


@section("networks", "notebook 2", "How wrong is the network?", 6)
def networks() -> Found:
    how = {"samples": 500, "seed": 0}
    chosen = [load(name) for name in NETWORKS]
    rows = []
    for network in chosen:
        t, error = eps_error(network, **how)
        rows.append((network.dataset, *(percent(np.interp(at, t, error)) for at in TIMES), percent(error.mean())))
    table = Table(
        ("network", *(f"t = {t:g}" for t in TIMES), "mean"), tuple(rows),
        f"rms difference from the exact epsilon of {POINTS} points, over that one's rms",
    )  # fmt: skip
    return Found(settings("linear schedule", **how), (table,), {"networks": figure(plot_eps_error(chosen))})


@section("noise", "notebook 2", "How much noise there is", 0.2)
def noise() -> Found:
    rows = []
    for name in schedules.names():
        schedule = schedules.get(name)
        ends = [(1e-5, schedule.noise_std(1e-5)), (schedule.t_min, schedule.noise_std(schedule.t_min))]
        rows.append((name, *(std for _, std in ends), schedule.t_max, schedule.sigma(schedule.t_max)))
    header = ("schedule", "noise at t = 1e-05", "noise at t_min", "t_max", "sigma at t_max")
    table = Table(header, tuple(rows), "noise: sqrt(1 - alpha_bar); sigma: that over sqrt(alpha_bar)")
    return Found("all schedules", (table,), {"schedules": figure(plot_schedules())})
