"""Networks that learn labels, and runs that begin from another network."""

import json

import diffusers
import numpy as np
import pytest
import torch
from commands import assert_mistake, run, run_json
from image_networks import TINY, make_training_tiny

import toylab
from toylab import schedules, training
from toylab.epsilon import checkpoints
from toylab.epsilon.mlp import MLP
from toylab.epsilon.unet import UNet
from toylab.images import Images, load
from toylab.training import TrainConfig, examples, train_images
from toylab.training.start import begin_from


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    make_training_tiny(monkeypatch, tmp_path)


def train(out=None, **options):
    return train_images("digits", out=out, **{"steps": 2, "batch": 8, "progress": False} | options)


def network(classes=("cat", "dog"), seed=0, schedule="linear", **changes):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(schedule, **{"prediction": "v", "classes": classes} | TINY | changes).eval().requires_grad_(False)


def saved(net, path="start.safetensors"):
    checkpoints.save(net, path)
    return f"./{path}"


def bright_as_labelled(n=7):
    """Images of one level each, that of their label"""
    pixels = torch.arange(n, dtype=torch.uint8).reshape(-1, 1, 1, 1).expand(n, 1, 8, 8)
    return Images("levels", pixels, labels=torch.arange(n), flip=True, top=n - 1)


# ---- labels


def test_a_batch_comes_with_the_labels_of_its_images():
    x, labels = bright_as_labelled().labelled_batch(100, torch.Generator().manual_seed(0))
    torch.testing.assert_close(x[:, 0, 0, 0], labels / 3 - 1)
    assert len(labels.unique()) == 7
    assert torch.equal(x, bright_as_labelled().batch(100, torch.Generator().manual_seed(0)))


@pytest.mark.parametrize("rank, processes", [(0, 1), (1, 3)])
def test_the_examples_of_a_step_keep_image_and_label_together(rank, processes):
    images, schedule = bright_as_labelled(), schedules.get("linear")
    batches = examples.some_unlabelled(images.labelled_batch, torch.tensor(7))
    x_t, t, noise, _, labels = examples.draw(batches, schedule, TrainConfig(batch=300), 0, rank, processes)
    column = (-1, 1, 1, 1)
    x0 = (x_t - schedule.noise_std(t).reshape(column) * noise) / schedule.alpha_bar(t).sqrt().reshape(column)
    kept = (labels < 7) & (t < 0.5)
    assert len(labels) == 300 // processes
    torch.testing.assert_close(x0[kept].mean((1, 2, 3)), labels[kept] / 3 - 1.0, rtol=0, atol=1e-4, check_dtype=False)


def test_twelve_in_a_hundred_labels_are_dropped():
    batches = examples.some_unlabelled(bright_as_labelled().labelled_batch, torch.tensor(7))
    _, labels = batches(20_000, torch.Generator().manual_seed(0))
    assert (labels == 7).float().mean().item() == pytest.approx(0.12, abs=4 * (0.12 * 0.88 / 20_000) ** 0.5)


def test_a_network_learns_what_its_labels_say():
    """Levels that only the label tells: with it, epsilon at large t is nearly known"""
    images, schedule = bright_as_labelled(2), schedules.get("linear")
    net = UNet("linear", prediction="v", classes=["dark", "bright"], **TINY)
    batches = examples.some_unlabelled(images.labelled_batch, net.no_label)
    net = training.fit(net, batches, schedule, TrainConfig(150, 32, 5e-3, ema=0.9, weighting="v"), progress=False)
    x = torch.randn(64, 1, 8, 8)
    t = torch.tensor(0.8, dtype=torch.float64)
    x0 = [((x - schedule.noise_std(t) * net.of(label)(x, t)) / schedule.alpha_bar(t) ** 0.5).mean() for label in (0, 1)]
    assert x0[0] < -0.4 and x0[1] > 0.4


def test_labels_of_the_data_are_learnt_and_named(tiny):
    net = train("a.safetensors")
    assert net.classes == tuple("0123456789") and toylab.load("./a.safetensors").classes == net.classes
    assert "--no-labels" not in net.metadata["command"]


@pytest.mark.parametrize("kind", ["labels=False", "data without labels"])
def test_a_network_without_labels_is_what_it_was(tiny, kind):
    digits = load("digits")
    bare = Images(digits.name, digits.pixels, top=digits.top)
    net = train(labels=False) if kind == "labels=False" else train(data=bare)
    assert net.classes == () and "num_class_embeds" not in net.arguments
    assert ("--no-labels" in net.metadata["command"]) == (kind == "labels=False")


@pytest.mark.parametrize("names", [None, ["ant", "bee", "cow"]])
def test_npz_files_name_their_classes_or_number_them(tiny, names):
    more = {} if names is None else {"classes": np.array(names)}
    np.savez("a.npz", images=np.zeros((6, 8, 8, 1), np.uint8), labels=np.arange(6) % 3, **more)
    assert train(data="npz:a.npz").classes == tuple(names or "012")


def test_npz_files_with_too_few_names_are_refused(tiny):
    np.savez("a.npz", images=np.zeros((6, 8, 8, 1), np.uint8), labels=np.arange(6), classes=np.array(["a", "b"]))
    with pytest.raises(ValueError, match="classes in .*a.npz must be a name for each label up to 5"):
        train(data="npz:a.npz")


# ---- start


def test_a_run_begins_from_the_weights_and_tells_their_story(tiny):
    other = train("start.safetensors", steps=3, seed=5)
    net = train(start="./start.safetensors", steps=1, lr=1e-12)
    for key, value in other.state_dict().items():
        torch.testing.assert_close(net.state_dict()[key], value, rtol=1e-5, atol=1e-6)
    assert net.metadata["start"]["network"] == "start.safetensors"
    assert net.metadata["start"]["story"]["training"]["seed"] == 5
    assert "--start start.safetensors" in net.metadata["command"]
    json.dumps(net.metadata)


def test_a_run_from_another_network_is_stopped_and_goes_on(tiny):
    start = saved(network(tuple("0123456789")))
    whole = train("a.safetensors", steps=4, start=start)
    with pytest.raises(training.TimeUp, match=r"--start ./start.safetensors .*--resume"):
        train("b.safetensors", steps=4, start=start, max_minutes=1e-9)
    with pytest.raises(ValueError, match="another run: .*start"):
        train("b.safetensors", steps=4, resume=True)
    again = train("b.safetensors", steps=4, start=start, resume=True)
    assert all(torch.equal(value, whole.state_dict()[key]) for key, value in again.state_dict().items())


def test_a_network_without_labels_is_every_class_at_first(tiny):
    other, net = network(None), network(seed=1)
    begin_from(net, saved(other))
    x = torch.randn(3, 1, 8, 8)
    for eps in (net, net.of("cat"), net.of([0, 1, 1])):
        assert torch.equal(eps(x, 0.5), other(x, 0.5))


def test_labels_of_the_same_names_are_kept_and_others_begin_as_none(tiny):
    other, x = network(), torch.randn(3, 1, 8, 8)
    same, different = network(seed=1), network(("ant", "bee", "cow"), seed=1)
    for net in (same, different):
        begin_from(net, saved(other))
    assert torch.equal(same.of("dog")(x, 0.5), other.of("dog")(x, 0.5))
    for eps in (different.of("bee"), different):
        torch.testing.assert_close(eps(x, 0.5), other(x, 0.5))


@pytest.mark.parametrize(
    "other, says",
    [
        (lambda: network(block_out_channels=[8, 8]), "does not fit.*model.conv_norm_out|does not: at model"),
        (lambda: network(sample_size=4), r"another shape, \(1, 4, 4\), not \(1, 8, 8\)"),
        (lambda: network(prediction="eps"), "its prediction is another, eps, not v"),
        (lambda: network(schedule="cosine"), "its schedule is another, cosine, not linear"),
        (lambda: MLP("linear"), "another shape"),
    ],
)
def test_a_start_that_does_not_fit_is_refused_with_the_reason(tiny, other, says):
    start = saved(other())
    with pytest.raises(ValueError, match=f"start must be a network that fits, but .*({says})"):
        train("a.safetensors", start=start)
    assert run("train digits --steps 1 --start", [start]).exit_code == 2


def test_a_start_that_knows_labels_is_refused_where_there_are_none(tiny):
    with pytest.raises(ValueError, match="without labels here, but './start.safetensors' knows 2"):
        train(labels=False, start=saved(network()))


@pytest.mark.slow
def test_a_run_begins_from_a_published_network(tiny):
    """A folder of diffusers, whose schedule is a table; a few steps with next to no learning rate keep its weights."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = diffusers.UNet2DModel(**TINY)
    diffusers.DDPMPipeline(unet=model, scheduler=diffusers.DDPMScheduler()).save_pretrained("published")
    how = "train digits --prediction eps --steps 3 --batch 8 --lr 1e-9 --start ./published"
    result = run(how, "--schedule linear-1000 --out a.safetensors")
    assert result.exit_code == 0, result.stderr
    net, x = toylab.load("./a.safetensors"), torch.randn(3, 1, 8, 8)
    with torch.no_grad():
        expected = model(x, 499).sample
    for eps in (net, net.of("7")):
        torch.testing.assert_close(eps(x, 0.5), expected, rtol=1e-2, atol=1e-2)  # the file holds halves
    assert net.metadata["start"] == {"network": "published", "story": toylab.load("./published").metadata}
    assert net.metadata["command"].endswith("--start published")
    refused = run(how, "--schedule linear --out b.safetensors")
    assert refused.exit_code == 2 and "its schedule is another, linear-1000, not linear" in refused.stderr


def test_a_network_of_the_plane_begins_from_another(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = run("train circle --steps 1 --batch 4 --lr 1e-9 --start circle --out a.safetensors")
    assert result.exit_code == 0, result.stderr
    net, start = toylab.load("./a.safetensors"), toylab.load("circle")
    for key, value in start.state_dict().items():
        torch.testing.assert_close(net.state_dict()[key], value, rtol=1e-4, atol=1e-6)
    assert net.metadata["command"].endswith("--start circle")


# ---- the command line


@pytest.fixture
def digits(tiny):
    """The file of a network that knows the digits"""
    return saved(network(tuple("0123456789")), "digits.safetensors")


def test_sample_takes_a_class_and_guidance(digits):
    told = run_json(f"sample {digits} --class 7 --guidance 3 -n 3 --method DDIM --steps 4")
    assert (told["class"], told["guidance"], told["nfe"]) == ("7", 3.0, 8)
    assert told["files"][0].endswith("digits-7-DDIM.npz")
    net = toylab.load(digits)
    sampler = toylab.images.ImageSampler(toylab.guided(net.of(7), net, 3), "DDIM", 4)
    with np.load(told["files"][0]) as found:
        assert np.array_equal(found["images"], toylab.images.tiles.to_bytes(sampler.images(3).x).permute(0, 2, 3, 1))


def test_a_class_without_guidance_costs_one_evaluation_a_call(digits):
    assert run_json(f"sample {digits} --class 7 -n 2 --method DDIM --steps 4")["nfe"] == 4


def test_a_set_of_another_class_is_another_set(digits):
    words = f"samples {digits} -n 3 --method DDIM --steps 2 --guidance 2 --out set --class"
    assert run([*words.split(), "7"]).exit_code == 0
    assert_mistake(run([*words.split(), "8"]), "holds a set made with other settings")


@pytest.mark.parametrize(
    "words, says",
    [
        ("--class eleven", "unknown label 'eleven'"),
        ("--class 10", "label must be an integer from 0 to 9"),
        ("--guidance 3", "guidance needs a class, one of: 0, 1, 2"),
        ("--class 7 --guidance nan", "scale must be a finite number"),
    ],
)
def test_mistakes_with_classes_are_named(digits, words, says):
    assert_mistake(run(f"sample {digits} -n 1 {words}"), says)


@pytest.mark.parametrize("words", ["--class 7", "--guidance 3", "--class 7 --guidance 3"])
def test_networks_without_labels_refuse_classes_and_guidance(tiny, words):
    assert_mistake(run(f"sample {saved(network(None))} -n 1 {words}"), "needs a network that was trained with labels")
    assert_mistake(run(f"sample circle -n 1 {words}"), "needs a network that was trained with labels")
