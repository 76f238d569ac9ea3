"""The image networks that come with toylab: small files, as good as promised, with their cards."""

from pathlib import Path

import pytest
import torch

import toylab
from toylab import datasets
from toylab.analysis.classifier import DigitClassifier
from toylab.training import RECIPES
from toylab.training.config import TrainConfig
from toylab.training.examples import draw
from toylab.views import cards

DATA = Path(toylab.__file__).parents[1] / "data"
NAMES = cards.names()
DIGITS = [name for name in NAMES if name.startswith("digits")]


@pytest.fixture(autouse=True)
def of_the_repository(monkeypatch):
    monkeypatch.delenv("TOYLAB_DATA", raising=False)


def test_digits_and_small_cifar_come_with_toylab():
    assert {"digits", "digits-cosine", "cifar10-16"} <= set(NAMES)


@pytest.mark.parametrize(("name", "megabytes"), [("digits", 4), ("digits-cosine", 4), ("cifar10-16", 4)])
def test_files_are_small(name, megabytes):
    assert (DATA / f"checkpoints/{name}.safetensors").stat().st_size < megabytes * 1e6


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_a_card_with_pictures_and_its_command(name):
    text, network = (DATA / "README.md").read_text(encoding="utf-8"), toylab.load(name)
    part = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert f"`{network.metadata['command']}`" in part
    for picture in ("samples", "training"):
        assert f"cards/{name}-{picture}.png" in part and (DATA / f"cards/{name}-{picture}.png").is_file()


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("cifar10")])
def test_cifar_networks_say_that_their_data_are_jpeg_copies(name):
    assert "JPEG" in toylab.load(name).metadata["data"]["note"]


@pytest.mark.parametrize("name", NAMES)
def test_a_network_knows_its_recipe_and_what_it_was_trained_on(name):
    story = toylab.load(name).metadata
    assert story["configuration"] in RECIPES
    assert "/" not in story["command"] and len(story["data"]["sha256"]) == 64
    TrainConfig(**story["training"])


@pytest.mark.parametrize("name", DIGITS)
def test_the_digits_were_those_of_scikit_learn(name):
    import hashlib

    pixels = datasets.images.load("digits").pixels
    assert toylab.load(name).metadata["data"]["sha256"] == hashlib.sha256(pixels.numpy().tobytes()).hexdigest()


@pytest.mark.parametrize("name", DIGITS)
def test_a_digits_network_has_the_loss_in_its_story_on_the_real_digits(name):
    network = toylab.load(name)
    config = TrainConfig(**network.metadata["training"])
    digits, losses = datasets.images.load("digits"), []
    for step in range(8):
        x_t, t, noise, weight = draw(digits.batch, network.schedule, config, 10**6 + step)
        losses.append((weight * (network(x_t, t) - noise).square().flatten(1).mean(1)).mean())
    assert torch.stack(losses).mean().item() == pytest.approx(network.metadata["loss"], rel=0.1)


@pytest.fixture(scope="module")
def judge():
    return DigitClassifier()


def test_the_judge_of_digits_is_right_98_times_of_100(judge):
    assert judge.accuracy >= 0.98


@pytest.mark.parametrize("name", DIGITS)
def test_2000_samples_are_clear_digits_of_all_ten_kinds(name, judge):
    """Each of the ten has between 5 and 17 % of the samples, and half of them are at least 90 % sure."""
    network = toylab.load(name)
    x = toylab.sample(network, network.schedule, "DDIM", 12, n=2000, shape=network.shape, record=False, progress=False)
    verdict = judge(x.x.clamp(-1, 1))
    assert 0.05 <= verdict.shares.min() and verdict.shares.max() <= 0.17
    assert verdict.median_confidence >= 0.9


def test_noise_would_not_pass_as_all_ten_digits(judge):
    noise = torch.randn(2000, 1, 8, 8, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    assert judge(noise).shares.max() > 0.17


