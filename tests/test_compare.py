"""Equal NFE means: counted, the largest step count within the budget, and the same particles for all."""

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from problems import gaussian_flow, normal

import toylab
from toylab.analysis import compare
from toylab.analysis._budget import steps_within
from toylab.samplers import get
from toylab.samplers.core import start_noise

LINEAR = toylab.schedules.get("linear")
POINT = toylab.exact_eps(torch.tensor([[0.7, -0.4]], dtype=torch.float64), LINEAR)
CURVE = toylab.datasets.get("circle").curve(48)
ON_A_GRID = [name for name in toylab.methods() if get(name).fixed_grid]


def circle():
    return toylab.exact_eps(CURVE, LINEAR, spread=0.05)


@settings(max_examples=30)
@given(st.sampled_from(ON_A_GRID), st.integers(1, 30))
def test_the_step_count_is_the_largest_whose_counted_evaluations_are_within_the_budget(method, budget):
    spent = [toylab.sample(POINT, LINEAR, method, steps, n=1, record=False).nfe for steps in range(1, budget + 2)]
    fitting = [steps for steps, nfe in enumerate(spent, 1) if nfe <= budget]
    assert steps_within(method, budget) == max(fitting, default=0)


@pytest.mark.parametrize(
    ("method", "budget", "steps"),
    [
        ("DDIM", 20, 20),
        ("RK4", 20, 5),
        ("RK4", 3, 0),
        ("S-PNDM", 20, 19),
        ("F-PNDM", 20, 11),
        ("F-PNDM", 12, 3),
    ],
)
def test_step_counts_are_those_of_the_table_of_methods(method, budget, steps):
    assert steps_within(method, budget) == steps


def test_a_budget_of_thousands_is_not_spent_on_counting():
    evaluations = 0

    @dataclass(frozen=True)
    class Counting:
        name: str = "counting"
        fixed_grid, stochastic, options = True, False, {}

        def run(self, eps, schedule, times, x, noise):
            nonlocal evaluations
            for t in times[:-1]:
                evaluations += 1
                x = eps(x, t)
                yield x

    assert steps_within(Counting(), 500) == 500
    assert evaluations < 20 * 500


def test_no_method_spends_more_than_the_budget_and_one_more_step_would():
    result = compare(circle(), LINEAR, nfe=17, manifold="circle", n=8)
    for row in result.rows:
        more = toylab.sample(POINT, LINEAR, row.method, row.steps + 1, n=1, record=False).nfe
        assert row.nfe <= 17 < more, row.method


def test_rows_come_in_the_order_asked_for_under_canonical_names():
    result = compare(circle(), LINEAR, ["f-pndm", "Fon", "ddim"], 14, "circle", n=4)
    assert [row.method for row in result.rows] == ["F-PNDM", "AB4", "DDIM"]


def test_methods_that_cannot_run_within_the_budget_are_left_out_and_listed():
    result = compare(circle(), LINEAR, ["RK4", "DDIM", "PF"], 3, "circle", n=4)
    assert [row.method for row in result.rows] == ["DDIM"]
    assert result.left_out == {
        "RK4": "needs more than 3 for a single step",
        "PF": "chooses its own number of evaluations",
    }


def test_a_budget_too_small_for_every_method_is_refused():
    with pytest.raises(ValueError, match="nfe must be enough for one of the methods, got 1: RK4"):
        compare(circle(), LINEAR, ["RK4", "Heun"], 1, "circle", n=4)


def test_the_error_is_the_rms_distance_from_the_closed_form_flow():
    mean, spread = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3
    result = compare(toylab.exact_eps(mean, LINEAR, spread), LINEAR, ["DDIM", "Heun"], 12, "point", n=50, seed=4)
    end = gaussian_flow(LINEAR, mean, spread, normal(50, 2, seed=4), LINEAR.t_max, LINEAR.t_min)
    for row in result.rows:
        expected = (row.x - end).square().sum(1).mean().sqrt().item()
        assert row.error == pytest.approx(expected, abs=1e-6)
        assert row.error > 1e-3


def test_on_one_data_point_pseudo_methods_have_no_error_and_euler_has():
    result = compare(POINT, LINEAR, ["DDIM", "S-PNDM", "F-PNDM", "PLMS", "Euler"], 10, "point", n=20)
    *pseudo, euler = [row.error for row in result.rows]
    assert max(pseudo) < 1e-6  # the flow compared with is itself solved
    assert euler > 1e-2


def test_distances_are_means_over_the_particles_and_excess_is_relative_to_the_exact_flow():
    manifold = toylab.datasets.get("circle")
    radius = manifold.curve(10).norm(dim=1).mean()
    result = compare(circle(), LINEAR, ["Euler", "S-PNDM"], 11, manifold, n=30)
    exact = (result.reference.x.norm(dim=1) - radius).abs().mean().item()
    assert result.distance == pytest.approx(exact, rel=1e-4)
    for row in result.rows:
        distance = (row.x.norm(dim=1) - radius).abs().mean().item()
        assert row.distance == pytest.approx(distance, rel=1e-4)
        assert row.excess == pytest.approx(abs(distance - exact), abs=1e-5)


def test_every_method_starts_from_the_particles_of_the_seed():
    result = compare(circle(), LINEAR, ["DDIM", "RK4"], 8, "circle", n=6, seed=11, spacing="karras", t_end=0.01)
    start = start_noise(6, (2,), 11, torch.float64)
    for row in result.rows:
        alone = toylab.sample(circle(), LINEAR, row.method, row.steps, x_T=start, spacing="karras", t_end=0.01)
        assert torch.equal(row.x, alone.x)


def test_a_stochastic_method_is_measured_but_has_no_end_point_error():
    (row,) = compare(circle(), LINEAR, ["DDPM"], 10, "circle", n=20).rows
    assert row.error is None
    assert 0 < row.distance < 1


def test_a_method_that_blows_up_is_measured_and_not_refused():
    (row,) = compare(toylab.exact_eps(CURVE, LINEAR), "linear", ["RK4"], 12, "circle", n=20).rows
    assert row.distance > 3
    assert row.excess == pytest.approx(row.distance, rel=0.01)


def test_an_eps_that_knows_its_data_set_needs_no_manifold():
    eps = circle()
    with pytest.raises(ValueError, match="manifold must be given"):
        compare(eps, LINEAR, ["DDIM"], 5, n=4)
    eps.dataset = "circle"
    assert compare(eps, LINEAR, ["DDIM"], 5, n=4).rows[0].distance < 1


def test_a_network_in_single_precision_is_compared_in_its_own():
    network = toylab.epsilon.MLP("linear", hidden=8, layers=1, fourier=2)
    (row,) = compare(network, "linear", ["F-PNDM"], 20, "circle", n=10).rows
    assert row.x.dtype == torch.float32
    assert np.isfinite(row.error)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"nfe": 0}, ValueError, "nfe must be an integer of at least 1, got 0"),
        ({"nfe": 2.5}, TypeError, "nfe must be an integer"),
        ({"methods": "DDIM"}, TypeError, "methods must be a list"),
        ({"methods": []}, ValueError, "methods must be a non-empty list"),
        ({"methods": ["AB4", "FON"]}, ValueError, "different methods"),
        ({"methods": ["DDIN"]}, ValueError, "did you mean 'DDIM'"),
        ({"manifold": "circl"}, ValueError, "did you mean 'circle'"),
        ({"n": 0}, ValueError, "n must be an integer of at least 1"),
        ({"t_end": 1.5}, ValueError, "t_end must be"),
        ({"spacing": "cubic"}, ValueError, "unknown spacing"),
        ({"seed": -1}, ValueError, "seed must be"),
    ],
)
def test_bad_arguments_are_named(arguments, error, says):
    with pytest.raises(error, match=says):
        compare(POINT, LINEAR, **({"methods": ["DDIM"], "manifold": "point", "n": 2} | arguments))


def test_steps_within_refuses_a_method_that_chooses_its_own_steps():
    with pytest.raises(ValueError, match="PF chooses its own steps"):
        steps_within("PF", 10)
