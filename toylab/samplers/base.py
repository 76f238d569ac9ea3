"""The base of methods: each knows its name, family, order and cost."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from toylab import grids, schedules
from toylab._types import Eps
from toylab.samplers.rows import look
from toylab.samplers.steps import PIECE, Step, follow
from toylab.schedules import Schedule

Noise = Callable[[Tensor], Tensor]

KEPT_PLANS, KEPT_STEPS = 256, 128  # plans that are remembered, and the most steps of each: about a kB a step


@dataclass(frozen=True)
class Method:
    """A method. Subclasses define `run`, and say below what is different with them.

    Attributes:
        name: canonical name.
        options: the fields that `toylab.sample(**options)` may set: name -> allowed values, or a lower limit, or float
            for what must be positive.
        order: of theory, on a grid uniform in t; None where there is none or nobody knows.
        stochastic: whether its steps add noise.
        fixed_grid: whether it steps on the given grid; an adaptive method places its own steps.
    """

    name: str

    options: ClassVar[dict[str, Any]] = {}
    order: ClassVar[int | None] = None
    stochastic: ClassVar[bool] = False
    fixed_grid: ClassVar[bool] = True

    @property
    def family(self) -> str:
        """Which methods it is drawn like, see `toylab.samplers.rows.Row`."""
        return look(self.name)[0]

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise) -> Iterator[Tensor]:
        """The state [batch, *shape] at every node after the first.

        Args:
            times: the nodes, float64 [N + 1]. x: the state at the first of them.
            noise: ``noise(like)``, standard normal and new at each call.
        """
        raise NotImplementedError(f"{type(self).__name__} must define run(eps, schedule, times, x, noise)")

    def evaluations(self, steps: int) -> int | None:
        """The evaluations of `steps` steps that end above t = 0; None where the method decides while it runs."""
        return None


@dataclass(frozen=True)
class Planned(Method):
    """A method whose steps are plain numbers on a grid. Subclasses define `plan` instead of `run`."""

    def plan(self, schedule: Schedule, t: Tensor, s: Tensor, part: range) -> list[Step]:
        """The steps with the numbers `part`, of N steps from each of the times t to that of s, float64 [N]."""
        raise NotImplementedError(f"{type(self).__name__} must define plan(schedule, t, s, part)")

    def steps(self, schedule: Schedule, t: Tensor, s: Tensor) -> Iterator[Step]:
        """All N steps, planned a piece at a time.

        Those of a short run are remembered where the schedule is one that never changes: a sweep or a slider comes back
        to the same grids.
        """
        if len(t) <= KEPT_STEPS and schedules.is_named(schedule) and _hashable(self):
            yield from _remembered(self, schedule, t.numpy().tobytes(), s.numpy().tobytes())
            return
        for first in range(0, len(t), PIECE):
            yield from self.plan(schedule, t, s, range(first, min(first + PIECE, len(t))))

    def run(
        self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise | None = None
    ) -> Iterator[Tensor]:
        """See `Method.run`. ValueError at once where eps would be evaluated at t = 0 and has no limit there."""
        refuse_zero(self.name, schedule, times[:1])
        t, s = times[:-1], times[1:]
        if times[-1] == 0:
            (last,) = self.plan(schedule, t, s, range(len(t) - 1, len(t)))
            refuse_zero(self.name, schedule, (evaluation.t for evaluation in last.evaluations))
        return follow(self.steps(schedule, t, s), eps, x)

    def evaluations(self, steps: int) -> int:
        """See `Method.evaluations`: counted in the plan."""
        schedule = schedules.get("linear")
        times = grids.nodes(schedule, steps)
        return sum(len(step.evaluations) for step in self.steps(schedule, times[:-1], times[1:]))


def _hashable(method):
    try:
        return hash(method) is not None
    except TypeError:  # a field is a list or an array
        return False


@lru_cache(KEPT_PLANS)
def _remembered(method, schedule, *ends):
    t, s = (torch.frombuffer(bytearray(times), dtype=torch.float64) for times in ends)
    return method.plan(schedule, t, s, range(len(t)))


def refuse_zero(name: str, schedule: Schedule, times: Sequence[Tensor]) -> None:
    """ValueError if eps is to be evaluated at t = 0, where dx/dt is unbounded; not for a schedule whose t_min is 0."""
    if schedule.t_min > 0 and any(t == 0 for t in times):
        raise ValueError(
            f"{name} evaluates eps at t = 0, where the noise is gone and dx/dt is unbounded; "
            "t_end (or the first of increasing times) must be greater than 0"
        )
