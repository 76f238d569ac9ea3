"""Training in processes of their own: two that share one run, launchers, and a run that is killed while it saves."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import training_processes as work
from commands import OnTerminal

import toylab

pytestmark = pytest.mark.slow

HERE = Path(__file__).parent
ENVIRONMENT = os.environ | {"PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("two")


@pytest.fixture(scope="module")
def together(folder):
    """What each of two processes found."""
    shared = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    started = [
        subprocess.Popen(
            [sys.executable, str(HERE / "training_processes.py"), str(folder)],
            env=ENVIRONMENT | shared | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            stderr=subprocess.PIPE, text=True,
        )
        for rank in range(2)
    ]  # fmt: skip
    errors = [process.communicate(timeout=300)[1] for process in started]
    assert [process.returncode for process in started] == [0, 0], errors
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


def same(found, expected):
    for key in ("looks", "weights"):
        mine, theirs = (torch.tensor(values[key], dtype=torch.float64) for values in (found, expected))
        torch.testing.assert_close(mine, theirs, rtol=1e-8, atol=1e-10)


def test_two_processes_have_the_loss_curve_and_the_weights_of_one_with_the_whole_batch(together):
    for found in together:
        same(found["whole"] | {"looks": together[0]["whole"]["looks"]}, work.run())


def test_only_the_first_process_is_watched(together):
    assert len(together[0]["whole"]["looks"]) == 6 and together[1]["whole"]["looks"] == []


def test_a_batch_that_does_not_divide_evenly_weighs_every_example_alike(together):
    same(together[0]["uneven"], work.run(replace(work.CONFIG, batch=7)))


def test_more_processes_than_examples_are_refused(together):
    for found in together:
        assert found["too small"] == "ValueError: batch must be at least 2, one for each process, got 1"


def test_time_that_is_up_in_one_process_stops_both_after_the_same_step(together):
    for found in together:
        assert found["time"].startswith("TimeUp: stopped after step 1 of 60: nothing is saved")


def test_ctrl_c_in_one_process_stops_both_after_the_same_step(together):
    first, second = together
    step = int(re.match(r"Interrupted: stopped after step (\d+) of 60: saved in .*state\.pt", first["ctrl-c"])[1])
    assert second["ctrl-c"] == first["ctrl-c"] and first["saved"] == second["saved"] == step
    assert 13 <= step < 60  # when the next vote is depends on how quick this machine is


def test_two_stopped_processes_go_on_together(together):
    whole = work.run()
    for found in together:
        same(found["resumed"] | {"looks": whole["looks"]}, whole)
    last = {"looks": together[0]["resumed"]["looks"][-1:], "weights": whole["weights"]}
    same(last, whole | {"looks": whole["looks"][-1:]})


def test_two_processes_write_one_network(together, folder):
    net = toylab.load(folder / "net.safetensors")
    for found in together:
        torch.testing.assert_close(net.last.weight, torch.tensor(found["trained"]))
    assert not (folder / "net.resume.pt").exists()


@pytest.mark.parametrize("stop", (signal.SIGINT, signal.SIGTERM))
def test_ctrl_c_or_sigterm_under_torchrun_saves_and_one_process_goes_on(tmp_path, stop):
    words = "train circle --steps 1000000 --batch 8 --out long.safetensors".split()
    launch = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", str(free_port())]
    started = OnTerminal(*launch, "-m", "toylab", *words, cwd=tmp_path, env=ENVIRONMENT)
    rest = started.until("training").stop(stop)[2]
    told = re.findall(r"toylab: stopped after step (\d+) of 1000000.*--out long.safetensors --resume", rest)
    assert len(told) == 1, rest
    assert [path.name for path in tmp_path.iterdir()] == ["long.resume.pt"]
    assert torch.load(tmp_path / "long.resume.pt", weights_only=True)["step"] == int(told[0])


def test_accelerate_launch_starts_the_command_line(tmp_path):
    words = "launch --cpu --num_processes 1 -m toylab train circle --steps 3 --batch 8".split()
    code = "import sys; from accelerate.commands.accelerate_cli import main; sys.argv[0] = 'accelerate'; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, *words], cwd=tmp_path, env=ENVIRONMENT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("wrote circle.safetensors: ")
    assert toylab.load(tmp_path / "circle.safetensors").metadata["training"]["steps"] == 3


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")
def test_a_run_that_is_killed_while_it_saves_is_never_broken_and_ends_like_any_other(tmp_path):
    done = subprocess.run(
        [sys.executable, str(HERE / "killing.py"), str(tmp_path)],
        env=ENVIRONMENT, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["half-written"] >= 3, "too few kills fell into a save to show anything"
    assert found["same"] and found["files"] == ["state.pt"]


RUN = (
    "import sys; from toylab import training; "
    "training.train_2d('circle', steps=10**6, batch=8, out='long.safetensors', progress=False)"
)


def started_run(folder):
    """A long run in a process of its own, after its first steps."""
    started = subprocess.Popen(
        [sys.executable, "-c", RUN], cwd=folder, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True
    )
    wait_for(lambda: (folder / ".long.resume.pt.lock").exists() or started.poll() is not None)
    time.sleep(0.5)
    return started


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGTERM to be caught")
def test_sigterm_saves_like_ctrl_c(tmp_path):
    started = started_run(tmp_path)
    started.send_signal(signal.SIGTERM)
    _, rest = started.communicate(timeout=60)
    told = re.findall(r"Interrupted: stopped after step (\d+) of 1000000: saved in .*long.resume.pt", rest)
    assert len(told) == 1 and [path.name for path in tmp_path.iterdir()] == ["long.resume.pt"]
    assert torch.load(tmp_path / "long.resume.pt", weights_only=True)["step"] == int(told[0])


def test_a_second_run_with_the_same_out_is_told_at_once_and_one_after_a_kill_takes_over(tmp_path):
    started = started_run(tmp_path)
    out = tmp_path / "long.safetensors"
    try:
        with pytest.raises(FileExistsError, match=rf"long.safetensors is being written by .*process {started.pid}"):
            toylab.training.train_2d("circle", steps=1, batch=8, out=out, progress=False)
    finally:
        started.kill()
        started.communicate()
    assert (tmp_path / ".long.safetensors.lock").exists()
    toylab.training.train_2d("circle", steps=1, batch=8, out=out, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["long.safetensors"]
