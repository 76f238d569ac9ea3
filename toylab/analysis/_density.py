"""The exact density p_t of a manifold's data on a grid, as a background for particles."""

import numpy as np
import torch

from toylab.epsilon.exact import exact_eps


def log_density(manifold, schedule, t_start=None, t_end=None, times=25, size=80, extent=3.3, points=400, spread=0.04):
    """log p_t of data even along `manifold`, widened by `spread` so that it can be seen at t near 0.

    Returns a dict: "times" float64 [times], decreasing, equispaced in sqrt(t); "log_p" float32
    [times, size, size] over [-extent, extent]^2, row 0 at the lowest y; "extent" float.
    """
    t_start = schedule.t_max if t_start is None else t_start
    t_end = schedule.t_min if t_end is None else t_end
    at = torch.linspace(t_start**0.5, t_end**0.5, times, dtype=torch.float64) ** 2
    axis = torch.linspace(-extent, extent, size)
    x = torch.cartesian_prod(axis, axis).flip(1)  # rows run through y, columns through x
    eps = exact_eps(torch.as_tensor(manifold.curve(points)).float(), schedule, spread)
    log_p = torch.stack([eps.log_prob(x, t) for t in at]).reshape(times, size, size)
    return {"times": at.numpy(), "log_p": log_p.numpy().astype(np.float32), "extent": float(extent)}
