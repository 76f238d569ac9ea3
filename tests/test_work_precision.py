"""Work-precision: equal counted evaluations, one reference a seed, honest spreads and an honest front."""

import json
import statistics

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import gaussian_flow, normal

import toylab
import toylab.analysis
from toylab.analysis import Interrupted, work_precision
from toylab.analysis._compare import compare
from toylab.analysis._work import pareto

LINEAR = toylab.schedules.get("linear")
CIRCLE = toylab.datasets.get("circle")
EPS = toylab.exact_eps(CIRCLE.curve(48), LINEAR, spread=0.05)


@pytest.fixture(scope="module")
def result():
    methods = ["RK4", "DDIM", "S-PNDM", "F-PNDM", "PF", "DDPM"]
    return work_precision(
        EPS, LINEAR, methods, nfe=(3, 8, 30), manifold=CIRCLE, seeds=(0, 4, 9), n=40, t_end=0.01,
        tolerances=(1e-2, 1e-4), progress=False,
    )  # fmt: skip


def only(result, method, at):
    (row,) = (row for row in result.rows if row.method == method and at in (row.budget, row.rtol))
    return row


def test_each_seed_of_a_row_is_a_comparison_at_that_budget(result):
    for i, seed in enumerate(result.seeds):
        alone = compare(EPS, LINEAR, ["RK4", "DDIM", "S-PNDM"], 8, CIRCLE, 40, seed, t_end=0.01, progress=False)
        assert result.distance.values[i] == alone.distance
        for expected in alone.rows:
            row = only(result, expected.method, 8)
            assert (row.steps, row.nfe) == (expected.steps, expected.nfe)
            for measure in ("error", "excess", "distance", "coverage"):
                assert getattr(row, measure).values[i] == getattr(expected, measure), measure


def test_the_error_is_the_rms_distance_from_the_closed_form_flow():
    mean, spread, x = torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.3, normal(30, 2, seed=2)
    eps = toylab.exact_eps(mean, LINEAR, spread)
    found = work_precision(eps, LINEAR, ["DDIM"], nfe=(6,), manifold="point", seeds=(2,), n=30)
    end = gaussian_flow(LINEAR, mean, spread, x, 1.0, 1e-3)
    run = toylab.sample(eps, LINEAR, "DDIM", 6, x_T=x)
    expected = (run.x - end).square().sum(1).mean().sqrt().item()
    assert found.rows[0].error.values == pytest.approx((expected,), abs=1e-6)


def test_the_spread_is_over_the_seeds(result):
    row = only(result, "S-PNDM", 30)
    assert len(set(row.error.values)) == 3
    assert row.error.middle == statistics.median(row.error.values)
    assert (row.error.low, row.error.high) == (min(row.error.values), max(row.error.values))


def test_no_row_spends_more_than_its_budget(result):
    for row in result.rows:
        assert row.budget is None or row.nfe <= row.budget


def test_a_method_that_cannot_run_at_a_budget_is_left_out_and_listed(result):
    assert result.left_out == {
        ("RK4", 3): "needs more than 3 for a single step",
        ("F-PNDM", 3): "needs more than 3 for a single step",
    }
    assert not [row for row in result.rows if row.budget == 3 and row.method in ("RK4", "F-PNDM")]


def test_a_method_that_blows_up_beyond_all_numbers_is_left_out_and_listed():
    sharp = toylab.exact_eps(CIRCLE.curve(48), LINEAR)

    def wild(x, t):
        return sharp(x, t) if x.abs().max() < 5 else torch.full_like(x, torch.nan)

    found = work_precision(wild, LINEAR, ["PRK", "DDIM"], nfe=(8, 40), manifold=CIRCLE, n=10, seeds=(0,))
    assert [(row.method, row.budget) for row in found.rows if row.budget == 8] == [("DDIM", 8)]
    assert "returned NaN" in found.left_out["PRK", 8]


def test_adaptive_methods_take_part_with_their_own_counted_evaluations(result):
    for tolerance in (1e-2, 1e-4):
        counts = [
            toylab.sample(
                EPS, LINEAR, "PF", 1, n=40, seed=seed, t_end=0.01, rtol=tolerance, atol=tolerance,
                x_T=normal(40, 2, seed=seed),
            ).nfe
            for seed in result.seeds
        ]  # fmt: skip
        row = only(result, "PF", tolerance)
        assert (row.budget, row.steps, row.rtol, row.nfe) == (None, None, tolerance, max(counts))
    assert only(result, "PF", 1e-4).error.middle < only(result, "PF", 1e-2).error.middle


def test_a_stochastic_method_has_no_end_point_error_and_is_on_no_front(result):
    row = only(result, "DDPM", 30)
    assert row.error is None and not row.pareto
    assert len(row.distance.values) == 3


def test_coverage_is_that_of_the_samples(result):
    x = toylab.sample(EPS, LINEAR, "DDIM", 30, n=40, seed=4, t_end=0.01, record=False).x
    assert only(result, "DDIM", 30).coverage.values[1] == CIRCLE.coverage(x, 0.15)


costs = st.integers(1, 6)


@given(st.lists(st.tuples(costs, st.sampled_from([0.1, 0.2, 0.5, None, float("inf")])), min_size=1, max_size=9))
def test_the_front_is_what_nothing_cheaper_or_as_cheap_beats(pairs):
    found = pareto([(nfe, nfe, error) for nfe, error in pairs])
    for (nfe, error), on in zip(pairs, found, strict=True):
        finite = error is not None and np.isfinite(error)
        others = [(n, e) for n, e in pairs if e is not None]
        beaten = finite and any((n <= nfe and e < error) or (n < nfe and e == error) for n, e in others)
        assert on == (finite and not beaten)


def test_what_a_budget_leaves_unspent_counts_against_a_method():
    # with 5 evaluations to spend, one RK4 step of 4 is no bargain beside five DDIM steps
    assert pareto([(4, 5, 58.0), (5, 5, 0.4)]) == [False, True]


def test_the_front_of_the_rows_is_marked(result):
    marked = {(row.method, row.nfe) for row in result.rows if row.pareto}
    assert marked == {(row.method, row.nfe) for row in result.front("error")}
    best = min((row for row in result.rows if row.budget == 30 and row.error), key=lambda row: row.error.middle)
    assert best.pareto


def test_the_front_of_coverage_is_the_most(result):
    top = max(row.coverage.middle for row in result.rows)
    assert result.front("coverage")[-1].coverage.middle == top


def test_distances_are_not_ranked(result):
    with pytest.raises(ValueError, match="unknown measure 'distance'"):
        result.front("distance")
    text = str(result.table("distance"))
    assert "*" not in text and f"of the exact flow {result.distance.middle:.3g}" in text
    (ax,) = result.plot(["distance"])
    assert "exact flow" in {drawn.get_label() for drawn in ax.lines}


def test_json_is_what_was_measured(result):
    read = json.loads(result.to_json())
    assert read["nfe"] == [3, 8, 30] and read["seeds"] == [0, 4, 9]
    assert len(read["rows"]) == len(result.rows)
    row, first = result.rows[0], read["rows"][0]
    assert (first["method"], first["steps"], first["nfe"]) == (row.method, row.steps, row.nfe)
    assert first["error"] == list(row.error.values)
    assert {"method": "RK4", "budget": 3, "reason": "needs more than 3 for a single step"} in read["left_out"]


def test_the_table_shows_medians_stars_and_who_is_missing(result):
    text = str(result.table())
    assert f"{only(result, 'DDIM', 8).error.middle:.3g}" in text
    assert "left out: RK4 at 3, F-PNDM at 3" in text
    assert " *" in text


def test_the_figure_shows_each_method_against_counted_evaluations(result):
    axes = result.plot(["error", "coverage"])
    lines = {drawn.get_label(): drawn for drawn in axes[0].lines}
    np.testing.assert_array_equal(lines["RK4"].get_xdata(), [row.nfe for row in result.of("RK4")])
    assert axes[0].get_xscale() == axes[0].get_yscale() == "log"
    assert "Pareto front" in lines
    assert "DDPM" not in lines and "DDPM" in {drawn.get_label() for drawn in axes[1].lines}


def test_interrupting_keeps_what_is_done():
    calls, last = 0, float("inf")

    def interrupted(x, t):
        nonlocal calls
        calls += 1
        if calls > last:
            raise KeyboardInterrupt
        return EPS(x, t)

    arguments = {"methods": ["DDIM"], "nfe": (4, 9), "manifold": CIRCLE, "n": 10}
    work_precision(interrupted, LINEAR, seeds=(0,), **arguments)
    last, calls = calls + 5, 0
    with pytest.raises(Interrupted, match="what is done is kept") as stop:
        work_precision(interrupted, LINEAR, seeds=(0, 1), **arguments)
    done = stop.value.done
    assert [row.steps for row in done.rows] == [4, 9]
    assert all(len(row.error.values) == 1 for row in done.rows)


def test_measures_of_the_package_are_functions_in_whatever_order_modules_are_imported():
    for name in toylab.analysis.__all__:
        assert callable(getattr(toylab.analysis, name)), name
        assert callable(getattr(toylab.analysis, name)), name


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"nfe": 20}, TypeError, "nfe must be a list"),
        ({"nfe": ()}, ValueError, "nfe must be a non-empty list"),
        ({"nfe": (20, 10)}, ValueError, "nfe must increase"),
        ({"nfe": (0, 10)}, ValueError, "nfe must be an integer of at least 1"),
        ({"seeds": ()}, ValueError, "seeds must be a non-empty list"),
        ({"seeds": (1, 1)}, ValueError, "different"),
        ({"seeds": (0.5,)}, TypeError, "seeds must be an integer"),
        ({"methods": ["RK4"], "nfe": (3,)}, ValueError, "nfe must be enough"),
        ({"methods": ["PF"], "tolerances": (0.0,)}, ValueError, "tolerances must be"),
        ({"manifold": "circel"}, ValueError, "did you mean 'circle'"),
        ({"spacing": "cubic"}, ValueError, "unknown spacing"),
        ({"n": 0}, ValueError, "n must be an integer"),
    ],
)
def test_bad_arguments_are_named(change, error, says):
    arguments = {"methods": ["DDIM"], "nfe": (4,), "manifold": "circle", "n": 4, "seeds": (0,)} | change
    with pytest.raises(error, match=says):
        work_precision(EPS, LINEAR, progress=False, **arguments)


# Orderings that hold in every run


@pytest.fixture(scope="module")
def ranking():
    eps = toylab.exact_eps(toylab.datasets.get("moons").curve(200), LINEAR)
    methods = ["Heun", "RK4", "DDIM", "S-PNDM", "F-PNDM", "PLMS"]
    return work_precision(eps, LINEAR, methods, (10, 13, 20, 100), "moons", n=64, t_end=0.01, progress=False)


def every(ranking, better, worse, nfe, factor=1.0):
    pairs = zip(only(ranking, better, nfe).error.values, only(ranking, worse, nfe).error.values, strict=True)
    return all(factor * a < b for a, b in pairs)


def test_s_pndm_beats_ddim_at_equal_evaluations(ranking):
    assert all(every(ranking, "S-PNDM", "DDIM", nfe) for nfe in (10, 13, 20, 100))


def test_few_evaluations_are_better_spent_on_pseudo_methods_than_on_runge_kutta(ranking):
    for nfe in (10, 20):
        for pseudo in ("DDIM", "S-PNDM"):
            for classical in ("Heun", "RK4"):
                assert every(ranking, pseudo, classical, nfe)


def test_plms_beats_f_pndm_while_its_start_is_dear(ranking):
    assert every(ranking, "PLMS", "F-PNDM", 13) and every(ranking, "PLMS", "F-PNDM", 20)


def test_f_pndm_beats_ddim_at_a_hundred_evaluations(ranking):
    assert every(ranking, "F-PNDM", "DDIM", 100, factor=1.5)
