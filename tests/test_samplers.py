"""Whole samplers: evaluations, nodes, bits, textbook loops, statistics, orders, demonstrations."""

import functools
import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import Stack, flower, gaussian_flow, normal, numpy_eps, numpy_schedule, reference

import toylab
from toylab.samplers import registry
from toylab.samplers.gradients import GRADIENTS

CLASSICAL = ("Euler", "Heun", "RK4", "AB2", "AB4")
PSEUDO = ("DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS")
PAIRS = CLASSICAL + PSEUDO
METHODS = (*PAIRS, "DDPM", "PF")
SPACINGS = ("t", "sigma", "logsnr", "karras", "quad")
LINEAR = toylab.schedules.get("linear")
POINTS = flower(5, 24)
EPS = toylab.exact_eps(POINTS, LINEAR, 0.1)

every_method = pytest.mark.parametrize("method", METHODS)


class Counter:
    """An eps that counts its calls and keeps their times."""

    def __init__(self, eps):
        self.eps, self.times = eps, []

    def __call__(self, x, t):
        self.times.append(float(t))
        return self.eps(x, t)


# evaluations and nodes


def evaluations(method, steps):
    """The evaluations of each step, from the table of the paper."""
    if method in ("Heun", "PIE"):
        return [2] * steps
    if method in ("RK4", "PRK"):
        return [4] * steps
    warm_up = {"AB2": [2], "S-PNDM": [2], "AB4": [4] * 3, "F-PNDM": [4] * 3}.get(method, [])
    return (warm_up + [1] * steps)[:steps]


@pytest.mark.parametrize("steps", range(1, 13))
@pytest.mark.parametrize("method", [name for name in METHODS if name != "PF"])
def test_n_steps_have_n_plus_one_nodes_and_the_evaluations_of_the_table(method, steps):
    eps = Counter(EPS)
    run = toylab.sample(eps, LINEAR, method, steps=steps, n=3)
    assert run.nfe_per_step == evaluations(method, steps)
    assert run.nfe == len(eps.times) == sum(run.nfe_per_step)
    assert run.times.shape == (steps + 1,) and run.states.shape == (steps + 1, 3, 2)
    assert run.steps == steps


def test_the_totals_are_those_of_the_paper():
    def nfe(method, steps):
        return toylab.sample(EPS, LINEAR, method, steps=steps, n=1).nfe

    for steps in (4, 10, 20):
        assert [nfe(m, steps) - steps for m in ("DDIM", "PLMS", "S-PNDM", "F-PNDM", "AB4")] == [0, 0, 1, 9, 9]
    for steps in (1, 2, 3):
        assert nfe("F-PNDM", steps) == 4 * steps


def test_short_runs_of_f_pndm_are_prk_and_useless():
    for steps in (1, 2, 3):
        short = toylab.sample(toylab.exact_eps(POINTS, LINEAR), LINEAR, "F-PNDM", steps=steps, n=64)
        prk = toylab.sample(toylab.exact_eps(POINTS, LINEAR), LINEAR, "PRK", steps=steps, n=64)
        assert torch.equal(short.x, prk.x)


def test_the_probability_flow_counts_every_evaluation_of_the_adaptive_solver():
    eps = Counter(EPS)
    run = toylab.sample(eps, LINEAR, "PF", steps=5, n=4)
    assert run.nfe == len(eps.times) == sum(run.nfe_per_step) and len(run.nfe_per_step) == 5
    assert run.nfe % 6 == 2  # one at the start, one to choose the first step, six a step of RK45


@every_method
def test_steps_evaluate_within_their_own_interval(method):
    eps = Counter(EPS)
    run = toylab.sample(eps, LINEAR, method, steps=6, n=2)
    assert min(eps.times) >= run.times[-1] and max(eps.times) <= run.times[0]
    if method != "PF":  # its steps are its own
        times = iter(eps.times)
        for (t, s), count in zip(pairwise(run.times.tolist()), run.nfe_per_step, strict=True):
            stages = [next(times) for _ in range(count)]
            assert stages[0] == t and all(s <= u <= t for u in stages)


@pytest.mark.parametrize("method", ["Euler", "AB4", "DDIM", "S-PNDM", "F-PNDM", "PLMS", "DDPM"])
def test_methods_that_never_evaluate_at_the_end_may_end_at_zero(method):
    run = toylab.sample(toylab.exact_eps(POINTS, LINEAR), LINEAR, method, steps=8, n=16, t_end=0)
    assert run.times[-1] == 0 and run.x.isfinite().all()


# states


@every_method
def test_the_first_state_is_the_start_and_the_last_is_the_result(method):
    x = normal(4, 2)
    run = toylab.sample(EPS, LINEAR, method, steps=5, x_T=x)
    assert torch.equal(run.states[0], x)
    assert torch.equal(run.states[-1], run.x)


@every_method
def test_unrecorded_runs_end_at_the_same_bits_and_keep_no_states(method):
    kept = toylab.sample(EPS, LINEAR, method, steps=5, n=4)
    run = toylab.sample(EPS, LINEAR, method, steps=5, n=4, record=False)
    assert run.states is None
    assert torch.equal(run.x, kept.x) and run.nfe_per_step == kept.nfe_per_step


@every_method
def test_iterate_yields_the_states_of_sample(method):
    run = toylab.sample(EPS, LINEAR, method, steps=5, n=4, seed=3)
    states = list(toylab.iterate(EPS, LINEAR, method, steps=5, n=4, seed=3))
    assert torch.equal(torch.stack(states), run.states)


def test_iterate_is_lazy():
    eps = Counter(EPS)
    states = toylab.iterate(eps, LINEAR, "DDIM", steps=5, n=4)
    next(states)
    assert len(eps.times) == 0
    next(states)
    assert len(eps.times) == 1


@every_method
def test_the_same_seed_gives_the_same_bits(method):
    one, two = (toylab.sample(EPS, LINEAR, method, steps=5, n=8, seed=5) for _ in range(2))
    assert torch.equal(one.states, two.states)


@every_method
def test_another_seed_gives_other_particles(method):
    one, two = (toylab.sample(EPS, LINEAR, method, steps=5, n=8, seed=seed) for seed in (5, 6))
    assert not torch.isclose(one.states[0], two.states[0]).any()


def test_the_start_noise_does_not_depend_on_the_method_or_the_grid():
    starts = [toylab.sample(EPS, LINEAR, method, steps=2, n=8, seed=5).states[0] for method in METHODS]
    starts += [toylab.sample(EPS, LINEAR, "DDIM", steps=7, n=8, seed=5, spacing="karras", t_end=0.1).states[0]]
    assert all(torch.equal(start, starts[0]) for start in starts)


def test_the_start_noise_is_the_same_in_single_and_double_precision():
    single = toylab.exact_eps(POINTS.float(), LINEAR)
    one, two = (toylab.sample(eps, LINEAR, "DDIM", steps=1, n=8).states[0] for eps in (single, EPS))
    assert one.dtype == torch.float32 and torch.equal(one, two.float())


def test_the_start_noise_is_standard_normal():
    start = toylab.sample(lambda x, t: 0 * x, LINEAR, "DDIM", steps=1, n=20_000, shape=(3, 2)).states[0]
    assert start.shape == (20_000, 3, 2)
    assert abs(start.mean()) < 5 / math.sqrt(start.numel())
    assert abs(start.std() - 1) < 5 / math.sqrt(2 * start.numel())
    assert np.abs(np.corrcoef(start.flatten(1).T.numpy()) - np.eye(6)).max() < 5 / math.sqrt(20_000)


def test_no_seed_draws_fresh_noise():
    one, two = (toylab.sample(EPS, LINEAR, "DDPM", steps=2, n=8, seed=None) for _ in range(2))
    assert not torch.isclose(one.states[0], two.states[0]).any()
    assert not torch.isclose(one.x, two.x).any()


def test_samplers_leave_the_global_generator_alone():
    before = torch.get_rng_state()
    for seed in (0, None):
        toylab.sample(EPS, LINEAR, "DDPM", steps=3, n=8, seed=seed)
    assert torch.equal(torch.get_rng_state(), before)


def test_ancestral_noise_is_fresh_at_every_step_and_not_the_start_noise():
    run = toylab.sample(lambda x, t: 0 * x, "constant", "DDPM", steps=3, n=5000)
    noise = posterior_noise(toylab.schedules.get("constant"), run.times, 5000, (2,), torch.float32)
    flat = torch.stack([run.states[0], *noise]).flatten(1)
    assert np.abs(np.corrcoef(flat.numpy()) - np.eye(4)).max() < 5 / math.sqrt(10_000)


@every_method
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_start_state_decides_the_dtype(method, dtype):
    x = normal(4, 2).to(dtype)
    run = toylab.sample(lambda x, t: EPS(x, t), LINEAR, method, steps=4, x_T=x)
    assert run.x.dtype == run.states.dtype == dtype
    assert run.times.dtype == torch.float64


@every_method
def test_the_start_state_is_left_as_it_was(method):
    x = normal(4, 2)
    toylab.sample(EPS, LINEAR, method, steps=4, x_T=x)
    assert torch.equal(x, normal(4, 2))


def test_a_plain_function_starts_in_the_default_dtype():
    assert toylab.sample(lambda x, t: 0 * x, LINEAR, steps=1, n=2).x.dtype == torch.float32


@pytest.mark.parametrize("method", PAIRS)
def test_float32_runs_follow_float64_ones(method):
    x = normal(16, 2).float()
    kept = {"steps": 20, "t_end": 0.2}
    single = toylab.sample(EPS, LINEAR, method, x_T=x, **kept)
    double = toylab.sample(EPS, LINEAR, method, x_T=x.double(), **kept)
    largest = double.states.abs().max()
    assert (single.x.double() - double.x).abs().max() < 2e-4 * largest


@pytest.mark.parametrize("method", PAIRS)
def test_any_shape_is_sampled(method):
    eps = toylab.exact_eps(normal(5, 1, 4, 4), LINEAR, 0.2)
    assert toylab.sample(eps, LINEAR, method, steps=4, n=3, shape=(1, 4, 4)).x.shape == (3, 1, 4, 4)


@pytest.mark.parametrize("method", PAIRS)
def test_particles_do_not_feel_each_other(method):
    x = normal(6, 2)
    together = toylab.sample(EPS, LINEAR, method, steps=6, x_T=x).x
    alone = torch.cat([toylab.sample(EPS, LINEAR, method, steps=6, x_T=row[None]).x for row in x])
    torch.testing.assert_close(together, alone, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("method", METHODS)
def test_times_override_steps_limits_and_spacing(method):
    nodes = [0.9, 0.7, 0.6, 0.2, 0.15]
    run = toylab.sample(EPS, LINEAR, method, steps=50, times=nodes, t_start=0.5, t_end=0.4, spacing="karras", n=2)
    assert run.times.tolist() == nodes and run.states.shape[0] == 5


@pytest.mark.parametrize("method", METHODS)
def test_the_grid_s_own_times_give_the_run_of_the_grid(method):
    run = toylab.sample(EPS, LINEAR, method, steps=6, n=3, spacing="quad")
    again = toylab.sample(EPS, LINEAR, method, times=run.times, n=3)
    assert torch.equal(run.states, again.states)


@pytest.mark.parametrize("spacing", SPACINGS)
@every_method
def test_every_spacing_runs_with_every_method_to_the_end(method, spacing):
    run = toylab.sample(EPS, LINEAR, method, steps=12, n=4, spacing=spacing, t_start=0.8, t_end=0.01)
    assert (run.times[0].item(), run.times[-1].item()) == (0.8, 0.01)
    assert len(run.nfe_per_step) == 12 and run.x.isfinite().all()


@pytest.mark.parametrize("name", toylab.schedules.names())
@every_method
def test_every_schedule_runs_with_every_method(method, name):
    run = toylab.sample(toylab.exact_eps(POINTS, name, 0.1), name, method, steps=20, n=4, t_end=0.05)
    assert run.x.isfinite().all() and run.method == method


# building methods


@pytest.mark.parametrize("gradient", GRADIENTS)
@pytest.mark.parametrize("transfer", ["classical", "pseudo"])
@pytest.mark.parametrize("midpoint", ["t", "sigma"])
@pytest.mark.parametrize("weights", ["equispaced", "exact"])
def test_every_pair_of_parts_runs(gradient, transfer, midpoint, weights):
    method = toylab.method(gradient=gradient, transfer=transfer, midpoint=midpoint, weights=weights)
    run = toylab.sample(EPS, LINEAR, method, steps=6, n=4, spacing="quad", t_end=0.05)
    assert run.x.isfinite().all()
    order = {"improved-euler": "Heun", "rk4": "RK4", "ab2": "AB2", "ab4": "AB4"}.get(gradient, "Euler")
    assert run.nfe_per_step == evaluations(order, 6)


@pytest.mark.parametrize(
    "gradient, transfer, name",
    [
        ("euler", "classical", "Euler"), ("improved-euler", "classical", "Heun"), ("rk4", "classical", "RK4"),
        ("ab2", "classical", "AB2"), ("ab4", "classical", "AB4"), ("euler", "pseudo", "DDIM"),
        ("improved-euler", "pseudo", "PIE"), ("rk4", "pseudo", "PRK"), ("ab2", "pseudo", "S-PNDM"),
        ("ab4", "pseudo", "F-PNDM"), ("plms", "pseudo", "PLMS"),
    ],
)  # fmt: skip
def test_the_paper_s_methods_are_pairs_of_parts(gradient, transfer, name):
    built = toylab.method(gradient=gradient, transfer=transfer)
    one, two = (toylab.sample(EPS, LINEAR, method, steps=6, n=4) for method in (built, name))
    assert one.method == two.method == name and torch.equal(one.states, two.states)


def test_the_method_list_holds_every_method_of_the_contract():
    assert set(METHODS) <= set(toylab.methods())


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("spell", [str.lower, str.upper, lambda name: name.replace("-", "_"), lambda name: name.replace("-", "")])
def test_names_are_found_whatever_their_case_and_hyphens(method, spell):
    assert toylab.sample(EPS, LINEAR, spell(method), steps=1, n=1).method == method


def test_fon_is_an_alias_of_ab4():
    assert toylab.sample(EPS, LINEAR, "fon", steps=4, n=1).method == "AB4"
    assert registry.aliases()["FON"] == "AB4"


def test_options_of_sample_are_those_of_method():
    built = toylab.method(gradient="rk4", transfer="pseudo", midpoint="sigma")
    one = toylab.sample(EPS, LINEAR, built, steps=6, n=4)
    two = toylab.sample(EPS, LINEAR, "PRK", midpoint="sigma", steps=6, n=4)
    assert torch.equal(one.x, two.x)


def test_the_midpoint_in_sigma_is_halfway_in_sigma():
    eps = Counter(EPS)
    toylab.sample(eps, LINEAR, "PRK", midpoint="sigma", times=[0.8, 0.3], n=1)
    assert eps.times[1] == eps.times[2]
    assert LINEAR.sigma(eps.times[1]) == pytest.approx((LINEAR.sigma(0.8) + LINEAR.sigma(0.3)) / 2, rel=1e-12)


# textbook loops, on numpy alone


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
                basis = np.polynomial.Polynomial.fromroots(others) / np.prod(nodes[i] - others)
                integral = basis.integ()
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


# DDPM and DDIM with eta


def posterior_noise(schedule, times, n, shape, dtype=torch.float64, seed=0, **options):
    """The noise that DDPM draws at each step, recovered from a run with eps = 0."""
    run = toylab.sample(
        lambda x, t: 0 * x, schedule, "DDPM", times=times, x_T=torch.zeros(n, *shape, dtype=dtype), seed=seed
    )
    noise = []
    for i, (t, s) in enumerate(pairwise(run.times.tolist())):
        a, b = schedule.alpha_bar(t), schedule.alpha_bar(s)
        kept = run.states[i] * (b / a) ** 0.5
        noise.append((run.states[i + 1] - kept) / ((1 - b) / (1 - a) * (1 - a / b)) ** 0.5)
    return noise


TIMES = [0.95, 0.8, 0.6, 0.45, 0.3, 0.2, 0.1, 0.05]


def ddpm_step(a, b, x, eps, z, variance):
    """Ho et al. 2020, eq. 6, 7 and algorithm 2, with alpha = alpha_bar_t / alpha_bar_s of the coarser step."""
    alpha, x0 = a / b, (x - (1 - a) ** 0.5 * eps) / a**0.5
    mean = b**0.5 * (1 - alpha) / (1 - a) * x0 + alpha**0.5 * (1 - b) / (1 - a) * x
    small = (1 - b) / (1 - a) * (1 - alpha)
    return mean + (small if variance == "small" else 1 - alpha) ** 0.5 * z


@pytest.mark.parametrize("variance", ["small", "large"])
@pytest.mark.parametrize("method, eta", [("DDPM", 0), ("DDIM", 1)])
def test_eta_one_is_ddpm_s_posterior_step_with_either_variance(method, eta, variance):
    x = normal(16, 2)
    run = toylab.sample(EPS, LINEAR, method, eta=eta, variance=variance, x_T=x, times=TIMES)
    noise = posterior_noise(LINEAR, TIMES, 16, (2,))
    for i, (t, s) in enumerate(pairwise(TIMES)):
        x = ddpm_step(LINEAR.alpha_bar(t), LINEAR.alpha_bar(s), x, EPS(x, t), noise[i], variance)
        torch.testing.assert_close(run.states[i + 1], x, rtol=0, atol=1e-12)


@pytest.mark.parametrize("eta", [0.2, 0.5, 0.9])
def test_ddim_with_eta_is_equation_12_of_its_paper(eta):
    x = normal(16, 2)
    run = toylab.sample(EPS, LINEAR, "DDIM", eta=eta, x_T=x, times=TIMES)
    noise = posterior_noise(LINEAR, TIMES, 16, (2,))
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


def test_the_last_step_to_time_zero_adds_no_noise():
    eps = toylab.exact_eps(POINTS, LINEAR)
    one, two = (toylab.sample(eps, LINEAR, "DDPM", times=[0.5, 0.0], x_T=normal(8, 2), seed=s) for s in (1, 2))
    assert torch.equal(one.x, two.x)


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


def test_ddpm_with_exact_eps_ends_at_the_data_s_mean_and_std():
    mean, spread, n = torch.tensor([[0.6, -0.3]], dtype=torch.float64), 0.5, 4000
    x = toylab.sample(toylab.exact_eps(mean, LINEAR, spread), LINEAR, "DDPM", n=n, steps=500, record=False).x
    assert (x.mean(0) - mean).abs().max() < 5 * spread / math.sqrt(n) + 0.01
    assert (x.std(0) - spread).abs().max() < 5 * spread / math.sqrt(2 * n) + 0.01


# the adaptive probability flow


@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_the_probability_flow_at_tight_tolerances_is_dop853(name):
    schedule = toylab.schedules.get(name)
    eps, x = toylab.exact_eps(POINTS, schedule, 0.1), normal(6, 2)
    run = toylab.sample(eps, schedule, "PF", steps=3, x_T=x, t_end=0.1, rtol=1e-10, atol=1e-10)
    for state, t in zip(run.states[1:], run.times.tolist()[1:], strict=True):
        expected = reference(eps, schedule, x, schedule.t_max, t)
        torch.testing.assert_close(state, expected, rtol=0, atol=2e-8)


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


# convergence to the exact flow of a Gaussian


@pytest.mark.parametrize("method", PAIRS)
@pytest.mark.parametrize("name", ["linear", "cosine"])
def test_every_method_converges_to_the_gaussian_s_closed_form(method, name):
    schedule = toylab.schedules.get(name)
    mean, x = torch.tensor([[0.3, -0.8]], dtype=torch.float64), normal(8, 2)
    eps = toylab.exact_eps(mean, schedule, 0.5)
    exact = gaussian_flow(schedule, mean, 0.5, x, schedule.t_max, 0.2)
    errors = [
        (toylab.sample(eps, schedule, method, steps=steps, x_T=x, t_end=0.2).x - exact).abs().max().item()
        for steps in (40, 160)
    ]
    assert errors[1] < errors[0] / 3.5 or errors[1] < 1e-10
    assert errors[1] < 2e-2


# orders


@functools.cache
def flows(name):
    """Eight problems in one batch, four data sets x two seeds: (eps, start, exact end at t = 0.2)."""
    schedule = toylab.schedules.get(name)
    sets = [data_set(data)[:, :].double() for data in ("circle", "spiral", "moons", "gaussians")]
    eps = Stack(sets, schedule, 0.05)
    x = torch.cat([normal(16, 2, seed=seed) for _ in sets for seed in (0, 1)])
    return eps, x, reference(eps, schedule, x, schedule.t_max, 0.2)


def data_set(name):
    return toylab.datasets.get(name).curve(128)[:128]


def slopes(method, name, counts=(320, 640), **options):
    """log2 of the ratio of rms end-point errors, for each of the eight problems."""
    eps, x, exact = flows(name)
    errors = [
        (toylab.sample(eps, name, method, steps=n, x_T=x, t_end=0.2, record=False, progress=False, **options).x - exact)
        .reshape(8, -1).square().mean(1).sqrt()
        for n in counts
    ]  # fmt: skip
    return torch.log2(errors[0] / errors[1]).tolist()
