"""The plan of a method on a grid, plain numbers, and the one loop that follows it.

All states of a step are combinations of the state at its beginning and of slopes, with coefficients that the grid
decides. They are computed for thousands of steps at once and in float64; the loop does tensor work only.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from toylab._types import Eps

PIECE = 1024  # steps of which there are Python objects at one time: a run of any length holds no more


class Evaluation(NamedTuple):
    """One evaluation of eps, and the slope made of it.

    Attributes:
        t: its time, a float64 tensor without dimensions.
        scale, gains: the state there is scale x + sum of gains * slopes, for the slopes there are so far; with no gains
            the state at the beginning of the step.
        slope: (a, b): the new slope is a state + b eps.
    """

    t: Tensor
    scale: float
    gains: Sequence[float]
    slope: tuple[float, float]


class Step(NamedTuple):
    """One step: its evaluations, the state it ends at (as in `Evaluation`), and which slopes the next one still needs.

    Slopes are listed from old to new: those that the last step kept, then one for each evaluation.
    """

    evaluations: Sequence[Evaluation]
    scale: float
    gains: Sequence[float]
    keep: slice


def nodes(times: Tensor) -> Iterator[Tensor]:
    """The times [N] one by one, as tensors without dimensions."""
    for piece in times.split(PIECE):
        yield from piece.unbind()


def numbers(*tensors: Tensor) -> Iterator[tuple[float, ...]]:
    """The numbers of a few tensors [N], as N tuples."""
    for first in range(0, len(tensors[0]), PIECE):
        yield from zip(*(tensor[first : first + PIECE].tolist() for tensor in tensors), strict=True)


def follow(steps: Iterable[Step], eps: Eps, x: Tensor) -> Iterator[Tensor]:
    """The states [batch, *shape] at the end of every step."""
    slopes = []
    for step in steps:
        x, slopes = take(step, eps, x, slopes)
        yield x


def take(step: Step, eps: Eps, x: Tensor, slopes: Sequence[Tensor] = ()) -> tuple[Tensor, list[Tensor]]:
    """(the state at the end of the step, the slopes that the next one still needs)."""
    slopes = list(slopes)
    for t, scale, gains, (a, b) in step.evaluations:
        state = combine(scale, x, gains, slopes) if gains else x
        out = eps(state, t)
        slopes.append(out if (a, b) == (0, 1) else combine(a, state, (b,), (out,)))
    return combine(step.scale, x, step.gains, slopes), slopes[step.keep]


def combine(scale: float, x: Tensor, gains: Sequence[float], slopes: Sequence[Tensor]) -> Tensor:
    """scale x + sum of gains * slopes, leaving out what counts nothing."""
    total = x if scale == 1 else x.mul(scale)
    for gain, slope in zip(gains, slopes, strict=True):
        if gain:
            total = torch.add(total, slope, alpha=gain) if total is x else total.add_(slope, alpha=gain)
    return total
