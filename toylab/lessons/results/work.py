"""Notebook 8: what an evaluation buys, what a start costs, adaptive steps."""

from toylab import problems
from toylab.analysis import work_precision
from toylab.lessons import start_table
from toylab.lessons.results.section import Found, figure, section, settings

QUOTED = "notebook 8"
METHODS = ("DDIM", "S-PNDM", "F-PNDM", "PLMS", "RK4", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2")


@section("evaluations", QUOTED, "What an evaluation buys", 5)
def evaluations() -> Found:
    how = {"nfe": (5, 10, 20, 50, 100), "n": 128, "seeds": (0, 1)}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, methods=METHODS, progress=False, **how)
    return Found(settings(circle, **how), (found.table(),), {"evaluations": figure(found.plot(("error",)))})


@section("starts", QUOTED, "What a start costs", 0.1)
def starts() -> Found:
    circle = problems.find("circle", "exact")
    return Found(settings(circle, n=2), tuple(start_table(circle, steps=steps) for steps in (10, 4)))


@section("adaptive", QUOTED, "Let the step size adapt", 1.5)
def adaptive() -> Found:
    how = {"nfe": (50, 100), "tolerances": (1e-2, 1e-3, 1e-4), "n": 128, "seeds": (0,)}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, methods=("PF", "DDIM", "S-PNDM"), progress=False, **how)
    return Found(settings(circle, **how), (found.table(),))
