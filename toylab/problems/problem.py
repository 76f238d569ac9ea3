"""A problem: what a sampler is given, and what is known of its samples, in one object."""

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from toylab import datasets, grids
from toylab._errors import positive_int
from toylab._types import Eps, ManifoldLike, ScheduleLike
from toylab.datasets import Manifold
from toylab.problems.flow import Reference, reference_solution
from toylab.samplers.core import PLANE, particle_shape, resolve, start_noise
from toylab.schedules import Schedule, as_schedule, check_own_schedule


@dataclass(frozen=True, init=False)
class Problem:
    """An eps with all that belongs to it; accepted wherever an eps and its schedule are.

    Attributes:
        eps: any ``eps(x, t) -> like x``.
        schedule: a schedule or its name; by default the one that eps carries.
        manifold: a Manifold or its name, what samples should end on; by default that of the 2D data set that eps
            carries, None where there is none.
        labels: "dataset", "schedule", "epsilon" for captions and JSON; what is left out is filled in.
        shape: of one particle; by default the one that eps says, else (2,).
        closed_form: ``closed_form(x, t, s) -> x at s``, the exact flow of the particles x [batch, *shape], or None.
        t_start, t_end: limits; None for those of the schedule.

    Raises ValueError or TypeError naming the argument.
    """

    eps: Eps
    schedule: Schedule
    manifold: Manifold | None
    labels: dict
    shape: tuple
    closed_form: Callable[[Tensor, float, float], Tensor] | None
    t_start: float | None
    t_end: float | None

    def __init__(
        self, eps: Eps, schedule: ScheduleLike | None = None, manifold: ManifoldLike | None = None,
        labels: dict | None = None, shape: tuple | None = None,
        closed_form: Callable[[Tensor, float, float], Tensor] | None = None, t_start: float | None = None,
        t_end: float | None = None,
    ) -> None:  # fmt: skip
        _, schedule, *_ = resolve(eps, schedule)
        manifold = _manifold(eps, manifold)
        if not isinstance(labels, dict | None):
            raise TypeError(f"labels must be a dictionary, got {labels!r}")
        names = {"dataset": getattr(manifold, "name", ""), "schedule": schedule.name, "epsilon": ""}
        shape = particle_shape(eps, PLANE if shape is None else shape)
        filled = eps, schedule, manifold, names | (labels or {}), shape, closed_form, t_start, t_end
        for field, value in zip(fields(self), filled, strict=True):
            object.__setattr__(self, field.name, value)
        self.limits()

    @property
    def title(self) -> str:
        """The problem in one line."""
        parts = self.labels["dataset"] or "no data set", f"{self.labels['schedule']} schedule", self.labels["epsilon"]
        return ", ".join(part for part in parts if part)

    def limits(self, t_start: float | None = None, t_end: float | None = None) -> tuple[float, float]:
        """(t_start, t_end), filled from the problem, then from its schedule; ValueError unless they are in order."""
        own = self.t_start if t_start is None else t_start, self.t_end if t_end is None else t_end
        return grids.limits(self.schedule, *own)

    def start(self, n: int = 64, seed: int = 0) -> Tensor:
        """Start noise of n particles, float64 [n, *shape], that depends on n, shape and seed alone."""
        return start_noise(positive_int("n", n), self.shape, seed, torch.float64)

    def solution(self, x_T: Tensor, t_start: float | None = None, t_end: float | None = None) -> Tensor:
        """The exact end points of x_T [batch, *shape].

        Raises ValueError where there is no closed form; `reference` always knows an answer.
        """
        limits = self.limits(t_start, t_end)
        if self.closed_form is None:
            raise ValueError(f"there is no closed form for {self.title}; use reference(...) instead")
        return self.closed_form(x_T, *limits)

    def reference(
        self, x_T: Tensor, t_start: float | None = None, t_end: float | None = None, rtol: float | None = None,
        progress: bool = True,
    ) -> Reference:  # fmt: skip
        """The exact end points, and how well they are known: the closed form, else by `reference_solution`."""
        if self.closed_form is not None:
            return Reference(x=self.solution(x_T, t_start, t_end).double(), error=0.0, nfe=0)
        return reference_solution(self.eps, self.schedule, x_T, *self.limits(t_start, t_end), rtol, progress)


def as_problem(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, manifold: ManifoldLike | None = None,
    shape: tuple | None = None, t_start: float | None = None, t_end: float | None = None,
) -> Problem:  # fmt: skip
    """A measurement's `Problem`, from an eps with its schedule or a Problem, changed where an argument
    is not None.

    Raises ValueError or TypeError naming the argument, also for a Problem with another schedule than its own.
    """
    given = {"manifold": manifold, "shape": shape, "t_start": t_start, "t_end": t_end}
    given = {name: value for name, value in given.items() if value is not None}
    if not isinstance(eps, Problem):
        return Problem(eps, schedule, **given)
    if schedule is not None:
        check_own_schedule(eps, as_schedule(schedule), "the problem")
    return replace(eps, **given)


def _manifold(eps, manifold):
    if manifold is None:
        manifold = getattr(eps, "dataset", None)
        if isinstance(manifold, str) and manifold not in datasets.names():
            return None  # a data set of images, or one that this process does not know
    return None if manifold is None else datasets.as_manifold(manifold)
