"""DDPM and DDIM with eta against their papers' formulas and statistics; the adaptive probability flow."""

import math
from itertools import pairwise

import pytest
import torch
from problems import ancestral_noise, flower, normal, numpy_eps, numpy_schedule, reference
from scipy.integrate import solve_ivp

import toylab

LINEAR = toylab.schedules.get("linear")
POINTS = flower(5, 24)
EPS = toylab.exact_eps(POINTS, LINEAR, 0.1)


# DDPM and DDIM with eta


TIMES = [0.95, 0.8, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05]


def ddpm_step(a, b, x, eps, z, variance):
    """Ho et al. 2020, eq. 6, 7 and algorithm 2, with alpha = alpha_bar_t / alpha_bar_s of a coarser step."""
    alpha, x0 = a / b, (x - (1 - a) ** 0.5 * eps) / a**0.5
    mean = b**0.5 * (1 - alpha) / (1 - a) * x0 + alpha**0.5 * (1 - b) / (1 - a) * x
    small = (1 - b) / (1 - a) * (1 - alpha)
    return mean + (small if variance == "small" else 1 - alpha) ** 0.5 * z


@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("method, eta", [("DDPM", 0), ("DDIM", 1)])
def test_eta_one_is_ddpm_s_posterior_step_with_either_variance(method, eta, variance):
    x = normal(16, 2)
    run = toylab.sample(EPS, LINEAR, method, eta=eta, variance=variance, x_T=x, times=TIMES)
    noise = ancestral_noise(toylab.sample, x, len(TIMES) - 1)
    for i, (t, s) in enumerate(pairwise(TIMES)):
        x = ddpm_step(LINEAR.alpha_bar(t), LINEAR.alpha_bar(s), x, EPS(x, t), noise[i], variance)
        torch.testing.assert_close(run.states[i + 1], x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.2, 0.5, 0.9])
def test_ddim_with_eta_is_equation_12_of_its_paper(eta):
    x = normal(16, 2)
    run = toylab.sample(EPS, LINEAR, "DDIM", eta=eta, x_T=x, times=TIMES)
    noise = ancestral_noise(toylab.sample, x, len(TIMES) - 1)
    for i, (t, s) in enumerate(pairwise(TIMES)):
        a, b, e = LINEAR.alpha_bar(t), LINEAR.alpha_bar(s), EPS(x, t)
        std = eta * math.sqrt((1 - b) / (1 - a)) * math.sqrt(1 - a / b)
        x = b**0.5 * (x - (1 - a) ** 0.5 * e) / a**0.5 + (1 - b - std**2) ** 0.5 * e + std * noise[i]
        torch.testing.assert_close(run.states[i + 1], x, rtol=0, atol=1e-12)


def test_eta_zero_is_ddim_and_draws_nothing():
    one = toylab.sample(EPS, LINEAR, "DDIM", eta=0.0, n=8)
    tiny = toylab.sample(EPS, LINEAR, "DDIM", eta=1e-12, n=8)
    torch.testing.assert_close(one.x, tiny.x, rtol=0, atol=1e-9)


def test_every_eta_draws_the_same_noise_for_the_same_seed():
    x = torch.zeros(4, 2, dtype=torch.float64)
    half, full = (
        toylab.sample(lambda x, t: 0 * x, LINEAR, "DDIM", eta=eta, x_T=x, times=[0.5, 0.3]).x for eta in (0.5, 1)
    )
    torch.testing.assert_close(2 * half, full, rtol=1e-12, atol=0)


@pytest.mark.parametrize("variance", ["small", "large"])
def test_one_ddpm_step_has_the_mean_and_the_variance_of_its_formula(variance):
    n, t, s = 40_000, 0.5, 0.3
    x, e = torch.tensor([[0.8, -1.2]]).double().expand(n, 2), torch.tensor([[0.5, 0.1]]).double()
    run = toylab.sample(lambda x, t: e.expand_as(x), LINEAR, "DDPM", variance=variance, x_T=x, times=[t, s])
    a, b = LINEAR.alpha_bar(t), LINEAR.alpha_bar(s)
    mean = ddpm_step(a, b, x[:1], e, 0, variance)
    std = (1 - a / b) ** 0.5 * (((1 - b) / (1 - a)) ** 0.5 if variance == "small" else 1)
    assert (run.x.mean(0) - mean).abs().max() < 5 * std / math.sqrt(n)
    assert (run.x.std(0) / std - 1).abs().max() < 5 / math.sqrt(2 * n)


@pytest.mark.parametrize("variance", ["small", "large"])
def test_the_last_step_to_time_zero_adds_no_noise(variance):
    runs = [
        toylab.sample(EPS, LINEAR, "DDPM", times=[0.5, 0.0], x_T=normal(8, 2), seed=seed, variance=variance)
        for seed in (1, 2)
    ]
    assert torch.equal(runs[0].x, runs[1].x)


@pytest.mark.parametrize("eta", [0.3, 1.0])
def test_on_gaussian_data_the_marginals_of_ddim_with_eta_follow_their_recursion(eta):
    n, mean, spread = 40_000, torch.tensor([[0.6, -0.3]], dtype=torch.float64), 0.5
    eps = toylab.exact_eps(mean, LINEAR, spread)
    run = toylab.sample(eps, LINEAR, "DDIM", eta=eta, n=n, steps=12)
    centre, var = torch.zeros(1, 2, dtype=torch.float64), 1.0
    for i, (t, s) in enumerate(pairwise(run.times.tolist())):
        a, b = LINEAR.alpha_bar(t), LINEAR.alpha_bar(s)
        gain = (1 - a) ** 0.5 / (a * spread**2 + 1 - a)  # eps = gain (x - sqrt(a) mean)
        std = eta * ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5
        pull = (1 - b - std**2) ** 0.5 - (b / a) ** 0.5 * (1 - a) ** 0.5
        factor = (b / a) ** 0.5 + pull * gain
        centre = factor * centre - pull * gain * a**0.5 * mean
        var = factor**2 * var + std**2
        assert (run.states[i + 1].mean(0) - centre).abs().max() < 5 * math.sqrt(var / n)
        assert (run.states[i + 1].std(0) / math.sqrt(var) - 1).abs().max() < 5 / math.sqrt(2 * n)


@pytest.mark.slow
def test_ddpm_with_exact_eps_ends_at_the_data_s_mean_and_std():
    mean, spread, n = torch.tensor([[0.6, -0.3]], dtype=torch.float64), 0.5, 4000
    x = toylab.sample(toylab.exact_eps(mean, LINEAR, spread), LINEAR, "DDPM", n=n, steps=500, record=False).x
    assert (x.mean(0) - mean).abs().max() < 5 * spread / math.sqrt(n) + 0.01
    assert (x.std(0) - spread).abs().max() < 5 * spread / math.sqrt(2 * n) + 0.01


# the adaptive probability flow


@pytest.mark.slow
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_the_probability_flow_at_tight_tolerances_is_dop853(name):
    schedule = toylab.schedules.get(name)
    eps, x = toylab.exact_eps(POINTS, schedule, 0.1), normal(6, 2)
    run = toylab.sample(eps, schedule, "PF", steps=3, x_T=x, t_end=0.1, rtol=1e-10, atol=1e-10)
    for state, t in zip(run.states[1:], run.times.tolist()[1:], strict=True):
        expected = reference(eps, schedule, x, schedule.t_max, t)
        torch.testing.assert_close(state, expected, rtol=0, atol=2e-8)


@pytest.mark.parametrize("rtol, atol", [(1e-3, 1e-8), (1e-8, 1e-3)])
def test_the_probability_flow_is_scipy_s_rk45_on_the_paper_s_equation(rtol, atol):
    alpha_bar, derivative = numpy_schedule("linear")
    eps, x = numpy_eps(POINTS, alpha_bar, 0.1), normal(6, 2)

    def slope(t, flat):
        state, a = flat.reshape(6, 2), alpha_bar(t)
        return (derivative(t) / (2 * a) * (state - eps(state, t) / (1 - a) ** 0.5)).ravel()

    expected = solve_ivp(slope, (1.0, 0.1), x.numpy().ravel(), method="RK45", rtol=rtol, atol=atol)
    run = toylab.sample(EPS, LINEAR, "PF", x_T=x, t_end=0.1, rtol=rtol, atol=atol)
    assert run.nfe == expected.nfev
    torch.testing.assert_close(run.x.flatten(), torch.from_numpy(expected.y[:, -1]), rtol=0, atol=1e-10)


def test_a_tighter_tolerance_costs_more_evaluations_and_errs_less():
    x = normal(6, 2)
    exact = reference(EPS, LINEAR, x, 1.0, 0.1)
    runs = [toylab.sample(EPS, LINEAR, "PF", x_T=x, t_end=0.1, rtol=r, atol=r) for r in (1e-3, 1e-6, 1e-9)]
    errors = [(run.x - exact).abs().max().item() for run in runs]
    assert runs[0].nfe < runs[1].nfe < runs[2].nfe
    assert errors[0] > 10 * errors[1] > 100 * errors[2]


def test_reporting_nodes_do_not_change_where_the_probability_flow_ends():
    one, two = (toylab.sample(EPS, LINEAR, "PF", steps=steps, n=4) for steps in (1, 13))
    assert torch.equal(one.x, two.x) and one.nfe == two.nfe


def test_ddim_built_by_its_parts_takes_eta_like_ddim_by_name():
    built = toylab.method("euler", "pseudo", weights="exact")
    by_name, by_parts = (toylab.sample(lambda x, t: x / 2, "linear", m, 4, n=3, eta=0.5) for m in ("DDIM", built))
    assert torch.equal(by_name.x, by_parts.x)
