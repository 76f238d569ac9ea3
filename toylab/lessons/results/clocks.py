"""Notebook 7: orders and errors in five clocks, and nodes found by optimisation."""

from toylab import datasets, grids, problems
from toylab.analysis import Table, measure_order, optimize_grid
from toylab.figures import clock_table, plot_clocks
from toylab.lessons.results.section import Found, figure, section, settings

QUOTED = "notebook 7"
STEPS = (20, 40, 80, 160, 320, 640, 1280)
POINTS = 240
PLACED = {"method": "S-PNDM", "steps": 10, "n": 96, "iterations": 30, "seed": 0, "progress": False}
EXACT = {"midpoint": "sigma", "weights": "exact"}


@section("clock-orders", QUOTED, "Orders in five clocks", 16)
def clock_orders() -> Found:
    how = {"n": 16, "t_start": 0.6, "t_end": 0.05}
    circle = problems.find("circle", "exact", points=240, spread=0.05)
    limits = how["t_start"], how["t_end"]
    x_T = circle.start(how["n"])
    reference = circle.reference(x_T, *limits, progress=False)
    rows = []
    for spacing in grids.spacings():
        for weights, options in (("of the paper", {}), ("exact", EXACT)):
            found = measure_order(
                circle, None, "F-PNDM", STEPS, x_T, t_start=limits[0], t_end=limits[1], spacing=spacing,
                reference=reference, progress=False, **options,
            )  # fmt: skip
            rows.append((spacing, weights, f"{found.local_orders[-1]:.2f}", found.errors[-1]))
    header = ("nodes even in", "weights", "last order", f"error, N = {STEPS[-1]}")
    table = Table(header, tuple(rows), f"last order: from N = {STEPS[-2]} to {STEPS[-1]}")
    drawn = {
        name: plot_clocks(circle, "F-PNDM", steps=STEPS, **how, **options)
        for name, options in (("clocks", {}), ("clocks-exact", EXACT))
    }
    drawn["clocks-exact"].set_title("F-PNDM with exact weights and midpoints in sigma")
    figures = {name: figure(ax) for name, ax in drawn.items()}
    return Found(settings(circle, points=240, spread=0.05, seed=0, **how), (table,), figures)


@section("few-steps", QUOTED, "Order is not everything", 3)
def few_steps() -> Found:
    how = {"nfe": (10, 20, 50), "n": 128}
    circle = problems.find("circle", "exact")
    table = clock_table(circle, methods=("DDIM", "S-PNDM", "F-PNDM"), **how)
    return Found(settings(circle, seed=0, **how), (table,))


@section("placed-nodes", QUOTED, "Nodes found by optimisation", 4)
def placed() -> Found:
    moons = problems.find("moons", "exact", points=POINTS)
    found = optimize_grid(moons, **PLACED)
    rows = tuple((name, found.train[name], found.held_out[name]) for name in found.held_out)
    note = f"rms end-point error; the best stock grid errs {found.gain:.3g} times as much on held-out particles"
    table = Table(("nodes even in", "training particles", "held-out particles"), rows, note)
    return Found(settings(moons, points=POINTS, **PLACED), (table,),
                 {"nodes": figure(found.plot())})  # fmt: skip


@section("placed-everywhere", QUOTED, "Nodes found by optimisation, on every data set", 70)
def placed_everywhere() -> Found:
    rows = []
    for name in datasets.names():
        problem = problems.find(name, "exact", points=POINTS)
        found = optimize_grid(problem, **PLACED)
        best = found.best_stock
        rows.append((name, best, found.held_out[best], found.held_out["optimised"], found.gain))
    header = ("data set", "best stock grid", "its error", "error of placed nodes", "ratio")
    better = sum(row[-1] > 1 for row in rows)
    note = f"rms end-point error of held-out particles; placed nodes are better on {better} of {len(rows)} data sets"
    return Found(settings("linear schedule, exact", points=POINTS, **PLACED), (Table(header, tuple(rows), note),))
