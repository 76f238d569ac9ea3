"""The two transfer parts and the identities between them (Liu et al. 2022)."""

import math

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import CLASSICAL, PSEUDO, SCHEDULES, alpha_bar, flower, gaussian_flow, normal, reference, sigma

import toylab
from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.transfers import TRANSFERS, Classical, Pseudo
from toylab.samplers.weights import ADAMS_BASHFORTH, adams_weights

LINEAR = toylab.schedules.get("linear")
names = st.sampled_from(SCHEDULES)
times = st.floats(1e-3, 0.99)
values = st.floats(-10, 10)
every_schedule = pytest.mark.parametrize("schedule", [toylab.schedules.get(n) for n in SCHEDULES], ids=SCHEDULES)


def phi(schedule, x, eps, t, s):
    t, s = torch.tensor(t, dtype=torch.float64), torch.tensor(s, dtype=torch.float64)
    return Pseudo.move(schedule, x, eps, t, s)


def size(name, x, eps, t, s):
    """The natural magnitude of phi, by which its round-off is judged."""
    return max(1, float(mpmath.sqrt(alpha_bar(name, s) / alpha_bar(name, t)))) * (abs(x) + abs(eps)) + 1e-290


# phi


@given(name=names, t=times, s=times, x=values, eps=values)
def test_phi_is_the_paper_s_formula(name, t, s, x, eps):
    a, b = alpha_bar(name, t), alpha_bar(name, s)
    paper = mpmath.sqrt(b / a) * x - (b - a) / (
        mpmath.sqrt(a) * (mpmath.sqrt((1 - b) * a) + mpmath.sqrt((1 - a) * b))
    ) * eps  # fmt: skip
    assert abs(phi(toylab.schedules.get(name), x, eps, t, s) - float(paper)) <= 3e-15 * size(name, x, eps, t, s)


@given(name=names, t=times, s=times, x=values, eps=values)
def test_phi_noises_the_predicted_x0_anew(name, t, s, x, eps):
    a, b = alpha_bar(name, t), alpha_bar(name, s)
    x0 = (x - mpmath.sqrt(1 - a) * eps) / mpmath.sqrt(a)
    expected = mpmath.sqrt(b) * x0 + mpmath.sqrt(1 - b) * eps
    assert abs(phi(toylab.schedules.get(name), x, eps, t, s) - float(expected)) <= 3e-15 * size(name, x, eps, t, s)


@given(name=names, t=times, s=times, x=values, eps=values)
def test_phi_is_one_euler_step_in_y_and_sigma(name, t, s, x, eps):
    y = x / mpmath.sqrt(alpha_bar(name, t)) + (sigma(name, s) - sigma(name, t)) * eps
    expected = float(mpmath.sqrt(alpha_bar(name, s)) * y)
    assert abs(phi(toylab.schedules.get(name), x, eps, t, s) - expected) <= 3e-15 * size(name, x, eps, t, s)


@given(name=names, t=times, x=values, eps=values)
def test_phi_to_the_same_time_changes_nothing(name, t, x, eps):
    assert phi(toylab.schedules.get(name), x, eps, t, t) == x


@given(name=names, t=times, u=times, s=times, x=values, eps=values)
def test_two_phis_with_one_eps_are_one(name, t, u, s, x, eps):
    schedule = toylab.schedules.get(name)
    two = phi(schedule, phi(schedule, x, eps, t, u), eps, u, s)
    between = size(name, x, eps, t, u)
    largest = max(size(name, x, eps, t, s), size(name, between, eps, u, s))
    assert abs(two - phi(schedule, x, eps, t, s)) <= 4e-15 * largest


@given(name=names, t=times, s=times, x=values, eps=values)
def test_phi_back_with_the_same_eps_is_the_inverse(name, t, s, x, eps):
    schedule = toylab.schedules.get(name)
    back = phi(schedule, phi(schedule, x, eps, t, s), eps, s, t)
    assert abs(back - x) <= 4e-15 * size(name, size(name, x, eps, t, s), eps, s, t)


@given(name=names, t=times, s=times, a=values, b=values, c=values)
def test_phi_is_linear_in_state_and_eps(name, t, s, a, b, c):
    schedule = toylab.schedules.get(name)
    x, e = normal(2, 3, seed=1)
    y, f = normal(2, 3, seed=2)
    whole = phi(schedule, a * x + b * y, a * e + b * f, t, s)
    parts = a * phi(schedule, x, e, t, s) + b * phi(schedule, y, f, t, s)
    assert (whole - parts).abs().max() <= 4e-15 * size(name, (abs(a) + abs(b)) * 4, 0, t, s)


# dx/dt


@given(name=names, t=times, x=values, eps=values)
def test_the_slope_is_the_paper_s_equation(name, t, x, eps):
    schedule = toylab.schedules.get(name)
    a = alpha_bar(name, t)
    derivative = mpmath.diff(lambda u: alpha_bar(name, u), t) if name == "cosine" else -schedule.beta(t) * a
    paper = derivative / (2 * a) * (x - eps / mpmath.sqrt(1 - a))
    got = Classical.slope(schedule, x, eps, torch.tensor(t, dtype=torch.float64))
    largest = abs(derivative / (2 * a)) * (abs(x) + abs(eps) / mpmath.sqrt(1 - a))
    assert abs(got - float(paper)) <= 4e-15 * float(largest) + 1e-290


@every_schedule
@pytest.mark.parametrize("t", [0.01, 0.3, 0.97])
def test_the_slope_is_the_drift_of_the_probability_flow(schedule, t):
    # Song et al. 2021: dx/dt = f - g^2 score / 2 with f = -beta x / 2, g^2 = beta
    eps = toylab.exact_eps(flower(5), schedule, 0.1)
    x = normal(8, 2).requires_grad_()
    (score,) = torch.autograd.grad(eps.log_prob(x, t).sum(), x)
    x = x.detach()
    drift = -schedule.beta(t) / 2 * (x + score)
    got = Classical.slope(schedule, x, eps(x, t), torch.tensor(t, dtype=torch.float64))
    torch.testing.assert_close(
        got,
        drift,
        rtol=0,
        atol=1e-14 * schedule.beta(t) * eps(x, t).abs().max().item() / schedule.noise_std(t),
    )


@every_schedule
@given(t=st.floats(1e-2, 0.97))
def test_phi_leaves_t_with_the_slope_of_the_classical_transfer(schedule, t):
    t = torch.tensor(t, dtype=torch.float64)
    x, eps = normal(2, 4)
    _, slope = torch.func.jvp(lambda s: Pseudo.move(schedule, x, eps, t, s), (t,), (torch.ones_like(t),))
    expected = Classical.slope(schedule, x, eps, t)
    torch.testing.assert_close(slope, expected, rtol=1e-12, atol=1e-13 * expected.abs().max().item())


@every_schedule
@given(t=st.floats(0, 0.99))
def test_standard_normal_data_does_not_drift(schedule, t):
    eps = toylab.exact_eps(torch.zeros(1, 2, dtype=torch.float64), schedule, 1.0)
    x, t = normal(6, 2), torch.tensor(max(t, 1e-4), dtype=torch.float64)
    scale = schedule.beta(t) / 2 * x.abs().max()
    assert Classical.slope(schedule, x, eps(x, t), t).abs().max() <= 1e-15 * scale


def test_the_clock_of_a_transfer_is_what_its_moves_are_straight_in():
    t = torch.tensor(0.4, dtype=torch.float64)
    assert Classical.clock(LINEAR, t) == t
    assert Pseudo.clock(LINEAR, t) == LINEAR.sigma(t)
    assert {"classical", "pseudo"} <= set(TRANSFERS)


# Adams-Bashforth weights


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_adams_weights_on_equispaced_nodes_equal_the_table(k):
    nodes = [0.7 + 0.1 * i for i in range(k)]
    np.testing.assert_allclose(adams_weights(nodes, 0.6), ADAMS_BASHFORTH[k], rtol=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 4])
def test_the_table_averages_polynomials_exactly(k):
    for power in range(k):
        average = sum(w * float(i) ** power for i, w in zip(range(0, -k, -1), ADAMS_BASHFORTH[k], strict=True))
        assert average == pytest.approx(1 / (power + 1), abs=1e-14)  # of u^power over [0, 1]


@given(
    gaps=st.lists(st.floats(0.05, 1), min_size=4, max_size=4),
    cubic=st.lists(values, min_size=4, max_size=4),
)
def test_adams_weights_average_cubics_exactly_on_any_nodes(gaps, cubic):
    polynomial = np.polynomial.Polynomial(cubic)
    nodes = np.cumsum([0.0, *gaps])  # nodes[0] is the end, then newest to oldest
    weights = adams_weights(nodes[1:], nodes[0])
    integral = polynomial.integ()
    exact = (integral(nodes[0]) - integral(nodes[1])) / (nodes[0] - nodes[1])
    magnitude = np.abs(weights) @ np.polynomial.Polynomial(np.abs(cubic))(nodes[1:])
    assert weights.sum() == pytest.approx(1, abs=1e-11 * np.abs(weights).sum())
    assert weights @ polynomial(nodes[1:]) == pytest.approx(exact, abs=1e-11 * (1 + magnitude))


def test_runge_kutta_tables_are_consistent():
    for gradient in GRADIENTS.values():
        if gradient.tableau:
            assert sum(gradient.tableau.b) == pytest.approx(1, abs=1e-15)
            assert [sum(row) for row in gradient.tableau.a] == list(gradient.tableau.c)


# whole samplers


@pytest.mark.parametrize("method", PSEUDO)
@pytest.mark.parametrize("steps", [10, 20, 50])
def test_with_one_data_point_every_pseudo_method_is_exact(method, steps):
    bound = {"DDIM": 4e-15, "PIE": 3e-13, "PRK": 3e-13}.get(method, 6e-12)
    point = torch.tensor([[0.7, -0.4]], dtype=torch.float64)
    x = normal(16, 2)
    run = toylab.sample(toylab.exact_eps(point, LINEAR), LINEAR, method, steps=steps, x_T=x)
    exact = gaussian_flow(LINEAR, point, 0.0, x, LINEAR.t_max, LINEAR.t_min)
    assert (run.x - exact).abs().max() <= bound


@given(t=st.floats(0.002, 1), s=st.floats(1e-3, 0.99), x=values)
def test_one_phi_of_any_length_is_exact_with_one_data_point(t, s, x):
    point = torch.tensor([[0.7]], dtype=torch.float64)
    state = torch.tensor([[x]], dtype=torch.float64)
    eps = toylab.exact_eps(point, LINEAR)(state, t)
    exact = gaussian_flow(LINEAR, point, 0.0, state, t, s)
    assert abs(phi(LINEAR, state, eps, t, s) - exact).item() <= 3e-15 * (1 + size("linear", x, eps.item(), t, s))


@pytest.mark.parametrize("method", PSEUDO)
@pytest.mark.parametrize("name", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("steps", [1, 3, 10])
def test_with_constant_eps_every_pseudo_method_is_one_ddim_step(method, name, steps):
    schedule, x, direction = toylab.schedules.get(name), normal(8, 2), normal(8, 2, seed=1)
    run = toylab.sample(lambda x, t: direction, schedule, method, steps=steps, x_T=x)
    once = toylab.sample(lambda x, t: direction, schedule, "DDIM", steps=1, x_T=x)
    torch.testing.assert_close(run.x, once.x, rtol=0, atol=1e-15 * once.x.abs().max().item() * 8)


@pytest.mark.parametrize("method", CLASSICAL + PSEUDO)
def test_rotating_the_data_and_the_noise_rotates_the_samples(method):
    turn = torch.tensor([[math.cos(2), -math.sin(2)], [math.sin(2), math.cos(2)]], dtype=torch.float64)
    x, points = normal(8, 2), flower(5)
    one = toylab.sample(toylab.exact_eps(points, LINEAR), LINEAR, method, x_T=x, t_end=0.1)
    two = toylab.sample(toylab.exact_eps(points @ turn, LINEAR), LINEAR, method, x_T=x @ turn, t_end=0.1)
    torch.testing.assert_close(two.x, one.x @ turn, rtol=0, atol=1e-12 * one.states.abs().max().item())


@pytest.mark.parametrize("spread", [0.1, 1.5])
@pytest.mark.parametrize("name", ["linear", "cosine", "constant"])
def test_the_gaussian_s_closed_form_equals_dop853(name, spread):
    schedule = toylab.schedules.get(name)
    mean, x = torch.tensor([[0.3, -0.8]], dtype=torch.float64), normal(8, 2)
    eps = toylab.exact_eps(mean, schedule, spread)
    closed = gaussian_flow(schedule, mean, spread, x, schedule.t_max, 1e-3)
    found = reference(eps, schedule, x, schedule.t_max, 1e-3)
    assert (found - closed).abs().max() <= 1e-13 * closed.abs().max()
