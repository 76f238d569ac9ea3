"""What decides the outcome of a training run, apart from network, data and schedule."""

import math
from dataclasses import asdict, dataclass, replace

from toylab._errors import number, positive_int, unknown_name

T_SAMPLING = ("log-sigma", "uniform")
WEIGHTING = ("v", "eps", "min-snr")
PRECISION = ("float32", "bfloat16")


@dataclass(frozen=True)
class TrainConfig:
    """Settings of `fit`: numbers and names, so that they fit into JSON. TypeError or ValueError for bad ones.

    steps, batch: optimiser steps, and samples in each, over all processes together.
    lr: peak learning rate of AdamW, reached after the share `warmup` of the steps, then a cosine to 0.
    weight_decay: of AdamW. clip: largest gradient norm.
    ema: decay of the average of weights that is kept, in [0, 1); (1 + n) / (10 + n) while that is less.
    t_sampling: "log-sigma" spreads t evenly over log sigma(t), "uniform" over t, from t_min to t_max.
        With a table of betas, t is rounded up to its next entry.
    weighting: "eps" is the plain mean squared error of epsilon (Ho et al. 2020); "v" divides it by
        alpha_bar (by 0.001 at least), which makes it that of v (Salimans and Ho 2022); "min-snr" multiplies it by
        min(SNR, 5) / SNR with SNR = 1 / sigma^2 (Hang et al. 2023).
    precision: of the network's arithmetic, "float32", or "bfloat16" with weights kept in float32.
    accumulate: parts in which each process works through its share of a batch, one after the other; more parts need
        less memory and give the same gradients up to rounding.
    seed: of the data, the noise and t; those of a step depend on nothing but the seed and the step.
    """

    steps: int = 5000
    batch: int = 1024
    lr: float = 5e-3
    warmup: float = 0.1
    weight_decay: float = 0.0
    clip: float = 1.0
    ema: float = 0.999
    t_sampling: str = "log-sigma"
    weighting: str = "v"
    precision: str = "float32"
    accumulate: int = 1
    seed: int = 0

    def __post_init__(self):
        positive_int("steps", self.steps)
        positive_int("batch", self.batch)
        number("lr", self.lr, 0, 1, open_low=True)
        number("warmup", self.warmup, 0, 1)
        number("weight_decay", self.weight_decay, 0, 1)
        number("clip", self.clip, 0, open_low=True)
        if number("ema", self.ema, 0, 1) == 1:
            raise ValueError("ema must be below 1, or nothing is learnt, got 1")
        for argument, known in {"t_sampling": T_SAMPLING, "weighting": WEIGHTING, "precision": PRECISION}.items():
            if getattr(self, argument) not in known:
                raise unknown_name(argument, getattr(self, argument), known)
        if positive_int("accumulate", self.accumulate) > self.batch:
            raise ValueError(f"accumulate must be at most batch, {self.batch}, got {self.accumulate}")
        positive_int("seed", self.seed, 0)

    def lr_at(self, step):
        """The learning rate of step 0, 1, ..., steps - 1."""
        warm = self.warmup * self.steps
        if step < warm:
            return self.lr * min(1.0, (step + 1) / warm)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm)))

    def differs_only_in(self, other, names):
        """Whether all other fields than these are those of another config."""
        return replace(other, **{name: getattr(self, name) for name in names}) == self

    def differences(self, other):
        """The fields in which two configs differ, as text."""
        mine, theirs = asdict(self), asdict(other)
        return ", ".join(f"{key} = {mine[key]!r}, not {theirs[key]!r}" for key in mine if mine[key] != theirs[key])
