"""Orders of many methods against one reference, orders under every grid and schedule, and interrupted measurements."""

import numpy as np
import pytest
import torch
from problems import SCHEDULES, gaussian_flow, normal

import toylab
from toylab.analysis import Interrupted, measure_order, order_table
from toylab.problems import problem as module

LINEAR = toylab.schedules.get("linear")
MEAN, SPREAD = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3
GAUSSIAN = toylab.exact_eps(MEAN, LINEAR, SPREAD)
STEPS = (20, 40, 80)


@pytest.fixture(scope="module")
def table():
    return order_table(GAUSSIAN, LINEAR, ["DDIM", "fon", "PF", "Heun", "DDPM"], STEPS, n=12, seed=3, progress=False)


def test_the_rows_are_those_of_single_measurements(table):
    assert list(table.estimates) == ["DDIM", "AB4", "Heun"]
    for method, estimate in table.estimates.items():
        alone = measure_order(GAUSSIAN, LINEAR, method, STEPS, n=12, seed=3, reference=table.reference, progress=False)
        np.testing.assert_array_equal(estimate.particle_errors, alone.particle_errors)
        assert table[method].order == alone.order


def test_one_reference_serves_all_methods(monkeypatch):
    solved = []
    solve = module.reference_solution
    monkeypatch.setattr(module, "reference_solution", lambda *a, **k: solved.append(1) or solve(*a, **k))
    found = order_table(GAUSSIAN, LINEAR, ["DDIM", "Heun", "RK4"], (10, 20), n=4, progress=False)
    assert len(solved) == 1
    assert all(estimate.reference is found.reference for estimate in found.estimates.values())


def test_methods_without_an_order_are_left_out_and_listed(table):
    assert set(table.left_out) == {"PF", "DDPM"}
    assert "without noise" in table.left_out["DDPM"]


def test_a_method_at_the_floor_is_left_out_and_listed():
    found = order_table(toylab.exact_eps(MEAN, LINEAR), LINEAR, ["DDIM", "Euler"], (10, 20), n=4, progress=False)
    assert list(found.estimates) == ["Euler"]
    assert "floor" in found.left_out["DDIM"]


def test_a_table_without_any_method_left_is_refused():
    with pytest.raises(ValueError, match="none does"):
        order_table(GAUSSIAN, LINEAR, ["DDPM", "PF"], (10, 20), n=4, progress=False)


def test_the_text_shows_orders_and_what_is_left_out(table):
    text = str(table.table())
    assert f"{table['DDIM'].order:.2f}" in text
    assert "PF left out" in text


def test_the_figure_shows_every_slope_and_shades_the_window(table):
    ax = table.plot()
    labels = ax.get_legend_handles_labels()[1]
    assert [label.split(":")[0] for label in labels] == ["DDIM", "AB4", "Heun"]
    assert f"order {table['Heun'].order:.2f}" in labels[2]


# measure_order, whatever the grid


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("spacing", ["t", "sigma", "logsnr", "karras", "quad"])
def test_heun_s_order_shows_under_every_schedule_and_spacing(name, spacing):
    schedule, x = toylab.schedules.get(name), normal(6, 2)
    # near t_max sigma varies too fast for practical step counts on some of these grids
    start, end = 0.8 * schedule.t_max, 0.2
    found = measure_order(
        toylab.exact_eps(MEAN, schedule, SPREAD), schedule, "Heun", (160, 320), x_T=x, t_start=start, t_end=end,
        spacing=spacing, reference=gaussian_flow(schedule, MEAN, SPREAD, x, start, end), progress=False,
    )  # fmt: skip
    assert found.order == pytest.approx(2, abs=0.15)


def test_a_table_of_betas_is_measured_like_any_schedule():
    schedule = toylab.schedules.from_betas(np.linspace(1e-4, 0.02, 1000))
    eps = toylab.exact_eps(MEAN, schedule, SPREAD)
    found = measure_order(eps, schedule, "DDIM", (50, 100, 200), n=8, progress=False)
    assert found.order == pytest.approx(1, abs=0.1)


def test_the_end_may_be_the_data_themselves():
    found = measure_order(GAUSSIAN, LINEAR, "DDIM", (100, 200, 400), n=8, t_end=0, progress=False)
    assert found.order == pytest.approx(1, abs=0.1)


def test_a_trained_network_s_order_is_measured_in_its_own_precision():
    network = toylab.epsilon.MLP("linear", hidden=16, layers=2, fourier=4)
    torch.nn.init.normal_(network.last.weight, std=0.3, generator=torch.Generator().manual_seed(0))
    single = measure_order(network, LINEAR, "S-PNDM", (10, 20, 40, 80, 2560), n=16, progress=False)
    double = measure_order(network.double(), LINEAR, "S-PNDM", (40, 80, 160), n=16, progress=False)
    assert 1e-7 < single.floor < 1e-5 and double.floor < 1e-12
    assert not single.window[-1]
    assert double.order == pytest.approx(2, abs=0.2)


def test_a_reference_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"reference must be a Reference or a tensor like x_T, \(4, 2\)"):
        measure_order(GAUSSIAN, LINEAR, "DDIM", (10, 20), n=4, reference=torch.zeros(4, 3))


# Interrupting


class Stopping:
    """The Gaussian's epsilon, which Ctrl-C interrupts at its last allowed evaluation."""

    def __init__(self):
        self.calls, self.last = 0, float("inf")

    def __call__(self, x, t):
        self.calls += 1
        if self.calls > self.last:
            raise KeyboardInterrupt
        return GAUSSIAN(x, t)


def interrupted(measure, fewer):
    """What is raised when the measurement stops that many evaluations before its end."""
    eps = Stopping()
    measure(eps)
    eps.last, eps.calls = eps.calls - fewer, 0
    with pytest.raises(Interrupted) as stop:
        measure(eps)
    return stop.value


def test_interrupting_keeps_the_step_counts_that_are_done():
    def measure(eps):
        return measure_order(eps, LINEAR, "DDIM", (10, 20, 40), n=4, progress=False)

    stop = interrupted(measure, 5)
    assert "DDIM: interrupted with 2 of 3 step counts done; what is done is kept in `done`" in str(stop)
    assert stop.done.steps.tolist() == [10, 20]
    assert stop.done.order == measure_order(GAUSSIAN, LINEAR, "DDIM", (10, 20), n=4, progress=False).order


def test_one_step_count_makes_no_order_to_keep():
    stop = interrupted(lambda eps: measure_order(eps, LINEAR, "DDIM", (10, 20), n=4, progress=False), 5)
    assert stop.done is None
    assert "nothing had been finished" in str(stop)


def test_interrupting_a_table_keeps_the_methods_that_are_done():
    stop = interrupted(lambda eps: order_table(eps, LINEAR, ["DDIM", "Heun"], (10, 20), n=4, progress=False), 5)
    assert list(stop.done.estimates) == ["DDIM"]


def test_an_interrupted_measurement_stops_a_program_like_any_other_interrupt():
    assert issubclass(Interrupted, KeyboardInterrupt)
    assert not issubclass(Interrupted, Exception)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"methods": "DDIM"}, TypeError, "methods must be a list"),
        ({"methods": ["DDIN"]}, ValueError, "did you mean 'DDIM'"),
        ({"methods": ["AB4", "FON"]}, ValueError, "different methods"),
        ({"steps": (20, 10)}, ValueError, "steps must be at least two increasing"),
        ({"spacing": "cubic"}, ValueError, "unknown spacing"),
        ({"t_end": 1.5}, ValueError, "t_end"),
        ({"n": 0}, ValueError, "n must be an integer"),
        ({"schedule": "linaer"}, ValueError, "did you mean 'linear'"),
        ({"eps": lambda x, t: torch.rand_like(x)}, ValueError, "deterministic"),
    ],
)
def test_bad_arguments_are_named(change, error, says):
    arguments = {"eps": GAUSSIAN, "schedule": LINEAR, "methods": ["DDIM"], "steps": (10, 20), "n": 4} | change
    with pytest.raises(error, match=says):
        order_table(progress=False, **arguments)
