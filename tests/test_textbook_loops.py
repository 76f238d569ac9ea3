"""Every pair of the paper against the same method written out in numpy alone."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from problems import CLASSICAL, PAIRS, flower, normal, numpy_eps, numpy_schedule

import toylab

LINEAR = toylab.schedules.get("linear")
POINTS = flower(5, 24)
EPS = toylab.exact_eps(POINTS, LINEAR, 0.1)


def textbook(method, name, points, x, times, midpoint="t", exact=False):
    """The method as its textbook or the paper writes it, in numpy: final state.

    Classical methods integrate dx/dt = (alpha_bar' / (2 alpha_bar)) (x - eps / sqrt(1 - alpha_bar)). Pseudo
    ones use the paper's transfer formula.
    """
    alpha_bar, derivative = numpy_schedule(name)
    sigma = lambda t: np.sqrt(1 / alpha_bar(t) - 1)  # noqa: E731
    eps = numpy_eps(points, alpha_bar, 0.1)
    classical = method in CLASSICAL

    def slope(x, t):
        e = eps(x, t)
        return derivative(t) / (2 * alpha_bar(t)) * (x - e / np.sqrt(1 - alpha_bar(t))) if classical else e

    def move(x, k, t, s):
        if classical:
            return x + (s - t) * k
        a, b = alpha_bar(t), alpha_bar(s)
        divisor = np.sqrt(a) * (np.sqrt((1 - b) * a) + np.sqrt((1 - a) * b))
        return np.sqrt(b / a) * x - (b - a) / divisor * k

    def middle(t, s):
        if midpoint == "t":
            return (t + s) / 2
        fine = np.linspace(s, t, 20001)  # sigma is smooth: a first guess, then Newton by secants
        u = np.interp((sigma(t) + sigma(s)) / 2, sigma(fine), fine)
        for _ in range(4):
            u -= (sigma(u) - (sigma(t) + sigma(s)) / 2) / ((sigma(u + 1e-6) - sigma(u - 1e-6)) / 2e-6)
        return u

    def heun(x, t, s):
        k1 = slope(x, t)
        k2 = slope(move(x, k1, t, s), s)
        return (k1 + k2) / 2, k1

    def rk4(x, t, s):
        m = middle(t, s)
        k1 = slope(x, t)
        k2 = slope(move(x, k1, t, m), m)
        k3 = slope(move(x, k2, t, m), m)
        k4 = slope(move(x, k3, t, s), s)
        return (k1 + 2 * k2 + 2 * k3 + k4) / 6, k1

    def adams(past, s):
        if exact:  # integrate the Lagrange polynomials of the nodes over the step
            clock = (lambda t: t) if classical else sigma
            nodes = np.array([clock(t) for t, _ in past])
            total = 0
            for i, (_, k) in enumerate(past):
                others = np.delete(nodes, i)
                basis = np.poly1d(others, r=True) / np.prod(nodes[i] - others)
                integral = np.polyint(basis)
                total = total + (integral(clock(s)) - integral(nodes[0])) / (clock(s) - nodes[0]) * k
            return total
        f = [k for _, k in past]
        return {
            1: lambda: f[0],
            2: lambda: (3 * f[0] - f[1]) / 2,
            3: lambda: (23 * f[0] - 16 * f[1] + 5 * f[2]) / 12,
            4: lambda: (55 * f[0] - 59 * f[1] + 37 * f[2] - 9 * f[3]) / 24,
        }[len(f)]()

    history = {"AB2": 2, "S-PNDM": 2, "AB4": 4, "F-PNDM": 4, "PLMS": 4}.get(method, 1)
    starter = {"Heun": heun, "PIE": heun, "AB2": heun, "S-PNDM": heun}.get(method, rk4)
    past = []
    for i, (t, s) in enumerate(pairwise(times)):
        if method in ("Heun", "PIE", "RK4", "PRK") or (method not in ("PLMS", "Euler", "DDIM") and i < history - 1):
            k, first = starter(x, t, s)
            past = [(t, first), *past][:history]
        else:
            past = [(t, slope(x, t)), *past][:history]
            k = adams(past, s)
        x = move(x, k, t, s)
    return x


@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("method", PAIRS)
def test_each_method_equals_its_textbook_loop(method, name):
    x, times = normal(8, 2), np.linspace(0.9, 0.1, 13)
    run = toylab.sample(toylab.exact_eps(POINTS, name, 0.1), name, method, x_T=x, times=times)
    expected = textbook(method, name, POINTS, x.numpy(), times)
    np.testing.assert_allclose(run.x.numpy(), expected, rtol=0, atol=1e-12 * run.states.abs().max().item())


@pytest.mark.parametrize("method", ["RK4", "PRK", "AB4", "F-PNDM"])
def test_methods_with_their_midpoint_in_sigma_equal_their_textbook_loop(method):
    x, times = normal(8, 2), np.linspace(0.8, 0.1, 13)
    run = toylab.sample(EPS, LINEAR, method, midpoint="sigma", x_T=x, times=times)
    expected = textbook(method, "linear", POINTS, x.numpy(), times, midpoint="sigma")
    np.testing.assert_allclose(run.x.numpy(), expected, rtol=0, atol=1e-12 * run.states.abs().max().item())


@pytest.mark.parametrize("method", ["AB2", "AB4", "S-PNDM", "F-PNDM", "PLMS"])
def test_exact_weights_integrate_the_interpolating_polynomial_on_uneven_nodes(method):
    x, times = normal(8, 2), 0.9 - 0.8 * np.linspace(0, 1, 13) ** 0.7
    run = toylab.sample(EPS, LINEAR, method, weights="exact", x_T=x, times=times)
    expected = textbook(method, "linear", POINTS, x.numpy(), times, exact=True)
    np.testing.assert_allclose(run.x.numpy(), expected, rtol=0, atol=1e-11 * run.states.abs().max().item())


@pytest.mark.parametrize("method", ["AB2", "AB4"])
def test_exact_weights_change_nothing_on_equispaced_nodes(method):
    one, two = (toylab.sample(EPS, LINEAR, method, weights=w, n=8, t_end=0.1) for w in ("exact", "equispaced"))
    torch.testing.assert_close(one.x, two.x, rtol=0, atol=1e-11)
