"""Solver error and network error: two parts that add up, and the NFE where one hides behind the other."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from problems import gaussian_flow, normal

import toylab
from toylab.analysis import Interrupted, decompose_error

LINEAR = toylab.schedules.get("linear")
MEAN, NEAR = torch.tensor([[0.7, -0.4]]).double(), torch.tensor([[0.72, -0.36]]).double()
SPREAD = 0.3
EXACT = toylab.exact_eps(MEAN, LINEAR, SPREAD)


class Network(torch.nn.Module):
    """A stand-in for a trained network in float32: the exact epsilon of a Gaussian not quite in the right place."""

    schedule, dataset = LINEAR, "point"

    def __init__(self, mean=NEAR):
        super().__init__()
        self.mean = torch.nn.Parameter(mean.float())

    def forward(self, x, t):
        return toylab.exact_eps(self.mean, LINEAR, SPREAD)(x, t)


@pytest.fixture(scope="module")
def result():
    methods = ["DDIM", "RK4", "F-PNDM", "DDPM"]
    return decompose_error(
        Network(), EXACT, methods=methods, nfe=(3, 10, 40, 160), n=50, seed=3, t_end=0.01, progress=False
    )


def flow(mean):
    mean = mean.float().double()  # the network's parameter went through float32
    return gaussian_flow(LINEAR, mean, SPREAD, normal(50, 2, seed=3), 1.0, 0.01)


def rms(difference):
    return difference.square().sum(1).mean().sqrt().item()


def test_the_network_error_is_between_the_two_flows(result):
    assert result.network == pytest.approx(rms(flow(NEAR) - flow(MEAN)), rel=1e-5)
    np.testing.assert_allclose(result.network_errors, (flow(NEAR) - flow(MEAN)).norm(dim=1), rtol=1e-4)


def test_the_solver_error_is_from_the_network_s_own_flow_and_the_total_from_the_exact_one(result):
    for row in result.rows:
        network = toylab.exact_eps(NEAR.float().double(), LINEAR, SPREAD)
        x = toylab.sample(network, LINEAR, row.method, row.steps, x_T=normal(50, 2, seed=3), t_end=0.01).x
        assert row.solver == pytest.approx(rms(x - flow(NEAR)), rel=1e-4, abs=1e-6)
        assert row.total == pytest.approx(rms(x - flow(MEAN)), rel=1e-4)


def test_errors_obey_the_triangle_inequality(result):
    for row in result.rows:
        assert abs(row.solver - result.network) <= row.total + 1e-12
        assert row.total <= row.solver + result.network + 1e-12
        assert (row.total_errors <= row.solver_errors + result.network_errors + 1e-12).all()


def test_errors_of_particles_are_those_of_the_rms(result):
    for row in result.rows:
        assert row.solver == pytest.approx(np.sqrt((row.solver_errors**2).mean()))
        assert row.total == pytest.approx(np.sqrt((row.total_errors**2).mean()))
    assert result.network == pytest.approx(np.sqrt((result.network_errors**2).mean()))


def test_with_many_steps_the_total_is_the_network_error(result):
    last = result.of("F-PNDM")[-1]
    assert last.solver < result.network / 100
    assert last.total == pytest.approx(result.network, rel=0.01)


def test_a_perfect_network_leaves_solver_error_alone():
    found = decompose_error(Network(MEAN), EXACT, methods=["DDIM"], nfe=(5, 20), n=20, t_end=0.01)
    assert found.network < 1e-6
    for row in found.rows:
        assert row.total == pytest.approx(row.solver, abs=1e-6)


def test_a_network_is_measured_in_float64_and_left_as_it_was():
    network = Network()
    found = decompose_error(network, EXACT, methods=["RK4"], nfe=(1600,), n=10, t_end=0.2)
    assert found.rows[0].solver < 1e-8  # float32 would stop at 1e-6
    assert network.mean.dtype == torch.float32


def test_the_crossover_lies_where_the_solver_error_falls_below_the_network_error(result):
    at = result.crossover("DDIM")
    rows = result.of("DDIM")
    before = max(row.nfe for row in rows if row.solver >= result.network)
    after = min(row.nfe for row in rows if row.solver < result.network)
    assert before < at < after


def with_errors(result, errors, network):
    """The same decomposition with other numbers for one method."""
    row = result.of("DDIM")[0]
    rows = tuple(replace(row, nfe=nfe, budget=nfe, solver=solver) for nfe, solver in errors.items())
    return replace(result, rows=rows, network=network)


@pytest.mark.parametrize(
    ("errors", "network", "expected"),
    [
        ({10: 1.0, 20: 0.5, 40: 0.25}, 0.5**1.5, 10 * 2**1.5),  # a straight line of slope 1
        ({10: 0.1, 20: 0.05}, 0.2, 10.0),  # below from the first on
        ({10: 0.1, 20: 0.3, 40: 0.1}, 0.3 * 3**-0.5, 20 * 2**0.5),  # below for good
        ({10: 1.0, 20: 0.5}, 0.2, None),
        ({10: 1.0, 20: 0.5}, 0.0, None),
        ({10: 1.0, 20: 0.0}, 0.5, 20.0),
    ],
)
def test_crossover(result, errors, network, expected):
    assert with_errors(result, errors, network).crossover("DDIM") == pytest.approx(expected)


def test_budgets_are_of_counted_evaluations_and_what_cannot_run_is_listed(result):
    assert all(row.nfe <= row.budget for row in result.rows)
    assert ("RK4", 3) in result.left_out and ("F-PNDM", 3) in result.left_out
    assert {reason for (name, _), reason in result.left_out.items() if name == "DDPM"} == {
        "is stochastic: its particles do not follow the flow"
    }
    assert result.methods == ("DDIM", "RK4", "F-PNDM")


def test_by_default_the_exact_epsilon_is_that_of_the_network_s_data_set():
    class Circle(Network):
        dataset = "circle"

        def forward(self, x, t):
            return toylab.exact_eps(toylab.datasets.get("circle").curve(500).to(x), LINEAR)(x, t)

    found = decompose_error(Circle(), methods=["S-PNDM"], nfe=(30,), n=20, t_end=0.01, progress=False)
    assert found.network < 1e-3
    assert found.name == "circle"
    assert found.distance["exact"] == pytest.approx(found.distance["network"], abs=1e-3)


def test_json_is_what_was_measured(result):
    read = json.loads(result.to_json())
    assert read["network"] == result.network
    assert [row["solver"] for row in read["rows"]] == [row.solver for row in result.rows]
    assert read["crossover"]["DDIM"] == result.crossover("DDIM")


def test_the_table_has_every_row_and_the_crossovers(result):
    table = result.table()
    assert len(table.rows) == len(result.rows)
    assert "crossover: DDIM NFE" in str(table)


def test_the_figure_marks_the_crossover_of_each_method(result):
    for method, ax in zip(result.methods, result.plot(), strict=True):
        marked = [x for drawn in ax.lines for x in drawn.get_xdata()]
        assert ax.get_title() == method
        assert any(np.isclose(x, result.crossover(method)) for x in marked)


def test_no_word_of_the_figure_touches_a_crossover(result):
    for ax in result.plot():
        ax.figure.canvas.draw()
        uprights = [line for line in ax.lines if len(line.get_xdata()) == 2 and len({*line.get_xdata()}) == 1]
        assert uprights
        boxes = [text.get_window_extent() for text in (*ax.texts, ax.title) if text.get_text()]
        assert len(boxes) == 5  # three lines by name, the note, the method
        for line in uprights:
            upright = line.get_window_extent()
            assert not any(box.x0 <= upright.x0 <= box.x1 and box.y0 < upright.y1 for box in boxes)


def test_interrupting_keeps_what_is_done():
    class Interrupting(Network):
        calls, last = 0, float("inf")

        def forward(self, x, t):
            Interrupting.calls += 1
            if Interrupting.calls > Interrupting.last:
                raise KeyboardInterrupt
            return super().forward(x, t)

    network = Interrupting()
    arguments = {"exact": EXACT, "methods": ["DDIM"], "nfe": (5, 10, 20), "n": 7, "t_end": 0.01}
    decompose_error(network, **arguments)
    Interrupting.calls, Interrupting.last = 0, Interrupting.calls - 3
    with pytest.raises(Interrupted, match="2 of 3 runs done") as stop:
        decompose_error(network, **arguments)
    assert [row.nfe for row in stop.value.done.rows] == [5, 10]


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"net": lambda x, t: x}, TypeError, "schedule must be"),
        ({"net": lambda x, t: x, "schedule": LINEAR}, ValueError, "manifold must be given"),
        ({"nfe": (20, 10)}, ValueError, "nfe must increase"),
        ({"methods": ["RK4"], "nfe": (3,)}, ValueError, "methods must be able to run"),
        ({"methods": ["DDPM"]}, ValueError, "methods must be able to run"),
        ({"n": 0}, ValueError, "n must be an integer"),
        ({"spacing": "cubic"}, ValueError, "unknown spacing"),
    ],
)
def test_bad_arguments_are_named(change, error, says):
    arguments = {"net": Network(), "exact": EXACT, "methods": ["DDIM"], "nfe": (4,), "n": 4} | change
    with pytest.raises(error, match=says):
        decompose_error(**arguments)


def test_flows_of_an_earlier_call_are_taken_over_and_give_the_same_parts(result):
    again = decompose_error(
        Network(), EXACT, methods=["F-PNDM"], nfe=(10, 40), n=50, seed=3, t_end=0.01, flows=result, progress=False
    )
    assert again.own is result.own and again.exact is result.exact
    before = {row.nfe: (row.solver, row.total) for row in result.of("F-PNDM")}
    assert all(before[row.nfe] == (row.solver, row.total) for row in again.rows)


def test_a_looser_tolerance_moves_the_flows_by_no_more_than_it_says(result):
    loose = decompose_error(
        Network(), EXACT, methods=["DDIM"], nfe=(10,), n=50, seed=3, t_end=0.01, rtol=1e-4, progress=False
    )
    assert loose.own.nfe < result.own.nfe
    assert loose.network == pytest.approx(result.network, abs=10 * (loose.own.error + loose.exact.error))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"flows": "the last"}, TypeError, "flows must be an earlier Decomposition"),
        ({"flows": None, "rtol": 0.0}, ValueError, "rtol"),
    ],
)
def test_flows_and_tolerances_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        decompose_error(Network(), EXACT, methods=["DDIM"], nfe=(10,), n=4, progress=False, **arguments)


def test_flows_of_other_particles_are_refused(result):
    with pytest.raises(ValueError, match="flows must be of 4 particles of 'point', got 50"):
        decompose_error(Network(), EXACT, methods=["DDIM"], nfe=(10,), n=4, flows=result, progress=False)
