"""Notebooks 11 to 14: samplers of one's own, noise, memory, and the court."""

from toylab import problems
from toylab.analysis import order_table, work_precision
from toylab.lessons.court import CASES, trial
from toylab.lessons.forgiving import forgiveness
from toylab.lessons.memory import SAMPLES, memory_table
from toylab.lessons.results.section import Found, figure, section, settings
from toylab.lessons.written import ddim, euler, two_slopes

YOURS = (euler, ddim, two_slopes)
PUBLISHED = ("S-PNDM", "F-PNDM", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2")


@section("own-orders", "notebook 11", "The orders of samplers of one's own", 1)
def own_orders() -> Found:
    how = {"steps": (20, 40, 80, 160), "n": 24, "t_end": 0.2}
    smooth = problems.curve("circle", points=240, spread=0.05)
    found = order_table(smooth, None, YOURS, progress=False, **how)
    return Found(settings(smooth, points=240, spread=0.05, **how), (found.table(),))


@section("own-work", "notebook 11", "Samplers of one's own among the published", 4)
def own_work() -> Found:
    how = {"nfe": (5, 10, 20, 50, 100), "n": 128, "seeds": (0,)}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, methods=[*YOURS, *PUBLISHED], progress=False, **how)
    return Found(settings(circle, **how), (found.table(),))


@section("forgiving", "notebook 12", "Noise and a network that is wrong", 3)
def forgiving() -> Found:
    spoilt, plain = forgiveness("spiral", error=0.1), forgiveness("spiral", error=0, nfe=(20, 100))
    tables = (spoilt.table(), plain.table())
    return Found(settings("spiral, linear schedule, network", n=spoilt.n), tables,
                 {"forgiving": figure(spoilt.plot())})  # fmt: skip


@section("copies", "notebook 13", "Copies and inventions", 1)
def copies() -> Found:
    return Found(settings("spiral, linear schedule", n=SAMPLES), (memory_table("spiral", points=30),))


@section("court", "notebook 14", "The five cases of the court", 4)
def court() -> Found:
    how = {"steps": (20, 40, 80, 160), "n": 24, "t_start": 0.8, "t_end": 0.2}
    orders = order_table(problems.gaussian(), None, CASES["b"], progress=False, **how)
    return Found(settings("cases a to e, then the orders of case b on a Gaussian", **how),
                 (*(trial(*case) for case in CASES.values()), orders.table()))  # fmt: skip
