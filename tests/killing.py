"""What `test_training_processes.py` runs: a training that saves all the time, killed again and again while it saves.

    python killing.py FOLDER

Prints, as JSON, how many times it was killed and how many of these left a half-written file, and whether the run ends
bit for bit like one that nobody killed.
"""

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch

import toylab
from toylab.epsilon.mlp import MLP
from toylab.training import TrainConfig, fit
from toylab.training.planar import rows_of

POINTS = toylab.datasets.get("moons").sample(500)
CONFIG = TrainConfig(steps=200, batch=8)
LIVES = 20


def run(state=None, resume=False, save_every=0.0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = MLP("linear", hidden=256, layers=4)
    return fit(
        network, rows_of(POINTS), "linear", CONFIG, state=state, resume=resume, save_every=save_every, look_every=1,
        progress=False,
    )  # fmt: skip


def live(state):
    """Start or continue the run in a process of its own, and kill that at some moment of one of its first saves."""
    child = os.fork()
    if child == 0:
        run(state, resume=state.exists())
        os._exit(0)
    partial, saves = state.with_name(f".{state.name}.{child}.{child}.partial"), random.randint(1, 3)
    for _ in range(saves):
        _wait(lambda: not partial.exists())
        _wait(partial.exists)
    time.sleep(random.uniform(0, 0.01))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return partial.exists()


def _wait(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the training saves nothing")
        time.sleep(0.0005)


def main(folder):
    random.seed(0)
    whole, state = run().state_dict(), folder / "state.pt"  # imports all it needs before processes are forked
    halves = sum(live(state) for _ in range(LIVES))
    steps = torch.load(state, weights_only=True)["step"]
    resumed = run(state, resume=True, save_every=1000).state_dict()
    same = all(torch.equal(value, resumed[key]) for key, value in whole.items())
    left = sorted(path.name for path in folder.iterdir())
    print(json.dumps({"killed": LIVES, "half-written": halves, "steps": steps, "same": same, "files": left}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
