"""Notebook 12: the energy distance against closed forms, and that noise forgets what a network gets wrong."""

import json

import numpy as np
import pytest
import torch
from scipy.stats import norm

import toylab
from toylab.analysis import energy_distance
from toylab.lessons import forgiveness
from toylab.lessons.forgiving import wrong_by

X, Y = (torch.randn(n, 3, generator=torch.Generator().manual_seed(n), dtype=torch.float64) for n in (40, 60))


def test_the_energy_distance_of_the_same_points_is_zero():
    assert energy_distance(X, X.flip(0)) == pytest.approx(0, abs=1e-12)


def test_the_energy_distance_is_the_mean_over_all_pairs():
    def apart(a, b):
        return np.mean([np.linalg.norm(p - q) for p in a.numpy() for q in b.numpy()])

    assert energy_distance(X, Y) == pytest.approx(2 * apart(X, Y) - apart(X, X) - apart(Y, Y), rel=1e-12)


@pytest.mark.parametrize("shift", [0.3, 1.0, 4.0])
def test_the_energy_distance_of_two_gaussians_is_that_of_theory(shift):
    x = torch.from_numpy(norm.ppf((np.arange(2000) + 0.5) / 2000))[:, None]

    def expected(mean):  # of |D|, D normal with that mean and variance 2
        return 2 / np.pi**0.5 * np.exp(-(mean**2) / 4) + mean * (1 - 2 * norm.cdf(-mean / 2**0.5))

    theory = 2 * expected(shift) - 2 * expected(0.0)
    assert energy_distance(x, x + shift) == pytest.approx(theory, rel=2e-3)


@pytest.mark.parametrize(
    "x, y, error",
    [([1.0], X, TypeError), (X.int(), X, TypeError), (X[0], X, ValueError), (X[:0], X, ValueError),
     (X, X[:, :2], ValueError), (X, X * torch.nan, ValueError)],
)  # fmt: skip
def test_what_is_no_pair_of_samples_is_refused(x, y, error):
    with pytest.raises(error, match="x|y"):
        energy_distance(x, y)


def test_the_wrong_epsilon_errs_in_its_first_coordinate_alone():
    net, x = toylab.load("circle"), torch.zeros(3, 2)
    t = torch.tensor(0.5)
    torch.testing.assert_close(wrong_by(net, 0.1)(x, t) - net(x, t), torch.tensor([[0.1, 0.0]]).expand(3, 2))


@pytest.fixture(scope="module")
def spiral():
    found = forgiveness("spiral", nfe=(20, 100))
    return found, {(row.sampler, row.nfe): row for row in found.rows}


@pytest.mark.slow
def test_noise_forgets_a_part_of_what_a_deterministic_solver_carries(spiral):
    _, rows = spiral
    known = {"DDIM": (0.169, 0.131), "DDIM, eta = 0.5": (0.127, 0.068), "DDPM": (0.055, 0.031)}
    known["S-PNDM"] = 0.116, 0.123
    for sampler, values in known.items():
        for nfe, value in zip((20, 100), values, strict=True):
            assert rows[sampler, nfe].energy == pytest.approx(value, abs=0.002)


@pytest.mark.slow
def test_the_distance_to_the_manifold_does_not_see_it(spiral):
    found, rows = spiral
    ddim, ddpm = rows["DDIM", 100], rows["DDPM", 100]
    assert abs(ddim.distance - ddpm.distance) < 0.003 and ddim.energy > 4 * ddpm.energy > 10 * found.floor
    assert found.floor == pytest.approx(0.0016, abs=1e-4)


@pytest.mark.slow
def test_the_study_is_a_table_a_figure_and_json(spiral):
    found, rows = spiral
    assert len(found.table().rows) == len(rows) == len(json.loads(found.to_json())["rows"]) == 10
    energy, distance = found.plot()
    assert [line.get_label() for line in energy.lines][:-1] == [line.get_label() for line in distance.lines]
