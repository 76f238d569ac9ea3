"""Step counts at equal numbers of network evaluations, which are counted and never computed from a formula."""

from typing import Any

import torch

from toylab._errors import positive_int
from toylab._types import MethodLike, ScheduleLike
from toylab.samplers import get, iterate, sample


def plan(methods: list, budget: int, schedule: ScheduleLike, cost: int = 1, **where: Any) -> tuple[dict, dict]:
    """({method: its largest N within the budget}, {name: reason} of those that have none); cost: of a call of eps."""
    counts, left_out = {}, {}
    for method in methods:
        if not method.fixed_grid:
            left_out[method.name] = "chooses its own number of evaluations"
        elif (steps := steps_within(method, budget, schedule, cost, **where)) == 0:
            left_out[method.name] = f"needs more than {budget} for a single step"
        else:
            counts[method] = steps
    return counts, left_out


def plans(methods: list, budgets: tuple, schedule: ScheduleLike, cost: int = 1, **where: Any) -> tuple[dict, dict]:
    """`plan` at several budgets: ({(method, budget): N}, {(name, budget): reason}), by budget."""
    counts, left_out = {}, {}
    for budget in budgets:
        found, reasons = plan(methods, budget, schedule, cost, **where)
        counts |= {(method, budget): steps for method, steps in found.items()}
        left_out |= {(name, budget): reason for name, reason in reasons.items()}
    return counts, left_out


def steps_within(
    method: MethodLike, budget: int, schedule: ScheduleLike = "linear", cost: int = 1, **where: Any
) -> int:
    """The largest N of `method` that takes at most `budget` evaluations; 0 if a single step takes more.

    Evaluations are counted in runs of one particle, `cost` for a call of eps, and taken to grow with N.
    ValueError for a method that chooses its own steps, and for a budget that is no positive integer.
    `where`: t_start, t_end and spacing as for `toylab.sample`.
    """
    method = get(method)
    if not method.fixed_grid:
        raise ValueError(f"method must step on the given grid, but {method.name} chooses its own steps")
    low, high = 0, positive_int("nfe", budget) + 1  # a step costs at least one: `high` steps are too many
    tried = budget
    while low < high - 1:  # where a run of too many steps had to stop is nearly the answer
        done = _steps_done(method, tried, budget // cost, schedule, where)
        low, high = (tried, high) if done == tried else (low, tried)
        tried = min(max(done, low + 1), high - 1)
    return low


def evaluations(method: MethodLike, steps: int, schedule: ScheduleLike = "linear", cost: int = 1) -> int:
    """The evaluations of `steps` steps of `method` on a given grid: counted in a run of one particle, `cost` a call."""
    how = {"n": 1, "shape": (1,), "record": False, "progress": False}
    return cost * sample(lambda x, t: torch.zeros_like(x), schedule, method, steps, **how).nfe


class _OverBudget(Exception):
    pass


def _steps_done(method, steps, budget, schedule, where):
    """The steps that a run of `steps` makes before its evaluations exceed the budget; `steps` where they do not."""
    spent = 0

    def eps(x, t):
        nonlocal spent
        spent += 1
        if spent > budget:
            raise _OverBudget
        return torch.zeros_like(x)

    done = -1  # the first state is the start
    try:
        for _ in iterate(eps, schedule, method, steps, n=1, shape=(1,), **where):
            done += 1
    except _OverBudget:
        pass
    return done
