"""Images on their way against the forward process, and their nearest real ones."""

import json

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from synthetic_images import StopsAfter, images

from toylab import exact_eps, sample
from toylab.analysis import Interrupted
from toylab.images import image_paths, nearest_images
from toylab.images._paths import STATISTICS, statistics
from toylab.images.sampler import image_seeds

POINTS = images(40)
EPS = exact_eps(POINTS, "linear", spread=0.3)
REAL = POINTS + 0.3 * torch.randn(40, 1, 4, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
HOW = {"methods": ("DDIM", "RK4"), "nfe": 40, "n": 40}


@pytest.fixture(scope="module")
def paths():
    return image_paths(EPS, "linear", REAL, **HOW, progress=False)


def test_statistics_of_noise_are_one_and_of_stripes_those_by_hand():
    noise = torch.randn(400, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    for values in statistics(noise).values():
        assert values.mean() == pytest.approx(1, abs=0.02)
    stripes = torch.tensor([1.0, -1.0]).repeat(4).expand(1, 1, 8, 8)
    found = {name: values.item() for name, values in statistics(0.5 * stripes).items()}
    assert found == pytest.approx({"square": 0.25, "contrast": 0.5, "fine": 0.25})


def test_the_band_is_that_of_the_forward_process(paths):
    """The mean square is alpha_bar times that of the data, and 1 - alpha_bar more, at every t."""
    alpha_bar = EPS.schedule.alpha_bar(torch.from_numpy(paths.times)).numpy()
    low, middle, high = paths.band["square"]
    expected = alpha_bar * REAL.square().mean().item() + 1 - alpha_bar
    assert middle == pytest.approx(expected, rel=0.1) and (low < expected).all() and (expected < high).all()


def test_a_path_holds_the_medians_of_its_states_and_the_shares_beyond_the_band(paths):
    row = paths.of("DDIM")[0]
    own = image_seeds(0, range(40))
    run = sample(EPS, "linear", "DDIM", row.steps, n=40, seed=own, shape=(1, 4, 4))
    found = statistics(run.states[-1])["fine"].numpy()
    low, _, high = paths.band["fine"][:, -1]
    assert row.values["fine"][-1] == pytest.approx(np.median(found), rel=1e-5)
    assert row.off["fine"][-1] == pytest.approx(((found < low) | (found > high)).mean(), abs=0.03)
    assert [(each.method, each.steps, each.nfe) for each in paths.rows] == [("DDIM", 40, 40), ("RK4", 10, 40)]


def test_many_steps_stay_in_the_band(paths):
    assert max(share.max() for share in paths.of("DDIM")[0].off.values()) < 0.2


def test_a_classical_method_of_few_steps_leaves_the_band_in_the_last_one():
    found = image_paths(exact_eps(POINTS, "linear"), "linear", POINTS, ("RK4", "DDIM"), nfe=20, n=40, progress=False)
    classical, pseudo = found.rows
    for name in STATISTICS:
        assert classical.off[name][-1] == 1 and classical.off[name][:-1].max() < 0.1
        assert pseudo.off[name].max() < 0.2


def test_paths_are_shown_and_saved(paths):
    assert json.loads(paths.to_json())["rows"][1]["method"] == "RK4" and "98 %" in str(paths)
    axes = paths.plot()
    assert axes.shape == (2, len(STATISTICS))
    assert axes[1, 0].lines[0].get_ydata() == pytest.approx(100 * paths.rows[0].off["square"])
    plt.close("all")


def test_interrupted_paths_keep_the_methods_that_are_done():
    with pytest.raises(Interrupted, match="1 of 2 methods") as stop:
        image_paths(StopsAfter(EPS, 45), "linear", REAL, **HOW, progress=False)
    assert stop.value.done.methods == ("DDIM",)


@pytest.mark.parametrize(
    "change, says",
    [({"real": REAL[:, :, :2]}, "real must be images like"), ({"forward": 9}, "forward"), ({"nfe": 0}, "nfe")],
)
def test_paths_refuse_what_cannot_be_measured(change, says):
    with pytest.raises(ValueError, match=says):
        image_paths(EPS, "linear", **{"real": REAL, "progress": False, **HOW} | change)


# ---- nearest real images


def test_the_nearest_are_those_of_brute_force_and_copies_are_seen():
    real = images(200, seed=1)
    asked = torch.cat([real[[7, 3]] + 1e-3, images(6, seed=2)])
    found = nearest_images(asked, real, "pixels")
    brute = torch.cdist(asked.flatten(1), real.flatten(1)).min(1)
    row = found.rows[0]
    assert row.indices.tolist() == brute.indices.tolist() and row.indices[:2].tolist() == [7, 3]
    assert row.distances == pytest.approx(brute.values.numpy(), rel=1e-3, abs=1e-4)
    among = torch.cdist(real.flatten(1), real.flatten(1)).fill_diagonal_(torch.inf).amin(1)
    assert row.typical == pytest.approx(among.median().item(), rel=1e-2)
    assert row.copies == 2 / 8 and found.rows[1].name == "principal components"
    assert torch.equal(torch.from_numpy(found.found[0]), real[row.indices].float())


def test_nearest_images_are_shown_and_saved():
    found = nearest_images(images(3, channels=3), images(9, channels=3, seed=1), "pixels")
    assert [ax.get_title("left") for ax in found.plot()][1:] == [f"nearest in {row.name}" for row in found.rows]
    assert len(json.loads(found.to_json())["rows"][0]["indices"]) == 3 and "of 9 real ones" in str(found)
    plt.close("all")


@pytest.mark.parametrize("real", [torch.zeros(1, 1, 4, 4), torch.zeros(9, 1, 4, 5), torch.zeros(9, 16)])
def test_images_of_other_shapes_are_refused(real):
    with pytest.raises(ValueError, match="images and real"):
        nearest_images(images(3), real)
