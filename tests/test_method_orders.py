"""How fast every method converges: slopes of the end-point error under halved steps.

The error is the rms distance to the exact end, which scipy's DOP853 finds in (y, sigma), or a closed form.
"""

import functools

import pytest
import torch
from problems import PAIRS, Stack, gaussian_flow, normal, reference

import toylab

PARTICLES = 64


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


@functools.cache
def flows(name, sets, t_start, t_end):
    """(eps, start, exact end) of each data set x two seeds in one batch, points spread by 0.05."""
    schedule = toylab.schedules.get(name)
    eps = Stack([toylab.datasets.get(data).curve(64)[:64].double() for data in sets], schedule, 0.05)
    x = torch.cat([normal(PARTICLES, 2, seed=seed) for _ in sets for seed in (0, 1)])
    return eps, x, reference(eps, schedule, x, t_start or schedule.t_max, t_end)


def slopes(method, name, sets, counts=(320, 640), t_start=None, t_end=0.2, **options):
    """log2 of the ratio of errors for each data set and seed."""
    eps, x, exact = flows(name, sets, t_start, t_end)
    errors = []
    for steps in counts:
        run = toylab.sample(
            eps,
            name,
            method,
            steps=steps,
            x_T=x,
            t_start=t_start,
            t_end=t_end,
            record=False,
            progress=False,
            **options,
        )
        errors.append((run.x - exact).reshape(-1, 2 * PARTICLES).square().mean(1).sqrt())
    return torch.log2(errors[0] / errors[1])


BANDS = [  # slopes from 320 to 640 steps uniform in t, from t_max to 0.2, to two digits
    ("Euler", {}, 0.99, 1.00), ("DDIM", {}, 0.99, 1.00), ("Heun", {}, 2.00, 2.01), ("RK4", {}, 3.88, 4.02),
    ("AB4", {}, 3.90, 4.34), ("S-PNDM", {}, 1.92, 2.00), ("F-PNDM", {}, 1.98, 2.01), ("PLMS", {}, 1.71, 2.01),
    ("PRK", {"midpoint": "t"}, 2.00, 2.02), ("PRK", {"midpoint": "sigma"}, 4.00, 4.01),
]  # fmt: skip
SETS = {
    "linear": ("circle", "spiral", "gaussians"),
    "cosine": ("gaussians", "swiss-roll", "pinwheel"),
}


@pytest.mark.parametrize("name", SETS)
@pytest.mark.parametrize("method, options, low, high", BANDS)
def test_orders_uniform_in_t_lie_in_their_bands(method, options, low, high, name):
    found = slopes(method, name, SETS[name], **options)
    assert low - 0.005 <= found.min() and found.max() < high + 0.005, found


@pytest.mark.parametrize("method", ["PIE", "AB2"])
def test_the_pairs_outside_the_table_are_second_order(method):
    found = slopes(method, "linear", SETS["linear"])
    assert 1.98 < found.min() and found.max() < 2.02, found


def test_on_cosine_the_low_slopes_come_from_its_singular_start():
    # h = 0.0025 is no longer small beside 1 - t_max = 0.0054, where sigma has its pole
    sets = ("circle", "spiral")
    assert slopes("S-PNDM", "cosine", sets).max() < 1.9
    assert slopes("PLMS", "cosine", sets).max() < 1.85
    for method in ("S-PNDM", "PLMS"):
        found = slopes(method, "cosine", sets, t_start=0.9)
        assert 1.96 < found.min() and found.max() < 2.04, found


def test_f_pndm_is_fourth_order_on_a_grid_uniform_in_sigma():
    limits = {"t_start": 0.6, "t_end": 0.05}
    found = slopes("F-PNDM", "linear", ("circle", "spiral"), (1280, 2560), spacing="sigma", **limits)
    assert 3.66 <= found.min() and found.max() <= 4.19, found


def test_prk_with_its_midpoint_in_sigma_is_fourth_order_on_any_grid():
    found = slopes("PRK", "linear", ("circle", "spiral"), (160, 320), spacing="quad", midpoint="sigma")
    assert 3.9 < found.min() and found.max() < 4.1, found


@pytest.mark.parametrize("spacing", ["logsnr", "karras"])
def test_f_pndm_stays_second_order_on_grids_that_are_not_uniform_in_sigma(spacing):
    limits = {"t_start": 0.6, "t_end": 0.05}
    found = slopes("F-PNDM", "linear", ("circle", "spiral"), (640, 1280), spacing=spacing, **limits)
    assert 1.98 < found.min() and found.max() < 2.02, found


@pytest.mark.parametrize("t_end", [0.2, 0.05])
@pytest.mark.parametrize("method", ["F-PNDM", "PRK"])
def test_the_error_constant_of_f_pndm_and_prk_is_the_predicted_one(method, t_end):
    # one Gaussian: the error is (h^2 / 12) sqrt(ab_end) integral of eps' sigma'' G dt, G the propagator in y
    schedule, mean, spread, steps = (
        toylab.schedules.get("linear"),
        torch.tensor([[0.3, -0.8]]).double(),
        0.5,
        2560,
    )
    x = normal(4, 2)
    eps = toylab.exact_eps(mean, schedule, spread)
    run = toylab.sample(eps, schedule, method, steps=steps, x_T=x, t_end=t_end, record=False)
    measured = run.x - gaussian_flow(schedule, mean, spread, x, 1.0, t_end)

    t = torch.linspace(t_end, 1, 200_001, dtype=torch.float64)
    sigma = schedule.sigma(t)
    size = (spread**2 + sigma**2).sqrt()  # y - mean = c size, eps = dy/dsigma = c sigma / size
    slope = lambda values: torch.gradient(values, spacing=(t,))[0]  # noqa: E731
    d_eps, d2_sigma = slope(sigma / size), slope(slope(sigma))
    integral = torch.trapezoid(d_eps * d2_sigma * size[0] / size, t)
    c = (x / schedule.alpha_bar(1.0) ** 0.5 - mean) / size[-1]
    h = (1 - t_end) / steps
    predicted = h**2 / 12 * schedule.alpha_bar(t_end) ** 0.5 * integral * c
    ratio = (measured / predicted).abs()
    assert 0.994 < ratio.min() and ratio.max() < 1.004, ratio
