"""The exact epsilon: its own gradient, closed forms, chunks, memory, dtypes."""

import math
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import SCHEDULES, flower, normal, numpy_eps, numpy_schedule

import toylab
from toylab.epsilon import exact

LINEAR = toylab.schedules.get("linear")
times = st.floats(1e-3, 1.0)


def forward(points, schedule, t, n, seed=0):
    """Samples of the forward process at t: [n, *shape]."""
    rows = torch.randint(len(points), (n,), generator=torch.Generator().manual_seed(seed))
    x0 = points[rows]
    return schedule.alpha_bar(t) ** 0.5 * x0 + schedule.noise_std(t) * normal(*x0.shape, seed=seed + 1)


@given(t=times, spread=st.sampled_from([0.0, 0.05, 0.7]), name=st.sampled_from(SCHEDULES))
def test_eps_is_minus_noise_std_times_the_gradient_of_log_prob(t, spread, name):
    schedule = toylab.schedules.get(name)
    t = min(t, schedule.t_max)
    eps = toylab.exact_eps(flower(5), schedule, spread)
    x = forward(eps.points, schedule, t, 6).requires_grad_()
    (score,) = torch.autograd.grad(eps.log_prob(x, t).sum(), x)
    torch.testing.assert_close(eps(x, t), -schedule.noise_std(t) * score, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [0.05, 0.3, 0.9])
def test_eps_is_minus_noise_std_times_a_finite_difference_of_log_prob(t):
    eps = toylab.exact_eps(flower(3), LINEAR)
    x, h = forward(eps.points, LINEAR, t, 5), 1e-5
    for axis in torch.eye(2, dtype=torch.float64):
        slope = (eps.log_prob(x + h * axis, t) - eps.log_prob(x - h * axis, t)) / (2 * h)
        torch.testing.assert_close(eps(x, t) @ axis, -LINEAR.noise_std(t) * slope, rtol=0, atol=2e-9)


@pytest.mark.parametrize("name", ["linear", "cosine"])
@pytest.mark.parametrize("spread", [0.0, 0.3])
@pytest.mark.parametrize("t", [1e-3, 0.02, 0.4, 0.99])
def test_eps_equals_brute_force_in_numpy(name, spread, t):
    schedule = toylab.schedules.get(name)
    points = flower(4, 50)
    x = forward(points, schedule, t, 20)
    expected = numpy_eps(points, numpy_schedule(name)[0], spread)(x.numpy(), t)
    got = toylab.exact_eps(points, schedule, spread)(x, t)
    np.testing.assert_allclose(got.numpy(), expected, rtol=0, atol=5e-11)


@given(t=times, point=st.tuples(*[st.floats(-3, 3)] * 2))
def test_one_point_has_the_closed_form_of_straight_lines(t, point):
    point = torch.tensor([point], dtype=torch.float64)
    x = normal(4, 2)
    expected = (x - LINEAR.alpha_bar(t) ** 0.5 * point) / LINEAR.noise_std(t)
    torch.testing.assert_close(toylab.exact_eps(point, LINEAR)(x, t), expected, rtol=1e-13, atol=1e-13)


@given(t=st.floats(0, 1), spread=st.floats(0.01, 3))
def test_one_spread_point_is_a_single_gaussian(t, spread):
    mean = torch.tensor([[0.4, -1.1, 2.0]], dtype=torch.float64)
    eps = toylab.exact_eps(mean, LINEAR, spread)
    variance = LINEAR.alpha_bar(t) * spread**2 + LINEAR.noise_std(t) ** 2
    x = normal(5, 3)
    off = x - LINEAR.alpha_bar(t) ** 0.5 * mean
    torch.testing.assert_close(eps(x, t), LINEAR.noise_std(t) / variance * off, rtol=1e-13, atol=1e-13)
    log_prob = -(off**2).sum(1) / (2 * variance) - 1.5 * math.log(2 * math.pi * variance)
    torch.testing.assert_close(eps.log_prob(x, t), log_prob, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [0.1, 0.5, 1.0])
def test_the_density_integrates_to_one(t):
    eps = toylab.exact_eps(flower(5, 24), LINEAR, 0.1)
    axis = torch.linspace(-8, 8, 401, dtype=torch.float64)
    grid = torch.cartesian_prod(axis, axis)
    assert (eps.log_prob(grid, t).exp().sum() * (axis[1] - axis[0]) ** 2).item() == pytest.approx(1, abs=1e-9)


def test_the_mean_of_eps_squared_under_the_forward_process_is_at_most_one_a_dimension():
    eps = toylab.exact_eps(flower(5), LINEAR)
    for t in (0.05, 0.5):
        x = forward(eps.points, LINEAR, t, 4000)
        assert (eps(x, t) ** 2).mean() < 1.03


@pytest.mark.parametrize("shape", [(1,), (2,), (3, 4), (1, 5, 5), (3, 8, 8)])
def test_any_shape_gives_eps_like_x_and_equals_its_flat_twin(shape):
    points = normal(7, *shape, seed=3)
    x = normal(4, *shape, seed=4)
    eps, flat = toylab.exact_eps(points, LINEAR), toylab.exact_eps(points.flatten(1), LINEAR)
    out = eps(x, 0.2)
    assert out.shape == x.shape and out.dtype == x.dtype
    torch.testing.assert_close(out.flatten(1), flat(x.flatten(1), 0.2), rtol=0, atol=0)
    assert eps.log_prob(x, 0.2).shape == (4,)


@pytest.mark.parametrize("dimension", [2, 40])
def test_a_time_for_each_particle_equals_one_call_a_particle(dimension):
    eps = toylab.exact_eps(normal(9, dimension, seed=1), LINEAR, 0.1)
    x, t = normal(5, dimension), torch.tensor([0.01, 0.2, 0.5, 0.8, 1.0])
    for function in (eps, eps.log_prob):
        together = function(x, t)
        for i in range(5):
            torch.testing.assert_close(together[i], function(x[i : i + 1], t[i].item())[0], rtol=1e-6, atol=1e-6)
            torch.testing.assert_close(together[i], function(x[i : i + 1], t[i])[0], rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [0.3, torch.tensor(0.3), torch.tensor(0.3).double(), torch.full((5,), 0.3)])
def test_t_may_be_a_float_a_scalar_tensor_or_a_batch(t):
    eps = toylab.exact_eps(flower(5), LINEAR)
    torch.testing.assert_close(eps(normal(5, 2), t), eps(normal(5, 2), 0.3), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("dimension", [2, 40])
@pytest.mark.parametrize("chunk", [1, 64, 100, 1000])
def test_chunks_change_nothing(monkeypatch, dimension, chunk):
    eps = toylab.exact_eps(normal(30, dimension, seed=1), LINEAR)
    x, t = normal(17, dimension), torch.linspace(0.01, 1, 17)
    whole, density = eps(x, t), eps.log_prob(x, t)
    monkeypatch.setattr(exact, "CHUNK", chunk)
    torch.testing.assert_close(eps(x, t), whole, rtol=1e-12, atol=1e-12)
    torch.testing.assert_close(eps.log_prob(x, t), density, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("t", [1e-3, 0.1, 0.9])
def test_the_matrix_product_of_high_dimensions_equals_the_direct_sum(monkeypatch, t):
    points = normal(50, 64, seed=1)
    eps = toylab.exact_eps(points, LINEAR)
    x = forward(points, LINEAR, t, 20)
    product = eps(x, t), eps.log_prob(x, t)
    monkeypatch.setattr(exact, "DIRECT", 64)
    torch.testing.assert_close(product[0], eps(x, t), rtol=1e-10, atol=1e-10)
    torch.testing.assert_close(product[1], eps.log_prob(x, t), rtol=1e-9, atol=1e-7)


@pytest.mark.parametrize("dimension", [2, 64])
@pytest.mark.parametrize("t", [1e-3, 0.05, 0.5, 1.0])
def test_float32_agrees_with_float64_to_float32_s_own_accuracy(dimension, t):
    points = normal(40, dimension, seed=1)
    x = forward(points, LINEAR, t, 30).float()
    eps = toylab.exact_eps(points, LINEAR)
    single = eps(x, t)
    assert single.dtype == torch.float32
    noise = LINEAR.noise_std(t)
    torch.testing.assert_close(single.double(), eps(x.double(), t), rtol=2e-6, atol=5e-6 / noise)


def test_the_state_decides_the_dtype_and_the_points_the_start_noise_s():
    single, double = flower(3).float(), flower(3)
    assert toylab.exact_eps(single, LINEAR)(normal(2, 2), 0.5).dtype == torch.float64
    assert toylab.sample(toylab.exact_eps(single, LINEAR), LINEAR, steps=1, n=2).x.dtype == torch.float32
    assert toylab.sample(toylab.exact_eps(double, LINEAR), LINEAR, steps=1, n=2).x.dtype == torch.float64


@pytest.mark.parametrize("t", [1e-6, 1e-5, 1e-4])
def test_eps_near_time_zero_is_that_of_the_nearest_point(t):
    points = flower(5, 12)
    x = forward(points, LINEAR, t, 12)
    nearest = points[torch.cdist(x, points).argmin(1)]
    expected = (x - LINEAR.alpha_bar(t) ** 0.5 * nearest) / LINEAR.noise_std(t)
    torch.testing.assert_close(toylab.exact_eps(points, LINEAR)(x, t), expected, rtol=1e-11, atol=1e-11)


def test_far_from_every_point_the_weights_do_not_underflow():
    eps = toylab.exact_eps(flower(5), LINEAR)
    out = eps(torch.full((1, 2), 1e4, dtype=torch.float64), 1e-3)
    assert out.isfinite().all() and out.norm() > 1e5


def test_at_time_zero_a_spread_makes_eps_finite():
    assert (toylab.exact_eps(flower(5), LINEAR, 0.1)(normal(3, 2), 0.0) == 0).all()


def test_duplicated_points_weigh_double():
    two, three = torch.tensor([[0.0], [1.0]]).double(), torch.tensor([[0.0], [1.0], [1.0]]).double()
    x = normal(5, 1)
    t, share = 0.3, LINEAR.alpha_bar(0.3)
    ratio = torch.exp(-((x - share**0.5) ** 2 - x**2) / (2 * (1 - share)))
    for points, weight in ((two, 1), (three, 2)):
        mean = weight * ratio / (1 + weight * ratio)
        expected = (x - share**0.5 * mean) / (1 - share) ** 0.5
        torch.testing.assert_close(toylab.exact_eps(points, LINEAR)(x, t), expected, rtol=1e-12, atol=1e-12)


def test_rotating_points_and_particles_rotates_eps():
    turn = torch.tensor([[math.cos(1), -math.sin(1)], [math.sin(1), math.cos(1)]], dtype=torch.float64)
    x = normal(6, 2)
    turned = toylab.exact_eps(flower(5) @ turn, LINEAR)(x @ turn, 0.3)
    torch.testing.assert_close(turned, toylab.exact_eps(flower(5), LINEAR)(x, 0.3) @ turn, rtol=1e-12, atol=1e-12)


def test_an_empty_batch_gives_an_empty_eps():
    assert toylab.exact_eps(flower(5), LINEAR)(torch.zeros(0, 2), 0.5).shape == (0, 2)


def test_a_schedule_s_name_is_as_good_as_the_schedule():
    x = normal(3, 2)
    assert torch.equal(toylab.exact_eps(flower(5), "linear")(x, 0.3), toylab.exact_eps(flower(5), LINEAR)(x, 0.3))


MEMORY = """
import resource, sys, torch, toylab
shape, dtype, particles = eval(sys.argv[1]), getattr(torch, sys.argv[2]), int(sys.argv[3])
eps = toylab.exact_eps(torch.randn(50_000, *shape, dtype=dtype), "linear")
assert eps(torch.randn(particles, *shape, dtype=dtype), 0.5).isfinite().all()
unit = 1 if sys.platform == "darwin" else 1024
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 2**30)
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "shape, dtype, particles",
    [("(2,)", "float64", 512), ("(16,)", "float64", 512), ("(3, 32, 32)", "float32", 180)],  # 180: two chunks
)
def test_fifty_thousand_points_and_512_particles_stay_under_2_gib(shape, dtype, particles):
    # Peak resident memory of the whole process, points and torch included. A limit on the address space
    # (RLIMIT_AS) would count what torch maps and never touches.
    command = [sys.executable, "-c", MEMORY, shape, dtype, str(particles)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) < 2


@pytest.mark.parametrize("t", [0.02, 0.3, 0.7, 1.0])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_differs_from_float32_by_one_rounding(dtype, t):
    """Near the data, squared distances in proportion to the variance are far above the largest float16."""
    eps = toylab.exact_eps(flower(50).float(), LINEAR)
    x = torch.randn(64, 2, generator=torch.Generator().manual_seed(0)).to(dtype)
    assert torch.equal(eps(x, t), eps(x.float(), t).to(dtype))
    assert torch.equal(eps.log_prob(x, t), eps.log_prob(x.float(), t))


@pytest.mark.parametrize("t", [7.0, -0.5, 1.5, math.nan])
def test_t_outside_its_domain_is_named(t):
    eps = toylab.exact_eps(flower(50).float(), LINEAR, spread=0.1)
    for ask in (eps, eps.log_prob):
        with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got"):
            ask(torch.zeros(3, 2), t)


def test_a_spread_whose_square_is_no_number_is_named():
    with pytest.raises(ValueError, match=r"spread must be a finite number in \[0, 1e\+06\], got 1e\+308"):
        toylab.exact_eps(flower(50), LINEAR, spread=1e308)


@pytest.mark.parametrize(("dtype", "below"), [(torch.float32, 1e-19), (torch.float64, 1e-154)])
def test_times_so_early_that_numbers_run_out_are_named_and_all_later_ones_are_finite(dtype, below):
    eps = toylab.exact_eps(flower(5).to(dtype), LINEAR)
    x = normal(4, 2, seed=0).to(dtype)
    for ask in (eps, eps.log_prob):
        for t in (0.0, 1e-308, below):
            with pytest.raises(ValueError, match="t must be greater than 0 where spread is 0"):
                ask(x, t)
        assert ask(x, 20 * below).isfinite().all()


def test_a_tiny_spread_is_named_at_the_end_of_time():
    eps = toylab.exact_eps(flower(5), LINEAR, spread=1e-160)
    with pytest.raises(ValueError, match="t must be greater than 0 .* got t = 0 with spread 1e-160"):
        eps(torch.ones(2, 2, dtype=torch.float64), 0.0)
