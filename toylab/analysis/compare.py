"""Several methods at an equal number of network evaluations, from the same particles."""

from dataclasses import dataclass
from math import isfinite

import torch
from torch import Tensor

from .. import datasets, grids
from ..errors import positive_int
from ..samplers import get, sample
from ..samplers.core import default_dtype, start_noise
from ..schedules import as_schedule
from .reference import Reference, reference_solution, rms

METHODS = ("Euler", "Heun", "RK4", "AB4", "DDIM", "S-PNDM", "F-PNDM", "PLMS")
RTOL = 1e-7  # of the exact flow, float32 networks included: the errors compared here are 1e-4 and more


@dataclass(frozen=True)
class Row:
    """One method at its largest step count within the budget.

    Attributes:
        method: canonical name. steps: N. nfe: evaluations, counted.
        distance: mean distance of the samples to the manifold.
        excess: |distance - that of the exact flow|: nearer is not better.
        error: rms distance of the particles from their end points under the exact flow of the same eps;
            None for a stochastic method, whose particles do not follow it.
        x: the samples [n, 2].
    """

    method: str
    steps: int
    nfe: int
    distance: float
    excess: float
    error: float | None
    x: Tensor


@dataclass(frozen=True)
class Comparison:
    """What `compare` found.

    Attributes:
        budget: evaluations that each method could spend.
        rows: a `Row` a method, in the order asked for.
        left_out: name -> reason for each method that cannot run within the budget.
        distance: mean distance to the manifold of the exact flow's end points.
        reference: those end points, and how well they are known.
    """

    budget: int
    rows: tuple
    left_out: dict
    distance: float
    reference: Reference


def compare(
    eps, schedule, methods=METHODS, nfe=20, manifold=None, n=2000, seed=0, t_start=None, t_end=None,
    spacing="t", progress=True,
):  # fmt: skip
    """Run every method at the largest step count whose evaluations are within `nfe`, from the same particles.

    Args:
        eps, schedule, seed, t_start, t_end, spacing: as for `toylab.sample`. Start noise is float64 unless
            eps is a network of another dtype.
        methods: names, or results of `toylab.method`, all different.
        nfe: the budget, a positive integer.
        manifold: a Manifold or its name; by default the data set that eps was made for.
        n: particles.
        progress: show bars for work over two seconds.

    Returns a `Comparison`. Raises ValueError or TypeError naming the argument, also when no method at all
    can run within the budget.
    """
    schedule, budget = as_schedule(schedule), positive_int("nfe", nfe)
    manifold, methods = _manifold(eps, manifold), _methods(methods)
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    where = {"t_start": t_start, "t_end": t_end, "spacing": spacing}
    dtype, device = default_dtype(eps, otherwise=torch.float64)
    x_T = start_noise(positive_int("n", n), (2,), seed, dtype, device)

    counts, left_out = {}, {}
    for method in methods:
        if not method.fixed_grid:
            left_out[method.name] = "chooses its own number of evaluations"
        elif (steps := steps_within(method, budget, schedule, **where)) == 0:
            left_out[method.name] = f"needs more than {budget} for a single step"
        else:
            counts[method] = steps
    if not counts:
        reasons = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise ValueError(f"nfe must be enough for one of the methods, got {budget}: {reasons}")

    reference = reference_solution(eps, schedule, x_T, t_start, t_end, rtol=RTOL, progress=progress)
    exact = manifold.distance(reference.x).mean().item()
    rows = []
    for method, steps in counts.items():
        run = sample(
            eps, schedule, method, steps, x_T=x_T, seed=seed, record=False, progress=progress, **where
        )
        distance = manifold.distance(run.x.double()).mean().item()
        error = None if method.stochastic else rms(run.x.double() - reference.x)
        excess = abs(distance - exact) if isfinite(distance) else distance
        rows.append(Row(method.name, run.steps, run.nfe, distance, excess, error, run.x))
    return Comparison(budget, tuple(rows), left_out, exact, reference)


def steps_within(method, budget, schedule="linear", **where):
    """The largest N of `method` that takes at most `budget` evaluations; 0 if a single step takes more.

    Evaluations are counted in runs of one particle, not computed from a formula, and taken to grow with N.
    ValueError for a method that chooses its own steps, and for a budget that is no positive integer.
    `where`: t_start, t_end and spacing as for `toylab.sample`.
    """
    method = get(method)
    if not method.fixed_grid:
        raise ValueError(f"method must step on the given grid, but {method.name} chooses its own steps")
    low, high = 0, positive_int("nfe", budget) + 1  # a step costs at least one: `high` steps are too many
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if _fits(method, middle, budget, schedule, where) else (low, middle)
    return low


class _OverBudget(Exception):
    pass


def _fits(method, steps, budget, schedule, where):
    spent = 0

    def eps(x, t):
        nonlocal spent
        spent += 1
        if spent > budget:
            raise _OverBudget
        return torch.zeros_like(x)

    try:
        sample(eps, schedule, method, steps, n=1, shape=(1,), record=False, progress=False, **where)
    except _OverBudget:
        return False
    return True


def _manifold(eps, manifold):
    if manifold is None:
        manifold = getattr(eps, "dataset", None)
        if manifold is None:
            raise ValueError("manifold must be given for an eps that does not know its data set")
    return datasets.get(manifold) if isinstance(manifold, str) else manifold


def _methods(methods):
    if isinstance(methods, str) or not hasattr(methods, "__iter__"):
        raise TypeError(f"methods must be a list of method names, got {methods!r}")
    methods = [get(method) for method in methods]
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"methods must be a non-empty list of different methods, got {names}")
    return methods
