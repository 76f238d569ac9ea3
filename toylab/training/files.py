"""The files of a run: the network that it writes, and beside it what belongs to the run."""

from toylab import _processes as processes
from toylab._files import check_writable
from toylab.epsilon import checkpoints


class RunFiles:
    """Paths that begin like that of the network: `network`, `state`, `metrics`, `samples` and `tensorboard`."""

    def __init__(self, out):
        self.network = checkpoints.checked_path(out)
        stem = self.network.name.removesuffix(checkpoints.SUFFIX)
        self.state, self.metrics, self.samples, self.tensorboard = (
            self.network.with_name(f"{stem}.{ending}")
            for ending in ("resume.pt", "metrics.csv", "samples", "tensorboard")
        )


def run_files(out, schedule, resume, keep=False):
    """The `RunFiles` of `out`, or None for none, after making its folder.

    keep: whether a network that is there already must not be replaced. ValueError for another suffix, a schedule that a
    file cannot tell, or `resume` without `out`; FileNotFoundError when there is nothing to resume, FileExistsError when
    a stopped run, or a network to keep, would be lost, OSError when nothing can be written.
    """
    if out is None:
        if resume:
            raise ValueError("resume=True needs out, the file that the stopped run was to write")
        return None
    files = RunFiles(out)
    checkpoints.check_schedule(schedule)
    check_writable(files.network)
    if resume and not files.state.is_file():
        raise FileNotFoundError(f"nothing to resume: there is no {files.state}")
    if files.state.exists() and not resume:
        raise FileExistsError(
            f"{files.state} is that of a stopped run: continue it with resume=True (--resume), or remove it, or choose "
            "another out"
        )
    if keep and files.network.exists() and not resume:
        raise FileExistsError(f"{files.network} is there already: remove it, or choose another out")
    return files


def finished(network, files, write):
    """What a run gives: where there are `files`, the main process calls `write()`, removes the resume state and reads
    the network again; otherwise `network` on the CPU."""
    if files is None or not processes.place().is_main_process:
        network = network.cpu()
        network.metadata = checkpoints.story(network)
        return network
    write()
    files.state.unlink(missing_ok=True)
    return checkpoints.load(files.network)
