"""Guidance: two epsilons combined into one."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from toylab._errors import number
from toylab._types import Eps
from toylab.epsilon.conditioned import Labelled, rows_of
from toylab.samplers.core import cost, default_dtype
from toylab.schedules import as_schedule, check_own_schedule


def guided(conditional: Eps, unconditional: Eps, scale: float) -> Guided:
    """Classifier-free guidance (Ho and Salimans 2022): ``eps_u + scale (eps_c - eps_u)``, an eps as any other.

    Args:
        conditional, unconditional: eps_c and eps_u, any two epsilons of one schedule, exact ones too:
            ``guided(net.of("horse"), net, 3)``.
        scale: a number; 0 gives eps_u, 1 gives eps_c, more leans towards the class and gives up diversity.

    A call counts as the evaluations of both. Where they are one network with different labels, it is called once, with
    both halves in one batch, and counted twice all the same.

    Raises TypeError for what cannot be called, ValueError for epsilons of different schedules or shapes and for a scale
    that is not finite.
    """
    return Guided(conditional, unconditional, scale)


class Guided(nn.Module):
    """The eps that `guided` gives.

    Attributes:
        conditional, unconditional, scale: as given. evaluations: that a call counts as.
        schedule, shape, dataset: of the two; only where one of them says so.
    """

    def __init__(self, conditional: Eps, unconditional: Eps, scale: float):
        super().__init__()
        for name, eps in {"conditional": conditional, "unconditional": unconditional}.items():
            if not callable(eps):
                raise TypeError(f"{name} must be callable as eps(x, t), got {eps!r}")
        self.conditional, self.unconditional = conditional, unconditional
        self.scale = number("scale", scale)
        self.evaluations = cost(conditional) + cost(unconditional)
        for name in ("schedule", "shape", "dataset"):
            found = [getattr(eps, name) for eps in self._parts if getattr(eps, name, None) is not None]
            if found:
                setattr(self, name, found[0])
        if hasattr(self, "schedule"):
            check_own_schedule(unconditional, as_schedule(self.schedule), "unconditional")
        shapes = [tuple(eps.shape) for eps in self._parts if getattr(eps, "shape", None) is not None]
        if len(set(shapes)) > 1:
            raise ValueError(f"conditional and unconditional must be of one shape, got {shapes[0]} and {shapes[1]}")

    @property
    def _parts(self):
        return self.conditional, self.unconditional

    @property
    def dtype(self) -> torch.dtype:
        """That of the start noise, see `toylab.samplers.core.default_dtype`."""
        return self._start[0]

    @property
    def device(self) -> torch.device:
        """That of the start noise."""
        return self._start[1]

    @property
    def _start(self):
        known = [eps for eps in self._parts if hasattr(eps, "dtype") or isinstance(eps, nn.Module)]
        if not known:
            raise AttributeError("plain functions say no dtype")
        return default_dtype(known[0])

    def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Epsilon at x [batch, *shape], t a scalar or [batch]: like x."""
        (network, one), (other, none) = map(_labelled, self._parts)
        if network is other and one is not None and none is not None:
            labels = torch.cat([network.checked_labels(labels, len(x)) for labels in (one, none)])
            twice = t.repeat(2) if isinstance(t, Tensor) and t.ndim else t
            eps_c, eps_u = network(torch.cat([x, x]), twice, labels).chunk(2)
        else:
            eps_c, eps_u = (eps(x, t) for eps in self._parts)
        return torch.lerp(eps_u, eps_c, self.scale)  # eps_u and eps_c to the bit at 0 and 1

    @property
    def arguments(self) -> dict:
        """Its parts, JSON-able."""
        conditional, unconditional = (getattr(eps, "arguments", None) for eps in self._parts)
        return {"conditional": conditional, "unconditional": unconditional, "scale": self.scale}

    def rows(self, rows: Tensor) -> Guided:
        """The same for these of the particles that it has labels for."""
        conditional, unconditional = (rows_of(eps, rows) for eps in self._parts)
        return Guided(conditional, unconditional, self.scale)


def _labelled(eps):
    """(the network, its labels) of an eps; labels are None where that is no network with labels."""
    if isinstance(eps, Labelled):
        return eps.network, eps.labels
    return eps, getattr(eps, "no_label", None)
