"""The training loop: denoising score matching for any epsilon-network, on any device, alone or with others."""

import os
import platform
import time
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from dataclasses import asdict, dataclass

import numpy as np
import psutil
import torch
from accelerate.utils import reduce
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel

from toylab import __version__
from toylab import _processes as processes
from toylab._errors import flag, function_of, number, positive_int
from toylab._files import owned, user_path
from toylab._progress import Bar
from toylab._types import ScheduleLike
from toylab.schedules import as_schedule, check_own_schedule
from toylab.training import examples
from toylab.training.compiling import compiled
from toylab.training.config import TrainConfig, checked_config
from toylab.training.seeding import seeded
from toylab.training.state import Average, ResumeState
from toylab.training.stopping import StopRequest, check_finite, enough_memory

CURVE_POINTS = 100  # in the losses that metadata hold


@dataclass(frozen=True)
class Look:
    """The report of `fit` to its `watch` every `look_every` steps: means since the last look, on the main process.

    step: steps done. images: examples seen, over all processes. loss, grad_norm, lr: the last of lr.
    images_per_second: over all processes. memory_gb: held by this process now, or at most so far on a GPU.
    last: whether the run ends, or is stopped, here. network: a function that gives the averaged weights (EMA) so far,
    with their `metadata`.
    """

    step: int
    images: int
    loss: float
    grad_norm: float
    lr: float
    images_per_second: float
    memory_gb: float
    last: bool
    network: Callable[[], torch.nn.Module]


@torch.inference_mode(False)
@torch.enable_grad()
def fit(
    network: torch.nn.Module,
    batches: Callable[[int, torch.Generator], Tensor | tuple[Tensor, Tensor]],
    schedule: ScheduleLike,
    config: TrainConfig | None = None,
    *,
    state: str | os.PathLike | None = None,
    resume: bool = False,
    progress: bool = True,
    save_every: float = 30.0,
    max_minutes: float | None = None,
    look_every: int = 50,
    compile: bool = False,
    watch: Callable[[Look], object] | None = None,
    continue_with: str = "the same call and resume=True",
) -> torch.nn.Module:
    """Train `network(x, t)` to predict the noise in x_t; returns a network with averaged weights (EMA).

    Started by ``accelerate launch`` or torchrun, the processes share every batch: `config.batch` is that of all of
    them together, so that the run is that of one process, up to rounding. Twice the processes can work on twice the
    batch in the same time. Nothing but the arguments, the device and the processes decides what a run does: neither
    other settings of a launcher, nor torch's modes of the moment.

    Args:
        network: a module whose output is like x; it is trained in place, on the device (or devices) that accelerate
            chooses. Frozen weights stay as they are, unless all are, as in what `toylab.load` gives.
        batches: ``batches(n, generator) -> x0`` [n, *shape], floating point, drawn with that generator alone; or a pair
            (x0, labels [n]), with which the network is called as ``network(x, t, labels)``.
        schedule: a name or a `Schedule`, that of the network if it has one. config: a `TrainConfig`.
        state: file for the resume state, written at the first look after `save_every` seconds, on Ctrl-C or SIGTERM
            and at the end, in one piece or not at all. None writes none. All machines of a run must see it.
        resume: continue from `state`. On CPU the result equals that of an uninterrupted run bit for bit.
        progress: show a bar with loss and remaining time. continue_with: what Ctrl-C tells people to use.
        max_minutes: stop after the step in which this time is over.
        look_every: steps between two looks at the losses, each of which waits for the device.
        compile: compile the network with torch.compile.
        watch: called with a `Look` at each look, before a state is written.

    The result is in eval mode and without gradients; its `metadata` holds the config, the loss (mean of
    the last hundredth of the steps), a thin loss curve and versions. Raises `Diverged` at a loss that is
    not finite (the last good state stays), `Interrupted` after Ctrl-C or SIGTERM, `TimeUp` after max_minutes,
    MemoryError with advice, OSError when a state cannot be written (FileExistsError where another run writes it), and
    ValueError or TypeError for bad batches, a network with another output shape, or a `state` that is not of this run.
    """
    schedule, config = as_schedule(schedule), checked_config(config)
    _check(network, batches)
    check_own_schedule(network, schedule, "network")
    resume, compile, progress = flag("resume", resume), flag("compile", compile), flag("progress", progress)
    positive_int("look_every", look_every)
    number("save_every", save_every, 0)
    if max_minutes is not None:
        number("max_minutes", max_minutes, 0, open_low=True)
    if watch is not None:
        function_of("watch", watch, "look")
    if resume and state is None:
        raise ValueError("resume=True needs the file to resume from: state must be given")
    state = None if state is None else user_path(state, "state")
    place, device = processes.place(), processes.device()
    main, count = place.is_main_process, place.num_processes
    if config.batch < count:
        raise ValueError(f"batch must be at least {count}, one for each process, got {config.batch}")
    with ExitStack() as stack:
        if state:
            processes.agreed(lambda: stack.enter_context(owned(state, "state")) if main else None)
        stop = stack.enter_context(StopRequest(max_minutes))
        stack.enter_context(enough_memory(config, resume))
        network.to(device).train()
        run = ResumeState(
            state, _about(network, schedule), config, network, Average(network, config.ema),
            torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True),
            losses=torch.zeros(config.steps, dtype=torch.float32),
        )  # fmt: skip
        start = run.restore() if resume else 0

        def averaged(done):
            run.average.network.metadata = {**getattr(network, "metadata", {}), **_report(config, run.losses[:done])}
            return run.average.network

        bar = stack.enter_context(
            Bar(total=config.steps, initial=start, desc="training", unit="step", show=progress and main)
        )
        waiting, looked, saved = [], time.monotonic(), time.monotonic()
        model = network
        if compile and start < config.steps:
            part = _parts(place, device, batches, schedule, config, start)[0]
            with seeded(0, device):
                model = compiled(network, lambda model: _part_loss(model, part, config), config.precision)
        if count > 1:
            model = DistributedDataParallel(model, device_ids=None if device.type == "cpu" else [device])
        for step in range(start, config.steps):
            for group in run.optimizer.param_groups:
                group["lr"] = config.lr_at(step)
            parts = _parts(place, device, batches, schedule, config, step)
            with seeded(examples.stream(config.seed, step, 1 + place.process_index), device):  # for dropout
                waiting.append(_step(model, run.optimizer, parts, config, count))
            run.average.update(network, step)
            bar.update()
            done = step + 1
            reason = stop.reason if count == 1 else stop.agreed(done, device)
            if not (done % look_every == 0 or done == config.steps or reason):
                continue
            window, waiting = reduce(torch.stack(waiting), "mean").cpu(), []
            check_finite(window, done, run)
            run.losses[done - len(window) : done] = window[:, 0]
            (loss, norm), last = window.mean(0).tolist(), bool(reason) or done == config.steps
            speed, memory = len(window) * config.batch / (time.monotonic() - looked), _memory_gb(device)
            bar.set_postfix_str(f"loss {loss:.4f}, {speed:.0f}/s, {memory:.1f} GB", refresh=False)
            if watch and main:
                seen, lr = done * config.batch, config.lr_at(step)
                look = Look(done, seen, loss, norm, lr, speed, memory, last, lambda done=done: averaged(done))
                _show(watch, look, run, continue_with)
            if main and (last or time.monotonic() - saved >= save_every):
                run.write(done)
                saved = time.monotonic()
            if last:
                place.wait_for_everyone()  # nobody goes on before the state is written
            looked = time.monotonic()
            if reason and done < config.steps:
                where = f"saved in {state}; continue with {continue_with}"
                where = where if state else "nothing is saved (no file was given)"
                raise reason(f"stopped after step {done} of {config.steps}: {where}")
    return averaged(config.steps)


def _check(network, batches):
    """Refuse what cannot be trained or drawn from. A network all of whose weights are frozen, as those of a network
    that was loaded are, is freed."""
    if not isinstance(network, torch.nn.Module):
        raise TypeError(f"network must be a torch module, got {network!r}")
    weights = list(network.parameters())
    if not weights or any(weight.is_inference() for weight in weights):
        what = "made outside of torch.inference_mode()" if weights else "with weights"
        raise ValueError(f"network must be a module {what}, got a {type(network).__name__}")
    function_of("batches", batches, "n, generator")
    if not any(weight.requires_grad for weight in weights):
        network.requires_grad_(True)


def _show(watch, look, run, continue_with):
    """``watch(look)``; where it cannot write, the state of the run is written, and the error says what is kept."""
    try:
        watch(look)
    except OSError as error:
        if run.path is None:
            raise
        try:
            run.write(look.step)
            kept = f"the state after step {look.step} is saved in {run.path}; continue with {continue_with}"
        except OSError as another:
            kept = another.strerror
        where = f"{error.filename}: {error.strerror}" if error.filename else str(error)
        raise OSError(error.errno, f"cannot write {where}; {kept}") from error


def _report(config, losses):
    """For metadata: the config, the loss, a thin curve of the losses of the steps done, [n], and versions."""
    parts = np.array_split(losses.double().numpy(), min(CURVE_POINTS, len(losses)))
    curve = [round(float(part.mean()), 5) for part in parts]
    versions = {
        "toylab": __version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    done = {} if len(losses) == config.steps else {"steps_done": len(losses)}
    return {"training": asdict(config), **done, "loss": curve[-1], "loss_curve": curve, "versions": versions}


def _about(network, schedule):
    """The marks of this run, apart from its config."""
    story = getattr(network, "metadata", {})
    return {
        "network": type(network).__name__,
        "arguments": getattr(network, "arguments", None),
        "schedule": schedule.name,
        "dataset": getattr(network, "dataset", None),
        "data": story.get("data"),
        **({"start": story["start"]} if "start" in story else {}),
    }


def _step(model, optimizer, parts, config, count):
    """One step of the optimiser on this process's `parts` of the batch: its loss and the norm of the gradient, [2]."""
    total = 0
    for place, part in enumerate(parts, 1):
        with nullcontext() if count == 1 or place == len(parts) else model.no_sync():
            loss = _part_loss(model, part, config) * (len(part[0]) * count / config.batch)
            loss.backward()
        total = total + loss.detach()
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    optimizer.zero_grad()
    return torch.stack([total, norm])


def _parts(place, device, batches, schedule, config, step):
    """This process's share of the examples of `step`, in `accumulate` parts, see `examples.draw`."""
    share = examples.draw(batches, schedule, config, step, place.process_index, place.num_processes, device)
    return list(zip(*(whole.chunk(config.accumulate) for whole in share), strict=True))


def _part_loss(model, part, config):
    x_t, t, noise, weight, *labels = part
    with torch.autocast(x_t.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        prediction = model(x_t, t, *labels)
    return _loss(prediction, noise, weight)


def _loss(prediction, noise, weight):
    """The weighted mean squared error, a scalar."""
    if prediction.shape != noise.shape:
        raise ValueError(f"network must give a tensor like x, {list(noise.shape)}, got {list(prediction.shape)}")
    return (weight * (prediction - noise).square().flatten(1).mean(1)).mean()


def _memory_gb(device):
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 1e9
    return psutil.Process().memory_info().rss / 1e9
