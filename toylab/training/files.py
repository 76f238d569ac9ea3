"""The files of a run: the network that it writes, and beside it what belongs to the run."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import torch

from toylab import _processes as processes
from toylab._files import check_writable, owned
from toylab.epsilon import checkpoints
from toylab.schedules import Schedule


class RunFiles:
    """Paths that begin like that of the network: `network`, `state`, `metrics`, `samples` and `tensorboard`."""

    def __init__(self, out: str | os.PathLike):
        self.network = checkpoints.checked_path(out)
        stem = self.network.name.removesuffix(checkpoints.SUFFIX)
        self.state, self.metrics, self.samples, self.tensorboard = (
            self.network.with_name(f"{stem}.{ending}")
            for ending in ("resume.pt", "metrics.csv", "samples", "tensorboard")
        )

    def check(self, resume: bool, keep: bool) -> None:
        """Check that what is there suits a run: FileNotFoundError or FileExistsError, see `run_files`."""
        if resume:
            if not self.state.is_file():
                raise FileNotFoundError(f"nothing to resume: there is no {self.state}")
        elif self.state.exists():
            raise FileExistsError(
                f"{self.state} is that of a stopped run: continue it with resume=True (--resume), or remove it, or "
                "choose another out"
            )
        elif keep and self.network.exists():
            raise FileExistsError(f"{self.network} is there already: remove it, or choose another out")


@contextmanager
def run_files(
    out: str | os.PathLike | None, schedule: Schedule, resume: bool, keep: bool = False
) -> Iterator[RunFiles | None]:
    """The `RunFiles` of `out`, or None for none, after making its folder; nobody else may write `out` in the block.

    keep: whether a network that is there already must not be replaced. ValueError for another suffix, a schedule that a
    file cannot tell, or `resume` without `out`; FileNotFoundError when there is nothing to resume, FileExistsError when
    a stopped run, or a network to keep, would be lost, or another run is writing it, OSError when nothing can be
    written.
    """
    if out is None:
        if resume:
            raise ValueError("resume=True needs out, the file that the stopped run was to write")
        yield None
        return
    files = RunFiles(out)
    checkpoints.check_schedule(schedule)
    with ExitStack() as stack:

        def prepare():
            check_writable(files.network)
            stack.enter_context(owned(files.network))
            files.check(resume, keep)

        processes.agreed(prepare)
        yield files


def finished(network: torch.nn.Module, files: RunFiles | None, write: Callable[[], object]) -> torch.nn.Module:
    """The outcome of a run: where there are `files`, the main process calls `write()`, removes the resume state and
    reads the network again; otherwise `network` on the CPU."""
    if files is None or not processes.place().is_main_process:
        network = network.cpu()
        network.metadata = checkpoints.story(network)
        return network
    write()
    files.state.unlink(missing_ok=True)
    return checkpoints.load(files.network)
