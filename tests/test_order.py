"""The order estimate: right where theory is known, honest where it cannot be."""

import numpy as np
import pytest
import torch
from problems import SinglePrecision

import toylab
from toylab.analysis._order import asymptotic_window
from toylab.problems import reference_solution
from toylab.samplers.core import start_noise

LINEAR = toylab.schedules.get("linear")
MEAN, SPREAD = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3
GAUSSIAN = toylab.exact_eps(MEAN, LINEAR, SPREAD)


def gaussian_flow(x, t, s, schedule=LINEAR):
    """The exact flow for one Gaussian: y - mean in proportion to sqrt(spread^2 + sigma^2)."""

    def width(u):
        return (SPREAD**2 + schedule.sigma(u) ** 2) ** 0.5

    y = x / schedule.alpha_bar(t) ** 0.5 - MEAN
    return schedule.alpha_bar(s) ** 0.5 * (MEAN + y * width(s) / width(t))


@pytest.mark.parametrize("t_end", [0.2, 0.01])
def test_reference_meets_the_closed_form_within_its_own_estimate(t_end):
    x = start_noise(32, (2,), 0, torch.float64)
    reference = reference_solution(GAUSSIAN, LINEAR, x, 1.0, t_end)
    error = (reference.x - gaussian_flow(x, 1.0, t_end)).norm(dim=1).square().mean().sqrt().item()
    assert error < 1e-12
    assert error < 20 * reference.error + 1e-14
    assert reference.nfe > 100


@pytest.mark.parametrize(
    ("method", "order"), [("Euler", 1), ("DDIM", 1), ("Heun", 2), ("PIE", 2), ("PRK", 2), ("RK4", 4)]
)
def test_order_against_a_closed_form_is_the_textbook_one(method, order):
    x = start_noise(16, (2,), 1, torch.float64)
    estimate = toylab.measure_order(
        GAUSSIAN, LINEAR, method, steps=(160, 320, 640), x_T=x, reference=gaussian_flow(x, 1.0, 0.2)
    )
    assert estimate.order == pytest.approx(order, abs=0.12)
    assert estimate.interval[0] <= estimate.order <= estimate.interval[1]
    assert estimate.local_orders == pytest.approx(order, abs=0.2)


def test_errors_are_those_of_separate_runs():
    x = start_noise(8, (2,), 2, torch.float64)
    estimate = toylab.measure_order(GAUSSIAN, LINEAR, "S-PNDM", steps=(10, 20), x_T=x)
    run = toylab.sample(GAUSSIAN, LINEAR, "S-PNDM", 20, x_T=x, t_end=0.2)
    errors = (run.x - gaussian_flow(x, 1.0, 0.2)).norm(dim=1)
    np.testing.assert_allclose(estimate.particle_errors[1], errors, rtol=1e-9)
    assert estimate.errors[1] == pytest.approx(errors.square().mean().sqrt().item())
    assert estimate.nfe.tolist() == [11, 21]


def test_round_off_is_detected_and_left_out_of_the_fit():
    x = start_noise(8, (2,), 3, torch.float64)
    estimate = toylab.measure_order(
        GAUSSIAN, LINEAR, "RK4", steps=(80, 160, 320, 1280, 2560), x_T=x, reference=gaussian_flow(x, 1.0, 0.2)
    )
    assert estimate.window[0] and not estimate.window[-1]
    assert estimate.order == pytest.approx(4, abs=0.15)


def test_float32_networks_show_a_float32_floor():
    estimate = toylab.measure_order(SinglePrecision(GAUSSIAN), LINEAR, "DDIM", steps=(10, 20, 40), n=8)
    assert 1e-7 < estimate.floor < 1e-4
    assert estimate.order == pytest.approx(1, abs=0.2)


def test_window_starts_where_local_orders_settle():
    errors = np.array([1.0, 0.9, 0.1, 0.025, 0.00625])
    local = -np.diff(np.log(errors)) / np.log(2)
    assert asymptotic_window(errors, local, 1e-12).tolist() == [False, False, True, True, True]
    assert asymptotic_window(errors, local, 1.0).sum() == 0


def test_a_method_that_is_exact_has_no_order_to_fit():
    one_point = toylab.exact_eps(MEAN, LINEAR)
    with pytest.raises(ValueError, match="floor"):
        toylab.measure_order(one_point, LINEAR, "DDIM", steps=(10, 20), n=4)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"steps": (10,)}, ValueError, "steps must be at least two increasing"),
        ({"steps": (20, 10)}, ValueError, "steps must be at least two increasing"),
        ({"steps": (10, 10)}, ValueError, "steps must be at least two increasing"),
        ({"steps": 10}, TypeError, "steps must be a list"),
        ({"steps": (0, 10)}, ValueError, "steps must be an integer of at least 1"),
        ({"method": "DDPM"}, ValueError, "DDPM"),
        ({"method": "PF"}, ValueError, "PF"),
        ({"method": "DDIM", "eta": 0.5}, ValueError, "without noise"),
        ({"t_end": 1.5}, ValueError, "t_end"),
        ({"typo": 1}, TypeError, "typo"),
    ],
)
def test_bad_input_is_named(change, error, words):
    arguments = {"method": "DDIM", "steps": (10, 20), "n": 4} | change
    with pytest.raises(error, match=words):
        toylab.measure_order(GAUSSIAN, LINEAR, **arguments)


def test_eps_that_is_not_deterministic_is_refused():
    def noisy(x, t):
        return GAUSSIAN(x, t) + 1e-3 * torch.randn_like(x)

    with pytest.raises(ValueError, match="deterministic"):
        toylab.measure_order(noisy, LINEAR, "DDIM", steps=(10, 20), n=4)


def test_reference_that_does_not_converge_is_refused():
    def rough(x, t):
        return torch.sign(torch.sin(1e4 * x)) * 3

    with pytest.raises(ValueError, match="did not converge"):
        x = start_noise(2, (2,), 0, torch.float32)
        reference_solution(rough, LINEAR, x, 0.01, 0.001, rtol=1e-2, progress=False)
