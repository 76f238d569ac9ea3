"""Large sets of images: the same ones however they are made, and nothing lost when making them is cut short."""

import errno
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from commands import assert_mistake, run, run_json
from image_networks import Shrinking, save_small_unet, small_unet

import toylab
from toylab import _processes as processes
from toylab._files import owned
from toylab.images import sets as sample_sets
from toylab.images.sampler import ImageSampler, image_seeds
from toylab.images.sets import sample_set
from toylab.images.tiles import to_bytes

ROOT = Path(__file__).parents[1]
NOISY = {"method": "DDPM", "steps": 4, "seed": 5}


def make(out, n=23, network=None, **changes):
    """A set by DDPM, in which any mix-up of noise shows; returns its images as an array [n, h, w, c]."""
    options = NOISY | {"batch": 4, "shard": 6, "progress": False} | changes
    with np.load(sample_set(network or Shrinking(), out, n, **options)) as data:
        return data["images"]


def contents(folder):
    """Every file below a folder, with the time of its last change."""
    return {str(path.relative_to(folder)): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def started(folder, *words):
    """A process that makes a set with the command line, from a data folder."""
    return subprocess.Popen(
        [sys.executable, *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT), "TOYLAB_DATA": str(folder), "OMP_NUM_THREADS": "1"},
    )  # fmt: skip


# the same images, however they are made


def test_a_set_holds_the_images_that_toylab_sample_draws_from_their_seeds(tmp_path):
    network = small_unet().double()
    images = make(tmp_path, 9, network, method="F-PNDM", steps=5, t_start=0.9, precision="float64")
    for i in (0, 5, 8):
        x = toylab.sample(
            network, network.schedule, "F-PNDM", 5, t_start=0.9, shape=network.shape, seed=image_seeds(5, [i])
        ).x
        np.testing.assert_array_equal(images[i], to_bytes(x)[0].permute(1, 2, 0))


@pytest.mark.parametrize("shard", [1, 6, 100])
@pytest.mark.parametrize("batch", [1, 7, 64])
def test_batch_and_shard_do_not_change_a_set(tmp_path, batch, shard):
    expected = ImageSampler(Shrinking(), "DDPM", 4).images(23, seed=5).x
    images = make(tmp_path, batch=batch, shard=shard)
    np.testing.assert_array_equal(images, to_bytes(expected).permute(0, 2, 3, 1))


@pytest.mark.slow
def test_two_processes_make_the_set_of_one(tmp_path):
    save_small_unet(tmp_path, "cifar10")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    launch = (
        f"-m accelerate.commands.launch --cpu --num_processes 2 --num_machines 1 --mixed_precision no "
        f"--dynamo_backend no --main_process_port {port} -m toylab samples cifar10 -n 60 --shard 8 --batch 7 "
        f"--method DDPM --steps 4 --seed 5 --precision float64 --out two --json"
    ).split()
    out, errors = (both := started(tmp_path, *launch)).communicate(timeout=300)
    assert both.returncode == 0, errors
    assert json.loads(out)["files"] == ["two/images.npz"]
    make(tmp_path / "one", 60, toylab.load(tmp_path / "checkpoints" / "cifar10.safetensors"), batch=64, shard=8,
         precision="float64")  # fmt: skip
    assert (tmp_path / "two" / "images.npz").read_bytes() == (tmp_path / "one" / "images.npz").read_bytes()


def test_a_unet_makes_the_same_set_in_any_batch_up_to_rounding(tmp_path):
    one, other = (make(tmp_path / str(batch), network=small_unet(), batch=batch).astype(int) for batch in (3, 20))
    assert abs(one - other).max() <= 1
    assert (one != other).mean() < 1e-3


def test_other_seeds_make_other_sets_that_share_no_image(tmp_path):
    sets = [make(tmp_path / str(seed), seed=seed).reshape(23, -1) for seed in (0, 1, 2)]
    assert len(np.unique(np.concatenate(sets), axis=0)) == 69


def test_a_set_loads_as_data_and_says_how_it_was_made(tmp_path):
    images = make(tmp_path / "set")
    path = tmp_path / "set" / "images.npz"
    loaded = toylab.images.load(f"npz:{path}")
    np.testing.assert_array_equal(loaded.pixels.permute(0, 2, 3, 1), images)
    with np.load(path) as data:
        about = json.loads(str(data["metadata"]))
    assert {key: about[key] for key in ("n", "nfe", "method", "steps", "seed", "schedule", "precision")} == {
        "n": 23, "nfe": 4, "method": "DDPM", "steps": 4, "seed": 5, "schedule": "linear", "precision": "float32",
    }  # fmt: skip


# cut short


def interrupted(after, error):
    """A method for ImageSampler.draw that raises `error` instead of its call number `after`."""
    draw, calls = ImageSampler.draw, []

    def drawing(self, *arguments, **options):
        calls.append(arguments)
        if len(calls) == after:
            raise error
        return draw(self, *arguments, **options)

    return drawing


def test_ctrl_c_keeps_finished_shards_and_the_same_call_goes_on(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ImageSampler, "draw", interrupted(6, KeyboardInterrupt()))
        with pytest.raises(KeyboardInterrupt, match="stopped by Ctrl-C: 12 of 23 images are kept in .*set; the same"):
            make(tmp_path / "set")
    kept = contents(tmp_path / "set")
    assert sorted(kept) == ["settings.json", "shards/000000.npz", "shards/000001.npz"]
    images = make(tmp_path / "set")
    np.testing.assert_array_equal(images, make(tmp_path / "whole"))
    assert kept.items() <= contents(tmp_path / "set").items()


def left_over(name):
    """Whether a killed process left this behind, which the next one removes."""
    return name.endswith((".partial", ".lock"))


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_killed_process_loses_its_unfinished_shard_only(tmp_path):
    save_small_unet(tmp_path, "cifar10")
    words = "-m toylab samples cifar10 -n 160 --shard 4 --method DDPM --steps 10 --seed 5 --out set".split()
    shards, killed, deadline = tmp_path / "set" / "shards", started(tmp_path, *words), time.monotonic() + 120
    while len(list(shards.glob("0*.npz"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.002)
    killed.send_signal(signal.SIGKILL)
    killed.communicate(timeout=60)
    kept = contents(tmp_path / "set")
    assert 3 <= sum(name.endswith(".npz") for name in kept) < 40
    assert not (tmp_path / "set" / "images.npz").exists()
    (shards / f".000039.npz.{killed.pid}.partial").write_bytes(b"half")
    network, options = toylab.load(tmp_path / "checkpoints" / "cifar10.safetensors"), {"steps": 10, "shard": 4}
    images = make(tmp_path / "set", 160, network, batch=64, **options)
    np.testing.assert_array_equal(images[:20], make(tmp_path / "whole", 20, network, batch=64, **options))
    after = contents(tmp_path / "set")
    assert {name: at for name, at in kept.items() if not left_over(name)}.items() <= after.items()
    assert not any(left_over(name) for name in after)


def test_a_shard_that_goes_while_others_are_drawn_is_named_and_the_rest_is_kept(tmp_path, monkeypatch):
    first, draw = tmp_path / "set" / "shards" / "000000.npz", sample_sets._draw

    def and_it_goes(*rest):
        if first.exists():
            first.unlink()
        return draw(*rest)

    monkeypatch.setattr(sample_sets, "_draw", and_it_goes)
    with pytest.raises(OSError, match="000000.npz has gone .* 8 of 12 images are kept"):
        make(tmp_path / "set", 12, shard=4)
    monkeypatch.setattr(sample_sets, "_draw", draw)
    assert len(make(tmp_path / "set", 12, shard=4)) == 12


def test_what_another_process_is_writing_is_left_alone(tmp_path):
    make(tmp_path / "set", 4, shard=4)
    alive = tmp_path / "set" / "shards" / f".000001.npz.{os.getppid()}.partial"
    alive.write_bytes(b"half")
    make(tmp_path / "set", 8, shard=4)
    assert alive.exists()


def test_a_full_disk_keeps_finished_shards_and_leaves_nothing_half_written(tmp_path, monkeypatch):
    savez, calls = np.savez, []

    def full(file, **content):
        calls.append(content)
        if len(calls) == 3:
            file.write(b"half of it")
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        savez(file, **content)

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(OSError, match=r"000002.npz \(No space left on device\): 12 of 23 images are kept in .*set;"):
        make(tmp_path / "set")
    kept = contents(tmp_path / "set")
    assert sorted(kept) == ["settings.json", "shards/000000.npz", "shards/000001.npz"]
    images = make(tmp_path / "set")
    assert kept.items() <= contents(tmp_path / "set").items()
    np.testing.assert_array_equal(images, make(tmp_path / "whole"))


@pytest.mark.skipif(os.name == "nt", reason="Windows has no limit of file sizes")
def test_where_the_result_does_not_fit_its_shards_are_kept_and_not_drawn_again(tmp_path, monkeypatch):
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))
    try:
        with pytest.raises(OSError, match="images.npz .*: 150 of 150 images are kept"):
            make(tmp_path / "set", 150, shard=25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert len(contents(tmp_path / "set")) == 7
    monkeypatch.setattr(ImageSampler, "draw", lambda *given, **more: pytest.fail("drawn again"))
    assert len(make(tmp_path / "set", 150, shard=25)) == 150


def test_no_memory_says_what_to_change_and_a_smaller_batch_goes_on(tmp_path, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(ImageSampler, "draw", interrupted(2, MemoryError("no memory for 6 images at once")))
        with pytest.raises(MemoryError):
            make(tmp_path / "set", batch=6)
    np.testing.assert_array_equal(make(tmp_path / "set", batch=3), make(tmp_path / "whole"))


@pytest.mark.parametrize("damage", ["cut", "changed", "foreign", "empty"])
def test_a_damaged_shard_is_made_again_and_no_other(tmp_path, damage):
    images = make(tmp_path)
    path = tmp_path / "shards" / "000001.npz"
    whole = path.read_bytes()
    middle = len(whole) // 2
    contents_of = {
        "cut": whole[:-30], "changed": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
        "foreign": b"no archive", "empty": b"",
    }  # fmt: skip
    path.write_bytes(contents_of[damage])
    before = contents(tmp_path)
    np.testing.assert_array_equal(make(tmp_path), images)
    after = contents(tmp_path)
    assert path.read_bytes() == whole
    assert {name for name in after if after[name] == before[name]} == {
        "settings.json", "shards/000000.npz", "shards/000002.npz", "shards/000003.npz",
    }  # fmt: skip


def test_a_shard_of_other_images_than_it_should_hold_is_made_again(tmp_path):
    images = make(tmp_path)
    np.savez(tmp_path / "shards" / "000001.npz", images=np.zeros((6, 5, 5, 1), np.uint8))
    np.savez(tmp_path / "shards" / "000002.npz", images=np.zeros((5, 4, 4, 1), np.uint8))
    np.testing.assert_array_equal(make(tmp_path), images)


def test_a_finished_set_grows_and_shrinks_with_n(tmp_path):
    whole = make(tmp_path / "whole", 40)
    for n in (20, 40, 15, 33):
        before = contents(tmp_path / "set") if n != 20 else {}
        np.testing.assert_array_equal(make(tmp_path / "set", n), whole[:n])
        after = contents(tmp_path / "set")
        kept = {name for name in before if name.startswith("shards/") and after[name] == before[name]}
        assert len(kept) == {20: 0, 40: 3, 15: 7, 33: 7}[n]


# refused


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"steps": 5}, "steps = 4, not 5"),
        ({"seed": 6}, "seed = 5, not 6"),
        ({"method": "DDIM"}, "method = 'DDPM', not 'DDIM'; options"),
        ({"variance": "large"}, "options = {'variance': 'small'}, not {'variance': 'large'}"),
        ({"t_end": 0.1}, "t_end = 0.001, not 0.1"),
        ({"spacing": "sigma"}, "spacing = 't', not 'sigma'"),
        ({"times": [1.0, 0.5, 0.1]}, "times = None, not [1.0, 0.5, 0.1]"),
        ({"precision": "float64"}, "precision = 'float32', not 'float64'"),
        ({"shard": 7}, "shard = 6, not 7"),
        ({"network": Shrinking(scale=0.5)}, "network = '"),
        ({"network": Shrinking("cosine")}, "schedule = 'linear', not 'cosine'"),
    ],
)
def test_a_set_of_other_settings_is_refused_with_what_differs_and_left_alone(tmp_path, changes, says):
    make(tmp_path)
    before = contents(tmp_path)
    with pytest.raises(ValueError) as refused:
        make(tmp_path, **changes)
    assert f"{tmp_path} holds a set made with other settings: " in str(refused.value)
    assert says in str(refused.value)
    assert contents(tmp_path) == before


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    with pytest.raises(FileExistsError, match="out must be a new or empty folder, or that of a set; .* other files"):
        make(tmp_path)
    assert sorted(contents(tmp_path)) == ["mine.txt"]


def test_a_file_is_no_folder_for_a_set(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match="out must be a folder, but .*file is a file"):
        make(tmp_path / "file")
    with pytest.raises(NotADirectoryError):
        make(tmp_path / "file" / "below")


@pytest.mark.parametrize("text", ["", "{", "[]", '"text"', "\x00"])
def test_settings_that_cannot_be_read_are_refused(tmp_path, text):
    make(tmp_path)
    (tmp_path / "settings.json").write_text(text)
    with pytest.raises(ValueError, match="settings.json does not hold the settings of a set"):
        make(tmp_path)


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"n": 0}, ValueError, "n must be an integer of at least 1"),
        ({"n": 2**32 + 1}, ValueError, r"below 2\*\*32"),
        ({"batch": 0}, ValueError, "batch must be"),
        ({"shard": 1.5}, TypeError, "shard must be an integer"),
        ({"seed": None}, TypeError, "seed must be an integer"),
        ({"method": "Adaptive-Heun"}, ValueError, "method must step on the given grid"),
        ({"network": toylab.load("circle")}, ValueError, "network must be one for images"),
        ({"precision": "int8"}, ValueError, "unknown precision 'int8'"),
        ({"variance": "huge"}, ValueError, "unknown variance 'huge'"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_made(tmp_path, changes, error, says):
    with pytest.raises(error, match=says):
        make(tmp_path / "set", **changes)
    assert not (tmp_path / "set").exists()


def test_an_error_of_the_main_process_is_raised_in_all(monkeypatch):
    class Place:
        is_main_process = False

    monkeypatch.setattr(processes, "place", Place)
    monkeypatch.setattr(processes, "broadcast_object_list", lambda given: [None, ValueError("out must be")])
    with pytest.raises(ValueError, match="out must be"):
        processes.agreed(lambda: pytest.fail("done by another process"))


def test_a_second_call_that_fills_the_same_folder_is_told_at_once(tmp_path):
    make(tmp_path / "set", n=2)
    with owned(tmp_path / "set/settings.json"), pytest.raises(FileExistsError, match="is being written by another run"):
        make(tmp_path / "set", n=4)
    assert len(make(tmp_path / "set", n=4)) == 4


# the command line


@pytest.fixture
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path))
    save_small_unet(tmp_path, "cifar10")
    monkeypatch.chdir(tmp_path)


def test_samples_makes_the_images_of_sample(in_a_folder):
    about = run_json("samples cifar10 -n 5 --method DDPM --steps 3 --seed 2")
    assert (about["files"], about["n"], about["nfe"]) == (["cifar10-DDPM-3/images.npz"], 5, 3)
    assert (about["dataset"], about["epsilon"]) == ("noise", "network cifar10")
    assert run("sample cifar10 -n 5 --method DDPM --steps 3 --seed 2").exit_code == 0
    with np.load("cifar10-DDPM.npz") as few, np.load(about["files"][0]) as all_of_them:
        np.testing.assert_array_equal(few["images"], all_of_them["images"])


def test_samples_says_what_it_wrote(in_a_folder):
    done = run("samples cifar10 -n 5 --method DDIM --steps 3 --out set --shard 2 --batch 2")
    title, wrote = done.stdout.splitlines()
    assert title == "noise, linear schedule, network cifar10: DDIM, N = 3, NFE 3, 5 images"
    assert wrote == "wrote set/images.npz"
    assert sorted(contents(Path("set"))) == ["images.npz", "settings.json", *(f"shards/00000{i}.npz" for i in range(3))]


def test_other_settings_are_a_mistake_on_the_command_line(in_a_folder):
    assert run("samples cifar10 -n 2 --steps 2 --out set").exit_code == 0
    assert_mistake(run("samples cifar10 -n 2 --steps 3 --out set"), "other settings: steps = 2, not 3")


def test_ctrl_c_ends_samples_with_130_and_says_what_is_kept(in_a_folder, monkeypatch):
    monkeypatch.setattr(ImageSampler, "draw", interrupted(2, KeyboardInterrupt()))
    stopped = run("samples cifar10 -n 4 --steps 2 --shard 2 --out set")
    assert (stopped.exit_code, stopped.stdout) == (130, "")
    assert stopped.stderr == (
        "toylab: stopped by Ctrl-C: 2 of 4 images are kept in set; the same command goes on from there\n"
    )


def test_a_full_disk_ends_samples_with_1_and_one_line(in_a_folder, monkeypatch):
    def full(file, **content):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(np, "savez", full)
    stopped = run("samples cifar10 -n 4 --steps 2 --out set")
    assert stopped.exit_code == 1
    assert stopped.stderr.startswith("toylab: failed: OSError: cannot write set/shards/000000.npz (No space left")
    assert stopped.stderr.count("\n") == 1 and sorted(contents(Path("set"))) == ["settings.json"]
