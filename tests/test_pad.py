"""The pad without a browser: samples of a drawing, a network trained on it, and what is no drawing."""

import numpy as np
import pytest
import torch
from PIL import Image

import toylab
from toylab import datasets, problems
from toylab.training import TrainConfig
from toylab.widgets import Pad, pad

LINES = "-2,1 2,1; -2,-1 2,-1"


@pytest.fixture
def drawn():
    return Pad(LINES, steps=5)


def board(drawn):
    return np.frombuffer(drawn.points, "<f4").reshape(-1, 2)


def trained(drawn):
    drawn.training = True
    drawn.wait()
    assert not drawn.training and drawn.status == ""


def test_samples_are_those_of_the_exact_epsilon_put_where_the_drawing_is(drawn):
    run = toylab.sample(drawn.problem, method="DDIM", steps=5, n=pad.SAMPLES, seed=0)
    torch.testing.assert_close(drawn.x, run.x.float())
    assert f"{drawn.manifold.distance(drawn.x).mean():.3g}" in drawn.note
    drawn.method, drawn.steps = "S-PNDM", 60
    assert "S-PNDM, N = 60, 61 evaluations" in drawn.note
    x, y = board(drawn).T
    assert np.median(np.abs(np.abs(y) - 1)) < 0.05 and np.abs(x).max() < 2.2


def test_what_two_pens_drew_is_sampled_by_class_with_guidance(short):
    drawn = Pad("-2,1 2,1; ~ -2,-1 2,-1", steps=40)
    drawn.label = "second"
    assert "exact epsilon with guidance 1: mean distance to the second class" in drawn.note
    assert np.median(board(drawn)[:, 1]) == pytest.approx(-1, abs=0.05)
    problem = problems.guided_class(drawn.manifold, "second", 4, pad.POINTS, 0.0)
    run = toylab.sample(problem, method="DDIM", steps=40, n=512, seed=0)
    drawn.guidance = 4
    torch.testing.assert_close(drawn.x, run.x.float())
    with pytest.raises(ValueError, match=r"guidance must be .*\[0, 8\]"):
        drawn.guidance = 9
    trained(drawn)
    assert "network epsilon" in drawn.note and "distance to the drawing" in drawn.note
    drawn.asked = "0,0 1,1"  # of one pen
    assert drawn.label == "all" and drawn.error == "" and "exact epsilon: mean distance to the drawing" in drawn.note
    with pytest.raises(ValueError, match="unknown label 'second'"):
        drawn.label = "second"


def test_an_empty_pad_is_no_data_and_says_so():
    empty = Pad()
    with pytest.raises(ValueError, match="must have a drawing"):
        _ = empty.problem
    trained(empty)
    assert "draw something" in empty.error and empty.net is None and empty.picture().startswith(b"\x89PNG")


@pytest.mark.parametrize("text", ["", "<b>", "AAA", "0,0", "1;2", "x" * 200_000])
def test_a_bad_text_is_a_sentence_and_the_drawing_stays(drawn, text):
    before = drawn.text, drawn.note, drawn.points
    drawn.asked = text
    assert drawn.error.startswith(("text must", "strokes must")) and len(drawn.error) < 200
    assert (drawn.text, drawn.note, drawn.points) == before and drawn.answered >= 2


def test_a_pad_saves_and_loads_what_the_data_sets_load(drawn, tmp_path):
    drawn.save(tmp_path / "mine.txt")
    assert datasets.load_drawing(tmp_path / "mine.txt").text == drawn.text
    other = Pad("0,0 1,1")
    other.load(tmp_path / "mine.txt")
    assert other.text == drawn.text and len(other.manifold.components) == 2


@pytest.fixture
def short(monkeypatch):
    monkeypatch.setattr(pad, "CONFIG", TrainConfig(steps=40, batch=64))


def test_a_network_is_trained_with_losses_and_samples_on_the_way_and_belongs_to_its_drawing(drawn, short):
    seen = []
    drawn.observe(lambda change: seen.append((change["new"], len(drawn.losses))), "points")
    trained(drawn)
    assert drawn.error == "" and drawn.status == "" and len(drawn.losses) == 20 and len(seen) >= 20
    assert drawn.epsilon == "network" and "network epsilon" in drawn.note and drawn.net(drawn.x, 0.5).shape == (512, 2)
    network, first = drawn.net, drawn.text
    drawn.asked = "0,0 1,1"
    assert drawn.net is None and drawn.epsilon == "exact"
    drawn.epsilon = "network"
    assert "no network" in drawn.error
    drawn.asked = first
    assert drawn.net is network


def test_training_that_takes_too_long_keeps_what_is_learnt(drawn, short, monkeypatch):
    monkeypatch.setattr(pad, "MINUTES", 1e-9)
    trained(drawn)
    assert drawn.net is not None and drawn.error == ""


def looks(drawn):
    """The training steps after each look at the network, as they are shown."""
    seen = []
    drawn.observe(lambda change: seen.append(change["new"]), "status")
    return seen


def test_training_that_is_stopped_keeps_what_is_learnt_and_may_begin_again(drawn, short):
    seen = looks(drawn)
    drawn.observe(lambda change: setattr(drawn, "training", not drawn.losses[2:]), "losses")
    trained(drawn)
    assert seen[-2:] == ["training … 15%", ""] and drawn.error == ""
    first = drawn.net
    assert first.metadata["steps_done"] == 8 and drawn.epsilon == "network"  # seen at the next look
    assert "network epsilon after 8 of 40 training steps" in drawn.note
    drawn.unobserve_all("losses")
    trained(drawn)
    assert drawn.net is not first and "steps_done" not in drawn.net.metadata
    assert "network epsilon:" in drawn.note


def test_another_drawing_stops_the_training_of_the_last_one_and_is_shown(drawn, short):
    first = drawn.text
    drawn.observe(lambda change: drawn.losses[2:] and setattr(drawn, "asked", "0,0 1,1"), "losses")
    trained(drawn)
    assert drawn.text != first and drawn.net is None and drawn.epsilon == "exact" and "exact" in drawn.note
    drawn.unobserve_all("losses")
    drawn.asked = first
    assert drawn.net.metadata["steps_done"] == 8


def test_a_pad_that_is_closed_trains_no_longer(drawn, short):
    drawn.observe(lambda change: drawn.close(), "losses")
    trained(drawn)
    assert len(drawn.losses) == 1


def test_while_it_trains_python_goes_on_and_samples_are_of_one_epsilon_at_a_time(drawn, short):
    drawn.training = True
    drawn.method = "S-PNDM"
    assert drawn.training and drawn.note.startswith("S-PNDM")
    drawn.wait()
    assert drawn.note.startswith("S-PNDM, N = 5, 6 evaluations, network epsilon:")


def test_the_picture_shows_the_drawing(drawn, tmp_path):
    (tmp_path / "pad.png").write_bytes(drawn.picture())
    assert min(Image.open(tmp_path / "pad.png").size) >= 400 and "covered" in drawn.alt


def test_method_and_steps_are_those_on_offer():
    with pytest.raises(ValueError, match="unknown method 'DDMI'"):
        Pad(method="DDMI")
    with pytest.raises(ValueError, match="steps must be"):
        Pad(steps=0)
