"""Networks with what they are given beside x and t: a label for each particle, or an image."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Self

import torch
from torch import Tensor, nn

from toylab._types import Eps

if TYPE_CHECKING:
    from toylab.epsilon.unet import UNet


class Conditioned(nn.Module):
    """A network with what it is given, under the name `what`: ``eps(x, t)``.

    Attributes:
        network: called as ``network(x, t, given)``. schedule, shape, dataset, metadata: the network's.
    """

    what: ClassVar[str]
    one: ClassVar[str]  # of them, in words

    def __init__(self, network: UNet, given: Tensor):
        super().__init__()
        self.network = network
        self.register_buffer(self.what, given, persistent=False)
        self.schedule, self.shape = network.schedule, network.shape
        self.dataset, self.metadata = network.dataset, network.metadata

    @property
    def given(self) -> Tensor:
        """All that the network is given: [] for one of all particles, or [batch, ...]."""
        return getattr(self, self.what)

    def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Epsilon at x [batch, *shape], t a scalar or [batch]: like x. ValueError for another batch than is given."""
        return self.network(x, t, self.given)

    @property
    def arguments(self) -> dict:
        """Those of the network; JSON-able."""
        return self.network.arguments

    def rows(self, rows: Tensor | Sequence[int]) -> Self:
        """The same for these of the particles. ValueError for a particle for which nothing is given."""
        if self.given.ndim == 0:
            return self
        rows = torch.as_tensor(rows, device=self.given.device)
        if len(rows) and int(rows.max()) >= len(self.given):
            got = f"{len(self.given)} for {int(rows.max()) + 1}"
            raise ValueError(f"{self.what} must be one{self.one} a particle, got {got}")
        return type(self)(self.network, self.given[rows])


class Labelled(Conditioned):
    """A network with the labels of what it is to make, see `UNet.of`.

    Attributes:
        labels: int64, [] for one of all particles or [batch]. Others: those of a `Conditioned`.
    """

    what, one = "labels", ""

    @property
    def arguments(self) -> dict:
        """Those of the network, and the labels; JSON-able."""
        return {**self.network.arguments, "labels": self.given.tolist()}


def rows_of(eps: Eps, rows: Tensor) -> Eps:
    """`eps` for these of its particles, where it has a label or an image for each; else `eps` itself."""
    return eps.rows(rows) if hasattr(eps, "rows") else eps
