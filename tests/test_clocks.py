"""Fourth order from a change of clock: F-PNDM in sigma, PRK with midpoints in sigma, exact weights anywhere.

Bands for N = 1280 -> 2560 from t_start = 0.6 to t_end = 0.05, points spread by 0.05.
"""

from functools import cache

import pytest
import torch
from problems import Stack, flower, normal

import toylab
from toylab.problems.flow import reference_solution, rms

SETS = [flower(petals, 48) for petals in (3, 5, 8)]
X = normal(12, 2, seed=2)
SIGMA_START = {"midpoint": "sigma"}


@cache
def flow(schedule, t_start, t_end):
    """(eps of three data sets at once, exact end points)."""
    schedule = toylab.schedules.get(schedule)
    eps = Stack(SETS, schedule, 0.05)
    return eps, reference_solution(eps, schedule, X, t_start or schedule.t_max, t_end, progress=False).x


def order(schedule, method, steps, spacing, t_start=0.6, t_end=0.05, **options):
    eps, exact = flow(schedule, t_start, t_end)
    limits = {"t_start": t_start, "t_end": t_end, "spacing": spacing}
    estimate = toylab.measure_order(
        eps, schedule, method, steps, x_T=X, reference=exact, progress=False, **limits, **options
    )
    return estimate.local_orders[-1]


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_f_pndm_is_fourth_order_on_the_sigma_clock(schedule):
    assert 3.66 <= order(schedule, "F-PNDM", (1280, 2560), "sigma") <= 4.19


@pytest.mark.parametrize("spacing", ["logsnr", "karras", "quad"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_f_pndm_stays_second_order_on_other_clocks(schedule, spacing):
    assert order(schedule, "F-PNDM", (640, 1280), spacing) == pytest.approx(2, abs=0.02)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_prk_with_midpoints_in_sigma_is_fourth_order(schedule):
    assert 3.99 <= order(schedule, "PRK", (320, 640), "t", None, 0.2, **SIGMA_START) <= 4.02


@pytest.mark.parametrize("spacing", ["t", "sigma", "logsnr", "karras", "quad"])
def test_prk_s_order_is_a_matter_of_its_midpoint_not_of_the_grid(spacing):
    steps = (640, 1280) if spacing == "sigma" else (160, 320)
    assert order("linear", "PRK", steps, spacing) == pytest.approx(2, abs=0.03)
    assert order("linear", "PRK", steps, spacing, **SIGMA_START) == pytest.approx(4, abs=0.06)


@pytest.mark.parametrize("spacing", ["t", "logsnr", "karras", "quad"])
@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_exact_weights_are_fourth_order_on_every_clock(schedule, spacing):
    found = order(schedule, "F-PNDM", (640, 1280), spacing, weights="exact", **SIGMA_START)
    assert found == pytest.approx(4, abs=0.2)


@pytest.mark.parametrize("spacing", ["logsnr", "quad"])
def test_exact_weights_with_a_start_in_t_come_down_to_third_order(spacing):
    # three PRK steps with midpoints in t miss by O(h^3) each
    assert 2.7 < order("linear", "F-PNDM", (2560, 5120), spacing, weights="exact") < 3.1


def test_exact_weights_change_nothing_on_the_sigma_clock():
    eps, _ = flow("linear", 0.6, 0.05)
    runs = [
        toylab.sample(
            eps,
            "linear",
            "F-PNDM",
            40,
            x_T=X,
            t_start=0.6,
            t_end=0.05,
            spacing="sigma",
            weights=w,
            progress=False,
        ).x
        for w in ("equispaced", "exact")
    ]
    torch.testing.assert_close(*runs, rtol=0, atol=1e-10)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
def test_at_twenty_evaluations_the_fourth_order_clock_loses_to_second_order_ones(schedule):
    # order is not everything: nodes even in sigma are nearly all at t > 0.5
    eps, exact = flow(schedule, None, 0.01)

    def error(spacing):
        run = toylab.sample(eps, schedule, "F-PNDM", 11, x_T=X, t_end=0.01, spacing=spacing, progress=False)
        assert run.nfe == 20
        return rms(run.x - exact)

    assert error("sigma") > 5 * max(error(spacing) for spacing in ("logsnr", "karras"))


def test_the_clock_table_has_a_row_for_every_method_and_clock():
    from toylab import grids, problems
    from toylab.figures import clock_table

    problem = problems.gaussian()
    table = clock_table(problem, ("DDIM", "F-PNDM"), nfe=(10, 20), t_end=0.01, n=8)
    assert [row[:2] for row in table.rows] == [(m, s) for m in ("DDIM", "F-PNDM") for s in grids.spacings()]
    x = problem.start(8)
    run = toylab.sample(problem.eps, "linear", "DDIM", 20, x_T=x, t_end=0.01, spacing="quad", progress=False)
    assert table.rows[4][3] == pytest.approx(rms(run.x - problem.solution(x, None, 0.01)))
    assert table.rows[5][2] is None and table.rows[5][3] > 0


def test_the_clock_figure_names_the_orders():
    from toylab import problems
    from toylab.figures.theory import plot_clocks

    ax = plot_clocks(problems.gaussian(), steps=(160, 320), n=4)
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[2] == "even in logsnr: order 2.00" and len(ax.lines) == 5
