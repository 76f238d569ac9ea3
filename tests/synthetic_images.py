"""Image sweeps that need no network: the exact epsilon of a few images."""

import numpy as np
import torch

from toylab import exact_eps
from toylab.images import image_sweep


def images(n=5, channels=1, size=4, seed=0):
    """n random images in [-1, 1], float64 [n, channels, size, size]."""
    values = np.random.default_rng(seed).uniform(-1, 1, (n, channels, size, size))
    return torch.from_numpy(values)


def sweep(points=None, methods=("RK4", "DDIM", "F-PNDM"), steps=(2, 5, 10), nfe=(5, 10, 20), n=6, **options):
    """An `ImageSweep` with the exact epsilon of `points`."""
    eps = exact_eps(images() if points is None else points, "linear", spread=0.05)
    return image_sweep(eps, "linear", methods, steps, nfe, n, **options)


class StopsAfter:
    """An eps that is interrupted by Ctrl-C at its call number `calls` + 1."""

    def __init__(self, eps, calls):
        self.eps, self.calls = eps, calls
        self.shape, self.dtype, self.device = eps.shape, eps.dtype, eps.device

    def __call__(self, x, t):
        self.calls -= 1
        if self.calls < 0:
            raise KeyboardInterrupt
        return self.eps(x, t)
