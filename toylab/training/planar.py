"""Networks for points in the plane: one call, and the list of those that come with toylab."""

import os
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from toylab import _shipped, datasets
from toylab._errors import flag
from toylab._files import user_path
from toylab._threads import single_thread
from toylab._types import ManifoldLike, ScheduleLike
from toylab.epsilon import checkpoints
from toylab.epsilon.mlp import MLP
from toylab.schedules import as_schedule
from toylab.training.config import TrainConfig, checked_config
from toylab.training.files import finished, run_files
from toylab.training.loop import fit
from toylab.training.seeding import fresh_weights
from toylab.training.start import begin_from

POOL = 2**16  # points of a data set drawn before training; batches are drawn from these
SHIPPED = [(name, "linear") for name in datasets.names()]
SHIPPED += [(name, "cosine") for name in ("circle", "moons", "spiral", "checkerboard")]


@torch.inference_mode(False)
def train_2d(
    dataset: ManifoldLike,
    schedule: ScheduleLike = "linear",
    *,
    out: str | os.PathLike | None = None,
    steps: int | None = None,
    batch: int | None = None,
    lr: float | None = None,
    seed: int | None = None,
    config: TrainConfig | None = None,
    arguments: Mapping[str, Any] | None = None,
    start: str | os.PathLike | None = None,
    resume: bool = False,
    progress: bool = True,
) -> MLP:
    """Train an `MLP` on a two-dimensional data set; the defaults take about a minute on one core.

    Args:
        dataset: a name, or anything with `name` and `sample` such as a `Manifold`.
        schedule: a name or a `Schedule` (with `out`, one that has a name).
        out: the file to write (*.safetensors). Beside it, while training, lies a resume state.
        steps, batch, lr, seed: change the default `TrainConfig`, or the `config` given.
        arguments: of the `MLP`, as a dict.
        start: a network to begin from, see `toylab.training.start.begin_from`.
        resume: continue the run to `out` that was stopped.

    Returns the network as `toylab.load` would. ValueError, TypeError or FileNotFoundError for bad
    arguments; `Interrupted` and `Diverged` as in `fit`.
    """
    manifold = datasets.get(dataset) if isinstance(dataset, str) else dataset
    if not (isinstance(getattr(manifold, "name", None), str) and callable(getattr(manifold, "sample", None))):
        raise TypeError(f"dataset must be a name or a Manifold, got {dataset!r}")
    schedule, resume = as_schedule(schedule), flag("resume", resume)
    config = checked_config(config, steps=steps, batch=batch, lr=lr, seed=seed)
    story = command(manifold.name, schedule.name, config, start and Path(start).name)
    with fresh_weights(config.seed):
        network = MLP(schedule, **(arguments or {}))
    network.dataset, network.metadata = manifold.name, {"command": story}
    if start is not None:
        begin_from(network, start)
    again = "resume=True"
    told = config.differs_only_in(TrainConfig(), ("steps", "batch", "lr", "seed"))
    if told and not arguments and manifold.name in datasets.names():
        line = command(manifold.name, schedule.name, config, start)
        again += f" (`{line} --out {shlex.quote(str(out))} --resume` in a terminal)"
    with run_files(out, schedule, resume) as files, single_thread():
        batches = rows_of(manifold.sample(POOL, seed=config.seed))
        network = fit(
            network, batches, schedule, config, state=files and files.state, resume=resume, progress=progress,
            continue_with=again,
        )  # fmt: skip
        return finished(network, files, lambda: checkpoints.save(network, files.network))


def rows_of(points: Tensor) -> Callable[[int, torch.Generator], Tensor]:
    """`batches` for `fit`: rows of `points` [k, *shape] drawn with replacement."""
    return lambda n, generator: points[torch.randint(len(points), (n,), generator=generator, device=generator.device)]


def command(dataset: str, schedule: str, config: TrainConfig, start: str | os.PathLike | None = None) -> str:
    """The command line that trains this network."""
    if not isinstance(config, TrainConfig):
        raise TypeError(f"config must be a TrainConfig, got {config!r}")
    return (
        f"toylab train {dataset} --schedule {schedule} --steps {config.steps} --batch {config.batch} "
        f"--lr {config.lr} --seed {config.seed}"
    ) + ("" if start is None else f" --start {shlex.quote(os.fspath(start))}")


def train_all(folder: str | os.PathLike | None = None, *, overwrite: bool = False, progress: bool = True) -> list[Path]:
    """Train the networks of `SHIPPED` into `folder` (default: where `toylab.load` finds them), in turn; those
    that exist are kept unless `overwrite`. Returns the paths."""
    if folder is None and _shipped.writable_data() is None:
        raise ValueError("folder must be given, or TOYLAB_DATA be set: an installed toylab keeps its networks")
    folder = checkpoints.folder() if folder is None else user_path(folder, "folder")
    paths = [folder / f"{checkpoints.checkpoint_name(*pair)}{checkpoints.SUFFIX}" for pair in SHIPPED]
    for (dataset, schedule), path in zip(SHIPPED, paths, strict=True):
        if overwrite or not path.exists():
            train_2d(dataset, schedule, out=path, progress=progress)
    return paths
