"""Notebook 16: the exact guided flow stays on its class, and solvers that remember more leave it sooner."""

import json

import numpy as np
import pytest
import torch
from image_networks import labelled_unet

import toylab
from toylab import datasets
from toylab.epsilon import checkpoints
from toylab.lessons import explore_guided, leaving
from toylab.lessons.guiding import guided_problem


@pytest.mark.slow
@pytest.mark.parametrize("name, label", [("spiral", "outer"), ("moons", "lower"), ("two-circles", "inner")])
def test_a_class_lies_where_it_does_in_its_data_set(name, label):
    data = datasets.labelled(name, 4000)
    one, other = data.manifold(label), next(each for each in data.classes if each != label)
    assert one.distance(data.of(label)).max() < 1e-9
    assert torch.equal(one.distance(data.points) < 1e-9, data.labels == data.classes.index(label))
    assert datasets.get(name).distance(one.curve(500)).max() < 1e-3
    assert (one.distance(data.of(other)) + 1e-9 >= torch.cdist(data.of(other), data.of(label)).amin(1) - 0.01).all()


def test_a_class_that_is_none_is_named():
    with pytest.raises(ValueError, match="unknown class 'left'.*upper, lower"):
        datasets.labelled("moons").manifold("left")


@pytest.fixture(scope="module")
def spiral():
    return leaving("spiral", ("DDIM", "S-PNDM", "PLMS", "F-PNDM"), (1, 4, 8), (50,))


@pytest.mark.slow
def test_the_guided_flow_stays_and_methods_leave_by_how_much_they_remember(spiral):
    assert spiral.flow.max() == 0
    ddim, s_pndm, plms, f_pndm = spiral.off[..., 0]
    assert max(ddim[1:].max(), s_pndm[1:].max()) < 0.02 < plms[1:].min() < f_pndm[1:].min() / 4
    assert f_pndm[1] > 5 * f_pndm[0]


@pytest.mark.slow
def test_guidance_gives_up_diversity():
    covered = leaving("moons", ("DDIM",), (1, 4, 8), (20,)).price
    assert covered == pytest.approx([1, 0.7, 0.57], abs=0.06)


@pytest.mark.slow
def test_shares_are_those_of_sampled_particles(spiral):
    problem = guided_problem("spiral", 4)
    run = toylab.sample(problem, method="F-PNDM", steps=16, x_T=problem.start(256), progress=False)
    assert run.nfe == 50
    class_points = datasets.labelled("spiral", 4000).of("outer")
    off = (torch.cdist(run.x, class_points).amin(1) > 0.1).double().mean().item()
    assert spiral.off[3, 1, 0] == pytest.approx(off, abs=1 / 256)


@pytest.mark.slow
def test_the_study_is_a_table_a_figure_and_json(spiral):
    assert len(spiral.table().rows) == 4 + 2
    assert np.array(json.loads(spiral.to_json())["off"]).shape == (4, 3, 1)
    assert [ax.get_title() for ax in spiral.plot()] == ["DDIM", "S-PNDM", "PLMS", "F-PNDM", "flow"]


@pytest.mark.slow
def test_budgets_in_which_nothing_can_run_are_empty():
    found = leaving("moons", ("DDIM", "RK4"), (2,), (6, 8), n=4)
    assert np.isnan(found.off[1, 0, 0]) and not np.isnan(found.off[0]).any() and not np.isnan(found.off[1, 0, 1])
    assert "–" in str(found) and json.loads(found.to_json())["off"][1][0][0] is None


@pytest.mark.slow
def test_images_are_off_where_the_classifier_sees_another_class(tmp_path):
    network = labelled_unet([str(digit) for digit in range(10)])
    checkpoints.save(network, tmp_path / "net.safetensors")
    with pytest.raises(ValueError, match=r"\[n, 3, size, size\]|must be of size 16 or 32"):
        leaving(str(tmp_path / "net.safetensors"), ("DDIM",), (2,), (4,), n=2)  # photographs of 8x8
    found = leaving("digits-classes", ("DDIM", "F-PNDM"), (1, 8), (26,), n=10)
    (ddim, f_pndm), price = found.off[..., 0], found.price
    assert found.flow.max() <= 0.1 and ddim.max() <= 0.1 and f_pndm[1] > 0.5 > f_pndm[0]
    assert price[1] > 1.3 * price[0]


@pytest.mark.slow
@pytest.mark.parametrize(
    "given, named",
    [({"where": "circle-of-nothing"}, "circle-of-nothing"), ({"scales": ()}, "scales"), ({"nfe": (0,)}, "nfe"),
     ({"n": 0}, "n must be"), ({"seed": -1}, "seed"), ({"where": "digits"}, "labels"),
     ({"where": "spiral-cosine"}, "labels")],
)  # fmt: skip
def test_bad_input_is_named(given, named):
    with pytest.raises((ValueError, FileNotFoundError), match=named):
        leaving(**given)


@pytest.mark.slow
def test_the_player_of_guided_particles_counts_those_off_the_class():
    player = explore_guided("spiral", n=64, steps=16, methods=("DDIM", "F-PNDM"))
    assert player.sweep.off["F-PNDM", 16][-1] > 0.2 > 0.02 > player.sweep.off["DDIM", 25][-1]
    player.chosen = {"Data set": "moons", "Guidance": "2"}
    assert player.error == "" and player.sweep.labels["epsilon"] == "exact, guidance 2"
