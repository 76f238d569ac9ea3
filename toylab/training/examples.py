"""What the network sees in one step: noisy data, times, the noise to be predicted, and the weights of the errors."""

import math

import numpy as np
import torch

from ..schedules import Table

GAMMA = 5  # of min-SNR, the value of its authors


def draw(batches, schedule, config, step, rank=0, processes=1):
    """One process's share of the examples of `step`: x_t, t [n] in float64, the noise, the weights [n].

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
    mine = slice(rank, None, processes)
    weight = weights(schedule, t, config.weighting).to(x0.dtype)
    return (scale * x0 + noise_std * noise)[mine], t[mine], noise[mine], weight[mine]


def weights(schedule, t, weighting):
    """What the squared error of epsilon is multiplied by at t [n], float64: [n]. See `TrainConfig`."""
    if weighting == "v":
        return 1 / schedule.alpha_bar(t).clamp(min=1e-3)
    if weighting == "min-snr":
        return (GAMMA * schedule.sigma(t) ** 2).clamp(max=1)
    return torch.ones_like(t)


def _times(schedule, config, generator):
    """The t [batch] of a step, float64: one in each of `batch` equal cells of its clock (less scatter than
    independent ones), in random order, so that any share of the batch spans the whole range."""
    cells = torch.randperm(config.batch, generator=generator)
    u = (cells + torch.rand(config.batch, generator=generator, dtype=torch.float64)) / config.batch
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
