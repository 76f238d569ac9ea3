"""Weights with which a step averages slopes that are known at a few nodes, on any grid.

A transfer moves the state along a straight line in its own clock, so that a step needs the average of the
slope over that clock: over sigma for noise prediction, over 1 / sigma for data prediction. Exponential
integrators interpolate the slope by a polynomial in some other clock (t, or lambda = -log sigma) and average
it exactly. All weights are float64 and sum to 1; with one node they are (1,).
"""

import numpy as np
import torch

_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(64)
_PARTS = (1 + _NODES) / 2


def log_snr(schedule, t):
    """lambda = log(sqrt(alpha_bar) / sqrt(1 - alpha_bar)) = -log sigma, half the log-SNR, as a float."""
    return -schedule.sigma(t).log().item()


def exponential_weights(nodes, end, rate):
    """Weights that average the polynomial in lambda through `nodes` [k] over [nodes[0], end] with the density
    exp(rate lambda): rate 1 averages over 1 / sigma, rate -1 over sigma. Finite `nodes` and `end` only."""
    points = nodes[0] + (end - nodes[0]) * _PARTS
    return _average(nodes, points, _WEIGHTS * np.exp(rate * (points - end)))


def sigma_weights(schedule, times, s):
    """Weights that average the polynomial in t through `times` [k] over sigma, from times[0] to s >= 0.

    The quadrature steps in log sigma, where t is smooth, and in the root of sigma on a last step to s = 0.
    """
    start, end = schedule.sigma(times[0]).item(), schedule.sigma(s).item()
    if end > 0:
        sigma = start * (end / start) ** _PARTS
        density = _WEIGHTS * sigma
    else:
        sigma = start * _PARTS**2
        density = _WEIGHTS * _PARTS
    points = schedule.t_of_sigma(torch.from_numpy(sigma)).numpy()
    return _average([t.item() for t in times], points, density)


def _average(nodes, points, density):
    """The average over `points` [m], with an unnormalised density, of each Lagrange polynomial of `nodes`."""
    share = density / density.sum()
    polynomials = (_lagrange(nodes, i, points) for i in range(len(nodes)))
    return [float(share @ polynomial) for polynomial in polynomials]


def _lagrange(nodes, i, points):
    """The polynomial that is 1 at nodes[i] and 0 at the other nodes, at `points` [m]."""
    factors = [(points - node) / (nodes[i] - node) for j, node in enumerate(nodes) if j != i]
    return np.prod([np.ones_like(points), *factors], axis=0)
