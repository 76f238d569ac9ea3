"""The second stage of a cascade: an eps of large images, given the small ones."""

import json

import numpy as np
import pytest
import torch
from image_networks import labelled_unet
from torch.nn.functional import pixel_shuffle, pixel_unshuffle
from typer.testing import CliRunner

import toylab
from toylab.cli import app
from toylab.epsilon import Sharpener, checkpoints, guided
from toylab.epsilon.sharpener import NOISE, made_small
from toylab.images import Images, ImageSampler, cascade
from toylab.training.examples import UNLABELLED
from toylab.training.images import also_small, train_images

TINY = {
    "sample_size": 8, "in_channels": 15, "out_channels": 12, "block_out_channels": [8, 16], "layers_per_block": 1,
    "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D"],
}  # fmt: skip
LOW = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(1)) * 2 - 1
X = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(2))


def tiny(prediction="v", seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return Sharpener("linear", prediction=prediction, **TINY).eval().requires_grad_(False)


def test_its_eps_is_the_models_answer_to_blocks_of_pixels_beside_the_small_image():
    net, t = tiny(), torch.tensor([0.1, 0.3, 0.5, 0.9], dtype=torch.float64)
    v = pixel_shuffle(net.model(torch.cat([pixel_unshuffle(X, 2), LOW], 1), 1000 * t).sample, 2)
    alpha_bar = net.schedule.alpha_bar(t).reshape(-1, 1, 1, 1).float()
    assert torch.allclose(net.of(LOW)(X, t), alpha_bar.sqrt() * v + (1 - alpha_bar).sqrt() * X, atol=1e-6)
    assert net.shape == (3, 16, 16) and net.low == (3, 8, 8)


def test_without_small_images_it_is_an_eps_as_any_other():
    net = tiny()
    assert torch.equal(net(X, 0.5), net.of(torch.zeros(4, 3, 8, 8))(X, 0.5))
    assert toylab.sample(net, method="DDIM", steps=3, n=2).x.shape == (2, 3, 16, 16)


def test_guidance_by_the_small_image_counts_two_evaluations():
    net = tiny()
    eps = guided(net.of(LOW), net, 2.0)
    assert torch.allclose(eps(X, 0.5), 2 * net.of(LOW)(X, 0.5) - net(X, 0.5), atol=1e-5)
    assert toylab.sample(eps, method="DDIM", steps=3, x_T=X).nfe == 6


def test_a_file_gives_it_back(tmp_path):
    net = tiny()
    checkpoints.save(net, tmp_path / "sharp.safetensors")
    again = toylab.load(tmp_path / "sharp.safetensors")
    assert type(again) is Sharpener and torch.equal(again.of(LOW)(X, 0.5), net.of(LOW)(X, 0.5))


def test_image_i_is_sharpened_from_small_image_i_in_any_batch():
    net = tiny()
    whole = ImageSampler(net.of(LOW), "DDIM", 3).images(4, batch=4, progress=False).x
    parts = ImageSampler(net.of(LOW), "DDIM", 3).images(4, batch=3, progress=False).x
    other = ImageSampler(net.of(LOW.flip(0)), "DDIM", 3).images(4, batch=4, progress=False).x
    assert torch.allclose(whole, parts, atol=1e-5) and not torch.allclose(whole, other, atol=1e-2)


def test_cascade_sharpens_the_images_that_the_first_stage_makes_of_the_seed():
    first, net = labelled_unet(["a", "b"]), tiny()
    eps = guided(first.of("b"), first, 3)
    small, large = cascade(eps, net, "DDIM", 3, n=5, seed=4, progress=False)
    assert torch.equal(small.x, ImageSampler(eps, "DDIM", 3).images(5, 4, progress=False).x)
    second = ImageSampler(net.of(small.x.clamp(-1, 1)), "DDIM", 3).images(5, 4 + 2**62, progress=False)
    assert torch.equal(large.x, second.x) and (small.nfe, large.nfe) == (6, 3)


def test_training_shows_it_noisy_small_images_and_leaves_some_out():
    x0 = torch.rand(4000, 3, 4, 4, generator=torch.Generator().manual_seed(0))
    given, low = also_small(lambda n, generator: x0[:n])(4000, torch.Generator().manual_seed(1))
    left_out = (low == 0).flatten(1).all(1)
    assert given is x0 or torch.equal(given, x0)
    assert abs(left_out.double().mean() - UNLABELLED) < 4 * (UNLABELLED * (1 - UNLABELLED) / 4000) ** 0.5
    noise = (low - x0.unfold(2, 2, 2).unfold(3, 2, 2).mean((-1, -2)))[~left_out]
    assert abs(noise.std() / NOISE - 1) < 0.02 and abs(noise.mean()) < 0.05 * NOISE


@pytest.mark.slow
def test_it_learns_from_the_small_image_what_it_cannot_know_without(monkeypatch):
    """Images of one colour each: the small one tells the colour, the noise at t = 0.9 hardly does."""
    monkeypatch.setattr("toylab.training.recipes.unet_config", lambda name: TINY)
    monkeypatch.setattr("toylab.training.recipes.SHARPENERS", {"cifar10-sharp": TINY})
    colours = torch.randint(0, 256, (500, 3, 1, 1), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    data = Images("colours", colours.expand(-1, -1, 16, 16).contiguous())
    net = train_images("cifar10-sharp", data=data, steps=70, batch=32, lr=4e-3, seed=0, ema=0.9, progress=False)
    x0 = data.pixels[:64].float() / 127.5 - 1
    noise = torch.randn(x0.shape, generator=torch.Generator().manual_seed(1))
    alpha_bar = net.schedule.alpha_bar(0.9)
    x = alpha_bar**0.5 * x0 + (1 - alpha_bar) ** 0.5 * noise

    def error(eps):
        found = (x - (1 - alpha_bar) ** 0.5 * eps(x, 0.9)) / alpha_bar**0.5
        return (found.mean((2, 3)) - x0.mean((2, 3))).square().mean().item() ** 0.5

    assert error(net.of(made_small(x0))) < error(net) / 2
    assert type(net) is Sharpener and net.metadata["configuration"] == "cifar10-sharp"


@pytest.fixture
def shipped(tmp_path, monkeypatch):
    """A folder of data with an untrained first and second stage."""
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    first = labelled_unet(["cat", "dog"])
    first.dataset = "pets"
    for name, net in {"pets": first, "pets-sharp": tiny()}.items():
        checkpoints.save(net, tmp_path / "checkpoints" / f"{name}.safetensors")
    return tmp_path


def sample(*words):
    return CliRunner().invoke(app, ["sample", *words, "--method", "DDIM", "--steps", "3", "-n", "2"])


def test_command_says_what_each_stage_costs(shipped):
    done = sample("pets", "--class", "dog", "--guidance", "3", "--sharpen", "pets-sharp", "--out", "a.npz")
    assert done.exit_code == 0, done.output
    assert "sharpened by network pets-sharp: DDIM, N = 3, NFE 6, and 3 to sharpen, 2 images" in done.output
    with np.load("a.npz") as found:
        about = json.loads(str(found["metadata"]))
        assert found["images"].shape == (2, 16, 16, 3)
    assert (about["nfe"], about["nfe of the small images"], about["sharpened by"]) == (3, 6, "pets-sharp")


def test_a_class_of_a_network_without_labels_comes_from_its_stages(shipped, monkeypatch):
    monkeypatch.setattr("toylab.cli.sample.STAGES", {"animals": ("pets", "pets-sharp")})
    done = sample("animals", "--class", "cat")
    assert done.exit_code == 0 and "animals-cat-DDIM.npz" in done.output, done.output
    assert "NFE 3, and 3 to sharpen" in done.output


@pytest.mark.parametrize(
    ("low", "error", "says"),
    [
        (torch.zeros(2, 3, 16, 16), ValueError, r"low must have shape \[batch, 3, 8, 8\], got \[2, 3, 16, 16\]"),
        (torch.zeros(3, 8, 8), ValueError, r"low must have shape \[batch, 3, 8, 8\]"),
        (torch.full((1, 3, 8, 8), float("nan")), ValueError, "low must be finite"),
        ("horse", TypeError, "low must be a floating-point tensor"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), TypeError, "low must be a floating-point tensor"),
    ],
)
def test_what_are_no_small_images_is_refused(low, error, says):
    with pytest.raises(error, match=says):
        tiny().of(low)


def test_particles_need_a_small_image_each():
    with pytest.raises(ValueError, match="low must be one image a particle, got 4 for 2 particles"):
        tiny().of(LOW)(X[:2], 0.5)
    with pytest.raises(ValueError, match="low must be one image a particle, got 4 for 6"):
        ImageSampler(tiny().of(LOW), "DDIM", 2).images(6, progress=False)


@pytest.mark.parametrize("change", [{"in_channels": 12}, {"out_channels": 3}, {"num_class_embeds": 3}])
def test_a_config_that_is_no_sharpeners_is_refused(change):
    with pytest.raises(ValueError, match="in_channels and out_channels must be 5 and 4 times|classes must be left out"):
        Sharpener("linear", **TINY | change)


def test_stages_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match=r"eps must be of images of shape \(3, 8, 8\), got \(3, 16, 16\)"):
        cascade(tiny(), tiny(), "DDIM", 2, n=1)
    with pytest.raises(TypeError, match="sharpener must be a toylab.epsilon.Sharpener, got UNet"):
        cascade(tiny(), labelled_unet(["a", "b"]), "DDIM", 2, n=1)
    with pytest.raises(ValueError, match="seed must be below 2"):
        cascade(labelled_unet(["a", "b"]), tiny(), "DDIM", 2, n=1, seed=2**62)
