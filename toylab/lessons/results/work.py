"""What notebook 8 quotes: what an evaluation buys, what a start costs, adaptive steps."""

from toylab import problems
from toylab.analysis import work_precision
from toylab.lessons import start_table
from toylab.lessons.results.section import Found, Section, figure, settings

QUOTED = "notebook 8"
METHODS = ("DDIM", "S-PNDM", "F-PNDM", "PLMS", "RK4", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2")


def evaluations() -> Found:
    """End-point errors of methods of the paper and later ones at equal NFE."""
    how = {"nfe": (5, 10, 20, 50, 100), "n": 128, "seeds": (0, 1)}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, methods=METHODS, progress=False, **how)
    return Found(settings(circle, **how), (found.table(),), {"evaluations": figure(found.plot(("error",)))})


def starts() -> Found:
    """Evaluations step by step, for ten steps, and for four, where a start is most of a run."""
    circle = problems.find("circle", "exact")
    return Found(settings(circle, n=2), tuple(start_table(circle, steps=steps) for steps in (10, 4)))


def adaptive() -> Found:
    """An adaptive Runge-Kutta pair beside two fixed methods."""
    how = {"nfe": (50, 100), "tolerances": (1e-2, 1e-3, 1e-4), "n": 128, "seeds": (0,)}
    circle = problems.find("circle", "exact")
    found = work_precision(circle, methods=("PF", "DDIM", "S-PNDM"), progress=False, **how)
    return Found(settings(circle, **how), (found.table(),))


SECTIONS = (
    Section("evaluations", QUOTED, "What an evaluation buys", evaluations, 5),
    Section("starts", QUOTED, "What a start costs", starts, 0.1),
    Section("adaptive", QUOTED, "Let the step size adapt", adaptive, 1.5),
)
