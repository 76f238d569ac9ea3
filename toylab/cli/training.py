"""``toylab train``: make a network."""

import sys
import time
from typing import Annotated

import typer


def train(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="A data set (see: toylab datasets).")
    ] = None,
    schedule: Annotated[
        str, typer.Option(help="Noise schedule: linear, cosine, quad, sigmoid or constant.")
    ] = "linear",
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Samples in each step.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of weights, data and noise.")] = 0,
    out: Annotated[
        str | None, typer.Option(help="The file to write (.safetensors) [NAME.safetensors].")
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Continue the run to this file that was stopped.")
    ] = False,
    all_networks: Annotated[
        bool, typer.Option("--all", help="Train all networks that come with toylab, those that are missing.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="With --all: also those that are there.")
    ] = False,
):
    """Train a network on a data set.

    The defaults take half a minute on two cores. Ctrl-C stops after a whole step, saves, and says how to go
    on.

    \b
    Examples:
      toylab train spiral
      toylab train moons --schedule cosine --steps 2000 --out moons-cosine.safetensors
      toylab train spiral --resume
      toylab sample ./spiral.safetensors
      toylab train --all
    """
    if all_networks:
        given = {"name": name, "steps": steps, "batch": batch, "lr": lr, "out": out, "resume": resume or None}
        _none_of(given, "--all takes")
        _train_all(overwrite)
    elif name is None:
        raise ValueError("name must be a data set (see: toylab datasets), or give --all")
    else:
        _none_of({"overwrite": overwrite or None}, "a single network takes")
        _train_one(name, schedule, steps, batch, lr, seed, out, resume)


def _none_of(given, who):
    for argument, value in given.items():
        if value is not None:
            raise ValueError(f"{who} no {argument}, got {value!r}")


def _train_one(name, schedule, steps, batch, lr, seed, out, resume):
    from .. import datasets, schedules
    from ..epsilon import checkpoint_name
    from ..training import train_2d
    from .output import check_output

    name, schedule = datasets.get(name).name, schedules.get(schedule).name
    path = check_output(out or checkpoint_name(name, schedule), [".safetensors"])
    began = time.monotonic()
    network = train_2d(name, schedule, out=path, steps=steps, batch=batch, lr=lr, seed=seed, resume=resume)
    about = network.metadata
    took = time.monotonic() - began
    print(f"wrote {path}: {about['parameters']} parameters, loss {about['loss']:.4f}, {took:.0f} s")


def _train_all(overwrite):
    from ..training import train_all

    print("toylab: training the networks that come with toylab; this takes a few minutes", file=sys.stderr)
    for path in train_all(overwrite=overwrite):
        print(path)
