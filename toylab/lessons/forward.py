"""The forward process as a player: data turning into noise, and the epsilon that would undo it."""

import numpy as np
import torch

from toylab import datasets, schedules
from toylab._errors import positive_int
from toylab._types import Eps, ManifoldLike, ScheduleLike
from toylab.analysis import Sweep, log_density
from toylab.analysis._run_sweep import curve_of, distances
from toylab.epsilon import exact_eps
from toylab.samplers.core import start_noise

FORWARD, EXACT, NETWORK, DIFFERENCE = "forward process", "exact ε", "network ε", "network − exact"
SPREAD = 0.04  # of the exact epsilon's points: a curve of finite width has a field that can be drawn


def forward_sweep(
    manifold: ManifoldLike, schedule: ScheduleLike, network: Eps | None = None, n: int = 512, seed: int = 0,
    nodes: int = 48,
) -> tuple[Sweep, dict]:  # fmt: skip
    """The forward process of data on `manifold` as a (sweep, fields) pair for `Player`.

    Panels: FORWARD, the particles over p_t; EXACT, with the field of the exact epsilon; and, where a `network`
    is given, NETWORK with its field and DIFFERENCE with what it adds to the exact one. All show
    the same x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, with one x0 and one eps for all t.
    n: particles. seed: of data and noise. nodes: steps of the time slider.
    """
    manifold, schedule = datasets.as_manifold(manifold), schedules.as_schedule(schedule)
    nodes = positive_int("nodes", nodes)
    times = schedule.t_min + (schedule.t_max - schedule.t_min) * np.linspace(0, 1, nodes + 1) ** 1.5
    x0, noise = manifold.sample(n, seed).double(), start_noise(n, (2,), seed, torch.float64)
    states = torch.stack([schedule.alpha_bar(t) ** 0.5 * x0 + schedule.noise_std(t) * noise for t in times])
    threshold = 0.1
    mean, share = distances(manifold, states, threshold)
    fields = _fields(manifold, schedule, network)
    panels = (FORWARD, *fields)
    every = [(panel, nodes) for panel in panels]
    return Sweep(
        methods=panels,
        steps=(nodes,),
        times={nodes: times},
        states=dict.fromkeys(every, states.float().numpy()),
        nfe=dict.fromkeys(every, 0),
        distance=dict.fromkeys(every, mean),
        off=dict.fromkeys(every, share),
        curve=curve_of(manifold),
        threshold=threshold,
        labels={"dataset": manifold.name, "schedule": schedule.name, "epsilon": ""},
        density=log_density(manifold, schedule, spread=SPREAD),
    ), fields


def _fields(manifold, schedule, network, size=13, extent=2.7, times=30):
    """Arrows of the exact epsilon, and of the network's, on a grid at `times` times."""
    at = schedule.t_min + (schedule.t_max - schedule.t_min) * torch.linspace(0, 1, times, dtype=torch.float64) ** 1.5
    axis = torch.linspace(-extent, extent, size, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis).flip(1)
    exact = exact_eps(manifold.curve(400).double(), schedule, SPREAD)
    vectors = {EXACT: torch.stack([exact(grid, t) for t in at])}
    if network is not None:
        with torch.no_grad():
            vectors[NETWORK] = torch.stack([network(grid.float(), t) for t in at]).double()
        vectors[DIFFERENCE] = vectors[NETWORK] - vectors[EXACT]
    # the exact field's longest arrows at each time are one grid spacing long, so that panels can be compared
    scale = vectors[EXACT].norm(dim=2).quantile(0.98, dim=1).reshape(-1, 1, 1)
    return {
        name: {"times": at.numpy(), "vectors": (field / scale).reshape(-1, size, size, 2).numpy(), "extent": extent}
        for name, field in vectors.items()
    }
