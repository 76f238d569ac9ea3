"""Nodes found by optimisation: better on held-out particles, reproducible, and not lost on Ctrl-C."""

import pytest
import torch
from problems import SinglePrecision, gaussian_flow

import toylab
from toylab import grids, problems
from toylab._interrupted import Interrupted
from toylab.analysis._optimize_grid import _MixedClock, optimize_grid
from toylab.problems.flow import rms
from toylab.schedules import get

QUICK = {"n": 48, "iterations": 12, "progress": False}


@pytest.mark.parametrize(("name", "method", "nfe"), [("circle", "F-PNDM", 19), ("line", "S-PNDM", 11)])
def test_optimised_nodes_beat_every_stock_grid_on_held_out_particles(name, method, nfe):
    problem = problems.curve(name, 80)
    found = optimize_grid(problem.eps, "linear", method, 10, **QUICK)
    assert found.nfe == nfe and found.method == method
    stock = {spacing: found.held_out[spacing] for spacing in grids.spacings()}
    assert found.held_out["optimised"] < 0.8 * min(stock.values())
    assert found.gain == min(stock.values()) / found.held_out["optimised"]
    assert stock[found.best_stock] == min(stock.values())


def test_reported_errors_are_those_of_runs_on_the_reported_nodes():
    problem = problems.gaussian()
    found = optimize_grid(problem.eps, "linear", "DDIM", 5, t_end=0.05, seed=3, **QUICK)
    x = problem.start(QUICK["n"], seed=3)
    run = toylab.sample(problem.eps, "linear", "DDIM", x_T=x, times=found.times, progress=False)
    exact = gaussian_flow(get("linear"), problem.eps.points[0], 0.3, x, 1.0, 0.05)
    assert rms(run.x - exact) == pytest.approx(found.train["optimised"], rel=1e-6)


def test_with_two_steps_the_search_finds_the_minimum_of_a_scan():
    problem = problems.gaussian()
    found = optimize_grid(problem.eps, "linear", "DDIM", 2, t_end=0.05, **QUICK)
    x = problem.start(QUICK["n"])
    exact = problem.solution(x, None, 0.05)

    def error(middle):
        run = toylab.sample(problem.eps, "linear", "DDIM", x_T=x, times=[1.0, middle, 0.05], progress=False)
        return rms(run.x - exact)

    scanned = min(error(0.05 + 0.95 * part / 400) for part in range(1, 400))
    assert found.train["optimised"] <= scanned * (1 + 1e-3)


def test_the_search_is_deterministic():
    problem, quick = (
        problems.curve("circle", 24, schedule="cosine"),
        {"n": 8, "iterations": 3, "progress": False},
    )
    first, second = (optimize_grid(problem.eps, "cosine", "S-PNDM", 6, **quick) for _ in range(2))
    assert torch.equal(first.times, second.times) and first.held_out == second.held_out


def test_a_network_in_single_precision_is_searched_in_double_precision():
    eps = problems.curve("circle", 24).eps
    network, quick = SinglePrecision(eps), {"n": 8, "iterations": 3, "progress": False}
    found, expected = (optimize_grid(each, "linear", "S-PNDM", 6, **quick) for each in (network, eps))
    assert torch.equal(found.times, expected.times) and found.held_out == expected.held_out
    assert network.weight.dtype == torch.float32


def test_the_nodes_keep_the_limits_and_fall():
    problem = problems.curve("circle", 24)
    found = optimize_grid(problem.eps, "linear", "DDIM", 7, t_start=0.8, t_end=0.02, n=8, iterations=3, progress=False)
    assert found.times[0] == 0.8 and found.times[-1] == 0.02 and len(found.times) == 8
    assert (found.times.diff() < 0).all()


def test_training_error_never_rises_above_that_of_the_best_stock_grid():
    problem = problems.curve("moons", 24)
    found = optimize_grid(problem.eps, "linear", "DDIM", 4, n=8, iterations=1, progress=False)
    assert found.train["optimised"] <= min(found.train[spacing] for spacing in grids.spacings())


def test_where_a_method_is_exact_there_is_nothing_to_search_for():
    problem = problems.one_point()
    found = optimize_grid(problem.eps, "linear", "DDIM", 5, **QUICK)
    assert found.runs == 0 and found.train["optimised"] < 10 * found.floor


def test_a_grid_that_does_not_exist_is_left_out():
    problem = problems.curve("circle", 24, spread=0.1)
    found = optimize_grid(problem.eps, "linear", "DDIM", 4, t_end=0.0, n=8, iterations=2, progress=False)
    assert "logsnr" not in found.train and {"t", "karras", "optimised"} <= set(found.train)


@pytest.mark.parametrize("name", toylab.schedules.names())
@pytest.mark.parametrize("spacing", grids.spacings())
def test_every_stock_grid_is_one_of_the_candidates(name, spacing):
    schedule = get(name)
    clock = _MixedClock(schedule, schedule.t_max, 1e-3)
    times = grids.nodes(schedule, 10, spacing=spacing)
    # a step shorter than 1e-4 of the longest is lengthened: on the sigma grid that moves nodes by a little
    torch.testing.assert_close(clock.times(clock.unknowns(times)), times, rtol=0, atol=2e-4)


def test_ctrl_c_keeps_the_best_nodes_so_far():
    problem, calls = problems.curve("circle", 24), 0

    def eps(x, t):
        nonlocal calls
        calls += 1
        if calls == stop_at:
            raise KeyboardInterrupt
        return problem.eps(x, t)

    arguments = {"n": 8, "shape": (2,), "iterations": 5, "progress": False, "t_end": 0.05}
    stop_at = None
    optimize_grid(eps, "linear", "DDIM", 5, **arguments)
    stop_at, calls = calls - 200, 0
    with pytest.raises(Interrupted) as stopped:
        optimize_grid(eps, "linear", "DDIM", 5, **arguments)
    best = stopped.value.done
    assert best.runs > 0 and best.train["optimised"] <= min(best.train[s] for s in grids.spacings())
    assert set(best.held_out) == set(best.train)


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"steps": 1}, ValueError, "steps must be an integer of at least 2"),
        ({"iterations": 0}, ValueError, "iterations"),
        ({"method": "DDPM"}, ValueError, "DDPM does not"),
        ({"method": "PF"}, ValueError, "PF does not"),
        ({"t_end": 1.0}, ValueError, "t_end"),
        ({"n": 0}, ValueError, "n must be"),
        ({"typo": 1}, TypeError, "typo"),
    ],
)
def test_bad_input_is_named(change, error, words):
    with pytest.raises(error, match=words):
        optimize_grid(problems.gaussian().eps, "linear", **({"method": "DDIM", "n": 4} | change))


def test_the_figure_shows_every_grid_and_its_held_out_error():
    from toylab.figures.theory import plot_nodes

    problem = problems.curve("circle", 24)
    found = optimize_grid(problem.eps, "linear", "DDIM", 4, n=8, iterations=2, progress=False)
    left, right = plot_nodes(found)
    assert len(left.lines) == 6 and len(right.patches) == 6
    assert right.patches[-1].get_width() == found.held_out["optimised"]
