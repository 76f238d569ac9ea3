"""The local truncation error: one power of the step size more than the global one, for every method."""

import numpy as np
import pytest
import torch
from problems import SinglePrecision, gaussian_flow, normal

import toylab
from toylab.analysis import local_error
from toylab.problems import exact_flow
from toylab.samplers import get

LINEAR = toylab.schedules.get("linear")
EPS = toylab.exact_eps(toylab.datasets.get("circle").curve(48), LINEAR, spread=0.1)
MEAN, SPREAD = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3
GAUSSIAN = toylab.exact_eps(MEAN, LINEAR, SPREAD)


@pytest.mark.parametrize(
    ("method", "options", "order"),
    [
        ("Euler", {}, 1), ("DDIM", {}, 1), ("Heun", {}, 2), ("S-PNDM", {}, 2),
        ("RK4", {}, 4), ("PRK", {}, 2), ("PRK", {"midpoint": "sigma"}, 4), ("AB4", {}, 4), ("F-PNDM", {}, 2),
        ("F-PNDM", {"weights": "exact"}, 4), ("DPM-Solver-3", {}, 3), ("DEIS-tAB2", {}, 3),
    ],
)  # fmt: skip
def test_the_local_error_has_one_power_more_than_the_order(method, options, order):
    steps = (40, 80) if method == "RK4" else (80, 160)  # RK4's floor comes early
    found = local_error(EPS, LINEAR, method, steps, n=8, t_end=0.4, progress=False, **options)
    assert found.order == pytest.approx(order + 1, abs=0.25)


@pytest.mark.parametrize("method", ["DDIM", "Heun", "RK4", "PIE"])
def test_of_a_one_step_method_it_is_one_step_from_the_closed_form_flow(method):
    x = normal(12, 2, seed=1)
    found = local_error(GAUSSIAN, LINEAR, method, (10, 20), x_T=x, progress=False)
    times = found.times[20]
    for step in (0, 7, 19):
        t, s = times[step : step + 2]
        start, end = (gaussian_flow(LINEAR, MEAN, SPREAD, x, 1.0, float(u)) for u in (t, s))
        one = toylab.sample(GAUSSIAN, LINEAR, method, x_T=start, times=[t, s]).x
        expected = (one - end).square().sum(1).mean().sqrt().item()
        assert found.profile[20][step] == pytest.approx(expected, rel=1e-6, abs=1e-13)


@pytest.mark.parametrize("method", ["AB4", "F-PNDM"])
def test_of_a_multistep_method_it_is_one_step_with_the_exact_past(method):
    x, weights = normal(12, 2, seed=1), [55 / 24, -59 / 24, 37 / 24, -9 / 24]
    found = local_error(GAUSSIAN, LINEAR, method, (10, 20), x_T=x, progress=False)
    times, transfer = torch.from_numpy(found.times[20]), get(method).transfer
    for step in (3, 12, 19):
        nodes = times[step - 3 : step + 1].flip(0)
        past = [gaussian_flow(LINEAR, MEAN, SPREAD, x, 1.0, t.item()) for t in nodes]
        slopes = [transfer.slope(LINEAR, y, GAUSSIAN(y, t), t) for y, t in zip(past, nodes, strict=True)]
        average = sum(weight * slope for weight, slope in zip(weights, slopes, strict=True))
        moved = transfer.move(LINEAR, past[0], average, nodes[0], times[step + 1])
        end = gaussian_flow(LINEAR, MEAN, SPREAD, x, 1.0, times[step + 1].item())
        expected = (moved - end).square().sum(1).mean().sqrt().item()
        assert found.profile[20][step] == pytest.approx(expected, rel=1e-6)


def test_a_first_order_start_is_in_the_profile_but_not_in_the_slope():
    plms = local_error(GAUSSIAN, LINEAR, "PLMS", (20, 40), n=8, progress=False)
    started = local_error(GAUSSIAN, LINEAR, "F-PNDM", (20, 40), n=8, progress=False)
    ddim = local_error(GAUSSIAN, LINEAR, "DDIM", (20, 40), n=8, progress=False)
    assert plms.profile[20][0] == ddim.profile[20][0]
    np.testing.assert_allclose(plms.profile[20][3:], started.profile[20][3:], rtol=1e-8)
    assert plms.order == pytest.approx(started.order)


def test_the_local_error_is_of_the_second_half_of_the_steps():
    found = local_error(EPS, LINEAR, "S-PNDM", (8, 16), n=8, progress=False)
    assert found.local[1] == pytest.approx(np.sqrt((found.profile[16][8:] ** 2).mean()))
    assert [len(found.profile[n]) for n in (8, 16)] == [8, 16]


def test_the_global_error_beside_it_is_that_of_the_run_left_to_itself():
    x = normal(12, 2, seed=1)
    found = local_error(GAUSSIAN, LINEAR, "AB2", (20, 40), x_T=x, progress=False)
    run = toylab.sample(GAUSSIAN, LINEAR, "AB2", 40, x_T=x, t_end=0.2).x
    end = gaussian_flow(LINEAR, MEAN, SPREAD, x, 1.0, 0.2)
    assert found.end[1] == pytest.approx((run - end).square().sum(1).mean().sqrt().item(), rel=1e-6)


@pytest.mark.parametrize("spacing", ["sigma", "karras"])
def test_spacing_and_limits_are_those_of_the_grid(spacing):
    found = local_error(
        GAUSSIAN, "linear", "DDIM", (8, 16), n=4, t_start=0.8, t_end=0.1, spacing=spacing, progress=False
    )
    expected = toylab.sample(GAUSSIAN, LINEAR, "DDIM", 16, n=1, t_start=0.8, t_end=0.1, spacing=spacing).times
    np.testing.assert_array_equal(found.times[16], expected)


def test_the_start_particles_are_left_as_they_were():
    x = normal(4, 2)
    before = x.clone()
    local_error(GAUSSIAN, LINEAR, "DDIM", (8, 16), x_T=x, progress=False)
    assert torch.equal(x, before)


def test_an_epsilon_that_returns_its_own_argument_does_no_harm():
    found = [
        local_error(eps, LINEAR, "F-PNDM", (8, 16), n=4, progress=False).local
        for eps in (lambda x, t: x, lambda x, t: x.clone())
    ]
    np.testing.assert_array_equal(*found)


def test_the_exact_flow_meets_the_closed_form_at_all_its_times():
    x, times = normal(20, 2), torch.linspace(1, 0.01, 50).double()
    states = exact_flow(GAUSSIAN, LINEAR, x, times, progress=False)
    expected = torch.stack([gaussian_flow(LINEAR, MEAN, SPREAD, x, 1.0, t.item()) for t in times])
    assert states.shape == (50, 20, 2)
    assert (states - expected).abs().max() < 1e-12


def test_round_off_is_left_out_of_the_slope():
    found = local_error(GAUSSIAN, LINEAR, "RK4", (20, 40, 80, 480), n=4, t_end=0.4, progress=False)
    assert found.fitted.tolist()[-1] is False
    assert found.order == pytest.approx(5, abs=0.3)


def test_a_network_in_single_precision_shows_its_floor():
    found = local_error(SinglePrecision(GAUSSIAN), LINEAR, "DDIM", (10, 20), n=8, progress=False)
    assert 1e-7 < found.floor < 1e-4
    assert found.order == pytest.approx(2, abs=0.3)


def test_the_figure_labels_both_slopes():
    found = local_error(GAUSSIAN, LINEAR, "Heun", (40, 80), n=4, progress=False)
    left, right = found.plot()
    labels = left.get_legend_handles_labels()[1]
    assert f"local: one step, slope {found.order:.2f}" in labels
    assert any(label.startswith("global: all steps, slope 2.0") for label in labels)
    assert right.get_legend_handles_labels()[1] == ["N = 40", "N = 80"]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"steps": (4, 16)}, ValueError, "steps must be an integer of at least 8, got 4"),
        ({"steps": (16,)}, ValueError, "steps must be at least two"),
        ({"steps": 16}, TypeError, "steps must be a list"),
        ({"method": "DDPM"}, ValueError, "without noise"),
        ({"method": "PF"}, ValueError, "without noise"),
        ({"eps": toylab.exact_eps(MEAN, LINEAR)}, ValueError, "floor"),
        ({"typo": 1}, TypeError, "typo"),
    ],
)
def test_bad_arguments_are_named(change, error, says):
    arguments = {"eps": GAUSSIAN, "method": "DDIM", "steps": (8, 16), "n": 4, "progress": False} | change
    with pytest.raises(error, match=says):
        local_error(schedule=LINEAR, **arguments)
