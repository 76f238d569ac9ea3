"""Plain functions as methods."""

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

import torch
from torch import Tensor

from toylab._types import Eps
from toylab.samplers.base import Method, Noise
from toylab.samplers.steps import nodes, numbers
from toylab.schedules import Schedule


@dataclass(frozen=True)
class Function(Method):
    """A function of the user's own: ``step(eps, schedule, x, t, s) -> x_s``, or a generator function
    ``states(eps, schedule, x, times)`` that yields the state at every node after the first.

    Times are float64 tensors, without dimensions or [N + 1]; states [batch, *shape] keep the dtype of x. What comes
    back is looked at: ValueError or TypeError with step and t for another shape, what is not finite, states that were
    written into, or a generator that ends too soon.
    """

    function: Callable

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise | None) -> Iterator[Tensor]:
        """See `Method.run`."""
        if _yields(self.function):
            states = self.function(eps, schedule, x, times.clone())
        else:
            states = self._steps(eps, schedule, times, x)
        return self._checked(states, times, x)

    def _steps(self, eps, schedule, times, x):
        for t, s in pairwise(nodes(times.clone())):
            x = self.function(eps, schedule, x, t, s)
            x = yield x  # what has been checked

    def _checked(self, states, times, x):
        for step, (t, s) in enumerate(numbers(times[:-1], times[1:]), start=1):
            where, before = f"step {step}, from t = {t:.6g} to {s:.6g}", x.clone()
            try:
                found = next(states) if step == 1 or not hasattr(states, "send") else states.send(x)
            except StopIteration:
                raise ValueError(
                    f"{self.name} must yield a state for each of {len(times) - 1} steps, but it ended before {where}"
                ) from None
            if not torch.equal(x, before):
                raise ValueError(f"{self.name} changed x in place at {where}; it must make a new tensor")
            if not isinstance(found, Tensor):
                raise TypeError(f"{self.name} must return a tensor like x at {where}, got a {type(found).__name__}")
            if found.shape != x.shape:
                raise ValueError(
                    f"{self.name} must return a tensor like x, {tuple(x.shape)}, at {where}, got {tuple(found.shape)}"
                )
            if not found.isfinite().all():
                raise ValueError(f"{self.name} returned a state that is not finite at {where}")
            x = found.to(x.dtype)
            yield x


def check_arguments(function: Callable) -> None:
    """TypeError unless a function can be called as ``step(eps, schedule, x, t, s)``, or one that yields as
    ``states(eps, schedule, x, times)``."""
    arguments = ("eps", "schedule", "x", "times") if _yields(function) else ("eps", "schedule", "x", "t", "s")
    try:
        inspect.signature(function).bind(*arguments)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"method must be a name, the result of toylab.method(...), or a function of ({', '.join(arguments)}), "
            f"got {function!r}: {error}"
        ) from None


def _yields(function):
    target = function if hasattr(function, "__name__") else getattr(function, "func", None)
    return inspect.isgeneratorfunction(target or type(function).__call__)


def name_of(function: Callable) -> str:
    """The name of a function, a `functools.partial` of one, or an object that can be called."""
    while isinstance(function, partial):
        function = function.func
    return getattr(function, "__name__", type(function).__name__)
