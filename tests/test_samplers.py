"""Whole samplers: evaluations, nodes, states, bits, dtypes, names."""

import math
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
import torch
from problems import PAIRS, ancestral_noise, flower, normal

import toylab
from toylab.samplers import _methods as registry
from toylab.samplers.gradients import GRADIENTS

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
    start = toylab.sample(EPS, LINEAR, "DDPM", steps=3, n=5000).states[0]
    flat = torch.stack([start, *ancestral_noise(toylab.sample, start, 3)]).flatten(1)
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

SPELLINGS = [str.lower, str.upper, lambda name: name.replace("-", "_"), lambda name: name.replace("-", "")]


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
@pytest.mark.parametrize("spell", SPELLINGS, ids=["lower", "upper", "underscore", "bare"])
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


def test_a_run_repeats_to_the_bit_although_the_network_writes_into_its_times():
    def careless(x, t):
        out = x * t.float()
        t.mul_(1000)
        return out

    first, again, careful = (
        toylab.sample(eps, "linear", "F-PNDM", 6, n=4).x for eps in (careless, careless, lambda x, t: x * t.float())
    )
    assert torch.equal(first, again) and torch.equal(first, careful)


@pytest.mark.parametrize("method", ("F-PNDM", "DEIS-tAB3", "UniPC-3"))
def test_a_schedule_that_changes_has_no_remembered_plan(method):
    class Steeper(type(LINEAR)):
        pass

    steeper = Steeper()  # bears the name of another
    runs = []
    for beta_max in (20.0, 10.0, 20.0):
        steeper.beta_max = beta_max
        runs.append(toylab.sample(lambda x, t: x * t, steeper, method, 5, n=4).x)
    assert torch.equal(runs[0], runs[2]) and not torch.equal(runs[0], runs[1])
    assert torch.equal(runs[0], toylab.sample(lambda x, t: x * t, "linear", method, 5, n=4).x)


def test_a_method_with_a_list_for_a_field_runs_without_a_memory():
    @dataclass(frozen=True)
    class Listed(type(toylab.samplers.get("DDIM"))):
        extra: list = field(default_factory=list)

    pair = toylab.samplers.get("DDIM")
    listed = Listed(pair.name, pair.gradient, pair.transfer)
    same = (toylab.sample(lambda x, t: x * t, "linear", method, 5, n=4).x for method in (listed, pair))
    assert torch.equal(*same)
