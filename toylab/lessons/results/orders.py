"""Notebook 6: measured convergence orders, and what hides them."""

from toylab import load, problems
from toylab.analysis import Table, leading_error, measure_order, order_table
from toylab.figures import plot_order
from toylab.lessons.results.section import Found, figure, section, settings

QUOTED = "notebook 6"
DRAWN = ("DDIM", "S-PNDM", "F-PNDM", "RK4")
ENDS = (0.2, 0.05, 0.01)
HIDING = (40, 80, 160, 320, 640, 1280, 2560)


@section("orders", QUOTED, "All methods of the paper", 5)
def paper() -> Found:
    how = {"steps": (160, 320, 640), "n": 32, "seed": 0, "t_end": 0.2}
    moons = problems.find("moons", "exact", points=240, spread=0.05)
    found = order_table(moons, progress=False, **how)
    drawn = plot_order([found[name] for name in DRAWN])
    return Found(settings(moons, points=240, spread=0.05, **how), (found.table(),), {"orders": figure(drawn)})


@section("sigma-order", QUOTED, "F-PNDM on nodes even in sigma", 1)
def in_sigma() -> Found:
    how = {"steps": (40, 80, 160, 320), "n": 24, "seed": 0, "t_end": 0.2, "t_start": 0.6}
    circle = problems.curve("circle", 240, 0.05)
    tables = tuple(
        order_table(circle, methods=("F-PNDM",), spacing=spacing, progress=False, **how).table()
        for spacing in ("t", "sigma")
    )
    return Found(settings(circle, points=240, spread=0.05, spacing=("t", "sigma"), **how), tables)


@section("near-the-data", QUOTED, "What t_end hides", 25)
def near_the_data() -> Found:
    tables = []
    for name in ("circle", "moons"):
        problem, slopes, excess = problems.curve(name, 240, 0.05), [], []
        x_T = problem.start(24)
        for t_end in ENDS:
            reference = problem.reference(x_T, None, t_end, progress=False)
            where = {"x_T": x_T, "t_end": t_end}
            found = measure_order(problem, method="F-PNDM", steps=HIDING, reference=reference, progress=False, **where)
            predicted = leading_error(problem, method="F-PNDM", **where)
            slopes.append((f"{t_end:g}", *found.local_orders))
            ratios = [error / predicted.rms(int(count)) for count, error in zip(found.steps, found.errors, strict=True)]
            excess.append((f"{t_end:g}", *ratios))
        pairs = [f"N = {a} to {b}" for a, b in zip(HIDING, HIDING[1:], strict=False)]
        tables += [
            Table(("t_end", *pairs), tuple(slopes), f"{problem.title}: slopes of F-PNDM between neighbours"),
            Table(("t_end", *(f"N = {count}" for count in HIDING)), tuple(excess),
                  f"{problem.title}: ratio of the error of F-PNDM to its predicted term with h^2"),
        ]  # fmt: skip
    return Found(settings("circle and moons, exact", points=240, spread=0.05, n=24, seed=0), tuple(tables))


@section("floors", QUOTED, "What round-off hides", 1)
def floors() -> Found:
    how = {"steps": (20, 40, 80), "n": 64, "seed": 0, "t_end": 0.2}
    rows = []
    for name, eps in (("exact epsilon, float64", problems.curve("circle", 240, 0.05).eps), ("network, float32", None)):
        eps = eps or load("circle")
        found = measure_order(eps, "linear", "F-PNDM", progress=False, **how)
        rows.append((name, found.floor, found.order))
    return Found(settings("circle, linear schedule, F-PNDM", **how),
                 (Table(("epsilon", "floor", "order above it"), tuple(rows)),))  # fmt: skip
