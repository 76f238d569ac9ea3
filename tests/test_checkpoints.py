"""Checkpoints: what is saved comes back, and nothing else is ever accepted, least of all a pickle."""

import json
import os
import pickle
import shutil
import struct
import tempfile

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

import toylab
from toylab.epsilon import checkpoints
from toylab.epsilon.configurations import unet_config
from toylab.epsilon.mlp import MLP


def small(schedule="linear", seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = MLP(schedule, hidden=8, layers=2, fourier=2, time_features=1)
        torch.nn.init.normal_(net.last.weight)
    net.dataset = "spiral"
    net.metadata = {"command": "toylab train spiral", "loss_curve": [1.0, 0.5]}
    return net


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.safetensors"
    checkpoints.save(small(), path)
    return path


@pytest.fixture
def data(tmp_path, monkeypatch):
    """A data folder of one's own with two networks."""
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path / "data"))
    for name in ("spiral", "moons-cosine"):
        checkpoints.save(small(), tmp_path / f"data/checkpoints/{name}.safetensors")
    return tmp_path / "data"


def header_of(path):
    """(header as a dict, bytes of the tensors) of a safetensors file, read without the library."""
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    return json.loads(raw[8 : 8 + size]), raw[8 + size :]


def write_header(path, header, tensors):
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + tensors)


def with_metadata(path, change):
    """Replace the metadata, parsed from JSON, by what `change` makes of them."""
    header, tensors = header_of(path)
    header["__metadata__"]["toylab"] = json.dumps(change(json.loads(header["__metadata__"]["toylab"])))
    write_header(path, header, tensors)


def with_story(path, story):
    """Replace the story in a file, with a digest that fits."""
    sha256 = checkpoints.digest(story, small().state_dict())
    with_metadata(path, lambda about: about | {"story": story, "sha256": sha256})


def with_changes(path, **changes):
    """Change entries of the story in a file, with a digest that fits; None removes one."""
    story = checkpoints.story(small()) | changes
    with_story(path, {key: value for key, value in story.items() if value is not None})


# What comes back


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_weights_come_back_bit_for_bit_in_their_type(tmp_path, dtype):
    net = small().to(dtype)
    checkpoints.save(net, tmp_path / "net.safetensors")
    again = checkpoints.load(tmp_path / "net.safetensors").state_dict()
    assert again.keys() == net.state_dict().keys()
    for key, value in net.state_dict().items():
        assert again[key].dtype == dtype and torch.equal(again[key], value)


def test_network_answers_as_before(saved):
    x = torch.randn(5, 2, dtype=torch.float64)
    assert torch.equal(checkpoints.load(saved)(x, 0.3), small()(x, 0.3))


@pytest.mark.parametrize("default", [torch.bfloat16, torch.float16, torch.float64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torchs_default_dtype_changes_nothing(tmp_path, dtype, default):
    net, x = small().to(dtype), torch.randn(5, 2, dtype=torch.float64)
    checkpoints.save(net, tmp_path / "net.safetensors")
    torch.set_default_dtype(default)
    try:
        again = checkpoints.load(tmp_path / "net.safetensors")
    finally:
        torch.set_default_dtype(torch.float32)
    assert torch.equal(again(x, 0.3), net(x, 0.3))


def test_what_was_loaded_in_inference_mode_can_be_trained(saved):
    with torch.inference_mode():
        net = checkpoints.load(saved)
    assert not any(weight.is_inference() for weight in net.parameters())


def test_metadata_are_strict_json(tmp_path):
    net = small()
    net.metadata = {"value": np.float32("inf"), "list": (np.int64(3), float("nan"))}
    checkpoints.save(net, tmp_path / "net.safetensors")
    text = header_of(tmp_path / "net.safetensors")[0]["__metadata__"]["toylab"]

    def refuse(constant):
        raise AssertionError(constant)

    json.loads(text, parse_constant=refuse)
    about = checkpoints.load(tmp_path / "net.safetensors").metadata
    assert about["value"] is None and about["list"] == [3, None]


@pytest.mark.parametrize("name", ["runs/mine", "./runs/mine", "runs/v1.5", "mine"])
def test_the_suffix_may_be_left_out(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    checkpoints.save(small(), f"{name}.safetensors")
    assert torch.equal(checkpoints.load(name).last.weight, small().last.weight)


def test_a_path_below_home_is_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    checkpoints.save(small(), "~/runs/mine.safetensors")
    assert (tmp_path / "runs/mine.safetensors").is_file()
    for name in ("~/runs/mine.safetensors", "~/runs/mine"):
        assert torch.equal(checkpoints.load(name).last.weight, small().last.weight)


def test_network_comes_ready_to_be_sampled_from(saved):
    net = checkpoints.load(saved)
    assert not net.training and not any(p.requires_grad for p in net.parameters())


def test_schedule_data_set_and_story_come_back(tmp_path):
    checkpoints.save(small("cosine"), tmp_path / "net.safetensors")
    net = checkpoints.load(tmp_path / "net.safetensors")
    assert (net.schedule.name, net.dataset) == ("cosine", "spiral")
    assert net.metadata == checkpoints.story(small("cosine"))
    assert net.metadata["command"] == "toylab train spiral" and net.metadata["loss_curve"] == [1.0, 0.5]
    assert net.metadata["parameters"] == sum(p.numel() for p in net.parameters())


def test_loading_and_saving_gives_the_same_file(saved, tmp_path):
    checkpoints.save(checkpoints.load(saved), tmp_path / "again.safetensors")
    assert (tmp_path / "again.safetensors").read_bytes() == saved.read_bytes()


def test_top_level_save_and_load_are_these():
    assert toylab.load is checkpoints.load and toylab.save is checkpoints.save


# Names


def test_names_are_found_in_the_data_folder_whatever_their_case(data):
    assert checkpoints.names() == ["moons-cosine", "spiral"]
    assert checkpoints.load("Spiral").dataset == "spiral"


def test_unknown_name_gets_suggestion_list_and_command(data):
    with pytest.raises(FileNotFoundError) as error:
        checkpoints.load("spirl")
    for part in ("'spirl'", "did you mean 'spiral'?", "moons-cosine, spiral", "toylab train"):
        assert part in str(error.value)


def test_name_with_an_empty_data_folder_says_there_are_none(tmp_path, monkeypatch):
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match="there are none"):
        checkpoints.load("spiral")


def test_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="gone.safetensors"):
        checkpoints.load(tmp_path / "gone.safetensors")


@pytest.mark.parametrize("value", [None, 3, small()])
def test_neither_name_nor_path_is_a_type_error(value):
    with pytest.raises(TypeError, match="name_or_path"):
        checkpoints.load(value)


def test_folder_is_not_a_checkpoint(tmp_path):
    (tmp_path / "x.safetensors").mkdir()
    with pytest.raises(ValueError, match="not a file"):
        checkpoints.load(tmp_path / "x.safetensors")


# Pickles


class Bomb:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.mkdir, (self.marker,)


@pytest.mark.parametrize("name", ["net.safetensors", "net.pt", "net.pth", "net.pkl", "net.ckpt", "net.bin"])
@pytest.mark.parametrize("how", ["pickle", "torch"])
def test_pickles_are_refused_and_never_run(tmp_path, name, how):
    marker, path = tmp_path / "ran", tmp_path / name
    bomb = Bomb(str(marker))
    path.write_bytes(pickle.dumps(bomb)) if how == "pickle" else torch.save(bomb, path)
    with pytest.raises(ValueError, match=name):
        checkpoints.load(path)
    assert not marker.exists()


def test_the_bomb_of_these_tests_is_live(tmp_path):
    pickle.loads(pickle.dumps(Bomb(str(tmp_path / "ran"))))
    assert (tmp_path / "ran").exists()


# Damage and foreign files


def refused(path, match):
    with pytest.raises(ValueError, match=match) as error:
        checkpoints.load(path)
    assert str(path) in str(error.value)


@pytest.mark.parametrize("share", [0, 0.001, 0.1, 0.5, 0.99])
def test_truncated_file_is_refused(saved, share):
    raw = saved.read_bytes()
    saved.write_bytes(raw[: int(share * len(raw))])
    refused(saved, "not a complete safetensors file")


def test_file_with_something_appended_is_refused(saved):
    saved.write_bytes(saved.read_bytes() + b"\0" * 16)
    refused(saved, "not a complete safetensors file")


def test_foreign_tensors_are_refused(tmp_path):
    save_file({"weight": torch.zeros(3)}, tmp_path / "net.safetensors")
    refused(tmp_path / "net.safetensors", "not a toylab checkpoint")


def test_one_changed_weight_is_refused(saved):
    raw = bytearray(saved.read_bytes())
    raw[-10] ^= 1
    saved.write_bytes(raw)
    refused(saved, "damaged.*sha256")


def test_one_changed_figure_in_the_story_is_refused(saved):
    saved.write_bytes(saved.read_bytes().replace(b"0.5]", b"0.4]"))
    refused(saved, "damaged.*sha256")


def test_missing_digest_is_refused(saved):
    with_metadata(saved, lambda about: {key: about[key] for key in ("format", "story")})
    refused(saved, "sha256")


@pytest.mark.parametrize("tag", ["toylab-checkpoint-0", "", None, ["toylab-checkpoint-1"]])
def test_other_format_tags_are_refused(saved, tag):
    with_metadata(saved, lambda about: about | {"format": tag})
    refused(saved, "format")


@pytest.mark.parametrize(
    "changes",
    [
        {"architecture": "UNetOfMine"},
        {"architecture": None},
        {"architecture": ["MLP"]},
        {"arguments": None},
        {"arguments": {"hidden": 8, "depth": 2}},
        {"arguments": {"hidden": 10**9}},
        {"arguments": {"hidden": "8"}},
        {"arguments": 5},
        {"schedule": "liner"},
        {"schedule": None},
        {"schedule": 3},
        {"dataset": ["spiral"]},
        {"architecture": "UNet", "arguments": unet_config("digits") | {"layers_per_block": 100_000}},
        {"architecture": "UNet", "arguments": unet_config("digits") | {"sample_size": -8}},
        {"architecture": "UNet", "arguments": unet_config("digits") | {"act_fn": 5}},
        {"schedule": {"betas": [10**400]}},
        {"schedule": {"betas": [[0.1], 0.1]}},
    ],
    ids=str,
)
def test_story_that_describes_no_network_is_refused(saved, changes):
    with_changes(saved, **changes)
    refused(saved, "metadata that describe no network")


@pytest.mark.parametrize("story", [None, [], "MLP", 3, {}], ids=str)
def test_story_that_is_no_story_is_refused(saved, story):
    with_story(saved, story)
    refused(saved, "metadata that describe no network")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "[" * 100_000, '"MLP"', "{}"], ids=lambda text: text[:5])
def test_metadata_that_are_no_json_object_are_refused(saved, text):
    header, tensors = header_of(saved)
    header["__metadata__"]["toylab"] = text
    write_header(saved, header, tensors)
    refused(saved, "metadata that describe no network")


def test_arguments_that_do_not_fit_the_weights_are_refused(saved):
    with_changes(saved, arguments={**small().arguments, "hidden": 9})
    refused(saved, "shape.*needs")


def test_missing_and_unexpected_tensors_are_named(saved):
    with_changes(saved, arguments={**small().arguments, "layers": 3})
    refused(saved, "blocks.1.weight")
    with_changes(saved, arguments={**small().arguments, "layers": 1})
    refused(saved, "blocks.0.weight")


def rewritten(path, change):
    """The file again with `change` applied to each tensor and a digest that fits."""
    weights = {key: change(key, value) for key, value in small().state_dict().items()}
    about = checkpoints.story(small())
    header = {"format": checkpoints.FORMAT, "sha256": checkpoints.digest(about, weights), "story": about}
    save_file(weights, path, {"toylab": json.dumps(header)})


def test_integers_are_no_weights(saved):
    rewritten(saved, lambda key, value: value.long())
    refused(saved, "I64")


def test_mixed_types_are_refused(saved):
    rewritten(saved, lambda key, value: value.double() if key == "last.bias" else value)
    refused(saved, "one type")


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_weights_that_are_not_finite_are_refused(saved, value):
    rewritten(saved, lambda key, tensor: torch.full_like(tensor, value) if key == "last.bias" else tensor)
    refused(saved, "not finite.*last.bias")


@pytest.fixture(scope="module")
def pristine(tmp_path_factory):
    path = tmp_path_factory.mktemp("fuzz") / "net.safetensors"
    checkpoints.save(small(), path)
    return path, path.read_bytes()


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_bytes_are_refused_or_change_nothing(pristine, data):
    """Some bytes of a safetensors file mean nothing, such as the kind of blank that pads its header."""
    path, raw = pristine
    header_size = 8 + struct.unpack("<Q", raw[:8])[0]
    places = st.one_of(st.integers(0, 7), st.integers(0, header_size - 1), st.integers(0, len(raw) - 1))
    changed = bytearray(raw)
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), min_size=1, max_size=3)):
        changed[place] = value
    path.write_bytes(changed)
    try:
        net = checkpoints.load(path)
    except ValueError as error:
        assert str(path) in str(error)
    else:
        assert net.metadata == checkpoints.story(small())
        assert all(torch.equal(net.state_dict()[key], value) for key, value in small().state_dict().items())


@given(st.binary(max_size=400))
def test_arbitrary_bytes_are_refused(pristine, raw):
    path = pristine[0].with_name("arbitrary.safetensors")
    path.write_bytes(raw)
    with pytest.raises(ValueError, match="arbitrary.safetensors"):
        checkpoints.load(path)


# Writing


@pytest.mark.parametrize("name", ["net", "net.pt", "net.safetensors.bak"])
def test_only_safetensors_are_written(tmp_path, name):
    with pytest.raises(ValueError, match=r"must end in \.safetensors"):
        checkpoints.save(small(), tmp_path / name)
    assert not list(tmp_path.iterdir())


def test_weights_that_are_not_finite_are_not_written(saved):
    before, net = saved.read_bytes(), small()
    torch.nn.init.constant_(net.last.bias, float("nan"))
    with pytest.raises(ValueError, match="last.bias"):
        checkpoints.save(net, saved)
    assert saved.read_bytes() == before


class Own(toylab.schedules.Schedule):
    name = "own"

    def log_alpha_bar(self, t):
        return -5.0 * t


def test_schedule_that_a_file_cannot_name_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="schedule"):
        checkpoints.save(small(Own()), tmp_path / "net.safetensors")


@pytest.mark.parametrize("schedule", ["linear-1000", "cosine-50"])
def test_table_with_a_name_comes_back_by_its_name(tmp_path, schedule):
    checkpoints.save(small(toylab.schedules.get(schedule)), tmp_path / "net.safetensors")
    net = checkpoints.load(tmp_path / "net.safetensors")
    assert net.metadata["schedule"] == schedule
    assert torch.equal(net.schedule.betas, toylab.schedules.get(schedule).betas)


@given(betas=st.lists(st.floats(1e-6, 0.99), min_size=1, max_size=30))
def test_table_comes_back_bit_for_bit(betas):
    with tempfile.TemporaryDirectory() as folder:
        checkpoints.save(small(toylab.schedules.from_betas(betas)), f"{folder}/net.safetensors")
        assert checkpoints.load(f"{folder}/net.safetensors").schedule.betas.tolist() == betas


def test_half_precision_halves_the_file_and_gives_back_a_network_in_its_own_type(tmp_path):
    checkpoints.save(small(), tmp_path / "whole.safetensors")
    checkpoints.save(small(), tmp_path / "half.safetensors", half=True)
    whole, half = (len(header_of(tmp_path / f"{name}.safetensors")[1]) for name in ("whole", "half"))
    net = checkpoints.load(tmp_path / "half.safetensors")
    assert half == whole / 2
    for key, value in small().state_dict().items():
        assert torch.equal(net.state_dict()[key], value.half().float())


def test_weights_too_large_for_half_precision_are_not_written(tmp_path):
    net = small()
    torch.nn.init.constant_(net.last.bias, 1e5)
    with pytest.raises(ValueError, match="last.bias.*float16"):
        checkpoints.save(net, tmp_path / "net.safetensors", half=True)
    assert not list(tmp_path.iterdir())


def test_other_networks_are_not_written(tmp_path):
    with pytest.raises(TypeError, match="Linear"):
        checkpoints.save(torch.nn.Linear(2, 2), tmp_path / "net.safetensors")


def test_full_disk_leaves_the_old_file_and_no_other(saved, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    before = saved.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        checkpoints.save(small(seed=1), saved)
    assert saved.read_bytes() == before and [path.name for path in saved.parent.iterdir()] == [saved.name]


def test_saving_makes_folders_and_replaces_files(tmp_path):
    path = tmp_path / "a/b/net.safetensors"
    for seed in range(2):
        checkpoints.save(small(seed=seed), path)
    assert torch.equal(checkpoints.load(path).last.weight, small(seed=1).last.weight)
    assert [found.name for found in path.parent.iterdir()] == [path.name]


def test_saving_into_a_file_as_a_folder_fails_with_an_os_error(saved):
    with pytest.raises(OSError):
        checkpoints.save(small(), saved / "net.safetensors")


def test_copy_under_another_name_loads(saved, tmp_path):
    shutil.copy(saved, tmp_path / "copy.safetensors")
    assert checkpoints.load(str(tmp_path / "copy.safetensors")).dataset == "spiral"


@pytest.mark.parametrize(("arguments", "name"), [((torch.ones(2),), "dataset"), (("circle", None), "schedule")])
def test_what_is_no_name_makes_no_name_of_a_checkpoint(arguments, name):
    with pytest.raises(TypeError, match=f"^{name} must be a name"):
        checkpoints.checkpoint_name(*arguments)
