"""The log density under the probability flow: closed forms, orders, and Hutchinson's estimate."""

import math

import pytest
import torch
from problems import normal

import toylab

CENTRE, SPREAD = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3
GAUSSIAN = toylab.exact_eps(CENTRE, "linear", SPREAD)
MOONS = toylab.exact_eps(toylab.datasets.get("moons").curve(60), "linear", spread=0.1)
NEAR = MOONS.points[::3] + 0.1 * normal(20, 2)
X = CENTRE + SPREAD * normal(24, 2, seed=3)


def found(eps, x=X, t_end=1e-3, **options):
    """With the exact density at t = 1 in place of standard normal noise, so that the solver alone is measured."""
    options = {"log_prior": lambda x_T: eps.log_prob(x_T, 1.0), "progress": False} | options
    return toylab.log_likelihood(eps, x, t_end=t_end, **options)


def error(eps, x=X, t_end=1e-3, **options):
    return (found(eps, x, t_end, **options).log_prob - eps.log_prob(x, t_end)).abs().max().item()


@pytest.mark.parametrize("eps", [GAUSSIAN, MOONS], ids=["gaussian", "moons"])
@pytest.mark.parametrize(("method", "steps"), [("UniPC-3", 320), ("DPM-Solver-3", 160), ("RK4", 160)])
def test_it_is_the_closed_form(eps, method, steps):
    assert error(eps, NEAR, t_end=0.01, method=method, steps=steps) < 1e-4


@pytest.mark.parametrize(("method", "order"), [("DDIM", 1), ("S-PNDM", 2), ("PIE", 2), ("DPM-Solver-3", 3), ("RK4", 4)])
def test_a_method_finds_it_to_its_own_order(method, order):
    coarse, fine = (error(GAUSSIAN, method=method, steps=steps) for steps in (40, 80))
    assert math.log2(coarse / fine) == pytest.approx(order, abs=0.25)


def test_standard_normal_noise_is_the_end_by_default():
    given = found(GAUSSIAN, log_prior=None)
    normal_noise = torch.distributions.MultivariateNormal(torch.zeros(2).double(), torch.eye(2).double())
    torch.testing.assert_close(given.log_prob - given.log_volume, normal_noise.log_prob(given.x_T))
    torch.testing.assert_close(given.log_prob, GAUSSIAN.log_prob(X, 1e-3), atol=0.05, rtol=0)


def test_where_the_flow_takes_the_samples_is_where_they_come_from():
    given = found(MOONS, NEAR, 0.01, method="RK4", steps=320)
    back = toylab.sample(MOONS, method="RK4", steps=320, x_T=given.x_T, t_end=0.01, spacing="logsnr").x
    torch.testing.assert_close(back, NEAR, atol=1e-4, rtol=0)


def test_hutchinson_is_exact_where_all_directions_are_alike():
    exact, estimate = (found(GAUSSIAN, divergence=name).log_prob for name in ("exact", "hutchinson"))
    torch.testing.assert_close(exact, estimate)


def test_hutchinson_is_right_on_average():
    x = X[:1].expand(400, 2)
    exact = found(MOONS, X[:1], t_end=0.05, divergence="exact", steps=30).log_volume
    tries = found(MOONS, x, t_end=0.05, divergence="hutchinson", steps=30, seed=5).log_volume
    assert tries.std() > 0.01
    assert abs(tries.mean() - exact) < 4 * tries.std() / 20


def test_more_probes_spread_less():
    x = X[:1].expand(200, 2)
    one, many = (
        found(MOONS, x, t_end=0.05, divergence="hutchinson", steps=30, probes=probes).log_volume.std().item()
        for probes in (1, 16)
    )
    assert many == pytest.approx(one / 4, rel=0.3)


def test_of_images_by_hutchinson_in_bits_per_dimension():
    eps = toylab.exact_eps(torch.zeros(1, 1, 6, 6, dtype=torch.float64), "linear", spread=0.5)
    x = 0.5 * normal(5, 1, 6, 6)
    given = found(eps, x)
    assert given.divergence == "hutchinson"
    per_pixel = torch.distributions.Normal(0.0, 0.5).log_prob(x).flatten(1).mean(1)
    torch.testing.assert_close(
        given.bits_per_dim(1 / 127.5), -per_pixel / math.log(2) + math.log2(127.5), atol=2e-3, rtol=0
    )


def test_evaluations_are_counted_without_their_derivatives():
    assert found(GAUSSIAN, method="DDIM", steps=7).nfe == 7
    assert found(GAUSSIAN, method="RK4", steps=7).nfe == 28


def test_a_guided_epsilon_counts_as_two_here_too():
    guided = toylab.guided(GAUSSIAN, GAUSSIAN, 1.0)
    assert found(guided, method="DDIM", steps=7, log_prior=None).nfe == 14


def test_a_network_has_a_density_in_single_precision():
    net = toylab.load("moons")
    likely, unlikely = toylab.log_likelihood(
        net, torch.tensor([toylab.datasets.get("moons").curve(3)[1].tolist(), [3.0, 3.0]]), progress=False
    ).log_prob
    assert likely.dtype == torch.float32
    assert likely > unlikely + 5


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "DDPM"}, "without noise"),
        ({"method": "PF"}, "given grid"),
        ({"divergence": "trace"}, "unknown divergence 'trace'"),
        ({"probes": 0}, "probes must be an integer of at least 1"),
        ({"log_prior": lambda x: x}, r"log_prior must return a tensor \[24\]"),
        ({"steps": 0}, "steps"),
    ],
)
def test_what_makes_no_sense_is_named(options, message):
    with pytest.raises(ValueError, match=message):
        found(GAUSSIAN, **options)


@pytest.mark.parametrize("x", [X[:0], X[0], X.long(), X * math.inf])
def test_samples_that_are_none_are_named(x):
    with pytest.raises((TypeError, ValueError), match="^x must be"):
        found(GAUSSIAN, x)


def test_an_eps_without_a_derivative_is_named():
    with pytest.raises(TypeError, match="differentiable"):
        toylab.log_likelihood(lambda x, t: GAUSSIAN(x, t).detach(), X, "linear", progress=False)


def test_samples_in_the_plane_are_drawn_in_it_and_others_as_a_histogram():
    planar = found(GAUSSIAN, steps=4).plot()
    assert len(planar.collections[0].get_offsets()) == len(X)
    image = toylab.exact_eps(torch.zeros(1, 1, 3, 3), "linear", spread=0.5)
    bars = toylab.log_likelihood(image, torch.randn(9, 1, 3, 3), steps=4, progress=False).plot()
    assert sum(bar.get_height() for bar in bars.patches) == 9
