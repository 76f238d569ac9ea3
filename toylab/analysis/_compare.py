"""Several methods at an equal number of network evaluations, from the same particles."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isfinite
from typing import Any

from torch import Tensor

from toylab._errors import positive_int
from toylab._types import Eps, ManifoldLike, MethodLike, ScheduleLike
from toylab.analysis._arguments import known_manifold, method_list, start_particles
from toylab.analysis._budget import plan
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.problems.flow import Reference, rms
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import get, sample
from toylab.samplers.core import cost

METHODS = ("Euler", "Heun", "RK4", "AB4", "DDIM", "S-PNDM", "F-PNDM", "PLMS")
RTOL = 1e-7  # of the exact flow, float32 networks included: the errors compared here are 1e-4 and more
RADIUS = 0.15  # within which a sample covers a point of the manifold


@dataclass(frozen=True)
class Row:
    """One method at one step count.

    Attributes:
        nfe: evaluations, counted.
        distance: mean distance of the samples to the manifold.
        excess: |distance - that of the exact flow|: nearer is not better.
        coverage: share of the manifold that has a sample within 0.15.
        error: rms distance of the particles from their end points under the exact flow of the same eps;
            None for a stochastic method, whose particles do not follow it.
        x: the samples [n, 2].
    """

    method: str
    steps: int
    nfe: int
    distance: float
    excess: float
    coverage: float
    error: float | None
    x: Tensor


@dataclass(frozen=True, repr=False)
class Comparison(Result):
    """The findings of `compare`.

    Attributes:
        budget: evaluations that each method could spend.
        rows: a `Row` a method, at its largest step count within the budget, in the order asked for.
        left_out: name -> reason for each method that cannot run within the budget.
        distance: mean distance to the manifold of the exact flow's end points.
        reference: those end points, and how well they are known.
        problem: what was sampled, a `Problem`.
    """

    drawn_by = "plot_comparison"
    budget: int
    rows: tuple
    left_out: dict
    distance: float
    reference: Reference
    problem: Problem

    def as_dict(self) -> dict:
        """All numbers but the particles."""
        fields = "method", "steps", "nfe", "distance", "excess", "coverage", "error"
        return {
            "budget": self.budget,
            "exact_flow": {"distance": self.distance, "uncertainty": self.reference.error},
            "rows": [pick(row, *fields) for row in self.rows],
            "left_out": self.left_out,
        }

    def table(self) -> Table:
        """Cost, distance and error of every method, and of the exact flow."""
        rows = [(row.method, str(row.steps), str(row.nfe), row.distance, row.excess, row.error) for row in self.rows]
        flow = ("exact flow", None, None, self.distance, 0.0, f"±{self.reference.error:.0e}")
        note = "; ".join(f"left out: {name} {reason}" for name, reason in self.left_out.items())
        return Table(("method", "N", "NFE", "distance", "|d - d exact|", "error"), (*rows, flow), note)


def compare(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, methods: Iterable = METHODS, nfe: int = 20,
    manifold: ManifoldLike | None = None, n: int = 2000, seed: int | None = 0, t_start: float | None = None,
    t_end: float | None = None, spacing: str = "t", progress: bool = True,
) -> Comparison:  # fmt: skip
    """Run every method at the largest step count whose evaluations are within `nfe`, from the same particles.

    `work_precision` does the same for several budgets and seeds.

    Args:
        nfe: the budget, a positive integer. Others: see `toylab.analysis`.

    Raises:
        ValueError, TypeError: naming the argument, also when no method at all can run within the budget.
    """
    problem = as_problem(eps, schedule, manifold, None, t_start, t_end)
    budget, where = positive_int("nfe", nfe), limits(problem, spacing)
    counts, left_out = plan(method_list(methods), budget, problem.schedule, cost(problem), **where)
    if not counts:
        reasons = "; ".join(f"{name} {reason}" for name, reason in left_out.items())
        raise ValueError(f"nfe must be enough for one of the methods, got {budget}: {reasons}")
    lineup = Lineup(problem, n, seed, where, progress)
    rows = tuple(lineup.run(method, steps) for method, steps in counts.items())
    return Comparison(budget, rows, left_out, lineup.distance, lineup.reference, problem)


def limits(problem: Problem, spacing: str) -> dict:
    """The keywords t_start, t_end and spacing of `toylab.sample`."""
    return dict(zip(("t_start", "t_end"), problem.limits(), strict=True)) | {"spacing": spacing}


class Lineup:
    """The particles of one seed, which all methods start from, and where the exact flow takes them.

    Attributes:
        x_T: start noise [n, 2]. reference: the exact flow's end points.
        distance, coverage: of these, see `Row`.
    """

    def __init__(self, problem: Problem, n: int, seed: int | None, where: dict, progress: bool = True) -> None:
        self.problem, self.manifold, self.seed, self.where = problem, known_manifold(problem), seed, where
        self.progress = progress
        self.x_T = start_particles(problem, n, seed)
        self.reference = problem.reference(self.x_T, rtol=RTOL, progress=progress)
        self.distance = self.manifold.distance(self.reference.x).mean().item()
        self.coverage = self.manifold.coverage(self.reference.x, RADIUS)

    def run(self, method: MethodLike, steps: int, **options: Any) -> Row:
        """The `Row` of a method in `steps` steps; options as for `toylab.sample`."""
        run = sample(
            self.problem, None, method, steps, x_T=self.x_T, seed=self.seed, record=False,
            progress=self.progress, **self.where, **options,
        )  # fmt: skip
        x = run.x.double()
        distance = self.manifold.distance(x).mean().item()
        return Row(
            method=run.method,
            steps=run.steps,
            nfe=run.nfe,
            distance=distance,
            excess=abs(distance - self.distance) if isfinite(distance) else distance,
            coverage=self.manifold.coverage(x, RADIUS),
            error=None if get(method).stochastic else rms(x - self.reference.x),
            x=run.x,
        )
