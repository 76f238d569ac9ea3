"""Notebooks 4 and 5: the pseudo move, and methods built from two halves."""

from toylab import method, problems
from toylab.analysis import work_precision
from toylab.figures import plot_straight_lines
from toylab.lessons import phi_table
from toylab.lessons.results.section import Found, figure, section, settings

BUDGETS = (10, 20, 50)


@section("phi", "notebook 4", "Two properties of the pseudo move", 0.5)
def phi() -> Found:
    how = {"n": 256, "seed": 0}
    point = problems.one_point()
    return Found(settings(point, **how), (phi_table(**how),), {"phi": figure(plot_straight_lines(point))})


@section("built", "notebook 5", "Built from two halves, at equal NFE", 1)
def built() -> Found:
    circle = problems.find("circle", "exact")
    pseudo = [method(gradient, "pseudo") for gradient in ("euler", "ab2", "ab4", "plms")]
    others = [method("ab4", "classical"), method("plms", "data")]
    how = {"nfe": BUDGETS, "n": 128, "seeds": (0,)}
    found = work_precision(circle, methods=[*pseudo, *others], progress=False, **how)
    return Found(settings(circle, **how), (found.table(),))
