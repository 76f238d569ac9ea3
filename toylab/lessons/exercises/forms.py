"""Forms of answers: a number, several, a choice, a function, a method. A form reads an answer and compares two."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from numbers import Real
from reprlib import repr as in_short
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab.lessons.exercises.measuring import method_facts
from toylab.lessons.exercises.running import Undone, Unfit


@dataclass(frozen=True)
class Number:
    """A number. `within`: the relative difference up to which two are the same, about 1 beside 0."""

    within: float = 0.01

    def read(self, answer: Any) -> float:
        """The answer as a float; Unfit for what is none."""
        values = as_tensor(answer, "a number")
        if values.numel() != 1:
            raise Unfit(f"The answer must be one number, and this has shape {tuple(values.shape)}.")
        if not values.isfinite():
            raise Unfit(f"The answer must be a finite number, got {values.item()}.")
        return values.item()

    def same(self, one: float, other: float) -> bool:
        """True if two readings agree."""
        return abs(one - other) <= self.within * (abs(other) or 1)

    def distance(self, one: float, other: float) -> float:
        """The distance of two readings."""
        return abs(one - other)

    usable = read


@dataclass(frozen=True)
class Numbers(Number):
    """Several numbers, `count` of them."""

    count: int = 1

    def read(self, answer: Any) -> Tensor:
        """The answer as a float64 tensor [count]; Unfit for what is none."""
        values = as_tensor(answer, f"{self.count} numbers").flatten()
        if len(values) != self.count:
            raise Unfit(f"The answer must be {self.count} numbers, and this has {len(values)}.")
        if not values.isfinite().all():
            raise Unfit("The answer must be finite numbers, and some are infinite or NaN.")
        return values

    def same(self, one: Tensor, other: Tensor) -> bool:
        """True if two readings agree."""
        return self.distance(one, other) <= self.within * max(1.0, other.abs().max().item())

    def distance(self, one: Tensor, other: Tensor) -> float:
        """The distance of two readings."""
        return (one - other).abs().max().item()

    usable = read


@dataclass(frozen=True)
class Choice:
    """One of a few words, each with what it says in the question."""

    options: Mapping[str, str]

    def read(self, answer: Any) -> str:
        """The answer as one of the options; Unfit for anything else."""
        word = answer.strip().lower() if isinstance(answer, str) else answer
        known = {option.lower(): option for option in self.options}
        if not isinstance(word, str) or word not in known:
            given = ", ".join(map(repr, self.options))
            raise Unfit(f"The answer must be one of {given}, in quotes; got {in_short(answer)}.")
        return known[word]

    def same(self, one: str, other: str) -> bool:
        """True if two readings agree."""
        return one == other

    def distance(self, one: str, other: str) -> float:
        """0 for the same, else 1."""
        return float(one != other)

    usable = read


@dataclass(frozen=True)
class Function:
    """A function. `takes`: its arguments in order. `calls`: what it is tried on, tuples of numbers, tensors or other
    values; times and other numbers reach it as float64 tensors without dimensions, which NumPy and math take too.
    `returns`: what it must return, for messages. `within`: relative to the largest number."""

    takes: tuple[str, ...]
    calls: tuple[tuple, ...]
    returns: str = "a number"
    within: float = 1e-4

    def read(self, answer: Any) -> list[Tensor]:
        """Its answer to each call."""
        function = self.usable(answer)
        return [function(*call) for call in self.calls]

    def usable(self, answer: Any) -> Callable[..., Tensor]:
        """The function with what it is given and what it returns made float64 tensors; Unfit for what is none."""
        check_signature(answer, self.takes)

        def function(*values):
            found = as_tensor(answer(*(_given(value) for value in values)), self.returns, "The function must return")
            if not found.isfinite().all():
                raise Unfit("The function returned a number that is not finite: is there a division by 0, or a root or "
                            "logarithm of something negative?")  # fmt: skip
            return found

        return function

    def same(self, one: list[Tensor], other: list[Tensor]) -> bool:
        """True if two readings agree, in shape too."""
        return all(a.shape == b.shape for a, b in zip(one, other, strict=True)) and self.distance(one, other) <= 1

    def distance(self, one: list[Tensor], other: list[Tensor]) -> float:
        """The distance of two readings of the same shapes, in units of the tolerance; infinite with NaN."""
        worst = 0.0
        for a, b in zip(one, other, strict=True):
            if a.shape != b.shape:
                return float("inf")
            apart = (a - b).abs().max().item() / (self.within * max(b.abs().max().item(), 1e-3))
            worst = max(worst, apart if np.isfinite(apart) else 0.0 if torch.equal(a, b) else float("inf"))
        return worst


@dataclass(frozen=True)
class Method:
    """A method of one's own, as `toylab.sample` takes it: a function of a step, or one that yields.

    Read as its states on a Gaussian with the exact epsilon, and the evaluations that it took.
    """

    takes: tuple[str, ...] = ("eps", "schedule", "x", "t", "s")
    within: float = 1e-4

    def read(self, answer: Any) -> list[Tensor]:
        """[states, evaluations]; Unfit with the sentence of `toylab.sample` for what is no method."""
        return list(method_facts(self.usable(answer)))

    def usable(self, answer: Any) -> Callable:
        """The function itself; Unfit for what is none."""
        check_signature(answer, self.takes)
        return answer

    same, distance = Function.same, Function.distance


def as_tensor(value: Any, wanted: str, subject: str = "The answer must be") -> Tensor:
    """Numbers as a float64 tensor on the CPU: a tensor, an array, a number, or lists of them. Unfit for anything else,
    Undone for ``...``."""
    if value is ...:
        raise Undone
    if value is None:
        raise Unfit(f"{subject} {wanted}, got None. Is there a return?" if "return" in subject else
                    f"{subject} {wanted}, got None.")  # fmt: skip
    if isinstance(value, (str, bytes, bool, dict, set)) or callable(value):
        raise Unfit(f"{subject} {wanted}, got {in_short(value)}, which is a {type(value).__name__}.")
    try:
        if isinstance(value, Tensor):
            found = value.detach()
        elif isinstance(value, Real):
            found = torch.tensor(float(value), dtype=torch.float64)
        elif isinstance(value, (list, tuple)) and any(isinstance(part, Tensor) for part in value):
            found = torch.stack([torch.as_tensor(part, dtype=torch.float64, device="cpu") for part in value])
        else:
            found = torch.as_tensor(np.asarray(value))
        if found.is_complex():
            raise TypeError
        return found.to("cpu", torch.float64)
    except (TypeError, ValueError, RuntimeError, OverflowError):
        raise Unfit(f"{subject} {wanted}, got {in_short(value)}, a {type(value).__name__}.") from None


def check_signature(answer: Any, takes: tuple[str, ...]) -> None:
    """Unfit unless `answer` is a function that can be called with these arguments in order."""
    wanted = f"a function of ({', '.join(takes)})"
    if not callable(answer) or inspect.isclass(answer):
        raise Unfit(f"The answer must be {wanted}, got {in_short(answer)}. Pass the function itself: no brackets.")
    try:
        inspect.signature(answer).bind(*takes)
    except TypeError:
        raise Unfit(f"The answer must be {wanted}; yours takes {inspect.signature(answer)}.") from None
    except ValueError:
        pass  # a built-in that does not tell


def _given(value):
    """A fresh copy of a call's value, so that code which changes it in place changes nothing else."""
    if isinstance(value, Tensor):
        return value.clone()
    if isinstance(value, Real) and not isinstance(value, (bool, int)):
        return torch.tensor(value, dtype=torch.float64)
    return list(value) if isinstance(value, list) else value
