"""Networks for images: one call, which keeps a record of the run beside the file that it writes."""

import csv
import hashlib
import time
from dataclasses import replace
from pathlib import Path

import torch

from ..datasets import images as image_sets
from ..epsilon import checkpoints
from ..epsilon.configurations import unet_config
from ..epsilon.unet import UNet
from ..errors import number
from ..samplers import sample
from ..schedules import as_schedule
from ..tiles import save_picture
from .loop import fit
from .recipes import recipe

COLUMNS = ("step", "images", "loss", "grad_norm", "lr", "images_per_second", "memory_gb")
LOOK_EVERY = 10
GRID, GRID_STEPS = 64, 25  # images in a sample grid, and the DDIM steps that make them


def train_images(
    configuration,
    schedule=None,
    *,
    data=None,
    note=None,
    out=None,
    prediction=None,
    config=None,
    resume=False,
    progress=True,
    max_minutes=None,
    save_minutes=2.0,
    sample_minutes=10.0,
    compile=False,
    **changes,
):
    """Train a `UNet` on images.

    Args:
        configuration: a name out of `RECIPES`. schedule, prediction: in place of the recipe's.
        data: `Images`, or what `toylab.datasets.images.load` takes, in place of the recipe's.
        note: a sentence about the data that goes into the network's metadata.
        out: the file to write (*.safetensors), in float16. Beside it lie, as NAME.*, the resume state, metrics.csv
            (one line every ten steps), and the folder of sample grids; TensorBoard's folder too if it is installed.
        config: a `TrainConfig` in place of the recipe's; **changes: single settings of it.
        resume: continue the run to `out` that was stopped. max_minutes: stop then, so as to be resumed.
        save_minutes: time between two resume states. sample_minutes: time between two sample grids, at each of which
            `out` gets the averaged network so far.
        compile: compile the network with torch.compile.

    Returns the network as `toylab.load` would. ValueError, TypeError or an OSError for bad arguments; otherwise as
    `fit`.
    """
    plan = recipe(configuration)
    schedule, prediction = as_schedule(schedule or plan.schedule), prediction or plan.prediction
    config = replace(config or plan.config, **changes)
    number("save_minutes", save_minutes, 0)
    number("sample_minutes", sample_minutes, 0, open_low=True)
    story, state, record = command(plan, schedule, prediction, config, data), None, None
    if out is not None:
        out = checkpoints.checked_path(out)
        checkpoints.check_schedule(schedule)
        checkpoints.check_writable(out)
        state = beside(out, "resume.pt")
    elif resume:
        raise ValueError("resume=True needs out, the file that the stopped run was to write")
    if not isinstance(data, image_sets.Images):
        data = image_sets.load(data or plan.data, size=_shrunk(plan, data), flip=plan.flip, progress=progress)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        network = UNet(schedule, prediction=prediction, **unet_config(plan.name))
    if data.shape != network.shape:
        raise ValueError(f"data must hold images of shape {network.shape} for {plan.name!r}, got {data.shape}")
    network = network.to(memory_format=torch.channels_last)
    network.dataset = plan.name if plan.size != 32 else plan.data
    network.metadata = {"command": story, "configuration": plan.name, "data": _describe(data, note)}
    if out is not None:
        record = _Record(out, resume, 60 * sample_minutes)
    network = fit(
        network, data.batch, schedule, config, state=state, resume=resume, progress=progress,
        save_every=60 * save_minutes, max_minutes=max_minutes, look_every=LOOK_EVERY, compile=compile, watch=record,
        continue_with=f"resume=True (`{story} --out {out} --resume` in a terminal)",
    )  # fmt: skip
    network = network.cpu()
    if out is None:
        network.metadata = checkpoints.story(network)
        return network
    record.snapshot(network, config.steps)
    state.unlink(missing_ok=True)
    return checkpoints.load(out)


def beside(out, ending):
    """The path of a file that belongs to the run which writes `out`."""
    return out.with_name(f"{out.name.removesuffix(checkpoints.SUFFIX)}.{ending}")


def command(plan, schedule, prediction, config, data=None):
    """The command line that trains this network; the folder of its data is left out."""
    parts = [f"toylab train {plan.name}", f"--schedule {schedule.name}"]
    if isinstance(data, str):
        kind, colon, path = data.partition(":")
        parts.append(f"--data {kind}{colon}{Path(path).name}")
    if prediction != plan.prediction:
        parts.append(f"--prediction {prediction}")
    for option in ("steps", "batch", "lr", "weighting", "precision", "accumulate", "seed"):
        value = getattr(config, option)
        if option in ("steps", "batch", "seed") or value != getattr(plan.config, option):
            parts.append(f"--{option} {value:g}" if option == "lr" else f"--{option} {value}")
    return " ".join(parts)


def _shrunk(plan, data):
    """The size to ask `load` for: none where the name already says it."""
    return None if (data or plan.data) in ("digits", "cifar10", "cifar10-16") else plan.size


def _describe(data, note):
    digest = hashlib.sha256(data.pixels.numpy().tobytes()).hexdigest()
    return {"images": len(data), "shape": list(data.shape), "sha256": digest, **({"note": note} if note else {})}


class _Record:
    """The `watch` of a run: a line of numbers at each look, and now and then a grid of samples and a snapshot."""

    def __init__(self, out, resume, sample_every):
        self.out, self.sample_every, self.last_sample = out, sample_every, time.monotonic()
        self.table, self.grids = beside(out, "metrics.csv"), beside(out, "samples")
        self.continues = resume and self.table.is_file()
        self.board = _tensorboard(beside(out, "tensorboard"))
        self.started = False

    def __call__(self, look):
        if not self.started:
            self._start(look.step)
        row = {name: getattr(look, name) for name in COLUMNS}
        with open(self.table, "a", newline="") as file:
            csv.writer(file).writerow([f"{value:.6g}" if isinstance(value, float) else value for value in row.values()])
        if self.board:
            for name, value in row.items():
                self.board.add_scalar(name, value, look.step)
        if time.monotonic() - self.last_sample >= self.sample_every:
            self.snapshot(look.network, look.step)
            self.last_sample = time.monotonic()

    def _start(self, step):
        """A new table, or the old one without the lines that come after the state which is continued from."""
        kept = []
        if self.continues:
            with open(self.table, newline="") as file:
                kept = [row for row in csv.reader(file) if row and row[0].isdecimal() and int(row[0]) < step]
        with checkpoints.replacing(self.table) as file:
            lines = [",".join(row) for row in (COLUMNS, *kept)]
            file.write(("\n".join(lines) + "\n").encode())
        self.started = True

    def snapshot(self, network, step):
        """Save `network`, and a grid of what it makes of the same noise each time."""
        checkpoints.save(network, self.out, half=True)
        x = sample(
            network, network.schedule, "DDIM", GRID_STEPS, n=GRID, shape=network.shape, record=False, progress=False
        ).x
        with checkpoints.replacing(self.grids / f"{step:07d}.png") as file:
            save_picture(x, file, scale=max(1, 64 // network.shape[-1]))
        if self.board:
            self.board.add_image("samples", (x.clamp(-1, 1) + 1) / 2, step, dataformats="NCHW")


def _tensorboard(folder):
    """A writer of TensorBoard's files, or None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder)
