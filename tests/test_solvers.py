"""iPNDM, DEIS, DPM-Solver, DPM-Solver++, UniPC, EDM-Heun, exact Adams weights and adaptive Heun against
theory.

Orders are measured in float64 with an exact epsilon of spread 0.05, t_end = 0.2, N = 320 -> 640. They start
at t_start = 0.6, where every clock is in its asymptotic range; from t_max on the cosine schedule sigma falls
by more than half in the first steps, and formulas that interpolate over sigma are not. What agrees with
diffusers is in `test_solvers_against_diffusers.py`.
"""

import math
from functools import cache

import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import flower, gaussian_flow, normal, reference

import toylab
from toylab import grids
from toylab._threads import single_thread
from toylab.analysis._order import measure_order
from toylab.samplers import get, methods
from toylab.samplers.transfers import DataPrediction, Pseudo
from toylab.samplers.weights import WEIGHTS
from toylab.schedules import Schedule

T_START, T_END = 0.6, 0.2
X = normal(8, 2, seed=1)
LOG_RHO = toylab.method("rising-ab3", weights="logsnr")
SOLVERS = [
    "iPNDM", "DEIS-tAB1", "DEIS-tAB2", "DEIS-tAB3", "DEIS-rhoAB1", "DEIS-rhoAB2", "DEIS-rhoAB3",
    "DPM-Solver-2", "DPM-Solver-3", "DPM-Solver++2M", "UniPC-2", "UniPC-3", "EDM-Heun",
]  # fmt: skip
STARTED_IN_FULL = ["DEIS-tAB2", "DEIS-tAB3", "DEIS-rhoAB3", "DPM-Solver++2M", "UniPC-3"]
VARIANTS = [
    *((name, {}) for name in SOLVERS),
    *((name, {"start": "full"}) for name in STARTED_IN_FULL),
    ("DPM-Solver++2M", {"solver_type": "heun"}),
    ("DPM-Solver++2M", {"final": "lower"}),
    ("UniPC-3", {"variant": "bh1", "final": "lower"}),
    (LOG_RHO, {}),
]


@pytest.fixture(autouse=True)
def one_thread():
    with single_thread():
        yield


@cache
def problem(schedule, t_start=T_START):
    """(eps, schedule, exact end points) of one data set."""
    schedule = toylab.schedules.get(schedule)
    eps = toylab.exact_eps(flower(5, 32), schedule, spread=0.05)
    return eps, schedule, reference(eps, schedule, X, t_start or schedule.t_max, T_END)


def order(schedule, method, t_start=T_START, steps=(320, 640), spacing="t", **options):
    eps, schedule, exact = problem(schedule, t_start)
    limits = {"t_start": t_start, "t_end": T_END, "spacing": spacing}
    return measure_order(
        eps, schedule, method, steps, x_T=X, reference=exact, progress=False, **limits, **options
    ).order


def sample(eps, schedule, method, steps, **arguments):
    return toylab.sample(eps, schedule, method, steps, progress=False, **arguments)


# orders


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize(
    ("method", "options", "theory"),
    [
        ("iPNDM", {}, 2),
        ("DEIS-tAB1", {}, 2),
        ("DEIS-rhoAB1", {}, 2),
        ("DEIS-tAB2", {"start": "full"}, 3),
        ("DEIS-rhoAB2", {"start": "full"}, 3),
        ("DEIS-tAB3", {"start": "full"}, 4),
        ("DEIS-rhoAB3", {"start": "full"}, 4),
        (toylab.method("rising-ab2", weights="logsnr"), {}, 2),
        (LOG_RHO, {"start": "full"}, 3),
        ("DPM-Solver-2", {}, 2),
        ("DPM-Solver-3", {}, 3),
        ("DPM-Solver++2M", {}, 2),
        ("DPM-Solver++2M", {"solver_type": "heun"}, 2),
        ("DPM-Solver++2M", {"final": "lower"}, 2),
        ("UniPC-2", {}, 3),
        ("UniPC-2", {"variant": "bh1"}, 3),
        ("UniPC-3", {"start": "full"}, 4),
        ("EDM-Heun", {}, 2),
    ],
)
def test_order_is_that_of_theory(schedule, method, options, theory):
    assert order(schedule, method, **options) == pytest.approx(theory, abs=0.08)


@pytest.mark.parametrize("method", ["DEIS-tAB2", "DEIS-tAB3", "DEIS-rhoAB2", "DEIS-rhoAB3", LOG_RHO])
def test_start_of_order_one_caps_multistep_methods_at_order_two(method):
    assert order("cosine", method) == pytest.approx(2, abs=0.05)


def test_start_with_unic_1_caps_unipc_3_at_order_three():
    eps, schedule, _ = problem("cosine")
    exact = reference(eps, schedule, X, 0.4, T_END)
    arguments = {"t_start": 0.4, "t_end": T_END, "reference": exact, "x_T": X, "progress": False}
    rising = measure_order(eps, schedule, "UniPC-3", (320, 640), **arguments)
    assert rising.order == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("method", ["UniPC-2", "UniPC-3"])
def test_lower_order_final_caps_unipc_at_order_two(method):
    assert order("linear", method, final="lower") == pytest.approx(2, abs=0.05)


@pytest.mark.parametrize(("method", "low", "high"), [("DEIS-tAB2", 2.9, 3.05), ("DEIS-tAB3", 3.85, 4.0)])
def test_full_order_of_tab_on_the_whole_linear_schedule(method, low, high):
    assert low < order("linear", method, t_start=None, start="full") < high


@pytest.mark.parametrize("spacing", grids.spacings())
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize(
    ("gradient", "transfer", "midpoint", "theory"),
    [
        ("ab2", "classical", "t", 2),
        ("ab2", "pseudo", "t", 2),
        ("ab4", "classical", "t", 4),
        ("ab4", "pseudo", "sigma", 4),
    ],
)
def test_exact_adams_weights_keep_the_order_on_every_grid(spacing, schedule, gradient, transfer, midpoint, theory):
    method = toylab.method(gradient=gradient, transfer=transfer, midpoint=midpoint, weights="exact")
    steps = (320, 640) if (theory, spacing) == (4, "sigma") else (160, 320)
    assert order(schedule, method, spacing=spacing, steps=steps) == pytest.approx(theory, abs=0.06 * theory)


@pytest.mark.parametrize("spacing", ["sigma", "logsnr", "karras", "quad"])
def test_equispaced_adams_weights_lose_order_four_on_uneven_grids(spacing):
    method = toylab.method(gradient="ab4", transfer="classical")
    assert order("linear", method, spacing=spacing) == pytest.approx(2, abs=0.1)


# weights


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
@pytest.mark.parametrize("s", [0.35, 0.05, 1e-3, 0.0])
def test_tab_weights_are_those_of_quadrature_in_many_digits(schedule, s):
    schedule, times = toylab.schedules.get(schedule), [0.4, 0.45, 0.6, 0.8]
    time = {"linear": _linear_time, "cosine": _cosine_time, "constant": lambda u: u / 10}[schedule.name]

    def lagrange(i, t):
        return mpmath.fprod((t - times[j]) / (mpmath.mpf(times[i]) - times[j]) for j in range(4) if j != i)

    low, high = mpmath.mpf(schedule.sigma(s)), mpmath.mpf(schedule.sigma(times[0]))
    cuts = [low, *(c for c in (mpmath.mpf(10) ** -k for k in range(5, 0, -1)) if low < c < high), high]
    weights = [
        float(mpmath.quad(lambda v, i=i: lagrange(i, time(mpmath.log1p(v**2))), cuts) / (high - low)) for i in range(4)
    ]
    nodes, end = torch.tensor([times], dtype=torch.float64), torch.tensor([s], dtype=torch.float64)
    ours = WEIGHTS["t"](schedule, Pseudo, nodes, end)[0]
    assert ours == pytest.approx(weights, abs=2e-12 * max(map(abs, weights)))


def _linear_time(u):
    """t at which -log alpha_bar is u, as in `_cosine_time`."""
    return 2 * u / (mpmath.mpf("0.1") + mpmath.sqrt(mpmath.mpf("0.01") + mpmath.mpf("39.8") * u))


def _cosine_time(u):
    start = mpmath.mpf("0.008") / mpmath.mpf("1.008") * mpmath.pi / 2
    angle = mpmath.acos(mpmath.exp(-u / 2) * mpmath.cos(start))
    return (angle - start) / (mpmath.pi / 2 / mpmath.mpf("1.008"))


class Even(Schedule):
    """lambda = 20 - 40 t."""

    def log_alpha_bar(self, t):
        return -torch.log1p(torch.exp(80 * t - 40))

    def t_of_sigma(self, sigma):
        return torch.log(sigma) / 40 + 0.5


@settings(max_examples=40)
@given(
    start=st.floats(-5, 5),
    gaps=st.lists(st.floats(0.05, 2), min_size=0, max_size=3),
    step=st.floats(0.05, 6),
    rate=st.sampled_from([-1, 1]),
    powers=st.lists(st.floats(-2, 2), min_size=4, max_size=4),
)
def test_exponential_weights_average_polynomials_in_lambda_exactly(start, gaps, step, rate, powers):
    nodes = start - np.concatenate([[0.0], np.cumsum(gaps)])
    polynomial = np.polynomial.Polynomial(powers[: len(nodes)])
    times = torch.from_numpy(np.array([*nodes, start + step]) / -40 + 0.5)
    weights = WEIGHTS["logsnr"](Even(), {-1: Pseudo, 1: DataPrediction}[rate], times[None, :-1], times[-1:])[0]
    density = mpmath.quad(lambda u: mpmath.exp(rate * u), [0, step])
    exact = mpmath.quad(lambda u: polynomial(float(u)) * mpmath.exp(rate * u), [0, step]) / density
    values = [weight * polynomial(node - start) for weight, node in zip(weights, nodes, strict=True)]
    assert sum(values) == pytest.approx(float(exact), abs=1e-12 * max(1, *map(abs, values)))


def test_rho_ab_is_the_exact_adams_formula_in_sigma():
    eps, schedule, _ = problem("linear")
    method = toylab.method(gradient="plms", transfer="pseudo", weights="exact")
    ours = sample(eps, schedule, "DEIS-rhoAB3", 12, x_T=X).x
    torch.testing.assert_close(ours, sample(eps, schedule, method, 12, x_T=X).x, rtol=0, atol=1e-13)


# identities


@pytest.mark.parametrize(("method", "options"), VARIANTS)
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7])
def test_constant_eps_gives_one_ddim_step(method, options, schedule, steps):
    fixed = normal(8, 2, seed=5)
    eps = lambda x, t: fixed  # noqa: E731
    one = sample(eps, schedule, "DDIM", 1, x_T=X).x
    many = sample(eps, schedule, method, steps, x_T=X, **options).x
    assert (many - one).abs().max() < 2e-13 * one.abs().max()


@pytest.mark.parametrize(("method", "options"), VARIANTS)
@pytest.mark.parametrize("steps", [2, 5, 10])
def test_one_data_point_is_exact(method, options, steps):
    schedule = toylab.schedules.get("linear")
    eps = toylab.exact_eps(torch.tensor([[0.7, -0.3]], dtype=torch.float64), schedule)
    run = sample(eps, schedule, method, steps, x_T=X, t_end=0.01, **options)
    exact = gaussian_flow(schedule, eps.points, 0.0, X, schedule.t_max, 0.01)
    assert (run.x - exact).abs().max() < 1e-11


def test_ipndm_is_plms():
    eps, schedule, _ = problem("cosine")
    assert torch.equal(sample(eps, schedule, "iPNDM", 9, x_T=X).x, sample(eps, schedule, "PLMS", 9, x_T=X).x)


def test_edm_heun_without_churn_is_pseudo_improved_euler():
    eps, schedule, _ = problem("linear")
    edm, pie = (sample(eps, schedule, method, 9, x_T=X).x for method in ("EDM-Heun", "PIE"))
    assert torch.equal(edm, pie)


@pytest.mark.parametrize(("method", "options"), VARIANTS)
def test_one_step_without_a_past_is_ddim_or_a_runge_kutta_step(method, options):
    eps, schedule, _ = problem("linear")
    run = sample(eps, schedule, method, 1, x_T=X, t_start=T_START, t_end=T_END, **options)
    transfer = "data" if run.method in ("DPM-Solver++2M", "UniPC-3") else "pseudo"
    rival = {1: "DDIM", 4: toylab.method("rk4", transfer, midpoint="own")}.get(run.nfe)
    if rival is not None:
        other = sample(eps, schedule, rival, 1, x_T=X, t_start=T_START, t_end=T_END).x
        torch.testing.assert_close(run.x, other, rtol=0, atol=1e-14)
    else:
        assert run.method in ("DPM-Solver-2", "DPM-Solver-3", "EDM-Heun")


# evaluations, ends and dtypes


@pytest.mark.parametrize("steps", [1, 2, 3, 5, 12])
def test_number_of_evaluations(steps):
    eps, schedule, _ = problem("linear")
    full = min(steps, 3)
    expected = {
        **{(name, "rising"): steps for name in SOLVERS[:7]},
        ("DPM-Solver-2", ""): 2 * steps,
        ("DPM-Solver-3", ""): 3 * steps,
        ("DPM-Solver++2M", "rising"): steps,
        ("UniPC-2", "rising"): steps,
        ("UniPC-3", "rising"): steps,
        ("EDM-Heun", ""): 2 * steps,
        ("DEIS-tAB3", "full"): steps + 3 * full,
        ("UniPC-3", "full"): steps + 3 * min(steps, 2),
    }
    for (method, start), nfe in expected.items():
        options = {"start": start} if start == "full" else {}
        assert sample(eps, schedule, method, steps, x_T=X, **options).nfe == nfe, (method, start)


def test_unipc_reports_corrected_states():
    eps, schedule, _ = problem("linear")
    nodes = torch.linspace(T_START, T_END, 7, dtype=torch.float64)
    long = sample(eps, schedule, "UniPC-2", times=nodes, x_T=X, steps=None)
    assert long.nfe_per_step == [2, 1, 1, 1, 1, 0]
    exact = reference(eps, schedule, X, T_START, nodes[3].item())
    short = sample(eps, schedule, "UniPC-2", times=nodes[:4], x_T=X, steps=None)
    assert (long.states[3] - exact).norm() < 0.5 * (short.x - exact).norm()


@pytest.mark.parametrize(("method", "options"), [v for v in VARIANTS if v[1].get("start") != "full"])
@pytest.mark.parametrize("steps", [1, 2, 3, 6])
def test_t_end_zero_needs_no_evaluation_there(method, options, steps):
    eps = toylab.exact_eps(flower(3, 16), "linear")  # raises at t = 0
    x = sample(eps, "linear", method, steps, x_T=X, t_end=0, **options).x
    assert x.isfinite().all()


@pytest.mark.parametrize("method", SOLVERS[1:7])
def test_deis_at_t_end_zero_is_the_limit_of_small_t_end(method):
    eps, schedule, _ = problem("linear")
    small, zero = (sample(eps, schedule, method, 8, x_T=X, t_end=end).x for end in (1e-12, 0))
    torch.testing.assert_close(small, zero, rtol=0, atol=2e-6)


@pytest.mark.parametrize(("method", "options"), [*VARIANTS, ("EDM-Heun", {"s_churn": 5.0}), ("Adaptive-Heun", {})])
def test_images_in_float32_stay_float32(method, options):
    eps = toylab.exact_eps(normal(4, 1, 3, 3, dtype=torch.float32), "cosine", spread=0.1)
    run = sample(eps, "cosine", method, 6, n=5, shape=(1, 3, 3), t_start=0.9, **options)
    assert run.states.shape == (7, 5, 1, 3, 3)
    assert run.states.dtype == torch.float32
    exact = sample(eps, "cosine", method, 6, x_T=run.states[0].double(), t_start=0.9, **options).x
    assert (run.x - exact).abs().max() < 1e-2 * exact.abs().max()


def test_the_papers_methods_come_first():
    paper = "Euler Heun RK4 AB2 AB4 DDIM PIE PRK S-PNDM F-PNDM PLMS DDPM PF".split()
    assert methods() == [*paper, *SOLVERS, "Adaptive-Heun"]


@pytest.mark.parametrize(
    ("method", "options", "error", "message"),
    [
        ("DEIS-tAB2", {"start": "slow"}, ValueError, "start"),
        ("UniPC-2", {"variant": "bh3"}, ValueError, "bh2"),
        ("DPM-Solver-2", {"start": "full"}, TypeError, "DPM-Solver-2"),
        ("EDM-Heun", {"s_churn": -1}, ValueError, "s_churn"),
        ("EDM-Heun", {"s_noise": "1"}, TypeError, "s_noise"),
        ("Adaptive-Heun", {"rtol": 0}, ValueError, "rtol"),
        ("Adaptive-Heun", {"transfer": "data"}, ValueError, "pseudo"),
    ],
)
def test_wrong_options_are_named(method, options, error, message):
    with pytest.raises(error, match=message):
        get(method, **options)


# churn


def _edm_algorithm_2(eps, schedule, x, times, s_churn, s_tmin, s_tmax, s_noise, draws):
    """Karras et al. 2022, algorithm 2, in y and sigma, with given normal draws."""
    sigmas, top = [schedule.sigma(t) for t in times], schedule.sigma(schedule.t_max)
    denoised = lambda y, sigma: y - sigma * eps(y / math.sqrt(1 + sigma**2), schedule.t_of_sigma(sigma))  # noqa: E731
    y = x * math.sqrt(1 + sigmas[0] ** 2)
    for sigma, after in zip(sigmas[:-1], sigmas[1:], strict=True):
        gamma = min(s_churn / (len(sigmas) - 1), math.sqrt(2) - 1) if s_tmin <= sigma <= s_tmax else 0
        raised = min(sigma * (1 + gamma), top)
        if raised > sigma:
            y = y + math.sqrt(raised**2 - sigma**2) * s_noise * next(draws)
        slope = (y - denoised(y, raised)) / raised
        guess = y + (after - raised) * slope
        if after > 0:
            slope = (slope + (guess - denoised(guess, after)) / after) / 2
            guess = y + (after - raised) * slope
        y = guess
    return y / math.sqrt(1 + sigmas[-1] ** 2)


@pytest.mark.parametrize("t_end", [0.0, 1e-3])
@pytest.mark.parametrize("s_churn", [3.0, 100.0])
def test_churn_is_algorithm_2_of_edm(s_churn, t_end):
    eps, schedule, _ = problem("linear")
    times = grids.nodes(schedule, 12, 1.0, t_end, "karras").tolist()
    settings = {"s_churn": s_churn, "s_tmin": 0.05, "s_tmax": 50.0, "s_noise": 1.007}
    drawn = list(torch.randn(20, 8, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64))
    source = iter(drawn)
    states = get("EDM-Heun", **settings).run(
        eps, schedule, torch.tensor(times, dtype=torch.float64), X, lambda like: next(source)
    )
    ours = list(states)[-1]
    theirs = _edm_algorithm_2(eps, schedule, X, times, draws=iter(drawn), **settings)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-11)


def test_churn_keeps_the_distribution_of_gaussian_data():
    schedule = toylab.schedules.get("linear")
    eps = toylab.exact_eps(torch.zeros(1, 2, dtype=torch.float64), schedule, spread=0.5)
    run = sample(eps, schedule, "EDM-Heun", 60, n=20000, s_churn=20.0, spacing="karras")
    assert run.x.std().item() == pytest.approx(0.5, rel=0.02)


def test_churn_never_asks_for_more_noise_than_the_schedule_has():
    schedule = toylab.schedules.get("cosine")
    seen = []
    eps = toylab.exact_eps(flower(3, 16), schedule, spread=0.1)
    sample(lambda x, t: seen.append(t.item()) or eps(x, t), schedule, "EDM-Heun", 10, x_T=X, s_churn=100.0)
    assert max(seen) <= schedule.t_max + 1e-12


def test_churn_is_stochastic_and_depends_on_the_seed():
    eps, schedule, _ = problem("linear")
    assert get("EDM-Heun", s_churn=1.0).stochastic
    assert not get("EDM-Heun").stochastic
    first, again, other = (sample(eps, schedule, "EDM-Heun", 8, x_T=X, s_churn=10.0, seed=seed).x for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    with pytest.raises(ValueError, match="EDM-Heun"):
        measure_order(eps, schedule, "EDM-Heun", x_T=X, s_churn=1.0)


# adaptive Heun


@pytest.mark.parametrize("transfer", ["classical", "pseudo"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_error_of_adaptive_heun_is_in_proportion_to_its_tolerance(transfer, schedule):
    eps, schedule, exact = problem(schedule)
    tolerances = np.array([1e-4, 1e-5, 1e-6])
    arguments = {"x_T": X, "t_start": T_START, "t_end": T_END, "transfer": transfer}
    runs = (sample(eps, schedule, "Adaptive-Heun", 1, rtol=tol, atol=tol, **arguments) for tol in tolerances)
    errors = [(run.x - exact).norm().item() for run in runs]
    assert np.polyfit(np.log(tolerances), np.log(errors), 1)[0] == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize("transfer", ["classical", "pseudo"])
def test_adaptive_heun_reports_at_the_nodes_without_stepping_to_them(transfer):
    eps, schedule, _ = problem("linear")
    arguments = {"t_start": T_START, "t_end": T_END, "transfer": transfer, "rtol": 1e-6, "atol": 1e-6}
    few, many = (sample(eps, schedule, "Adaptive-Heun", n, x_T=X, **arguments) for n in (1, 300))
    assert torch.equal(few.x, many.x)
    assert few.nfe == many.nfe
    for node in (1, 100, 199):
        exact = reference(eps, schedule, X, T_START, many.times[node].item())
        assert (many.states[node] - exact).abs().max() < 1e-4


def test_adaptive_heun_has_no_order_in_the_step_count():
    eps, schedule, _ = problem("linear")
    with pytest.raises(ValueError, match="Adaptive-Heun"):
        measure_order(eps, schedule, "Adaptive-Heun", x_T=X)


def test_adaptive_heun_refuses_what_it_cannot_reach():
    eps, schedule, _ = problem("linear")
    with pytest.raises(ValueError, match="rtol"):
        sample(eps, schedule, "Adaptive-Heun", 1, x_T=X, rtol=1e-15)
    with pytest.raises(ValueError, match="Adaptive-Heun failed at t ="):
        sample(lambda x, t: torch.full_like(x, torch.inf), schedule, "Adaptive-Heun", 1, x_T=X)
