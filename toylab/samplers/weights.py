"""Weight parts: how the slopes that a step knows are averaged, on any grid.

A transfer moves the state along a straight line in its own clock, so that a step needs the average of the slope over
that clock. A weights part interpolates the slope by a polynomial in some clock and averages it over some clock. Where
the first is the transfer's own and so is the second, the weights are those of Adams and Bashforth on the grid as it
lies; exponential integrators have a polynomial in t or in log sigma, averaged over sigma or 1 / sigma.

Weights are float64 and sum to 1; with one node they are (1,). Many steps are done at once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

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
        """True where both clocks are finite, like the times `end` [n]; elsewhere a step has the newest slope alone."""
        if self.polynomial is None:
            return np.ones(len(end), bool)
        clocks = (clock_of(name, transfer)[0](schedule, end).isfinite() for name in (self.polynomial, self.over))
        return torch.logical_and(*clocks).numpy()

    def __call__(self, schedule: Schedule, transfer: type[Transfer], nodes: Tensor, end: Tensor) -> np.ndarray:
        """Weights [n, k] of the slopes at the times `nodes` [n, k] for steps from nodes[:, 0] to `end` [n]."""
        if self.polynomial is None or nodes.shape[1] == 1:
            return np.tile(ADAMS_BASHFORTH[nodes.shape[1]], (len(nodes), 1))
        average = self.between(schedule, transfer, nodes[:, 0], end)
        return average(self.readings(schedule, transfer, nodes), slice(None))

    def readings(self, schedule: Schedule, transfer: type[Transfer], times: Tensor) -> np.ndarray:
        """The clock of the polynomial at the times."""
        return clock_of(self.polynomial, transfer)[0](schedule, times).numpy()

    def between(self, schedule: Schedule, transfer: type[Transfer], start: Tensor, end: Tensor) -> Callable:
        """average(readings, rows): weights [m, k >= 2] of the slopes where the polynomial's clock shows `readings`
        [m, k], newest first, in the steps from start[rows] to end[rows]."""
        (clock, _), (over, time) = clock_of(self.polynomial, transfer), clock_of(self.over, transfer)
        if clock is over:
            ends = clock(schedule, end).numpy()
            return lambda readings, rows: adams_weights(readings, ends[rows])
        points, density = _quadrature(*over(schedule, torch.stack([start, end])).numpy())
        at = clock(schedule, time(schedule, torch.from_numpy(points))).numpy()
        share = density / density.sum(1, keepdims=True)
        return lambda readings, rows: _average(readings, at[rows], share[rows])


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


def weigher(
    weights: Weights, schedule: Schedule, transfer: type[Transfer], t: Tensor, s: Tensor, part: range, used: np.ndarray,
    most: int, two: Callable | None = None,
) -> Callable[..., np.ndarray]:  # fmt: skip
    """weigh(): for the steps `part`, from t[i] to s[i], the weights [len(part), most] of the last `most` slopes, old to
    new; 0 but for the last `used` [len(part)]. With another rule for two slopes, two(readings [m, 2], those of the ends
    [m]), also weigh(end=True): with the slope at the end of the step as one more."""
    if weights.polynomial is None:
        table = np.array([(0.0,) * (most - k) + ADAMS_BASHFORTH[k][::-1] for k in range(1, most + 1)])
        return lambda: table[used - 1]
    first, stop = max(0, part.start + 1 - most), part.stop
    readings = weights.readings(schedule, transfer, torch.cat([t[first:stop], s[part.start : stop]]))
    own, ends = np.split(readings, [stop - first])
    many = np.flatnonzero(used > 1)  # elsewhere the clocks may be infinite
    average: Any = (
        weights.between(schedule, transfer, t[many + part.start], s[many + part.start]) if len(many) else None
    )

    def weigh(end=False):
        found = np.zeros((len(part), most + end))
        for count in set(used.tolist()):
            rows = np.flatnonzero(used == count)
            columns = most - 1 - np.arange(count)
            readings = own[rows[:, None] + (part.start - first) - np.arange(count)]
            if end:
                columns, readings = np.append(columns, most), np.concatenate([readings, ends[rows, None]], 1)
            if len(columns) == 1:
                averaged = 1.0
            elif two and len(columns) == 2:
                averaged = two(readings, ends[rows])
            else:
                averaged = average(readings, np.searchsorted(many, rows))
            found[rows[:, None], columns] = averaged
        return found

    return weigh


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


def _average(nodes, points, share):
    """The average over `points` [n, m], counted by `share`, of each Lagrange polynomial of `nodes` [n, k]: [n, k]."""
    away = [points - node[:, None] for node in nodes.T]
    weights = np.empty_like(nodes)
    for i, own in enumerate(nodes.T):
        product, span = share, 1.0
        for j, other in enumerate(nodes.T):
            if j != i:
                product, span = product * away[j], span * (own - other)
        weights[:, i] = product.sum(1) / span
    return weights
