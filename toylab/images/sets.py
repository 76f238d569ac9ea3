"""Large sets of images in a folder: made by any number of processes, in pieces, so that a stopped set goes on.

The folder holds ``settings.json``, the finished ``shards`` (.npz), and when all are there ``images.npz``: ``images``
uint8 [n, h, w, c] and ``metadata`` (JSON), which `toylab.images.load` reads.
"""

import json
import os
from contextlib import ExitStack
from pathlib import Path
from reprlib import repr as in_short
from typing import Any

import numpy as np
import torch

from toylab import __version__
from toylab import _processes as processes
from toylab._errors import flag, positive_int
from toylab._files import finite, owned, remove_leftovers, replacing, strict_json, user_path
from toylab.epsilon import checkpoints
from toylab.images.data import arrays
from toylab.images.sampler import BATCH, ImageBar, ImageSampler, batches, image_seeds
from toylab.images.tiles import to_bytes

FORMAT = "toylab-set-1"
SHARD = 500


def sample_set(
    network: torch.nn.Module, out: str | os.PathLike, n: int = 50_000, method: str = "F-PNDM", steps: int = 20, *,
    seed: int = 0, batch: int = BATCH, shard: int = SHARD, progress: bool = True, **options: Any,
) -> Path:  # fmt: skip
    """Draw images 0 to n - 1 of this seed into the folder `out`; returns the path of the file with all of them.

    Started by ``accelerate launch`` or torchrun, the processes share the work; `out` must lie where all of them see
    it. Image i depends on the seed and on i alone: up to rounding in the network's arithmetic (which is coarser on
    GPUs, whose convolutions in float32 use TF32) it is the same whatever the number of processes and the batch. A set
    that was stopped goes on with the same call, and a finished one grows with a larger n: shards that are there and
    whole are kept.

    Args:
        network, method, steps, **options: as for `ImageSampler`, but for adaptive methods, whose steps depend on all
            images of a batch.
        batch: images that a process draws at once. shard: images a file; a stop costs each process one at most.

    Raises ValueError or TypeError naming the argument, ValueError (it says which) for the folder of a set with other
    settings, FileExistsError for one with other files or that another call is filling,
    OSError when nothing can be written, MemoryError with advice.
    """
    n, shard, batch = positive_int("n", n), positive_int("shard", shard), positive_int("batch", batch)
    image_seeds(seed, [n - 1])  # before anything is made, whether all of them exist
    progress = flag("progress", progress)
    sampler, place = ImageSampler(network, method, steps, **options), processes.place()
    if sampler.nfe is None:
        raise ValueError(f"method must step on the given grid; the steps of {sampler.method.name} depend on the batch")
    folder = _Folder(user_path(out, "out"), _settings(network, sampler, seed, shard), n)
    with ExitStack() as stack:

        def prepare():
            missing = folder.prepare()
            stack.enter_context(owned(folder.about))
            return missing

        missing = processes.agreed(prepare)
        bar = stack.enter_context(ImageBar(sampler, n, progress and place.is_main_process, initial=folder.finished()))
        for index in missing[place.process_index :: place.num_processes]:
            bar.reached(folder.finished())
            try:
                images = _draw(sampler, seed, folder.images(index), batch, bar)
            except KeyboardInterrupt as stop:
                raise KeyboardInterrupt(f"stopped by Ctrl-C: {folder.kept()}") from stop
            folder.write(folder.shard(index), images=images)
        place.wait_for_everyone()
        if place.is_main_process:
            folder.finish({"n": n, "nfe": sampler.nfe, "toylab": __version__, "torch": str(torch.__version__)})
    return folder.result


def _settings(network, sampler, seed, shard):
    """All that decides the images of a set, and how they are split."""
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    return {
        "format": FORMAT,
        "dataset": getattr(network, "dataset", None),
        "shape": list(sampler.shape),
        "schedule": network.schedule.name,
        "network": checkpoints.digest({"arguments": getattr(network, "arguments", None)}, weights),
        **sampler.settings,
        "seed": int(seed),
        "shard": shard,
    }


def _draw(sampler, seed, images, batch, bar):
    """The images of these numbers: uint8 [n, h, w, c]."""
    runs = (sampler.draw(seed, part, called=bar.called) for part in batches(images, batch))
    return torch.cat([to_bytes(run.x) for run in runs]).permute(0, 2, 3, 1).numpy()


class _Folder:
    """The folder of a set: its settings, its shards and the result."""

    def __init__(self, out, settings, n):
        self.out, self.settings, self.n = out, settings, n
        self.about, self.result = out / "settings.json", out / "images.npz"
        self.indices = range(-(-n // settings["shard"]))

    def shard(self, index):
        """The path of a shard."""
        return self.out / "shards" / f"{index:06d}.npz"

    def images(self, index):
        """The numbers of the images in a shard."""
        size = self.settings["shard"]
        return range(index * size, min((index + 1) * size, self.n))

    def finished(self):
        """The number of images in shards now."""
        return sum(len(self.images(index)) for index in self.indices if self.shard(index).exists())

    def kept(self):
        """That number, in words, and how to go on."""
        return f"{self.finished()} of {self.n} images are kept in {self.out}; the same command goes on from there"

    def prepare(self):
        """Make the folder, or see that it is one of these settings; the indices of shards that are not there."""
        if self.out.exists() and not self.out.is_dir():
            raise NotADirectoryError(f"out must be a folder, but {self.out} is a file")
        if self.about.exists():
            self._compare()
        elif self.out.exists() and any(not path.name.startswith(".") for path in self.out.iterdir()):
            raise FileExistsError(f"out must be a new or empty folder, or that of a set; {self.out} holds other files")
        else:
            self.out.mkdir(parents=True, exist_ok=True)
            with replacing(self.about) as file:
                file.write(f"{strict_json(self.settings, indent=2)}\n".encode())
        missing = [index for index in self.indices if self._pixels(index) is None]
        for index in missing:
            if self.shard(index).exists() and self._pixels(index) is None:  # damaged, not written since
                self.shard(index).unlink()
        return missing

    def _compare(self):
        try:
            saved = finite(json.loads(self.about.read_bytes()))
            keys = {**saved, **self.settings}
        except (ValueError, TypeError) as error:
            raise ValueError(f"{self.about} does not hold the settings of a set: {error}") from None
        wanted = json.loads(strict_json(self.settings))
        differences = [
            f"{key} = {in_short(saved.get(key))}, not {in_short(wanted.get(key))}"
            for key in keys
            if saved.get(key) != wanted.get(key)
        ]
        if differences:
            raise ValueError(f"{self.out} holds a set made with other settings: {'; '.join(differences)}")

    def _pixels(self, index):
        """The images of a shard, uint8 [k, c, h, w], or None unless it holds all of them, undamaged."""
        wanted = len(self.images(index))
        try:
            pixels, *_ = arrays.read(self.shard(index))
        except (FileNotFoundError, ValueError):
            return None
        fits = len(pixels) >= wanted and list(pixels.shape[1:]) == self.settings["shape"]
        return pixels[:wanted] if fits else None

    def write(self, path, **content):
        """Write a .npz file in one piece or not at all; OSError says what is kept."""
        try:
            with replacing(path) as file:
                np.savez(file, **content)
        except OSError as error:
            raise OSError(f"cannot write {path} ({error.strerror or error}): {self.kept()}") from error

    def finish(self, about):
        """Write the result, and remove what killed processes left half-written."""
        channels, *size = self.settings["shape"]
        images = np.empty((self.n, *size, channels), np.uint8)
        for index in self.indices:
            pixels = self._pixels(index)
            if pixels is None:
                raise OSError(f"{self.shard(index)} has gone or was damaged meanwhile: {self.kept()}")
            images[self.images(index)] = pixels.permute(0, 2, 3, 1).numpy()
        self.write(self.result, images=images, metadata=strict_json({**self.settings, **about}))
        for folder in (self.out, self.out / "shards"):
            remove_leftovers(folder)
