"""Sets of images against real ones: closed forms on Gaussians, brute force, floors, and what is refused."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from commands import assert_mistake, run, run_json
from image_networks import Shrinking, labelled_unet, pretend_inception
from sklearn.metrics.pairwise import polynomial_kernel
from torchmetrics.image.fid import FrechetInceptionDistance
from torchmetrics.image.kid import KernelInceptionDistance

from toylab import guided, images, load
from toylab.analysis import Interrupted
from toylab.epsilon import checkpoints
from toylab.images import ImageSampler, Yardstick, distances, kernel_distance, method_distances, precision_recall

RNG = np.random.default_rng(0)


def pixels(x):
    """Features of images [n, c, h, w]: their pixels"""
    return np.asarray(x, np.float64).reshape(len(x), -1)


def normal(n, mean=0.0, std=0.2, seed=0, shape=(1, 2, 4)):
    """Images whose pixels are independent and normal"""
    values = np.random.default_rng(seed).normal(mean, std, (n, *shape))
    return torch.from_numpy(values).float()


# ---- kernel distance


def test_kernel_distance_is_the_unbiased_estimate_with_the_cubic_kernel():
    """By scikit-learn's kernel, and sums over pairs."""
    x, y = RNG.normal(size=(24, 5)), RNG.normal(1, 2, size=(20, 5))
    found = kernel_distance(x, y, 2).blocks
    for block, (a, b) in enumerate([(x[:12], y[:10]), (x[12:], y[10:])]):
        within = [
            np.mean([polynomial_kernel(z[[i]], z[[j]])[0, 0] for i in range(len(z)) for j in range(len(z)) if i != j])
            for z in (a, b)
        ]
        assert found[block] == pytest.approx(sum(within) - 2 * polynomial_kernel(a, b).mean(), rel=1e-10)


def test_the_interval_of_the_kernel_distance_holds_the_closed_form_of_gaussians_as_often_as_it_says():
    """In one dimension it is the sum of squared differences of moments: (m3)^2 + 3 (m2)^2 + 3 (m1)^2."""
    mean, std = 0.3, 1.2
    first, second, third = mean, mean**2 + std**2 - 1, mean**3 + 3 * mean * std**2
    truth = third**2 + 3 * second**2 + 3 * first**2
    found = [kernel_distance(RNG.normal(mean, std, (400, 1)), RNG.normal(size=(400, 1))) for _ in range(300)]
    held = [low <= truth <= high for low, high in (each.interval for each in found)]
    assert np.mean(held) == pytest.approx(0.95, abs=0.06)
    values = [each.value for each in found]
    assert np.mean(values) == pytest.approx(truth, abs=4 * np.std(values) / 300**0.5)


def test_the_kernel_distance_of_one_distribution_is_around_zero():
    values = [kernel_distance(RNG.normal(size=(60, 3)), RNG.normal(size=(60, 3))).value for _ in range(300)]
    assert abs(np.mean(values)) < 4 * np.std(values) / 300**0.5 and min(values) < 0


# ---- precision and recall


def test_precision_and_recall_are_those_of_brute_force():
    x, y = torch.from_numpy(RNG.normal(size=(50, 3))), torch.from_numpy(RNG.normal(0.5, 1, size=(40, 3)))

    def share(a, b):
        reach = torch.cdist(b, b).sort(1).values[:, 3]
        return (torch.cdist(a, b) <= reach).any(1).double().mean().item()

    assert precision_recall(x, y) == (share(x, y), share(y, x))


def test_samples_of_one_of_two_kinds_are_precise_and_recall_half():
    real = np.concatenate([RNG.normal(-9, 1, (200, 2)), RNG.normal(9, 1, (200, 2))])
    precision, recall = precision_recall(RNG.normal(9, 1, (400, 2)), real)
    assert precision > 0.9 and recall == pytest.approx(0.5, abs=0.03)
    assert precision_recall(real + 100, real) == (0, 0)


@pytest.mark.parametrize("measure, rows", [(kernel_distance, 19), (precision_recall, 3)])
def test_too_few_rows_and_other_columns_are_refused(measure, rows):
    with pytest.raises(ValueError, match="x and y"):
        measure(np.zeros((rows, 2)), np.zeros((99, 2)))
    with pytest.raises(ValueError, match="x and y"):
        measure(np.zeros((99, 2)), np.zeros((99, 3)))


# ---- the same by torchmetrics, whose numbers others report as FID and KID


class Flat(torch.nn.Module):
    """Features [n, 6] of images [n, 1, 2, 3], which torchmetrics takes in place of Inception's"""

    num_features = 6

    def forward(self, x):
        return x.flatten(1).double()


def test_frechet_distance_is_the_fid_of_torchmetrics_with_the_same_features():
    x, y = normal(80, 0.2, shape=(1, 2, 3)), normal(90, shape=(1, 2, 3), seed=1)
    theirs = FrechetInceptionDistance(Flat(), normalize=True).set_dtype(torch.float64)
    theirs.update(y, real=True)
    theirs.update(x, real=False)
    assert images.frechet_distance(pixels(x), pixels(y)) == pytest.approx(theirs.compute().item(), rel=1e-6)


def test_a_block_of_the_kernel_distance_is_the_kid_of_torchmetrics_with_the_same_features():
    x, y = normal(60, 0.2, shape=(1, 2, 3)), normal(60, shape=(1, 2, 3), seed=1)
    for block, rows in enumerate((slice(0, 30), slice(30, 60))):
        theirs = KernelInceptionDistance(Flat(), subsets=1, subset_size=30, normalize=True)
        theirs.update(y[rows], real=True)
        theirs.update(x[rows], real=False)
        ours = kernel_distance(pixels(x), pixels(y), 2).blocks[block]
        assert ours == pytest.approx(theirs.compute()[0].item(), rel=1e-6)


def test_with_inceptions_features_the_distances_are_called_fid_and_kid(monkeypatch, tmp_path):
    weights, given = pretend_inception(monkeypatch, tmp_path)
    features = images.Inception(weights)
    assert given == [(["2048"], str(weights))]
    found = distances(normal(60, shape=(3, 4, 4)), normal(200, shape=(3, 4, 4)), features, progress=False)
    assert found.width == 3 and {"FID", "KID [95 %]"} <= set(found.table().header)
    assert "torch-fidelity" in found.note and "JPEG" in found.note


@pytest.mark.parametrize("how", [{}, {"weights": "a.pth", "download": True}])
def test_inceptions_weights_come_from_a_file_or_are_asked_for(how):
    with pytest.raises(ValueError, match="weights must be a file, or download True instead"):
        images.Inception(**how)


def test_a_file_that_holds_no_weights_is_refused(tmp_path):
    (tmp_path / "bad.pth").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="weights must be a file of torch-fidelity's"):
        images.Inception(tmp_path / "bad.pth")


# ---- sets of images


def test_the_limit_is_nearer_to_the_closed_form_than_what_few_images_show():
    """Independent pixels of deviations .2 and .25."""
    truth = 8 * 0.05**2
    yardstick = Yardstick(normal(4000), pixels, normal(100, seed=9), progress=False)
    found = [yardstick.measure(normal(120, 0, 0.25, seed), progress=False) for seed in range(1, 41)]
    errors = {name: np.array([getattr(each, name) for each in found]) - truth for name in ("frechet", "limit")}
    sure = errors["limit"].std() / len(found) ** 0.5
    assert abs(errors["limit"].mean()) < 3 * sure
    assert errors["frechet"].mean() > 2 * abs(errors["limit"].mean())


def test_the_floor_is_that_of_real_images_which_are_not_among_the_others():
    real = torch.arange(100.0).reshape(100, 1, 1, 1) / 50 - 1
    yardstick = Yardstick(real, pixels, progress=False)
    seen, held = ({round(value, 2) for value in part[:, 0]} for part in (yardstick.real, yardstick.held))
    assert len(seen) == len(held) == 50 and not seen & held
    assert [each.n for each in yardstick.floor(22)] == [22, 22]
    assert [each.n for each in yardstick.floor(70)] == [50]


def test_held_images_of_another_set_and_fewer_of_both_are_taken():
    yardstick = Yardstick(normal(200), pixels, normal(90, seed=1), most=60, progress=False)
    assert len(yardstick.real) == len(yardstick.held) == 60
    assert yardstick.names == ("60 of the given images", "60 of the given images")


def test_several_sets_of_one_kind_are_a_spread():
    yardstick = Yardstick(normal(400), pixels, progress=False)
    sets = [normal(50, 0.1, seed=1), normal(50, 0.1, seed=2)]
    found = distances({"both": sets, "first": sets[0]}, yardstick, progress=False)
    both, first = found.rows
    assert (both.name, both.n, len(both.frechet.values)) == ("both", 50, 2)
    assert both.frechet.values[0] == first.frechet.middle and both.kernel.blocks[:10] == first.kernel.blocks
    assert found.floor.n == 50 and len(found.floor.frechet.values) == 4


def test_the_table_says_what_the_numbers_depend_on():
    found = distances({"dark": normal(50, -0.5)}, normal(400), pixels, labels={"EMA": 0.99}, progress=False)
    text = str(found)
    for part in ("Fréchet distance (features: pixels)", "200 of the given images", "EMA: 0.99", "real images", "JPEG"):
        assert part in text
    assert "FID" not in text and "inf" not in text
    again = json.loads(found.to_json())
    assert [row["name"] for row in again["rows"]] == ["dark", "real images"]
    assert again["rows"][0]["kernel"]["low"] < again["rows"][0]["kernel"]["value"] < again["rows"][0]["kernel"]["high"]


def test_the_figure_has_a_line_for_each_kind_and_the_limit_at_one_over_infinity():
    found = distances({"dark": normal(60, -0.5), "bright": normal(60, 0.5)}, normal(400), pixels, progress=False)
    axes = found.plot()
    assert [label.get_text() for label in axes[0].get_yticklabels()] == ["dark", "bright"]
    fits = [line for line in axes[3].lines if len(line.get_xdata()) == 2 and line.get_xdata()[0] == 0]
    assert [line.get_ydata()[0] for line in fits] == pytest.approx(
        [row.limit.middle for row in (*found.rows, found.floor)], abs=0.02
    )
    plt.close("all")


def test_the_features_of_a_shape_are_those_of_the_classifier_that_knows_it():
    digits = images.load("digits")
    yardstick = Yardstick(digits, progress=False)
    assert (yardstick.name, yardstick.width) == ("digits", 10)
    assert Yardstick(normal(200, shape=(3, 4, 4)), progress=False).width == 16


@pytest.mark.parametrize(
    "sets, says",
    [
        (normal(19), "images must be at least 20 for a covariance of the 8 features called 'pixels', got 19"),
        (normal(50, shape=(1, 4, 2)), r"images must be images like the real ones, \(1, 2, 4\)"),
        ({}, "sets must have at least one"),
        ({"none": []}, "sets must have at least one"),
        (torch.zeros(5), r"images must be \[n, c, h, w\]"),
        (torch.ones(()), r"images must be \[n, c, h, w\]"),
    ],
)
def test_images_that_cannot_be_compared_are_refused(sets, says):
    with pytest.raises(ValueError, match=says):
        distances(sets, normal(200), pixels, progress=False)


def test_features_that_take_more_than_images_are_refused():
    with pytest.raises(TypeError, match=r"^features must be a function features\(images\), got MLP"):
        Yardstick(normal(200), load("moons"), progress=False)


@pytest.mark.parametrize(
    "how, says",
    [
        ({"real": normal(10)}, "held must be at least|real must be at least"),
        ({"features": "nothing"}, "unknown features"),
        ({"held": normal(50, shape=(1, 2, 2))}, "held must be images like the real ones"),
        ({"features": lambda x: np.zeros((3, 2))}, "features must give"),
        ({"features": lambda x: np.full((len(x), 2), np.nan)}, "features must be finite"),
    ],
)
def test_a_yardstick_refuses_what_it_cannot_measure_with(how, says):
    with pytest.raises(ValueError, match=says):
        yardstick = Yardstick(**{"real": normal(200), "features": pixels} | how, progress=False)
        yardstick.floor(30)


# ---- methods

NETWORK = Shrinking()
REAL = normal(300, shape=(1, 4, 4))


def test_methods_are_measured_on_the_images_that_they_make():
    found = method_distances(NETWORK, REAL, ("DDIM", "RK4"), (3, 8), 40, (0, 5), pixels, progress=False)
    assert [(row.name, row.nfe) for row in found.rows] == [
        ("DDIM, N = 3", 3), ("DDIM, N = 8", 8), ("RK4, N = 2", 8)
    ]  # fmt: skip
    assert list(found.left_out) == [("RK4", 3)] and "Left out: RK4 at 3" in found.note
    sets = [ImageSampler(NETWORK, "DDIM", 8).images(40, seed, progress=False).x for seed in (0, 5)]
    again = distances({"own": sets}, REAL, pixels, progress=False).rows[0]
    assert found.rows[1].frechet == again.frechet and found.rows[1].kernel == again.kernel
    assert "seeds: 0, 5" in found.note and "EMA: none known" in found.note


def test_an_interrupted_measurement_keeps_the_methods_that_are_done(monkeypatch):
    class Stops(Shrinking):
        calls = 0

        def forward(self, x, t):
            Stops.calls += 1
            if Stops.calls > 8:
                raise KeyboardInterrupt
            return super().forward(x, t)

    with pytest.raises(Interrupted, match="1 of 2 rows") as stop:
        method_distances(Stops(), REAL, ("DDIM", "PLMS"), (3,), 40, features=pixels, progress=False)
    assert [row.method for row in stop.value.done.rows] == ["DDIM"]


@pytest.mark.parametrize(
    "how, says",
    [
        ({"n": 16}, "n must be at least 20"),
        ({"real": normal(300)}, "real must be images like those of the network"),
        ({"real": Yardstick(REAL, pixels, progress=False)}, "features and held must be None"),
    ],
)
def test_what_cannot_be_measured_is_refused_before_anything_is_drawn(how, says):
    with pytest.raises(ValueError, match=says):
        method_distances(NETWORK, **{"real": REAL, "features": pixels, "progress": False} | how)


# ---- the command


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder with real images, and finished ones of `toylab samples`"""
    monkeypatch.chdir(tmp_path)
    network = labelled_unet(["a", "b"])
    network.dataset = "npz:real.npz"
    checkpoints.save(network, tmp_path / "net.safetensors")
    np.savez("real.npz", images=RNG.integers(0, 256, (120, 8, 8, 3), dtype=np.uint8))
    story = json.dumps({"method": "DDIM", "steps": 3, "seed": 7})
    np.savez("set.npz", images=RNG.integers(0, 256, (40, 8, 8, 3), dtype=np.uint8), metadata=story)


def test_distance_is_that_of_the_methods(folder):
    found = run_json("distance net.safetensors --method DDIM --nfe 2 -n 40 --guidance 2")
    network = checkpoints.load("net.safetensors")
    eps = guided(network.of(torch.arange(40) % 2), network, 2)
    expected = method_distances(eps, images.load("npz:real.npz"), ["DDIM"], (2,), 40, progress=False)
    assert found["rows"] == json.loads(expected.to_json())["rows"] and found["labels"]["guidance"] == "2"


def test_distance_of_finished_images_tells_how_they_were_made(folder):
    shown = run("distance npz:set.npz --data npz:real.npz --features pixels").stdout
    assert "method: DDIM; steps: 3; seed: 7" in shown and "Fréchet distance (features: pixels)" in shown


@pytest.mark.parametrize(
    "line, says",
    [
        ("distance npz:set.npz", "data must name real images"),
        ("distance digits --guidance 2", "guidance needs a network that was trained with labels"),
        ("distance net.safetensors -n 9", "n must be at least 20"),
    ],
)
def test_mistakes_are_told_in_a_sentence(folder, line, says):
    assert_mistake(run(line), says)


@pytest.mark.parametrize("measure", [distances, method_distances])
def test_labels_that_are_no_dict_are_refused_first(measure):
    with pytest.raises(TypeError, match="labels must be a dict"):
        measure(None, None, labels=torch.ones(2))
