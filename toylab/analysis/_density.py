"""The exact density p_t of a manifold's data on a grid, as a background for particles."""

import numpy as np
import torch

from toylab import grids
from toylab._errors import number, positive_int
from toylab._types import ManifoldLike, ScheduleLike
from toylab.datasets import as_manifold
from toylab.epsilon.exact import exact_eps
from toylab.schedules import as_schedule


def log_density(
    manifold: ManifoldLike, schedule: ScheduleLike, t_start: float | None = None, t_end: float | None = None,
    times: int = 25, size: int = 80, extent: float = 3.3, points: int = 400, spread: float = 0.04,
) -> dict:  # fmt: skip
    """log p_t of data even along `manifold`, widened by `spread` so that it can be seen at t near 0.

    Returns a dict: "times" float64 [times], decreasing, equispaced in sqrt(t); "log_p" float32
    [times, size, size] over [-extent, extent]^2, row 0 at the lowest y; "extent" float.
    """
    manifold, schedule = as_manifold(manifold), as_schedule(schedule)
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    times, size, points = (positive_int(*each) for each in (("times", times), ("size", size, 2), ("points", points)))
    extent = number("extent", extent, 0, 1e6, open_low=True)
    at = torch.linspace(t_start**0.5, t_end**0.5, times, dtype=torch.float64) ** 2
    axis = torch.linspace(-extent, extent, size)
    x = torch.cartesian_prod(axis, axis).flip(1)  # rows run through y, columns through x
    eps = exact_eps(torch.as_tensor(manifold.curve(points)).float(), schedule, spread)
    log_p = torch.stack([eps.log_prob(x, t) for t in at]).reshape(times, size, size)
    return {"times": at.numpy(), "log_p": log_p.numpy().astype(np.float32), "extent": extent}
