"""Notebook 3: classical methods and their pseudo twins, on and off the manifold."""

from toylab import problems, schedules
from toylab.analysis import Table, off_manifold, work_precision
from toylab.figures import plot_off_manifold
from toylab.lessons import one_point_table, twin_table
from toylab.lessons.results.section import Found, figure, section, settings
from toylab.samplers import sample

QUOTED = "notebook 3"
SCORED = ("Euler", "RK4", "AB4", "DDIM", "F-PNDM")
BUDGETS = (5, 10, 13, 20, 50, 100, 250)
USUAL = {"n": 256, "seeds": (0, 1)}  # of two tables: the same run has the same number in both
NEAR = 1e-5  # where runs end that go all the way to the data


@section("one-point", QUOTED, "One data point: the pseudo move is exact", 0.2)
def one_point() -> Found:
    how = {"steps": 10, "n": 512, "seed": 0}
    return Found(settings(problems.one_point(), **how), (one_point_table(**how),))


@section("noise-left", QUOTED, "The noise that is left at the end", 0.1)
def noise_left() -> Found:
    row = tuple((name, schedules.get(name).noise_std(NEAR)) for name in ("linear", "constant"))
    return Found(settings("noise", t_end=NEAR), (Table(("schedule", "standard deviation"), row),))


@section("twins", QUOTED, "Classical methods and their twins", 7)
def twins() -> Found:
    tables = (
        twin_table("circle", "constant", steps=50, t_end=1e-4, seeds=(0, 1, 2)),
        twin_table("circle", "linear", steps=10, t_end=NEAR, seeds=(0, 1, 2)),
        twin_table("circle", "linear", steps=10, **USUAL),
    )
    return Found("each table says its limits", tables)


@section("off-manifold", QUOTED, "Off the manifold, at every t", 3)
def at_every_t() -> Found:
    how = {"steps": 20, "n": 512, "seed": 0}
    circle = problems.find("circle", "exact")
    scores = []
    for name in SCORED:
        run = sample(circle, method=name, progress=False, **how)
        scores.append(off_manifold(run, circle))
    low, high = scores[0].band
    rows = tuple(
        (f"{t:.3g}", low[k], high[k], *(score.ratio[k] for score in scores)) for k, t in enumerate(scores[0].times)
    )
    table = Table(("t", "band from", "band to", *SCORED), rows, "r_t; band: 1 % to 99 % of the forward process")
    return Found(settings(circle, **how), (table,), {"off-manifold": figure(plot_off_manifold(circle, SCORED, **how))})


@section("equal-nfe", QUOTED, "Distance and error at equal NFE", 7)
def equal_nfe() -> Found:
    how = {"nfe": BUDGETS, **USUAL}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, progress=False, **how)
    tables = found.table("distance"), found.table("error")
    return Found(settings(circle, **how), tables, {"equal-nfe": figure(found.plot(("error", "distance")))})
