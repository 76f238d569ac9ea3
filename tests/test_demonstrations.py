"""The demonstrations that notebooks rest on, each with several seeds. Only what holds in every run."""

import functools

import pytest
import torch
from problems import CLASSICAL, PSEUDO, Stack, gaussian_flow, normal, reference

import toylab

LINEAR = toylab.schedules.get("linear")
SEEDS = (0, 1, 2)
SETS = ("circle", "spiral", "moons")
EXTRA = {"AB2": 1, "S-PNDM": 1, "AB4": 9, "F-PNDM": 9}
A_STEP = {"Heun": 2, "PIE": 2, "RK4": 4, "PRK": 4}


def steps_within(method, nfe):
    """The largest count of steps that costs at most nfe evaluations."""
    return (nfe - EXTRA.get(method, 0)) // A_STEP.get(method, 1)


@pytest.mark.parametrize("seed", SEEDS)
def test_one_data_point_tells_pseudo_from_classical(seed):
    point = torch.tensor([[0.7, -0.4]], dtype=torch.float64)
    eps = toylab.exact_eps(point, LINEAR)
    worst = {}
    for method in CLASSICAL + PSEUDO:
        run = toylab.sample(eps, LINEAR, method, steps=10, n=512, seed=seed)
        exact = gaussian_flow(LINEAR, point, 0.0, run.states[0], 1.0, 1e-3)
        worst[method] = (run.x - exact).norm(dim=1).max().item()
    assert max(worst[method] for method in PSEUDO) < 1e-11
    assert worst["RK4"] > 0.3 > worst["Euler"] > 0.05 > worst["AB4"] > 0.005


@functools.cache
def distances_at_constant_beta(data, seed):
    """Mean distance to the manifold of every method: beta = 10, t_end = 1e-4, 50 steps."""
    manifold = toylab.datasets.get(data)
    eps = toylab.exact_eps(manifold.curve(256).double(), "constant")
    distances = {}
    for method in CLASSICAL + PSEUDO:
        x = toylab.sample(eps, "constant", method, steps=50, n=256, seed=seed, t_end=1e-4, record=False).x
        distances[method] = manifold.distance(x).mean().item()
    return distances


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("data", SETS)
@pytest.mark.parametrize("classical, pseudo", list(zip(CLASSICAL, PSEUDO, strict=False)))
def test_at_constant_beta_each_pseudo_method_ends_nearer_than_its_twin(classical, pseudo, data, seed):
    distances = distances_at_constant_beta(data, seed)
    assert distances[pseudo] < distances[classical]


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("data", ["circle", "moons", "s-curve"])  # not between a spiral's arms, where no place is far
@pytest.mark.parametrize("classical, pseudo", [("RK4", "PRK"), ("Heun", "PIE")])
def test_at_constant_beta_runge_kutta_falls_off_ten_times_as_far(classical, pseudo, data, seed):
    distances = distances_at_constant_beta(data, seed)
    assert distances[classical] >= 9.5 * distances[pseudo]


@functools.cache
def errors(method, nfe, t_end):
    """Rms end-point error at that budget, linear, for three data sets x three seeds."""
    eps, x, exact = flows(t_end)
    run = toylab.sample(eps, LINEAR, method, steps=steps_within(method, nfe), x_T=x, t_end=t_end, record=False)
    return (run.x - exact).reshape(len(SETS) * len(SEEDS), -1).square().mean(1).sqrt()


@functools.cache
def flows(t_end):
    eps = Stack([toylab.datasets.get(data).curve(128).double() for data in SETS], LINEAR, 0.0)
    x = torch.cat([normal(64, 2, seed=seed) for _ in SETS for seed in SEEDS])
    return eps, x, reference(eps, LINEAR, x, 1.0, t_end, rtol=1e-9, atol=1e-9)


@pytest.mark.slow
@pytest.mark.parametrize("nfe", [10, 13, 20, 50, 100])
def test_s_pndm_errs_at_least_1_4_times_less_than_ddim(nfe):
    assert (errors("DDIM", nfe, 0.01) / errors("S-PNDM", nfe, 0.01)).min() >= 1.4


@pytest.mark.slow
@pytest.mark.parametrize("t_end", [1e-3, 1e-2])
@pytest.mark.parametrize("nfe", [10, 13, 20])
def test_one_evaluation_a_step_beats_classical_runge_kutta_at_small_budgets(nfe, t_end):
    good = torch.stack([errors(method, nfe, t_end) for method in ("DDIM", "S-PNDM")]).amax(0)
    bad = torch.stack([errors(method, nfe, t_end) for method in ("RK4", "Heun")]).amin(0)
    assert (good < bad).all()


@pytest.mark.parametrize("nfe", [13, 20])
@pytest.mark.parametrize("t_end", [1e-3, 1e-2])
def test_starting_itself_serves_plms_better_than_a_costly_warm_up_at_small_budgets(nfe, t_end):
    assert (errors("PLMS", nfe, t_end) < errors("F-PNDM", nfe, t_end)).all()


def test_at_100_evaluations_f_pndm_errs_less_than_ddim():
    ratios = (errors("DDIM", 100, 0.01) / errors("F-PNDM", 100, 0.01)).reshape(len(SETS), -1)
    assert ratios.min() > 1
    assert ratios[SETS.index("circle")].min() >= 2.2
    # Elsewhere a single particle midway between two arms can make up nearly all of F-PNDM's rms error.
