"""Networks for images: one call, which keeps a record of the run beside the file that it writes."""

from __future__ import annotations

import hashlib
import os
import shlex
import time
from collections.abc import Callable
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from toylab import _processes as processes
from toylab import images as image_sets
from toylab._errors import flag, number, unknown_name
from toylab._types import ScheduleLike
from toylab.epsilon.sharpener import NOISE, made_small
from toylab.epsilon.unet import PREDICTIONS, UNet
from toylab.schedules import Schedule, as_schedule
from toylab.training.config import TrainConfig, checked_config
from toylab.training.examples import UNLABELLED, some_unlabelled
from toylab.training.files import finished, run_files
from toylab.training.loop import fit
from toylab.training.recipes import Recipe, recipe
from toylab.training.record import Record
from toylab.training.seeding import fresh_weights
from toylab.training.start import begin_from

LOOK_EVERY = 10


@torch.inference_mode(False)
def train_images(
    configuration: str,
    schedule: ScheduleLike | None = None,
    *,
    data: image_sets.Images | str | os.PathLike | None = None,
    note: str | None = None,
    out: str | os.PathLike | None = None,
    prediction: str | None = None,
    labels: bool = True,
    start: str | os.PathLike | None = None,
    config: TrainConfig | None = None,
    resume: bool = False,
    progress: bool = True,
    max_minutes: float | None = None,
    save_minutes: float = 2.0,
    sample_minutes: float = 10.0,
    compile: bool = False,
    **changes: Any,
) -> UNet:
    """Train a `UNet` or a `Sharpener` on images.

    Args:
        configuration: a name out of `RECIPES`. schedule, prediction: in place of the recipe's.
        data: `Images`, or what `toylab.images.load` takes, in place of the recipe's; larger images than the
            network's are shrunk, and coloured or grey ones turned to its channels.
        labels: learn the labels of the data, where it has any; False trains without. A share of 12 % is dropped in
            training, so that the network also is the unconditional one.
        start: a network to begin from, see `toylab.training.start.begin_from`, with a new optimiser.
        note: a sentence about the data that goes into the network's metadata.
        out: the file to write (*.safetensors), in float16. Beside it lie, as NAME.*, the resume state, metrics.csv
            (one line every ten steps), and the folder of sample grids; TensorBoard's folder too if it is installed.
        config: a `TrainConfig` in place of the recipe's; **changes: single settings of it.
        resume: continue the run to `out` that was stopped. max_minutes: stop then, so as to be resumed.
        save_minutes: time between two resume states. sample_minutes: time between two sample grids, at each of which
            `out` gets the averaged network so far.
        compile: compile the network with torch.compile.

    Returns the network as `toylab.load` would. ValueError, TypeError or an OSError for bad arguments, a FileExistsError
    where a network or a stopped run in `out` would be lost; otherwise as `fit`.
    """
    began, plan = time.monotonic(), recipe(configuration)
    schedule = as_schedule(plan.schedule if schedule is None else schedule)
    prediction = plan.prediction if prediction is None else prediction
    config = checked_config(config, plan.config, **changes)
    labels = flag("labels", labels)
    if prediction not in PREDICTIONS:
        raise unknown_name("prediction", prediction, PREDICTIONS)
    number("save_minutes", save_minutes, 0)
    number("sample_minutes", sample_minutes, 0, open_low=True)
    if max_minutes is not None:
        number("max_minutes", max_minutes, 0, open_low=True)
    with torch.device("meta"):
        shape = plan.network().shape
    with run_files(out, schedule, resume, keep=True) as files, ExitStack() as stack:
        images = data
        if not isinstance(data, image_sets.Images):
            images = _loaded(plan.data if data is None else data, plan, shape[0], progress)
        if images.shape != shape:
            raise ValueError(f"data must hold images of shape {shape} for {plan.name!r}, got {images.shape}")
        classes = image_classes(images) if labels and not plan.sharpens else None
        with fresh_weights(config.seed):
            network = plan.network(schedule, prediction, classes)
        network = network.to(memory_format=memory_format(config.precision, processes.device()))
        network.dataset = _without_folder(images.name)
        network.metadata = {
            "command": command(plan, schedule, prediction, config, data, labels, start, compile=compile),
            "configuration": plan.name,
            "data": _describe(images, note),
        }
        if start is not None:
            begin_from(network, start)
        again = {"note": note, "out": out, "max-minutes": max_minutes, "compile": compile}
        again = command(plan, schedule, prediction, config, data, labels, start, full=True, **again)
        again = f"resume=True (`{again} --resume` in a terminal)" if _in_words(plan, config, data) else "resume=True"
        batches = some_unlabelled(images.labelled_batch, network.no_label) if classes else images.batch
        batches = also_small(batches) if plan.sharpens else batches
        record = files and stack.enter_context(closing(Record(files, resume, 60 * sample_minutes)))
        network = fit(
            network, batches, schedule, config, state=files and files.state, resume=resume, progress=progress,
            save_every=60 * save_minutes, look_every=LOOK_EVERY, compile=compile, watch=record,
            max_minutes=max_minutes and max(1e-9, max_minutes - (time.monotonic() - began) / 60),
            continue_with=again,
        )  # fmt: skip
        return finished(network, files, lambda: record.snapshot(network, config.steps))


OPTIONS = ("steps", "batch", "lr", "weighting", "precision", "accumulate", "seed")  # settings with one in the terminal


def command(
    plan: Recipe,
    schedule: Schedule,
    prediction: str,
    config: TrainConfig,
    data: image_sets.Images | str | os.PathLike | None = None,
    labels: bool = True,
    start: str | os.PathLike | None = None,
    full: bool = False,
    **more: Any,
) -> str:
    """The command line that trains this network, or the call in Python where it takes that. In metadata it leaves out
    the folders of its data and start; `full`, it has these and `more` options."""
    start = start if full or start is None else _without_folder(start)
    if not _in_words(plan, config, data):
        given = ("" if labels else ", labels=False") + ("" if start is None else f", start={start!r}")
        given += "" if data is None else f", data={_without_folder(getattr(data, 'name', data))!r}"
        return f"train_images({plan.name!r}, {schedule.name!r}, prediction={prediction!r}, config={config}{given})"
    options: dict[str, Any] = {"schedule": schedule.name}
    if data is not None:
        options["data"] = data if full else _without_folder(data)
    if prediction != plan.prediction:
        options["prediction"] = prediction
    for name in OPTIONS:
        value = getattr(config, name)
        if name in ("steps", "batch", "seed") or value != getattr(plan.config, name):
            options[name] = value
    options |= {"no-labels": not labels, "start": start}
    words = ["toylab", "train", plan.name]
    for name, value in (options | more).items():
        if value is not None and value is not False:
            words += [f"--{name}"] if value is True else [f"--{name}", str(value)]
    return shlex.join(words)


def _in_words(plan, config, data):
    """True if the options of ``toylab train`` can say all this."""
    return config.differs_only_in(plan.config, OPTIONS) and not isinstance(data, image_sets.Images)


def memory_format(precision: str, device: torch.device) -> torch.memory_format:
    """The layout of weights in which a UNet trains fastest. On a CPU with AVX-512 BF16, bfloat16 was seen to train 1.3
    to 1.5 times as fast as float32 when contiguous, and more slowly than float32 in channels_last."""
    slow = precision == "bfloat16" and device.type == "cpu"
    return torch.contiguous_format if slow else torch.channels_last


def _loaded(name, plan, channels, progress):
    """The images of this name in the size that `plan` needs, with the network's channels. One process fetches them
    first, in case they must be downloaded."""
    with processes.place().local_main_process_first():
        try:
            return image_sets.load(name, size=plan.size, channels=channels, flip=plan.flip, progress=progress)
        except ValueError as error:
            raise ValueError(
                f"data must be images for {plan.name!r}, at least {plan.size}x{plan.size}: {error}"
            ) from error


def also_small(
    batches: Callable[[int, torch.Generator], Tensor],
) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """`batches` of images with the same at half their size for a `Sharpener`: noisy, and a share of them left out."""

    def both(n, generator):
        x0 = batches(n, generator)
        low = made_small(x0)
        low = low + NOISE * torch.randn(low.shape, generator=generator, dtype=low.dtype)
        kept = torch.rand(n, generator=generator) >= UNLABELLED
        return x0, low * kept.reshape(-1, 1, 1, 1)

    return both


def image_classes(images: image_sets.Images) -> list[str] | None:
    """The names of the labels of `images`, their numbers where they have none; None without labels."""
    if images.labels is None:
        return None
    return images.classes or [str(number) for number in range(int(images.labels.max()) + 1)]


def _without_folder(name):
    """The name of images, or their path, without what comes before the last folder or file."""
    kind, colon, path = str(name).partition(":")
    return f"{kind}:{Path(path).name}" if colon else Path(name).name


def _describe(images, note):
    digest = hashlib.sha256(images.pixels.numpy().tobytes()).hexdigest()
    found = {"images": len(images), "shape": list(images.shape), "flip": images.flip, "sha256": digest}
    found |= {"passed_over": images.passed_over} if images.passed_over else {}
    return found | ({"note": note} if note else {})
