"""The record of a run on images: numbers, grids of samples, and the network so far."""

import csv
import time

from toylab._files import replacing
from toylab.epsilon import checkpoints
from toylab.epsilon.unet import UNet
from toylab.images.tiles import save_picture
from toylab.samplers import sample
from toylab.training.files import RunFiles
from toylab.training.loop import Look

COLUMNS = ("step", "images", "loss", "grad_norm", "lr", "images_per_second", "memory_gb")
GRID, GRID_STEPS = 64, 25  # images in a sample grid, and the DDIM steps that make them


class Record:
    """The `watch` of a run: a line of numbers in `files.metrics` at each look, and every `sample_every` seconds a grid
    of samples and a snapshot of the network. TensorBoard gets the same if it is installed."""

    def __init__(self, files: RunFiles, resume: bool, sample_every: float):
        self.files = files
        self.resume = resume
        self.sample_every = sample_every
        grids = files.samples.glob("*.png") if resume else ()
        self.last_sample = max((grid.stat().st_mtime for grid in grids), default=0 if resume else time.time())
        self.board = None
        self.started = False

    def __call__(self, look: Look) -> None:
        if not self.started:
            self._start(look.step)
        row = {name: getattr(look, name) for name in COLUMNS}
        line = [f"{value:.6g}" if isinstance(value, float) else value for value in row.values()]
        try:
            with open(self.files.metrics, "a", newline="") as file:
                csv.writer(file).writerow(line)
        except OSError as error:  # that of a write names no file
            raise OSError(error.errno, error.strerror, str(self.files.metrics)) from error
        if self.board:
            for name, value in row.items():
                self.board.add_scalar(name, value, look.step)
        if not look.last and time.time() - self.last_sample >= self.sample_every:
            self.snapshot(look.network(), look.step)
            self.last_sample = time.time()

    def snapshot(self, network: UNet, step: int) -> None:
        """Save `network`, and a grid of what it makes of the same noise each time."""
        checkpoints.save(network, self.files.network, half=True)
        x = sample(
            network, network.schedule, "DDIM", GRID_STEPS, n=GRID, shape=network.shape, record=False, progress=False
        ).x
        with replacing(self.files.samples / f"{step:07d}.png") as file:
            save_picture(x, file, scale=max(1, 64 // network.shape[-1]))
        if self.board:
            self.board.add_images("samples", (x.clamp(-1, 1) + 1) / 2, step)

    def close(self) -> None:
        """Write out what TensorBoard still holds."""
        if self.board:
            self.board.close()

    def _start(self, step):
        """A new table, or the old one without the lines that come after the state which is continued from: a line is
        written before the state of its step, so that none is missing."""
        kept = []
        if self.resume and self.files.metrics.is_file():
            with open(self.files.metrics, newline="") as file:
                kept = [row for row in csv.reader(file) if len(row) == len(COLUMNS) and row[0].isdecimal()]
        with replacing(self.files.metrics) as file:
            lines = [",".join(row) for row in (COLUMNS, *(row for row in kept if int(row[0]) < step))]
            file.write(("\n".join(lines) + "\n").encode())
        self.board = _tensorboard(self.files.tensorboard, step)
        self.started = True


def _tensorboard(folder, step):
    """A writer of TensorBoard's files from `step` on, or None where it is not installed."""
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(folder, purge_step=step)
