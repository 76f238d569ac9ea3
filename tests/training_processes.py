"""What `test_training_processes.py` runs in each of two processes: training runs that share their batches.

    RANK=0 WORLD_SIZE=2 ... python training_processes.py FOLDER

Results go to FOLDER/RANK.json, networks and resume states beside them.
"""

import json
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

import toylab
from toylab import training
from toylab._processes import place
from toylab.epsilon.mlp import MLP
from toylab.training import TrainConfig, fit
from toylab.training.planar import rows_of

POINTS = toylab.datasets.get("moons").sample(500).double()
CONFIG = TrainConfig(steps=60, batch=16, ema=0.9)


def network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return MLP("linear", hidden=8, layers=2, fourier=2, time_features=1).double()


def run(config=CONFIG, batches=None, **options):
    """The losses and gradient norms of every ten steps, and the weights that are kept."""
    looks = []
    net = fit(
        network(), batches or rows_of(POINTS), "linear", config, look_every=10, progress=False,
        watch=lambda look: looks.append((look.loss, look.grad_norm)), **options,
    )  # fmt: skip
    return {"looks": looks, "weights": net.last.weight.tolist()}


def stopped(**options):
    try:
        return run(**options)
    except (training.Interrupted, training.TimeUp, ValueError) as error:
        return f"{type(error).__name__}: {error}"


def slow(interrupted=None):
    """Batches that take a while, and press Ctrl-C in this process when those of the step `interrupted` are drawn."""
    drawn = []

    def batches(n, generator):
        drawn.append(n)
        time.sleep(0.05)
        if len(drawn) == interrupted:
            os.kill(os.getpid(), signal.SIGINT)
        return rows_of(POINTS)(n, generator)

    return batches


def main(folder):
    rank = int(os.environ["RANK"])
    second, state = rank == 1, folder / "state.pt"
    found = {
        "whole": run(),
        "uneven": run(replace(CONFIG, batch=7, accumulate=2)),
        "too small": stopped(config=replace(CONFIG, batch=1)),
        "time": stopped(max_minutes=1e-9 if second else None),
        "ctrl-c": stopped(batches=slow(13 if second else None), state=state),
    }
    found["saved"] = torch.load(state, weights_only=True)["step"]
    found["resumed"] = run(state=state, resume=True)
    net = training.train_2d("moons", out=folder / "net.safetensors", steps=5, batch=8, progress=False)
    found["trained"] = net.last.weight.tolist()
    (folder / f"{rank}.json").write_text(json.dumps(found))
    place().destroy_process_group()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
