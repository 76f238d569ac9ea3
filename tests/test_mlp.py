"""The small epsilon-network: shapes, dtypes, limits and bad input."""

import json

import numpy as np
import pytest
import torch

from toylab import schedules
from toylab.epsilon.mlp import MLP


def network(schedule="linear", **arguments):
    """A network with random weights in every layer."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = MLP(schedule, **arguments)
        torch.nn.init.normal_(net.last.weight, std=0.3)
    return net.requires_grad_(False)


def points(n=7, dtype=torch.float32):
    return torch.randn(n, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64).to(dtype)


@pytest.mark.parametrize("t", [0.3, torch.tensor(0.3), torch.full((7,), 0.3, dtype=torch.float16), 1], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_result_is_like_x_whatever_the_type_of_t(dtype, t):
    eps = network()(points(dtype=dtype), t)
    assert eps.dtype == dtype and eps.shape == (7, 2) and eps.isfinite().all()


def test_scalar_t_equals_the_same_t_for_each_sample():
    net, x = network(), points()
    assert torch.equal(net(x, 0.3), net(x, torch.full((7,), 0.3, dtype=torch.float64)))


def test_samples_of_a_batch_do_not_see_each_other():
    net, x, t = (
        network().double(),
        points(dtype=torch.float64),
        torch.linspace(0.01, 1, 7, dtype=torch.float64),
    )
    alone = torch.cat([net(x[i : i + 1], t[i]) for i in range(7)])
    torch.testing.assert_close(net(x, t), alone, rtol=0, atol=1e-14)


def test_float64_network_agrees_with_float32_and_is_not_rounded_to_it():
    x = points(dtype=torch.float64)
    single, double = network()(x, 0.3), network().double()(x, 0.3)
    torch.testing.assert_close(single, double, rtol=0, atol=1e-5)
    assert not torch.equal(double, double.float().double())


def test_a_new_network_predicts_the_noise_of_unit_gaussian_data():
    x = points(dtype=torch.float64)
    for t in (1e-3, 0.3, 1.0):
        best = schedules.get("linear").noise_std(t) * x  # E[noise | x_t] of data N(0, I)
        torch.testing.assert_close(MLP()(x, t), best, rtol=1e-14, atol=0)


def test_pure_noise_is_its_own_epsilon_whatever_the_weights():
    x = points(dtype=torch.float64)
    torch.testing.assert_close(network("cosine")(x, 1.0), x, rtol=0, atol=1e-6)


@pytest.mark.parametrize("schedule", schedules.names())
def test_finite_at_every_t_with_limits_included(schedule):
    t = torch.linspace(0, 1, 101, dtype=torch.float64)
    assert network(schedule)(points(101), t).isfinite().all()


def test_grows_no_faster_than_x_far_from_the_data():
    net, direction = network(), torch.nn.functional.normalize(points(), dim=1)
    for radius in (1e2, 1e4, 1e6):
        assert (net(radius * direction, 0.05).norm(dim=1) < 100 * radius).all()


def test_differentiable_in_x():
    net, x = network().double(), points(dtype=torch.float64)
    gradient = torch.func.jacrev(lambda x: net(x, 0.3).sum())(x)
    h = 1e-6
    for axis in range(2):
        step = h * torch.eye(2, dtype=torch.float64)[axis]
        difference = (net(x + step, 0.3) - net(x - step, 0.3)).sum(1) / (2 * h)
        torch.testing.assert_close(gradient[:, axis], difference, rtol=1e-6, atol=1e-7)


def test_default_has_fewer_than_100_000_parameters():
    assert sum(p.numel() for p in MLP().parameters()) < 100_000


def test_arguments_survive_json_and_rebuild_the_network():
    net = network("cosine", hidden=16, layers=2, fourier=5, max_frequency=7.5, time_features=3)
    again = MLP("cosine", **json.loads(json.dumps(net.arguments)))
    again.load_state_dict(net.state_dict())
    assert torch.equal(again(points(), 0.3), net(points(), 0.3))


def test_takes_a_schedule_of_ones_own():
    table = schedules.from_betas([0.1, 0.2, 0.3])
    assert MLP(table).schedule is table


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"hidden": 0}, ValueError, "hidden"),
        ({"hidden": 10**9}, ValueError, "hidden"),
        ({"hidden": "64"}, TypeError, "hidden"),
        ({"layers": 33}, ValueError, "layers"),
        ({"layers": 1.5}, TypeError, "layers"),
        ({"fourier": 1}, ValueError, "fourier"),
        ({"max_frequency": 0.1}, ValueError, "max_frequency"),
        ({"max_frequency": float("nan")}, ValueError, "max_frequency"),
        ({"time_features": True}, TypeError, "time_features"),
        ({"schedule": "liner"}, ValueError, "did you mean 'linear'"),
    ],
)
def test_bad_constructor_arguments_are_named(arguments, error, named):
    with pytest.raises(error, match=named):
        MLP(**arguments)


@pytest.mark.parametrize(
    ("x", "t", "error", "named"),
    [
        (torch.zeros(4, 3), 0.5, ValueError, r"x must be .*\(4, 3\)"),
        (torch.zeros(2), 0.5, ValueError, "x must be"),
        ([[0.0, 0.0]], 0.5, ValueError, "x must be"),
        (torch.zeros(4, 2, dtype=torch.long), 0.5, TypeError, "floating point"),
        (torch.zeros(4, 2), torch.zeros(3), ValueError, r"t must be .*\(3,\)"),
        (torch.zeros(4, 2), "0.5", TypeError, "t must be a number or a tensor of numbers, got '0.5'"),
        (torch.zeros(4, 2), float("nan"), ValueError, r"t must lie in \[0, 1\], got nan"),
        (torch.zeros(4, 2), -0.5, ValueError, r"t must lie in \[0, 1\], got -0.5"),
        (torch.zeros(2, 2), torch.tensor([0.5, 7.0]), ValueError, r"t must lie in \[0, 1\], got 0.5 to 7"),
    ],
)
def test_bad_inputs_are_named(x, t, error, named):
    with pytest.raises(error, match=named):
        network()(x, t)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_a_network_that_was_converted_answers_as_one_that_was_made_so(dtype):
    made = network()
    torch.set_default_dtype(dtype)
    try:
        other = MLP("linear")
    finally:
        torch.set_default_dtype(torch.float32)
    made = made.to(dtype)
    other.load_state_dict(made.state_dict())
    assert torch.equal(other(points(), 0.3), made(points(), 0.3))


def test_scalars_of_numpy_as_arguments_are_kept_as_plain_numbers():
    kept = MLP("linear", hidden=np.int64(8), layers=np.int8(2), max_frequency=np.float32(6.0)).arguments
    assert json.loads(json.dumps(kept)) == kept and {type(value) for value in kept.values()} == {int, float}
