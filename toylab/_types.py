"""Names for what passes between the rooms, for annotations only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, Union

from torch import Tensor

if TYPE_CHECKING:
    from toylab.datasets import Manifold
    from toylab.samplers.base import Method
    from toylab.schedules import Schedule

Eps: TypeAlias = Callable[[Tensor, Tensor], Tensor]  # eps(x [batch, *shape], t scalar or [batch]) -> like x
ScheduleLike: TypeAlias = Union["Schedule", str]  # as a Union, annotations may add "| None"
ManifoldLike: TypeAlias = Union["Manifold", str]
MethodLike: TypeAlias = Union["Method", str, Callable]  # a plain function as `toylab.sample` takes it
