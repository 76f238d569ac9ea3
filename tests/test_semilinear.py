"""The same pairs on ODEs outside diffusion: linear parts, closed forms, orders."""

import math

import mpmath
import numpy as np
import pytest
import torch
from problems import normal
from scipy.integrate import solve_ivp

import toylab
from toylab import problems
from toylab.problems import neural
from toylab.problems.neural import accuracy, moons
from toylab.problems.semilinear import linear_part
from toylab.samplers.transfers import Classical, Frozen, Pseudo

VARYING = linear_part(lambda t: 1 + t, lambda t: torch.exp(t), t_max=1.5)
EXACT = {"weights": "exact", "midpoint": "own"}
ORDERS = [
    ("Euler", {}, 1), ("Heun", {}, 2), ("RK4", {}, 4), ("AB2", {}, 2), ("AB4", {}, 4),
    ("DDIM", {}, 1), ("PIE", {}, 2), ("PRK", {}, 2), ("S-PNDM", {}, 2), ("F-PNDM", {}, 2), ("PLMS", {}, 2),
    ("PRK", {"midpoint": "sigma"}, 4), ("F-PNDM", EXACT, 4),
]  # fmt: skip


def order(problem, x, reference, method, steps, **options):
    estimate = toylab.measure_order(
        problem.eps,
        problem.schedule,
        method,
        steps,
        x_T=x,
        t_end=0.0,
        reference=reference,
        progress=False,
        **options,
    )
    return estimate.order


def time(value):
    return torch.tensor(value, dtype=torch.float64)


# the linear part


@pytest.mark.parametrize("t", [0.0, 0.4, 1.1, 1.5])
def test_scale_and_clock_are_the_integrals_of_a_and_b(t):
    a = lambda u: 1 + u  # noqa: E731
    scale = lambda u: mpmath.exp(-mpmath.quad(a, [u, 1.5]))  # noqa: E731
    clock = -mpmath.quad(lambda u: mpmath.exp(u) / scale(u), [t, 1.5])
    assert VARYING.sigma(t) == pytest.approx(float(clock), rel=1e-14, abs=1e-15)
    assert VARYING.alpha_bar(t) == pytest.approx(float(scale(t)) ** 2, rel=1e-14)
    assert VARYING.noise_std(t) == pytest.approx(float(scale(t) * clock), rel=1e-14, abs=1e-15)


@pytest.mark.parametrize(
    "schedule", [VARYING, linear_part(200.0), linear_part(-3.0, 2.0)], ids=["varying", "stiff", "growing"]
)
def test_the_clock_has_an_inverse(schedule):
    t = torch.linspace(0, schedule.t_max, 37, dtype=torch.float64)
    clock = schedule.sigma(t)
    assert (clock.diff() > 0).all()
    back = schedule.sigma(schedule.t_of_sigma(clock))
    torch.testing.assert_close(back, clock, rtol=1e-12, atol=1e-14)


def test_phi_is_the_solution_for_constant_f():
    y, f = normal(3, 2), normal(3, 2, seed=1)

    def derivative(t, flat):
        return ((1 + t) * flat.reshape(3, 2) + math.exp(t) * f.numpy()).ravel()

    found = solve_ivp(derivative, (1.2, 0.3), y.numpy().ravel(), method="DOP853", rtol=1e-13, atol=1e-13).y[:, -1]
    moved = Pseudo.move(VARYING, y, f, time(1.2), time(0.3))
    np.testing.assert_allclose(moved, found.reshape(3, 2), rtol=1e-11, atol=1e-12)


def test_two_phis_with_one_f_are_one_however_stiff():
    schedule, y, f = linear_part(400.0), normal(4, 2), normal(4, 2, seed=1)
    halfway = Pseudo.move(schedule, y, f, time(0.9), time(0.7))
    two = Pseudo.move(schedule, halfway, f, time(0.7), time(0.2))
    torch.testing.assert_close(two, Pseudo.move(schedule, y, f, time(0.9), time(0.2)), rtol=1e-12, atol=0)


def test_the_frozen_transfer_is_phi_where_b_is_constant():
    schedule, y, f = linear_part(3.0, 2.0), normal(4, 2), normal(4, 2, seed=1)
    a, b = (transfer.move(schedule, y, f, time(0.8), time(0.5)) for transfer in (Frozen, Pseudo))
    torch.testing.assert_close(a, b, rtol=1e-13, atol=1e-14)


def test_the_classical_slope_is_the_right_hand_side():
    y, f = normal(4, 2), normal(4, 2, seed=1)
    assert torch.equal(Classical.slope(VARYING, y, f, time(0.5)), 1.5 * y + torch.exp(time(0.5)) * f)


def test_diffusion_is_one_of_them():
    # a = -beta / 2 and b = beta / (2 noise_std), with the linear schedule written out, from t = 0.9 down
    def share(t):
        return torch.exp(-(0.1 * t + 9.95 * t**2))

    def b(t):
        t = t + 0.1  # the interval is [0.1, 0.9], and linear_part's begins at 0
        return (0.1 + 19.9 * t) / 2 / (1 - share(t)).sqrt()

    schedule = linear_part(lambda t: -(0.1 + 19.9 * (t + 0.1)) / 2, b, t_max=0.8)
    eps, x = problems.gaussian().eps, normal(6, 2)
    for method in ("RK4", "F-PNDM", "PRK"):
        here = toylab.sample(lambda y, t: eps(y, t + 0.1), schedule, method, 20, x_T=x, progress=False)
        there = toylab.sample(eps, "linear", method, 20, x_T=x, t_start=0.9, t_end=0.1, progress=False)
        torch.testing.assert_close(here.x, there.x, rtol=0, atol=1e-11)


# Prothero and Robinson's problem


@pytest.mark.parametrize("stiffness", [5.0, 200.0])
def test_the_closed_form_solves_the_stiff_problem(stiffness):
    problem = problems.prothero_robinson(stiffness, known=0.7)
    y = problem.start(4)

    def derivative(t, flat):
        f = problem.eps(torch.from_numpy(flat)[:, None], time(t))[:, 0].numpy()
        return 0.7 * stiffness * flat + f

    found = solve_ivp(derivative, (1, 0.1), y[:, 0].numpy(), method="DOP853", rtol=1e-12, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(problem.solution(y, None, 0.1)[:, 0], found, rtol=0, atol=1e-9)


@pytest.mark.parametrize(("method", "options", "theory"), ORDERS)
def test_orders_on_the_stiff_problem_are_those_of_diffusion(method, options, theory):
    problem = problems.prothero_robinson(5.0)
    y = problem.start(8)
    steps = (320, 640) if theory < 4 else (160, 320)
    found = order(problem, y, problem.reference(y), method, steps, **options)
    assert found == pytest.approx(theory, abs=0.2)


def test_only_pseudo_methods_survive_steps_longer_than_the_stiffness_allows():
    problem = problems.prothero_robinson(200.0, known=1.0)
    y = problem.start(16)
    exact = problem.solution(y)
    for method in ("Euler", "Heun", "RK4", "AB2", "AB4"):
        run = toylab.sample(problem.eps, problem.schedule, method, 20, x_T=y, progress=False)
        assert (run.x - exact).abs().max() > 1e3
    for method in ("DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS"):
        run = toylab.sample(problem.eps, problem.schedule, method, 20, x_T=y, progress=False)
        assert (run.x - exact).abs().max() < 2


# a neural ODE


@pytest.fixture(scope="module")
def network():
    problem = problems.neural_ode()
    y = problem.start(8)
    return problem, y, problem.reference(y, progress=False)


def test_the_neural_ode_has_learnt_its_task():
    problem, (points, labels) = problems.neural_ode(), moons()
    assert accuracy(problem.reference(points, progress=False).x, labels) > 0.95
    run = toylab.sample(problem.eps, problem.schedule, "F-PNDM", 10, x_T=points, progress=False)
    assert accuracy(run.x, labels) > 0.95


def test_the_neural_ode_is_the_same_every_time():
    neural._trained.cache_clear()
    first = problems.neural_ode().eps.inner.weight.clone()
    neural._trained.cache_clear()
    assert torch.equal(problems.neural_ode().eps.inner.weight, first)


@pytest.mark.parametrize(("method", "options", "theory"), ORDERS)
def test_orders_on_the_neural_ode_are_those_of_diffusion(network, method, options, theory):
    problem, y, reference = network
    assert order(problem, y, reference, method, (80, 160), **options) == pytest.approx(theory, abs=0.25)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: linear_part("a"), TypeError, "a must be a number"),
        (lambda: linear_part(1.0, -1.0), ValueError, "b must be positive"),
        (lambda: linear_part(1.0, lambda t: t - 0.5), ValueError, "b must be positive"),
        (lambda: linear_part(lambda t: 1 / t), ValueError, "a must return a finite tensor"),
        (lambda: linear_part(lambda t: 1.0), ValueError, "a must return a finite tensor"),
        (lambda: linear_part(1.0, t_max=0), ValueError, "t_max"),
        (lambda: problems.prothero_robinson(stiffness=-1), ValueError, "stiffness"),
        (lambda: problems.prothero_robinson(known=0), ValueError, "known"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_the_figure_cuts_off_what_blows_up():
    from toylab.figures.theory import plot_pairs

    ax = plot_pairs(problems.prothero_robinson(200.0), ("RK4", "DDIM"), steps=(10, 20, 160), n=4)
    assert len(ax.lines) == 2 and ax.get_ylim()[1] == 100 and ax.lines[0].get_ydata()[0] > 100
