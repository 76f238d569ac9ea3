"""Problem in, result out: what every measurement takes, and what every result can do."""

import itertools
import json
import math
from dataclasses import replace

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch

import toylab
from toylab import analysis, figures, problems
from toylab.analysis import Result, log_density
from toylab.analysis._order import _estimate
from toylab.analysis._work import Spread, WorkRow
from toylab.figures import line
from toylab.figures.style import told_apart
from toylab.problems import Problem, as_problem, reference_solution

CIRCLE = problems.curve("circle", 40, 0.05)
HOW = {"n": 6, "t_end": 0.3}


def bare(x, t):
    """An epsilon that carries nothing."""
    return CIRCLE.eps(x, t)


MEASURES = {
    "compare": lambda *given, **more: toylab.compare(*given, methods=["DDIM", "RK4"], nfe=5, **HOW, **more),
    "work_precision": lambda *given, **more: analysis.work_precision(
        *given, methods=["DDIM", "RK4"], nfe=(3, 5), seeds=(0,), **HOW, **more
    ),
    "measure_order": lambda *given, **more: toylab.measure_order(*given, method="DDIM", steps=(20, 40), **HOW, **more),
    "order_table": lambda *given, **more: analysis.order_table(
        *given, methods=["DDIM", "DDPM"], steps=(20, 40), **HOW, **more
    ),
    "local_error": lambda *given, **more: analysis.local_error(*given, method="DDIM", steps=(10, 20), **HOW, **more),
    "optimize_grid": lambda *given, **more: analysis.optimize_grid(
        *given, method="DDIM", steps=3, iterations=2, **HOW, **more
    ),
    "leading_error": lambda *given, **more: analysis.leading_error(
        *given, x_T=CIRCLE.start(6), method="DDIM", t_end=0.3, **more
    ),
    "log_likelihood": lambda given, schedule=None, **more: toylab.log_likelihood(
        given, CIRCLE.start(6), schedule, steps=4, t_end=0.3, **more
    ),
    "sweep": lambda *given, **more: toylab.sweep(*given, methods=["DDIM"], steps=[2, 3], **HOW, **more),
    "decompose_error": lambda eps, schedule=None, **more: analysis.decompose_error(
        eps, CIRCLE.eps, schedule, methods=["DDIM"], nfe=(4, 5), **HOW, **more
    ),
    "off_manifold": lambda eps, schedule=None, manifold="circle": analysis.off_manifold(
        toylab.sample(eps, schedule, method="DDIM", steps=4, **HOW), manifold, "linear"
    ),
}
PLANAR = ("compare", "work_precision", "sweep", "decompose_error", "off_manifold")
every_measure = pytest.mark.parametrize("name", MEASURES)


@pytest.fixture(scope="module")
def results():
    return {name: measure(CIRCLE) for name, measure in MEASURES.items()}


def without_names(found):
    return {key: value for key, value in json.loads(found.to_json()).items() if key != "labels"}


@every_measure
def test_a_problem_an_eps_with_its_schedule_and_both_give_the_same(name, results):
    manifold = {"manifold": "circle"} if name in PLANAR else {}
    assert without_names(MEASURES[name](CIRCLE.eps, **manifold)) == without_names(results[name])
    if name not in ("sweep", "off_manifold"):  # which start from noise in float32 where eps does not say its dtype
        assert without_names(MEASURES[name](bare, "linear", **manifold)) == without_names(results[name])


@every_measure
def test_an_eps_without_a_schedule_is_told_so(name):
    with pytest.raises(TypeError, match="schedule must be given"):
        MEASURES[name](bare)


@every_measure
def test_another_schedule_than_that_of_the_problem_is_refused(name):
    with pytest.raises(ValueError, match="schedule must be the one"):
        MEASURES[name](CIRCLE, "cosine")


@every_measure
def test_every_result_has_a_table_with_as_many_cells_as_columns(name, results):
    table = results[name].table()
    assert isinstance(results[name], Result) and table.rows
    assert {len(row) for row in table.rows} == {len(table.header)}


@every_measure
def test_a_result_shows_its_table_and_no_arrays(name, results):
    result = results[name]
    assert repr(result) == f"{type(result).__name__}\n{result.table()}" and len(repr(result)) < 2000
    assert result._repr_html_().startswith("<table")


@every_measure
def test_every_result_is_drawn_by_the_function_for_its_class(name, results):
    axes = np.ravel(results[name].plot())
    assert all(ax.has_data() for ax in axes if ax.get_visible())
    plt.close("all")


@every_measure
def test_json_has_no_number_that_json_does_not_have(name, results):
    def refuse(constant):
        raise AssertionError(constant)

    json.loads(results[name].to_json(), parse_constant=refuse)


def test_what_is_not_finite_is_null_in_json(results):
    broken = replace(results["compare"], distance=math.nan)
    assert json.loads(broken.to_json())["exact_flow"]["distance"] is None
    broken = replace(results["measure_order"], errors=np.array([math.inf, 0.5]))
    assert json.loads(broken.to_json())["errors"] == [None, 0.5]


def test_a_result_of_ones_own_is_drawn_like_the_one_it_derives_from_and_others_are_refused(results):
    class Mine(type(results["measure_order"])):
        pass

    assert Mine(**vars(results["measure_order"])).plot().has_data()
    with pytest.raises(TypeError, match="no figure for a Other"):
        type("Other", (Result,), {})().plot()
    plt.close("all")


def test_every_kind_of_result_has_a_figure():
    assert [getattr(analysis, name) for name in analysis.__all__]  # imports them all
    kinds = [kind for kind in Result.__subclasses__() if kind.__name__ not in ("Other", "Mine")]
    drawn = [kind for kind in kinds if kind.plot is Result.plot]
    assert len(drawn) > 9 and all(callable(getattr(figures, kind.drawn_by)) for kind in drawn)


# ---- problems


def test_a_problem_takes_what_is_left_out_from_its_eps():
    eps = toylab.exact_eps(CIRCLE.eps.points, "cosine")
    eps.dataset = "circle"
    problem = toylab.Problem(eps)
    assert (problem.schedule.name, problem.manifold.name, problem.shape) == ("cosine", "circle", (2,))
    assert problem.labels == {"dataset": "circle", "schedule": "cosine", "epsilon": ""}


def test_limits_of_a_problem_are_those_of_every_measurement():
    nearer = replace(CIRCLE, t_start=0.8, t_end=0.3)
    assert toylab.sample(nearer, method="DDIM", steps=2, n=2).times.tolist()[::2] == [0.8, 0.3]
    found = toylab.sweep(nearer, methods=["DDIM"], steps=[2], n=2)
    assert found.times[2].tolist()[::2] == [0.8, 0.3]
    local = analysis.local_error(nearer, method="DDIM", steps=(10, 20), n=4)
    assert local.times[10][[0, -1]].tolist() == [0.8, 0.3]


def test_the_shape_of_a_problem_is_that_of_its_start_noise():
    assert toylab.sample(problems.prothero_robinson(), method="DDIM", steps=2, n=3, progress=False).x.shape == (3, 1)


def test_arguments_come_before_the_limits_of_a_problem():
    nearer = replace(CIRCLE, t_end=0.3)
    assert as_problem(nearer, t_end=0.4).limits() == (1.0, 0.4)


def test_an_order_is_measured_down_to_0_2_where_nobody_says_otherwise():
    found = analysis.local_error(CIRCLE, method="DDIM", steps=(10, 20), n=4)
    assert found.times[10][-1] == 0.2


def test_a_closed_form_serves_as_reference():
    found = toylab.measure_order(problems.gaussian(), method="DDIM", steps=(20, 40), n=4)
    assert found.reference.nfe == 0


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"eps": 3}, TypeError, "eps must be callable"),
        ({"schedule": "linaer"}, ValueError, "did you mean 'linear'"),
        ({"schedule": "cosine"}, ValueError, "schedule must be the one"),
        ({"manifold": "circel"}, ValueError, "did you mean 'circle'"),
        ({"shape": (3,)}, ValueError, "shape must have particles of shape"),
        ({"t_end": -1.0}, ValueError, "t_end must be"),
        ({"t_start": 0.1, "t_end": 0.2}, ValueError, "t_end must be less"),
    ],
)
def test_a_problem_that_cannot_be_is_refused(change, error, words):
    with pytest.raises(error, match=words):
        Problem(**{"eps": CIRCLE.eps} | change)


# ---- arguments


@pytest.mark.parametrize("name", ["measure_order", "order_table", "local_error"])
@pytest.mark.parametrize(
    ("x_T", "error", "words"),
    [
        (torch.full((6, 2), math.nan), ValueError, "x_T must be finite"),
        (torch.ones(6, 2, dtype=torch.int64), TypeError, "x_T must be a floating-point tensor"),
        ([[0.0, 1.0]], TypeError, "x_T must be a floating-point tensor"),
        (torch.zeros(6, 3), ValueError, "x_T must have particles of shape"),
    ],
)
def test_start_states_that_cannot_be_are_named(name, x_T, error, words):
    with pytest.raises(error, match=words):
        MEASURES[name](CIRCLE, x_T=x_T)


@pytest.mark.parametrize("name", ["measure_order", "order_table", "local_error"])
def test_an_eps_of_another_kind_is_not_taken_for_dropout(name):
    with pytest.raises(ValueError, match="eps must return a tensor like x"):
        MEASURES[name](lambda x, t: 1.0, "linear")


@pytest.mark.parametrize("measure", [toylab.measure_order, analysis.order_table, analysis.local_error, toylab.sweep])
def test_steps_without_number_are_refused(measure):
    with pytest.raises(ValueError, match="steps must be an integer of at most 100000000, got 1"):
        measure(CIRCLE, steps=(10, 10**30))


@pytest.mark.parametrize("limits", [(1.0, -1.0), (7.0, 0.1), (0.2, 0.5), (1.0, math.nan)])
def test_the_flow_outside_its_domain_is_refused(limits):
    with pytest.raises(ValueError, match="t_start|t_end"):
        reference_solution(CIRCLE.eps, CIRCLE.schedule, CIRCLE.start(2), *limits)


def test_a_data_set_s_name_will_do_for_its_density_and_its_curve():
    by_name = log_density("circle", "linear", times=2, size=4)
    np.testing.assert_array_equal(
        by_name["log_p"], log_density(CIRCLE.manifold, CIRCLE.schedule, times=2, size=4)["log_p"]
    )
    with pytest.raises(ValueError, match="did you mean 'circle'"):
        log_density("circel", "linear")


# ---- orders that are none yet


def estimate(slopes, spread=0.0):
    """An estimate from errors with these local orders, of particles whose orders differ by `spread`."""
    steps = 10 * 2 ** np.arange(len(slopes) + 1)
    particles = np.array(
        [np.exp2(-np.cumsum([0, *(slope + part for slope in slopes)])) for part in np.linspace(-spread, spread, 40)]
    ).T
    return _estimate("F-PNDM", steps, steps, particles, 1e-30, problems.Reference(None, 0.0, 0))


@pytest.mark.parametrize(
    ("slopes", "spread", "asymptotic"),
    [
        ((2.0, 2.0), 0.0, True),
        ((2.0,), 0.0, True),
        ((3.0, 2.1, 2.02), 0.0, True),
        ((3.6, 3.3, 3.05), 0.0, False),  # still falling
        ((5.0, 4.0), 0.0, False),
        ((5.6,), 4.0, False),  # particles disagree
    ],
)
def test_an_order_is_quoted_only_where_the_errors_are_asymptotic(slopes, spread, asymptotic):
    found = estimate(slopes, spread)
    assert found.asymptotic == asymptotic
    label = found.plot().get_legend_handles_labels()[1][0]
    table = analysis.OrderTable({"F-PNDM": found}, {}, found.reference).table()
    order, last = f"{found.order:.2f}", f"last slope {found.local_orders[-1]:.2f}"
    assert (order in label and order == table.rows[0][1]) == asymptotic
    assert (f"not asymptotic yet ({last})" in label and last == table.rows[0][2]) != asymptotic
    assert ("not yet" in table.note) != asymptotic
    plt.close("all")


# ---- figures


def test_dashes_mean_classical_and_nothing_else(results):
    orders = analysis.order_table(CIRCLE, methods=["DDIM", "Heun"], steps=(80, 160), **HOW).plot()
    dashed = {line.get_label().split(":")[0] for line in orders.lines if line.get_linestyle() == "--"}
    assert dashed == {"Heun"}
    for ax in results["local_error"].plot():
        assert {line.get_linestyle() for line in ax.lines} <= {"-", ":", "None"}
    plt.close("all")


def test_any_two_methods_differ_in_two_of_hue_dash_and_marker():
    for one, other in itertools.combinations(map(toylab.figures.style, toylab.methods()), 2):
        assert sum(one[part] != other[part] for part in ("color", "dash", "marker")) >= 2


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_variants_of_one_method_keep_hue_and_dash_and_differ_in_marker_and_shade(theme):
    names = ["RK4", "PRK", "PRK, midpoint in sigma", "PRK, exact weights", "mine", "yours: PRK", "remembers"]
    looks = told_apart(names, theme)
    assert len({(look["color"], look["marker"], str(look["linestyle"])) for look in looks.values()}) == len(names)
    family = [looks[name] for name in names[:4]]
    assert len({look["marker"] for look in family}) == 4
    assert len({str(look["linestyle"]) for look in family[1:]}) == 1
    towards = np.array([matplotlib.colors.to_rgb(look["color"]) for look in family[1:]]) - (theme == "light")
    assert (np.diff(np.linalg.norm(towards, axis=1)) > 0).all()  # each further from the background
    assert looks["RK4"] == line("RK4", theme) | {"marker": toylab.figures.style("RK4")["marker"]}


def test_a_legend_of_more_than_six_methods_is_grouped_by_family_and_others_are_not():
    def labels(methods):
        found = analysis.order_table(CIRCLE, methods=methods, steps=(20, 40), **HOW).plot().get_legend().get_texts()
        plt.close("all")
        return [text.get_text().split(":")[0] for text in found]

    few = ["Euler", "DDIM", "Heun", "PIE", "AB2", "S-PNDM"]
    assert labels(few) == few
    assert labels([*few, "PLMS"]) == ["classical", "Euler", "Heun", "AB2", "pseudo", "DDIM", "PIE", "S-PNDM", "PLMS"]


def work(**errors):
    """A result with these errors of methods at budgets 10, 20 and 30."""
    rows = [
        WorkRow(name.replace("_", "-"), nfe, None, nfe, nfe, *[Spread((error,))] * 4, pareto=False)
        for name, values in errors.items()
        for nfe, error in zip((10, 20, 30), values, strict=True)
    ]
    return analysis.WorkPrecision(tuple(rows), {}, (10, 20, 30), (0,), Spread((0.1,)), Spread((1.0,)), 0.0)


def test_the_best_of_a_family_is_its_least_error_at_most_budgets():
    found = work(Euler=(1, 2, 2), RK4=(3, 1, 1), DDIM=(1, 1, 1), PIE=(2, 2, math.inf))
    assert found.best() == {"classical": "RK4", "pseudo": "DDIM"}
    assert found.best("coverage") == {"classical": "Euler", "pseudo": "PIE"}
    with pytest.raises(ValueError, match="distance"):
        found.best("distance")


def test_beyond_six_methods_the_best_of_each_family_stand_out():
    names = ["Euler", "Heun", "RK4", "AB2", "DDIM", "PIE"]
    plain, starred = (
        work(**{name: (i + 1,) * 3 for i, name in enumerate(shown)}) for shown in (names, [*names, "PRK"])
    )
    for found, bright in ((plain, set(names)), (starred, {"Euler ★", "DDIM ★"})):
        ax = found.plot(("error",))[0]
        assert {
            each.get_label() for each in ax.lines if each.get_alpha() is None and len(each.get_xdata()) > 1
        } >= bright
        assert len([each for each in ax.lines if each.get_alpha() is not None]) == (5 if found is starred else 0)
        plt.close("all")


def test_error_is_drawn_against_error_and_no_excess_exceeds_its_bound():
    found = analysis.work_precision(CIRCLE, methods=["DDIM", "S-PNDM", "DDPM"], nfe=(8, 16), seeds=(0,), n=16)
    _, ax = found.plot()
    lines = {each.get_label(): each.get_xydata() for each in ax.lines}
    for method in ("DDIM", "S-PNDM"):
        rows = [(row.error.middle, row.excess.middle) for row in found.of(method)]
        np.testing.assert_allclose(lines[method], rows)
        assert (lines[method][:, 1] <= lines[method][:, 0]).all()
    assert "DDPM" not in lines
    plt.close("all")


def test_the_legend_explains_arrows_where_there_are_any():
    def labels(eps, **how):
        found = analysis.work_precision(eps, methods=["RK4"], manifold="circle", n=6, seeds=(0,), **how)
        return found.plot(["error"])[0].get_legend_handles_labels()[1]

    assert "beyond 10: blown up" in labels(toylab.exact_eps(CIRCLE.eps.points, "linear"), nfe=(4,))
    assert not any("blown up" in label for label in labels(CIRCLE, nfe=(12,), t_end=0.3))
    plt.close("all")


def test_the_table_of_parts_has_a_row_for_each_run_once():
    found = analysis.decompose_error(CIRCLE, CIRCLE.eps, methods=["RK4"], nfe=(8, 9, 10, 12), **HOW)
    assert len(found.rows) == 4
    assert [row[:2] for row in found.table().rows] == [("RK4, N = 2", "8"), ("RK4, N = 3", "12")]
