"""Tables that the notebooks show and that have no measurement of their own in `toylab.analysis`."""

from collections.abc import Iterable

from toylab import grids, problems
from toylab.analysis._table import Table
from toylab.problems import Problem
from toylab.samplers import sample
from toylab.samplers.transfers import Pseudo

ONE_POINT = ("Euler", "Heun", "RK4", "AB4", "DDIM", "PIE", "PRK", "F-PNDM")
STARTS = ("DDIM", "S-PNDM", "F-PNDM", "PLMS", "PRK", "DPM-Solver-2")


def one_point_table(methods: Iterable[str] = ONE_POINT, steps: int = 10, n: int = 512, seed: int = 0) -> Table:
    """The largest error of a particle for data that is a single point, with the exact epsilon: a `Table`."""
    point = problems.one_point()
    x_T = point.start(n, seed)
    rows = []
    for method in methods:
        run = sample(point, None, method, steps, x_T=x_T, record=False, progress=False)
        rows.append((run.method, str(run.nfe), _or_below(run.x - point.solution(x_T), 1e-10)))
    return Table(("method", "NFE", "largest error"), tuple(rows))


def phi_table(n: int = 256, seed: int = 0) -> Table:
    """Two properties of the pseudo move for data that is a single point, where epsilon is constant: a `Table`.

    One move against the exact flow, and two moves against one, over the whole way in two halves.
    """
    point = problems.one_point()
    schedule, x = point.schedule, point.start(n, seed)
    t, u, v = grids.nodes(schedule, 2)
    eps = point.eps(x, t)
    long = Pseudo.move(schedule, x, eps, t, v)
    short = Pseudo.move(schedule, Pseudo.move(schedule, x, eps, t, u), eps, u, v)
    differences = {"one move against the exact flow": long - point.solution(x), "two moves against one": long - short}
    rows = tuple((name, _or_below(difference, 1e-12)) for name, difference in differences.items())
    return Table(("property", "largest difference"), rows)


def start_table(problem: Problem, methods: Iterable[str] = STARTS, steps: int = 10) -> Table:
    """The evaluations of each step of a method, counted: a `Table`."""
    runs = [sample(problem, None, name, steps, n=2, progress=False) for name in methods]
    rows = tuple((run.method, str(run.nfe), " ".join(map(str, run.nfe_per_step))) for run in runs)
    return Table(("method", "NFE", "per step"), rows)


def _or_below(difference, least):
    """The largest length of the differences [n, 2], or that it is below `least`, where only round-off is left."""
    largest = difference.norm(dim=1).max().item()
    return largest if largest >= least else f"below {least:.0e}"
