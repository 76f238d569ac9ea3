"""End-point errors of single runs, and tables of them at equal numbers of network evaluations."""

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Any

from torch import Tensor

from toylab import grids
from toylab._types import MethodLike
from toylab.analysis._budget import steps_within
from toylab.analysis._table import Table
from toylab.problems.flow import rms
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import get, method, sample
from toylab.samplers.core import cost

TRANSFERS = ("classical", "frozen", "pseudo", "data")
NOTE = "{n} particles; – where the budget is spent before the first multistep step"


def error_at(
    problem: Problem, method: MethodLike, steps: int, reference: Tensor, x_T: Tensor, **options: Any
) -> float:  # fmt: skip
    """The rms distance of a run's end points from `reference`; infinite for a run that blows up."""
    try:
        run = sample(problem, None, method, steps, x_T=x_T, record=False, progress=False, **options)
    except ValueError:
        return inf
    return rms(run.x.double() - reference)


def clock_table(
    problem: Problem, methods: Iterable[str] = ("DDIM", "S-PNDM", "F-PNDM", "PLMS"),
    nfe: Sequence[int] = (10, 20, 50), t_end: float = 1e-3, n: int = 256,
) -> Table:  # fmt: skip
    """End-point errors at few evaluations, where order is not everything: a row for each method and clock."""
    problem = as_problem(problem)
    errors = _at_equal_nfe(problem, nfe, t_end, n)
    rows = tuple((name, spacing, *errors(name, spacing)) for name in methods for spacing in grids.spacings())
    note = f"rms end-point error, {problem.title}, t_end = {t_end:g}, {NOTE.format(n=n)}"
    return Table(("method", "nodes even in", *(f"NFE {budget}" for budget in nfe)), rows, note)


def transfer_table(
    problem: Problem, gradients: Iterable[str] = ("euler", "ab2", "ab4", "plms"), nfe: Sequence[int] = (10, 20, 50),
    t_end: float = 1e-3, n: int = 256, spacing: str = "t",
) -> Table:  # fmt: skip
    """End-point errors of the same gradient parts with all four transfer parts, at equal evaluations."""
    problem = as_problem(problem)
    errors, rows = _at_equal_nfe(problem, nfe, t_end, n), []
    for gradient in gradients:
        by_transfer = [errors(method(gradient, transfer), spacing) for transfer in TRANSFERS]
        rows += [(gradient, budget, *cells) for budget, *cells in zip(nfe, *by_transfer, strict=True)]
    note = f"rms end-point error, {problem.title}, nodes even in {spacing}, t_end = {t_end:g}, {NOTE.format(n=n)}"
    return Table(("gradient part", "NFE", *TRANSFERS), tuple(rows), note)


def _at_equal_nfe(problem: Problem, nfe: Sequence[int], t_end: float, n: int) -> Callable[[MethodLike, str], list]:
    """A function (method, spacing) -> its error at every budget, None where only start-up steps would fit."""
    x_T = problem.start(n)
    reference = problem.reference(x_T, None, t_end).x

    def errors(name, spacing):
        chosen, where = get(name), {"t_end": t_end, "spacing": spacing}
        needed = chosen.gradient.adams if chosen.gradient.adams and chosen.gradient.tableau else 1
        counts = [steps_within(chosen, budget, problem.schedule, cost(problem), **where) for budget in nfe]
        return [
            error_at(problem, chosen, count, reference, x_T, **where) if count >= needed else None for count in counts
        ]

    return errors
