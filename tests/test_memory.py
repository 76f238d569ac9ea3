"""Notebook 13: the exact epsilon copies, a spread leaves the curve, the network leaves the points along it."""

import pytest
import torch

from toylab.lessons import memory_lab, memory_table
from toylab.lessons.memory import COPY, nearest, training_points


@pytest.fixture(scope="module")
def rows():
    return {name: rest for name, *rest in memory_table("spiral", 30).rows}


def test_the_nearest_point_is_found_for_each_sample():
    x, points = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[3.0, 3.5], [-0.1, 0.0], [9.0, 9.0]])
    torch.testing.assert_close(nearest(x, points), torch.tensor([0.1, 0.5], dtype=torch.float64))


def test_training_points_are_the_same_each_time_and_on_the_curve():
    assert torch.equal(training_points("spiral", 30), training_points("spiral", 30))
    assert COPY > 3 * 0.0105  # sigma at t_min, the noise that the flow leaves around a point


def test_the_exact_epsilon_of_points_copies_them(rows):
    near, copies, _ = rows["the formula, spread 0"]
    assert copies == "100%" and near < 0.02


def test_a_spread_leaves_the_curve_as_it_leaves_the_points(rows):
    near, copies, curve = rows["the formula, spread 0.2"]
    assert near > 0.15 and curve > 0.1 and int(copies[:-1]) < 10


def test_the_network_leaves_the_points_along_the_curve(rows):
    (near, copies, curve), fresh = rows["the network"], rows["fresh data"]
    assert curve < 0.01 and near == pytest.approx(fresh[0], rel=0.15)
    assert abs(int(copies[:-1]) - int(fresh[1][:-1])) <= 5


@pytest.mark.slow
def test_the_lab_shows_the_table_of_its_dials():
    lab = memory_lab(points=10, spread=0.05)
    assert lab.result.rows == memory_table("spiral", 10, (0.05,)).rows
    with pytest.raises(ValueError, match="points"):
        memory_lab(points=31)
