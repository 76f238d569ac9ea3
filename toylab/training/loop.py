"""The training loop: denoising score matching for any epsilon-network, on any device."""

import platform
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass

import numpy as np
import psutil
import torch
from accelerate import Accelerator
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

import toylab

from ..errors import number, positive_int
from ..schedules import as_schedule
from . import examples
from . import state as states
from .config import TrainConfig
from .stopping import Diverged, Interrupted, StopRequest, TimeUp, enough_memory

CURVE_POINTS = 100
ACCELERATE_NAMES = {"float32": "no", "bfloat16": "bf16"}


@dataclass(frozen=True)
class Look:
    """What `fit` tells its `watch` every `look_every` steps: means since the last look, on the main process.

    step: steps done. images: examples seen, over all processes. loss, grad_norm, lr: the last of lr.
    images_per_second: over all processes. memory_gb: held by this process now, or at most so far on a GPU.
    network: the averaged weights (EMA) so far, with their `metadata`.
    """

    step: int
    images: int
    loss: float
    grad_norm: float
    lr: float
    images_per_second: float
    memory_gb: float
    network: torch.nn.Module


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

    Args:
        network: a module whose output is like x; it is trained in place, on the device (or devices) that accelerate
            chooses.
        batches: ``batches(n, generator) -> x0`` [n, *shape], floating point, drawn with that generator alone.
        schedule: a name or a `Schedule`. config: a `TrainConfig`.
        state: file for the resume state, written every `save_every` seconds, on Ctrl-C and at the end, in
            one piece or not at all. None writes none.
        resume: continue from `state`. On CPU the result equals that of an uninterrupted run bit for bit.
        progress: show a bar with loss and remaining time. continue_with: what Ctrl-C tells people to use.
        max_minutes: stop after the step in which this time is over.
        look_every: steps between two looks at the losses, each of which waits for the device.
        compile: compile the network with torch.compile.
        watch: called with a `Look` after each look.

    The result is in eval mode and without gradients; its `metadata` holds the config, the loss (mean of
    the last hundredth of the steps), a thin loss curve and versions. Raises `Diverged` at a loss that is
    not finite (the last good state stays), `Interrupted` after Ctrl-C, `TimeUp` after max_minutes, MemoryError with
    advice, and ValueError or TypeError for bad batches, a network with another output shape, or a `state` that is not
    of this run.
    """
    schedule, config = as_schedule(schedule), config or TrainConfig()
    positive_int("look_every", look_every)
    if max_minutes is not None:
        number("max_minutes", max_minutes, 0, open_low=True)
    if resume and state is None:
        raise ValueError("resume=True needs the file to resume from: state must be given")
    accelerator = Accelerator(mixed_precision=ACCELERATE_NAMES[config.precision])
    average = AveragedModel(network, multi_avg_fn=_average(config.ema)).to(accelerator.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    about = {key: getattr(network, key, None) for key in ("arguments", "dataset")}
    about |= {"network": type(network).__name__, "schedule": schedule.name}
    about |= {"data": getattr(network, "metadata", {}).get("data")}
    losses = torch.zeros(config.steps)
    network.train()
    model, optimizer = accelerator.prepare(torch.compile(network) if compile else network, optimizer)
    start = states.restore(state, about, config, losses, network, average, optimizer) if resume else 0
    alone, main = accelerator.num_processes == 1, accelerator.is_main_process

    def save(step):
        if state is not None and main:
            states.write(state, about, config, step, losses, network, average, optimizer)

    def finished(steps):
        result = average.module.eval().requires_grad_(False)
        result.metadata = {**getattr(network, "metadata", {}), **_report(config, losses[:steps])}
        return result

    kept, last_save, last_look, waiting = start if resume else None, time.monotonic(), time.monotonic(), []
    bar = tqdm(
        total=config.steps, initial=start, desc="training", unit="step", delay=2, leave=False,
        disable=not (progress and main),
    )  # fmt: skip
    with bar, StopRequest(max_minutes) as stop, enough_memory(config):
        for step in range(start, config.steps):
            drawn = examples.draw(
                batches, schedule, config, step, accelerator.process_index, accelerator.num_processes
            )
            for group in optimizer.param_groups:
                group["lr"] = config.lr_at(step)
            waiting.append(_step(accelerator, model, optimizer, drawn, config))
            average.update_parameters(network)
            bar.update()
            done, reason = step + 1, stop.reason
            if done % look_every == 0 or done == config.steps or (alone and reason):
                window, reason = _agree(accelerator, torch.stack(waiting), reason)
                _check_finite(window, done, kept, state)
                losses[done - len(window) : done] = window[:, 0]
                now, waiting = time.monotonic(), []
                speed, last_look = len(window) * config.batch / (now - last_look), now
                memory = _memory_gb(accelerator.device)
                loss, norm = window.mean(0).tolist()
                bar.set_postfix_str(f"loss {loss:.4f}, {speed:.0f}/s, {memory:.1f} GB", refresh=False)
                if reason or done == config.steps or now - last_save >= save_every:
                    save(done)
                    kept, last_save = done if state else None, now
                if watch and main:
                    seen = done * config.batch
                    watch(Look(done, seen, loss, norm, config.lr_at(step), speed, memory, finished(done)))
                    last_look = time.monotonic()
                if reason and done < config.steps:
                    where = f"saved in {state}; continue with {continue_with}"
                    where = where if state else "nothing is saved (no file was given)"
                    raise reason(f"stopped after step {done} of {config.steps}: {where}")
    return finished(config.steps)


def _step(accelerator, model, optimizer, drawn, config):
    """One step of the optimiser on this process's examples: its loss and the norm of the gradient, [2]."""
    parts = list(zip(*(part.to(accelerator.device).chunk(config.accumulate) for part in drawn), strict=True))
    total = 0
    for part, (x_t, t, noise, weight) in enumerate(parts, 1):
        with nullcontext() if part == len(parts) else accelerator.no_sync(model):
            loss = _loss(model(x_t, t), noise, weight) * (len(t) / len(drawn[1]))
            accelerator.backward(loss)
        total = total + loss.detach()
    norm = accelerator.clip_grad_norm_(model.parameters(), config.clip)
    optimizer.step()
    optimizer.zero_grad()
    return torch.stack([total, norm])


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


def _average(decay):
    """The moving average of weights; its decay grows with the number of averaged steps n, up to `decay`."""

    def update(averages, weights, n):
        n = float(n)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(averages, weights, n)

    return update


def _loss(prediction, noise, weight):
    """The weighted mean squared error, a scalar."""
    if prediction.shape != noise.shape:
        raise ValueError(f"network must give a tensor like x, {list(noise.shape)}, got {list(prediction.shape)}")
    return (weight * (prediction - noise).square().flatten(1).mean(1)).mean()


def _check_finite(window, done, kept, state):
    """`Diverged`, with the step and the way on, unless the losses and gradient norms [n, 2] of the steps up
    to `done` are finite."""
    bad = (~window.isfinite()).nonzero()
    if len(bad) == 0:
        return
    row, column = bad[0].tolist()
    where = "" if kept is None else f"the state after step {kept} is kept in {state}; "
    raise Diverged(
        f"the {('loss', 'gradient')[column]} became {window[row, column].item()} at step "
        f"{done - len(window) + row + 1}: {where}train again with a smaller lr"
    )


def _report(config, losses):
    """What the loop adds to a network's metadata."""
    parts = np.array_split(losses.double().numpy(), min(CURVE_POINTS, len(losses)))
    curve = [round(float(part.mean()), 5) for part in parts]
    versions = {
        "toylab": toylab.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    done = {} if len(losses) == config.steps else {"steps_done": len(losses)}
    return {"training": asdict(config), **done, "loss": curve[-1], "loss_curve": curve, "versions": versions}
