"""The recipes of CONTRIBUTING, run to the letter: what they add is listed, drawn, predicted and measured."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest
import torch
from commands import run_json

import toylab
from toylab import analysis, grids, problems, samplers, schedules
from toylab.analysis._leading_error import gaussian_error
from toylab.datasets.shapes import TABLE
from toylab.figures import clock_table, plot_clocks, style
from toylab.samplers._methods import KINDS
from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.rows import ROWS
from toylab.samplers.transfers import TRANSFERS
from toylab.samplers.weights import WEIGHTS
from toylab.widgets import Player

RECIPES = re.findall(
    r"```python\n(.*?)```", (Path(__file__).parents[1] / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL
)
TABLES = (GRADIENTS, TRANSFERS, WEIGHTS, KINDS, grids.SPACINGS, schedules._SCHEDULES, TABLE)
NEW = {"AB3": 3, "Scaled AB2": 2, "DEIS-rootAB3": 2, "Lazy DDIM": 1}  # name -> order


@pytest.fixture(scope="module")
def added():
    """The names that the recipes define, while their tables hold what they add."""
    before, rows, names = [dict(table) for table in TABLES], list(ROWS), {}
    for recipe in RECIPES:
        exec(recipe, names)
    yield names
    ROWS[:] = rows
    for table, known in zip(TABLES, before, strict=True):
        table.clear()
        table.update(known)


@pytest.fixture(scope="module")
def problem(added):
    return problems.find("lens", "exact", points=60, spread=0.1)


def test_they_are_listed(added):
    listed = {row["name"]: row for row in run_json("methods")}
    assert set(NEW) <= set(listed) and set(NEW) <= set(samplers.methods())
    assert [listed[name]["order"] for name in NEW] == list(NEW.values())
    assert [listed[name]["nfe_of_10_steps"] for name in NEW] == [16, 11, 10, 5]
    assert "lens" in [row["name"] for row in run_json("datasets")]
    assert "power" in schedules.names() and "cubic" in grids.spacings()


@pytest.mark.parametrize("name", NEW)
def test_their_orders_are_those_they_say(added, name):
    found = toylab.measure_order(problems.gaussian(), method=name, steps=(160, 320), t_start=0.6, n=8, progress=False)
    assert found.order == pytest.approx(NEW[name], abs=0.25)


@pytest.mark.parametrize("name", ["mine", "remembers", *NEW])
def test_they_run_and_are_compared_and_played(added, problem, name):
    method = added.get(name, name)
    assert toylab.sample(problem, method=method, steps=6, n=8, spacing="cubic", progress=False).x.isfinite().all()
    sweep = toylab.sweep(problem, methods=("DDIM", method), steps=(4, 8), n=16, progress=False)
    assert len(Player(sweep).sweep.methods) == 2
    assert (
        len(
            analysis.work_precision(problem, methods=(method,), nfe=(20,), seeds=(0,), n=16, progress=False)
            .table()
            .rows
        )
        > 0
    )


def test_a_schedule_is_sampled_and_has_its_inverse(added):
    problem = problems.find("lens", "exact", "power", points=60)
    assert toylab.sample(problem, method="DPM-Solver-2", steps=5, n=8, progress=False).x.isfinite().all()
    assert problem.schedule.t_of_sigma(problem.schedule.sigma(0.4)) == pytest.approx(0.4, rel=1e-12)


def test_they_are_drawn_like_their_parts(added):
    assert style("AB3")["dash"] == style("Euler")["dash"]
    assert style("DEIS-rootAB3")["dash"] == style("DEIS-tAB1")["dash"]
    assert style("Lazy DDIM") == style("DDIM")


def test_a_spacing_is_drawn_and_predicted(problem):
    ax = plot_clocks(problem, "DDIM", n=4, steps=(20, 40))
    assert [line.get_color() for line in ax.get_lines()][-1] == "#D55E00"
    plt.close(ax.figure)
    assert "cubic" in {row[1] for row in clock_table(problem, ("DDIM",), nfe=(10,), n=8).rows}
    gaussian = problems.gaussian()
    x, where = gaussian.start(4), {"t_end": 0.2, "spacing": "cubic"}
    predicted = gaussian_error(gaussian.eps, x, "DDIM", **where).at(640)
    run = toylab.sample(gaussian, method="DDIM", steps=640, x_T=x, progress=False, **where)
    torch.testing.assert_close(run.x - gaussian.solution(x, None, 0.2), predicted, rtol=0.02, atol=1e-6)
