"""Trained networks of points in the plane, small enough for a page to compute with."""

import base64
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import torch

from toylab import datasets, epsilon, schedules
from toylab.epsilon.mlp import MLP


def packed_networks(names: Iterable[str | os.PathLike]) -> dict[str, dict[str, Any]]:
    """By "data set schedule", what core/network.js computes with: the sizes, and the weights as base64 of float16.

    Args:
        names: of shipped networks, or paths of checkpoints.

    Raises ValueError for a network that is not of points in the plane, whose data set or schedule a page lacks, or
    that is the second one of its data set and schedule; else what `toylab.load` raises.
    """
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        net = epsilon.load(name)
        if not isinstance(net, MLP):
            raise ValueError(f"network must be one of points in the plane, got {str(name)!r}")
        schedule = getattr(net.schedule, "name", None)
        if net.dataset not in datasets.names() or schedule not in schedules.names():
            raise ValueError(f"network must be of a data set and a schedule that a page has, got {str(name)!r} of "
                             f"data set {net.dataset!r} and schedule {schedule!r}")  # fmt: skip
        key = f"{net.dataset} {schedule}"
        if key in found:
            raise ValueError(f"network must be the only one of its data set and schedule, got {str(name)!r} as well")
        found[key] = packed(net)
    return found


def packed(net: MLP) -> dict[str, Any]:
    """The sizes of a network and its parameters, layer by layer, as base64 of float16."""
    values = torch.cat([value.detach().flatten() for value in net.parameters()]).numpy().astype("<f2")
    if not np.isfinite(values).all():
        raise ValueError("network must have weights within float16, up to 65504")
    return net.arguments | {"weights": base64.b64encode(values.tobytes()).decode()}
