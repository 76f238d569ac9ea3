"""Weight parts: how the slopes that a step knows are averaged, on any grid.

A transfer moves the state along a straight line in its own clock, so that a step needs the average of the slope over
that clock. A weights part interpolates the slope by a polynomial in some clock and averages it over some clock. Where
the first is the transfer's own and so is the second, the weights are those of Adams and Bashforth on the grid as it
lies; exponential integrators have a polynomial in t or in log sigma, averaged over sigma or 1 / sigma.

Weights are float64 and sum to 1; with one node they are (1,). Many steps are done at once.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from toylab.grids import SPACINGS
from toylab.samplers.transfers import Transfer
from toylab.schedules import Schedule

# Adams-Bashforth weights of the slopes at the last nodes, newest first, for equispaced nodes
ADAMS_BASHFORTH = {
    1: (1.0,),
    2: (3 / 2, -1 / 2),
    3: (23 / 12, -16 / 12, 5 / 12),
    4: (55 / 24, -59 / 24, 37 / 24, -9 / 24),
}

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_PARTS = (1 + _NODES) / 2


@dataclass(frozen=True)
class Weights:
    """A weights part.

    Attributes:
        name: what `toylab.method(weights=...)` calls it.
        polynomial: the clock in which the slope is interpolated: a spacing's, "own", the transfer's, or None for
            nodes that are taken to be equispaced whatever the grid.
        over: the clock over which it is averaged, likewise.
    """

    name: str
    polynomial: str | None = None
    over: str = "own"

    def finite(self, schedule: Schedule, transfer: type[Transfer], end: Tensor) -> np.ndarray:
        """Where both clocks are finite, bool like the times `end` [n]; elsewhere a step has the newest slope alone."""
        if self.polynomial is None:
            return np.ones(len(end), bool)
        clocks = (clock_of(name, transfer)[0](schedule, end).isfinite() for name in (self.polynomial, self.over))
        return torch.logical_and(*clocks).numpy()

    def __call__(self, schedule: Schedule, transfer: type[Transfer], nodes: Tensor, end: Tensor) -> np.ndarray:
        """Weights [n, k] of the slopes at the times `nodes` [n, k] for steps from nodes[:, 0] to `end` [n]."""
        n, k = nodes.shape
        if k == 1:
            return np.ones((n, 1))
        if self.polynomial is None:
            return np.tile(ADAMS_BASHFORTH[k], (n, 1))
        clock, _ = clock_of(self.polynomial, transfer)
        at = clock(schedule, nodes).numpy()
        if clock is clock_of(self.over, transfer)[0]:
            return adams_weights(at, clock(schedule, end).numpy())
        over, time = clock_of(self.over, transfer)
        points, density = _quadrature(over(schedule, nodes[:, 0]).numpy(), over(schedule, end).numpy())
        return _average(at, clock(schedule, time(schedule, torch.from_numpy(points))).numpy(), density)


WEIGHTS = {
    weights.name: weights
    for weights in (
        Weights("equispaced"),  # the paper's
        Weights("exact", "own"),  # variable-step Adams; with the pseudo transfer rhoAB-DEIS
        Weights("t", "t"),  # with the pseudo transfer tAB-DEIS
        Weights("logsnr", "logsnr"),  # the log-rho form of DEIS; with data prediction DPM-Solver++ "heun", and UniPC
        Weights("midpoint", "logsnr", over="logsnr"),  # with data prediction DPM-Solver++ "midpoint"
    )
}


def clock_of(name: str, transfer: type[Transfer]) -> tuple[Callable, Callable]:
    """The clock of a spacing, or with "own" of a transfer, and its inverse: functions of (schedule, tensor)."""
    if name == "own":
        return transfer.clock, transfer.time
    return SPACINGS[name].clock, SPACINGS[name].time


def adams_weights(nodes: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Weights [..., k] that average the polynomial through `nodes` [..., k] (newest first) over [nodes[0], end].

    They sum to 1 and, for equispaced nodes, equal ADAMS_BASHFORTH[k]. Hairer, Norsett and Wanner, Solving Ordinary
    Differential Equations I, section III.5 (variable step size).
    """
    nodes, end = np.asarray(nodes, np.float64), np.asarray(end, np.float64)[..., None]
    u = (nodes - nodes[..., :1]) / (end - nodes[..., :1])
    powers = np.arange(u.shape[-1])[:, None]
    return np.linalg.solve(u[..., None, :] ** powers, 1 / (powers + 1.0))[..., 0]


def _quadrature(start, end):
    """Gauss points [n, 64] between the readings `start` and `end` [n] of a clock, and what each of them counts.

    They are even in the logarithm of a clock, where t and log sigma are smooth, and in its root towards a reading of 0.
    """
    start, end = start[:, None], end[:, None]
    even = (start * end > 0)[:, 0]
    points = start + (end - start) * _PARTS
    density = np.ones_like(points)
    points[even] = start[even] * (end[even] / start[even]) ** _PARTS
    density[even] = abs(points[even])
    for zero, other in ((end, start), (start, end)):
        rows = (zero == 0)[:, 0]
        points[rows], density[rows] = other[rows] * _PARTS**2, _PARTS
    return points, _WEIGHTS * density


def _average(nodes, points, density):
    """The average over `points` [n, m], counted by `density`, of each Lagrange polynomial of `nodes` [n, k]: [n, k]."""
    share = density / density.sum(1, keepdims=True)
    weights = np.empty_like(nodes)
    for i in range(nodes.shape[1]):
        others = np.delete(nodes, i, axis=1)
        factors = (points[:, :, None] - others[:, None, :]) / (nodes[:, i, None] - others)[:, None, :]
        weights[:, i] = (share * factors.prod(2)).sum(1)
    return weights
