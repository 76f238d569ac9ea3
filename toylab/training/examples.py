"""The input of the network in one step: noisy data, times, the noise to be predicted, and the weights of the errors."""

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from toylab.schedules import Schedule, Table
from toylab.training.config import TrainConfig

GAMMA = 5  # of min-SNR, the value of its authors
UNLABELLED = 0.12  # share of the examples whose labels are dropped, for the unconditional half of guidance


def draw(
    batches: Callable[[int, torch.Generator], Tensor | tuple[Tensor, Tensor]],
    schedule: Schedule,
    config: TrainConfig,
    step: int,
    rank: int = 0,
    processes: int = 1,
    device: torch.device | str = "cpu",
) -> tuple[Tensor, ...]:
    """One process's share of the examples of `step`, on `device`: x_t, t [n] in float64, the noise, the weights [n],
    and the labels [n] where `batches` gives them.

    All processes draw the whole batch from (seed, step) and take every `processes`-th of it. Data and times are drawn
    on the CPU; the noise, which costs more, where it is used: another kind of device gets other noise.
    """
    device = torch.device(device)
    seed = stream(config.seed, step)
    generator = torch.Generator("cpu").manual_seed(seed)
    given = batches(config.batch, generator)
    x0, *labels = given if isinstance(given, tuple) else (given,)
    if not isinstance(x0, torch.Tensor) or not x0.is_floating_point() or x0.ndim < 2 or len(x0) != config.batch:
        got = f"{x0.dtype} {list(x0.shape)}" if isinstance(x0, torch.Tensor) else repr(x0)
        raise ValueError(f"batches must give a floating-point tensor [{config.batch}, *shape], got {got}")
    if not x0.sum(dtype=torch.float64).isfinite():
        raise ValueError(f"batches gave values that are not finite at step {step}")
    source = generator if device.type == "cpu" else torch.Generator(device).manual_seed(seed)
    noise = torch.randn(x0.shape, generator=source, dtype=x0.dtype, device=device)
    t = _times(schedule, config, generator)
    column = [-1] + [1] * (x0.ndim - 1)
    factors = (schedule.alpha_bar(t).sqrt(), schedule.noise_std(t), weights(schedule, t, config.weighting))
    mine = slice(rank, None, processes)
    x0, t, scale, std, weight = (_onto(device, part[mine]) for part in (x0, t, *(f.to(x0.dtype) for f in factors)))
    noise = noise[mine]
    labels = [_onto(device, part[mine]) for part in labels]
    return scale.reshape(column) * x0 + std.reshape(column) * noise, t, noise, weight, *labels


def some_unlabelled(
    batches: Callable[[int, torch.Generator], tuple[Tensor, Tensor]], no_label: Tensor
) -> Callable[[int, torch.Generator], tuple[Tensor, Tensor]]:
    """`batches` of (x0, labels) with a share of the labels dropped (Ho and Salimans 2022): they become `no_label`."""

    def dropped(n, generator):
        x0, labels = batches(n, generator)
        return x0, torch.where(torch.rand(n, generator=generator) < UNLABELLED, no_label, labels)

    return dropped


def stream(*numbers: int) -> int:
    """A seed for the generator of what these numbers name."""
    return int(np.random.SeedSequence(numbers).generate_state(1, np.uint64)[0])


def _onto(device, values):
    """`values` on `device`; a GPU fetches them from pinned memory while it works on something else."""
    return values.pin_memory().to(device, non_blocking=True) if device.type == "cuda" else values.to(device)


def weights(schedule: Schedule, t: Tensor, weighting: str) -> Tensor:
    """The weight of the squared error of epsilon at t [n], float64 [n]. See `TrainConfig`."""
    if weighting == "v":
        return 1 / schedule.alpha_bar(t).clamp(min=1e-3)
    if weighting == "min-snr":
        return (GAMMA * schedule.sigma(t) ** 2).clamp(max=1)
    return torch.ones_like(t)


def _times(schedule, config, generator):
    """The t [batch] of a step, float64: one in each of `batch` equal cells of its clock (less scatter than
    independent ones), in random order, so that any share of the batch spans the whole range."""
    cells = torch.randperm(config.batch, generator=generator, device="cpu")
    u = (cells + torch.rand(config.batch, generator=generator, dtype=torch.float64, device="cpu")) / config.batch
    table = isinstance(schedule, Table)
    lowest = 0 if table else schedule.t_min
    if config.t_sampling == "uniform":
        t = lowest + (schedule.t_max - lowest) * u
    else:
        low, high = (math.log(schedule.sigma(t)) for t in (schedule.t_min, schedule.t_max))
        t = schedule.t_of_sigma((low + (high - low) * u).exp())
    if not table:
        return t
    entries = len(schedule.betas)
    return (t * entries).ceil().clamp(1, entries) / entries
