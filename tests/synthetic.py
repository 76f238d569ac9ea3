"""Sweeps that need no sampler: particles that spiral inwards to a ring, and one method that explodes."""

import numpy as np

from toylab.analysis._sweep import Sweep

STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100)
COST = {
    "DDIM": lambda n: n,
    "Euler": lambda n: n,
    "RK4": lambda n: 4 * n,
    "F-PNDM": lambda n: n + 9 if n > 3 else 4 * n,
}


def sweep(
    methods=("Euler", "RK4", "DDIM", "F-PNDM"), steps=STEPS, n=512, density=True, dataset="ring", seed=0, unlikely=False
):
    """A Sweep whose particles end on the unit circle, nearer with more steps; RK4 flies away. `unlikely` calls those
    unlikely that are off the circle."""
    rng = np.random.default_rng(seed)
    x_T = rng.standard_normal((n, 2))
    radius, angle = np.hypot(*x_T.T), np.arctan2(x_T[:, 1], x_T[:, 0])
    times, states, nfe, distance, off, bad = {}, {}, {}, {}, {}, {}
    for count in steps:
        t = np.linspace(1.0, 0.001, count + 1)
        times[count] = t
        for i, method in enumerate(methods):
            part = (1 - t)[:, None]
            r = radius + part * (1 - radius) * (1 - 0.5 / count)
            phi = angle + part * (0.7 + 0.2 * i)
            x = np.stack([r * np.cos(phi), r * np.sin(phi)], axis=-1)
            if method == "RK4":
                x[-1] *= 1 + 4000 / count**3 * rng.random((n, 1))
            away = np.abs(np.hypot(x[..., 0], x[..., 1]) - 1)
            states[method, count] = x.astype(np.float32)
            distance[method, count], off[method, count] = away.mean(1), (away > 0.1).mean(1)
            bad[method, count] = away > 0.1
            nfe[method, count] = COST.get(method, COST["DDIM"])(count)
    ring = np.linspace(0, 2 * np.pi, 800, endpoint=False)
    return Sweep(
        methods=tuple(methods), steps=tuple(steps), times=times, states=states,
        nfe=nfe, distance=distance, off=off,
        curve=np.stack([np.cos(ring), np.sin(ring)], axis=-1).astype(np.float32), threshold=0.1,
        labels={"dataset": dataset, "schedule": "linear", "epsilon": "exact"},
        density=_density() if density else None, unlikely=bad if unlikely else None,
    )  # fmt: skip


def _density(size=40, extent=3.3):
    axis = np.linspace(-extent, extent, size)
    x, y = np.meshgrid(axis, axis)
    times = np.linspace(1, 0.001, 12)
    log_p = [-((np.hypot(x, y) - (1 - t)) ** 2) / (0.02 + 2 * t * t) for t in times]
    return {"times": times, "log_p": np.array(log_p, dtype=np.float32), "extent": extent}
