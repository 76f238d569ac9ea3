"""The main views of the notebooks, each a call or two on top of player, plots and tables."""

import statistics
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from toylab import datasets, epsilon, grids, problems, schedules
from toylab.analysis import sweep
from toylab.analysis._run_sweep import METHODS, STEPS
from toylab.analysis._table import Table
from toylab.figures.style import YOURS
from toylab.lessons.forward import forward_sweep
from toylab.samplers import method, sample
from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS
from toylab.widgets.player import Player

TWINS = {"Euler": "DDIM", "Heun": "PIE", "RK4": "PRK", "AB4": "F-PNDM"}
TWIN_STEPS = (4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50)


def explore(
    dataset: str = "spiral", epsilon: str = "network", schedule: str = "linear", methods: Iterable[str] = METHODS,
    n: int = 512, seed: int = 0, steps: int | None = 50, unlikely: bool = False, **look: Any,
) -> Player:  # fmt: skip
    """A player of several methods with dropdowns for the data set and for epsilon ("network" or "exact").

    Data set, epsilon, schedule and steps are those shown first; n, seed: the start particles. unlikely: also find the
    particles that are unlikely at each t, a few seconds more. **look: further arguments of `Player`.
    """

    def compute(chosen, progress=False):
        problem = problems.find(chosen["Data set"], chosen["Epsilon"], schedule)
        return sweep(
            problem, methods=methods, n=n, seed=seed, density=True, unlikely=unlikely, progress=progress
        )  # fmt: skip

    choices = {"Data set": datasets.names(), "Epsilon": ["network", "exact"]}
    chosen = {"Data set": dataset, "Epsilon": epsilon}
    return Player(compute(chosen, True), steps=steps, choices=choices, chosen=chosen, compute=compute, **look)


def explore_forward(
    dataset: str = "spiral", schedule: str = "linear", n: int = 512, seed: int = 0, **look: Any
) -> Player:
    """The forward process as a player, with dropdowns for the data set and the schedule."""

    def compute(chosen, progress=None):
        name, schedule = chosen["Data set"], schedules.get(chosen["Schedule"])
        file = epsilon.checkpoint_name(name, schedule.name)
        network = epsilon.load(file) if file in epsilon.names() else None
        return forward_sweep(datasets.get(name), schedule, network, n, seed)

    choices = {"Data set": datasets.names(), "Schedule": schedules.names()}
    chosen = {"Data set": dataset, "Schedule": schedule}
    (shown, fields), look = compute(chosen), {"progress": 0.3, "show_density": True, "tracks": 0} | look
    return Player(
        shown, fields=fields, choices=choices, chosen=chosen, compute=compute,
        caption="The same noisy samples in every panel; one scale for all arrows of a time. Grey: the data.", **look,
    )  # fmt: skip


def build(
    dataset: str = "circle", gradient: str = "ab4", transfer: str = "pseudo", n: int = 256, seed: int = 0,
    steps: int = 10, **look: Any,
) -> Player:  # fmt: skip
    """A player of a method built from two dropdowns, between Euler and DDIM, with the exact epsilon.

    Data set, gradient, transfer and steps are those shown first. n, seed, **look: as for `explore`.
    """
    counts = tuple(count for count in STEPS if count >= 4)

    def compute(chosen, progress=True):
        problem = problems.find(chosen["Data set"], "exact")
        parts = method(chosen["Gradient"], chosen["Transfer"])
        common = {"steps": counts, "n": n, "seed": seed}
        usual = sweep(problem, methods=("Euler", "DDIM"), progress=False, **common)
        yours = sweep(problem, methods=(parts,), progress=progress, **common)
        title = f"{YOURS}{parts.name}"
        runs = {
            name: getattr(usual, name) | {(title, count): getattr(yours, name)[parts.name, count] for count in counts}
            for name in ("states", "nfe", "distance", "off")
        }
        return replace(usual, methods=("Euler", title, "DDIM"), **runs)

    choices = {"Data set": datasets.names(), "Gradient": list(GRADIENTS), "Transfer": [*TRANSFERS, *LATER_TRANSFERS]}
    chosen = {"Data set": dataset, "Gradient": gradient, "Transfer": transfer}
    return Player(compute(chosen), steps=steps, choices=choices, chosen=chosen, compute=compute, **look)


def twins(
    dataset: str, schedule: str = "linear", steps: Iterable[int] = TWIN_STEPS, start: int = 10, n: int = 256,
    seed: int = 0, t_end: float | None = None, unlikely: bool = False, **look: Any,
) -> Player:  # fmt: skip
    """Classical methods in the upper row, their pseudo twins below, with exact epsilon.

    `unlikely` and `look` as for `explore`.
    """
    problem = problems.find(dataset, "exact", schedule)
    methods = (*TWINS, *TWINS.values())
    shown = sweep(
        problem, methods=methods, steps=steps, n=n, seed=seed, unlikely=unlikely, t_end=t_end
    )  # fmt: skip
    return Player(shown, steps=start, **look)


def twin_table(
    dataset: str, schedule: str = "linear", steps: int = 50, n: int = 512, seeds: Iterable[int] = (0, 1, 2),
    t_end: float | None = None,
) -> Table:  # fmt: skip
    """Mean distance to the manifold of each classical method and its twin at N = `steps`, as a `Table`."""
    problem = problems.find(dataset, "exact", schedule)
    _, t_end = grids.limits(problem.schedule, None, t_end)

    def distance(method, seed):
        run = sample(problem, None, method, steps, n=n, seed=seed, t_end=t_end, record=False)
        return problem.manifold.distance(run.x).mean().item()

    rows = []
    for pair in TWINS.items():
        classical, pseudo = ([distance(method, seed) for seed in seeds] for method in pair)
        ratios = [a / b for a, b in zip(classical, pseudo, strict=True)]
        rows.append(
            (f"{pair[0]} / {pair[1]}", statistics.mean(classical), statistics.mean(pseudo), min(ratios), max(ratios))
        )
    return Table(
        ("classical / pseudo", "distance, classical", "distance, pseudo", "least ratio", "largest ratio"), tuple(rows),
        f"{problem.title}, t_end = {t_end:g}, N = {steps}, {n} particles, seeds {list(seeds)}",
    )  # fmt: skip
