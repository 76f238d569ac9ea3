"""The error of a trained epsilon for points in the plane."""

import numpy as np
import torch

from toylab import datasets
from toylab._types import Eps
from toylab.epsilon.exact import exact_eps

POINTS = 4000  # points of the exact epsilon's manifold, evenly spread
TIMES = 20  # times at which epsilon is compared, evenly spread over [0.05, t_max]


def eps_error(
    network: Eps, times: int = TIMES, samples: int = 500, points: int = POINTS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(t, error), float64 arrays [times]: the rms difference of a network's epsilon from the exact one over
    that one's rms, for `samples` forward-process x_t at each t, evenly spread over [0.05, t_max].

    The exact epsilon is that of `points` points evenly on the network's manifold, without spread.
    """
    schedule, curve = network.schedule, datasets.get(network.dataset).curve(points)
    exact = exact_eps(curve, schedule)
    generator = torch.Generator().manual_seed(seed)
    at, errors = torch.linspace(0.05, schedule.t_max, times, dtype=torch.float64), []
    for t in at:
        x0 = curve[torch.randint(len(curve), (samples,), generator=generator)]
        noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
        x_t = schedule.alpha_bar(t).sqrt() * x0 + schedule.noise_std(t) * noise
        truth = exact(x_t, t)
        errors.append(((network(x_t, t) - truth).square().mean() / truth.square().mean()).sqrt().item())
    return at.numpy(), np.array(errors)
