"""How good a trained network for points in the plane is, and the card of the shipped ones.

``python -m toylab.analysis.networks`` measures all of them and writes the table into data/README.md.
"""

import torch

from .. import datasets
from ..epsilon import checkpoints
from ..epsilon.exact import exact_eps
from ..samplers import sample

POINTS = 4000  # points of the exact epsilon's manifold, evenly spread
TIMES = 20  # times at which epsilon is compared, evenly spread over [0.05, t_max]
PARTICLES = 2000
RADIUS = 0.15


def quality(network, seed=0):
    """A trained 2D network measured against its data set, as a dict of floats.

    ``distance``, ``coverage``: of 2000 F-PNDM samples in 50 steps, the mean distance to the manifold, and
    the share of the manifold that has one of them within 0.15. ``eps_error``: the rms difference from the
    exact epsilon over that one's rms, for 500 forward-process x_t at each of 20 times, averaged over them;
    the exact one is that of 4000 points evenly on the manifold, without spread.
    """
    manifold, schedule = datasets.get(network.dataset), network.schedule
    x = sample(network, schedule, method="F-PNDM", steps=50, n=PARTICLES, seed=seed, record=False).x
    points = manifold.curve(POINTS)
    exact = exact_eps(points, schedule)
    generator = torch.Generator().manual_seed(seed)
    errors = []
    for t in torch.linspace(0.05, schedule.t_max, TIMES, dtype=torch.float64):
        x0 = points[torch.randint(len(points), (500,), generator=generator)]
        noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
        x_t = schedule.alpha_bar(t).sqrt() * x0 + schedule.noise_std(t) * noise
        truth = exact(x_t, t)
        errors.append(((network(x_t, t) - truth).square().mean() / truth.square().mean()).sqrt().item())
    return {
        "distance": manifold.distance(x).mean().item(),
        "coverage": manifold.coverage(x, RADIUS),
        "eps_error": sum(errors) / TIMES,
    }
