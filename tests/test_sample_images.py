"""Images out of a network: every method, any batch, the precisions, and what the command line makes of them."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from commands import PNG, assert_mistake, run, run_json, save_networks
from hypothesis import given
from hypothesis import strategies as st
from image_networks import Shrinking, save_small_unet, small_unet
from PIL import Image

import toylab
from toylab.cli import app
from toylab.images import sampler as image_samples
from toylab.images.sampler import ImageSampler, image_seeds
from toylab.images.tiles import tile, to_bytes
from toylab.samplers import Seeds, get
from toylab.samplers.noise import start_noise, step_noise

STOCHASTIC = {"DDPM": {}, "DDIM": {"eta": 0.5}, "EDM-Heun": {"s_churn": 4.0}}
SHAPE = Shrinking.shape
MIDDLE = {"t_start": 0.9, "t_end": 0.05}  # limits between which no method explodes in a few steps


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """A data folder with two small image networks and one of points, and an empty folder to work in."""
    data = tmp_path / "data"
    monkeypatch.setenv("TOYLAB_DATA", str(data))
    save_networks(data)
    for name, schedule in (("cifar10", "linear"), ("cifar10-cosine", "cosine")):
        save_small_unet(data, name, schedule)
    work = tmp_path / "work"
    work.mkdir()
    monkeypatch.chdir(work)
    return data / "checkpoints"


# a seed for each particle


@given(
    seeds=st.lists(st.integers(0, 2**128 - 1), min_size=1, max_size=6, unique=True),
    method=st.sampled_from(sorted(STOCHASTIC)),
)
def test_a_particle_with_a_seed_of_its_own_is_the_same_alone(seeds, method):
    def draw(seeds):
        return toylab.sample(Shrinking(), "linear", method, 4, shape=SHAPE, seed=Seeds(seeds), **STOCHASTIC[method]).x

    together = draw(seeds)
    for i, seed in enumerate(seeds):
        assert torch.equal(draw([seed])[0], together[i])


@given(pairs=st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2**32 - 1)), min_size=2, max_size=5))
def test_the_seeds_of_images_differ_whenever_seed_or_number_does(pairs):
    found = {pair: image_seeds(pair[0], [pair[1]]).seeds[0] for pair in pairs}
    assert len(set(found.values())) == len(set(pairs))


def test_the_noise_of_neighbouring_images_and_of_start_and_steps_is_independent():
    seeds, n, size = image_seeds(0, range(1000)), 1000, 50
    noise = step_noise(n, seeds)
    steps = [noise(torch.zeros(n, size, dtype=torch.float64)) for _ in range(2)]
    x = torch.cat([start_noise(n, (size,), seeds, torch.float64), *steps])
    assert abs(x.mean()) < 5 / x.numel() ** 0.5 and abs(x.var() - 1) < 5 * (2 / x.numel()) ** 0.5
    correlation = (x @ x.T / size).fill_diagonal_(0)
    assert abs(correlation.mean()) < 5 / len(x) / size**0.5  # of 4.5 million pairs
    assert abs(correlation.var() * size - 1) < 0.01 and correlation.abs().max() < 7 / size**0.5


@pytest.mark.parametrize(
    ("seeds", "error", "says"),
    [
        ([], ValueError, "at least one integer"),
        ([0, -1], ValueError, "seeds must be an integer of at least 0, got -1"),
        ([2**128], ValueError, r"below 2\*\*128"),
        ([0.5], TypeError, "seeds must be an integer"),
    ],
)
def test_seeds_that_are_none_are_refused(seeds, error, says):
    with pytest.raises(error, match=says):
        Seeds(seeds)


def test_as_many_seeds_as_particles_are_asked_for():
    with pytest.raises(ValueError, match="seed must be Seeds of 3 particles, got those of 2"):
        toylab.sample(Shrinking(), "linear", "DDIM", 2, x_T=torch.zeros(3, 1, 4, 4), seed=Seeds([0, 1]))


# batches


@pytest.mark.parametrize("run", [toylab.sample, lambda *given, **more: list(toylab.iterate(*given, **more))])
def test_an_image_network_needs_no_shape(run):
    run(Shrinking(), "linear", "DDIM", 2, n=3)
    with pytest.raises(ValueError, match=r"shape must have particles of shape \(1, 4, 4\) for this eps, got \(2,\)"):
        run(Shrinking(), "linear", "DDIM", 2, n=3, shape=tuple([2]))


def test_orders_are_measured_on_images_as_on_points():
    network = Shrinking().double()
    orders = {m: toylab.measure_order(network, "linear", m, (80, 160), n=4).order for m in ("DDIM", "S-PNDM")}
    assert orders == {"DDIM": pytest.approx(1, abs=0.1), "S-PNDM": pytest.approx(2, abs=0.2)}


@pytest.mark.parametrize("method", toylab.methods())
def test_every_method_draws_the_images_that_toylab_sample_does(method):
    network, adaptive = small_unet().double(), not get(method).fixed_grid
    options = MIDDLE | ({"rtol": 0.01, "atol": 0.01} if adaptive else {})
    mine = ImageSampler(network, method, 5, precision="float64", **options)
    mine = mine.images(5, seed=2, batch=None if adaptive else 3)
    seeds = image_seeds(2, range(5))
    theirs = toylab.sample(network, network.schedule, method, 5, seed=seeds, shape=network.shape, **options)
    torch.testing.assert_close(mine.x, theirs.x, rtol=1e-9, atol=1e-9)
    assert (mine.method, mine.times.tolist()) == (theirs.method, theirs.times.tolist())
    assert mine.nfe_per_step == theirs.nfe_per_step


@pytest.mark.parametrize("method", sorted(STOCHASTIC))
@pytest.mark.parametrize("batch", [1, 2, 7, 64])
def test_an_image_is_the_same_bit_for_bit_in_any_batch_where_the_network_is(method, batch):
    sampler = ImageSampler(Shrinking(), method, 4, **STOCHASTIC[method])
    assert torch.equal(sampler.images(16, batch=batch).x, sampler.images(16, batch=16).x)


@pytest.mark.parametrize("batch", [1, 5, 9])
def test_the_images_of_a_unet_in_another_batch_differ_by_rounding_only(batch):
    sampler = ImageSampler(small_unet(), "F-PNDM", 6, **MIDDLE)
    one, other = sampler.images(10, batch=batch).x, sampler.images(10, batch=10).x
    assert (one - other).abs().max() < 1e-4 * other.abs().max()


def test_states_are_recorded_for_all_batches():
    run = ImageSampler(small_unet(), "DDIM", 3).images(5, batch=2, record=True)
    assert run.states.shape == (4, 5, 3, 8, 8)
    assert torch.equal(run.states[-1], run.x)
    expected = start_noise(5, (3, 8, 8), image_seeds(0, range(5)))
    assert torch.equal(run.states[0], expected)


def test_images_can_be_changed_and_differentiated_afterwards():
    x = ImageSampler(small_unet(), "DDIM", 2).images(2).x
    x += 1
    x.requires_grad_().square().sum().backward()
    assert torch.equal(x.grad, 2 * x)


@pytest.mark.parametrize("precision", sorted(image_samples.PRECISIONS))
def test_the_network_that_is_given_stays_as_it_is(precision):
    network = small_unet().train()
    before = {key: (value.dtype, value.stride(), value.clone()) for key, value in network.state_dict().items()}
    ImageSampler(network, "DDIM", 2, precision=precision).images(2)
    assert network.training
    for key, value in network.state_dict().items():
        assert (value.dtype, value.stride()) == before[key][:2] and torch.equal(value, before[key][2])


def test_bfloat16_is_for_the_networks_arithmetic_alone():
    full, coarse = (ImageSampler(small_unet(), "DDIM", 5, precision=p).images(8).x for p in ("float32", "bfloat16"))
    assert coarse.dtype == torch.float32
    assert 1e-5 < (coarse - full).square().mean().sqrt() / full.square().mean().sqrt() < 0.05


def test_the_bar_of_images_goes_on_with_every_call_and_ends_at_their_number(monkeypatch):
    seen = []

    class Watched(image_samples.ImageBar):
        def called(self, images, t):
            super().called(images, t)
            seen.append(self.n)

    monkeypatch.setattr(image_samples, "ImageBar", Watched)
    ImageSampler(Shrinking(), "F-PNDM", 5).images(10, batch=4)
    assert len(seen) == 3 * 14
    np.testing.assert_allclose(np.diff([0, *seen]), [4 / 14] * 28 + [2 / 14] * 14)
    assert seen[-1] == 10


def test_the_bar_of_an_adaptive_method_goes_on_as_t_does(monkeypatch):
    seen = []

    class Watched(image_samples.ImageBar):
        def called(self, images, t):
            super().called(images, t)
            seen.append((self.n, t))

    monkeypatch.setattr(image_samples, "ImageBar", Watched)
    run = ImageSampler(Shrinking(), "PF", t_start=0.9, t_end=0.1).images(10)
    assert len(seen) == run.nfe
    counts = [count for count, _ in seen]
    assert counts == sorted(counts) and counts[0] == 0 and counts[-1] == pytest.approx(10)
    for count, t in seen:
        assert count >= 10 * (0.9 - t) / 0.8 - 1e-9


def test_too_large_a_batch_is_an_error_that_says_what_to_change(monkeypatch):
    def full(self, x, t):
        raise torch.OutOfMemoryError("out of memory")

    monkeypatch.setattr(Shrinking, "forward", full)
    with pytest.raises(MemoryError, match="no memory for 5 images at once: make batch smaller"):
        ImageSampler(Shrinking(), "DDIM", 2).images(5)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"network": toylab.exact_eps(torch.zeros(1, 2), "linear")}, ValueError, r"network must be one for images"),
        ({"network": torch.nn.Linear(2, 2)}, ValueError, "network must be one for images .* got Linear"),
        ({"precision": "float16"}, ValueError, "unknown precision 'float16'; did you mean 'bfloat16'"),
        ({"precision": None}, TypeError, "precision must be a name"),
        ({"method": "DDIN"}, ValueError, "did you mean 'DDIM'"),
        ({"steps": 0}, ValueError, "steps must be an integer of at least 1"),
        ({"eta": 2.0}, ValueError, "eta must be a finite number in"),
        ({"t_start": 2.0}, ValueError, "t_start must be"),
        ({"times": [0.1, 0.5]}, ValueError, "nodes must decrease"),
        ({"midpoint": "x"}, ValueError, "unknown midpoint"),
    ],
)
def test_a_sampler_refuses_what_makes_none(arguments, error, says):
    with pytest.raises(error, match=says):
        ImageSampler(**{"network": Shrinking(), "method": "DDIM", "steps": 2} | arguments)


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"n": 0}, ValueError, "n must be an integer of at least 1"),
        ({"batch": 0}, ValueError, "batch must be an integer of at least 1"),
        ({"batch": 2.0}, TypeError, "batch must be an integer"),
        ({"seed": -1}, ValueError, "seed must be an integer of at least 0"),
        ({"seed": 2**63}, ValueError, r"below 2\*\*63"),
        ({"seed": None}, TypeError, "seed must be an integer"),
    ],
)
def test_drawing_refuses_bad_numbers(arguments, error, says):
    with pytest.raises(error, match=says):
        ImageSampler(Shrinking(), "DDIM", 2).images(**{"n": 3} | arguments)


def test_an_adaptive_method_takes_all_images_as_one_batch():
    sampler = ImageSampler(Shrinking(), "PF", 2)
    assert sampler.images(70).x.shape == (70, 1, 4, 4)
    with pytest.raises(ValueError, match="batch must be all 70 images with PF"):
        sampler.images(70, batch=64)


# the command line


def test_sample_writes_a_grid_and_the_images_that_python_draws(networks):
    result = run("sample cifar10 --method F-PNDM --steps 6 -n 10 --seed 3 --t-end 0.05 --out grid.png")
    assert result.exit_code == 0, result.stderr
    expected = ImageSampler(toylab.load("cifar10"), "F-PNDM", 6, t_end=0.05).images(10, seed=3)
    with np.load("grid.npz") as data:
        assert sorted(data) == ["images", "metadata", "nfe", "nfe_per_step", "times"]
        np.testing.assert_array_equal(data["images"], to_bytes(expected.x).permute(0, 2, 3, 1).numpy())
        np.testing.assert_array_equal(data["times"], expected.times.numpy())
        assert (data["nfe"], list(data["nfe_per_step"])) == (15, [4, 4, 4, 1, 1, 1])
        about = json.loads(str(data["metadata"]))
    assert (about["dataset"], about["method"], about["steps"], about["n"]) == ("noise", "F-PNDM", 6, 10)
    picture = np.array(Image.open("grid.png"))
    np.testing.assert_array_equal(picture[::8, ::8], tile(expected.x))
    assert sorted(path.name for path in Path().iterdir()) == ["grid.npz", "grid.png"]


def test_sample_records_the_states_of_images_when_asked(networks):
    assert run("sample cifar10 --method DDIM --steps 3 -n 2 --record").exit_code == 0
    with np.load("cifar10-DDIM.npz") as data:
        assert data["states"].shape == (4, 2, 3, 8, 8)
        last = to_bytes(torch.from_numpy(data["states"][-1]))
        np.testing.assert_array_equal(last.permute(0, 2, 3, 1), data["images"])


def test_the_images_of_sample_load_as_data(networks):
    assert run("sample cifar10 --method DDIM --steps 2 -n 5").exit_code == 0
    with np.load("cifar10-DDIM.npz") as data:
        np.testing.assert_array_equal(
            toylab.images.load("npz:cifar10-DDIM.npz").pixels.permute(0, 2, 3, 1), data["images"]
        )


@pytest.mark.parametrize("option", ["-n", "--particles", "--images"])
def test_the_number_has_one_option_for_images_and_points(networks, option):
    assert run_json(f"sample cifar10 --method DDIM --steps 2 {option} 3")["n"] == 3
    assert run_json(f"sample circle --method DDIM --steps 2 {option} 3")["particles"] == 3


def test_sample_makes_64_images_and_512_particles_by_default(networks):
    assert run_json("sample cifar10 --method DDIM --steps 1")["n"] == 64
    assert run_json("sample circle --method DDIM --steps 1")["particles"] == 512


@pytest.mark.parametrize("out", ["a.png", "a.npz", "a"])
def test_either_file_names_both(networks, out):
    for name in ("cifar10", "circle"):
        assert run_json(f"sample {name} --method DDIM --steps 2 -n 2 --out", [out])["files"] == ["a.npz", "a.png"]
        assert Path("a.png").read_bytes().startswith(PNG)


def test_sample_finds_the_image_network_of_a_schedule_and_of_a_path(networks):
    assert run_json("sample cifar10 --schedule cosine --steps 2 -n 2")["epsilon"] == "network cifar10-cosine"
    path = str(networks / "cifar10-cosine.safetensors")
    assert run_json("sample", [path], "--steps 2 -n 2 --out x.npz")["schedule"] == "cosine"


def test_sample_takes_options_nodes_and_precision_for_images(networks):
    words = "--method DDIM --eta 0.5 -o variance=large --times 0.9,0.5,0.1 --precision bfloat16"
    about = run_json("sample cifar10 -n 2", words)
    assert (about["eta"], about["options"], about["steps"]) == (0.5, {"variance": "large"}, 2)
    assert (about["times"], about["precision"]) == ([0.9, 0.5, 0.1], "bfloat16")


@pytest.mark.parametrize("option", ["--batch 4", "--precision float32", "--record"])
def test_options_for_images_are_refused_with_points(networks, option):
    assert_mistake(run("sample circle --steps 2", option), "is for image networks", option.split()[0].strip("-"))


@pytest.mark.parametrize("command", ["compare", "work", "order --eps network", "decompose", "grid", "off"])
def test_commands_for_points_refuse_an_image_network_in_one_line(networks, command):
    says = "name must be a data set or a network of points in the plane, got 'cifar10', which makes images of 3x8x8"
    assert_mistake(run(command, "cifar10"), says)
    assert list(Path().iterdir()) == []


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sample cifar11", "did you mean 'cifar10'"),
        ("sample cifar10 --eps exact", "unknown data set 'cifar10'"),
        ("sample cifar10 --schedule quad", "schedule must be that of the network, 'linear', got 'quad'"),
        ("sample cifar10 -n 0", "n must be an integer of at least 1"),
        ("sample cifar10 --batch 0", "batch must be an integer of at least 1"),
        ("sample cifar10 --precision half", "unknown precision 'half'"),
        ("sample cifar10 --method PF --batch 3", "batch must be all 64 images with PF"),
        ("sample cifar10 --out a.jpg", "out must end in .npz or .png"),
        ("samples circle", "network must be one for images"),
        ("samples cifar10 --method PF", "method must step on the given grid"),
        ("samples cifar10 -n 0", "n must be an integer of at least 1"),
        ("samples cifar10 --shard 0", "shard must be an integer of at least 1"),
        ("samples cifar10 --seed -1", "seed must be an integer of at least 0"),
        ("samples cifar10 --times 1,x", "times must be numbers separated by commas"),
    ],
)
def test_a_mistake_gives_code_2_one_line_and_no_files(networks, words, says):
    assert_mistake(run(words), says)
    assert list(Path().iterdir()) == []


def test_the_examples_in_the_help_of_samples_are_accepted():
    text = run("samples --help").stdout
    examples = re.findall(r"^ +toylab samples (.*)$", text.split("Examples:")[1], re.MULTILINE)
    assert examples
    for example in examples:
        typer.main.get_command(app).commands["samples"].make_context("samples", example.split())
