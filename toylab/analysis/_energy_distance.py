"""The energy distance: whether two samples come from one distribution, places and shares included."""

import torch
from torch import Tensor

from toylab._threads import single_thread
from toylab.samplers.core import check_samples


def energy_distance(x: Tensor, y: Tensor) -> float:
    """The energy distance 2 E|X - Y| - E|X - X'| - E|Y - Y'| of two samples (Székely and Rizzo 2013, eq. 2).

    Never negative; 0 for the same points alone. Of two samples of n and m points of one distribution about
    (1 / n + 1 / m) E|X - X'|: smaller values say nothing.

    Args:
        x, y: samples [n, *shape] and [m, *shape], one at least, floating point; computed in float64.

    Raises:
        ValueError, TypeError: for what is no such pair, or not finite.
    """
    check_samples("x", x)
    check_samples("y", y)
    x, y = (value.detach().to("cpu", torch.float64).flatten(1) for value in (x, y))
    if x.shape[1] != y.shape[1]:
        raise ValueError(f"x and y must have points of one shape, got {x.shape[1]} and {y.shape[1]} numbers each")
    with single_thread(x):
        return (2 * _mean(x, y) - _mean(x, x) - _mean(y, y)).item()


def _mean(x, y):
    """The mean distance of all pairs, without the rounding of squares that are expanded."""
    return torch.cdist(x, y, compute_mode="donot_use_mm_for_euclid_dist").mean()
