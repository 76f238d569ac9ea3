"""Training on images: objectives against their definitions, resuming, the record of a run, and ``toylab train``."""

import csv
import json
import os
import shlex
import signal
import sys
from dataclasses import asdict, replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import typer
from commands import assert_mistake, run, run_json
from diffusers.models.upsampling import Upsample2D
from image_networks import TINY, make_training_tiny
from PIL import Image

import toylab
from toylab import schedules, training
from toylab.cli import app
from toylab.epsilon.unet import UNet
from toylab.images import Images, load
from toylab.training import RECIPES, TrainConfig, compiling, examples, train_images
from toylab.training import images as pictures
from toylab.training.planar import rows_of

STEPS = 44


@pytest.fixture
def tiny(monkeypatch, tmp_path):
    make_training_tiny(monkeypatch, tmp_path)


def train(out=None, **options):
    return train_images("digits", out=out, **{"steps": STEPS, "batch": 8, "progress": False} | options)


class AtStep(Images):
    """The digits, which call `action` when the batch of the `step`-th step (1, 2, ...) of this call is drawn."""

    def __init__(self, step, action):
        digits = load("digits")
        super().__init__(digits.name, digits.pixels, labels=digits.labels, classes=digits.classes, top=digits.top)
        self.left, self.action = step, action

    def labelled_batch(self, n, generator):
        self.left -= 1
        if self.left == 0:
            self.action()
        return super().labelled_batch(n, generator)


def ctrl_c():
    os.kill(os.getpid(), signal.SIGINT)


def killed():
    raise SystemExit


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def save_npz(path, shape=(8, 8, 1), n=20, seed=0):
    np.savez(path, images=np.random.default_rng(seed).integers(0, 256, (n, *shape), dtype=np.uint8))
    return f"npz:{path}"


# Objectives


def forward_process(schedule):
    """x0, eps and x_t [9, 5] at nine times, and a column of alpha_bar, in float64."""
    generator = torch.Generator().manual_seed(0)
    t = torch.linspace(schedule.t_min, 0.7, 9, dtype=torch.float64)
    x0, eps, guess = (torch.randn(9, 5, generator=generator, dtype=torch.float64) for _ in range(3))
    alpha_bar = schedule.alpha_bar(t)[:, None]
    return t, x0, eps, guess, alpha_bar, alpha_bar.sqrt() * x0 + (1 - alpha_bar).sqrt() * eps


@pytest.mark.parametrize("name", ["linear", "cosine", "linear-1000"])
def test_weighting_v_is_the_squared_error_of_v(name):
    """v = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0, with the x0 that belongs to a guess of eps."""
    schedule = schedules.get(name)
    t, x0, eps, guess, alpha_bar, x_t = forward_process(schedule)
    guessed_x0 = (x_t - (1 - alpha_bar).sqrt() * guess) / alpha_bar.sqrt()
    v, guessed_v = (
        alpha_bar.sqrt() * e - (1 - alpha_bar).sqrt() * x for e, x in ((eps, x0), (guess, guessed_x0))
    )  # fmt: skip
    weight = examples.weights(schedule, t, "v")[:, None]
    torch.testing.assert_close(weight * (guess - eps) ** 2, (guessed_v - v) ** 2, rtol=1e-9, atol=0)


@pytest.mark.parametrize("name", ["linear", "cosine", "linear-1000"])
def test_weighting_min_snr_is_the_squared_error_of_x0_times_the_snr_or_5(name):
    """The definition of Hang et al. (2023), in terms of x0: min(SNR, gamma) |x0 - guessed x0|^2."""
    schedule = schedules.get(name)
    t, x0, eps, guess, alpha_bar, x_t = forward_process(schedule)
    guessed_x0 = (x_t - (1 - alpha_bar).sqrt() * guess) / alpha_bar.sqrt()
    snr = alpha_bar / (1 - alpha_bar)
    assert (snr > 5).any() and (snr < 5).any()
    weight = examples.weights(schedule, t, "min-snr")[:, None]
    torch.testing.assert_close(
        weight * (guess - eps) ** 2, snr.clamp(max=5) * (guessed_x0 - x0) ** 2, rtol=1e-9, atol=0
    )


def test_network_that_predicts_v_is_trained_on_its_own_output_by_the_weighting_v():
    schedule, generator = schedules.get("cosine"), torch.Generator().manual_seed(0)
    net = UNet(schedule, prediction="v", **TINY).double()
    x0, eps = (torch.randn(6, 1, 8, 8, generator=generator, dtype=torch.float64) for _ in range(2))
    t = torch.linspace(0.05, 0.7, 6, dtype=torch.float64)
    a, s = (f(t)[:, None, None, None] for f in (lambda t: schedule.alpha_bar(t).sqrt(), schedule.noise_std))
    x_t = a * x0 + s * eps
    loss = training.loop._loss(net(x_t, t), eps, examples.weights(schedule, t, "v"))
    raw = net.model(x_t, net._timestep(t), return_dict=False)[0]
    torch.testing.assert_close(loss, (raw - (a * eps - s * x0)).square().mean(), rtol=1e-9, atol=0)


@pytest.mark.parametrize("sampling", ["uniform", "log-sigma"])
@pytest.mark.parametrize("name", ["linear-1000", "cosine-1000", "linear-50"])
def test_times_lie_on_the_entries_of_a_table(name, sampling):
    schedule, config = schedules.get(name), TrainConfig(batch=777, t_sampling=sampling)
    entries = len(schedule.betas)
    for step in range(5):
        _, t, _, _ = examples.draw(rows_of(torch.zeros(1, 2)), schedule, config, step)
        index = (t * entries).round()
        assert torch.equal(t, index / entries) and 1 <= index.min() and index.max() <= entries


def test_uniform_times_reach_every_entry_of_a_table_equally_often():
    schedule, config = schedules.get("linear-1000"), TrainConfig(batch=3000, t_sampling="uniform")
    _, t, _, _ = examples.draw(rows_of(torch.zeros(1, 2)), schedule, config, 0)
    assert torch.equal((t * 1000).round().long().bincount(minlength=1001)[1:], torch.full((1000,), 3))


# Recipes


def test_recipes_count_their_parameters():
    for name, recipe in RECIPES.items():
        about = recipe.about()
        assert about["name"] == name and json.loads(json.dumps(about)) == about
        assert TrainConfig(**{key: about[key] for key in asdict(recipe.config)}) == recipe.config
    assert RECIPES["cifar10"].about()["parameters"] == 35_746_307


@pytest.mark.parametrize("data", [None, "npz:/somewhere/faces.npz", "cifar10"])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"steps": 7, "batch": 9, "lr": 1.5e-5, "seed": 3},
        {"weighting": "min-snr", "accumulate": 4},
        {"lr": 0.00123456789},
        {"precision": "bfloat16"},
    ],
)
def test_the_command_in_a_networks_story_gives_its_settings(data, changes):
    plan = RECIPES["cifar10-16"]
    config = replace(plan.config, **changes)
    prediction = {"eps": "v", "v": "eps"}[plan.prediction]
    words = pictures.command(plan, schedules.get("cosine-1000"), prediction, config, data, full=True).split()
    given = typer.main.get_command(app).commands["train"].make_context("train", words[2:]).params
    told = {key: given[key] for key in asdict(config) if given.get(key) is not None}
    assert (given["name"], given["schedule"], given["prediction"]) == ("cifar10-16", "cosine-1000", prediction)
    assert replace(plan.config, **told) == config and given["data"] == data


@pytest.mark.parametrize(
    "change", [{"ema": 0.5}, {"warmup": 0.5}, {"data": load("digits")}], ids=["ema", "warmup", "images"]
)
def test_what_the_command_line_cannot_say_is_told_as_a_call(tiny, change):
    story = train(steps=1, **change).metadata["command"]
    assert story.startswith("train_images('digits', 'linear', prediction='v', config=TrainConfig(steps=1,")
    assert story.endswith(", data='digits')") == ("data" in change)


def test_a_stop_offers_no_command_line_that_would_be_refused(tiny):
    with pytest.raises(training.Interrupted, match=r"continue with resume=True$"):
        train("a.safetensors", data=AtStep(3, ctrl_c))


def test_metadata_leave_out_folders(tiny, tmp_path):
    net = train(data=save_npz(tmp_path / "faces.npz"), steps=1, note="drawn at random")
    told = json.dumps(net.metadata)
    assert "--data npz:faces.npz" in net.metadata["command"] and str(tmp_path) not in told
    assert net.dataset == "npz:faces.npz" and net.metadata["data"]["note"] == "drawn at random"


# Resuming


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"schedule": "cosine-1000", "weighting": "min-snr"}, {"prediction": "eps"}])
def test_stopped_and_resumed_unet_ends_bit_for_bit_like_an_uninterrupted_one(tiny, options):
    whole = train("whole.safetensors", **options)
    with pytest.raises(training.Interrupted, match=f"step 13 of {STEPS}"):
        train("a.safetensors", data=AtStep(13, ctrl_c), **options)
    with pytest.raises(training.TimeUp, match=rf"step 14 of {STEPS}.*toylab train digits .*--out a.*--resume"):
        train("a.safetensors", resume=True, max_minutes=1e-9, **options)
    resumed = train("a.safetensors", resume=True, **options)
    assert same(whole, resumed) and whole.metadata == resumed.metadata
    assert resumed.arguments["prediction"] == options.get("prediction", "v")


@pytest.mark.parametrize(
    ("precision", "layout"), [("float32", torch.channels_last), ("bfloat16", torch.contiguous_format)]
)
def test_network_is_trained_in_the_layout_that_is_fast_on_a_cpu(tiny, monkeypatch, precision, layout):
    seen, plain = [], pictures.fit
    monkeypatch.setattr(
        pictures, "fit", lambda network, *rest, **more: seen.append(network) or plain(network, *rest, **more)
    )
    train(steps=2, precision=precision)
    weights = [m.weight for m in seen[0].modules() if isinstance(m, torch.nn.Conv2d) and m.in_channels > 1]
    assert weights and all(weight.is_contiguous(memory_format=layout) for weight in weights)


def test_upsampling_for_compilation_has_the_values_and_gradients_of_diffusers():
    x, t = torch.randn(3, 1, 8, 8, dtype=torch.float64), 0.3
    found = []
    for change in (lambda net: None, compiling._double):
        torch.manual_seed(0)
        net = UNet("linear", **TINY).double()
        change(net)
        eps = net(x, t)
        eps.square().mean().backward()
        found.append((eps, list(net.state_dict()), torch.cat([p.grad.reshape(-1) for p in net.parameters()])))
    kinds = [type(module) for module in net.modules()]
    assert compiling.Doubled in kinds and Upsample2D not in kinds
    assert torch.equal(found[0][0], found[1][0]) and found[0][1] == found[1][1]
    torch.testing.assert_close(found[1][2], found[0][2], rtol=1e-12, atol=1e-14)


def rows(path="a.metrics.csv"):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.slow
def test_metrics_have_every_line_once_after_any_stops(tiny):
    with pytest.raises(training.Interrupted):
        train("a.safetensors", data=AtStep(13, ctrl_c))
    with pytest.raises(SystemExit):  # after lines for steps 20 and 30, and no state
        train("a.safetensors", data=AtStep(20, killed), resume=True, save_minutes=60)
    assert [row["step"] for row in rows()] == ["10", "13", "20", "30"]
    Path("a.metrics.csv").write_text(Path("a.metrics.csv").read_text() + "40,3")  # a line that was cut short
    train("a.safetensors", resume=True, save_minutes=60)
    stopped = {row["step"]: row["loss"] for row in rows()}
    assert [row["step"] for row in rows()] == ["10", "13", "20", "30", "40", "44"]
    assert [int(row["images"]) for row in rows()] == [80, 104, 160, 240, 320, 352]
    train("b.safetensors")
    whole = {row["step"]: row["loss"] for row in rows("b.metrics.csv")}
    assert {step: stopped[step] for step in ("10", "30", "40", "44")} == {
        step: whole[step] for step in ("10", "30", "40", "44")
    }


@pytest.mark.slow
def test_grids_of_samples_and_the_network_so_far_are_written_on_the_way(tiny):
    seen = []
    train("a.safetensors", sample_minutes=1e-9, data=AtStep(31, lambda: seen.append(toylab.load("./a.safetensors"))))
    names = sorted(path.name for path in Path("a.samples").iterdir())
    assert names == ["0000010.png", "0000020.png", "0000030.png", "0000040.png", "0000044.png"]
    for name in names:
        with Image.open(Path("a.samples", name)) as picture:
            assert picture.size == (17 * 8, 17 * 8)  # two rows of two, a pixel between them, eight times enlarged
    assert seen[0].metadata["steps_done"] == 30 and "steps_done" not in toylab.load("./a.safetensors").metadata


@pytest.mark.slow
def test_finished_run_leaves_its_record_and_no_resume_state(tiny):
    train("a.safetensors")
    assert sorted(os.listdir()) == ["a.metrics.csv", "a.safetensors", "a.samples"]


def test_file_has_half_precision_and_what_is_returned_is_what_loads(tiny):
    net = train("a.safetensors", steps=2)
    loaded = toylab.load("./a.safetensors")
    assert same(net, loaded) and loaded.metadata == net.metadata and loaded.metadata["works_in"] == "float32"
    plain = train(steps=2)
    assert all(torch.equal(value.half().float(), net.state_dict()[key]) for key, value in plain.state_dict().items())


@pytest.mark.slow
def test_tensorboard_gets_the_same_numbers_where_it_is_installed(tiny, monkeypatch):
    class Writer:
        def __init__(self, folder, purge_step):
            self.scalars, self.images, self.closed = [], [], False
            writers.append((Path(folder), purge_step, self))

        def add_scalar(self, name, value, step):
            self.scalars.append((name, value, step))

        def add_images(self, name, images, step):
            assert 0 <= images.min() and images.max() <= 1
            self.images.append((tuple(images.shape), step))

        def close(self):
            self.closed = True

    writers = []
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", SimpleNamespace(SummaryWriter=Writer))
    train("a.safetensors", steps=20)
    [(folder, first, writer)] = writers
    assert (folder, first, writer.closed) == (Path("a.tensorboard"), 10, True)
    assert writer.images == [((4, 1, 8, 8), 20)]
    told = {(name, step): value for name, value, step in writer.scalars}
    assert set(told) == {(name, step) for name in training.record.COLUMNS for step in (10, 20)}
    assert [f"{told['loss', int(row['step'])]:.6g}" for row in rows()] == [row["loss"] for row in rows()]


# Bad input, and what must survive it


@pytest.mark.slow
def test_full_disk_loses_nothing_and_names_the_file(tiny, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    with pytest.raises(training.Interrupted):
        train("a.safetensors", data=AtStep(33, ctrl_c), sample_minutes=1e-9)
    before = {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()}
    assert {"a.safetensors", "a.resume.pt", "a.metrics.csv"} < {path.name for path in before}
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        says = "cannot write a.metrics.csv: No space left on device; .*the state after step 33 is still there"
        with pytest.raises(OSError, match=says):
            train("a.safetensors", resume=True)
    assert {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()} == before
    assert same(train("a.safetensors", resume=True), train("b.safetensors"))


def no_space(when):
    """os.replace on a disk that is full for the files of which `when(path)` is true."""
    plain = os.replace

    def replace(source, target):
        if when(Path(target)):
            raise OSError(28, "No space left")
        plain(source, target)

    return replace


@pytest.mark.slow
@pytest.mark.parametrize("full", ["a.safetensors", "0000010.png"])
def test_full_disk_during_a_snapshot_names_the_file_and_the_state_that_is_saved(tiny, monkeypatch, full):
    with monkeypatch.context() as patched:
        patched.setattr(os, "replace", no_space(lambda path: path.name == full))
        with pytest.raises(OSError, match=rf"{full}: No space left; the state after step 10 is saved in a.resume.pt"):
            train("a.safetensors", sample_minutes=1e-9, save_minutes=60)
    assert not list(Path().rglob(".*"))
    assert same(train("a.safetensors", resume=True), train("b.safetensors"))


@pytest.mark.slow
def test_full_disk_while_a_line_of_numbers_is_added_loses_nothing(tiny, monkeypatch):
    class Full:
        def __init__(self, file):
            self.file = file

        def writerow(self, row):
            if row[0] == 20:
                raise OSError(28, "No space left")
            csv.writer(self.file).writerow(row)

    with monkeypatch.context() as patched:
        patched.setattr("toylab.training.record.csv", SimpleNamespace(writer=Full, reader=csv.reader))
        with pytest.raises(OSError, match="a.metrics.csv: No space left; the state after step 20 is saved in a.res"):
            train("a.safetensors", save_minutes=60)
    assert same(train("a.safetensors", resume=True), train("b.safetensors"))


def test_network_that_is_there_is_not_trained_over(tiny):
    train("a.safetensors", steps=2)
    before = {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()}
    with pytest.raises(FileExistsError, match="a.safetensors is there already: remove it, or choose another out"):
        train("a.safetensors")
    assert {path: path.read_bytes() for path in Path().rglob("*.*") if path.is_file()} == before


def test_run_in_short_slots_gets_its_grids(tiny):
    for place in (0, 1):
        with pytest.raises(training.Interrupted):
            train("a.safetensors", data=AtStep(13, ctrl_c), resume=place > 0)
        assert len(list(Path().rglob("*.png"))) == place


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_run_that_goes_on_in_another_layout_stays_the_same_up_to_rounding(tiny, monkeypatch, precision):
    """As on another kind of device; moments in the wrong order would make weights differ by the learning rate."""
    layouts = iter([torch.contiguous_format, torch.channels_last, torch.channels_last])
    monkeypatch.setattr(pictures, "memory_format", lambda *where: next(layouts))
    with pytest.raises(training.Interrupted):
        train("a.safetensors", data=AtStep(13, ctrl_c), precision=precision)
    seen = [train("a.safetensors", resume=True, precision=precision), train("b.safetensors", precision=precision)]
    a, b = (torch.cat([weight.reshape(-1) for weight in net.parameters()]) for net in seen)
    assert (a - b).norm() <= {"float32": 1e-3, "bfloat16": 5e-3}[precision] * b.norm()


@pytest.mark.parametrize(
    ("options", "error", "named"),
    [
        ({"data": "cifar10-16x"}, ValueError, "data must be .*unknown images"),
        ({"data": "npz:missing.npz"}, FileNotFoundError, "missing.npz"),
        ({"data": "folder:missing"}, FileNotFoundError, "missing"),
        ({"data": 3}, TypeError, "got 3"),
        ({"data": ""}, ValueError, "data must be .*unknown images ''"),
        ({"schedule": ""}, ValueError, "unknown schedule ''"),
        ({"prediction": ""}, ValueError, "unknown prediction ''"),
        ({"schedule": "liner"}, ValueError, "did you mean 'linear'"),
        ({"prediction": "x0"}, ValueError, "prediction 'x0'.*eps, v"),
        ({"precision": "fp16"}, ValueError, "precision 'fp16'.*float32, bfloat16"),
        ({"weighting": "snr"}, ValueError, "did you mean 'min-snr'"),
        ({"accumulate": 9}, ValueError, "accumulate must be at most batch, 8, got 9"),
        ({"speed": 3}, TypeError, "speed"),
        ({"max_minutes": -1}, ValueError, "max_minutes"),
        ({"sample_minutes": 0}, ValueError, "sample_minutes"),
        ({"save_minutes": -1}, ValueError, "save_minutes"),
        ({"resume": True}, ValueError, "resume=True needs out"),
        ({"out": "a.pt"}, ValueError, "safetensors"),
        ({"out": "file/a.safetensors"}, OSError, "file"),
        ({"out": "a.safetensors", "resume": True}, FileNotFoundError, "nothing to resume: there is no a.resume.pt"),
    ],
)
def test_bad_arguments_are_named_before_training(tiny, options, error, named):
    Path("file").touch()
    with pytest.raises(error, match=named):
        train(**options)
    assert os.listdir() == ["file"]


def test_unknown_configuration_is_named():
    with pytest.raises(ValueError, match="unknown configuration 'cifar-10'; did you mean 'cifar10'"):
        train_images("cifar-10")


def test_images_that_do_not_fit_the_network_are_named(tiny):
    colour = Images("mine", torch.zeros(4, 3, 8, 8, dtype=torch.uint8))
    with pytest.raises(ValueError, match=r"data must hold images of shape \(1, 8, 8\) for 'digits', got \(3, 8, 8\)"):
        train(data=colour)


def test_data_that_are_too_small_for_the_network_are_named(tiny):
    with pytest.raises(ValueError, match="data must be images for 'digits', at least 8x8.*4x4"):
        train(data=save_npz("images.npz", (4, 4, 1)))


def test_the_networks_channels_decide_those_of_files(tiny):
    Path("grey").mkdir()
    for i in range(5):
        Image.fromarray(np.full((8, 8), 40 * i, np.uint8)).save(f"grey/{i}.png")
    Path("grey/notes.txt").touch()
    about = train(data="folder:grey", steps=1).metadata["data"]
    assert about["shape"] == [1, 8, 8] and about["images"] == 5 and about["passed_over"] == 1
    assert train(data=save_npz("colour.npz", (8, 8, 3)), steps=1).metadata["data"]["shape"] == [1, 8, 8]


def test_larger_images_are_shrunk(tiny):
    assert train(data=save_npz("images.npz", (16, 16, 1)), steps=1).metadata["data"]["shape"] == [1, 8, 8]


def test_schedule_without_a_name_is_refused_before_training(tiny):
    class Own(schedules.Constant):
        name = "own"

    with pytest.raises(ValueError, match="schedule"):
        train("a.safetensors", schedule=Own())


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"schedule": "cosine"}, "another run: schedule = 'linear', not 'cosine'"),
        ({"schedule": "linear-1000"}, "another run: schedule = 'linear', not 'linear-1000'"),
        ({"prediction": "eps"}, "another run: arguments = .*'v'.*not .*'eps'"),
        ({"data": "npz:images.npz"}, "another run: .*data = .*dataset = 'digits', not 'npz:images.npz'"),
        ({"note": "other images"}, "another run: data = "),
        ({"steps": 45}, "other settings: steps = 44, not 45"),
        ({"weighting": "min-snr"}, "other settings: weighting = 'eps', not 'min-snr'"),
        ({"precision": "bfloat16"}, "other settings: precision"),
    ],
)
def test_resuming_another_run_is_refused_and_leaves_everything_as_it_was(tiny, options, named):
    save_npz("images.npz")
    with pytest.raises(training.Interrupted):
        train("a.safetensors", data=AtStep(13, ctrl_c))
    before = {path: path.read_bytes() for path in Path().iterdir() if path.is_file()}
    with pytest.raises(ValueError, match=named):
        train("a.safetensors", resume=True, **options)
    assert {path: path.read_bytes() for path in Path().iterdir() if path.is_file()} == before


def test_stopped_run_is_not_overwritten(tiny):
    with pytest.raises(training.Interrupted):
        train("a.safetensors", data=AtStep(13, ctrl_c))
    with pytest.raises(FileExistsError, match="a.resume.pt is that of a stopped run: continue it with .*--resume"):
        train("a.safetensors")


# The command line


def test_list_has_every_image_network_with_its_size_data_and_time():
    text, found = run("train --list").stdout, run_json("train --list")
    assert [row["name"] for row in found] == list(RECIPES)
    for row in found:
        line = next(line for line in text.splitlines() if line.startswith(f"{row['name']} "))
        told = (f"{row['parameters']:,}", row["data"], f"{row['steps']} x {row['batch']}", row["time"])
        assert all(part in line for part in told)


def test_list_says_which_networks_come_trained():
    found = {row["name"]: row["networks"] for row in run_json("train --list")}
    assert found["digits"] == ["digits", "digits-cosine"] and found["cifar10-16"] == [
        "cifar10-16",
        "cifar10-16-classes",
    ]
    assert found["digits-small"] == ["digits-classes"]
    assert run("train --list").stdout.count("digits, digits-cosine") == 1


def test_max_minutes_ends_well_and_its_line_goes_on(tiny):
    words = "train digits --steps 12 --batch 4 --weighting min-snr --max-minutes 1e-9 --note".split()
    result = run([*words, "two words"], "--out a.safetensors")
    assert result.exit_code == 0, result.stderr
    assert result.stdout.startswith("stopped after step 1 of 12: saved in a.resume.pt; continue with resume=True (`")
    again = result.stdout.split("`")[1].replace(" --max-minutes 1e-09", "")
    finished = run(shlex.split(again)[1:])
    assert finished.exit_code == 0 and finished.stdout.startswith("wrote a.safetensors: "), finished.stderr
    story = toylab.load("./a.safetensors").metadata
    assert story["data"]["note"] == "two words" and story["training"]["weighting"] == "min-snr"


def test_file_is_called_like_the_network_and_its_schedule(tiny):
    assert run("train digits --steps 1 --batch 2 --schedule cosine").exit_code == 0
    assert toylab.load("./digits-cosine.safetensors").schedule.name == "cosine"


def test_the_recipe_for_a_gpu_takes_its_first_steps_on_a_cpu(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("toylab.training.record.GRID", 1)
    monkeypatch.setattr("toylab.training.record.GRID_STEPS", 1)
    result = run("train cifar10-medium --steps 2 --batch 8 --accumulate 2 --data", [save_npz("a.npz", (32, 32, 3))])
    assert result.exit_code == 0, result.stderr
    story = toylab.load("./cifar10-medium.safetensors").metadata
    assert (story["training"]["precision"], story["parameters"]) == ("bfloat16", 8_952_067)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        *(
            (f"train circle --{option}", f"circle, a set of points in the plane, takes no {name}")
            for name, option in (
                ("data", "data digits"), ("prediction", "prediction v"), ("weighting", "weighting v"),
                ("precision", "precision bfloat16"), ("accumulate", "accumulate 2"), ("max_minutes", "max-minutes 3"),
                ("sample_minutes", "sample-minutes 3"), ("compile", "compile"), ("note", "note x"),
            )
        ),
        ("train cifar10-15", "did you mean 'cifar10-16'"),
        ("train digits --data npz:missing.npz", "missing.npz"),
        ("train digits --schedule linear-3", "unknown schedule 'linear-3'"),
        ("train digits --precision half", "unknown precision 'half'"),
        ("train digits --prediction x", "unknown prediction 'x'"),
        ("train digits --max-minutes 0", "max_minutes must be"),
        ("train digits --steps 0", "steps must be an integer of at least 1"),
        ("train digits --out missing/a.safetensors", "folder that exists"),
        ("train digits --resume", "nothing to resume"),
        ("train digits --json", "a single network takes no json"),
        ("train digits --list", "--list takes no name"),
        ("train --list --seed 0", "--list takes no seed"),
        ("train --all --compile", "--all takes no compile"),
    ],
)  # fmt: skip
def test_a_mistake_gives_code_2_and_one_line_that_names_it(tiny, words, says):
    assert_mistake(run(words), says)
    assert os.listdir() == []
