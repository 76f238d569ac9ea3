"""The training loop: denoising score matching for any epsilon-network, on any device."""

import math
import platform
import signal
import threading
import time
from dataclasses import asdict

import numpy as np
import torch
from accelerate import Accelerator
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm.auto import tqdm

import toylab

from ..schedules import as_schedule
from . import state as states
from .config import TrainConfig

WINDOW = 50  # steps between two looks at the losses, each of which waits for the device
CURVE_POINTS = 100


class Diverged(FloatingPointError):
    """The loss or its gradient is no longer finite."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run after a whole step; the message says where it is saved and how to go on."""


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
    continue_with="the same call and resume=True",
):
    """Train `network(x, t)` to predict the noise in x_t; returns a network with averaged weights (EMA).

    Args:
        network: a module whose output is like x; it is trained in place, on the device accelerate chooses.
        batches: ``batches(n, generator) -> x0`` [n, *shape], floating point, drawn with that generator alone.
        schedule: a name or a `Schedule`. config: a `TrainConfig`.
        state: file for the resume state, written every `save_every` seconds, on Ctrl-C and at the end, in
            one piece or not at all. None writes none.
        resume: continue from `state`. On CPU the result equals that of an uninterrupted run bit for bit.
        progress: show a bar with loss and remaining time. continue_with: what Ctrl-C tells people to use.

    The result is in eval mode and without gradients; its `metadata` holds the config, the loss (mean of
    the last hundredth of the steps), a thin loss curve and versions. Raises `Diverged` at a loss that is
    not finite (the last good state stays), `Interrupted` after Ctrl-C, and ValueError or TypeError for
    bad batches, a network with another output shape, or a `state` that is not of this run.
    """
    schedule, config = as_schedule(schedule), config or TrainConfig()
    if resume and state is None:
        raise ValueError("resume=True needs the file to resume from: state must be given")
    accelerator = Accelerator()
    average = AveragedModel(network, multi_avg_fn=_average(config.ema)).to(accelerator.device)
    optimizer = torch.optim.AdamW(network.parameters(), lr=config.lr, weight_decay=config.weight_decay, fused=True)
    about = {key: getattr(network, key, None) for key in ("arguments", "dataset")}
    about |= {"network": type(network).__name__, "schedule": schedule.name}
    losses = torch.zeros(config.steps)
    model, optimizer = accelerator.prepare(network.train(), optimizer)
    start = states.restore(state, about, config, losses, network, average, optimizer) if resume else 0

    def save(step):
        if state is not None and accelerator.is_main_process:
            states.write(state, about, config, step, losses, network, average, optimizer)

    kept, last_save, waiting = start if resume else None, time.monotonic(), []
    bar = tqdm(
        total=config.steps,
        initial=start,
        desc="training",
        unit="step",
        delay=2,
        leave=False,
        disable=not (progress and accelerator.is_main_process),
    )
    with bar, _StopRequest() as stop:
        for step in range(start, config.steps):
            x_t, t, noise, weight = (
                part.to(accelerator.device)
                for part in _examples(
                    batches, schedule, config, step, accelerator.process_index, accelerator.num_processes
                )
            )
            loss = _loss(model(x_t, t), noise, weight)
            for group in optimizer.param_groups:
                group["lr"] = config.lr_at(step)
            optimizer.zero_grad()
            accelerator.backward(loss)
            norm = accelerator.clip_grad_norm_(model.parameters(), config.clip)
            optimizer.step()
            average.update_parameters(network)
            waiting.append(torch.stack([loss.detach(), norm]))
            bar.update()
            done = step + 1
            if done % WINDOW == 0 or done == config.steps or stop.requested:
                window = accelerator.reduce(torch.stack(waiting), "mean").cpu()
                _check_finite(window, done, kept, state)
                losses[done - len(window) : done] = window[:, 0]
                waiting.clear()
                bar.set_postfix(loss=f"{window[:, 0].mean().item():.4f}", refresh=False)
                if stop.requested or done == config.steps or time.monotonic() - last_save >= save_every:
                    save(done)
                    kept, last_save = done if state else None, time.monotonic()
            if stop.requested:
                where = (
                    f"saved in {state}; continue with {continue_with}"
                    if state
                    else "nothing is saved (no file was given)"
                )
                raise Interrupted(f"stopped after step {done} of {config.steps}: {where}")
    result = average.module.eval().requires_grad_(False)
    result.metadata = {**getattr(network, "metadata", {}), **_report(config, losses)}
    return result


def _average(decay):
    """The moving average of weights; its decay grows with the number of averaged steps n, up to `decay`."""

    def update(averages, weights, n):
        n = float(n)
        get_ema_multi_avg_fn(min(decay, (1 + n) / (10 + n)))(averages, weights, n)

    return update


def _examples(batches, schedule, config, step, rank, processes):
    """This process's share of the examples of `step`: x_t, t [n] in float64, the noise, the weights [n].

    All processes draw the whole batch from (seed, step) and take every `processes`-th of it.
    """
    stream = np.random.SeedSequence([config.seed, step]).generate_state(1, np.uint64)[0]
    generator = torch.Generator().manual_seed(int(stream))
    x0 = batches(config.batch, generator)
    if not isinstance(x0, torch.Tensor) or not x0.is_floating_point() or x0.ndim < 2 or len(x0) != config.batch:
        got = f"{x0.dtype} {list(x0.shape)}" if isinstance(x0, torch.Tensor) else repr(x0)
        raise ValueError(f"batches must give a floating-point tensor [{config.batch}, *shape], got {got}")
    if not x0.isfinite().all():
        raise ValueError(f"batches gave values that are not finite at step {step}")
    noise = torch.randn(x0.shape, generator=generator, dtype=x0.dtype)
    t = _times(schedule, config, generator)
    column = [-1] + [1] * (x0.ndim - 1)
    scale, noise_std = (
        f(t).to(x0.dtype).reshape(column) for f in (lambda t: schedule.alpha_bar(t).sqrt(), schedule.noise_std)
    )
    weight = 1 / schedule.alpha_bar(t).clamp(min=1e-3) if config.weighting == "v" else torch.ones_like(t)
    mine = slice(rank, None, processes)
    return (scale * x0 + noise_std * noise)[mine], t[mine], noise[mine], weight.to(x0.dtype)[mine]


def _times(schedule, config, generator):
    """The t [batch] of a step, float64: one in each of `batch` equal cells of its clock (less scatter than
    independent ones), in random order, so that any share of the batch spans the whole range."""
    cells = torch.randperm(config.batch, generator=generator)
    u = (cells + torch.rand(config.batch, generator=generator, dtype=torch.float64)) / config.batch
    if config.t_sampling == "uniform":
        return schedule.t_min + (schedule.t_max - schedule.t_min) * u
    low, high = (math.log(schedule.sigma(t)) for t in (schedule.t_min, schedule.t_max))
    return schedule.t_of_sigma((low + (high - low) * u).exp())


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
    parts = np.array_split(losses.double().numpy(), min(CURVE_POINTS, config.steps))
    curve = [round(float(part.mean()), 5) for part in parts]
    versions = {
        "toylab": toylab.__version__,
        "torch": str(torch.__version__),
        "python": platform.python_version(),
    }
    return {"training": asdict(config), "loss": curve[-1], "loss_curve": curve, "versions": versions}


class _StopRequest:
    """Turns the first Ctrl-C into `requested`, so that a step is never cut in two; the second acts as usual.
    Outside the main thread, which alone receives Ctrl-C, it does nothing."""

    def __init__(self):
        self.requested = False
        self._previous = None

    def _request(self, signum, frame):
        self.requested = True
        self._restore()

    def _restore(self):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *error):
        self._restore()
