"""The image networks that come with toylab: small files, as good as promised, with their cards."""

import json
from pathlib import Path

import pytest
import torch

import toylab
from scripts import cards, shares
from toylab import images
from toylab.epsilon import Sharpener
from toylab.epsilon.sharpener import made_small
from toylab.images.classifier import DigitClassifier
from toylab.training import RECIPES
from toylab.training.config import TrainConfig
from toylab.training.examples import draw

DATA = Path(toylab.__file__).parents[1] / "data"
NAMES = cards.names()
DIGITS = [name for name in NAMES if name.startswith("digits")]
CIFAR = [name for name in NAMES if name.startswith("cifar10")]
CIFAR_MEANS, CIFAR_STDS = (0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)  # of the training images, over 255


@pytest.fixture(autouse=True)
def of_the_repository(monkeypatch):
    monkeypatch.delenv("TOYLAB_DATA", raising=False)


def test_digits_and_cifar10_in_two_sizes_come_with_toylab():
    shapes = {name: toylab.load(name).shape for name in NAMES}
    assert shapes["digits"] == shapes["digits-cosine"] == (1, 8, 8)
    assert (shapes["cifar10-16"], shapes["cifar10"]) == ((3, 16, 16), (3, 32, 32))


def test_one_network_of_digits_knows_the_ten():
    network = toylab.load("digits-classes")
    assert network.shape == (1, 8, 8) and network.classes == tuple("0123456789")


def test_one_network_of_photographs_knows_the_ten_classes_of_cifar10():
    network = toylab.load("cifar10-16-classes")
    assert network.classes[0] == "airplane" and network.classes[-1] == "truck" and len(network.classes) == 10


@pytest.mark.slow
def test_what_a_network_sharpens_is_the_same_image_with_more_in_it():
    """Made small again, each is nearest to what it was made of; enlarged pixels would have no edges within."""
    small, large = images.cascade(
        toylab.load("cifar10-16"), toylab.load("cifar10-sharp"), "S-PNDM", 10, n=8, progress=False
    )
    low, again = small.x.clamp(-1, 1), made_small(large.x.clamp(-1, 1))
    apart = (again[:, None] - low[None]).square().mean((2, 3, 4)).sqrt()
    assert apart.argmin(1).tolist() == list(range(8)) and apart.diagonal().max() < 0.15
    within = (large.x[..., 1::2] - large.x[..., ::2]).square().mean().sqrt()
    assert within > 0.05


def test_all_shipped_networks_together_are_small():
    """The classifiers have a limit of their own."""
    assert sum(file.stat().st_size for file in DATA.glob("checkpoints/*.safetensors")) < 25e6


def test_numbers_that_were_measured_before_are_small():
    """Those of the claims, and what lies beside the cards as numbers."""
    kept = [*DATA.glob("claims/*.json"), *DATA.glob("cards/*.json"), *DATA.glob("cards/*.csv")]
    assert len(kept) > 4 and sum(file.stat().st_size for file in kept) < 5e6


@pytest.mark.parametrize(("name", "megabytes"), [(name, 20 if name == "cifar10" else 4) for name in NAMES])
def test_files_are_small(name, megabytes):
    assert (DATA / f"checkpoints/{name}.safetensors").stat().st_size < megabytes * 1e6


@pytest.mark.parametrize("name", NAMES)
def test_every_network_has_a_card_with_pictures_and_its_command(name):
    text, network = (DATA / "README.md").read_text(encoding="utf-8"), toylab.load(name)
    part = text.partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert f"`{network.metadata['command']}`" in part
    for picture in ("samples", "training"):
        assert f"cards/{name}-{picture}.png" in part and (DATA / f"cards/{name}-{picture}.png").is_file()


@pytest.mark.parametrize("name", NAMES)
def test_every_network_was_trained_to_its_end(name):
    story = toylab.load(name).metadata
    assert story.get("steps_done", story["training"]["steps"]) == story["training"]["steps"]


@pytest.mark.parametrize("name", CIFAR)
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

    pixels = images.load("digits").pixels
    assert toylab.load(name).metadata["data"]["sha256"] == hashlib.sha256(pixels.numpy().tobytes()).hexdigest()


@pytest.mark.slow
@pytest.mark.parametrize("name", DIGITS)
def test_a_digits_network_has_the_loss_in_its_story_on_the_real_digits(name):
    network = toylab.load(name)
    config = TrainConfig(**network.metadata["training"])
    digits, losses = images.load("digits"), []
    batches = digits.labelled_batch if network.classes else digits.batch
    for step in range(8):
        x_t, t, noise, weight, *labels = draw(batches, network.schedule, config, 10**6 + step)
        losses.append((weight * (network(x_t, t, *labels) - noise).square().flatten(1).mean(1)).mean())
    assert torch.stack(losses).mean().item() == pytest.approx(network.metadata["loss"], rel=0.1)


@pytest.fixture(scope="module")
def judge():
    return DigitClassifier()


@pytest.mark.slow
def test_the_judge_of_digits_is_right_98_times_of_100(judge):
    assert judge.accuracy >= 0.98


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in DIGITS if not toylab.load(name).classes])
def test_2000_samples_are_clear_digits_of_all_ten_kinds(name, judge):
    """Each of the ten has between 5 and 17 % of the samples, and half of them are at least 90 % sure."""
    network = toylab.load(name)
    x = toylab.sample(network, network.schedule, "DDIM", 12, n=2000, shape=network.shape, record=False, progress=False)
    verdict = judge(x.x.clamp(-1, 1))
    assert 0.05 <= verdict.shares.min() and verdict.shares.max() <= 0.17
    assert verdict.median_confidence >= 0.9


@pytest.mark.slow
def test_noise_would_not_pass_as_all_ten_digits(judge):
    noise = torch.randn(2000, 1, 8, 8, generator=torch.Generator().manual_seed(0)).clamp(-1, 1)
    assert judge(noise).shares.max() > 0.17


@pytest.fixture(scope="module", params=CIFAR)
def photographs(request):
    """96 samples of a network for CIFAR-10, or of cifar10-16 and a network that sharpens them, in [0, 1]."""
    network = toylab.load(request.param)
    how = {"method": "S-PNDM", "steps": 20, "n": 96, "progress": False}
    if isinstance(network, Sharpener):
        run = images.cascade(toylab.load("cifar10-16"), network, **how)[1]
    else:
        run = toylab.sample(network, **how, record=False)
    return (run.x.double().clamp(-1, 1) + 1) / 2


@pytest.mark.slow
def test_samples_have_the_colours_of_cifar10(photographs):
    """Channel means within four standard errors."""
    each = photographs.mean((2, 3))
    error = each.std(0) / len(each) ** 0.5
    assert ((each.mean(0) - torch.tensor(CIFAR_MEANS)).abs() <= 4 * error).all()


@pytest.mark.slow
def test_samples_have_the_contrast_of_cifar10(photographs):
    ratio = photographs.std((0, 2, 3)) / torch.tensor(CIFAR_STDS)
    assert 0.8 < ratio.min() and ratio.max() < 1.1


@pytest.mark.slow
def test_neighbouring_pixels_of_samples_are_related_as_in_photographs(photographs):
    """Their correlation is .88 (16x16) and .93 (32x32) in CIFAR-10, 0 in noise, 1 in plain colours."""
    x = photographs - photographs.mean((0, 2, 3), keepdim=True)
    correlation = (x[..., 1:] * x[..., :-1]).mean() / x.square().mean()
    assert correlation.item() == pytest.approx({16: 0.88, 32: 0.93}[x.shape[-1]], abs=0.04)


def test_the_judge_of_photographs_is_small_and_says_how_often_it_is_right():
    judge, text = images.PhotoClassifier(), (DATA / "README.md").read_text(encoding="utf-8")
    assert (DATA / "classifiers/cifar10.safetensors").stat().st_size < 3e6
    assert judge.accuracy[32] >= 0.8 and set(judge.accuracy) == {16, 32}
    words = text.replace(" of the 10,000 test images", "")
    assert all(f"{share:.1%} at {size}x{size}" in words for size, share in judge.accuracy.items())
    assert judge.story["command"] in text and judge.classes == list(toylab.load("cifar10-16-classes").classes)


@pytest.mark.parametrize(
    ("name", "size", "bar"), [("cifar10-16-classes", 16, 0.8), ("cifar10-sharp", 32, 0.6), ("digits-classes", 8, 0.95)]
)
def test_of_1000_guided_samples_as_many_show_their_class_as_promised(name, size, bar):
    """As they were measured, on the card beside those without guidance and the real images."""
    kept = json.loads((DATA / f"cards/{name}-shares.json").read_text())
    plain, guided = (kept["scales"][scale] for scale in ("1", "4"))
    for each in (plain, guided):
        assert each["share"] == pytest.approx(sum(each["by_class"].values()) / 10) and len(each["by_class"]) == 10
    assert kept["n"] == 1000 and guided["share"] >= bar and guided["share"] > plain["share"]
    if size in (16, 32):
        assert kept["real"] == images.PhotoClassifier().accuracy[size]
    card = (DATA / "README.md").read_text(encoding="utf-8").partition(f"### {name}\n")[2].partition("\n### ")[0]
    assert f"in {plain['share']:.0%} without guidance, {guided['share']:.0%} with guidance 4 (1,000 samples" in card
    assert f"in {kept['real']:.0%} of the real test images" in card


def test_guidance_shows_the_class_asked_for_as_often_as_the_card_says():
    """As the judge sees it, in 60 samples, whose share may be four of its deviations away."""
    network = toylab.load("cifar10-16-classes")
    found = shares.shares(network, images.PhotoClassifier(), 60)["scales"]
    kept = json.loads((DATA / "cards/cifar10-16-classes-shares.json").read_text())["scales"]
    for scale in ("1", "4"):
        share = kept[scale]["share"]
        assert found[scale]["share"] == pytest.approx(share, abs=4 * (share * (1 - share) / 60) ** 0.5)
    assert found["4"]["share"] > found["1"]["share"]


@pytest.mark.slow
def test_digits_asked_for_are_the_digits_that_come(judge):
    found = shares.shares(toylab.load("digits-classes"), judge, 60)["scales"]
    assert found["1"]["share"] >= 0.9 and found["4"]["share"] >= 0.95
