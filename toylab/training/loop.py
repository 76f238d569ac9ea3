"""The training loop: denoising score matching for any epsilon-network, on any device, alone or with others."""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

import psutil
import torch

from toylab import _processes as processes
from toylab._errors import number, positive_int
from toylab._progress import Bar
from toylab.schedules import as_schedule
from toylab.training import examples
from toylab.training.average import Average
from toylab.training.compiling import compiled
from toylab.training.config import TrainConfig
from toylab.training.report import report
from toylab.training.state import ResumeState
from toylab.training.stopping import Interrupted, StopRequest, TimeUp, check_finite, enough_memory


@dataclass(frozen=True)
class Look:
    """What `fit` tells its `watch` every `look_every` steps: means since the last look, on the main process.

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


def fit(
    network,
    batches,
    schedule,
    config=None,
    *,
    state=None,
    resume=False,
    progress=True,
    save_every=30.0,
    max_minutes=None,
    look_every=50,
    compile=False,
    watch=None,
    continue_with="the same call and resume=True",
):
    """Train `network(x, t)` to predict the noise in x_t; returns a network with averaged weights (EMA).

    Started by ``accelerate launch`` or torchrun, the processes share every batch: `config.batch` is that of all of
    them together, so that the run is that of one process, up to rounding. Twice the processes can work on twice the
    batch in the same time.

    Args:
        network: a module whose output is like x; it is trained in place, on the device (or devices) that accelerate
            chooses.
        batches: ``batches(n, generator) -> x0`` [n, *shape], floating point, drawn with that generator alone.
        schedule: a name or a `Schedule`. config: a `TrainConfig`.
        state: file for the resume state, written at the first look after `save_every` seconds, on Ctrl-C and at the
            end, in one piece or not at all. None writes none. All machines of a run must see it.
        resume: continue from `state`. On CPU the result equals that of an uninterrupted run bit for bit.
        progress: show a bar with loss and remaining time. continue_with: what Ctrl-C tells people to use.
        max_minutes: stop after the step in which this time is over.
        look_every: steps between two looks at the losses, each of which waits for the device; several processes
            stop only at these.
        compile: compile the network with torch.compile.
        watch: called with a `Look` at each look, before a state is written.

    The result is in eval mode and without gradients; its `metadata` holds the config, the loss (mean of
    the last hundredth of the steps), a thin loss curve and versions. Raises `Diverged` at a loss that is
    not finite (the last good state stays), `Interrupted` after Ctrl-C, `TimeUp` after max_minutes, MemoryError with
    advice, OSError when a state cannot be written, and ValueError or TypeError for bad batches, a network with another
    output shape, or a `state` that is not of this run.
    """
    schedule, config = as_schedule(schedule), config or TrainConfig()
    positive_int("look_every", look_every)
    number("save_every", save_every, 0)
    if max_minutes is not None:
        number("max_minutes", max_minutes, 0, open_low=True)
    if resume and state is None:
        raise ValueError("resume=True needs the file to resume from: state must be given")
    accelerator = processes.accelerator()
    device, main, count = accelerator.device, accelerator.is_main_process, accelerator.num_processes
    if config.batch < count:
        raise ValueError(f"batch must be at least {count}, one for each process, got {config.batch}")
    with enough_memory(config, resume):
        network.to(device).train()
        run = ResumeState(
            state, _about(network, schedule), config, network, Average(network, config.ema),
            torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True),
            losses=torch.zeros(config.steps),
        )  # fmt: skip
        start = run.restore() if resume else 0

    def averaged(done):
        run.average.network.metadata = {**getattr(network, "metadata", {}), **report(config, run.losses[:done])}
        return run.average.network

    bar = Bar(
        total=config.steps, initial=start, desc="training", unit="step",
        show=progress and main,
    )  # fmt: skip
    waiting, looked, saved = [], time.monotonic(), time.monotonic()
    devices = [device] if device.type == "cuda" else []
    with bar, StopRequest(max_minutes) as stop, enough_memory(config, resume), torch.random.fork_rng(devices):
        model = network
        if compile and start < config.steps:
            part = _parts(accelerator, batches, schedule, config, start)[0]
            model = compiled(network, lambda model: _part_loss(model, part, config), config.precision)
        model, optimizer = accelerator.prepare(model, run.optimizer)
        for step in range(start, config.steps):
            for group in optimizer.param_groups:
                group["lr"] = config.lr_at(step)
            waiting.append(_step(accelerator, model, optimizer, batches, schedule, config, step))
            run.average.update(network, step)
            bar.update()
            done, reason = step + 1, stop.reason
            if not (done % look_every == 0 or done == config.steps or (count == 1 and reason)):
                continue
            window, reason = _agree(accelerator, torch.stack(waiting), reason)
            waiting = []
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
                accelerator.wait_for_everyone()  # nobody goes on before the state is written
            looked = time.monotonic()
            if reason and done < config.steps:
                where = f"saved in {state}; continue with {continue_with}"
                where = where if state else "nothing is saved (no file was given)"
                raise reason(f"stopped after step {done} of {config.steps}: {where}")
    return averaged(config.steps)


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


def _about(network, schedule):
    """What makes a run this one, apart from its config."""
    return {
        "network": type(network).__name__,
        "arguments": getattr(network, "arguments", None),
        "schedule": schedule.name,
        "dataset": getattr(network, "dataset", None),
        "data": getattr(network, "metadata", {}).get("data"),
    }


def _step(accelerator, model, optimizer, batches, schedule, config, step):
    """One step of the optimiser on this process's share of the batch: its loss and the norm of the gradient, [2]."""
    parts = _parts(accelerator, batches, schedule, config, step)
    torch.manual_seed(examples.stream(config.seed, step, 1 + accelerator.process_index))  # for layers such as dropout
    total = 0
    for place, part in enumerate(parts, 1):
        with nullcontext() if place == len(parts) else accelerator.no_sync(model):
            loss = _part_loss(model, part, config) * (len(part[0]) * accelerator.num_processes / config.batch)
            accelerator.backward(loss)
        total = total + loss.detach()
    norm = accelerator.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    optimizer.zero_grad()
    return torch.stack([total, norm])


def _parts(accelerator, batches, schedule, config, step):
    """This process's share of the examples of `step`, in `accumulate` parts: x_t, t, noise and weights in each."""
    rank, count = accelerator.process_index, accelerator.num_processes
    share = examples.draw(batches, schedule, config, step, rank, count, accelerator.device)
    return list(zip(*(whole.chunk(config.accumulate) for whole in share), strict=True))


def _part_loss(model, part, config):
    x_t, t, noise, weight = part
    with torch.autocast(x_t.device.type, torch.bfloat16, enabled=config.precision == "bfloat16"):
        prediction = model(x_t, t)
    return _loss(prediction, noise, weight)


def _loss(prediction, noise, weight):
    """The weighted mean squared error, a scalar."""
    if prediction.shape != noise.shape:
        raise ValueError(f"network must give a tensor like x, {list(noise.shape)}, got {list(prediction.shape)}")
    return (weight * (prediction - noise).square().flatten(1).mean(1)).mean()


def _agree(accelerator, window, reason):
    """`window` as a mean over the processes, on the CPU, and the reason to stop that any of them has."""
    window = accelerator.reduce(window, "mean").cpu()
    if accelerator.num_processes == 1:
        return window, reason
    kinds = [Interrupted, TimeUp]
    votes = torch.tensor([float(reason is kind) for kind in kinds], device=accelerator.device)
    votes = accelerator.reduce(votes, "sum").tolist()
    return window, next((kind for kind, vote in zip(kinds, votes, strict=True) if vote), None)


def _memory_gb(device):
    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 1e9
    return psutil.Process().memory_info().rss / 1e9
