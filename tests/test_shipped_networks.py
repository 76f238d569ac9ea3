"""The networks that come with toylab: complete, small, as good as promised, and made as they say."""

from functools import cache
from pathlib import Path

import pytest
import torch

import toylab
from scripts import networks
from toylab import datasets, training
from toylab.analysis._eps_error import POINTS
from toylab.epsilon import checkpoints
from toylab.training import loop

DATA = Path(toylab.__file__).parents[1] / "data"
NAMES = [checkpoints.checkpoint_name(*pair) for pair in training.SHIPPED]


@pytest.fixture(autouse=True)
def of_the_repository(monkeypatch):
    monkeypatch.delenv("TOYLAB_DATA", raising=False)


@cache
def measured(name):
    return networks.quality(toylab.load(name))


@pytest.mark.slow
def test_every_data_set_has_a_linear_network_and_four_have_a_cosine_one():
    assert [name for name in checkpoints.names() if toylab.load(name).shape == (2,)] == sorted(NAMES)
    stories = [toylab.load(name) for name in NAMES]
    assert [net.dataset for net in stories if net.schedule.name == "linear"] == datasets.names()
    assert sum(net.schedule.name == "cosine" for net in stories) == 4


def test_planar_networks_are_under_8_megabytes_together():
    assert sum((DATA / f"checkpoints/{name}.safetensors").stat().st_size for name in NAMES) < 8e6


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_samples_lie_on_the_manifold(name):
    assert measured(name)["distance"] <= 0.05


@pytest.mark.parametrize("name", NAMES)
def test_samples_cover_the_manifold(name):
    assert measured(name)["coverage"] >= 0.97


@pytest.mark.parametrize("name", NAMES)
def test_epsilon_is_near_the_exact_one(name):
    assert measured(name)["eps_error"] <= 0.08


@pytest.mark.parametrize("name", NAMES)
def test_network_is_small_and_float32(name):
    net = toylab.load(name)
    assert sum(p.numel() for p in net.parameters()) < 100_000
    assert {p.dtype for p in net.parameters()} == {torch.float32}


@pytest.mark.parametrize("name", NAMES)
def test_recorded_command_is_that_of_the_recorded_settings(name):
    story = toylab.load(name).metadata
    config = training.TrainConfig(**story["training"])
    assert story["command"] == training.command(story["dataset"], story["schedule"], config)
    defaults = {key: value for key, value in vars(training.TrainConfig()).items()}
    told = {"steps", "batch", "lr", "seed"}
    assert {k: v for k, v in vars(config).items() if k not in told} == {
        k: v for k, v in defaults.items() if k not in told
    }


@pytest.mark.parametrize("name", NAMES)
def test_recorded_settings_give_the_recorded_losses(name, tmp_path, monkeypatch):
    """The start of the training, repeated: the first hundredth of the steps has the loss in the curve."""
    story, out = toylab.load(name).metadata, tmp_path / "net.safetensors"
    config, seen = training.TrainConfig(**story["training"]), []
    first, plain = config.steps // len(story["loss_curve"]), loop._loss

    def watched(*arguments):
        if len(seen) == first:
            raise StopIteration
        seen.append(plain(*arguments))
        return seen[-1]

    monkeypatch.setattr(loop, "_loss", watched)
    with pytest.raises(StopIteration):
        training.train_2d(story["dataset"], story["schedule"], config=config, out=out, progress=False)
    assert torch.stack(seen).mean().item() == pytest.approx(story["loss_curve"][0], abs=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_readme_has_the_measured_figures(name):
    text = (DATA / "README.md").read_text(encoding="utf-8")
    rows = [[cell.strip() for cell in line.split("|")] for line in text.splitlines() if line.startswith(f"| {name} |")]
    assert len(rows) == 1
    _, _, parameters, loss, distance, coverage, eps_error, command, _ = rows[0]
    story, now = toylab.load(name).metadata, measured(name)
    assert (int(parameters), command) == (story["parameters"], f"`{story['command']}`")
    assert float(loss) == pytest.approx(story["loss"], abs=1e-4)
    assert float(distance) == pytest.approx(now["distance"], abs=1e-3)
    assert float(coverage.rstrip("%")) / 100 == pytest.approx(now["coverage"], abs=3e-3)
    assert float(eps_error.rstrip("%")) / 100 == pytest.approx(now["eps_error"], abs=1e-3)


def test_exact_epsilon_is_measured_as_faultless(monkeypatch):
    monkeypatch.setattr(networks, "PARTICLES", 300)
    exact = toylab.exact_eps(datasets.get("circle").curve(POINTS), "cosine")
    exact.dataset = "circle"
    found = networks.quality(exact)
    assert found["eps_error"] < 1e-12 and found["coverage"] == 1 and found["distance"] < 0.02


def test_untrained_network_is_measured_as_bad():
    net = toylab.epsilon.MLP("linear").requires_grad_(False)
    net.dataset = "spiral"
    found = networks.quality(net)
    assert found["distance"] > 0.1 and found["eps_error"] > 0.1


def test_card_is_written_between_its_marks(tmp_path, monkeypatch):
    monkeypatch.setattr(networks, "table", lambda: "NEW")
    path = tmp_path / "card.md"
    path.write_text(f"before\n{networks.BEGIN}\nOLD\n{networks.END}\nafter\n")
    networks.write_card(path)
    assert path.read_text() == f"before\n{networks.BEGIN}\nNEW\n{networks.END}\nafter\n"
    path.write_text("no marks")
    with pytest.raises(ValueError, match="card.md"):
        networks.write_card(path)
