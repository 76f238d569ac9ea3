"""What images are measured with: a plane, a classifier, Fréchet distances, and quality against evaluations."""

import itertools
import re

import matplotlib.pyplot as plt
import numpy as np
import pytest
import scipy.linalg
import torch
from hypothesis import given
from hypothesis import strategies as st
from synthetic_images import StopsAfter, images, sweep

from toylab import exact_eps, sample
from toylab.analysis import Interrupted
from toylab.figures.look import BLOWN_UP
from toylab.images import DigitClassifier, Plane, Verdict, frechet_distance, image_quality, in_plane, load
from toylab.images.sampler import image_seeds
from toylab.samplers.core import start_noise
from toylab.widgets import Player

REAL = load("digits").values(slice(None))


@pytest.fixture(scope="module")
def classifier():
    return DigitClassifier()


# ---- the plane of the first two principal components


def test_the_plane_holds_most_variance_of_all_planes():
    """Against the eigenvalues of the covariance matrix."""
    plane, flat = Plane(REAL), REAL.double().reshape(len(REAL), -1)
    values = torch.linalg.eigvalsh(flat.T.cov()).flip(0).numpy()
    assert plane.shares == pytest.approx(values[:2] / values.sum(), rel=1e-6)
    assert plane.scale == pytest.approx(values[0] ** 0.5, rel=1e-6)
    assert plane.points.var(0, ddof=1) == pytest.approx(values[:2] / values[0], rel=1e-4)


def test_distances_are_those_to_the_nearest_image_in_all_pixels():
    plane, x = Plane(REAL), images(4, size=8, seed=1).reshape(2, 2, 1, 8, 8)
    brute = torch.cdist(x.reshape(4, -1), REAL.double().reshape(len(REAL), -1)).amin(1).reshape(2, 2)
    assert plane.distance(x) == pytest.approx(brute.numpy(), rel=1e-9)
    assert plane.distance(REAL[:5]) == pytest.approx(np.zeros(5), abs=1e-6)


def test_one_real_image_in_twenty_is_farther_from_the_others_than_is_typical():
    plane, flat = Plane(REAL), REAL.double().reshape(len(REAL), -1)
    nearest = torch.cdist(flat, flat).fill_diagonal_(torch.inf).amin(1)
    assert (nearest > plane.typical).double().mean().item() == pytest.approx(0.05, abs=1 / len(REAL))


def test_a_sweep_in_the_plane_is_shown_by_the_player():
    points = images(12)
    found, plane = sweep(points), Plane(points)
    flat = in_plane(found, plane)
    assert (flat.methods, flat.steps) == (found.methods, found.steps)
    for run, states in flat.states.items():
        assert states == pytest.approx(plane.project(found.states[run]), abs=1e-6)
        assert flat.distance[run] == pytest.approx(plane.distance(found.states[run]).mean(1))
        assert flat.nfe[run] == found.nfe[run]
    player = Player(flat, steps=5, caption=plane.caption)
    assert player.scene["particles"] == 6 and "all pixels" in player.scene["caption"]


@pytest.mark.parametrize("bad", [torch.zeros(2, 1, 4, 4), torch.zeros(9, 16), torch.zeros(0, 1, 4, 4)])
def test_a_plane_needs_three_images(bad):
    with pytest.raises(ValueError, match="images"):
        Plane(bad)


# ---- the classifier


def test_the_classifier_is_right_on_98_percent_of_digits_that_it_has_not_seen(classifier):
    assert classifier.accuracy >= 0.98
    assert len(classifier.test.classes) == 450
    assert classifier.test.median_confidence > 0.9


def test_a_verdict_holds_classes_confidences_and_shares(classifier):
    verdict = classifier(REAL)
    assert verdict.classes.shape == verdict.confidence.shape == (1797,)
    assert verdict.shares == pytest.approx(np.bincount(verdict.classes) / 1797)
    assert 0.1 < verdict.confidence.min() and verdict.confidence.max() <= 1
    assert verdict.median_confidence == np.median(verdict.confidence)


def test_images_of_one_class_get_its_share(classifier):
    digits = load("digits")
    sevens = digits.values(digits.labels == 7)
    shares = classifier(sevens).shares
    assert shares.argmax() == 7 and shares[7] > 0.98 and shares.sum() == pytest.approx(1)


@pytest.mark.parametrize("shape", [(3, 1, 8, 9), (3, 64), (0, 1, 8, 8)])
def test_the_classifier_refuses_other_images(classifier, shape):
    with pytest.raises(ValueError, match=r"\[n, 1, 8, 8\]"):
        classifier(torch.zeros(shape))


# ---- Fréchet distance


@given(st.integers(1, 5), st.integers(0, 2**32 - 1))
def test_frechet_distance_is_the_closed_form_for_gaussians(d, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(40, d)) @ rng.normal(size=(d, d)), 2 * rng.normal(size=(30, d)) + rng.normal(size=d)
    a, b = (np.cov(each, rowvar=False).reshape(d, d) for each in (x, y))
    root = scipy.linalg.sqrtm(a @ b).real
    expected = np.sum((x.mean(0) - y.mean(0)) ** 2) + np.trace(a + b - 2 * root)
    assert frechet_distance(x, y) == pytest.approx(expected, rel=1e-6, abs=1e-8)


def test_frechet_distance_of_a_shift_is_its_square_and_of_nothing_zero():
    x = np.random.default_rng(0).normal(size=(50, 3))
    assert frechet_distance(x, x + [3.0, 0, 4.0]) == pytest.approx(25)
    assert frechet_distance(x, x) == pytest.approx(0, abs=1e-10)


@pytest.mark.parametrize("x, y", [((1, 3), (9, 3)), ((9, 3), (9, 2)), ((9,), (9, 1))])
def test_frechet_distance_refuses_what_has_no_covariance(x, y):
    with pytest.raises(ValueError, match="x and y"):
        frechet_distance(np.zeros(x), np.zeros(y))


# ---- quality against evaluations


def brightness(x):
    """A classifier of two classes: dark and bright."""
    classes = (np.asarray(x).mean((1, 2, 3)) > 0).astype(int)
    return Verdict(classes, np.full(len(classes), 0.75), np.bincount(classes, minlength=2) / len(classes))


EPS = exact_eps(images(40), "linear", spread=0.3)
HOW = {"methods": ("DDIM", "S-PNDM", "RK4"), "nfe": (3, 10, 40), "n": 12, "reference": ("S-PNDM", 160)}


@pytest.fixture(scope="module")
def quality():
    return image_quality(EPS, "linear", images(40).float(), brightness, **HOW)


def test_methods_are_compared_within_equal_budgets(quality):
    assert [(row.method, row.budget, row.steps, row.nfe) for row in quality.rows] == [
        ("DDIM", 3, 3, 3), ("DDIM", 10, 10, 10), ("DDIM", 40, 40, 40),
        ("S-PNDM", 3, 2, 3), ("S-PNDM", 10, 9, 10), ("S-PNDM", 40, 39, 40),
        ("RK4", 10, 2, 8), ("RK4", 40, 10, 40),
    ]  # fmt: skip
    assert list(quality.left_out) == [("RK4", 3)]


def test_with_more_evaluations_images_come_nearer_to_the_converged_ones(quality):
    for method in ("DDIM", "S-PNDM", "RK4"):
        errors = [row.error.middle for row in quality.of(method)]
        assert errors == sorted(errors, reverse=True) and errors[-1] < 0.1


def test_error_and_share_kept_are_those_of_the_samples(quality):
    for seed, row in itertools.product((0, 1), quality.rows[:2]):
        noise = start_noise(12, (1, 4, 4), image_seeds(seed, range(12)), torch.float64)
        x, y = (sample(EPS, "linear", *how, x_T=noise).x for how in (("DDIM", row.steps), ("S-PNDM", 160)))
        assert row.error.values[seed] == pytest.approx((x - y).square().mean().sqrt().item(), rel=1e-6)
        same = (x.mean((1, 2, 3)) > 0) == (y.mean((1, 2, 3)) > 0)
        assert row.kept.values[seed] == same.double().mean().item()


def test_every_measure_has_a_value_for_every_seed(quality):
    for row in quality.rows:
        for spread in (row.error, row.kept, row.confidence, row.frechet):
            assert len(spread.values) == len(quality.seeds) == 2
        assert row.confidence.values == (0.75, 0.75)


def test_the_floor_is_the_distance_of_as_many_real_images(quality):
    assert 0 < quality.floor[0] < quality.floor[1] < quality.floor[2]
    more = image_quality(EPS, "linear", images(40).float(), brightness, **HOW | {"n": 30, "nfe": (3,), "seeds": (0,)})
    assert more.floor[1] < quality.floor[1]


def test_the_converged_images_come_out_as_such(quality):
    """The reference, measured like any other method, differs from itself by nothing."""
    found = image_quality(
        EPS,
        "linear",
        images(40).float(),
        brightness,
        **HOW | {"methods": ("DDIM",), "nfe": (30,), "reference": ("DDIM", 30)},
    )
    (row,) = found.rows
    assert (row.error.values, row.kept.values) == ((0.0, 0.0), (1.0, 1.0))
    assert row.frechet.values == found.frechet.values


def test_the_table_has_a_row_for_each_run_and_one_for_the_converged_images(quality):
    table = quality.table(budgets=(10, 40))
    assert [row[0] for row in table.rows] == [
        "DDIM, N = 10", "S-PNDM, N = 9", "RK4, N = 2", "DDIM, N = 40", "S-PNDM, N = 39", "RK4, N = 10",
        "converged: S-PNDM, N = 160",
    ]  # fmt: skip
    assert "RK4 at 3" in quality.table().note and "RK4 at 3" not in table.note
    assert re.search(r"12 images", table.note)


def test_the_figure_has_a_panel_a_measure_and_marks_what_has_blown_up(quality):
    axes = quality.plot()
    assert len(axes) == 3 and axes[0].get_ylim()[1] == 1
    blown = [row for row in quality.rows if row.error.middle > 1]
    arrows = [line for line in axes[0].lines if line.get_marker() == BLOWN_UP]
    assert sum(len(line.get_xdata()) for line in arrows) == len(blown)
    assert quality.plot(real="converged images")[-1].get_title() == "Fréchet distance\nto the converged images"
    plt.close("all")


def test_without_a_classifier_the_other_measures_are_the_same(quality):
    plain = image_quality(EPS, "linear", images(40).float(), **HOW)
    for row, judged in zip(plain.rows, quality.rows, strict=True):
        assert (row.kept, row.confidence) == (None, None)
        assert (row.error, row.frechet, row.nfe) == (judged.error, judged.frechet, judged.nfe)
    table = plain.table()
    assert table.header == ("method", "NFE", "difference from converged", "Fréchet distance")
    assert {len(row) for row in table.rows} == {4}
    assert [ax.get_title().split("\n")[0] for ax in plain.plot()] == [
        "difference from the converged images", "Fréchet distance"
    ]  # fmt: skip
    plt.close("all")


def test_what_a_classifier_tells_apart_is_called_by_its_name(quality, classifier):
    assert quality.kind == "class" and "same class" in quality.table().header
    assert classifier.kind == "digit"


def test_the_converged_images_cost_what_their_method_spends(quality):
    assert quality.reference_nfe == 161 and quality.table().rows[-1][1] == "161"


def test_the_scale_of_frechet_distances_has_room_for_real_images():
    """Those of images with more variance, such as photographs, are larger."""
    points = 6 * images(40)
    found = image_quality(exact_eps(points, "linear", spread=0.3), "linear", points.float(), **HOW | {"nfe": (10,)})
    assert found.floor[0] > 10
    assert found.plot()[-1].get_ylim()[1] > 2 * found.floor[2]
    plt.close("all")


def test_an_interrupted_measurement_keeps_the_seeds_that_are_done(quality):
    calls = 161 + sum(row.nfe for row in quality.rows)
    with pytest.raises(Interrupted, match="1 of 2 seeds") as stop:
        image_quality(StopsAfter(EPS, calls + 9), "linear", images(40).float(), brightness, **HOW)
    done = stop.value.done
    assert done.seeds == (0,)
    assert [row.error.values for row in done.rows] == [row.error.values[:1] for row in quality.rows]
    with pytest.raises(Interrupted) as stop:
        image_quality(StopsAfter(EPS, 9), "linear", images(40).float(), brightness, **HOW)
    assert stop.value.done is None


@pytest.mark.parametrize("shape", [(40, 3, 4, 4), (40, 1, 8, 8)])
def test_real_images_of_another_shape_are_refused_before_anything_is_drawn(shape):
    with pytest.raises(ValueError, match=r"real must be images like those of eps, \(1, 4, 4\)"):
        image_quality(StopsAfter(EPS, 0), "linear", torch.zeros(shape), brightness, **HOW)


def test_a_classifier_of_other_images_is_refused_before_anything_is_drawn(classifier):
    with pytest.raises(ValueError, match=r"\[n, 1, 8, 8\]"):
        image_quality(StopsAfter(EPS, 0), "linear", images(40).float(), classifier, **HOW)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"methods": ("DDPM",)}, "DDPM"),
        ({"methods": ("PF",)}, "PF"),
        ({"n": 1}, "n must"),
        ({"n": 40}, "real images"),
        ({"seeds": ()}, "seeds"),
        ({"nfe": (10, 5)}, "nfe must increase"),
        ({"reference": ("DDIM", 0)}, "reference"),
    ],
)
def test_quality_refuses_what_cannot_be_measured(change, says):
    with pytest.raises(ValueError, match=says):
        image_quality(EPS, "linear", images(40).float(), brightness, **HOW | change)
