"""``toylab train``: make a network."""

import sys
import time
from typing import Annotated

import typer

from toylab.cli import options

FOR_IMAGES = (
    "data", "prediction", "no_labels", "weighting", "precision", "accumulate", "max_minutes", "sample_minutes",
    "compile", "note",
)  # fmt: skip


def train(
    context: typer.Context,
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME", help="A data set (see: toylab datasets) or an image network (see: toylab train --list)."
        ),
    ] = None,
    schedule: Annotated[
        str | None,
        typer.Option(
            help="Noise schedule: linear, cosine, quad, sigmoid, constant, or a table such as linear-1000 [linear, or "
            "that of the image network]."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps.")] = None,
    batch: Annotated[int | None, typer.Option(help="Samples in each step, over all processes together.")] = None,
    lr: Annotated[float | None, typer.Option(help="Peak learning rate.")] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of weights, data and noise [0].")] = None,
    out: Annotated[
        str | None,
        typer.Option(help="The file to write (.safetensors) [NAME.safetensors]; the run's other files lie beside it."),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the run to this file that was stopped.")] = False,
    data: Annotated[
        str | None, typer.Option(help="Images: digits, cifar10, npz:PATH or folder:PATH [those of NAME].")
    ] = None,
    prediction: Annotated[
        str | None, typer.Option(help="Images: what the network gives, eps or v [that of NAME].")
    ] = None,
    no_labels: Annotated[
        bool, typer.Option("--no-labels", help="Images: leave out their labels, which are learnt where there are any.")
    ] = False,
    start: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK", help="Begin from the weights of this network: a shipped one, a file or a published one."
        ),
    ] = None,
    weighting: Annotated[
        str | None, typer.Option(help="Images: of the squared errors, eps (plain), v or min-snr [that of NAME].")
    ] = None,
    precision: Annotated[str | None, typer.Option(help="Images: float32 or bfloat16 [that of NAME].")] = None,
    accumulate: Annotated[
        int | None, typer.Option(help="Images: parts of a batch, one after the other; more need less memory [1].")
    ] = None,
    max_minutes: Annotated[
        float | None, typer.Option(help="Images: stop after this time, so as to be resumed.")
    ] = None,
    sample_minutes: Annotated[
        float | None, typer.Option(help="Images: time between two grids of samples [10].")
    ] = None,
    compile: Annotated[
        bool, typer.Option("--compile", help="Images: compile the network (needs a C++ compiler; pays on a GPU).")
    ] = False,
    note: Annotated[
        str | None, typer.Option(help="Images: a sentence about the data for the network's metadata.")
    ] = None,
    list_networks: Annotated[
        bool,
        typer.Option("--list", help="List the image networks: size, data, steps, expected time, what comes trained."),
    ] = False,
    json: options.Json = False,
    all_networks: Annotated[
        bool,
        typer.Option("--all", help="Train all networks in the plane that come with toylab, those that are missing."),
    ] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="With --all: also those that are there.")] = False,
) -> None:
    """Train a network on points in the plane or on images.

    In the plane the defaults take about a minute on one core; for images see --list. Ctrl-C stops after a whole step,
    saves, and says how to go on. Several GPUs or machines: accelerate launch -m toylab train ...

    \b
    Examples:
      toylab train spiral
      toylab train moons --schedule cosine --steps 2000 --out moons-cosine.safetensors
      toylab train spiral --resume
      toylab train --list
      toylab train digits --schedule cosine --weighting min-snr
      toylab train cifar10-16 --max-minutes 30
      toylab train cifar10-small --data folder:faces
      toylab train cifar10-16 --data folder:pets --start cifar10-16 --steps 2000 --out pets.safetensors
      accelerate launch -m toylab train cifar10-medium --compile
    """
    given = {key: value for key, value in context.params.items() if value is not None and value is not False}
    if list_networks:
        _only(given, {"list_networks", "json"}, "--list")
        _list_networks(json)
    elif all_networks:
        _only(given, {"all_networks", "overwrite"}, "--all")
        _train_all(overwrite)
    elif name is None:
        raise ValueError("name must be a data set (see: toylab datasets) or an image network (--list), or give --all")
    else:
        _only(given, context.params.keys() - {"overwrite", "json"}, "a single network")
        _train_one(given)


def _only(given, allowed, who):
    for argument in given.keys() - allowed:
        raise ValueError(f"{who} takes no {argument}, got {given[argument]!r}")


def _train_one(given):
    from toylab import datasets, schedules, training
    from toylab._errors import unknown_name
    from toylab._processes import place
    from toylab.cli.output import check_output
    from toylab.epsilon import checkpoint_name

    name, recipes = given.pop("name").lower(), training.RECIPES
    if name not in recipes and name not in datasets.names():
        raise unknown_name("name", name, [*datasets.names(), *recipes])
    if name not in recipes:
        _only(given, given.keys() - set(FOR_IMAGES), f"{name}, a set of points in the plane,")
    schedule = given.pop("schedule", recipes[name].schedule if name in recipes else "linear")
    schedule = schedules.get(schedule).name
    out = given["out"] = check_output(given.get("out", checkpoint_name(name, schedule)), [".safetensors"])
    if given.pop("no_labels", False):
        given["labels"] = False
    began = time.monotonic()
    try:
        about = (training.train_images if name in recipes else training.train_2d)(name, schedule, **given).metadata
        took = time.monotonic() - began
        message = f"wrote {out}: {about['parameters']} parameters, loss {about['loss']:.4f}, {took:.0f} s"
    except training.TimeUp as stop:
        message = str(stop)
    except training.Interrupted:
        if place().is_main_process:
            raise
        raise typer.Exit(130) from None
    if place().is_main_process:
        print(message)
    place().destroy_process_group()


def _train_all(overwrite):
    from toylab.training import train_all

    print("toylab: training the networks that come with toylab; this takes a few minutes", file=sys.stderr)
    for path in train_all(overwrite=overwrite):
        print(path)


def _configuration(name):
    """That of the network of this name; None for one that has none or cannot be read."""
    from toylab.epsilon import load

    try:
        return load(name).metadata.get("configuration")
    except (OSError, ValueError):
        return None


def _list_networks(json):
    from toylab.cli.output import print_json, print_table
    from toylab.epsilon import names
    from toylab.training import RECIPES

    shipped = {name: _configuration(name) for name in names()}
    rows = [
        {**recipe.about(), "networks": [name for name, made_as in shipped.items() if made_as == recipe.name]}
        for recipe in RECIPES.values()
    ]
    if json:
        print_json(rows)
        return
    columns = {"network": "left", "images": "left", "parameters": "right", "data": "left", "steps x batch": "right"}
    columns |= {"precision": "left", "expected time": "left", "comes trained as": "left"}
    print_table(
        columns,
        (
            (
                row["name"], "x".join(map(str, row["shape"])), f"{row['parameters']:,}", row["data"],
                f"{row['steps']} x {row['batch']}", row["precision"], row["time"], ", ".join(row["networks"]) or "-",
            )
            for row in rows
        ),
    )  # fmt: skip
    print("\nToylab's data sets in the plane (see: toylab datasets) take about a minute each on one core.")
