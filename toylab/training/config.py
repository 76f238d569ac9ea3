"""All that decides the outcome of a training run, apart from network, data and schedule."""

import math
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from toylab._errors import number, positive_int, seed_number, unknown_name

T_SAMPLING = ("log-sigma", "uniform")
WEIGHTING = ("v", "eps", "min-snr")
PRECISION = ("float32", "bfloat16")
LARGEST = {"steps": 10**8, "batch": 10**8, "seed": 2**63 - 1}


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
        for name, known in {"t_sampling": T_SAMPLING, "weighting": WEIGHTING, "precision": PRECISION}.items():
            if getattr(self, name) not in known:
                raise unknown_name(name, getattr(self, name), known)
        plain = {
            **{name: positive_int(name, getattr(self, name)) for name in ("steps", "batch", "accumulate")},
            "seed": seed_number("seed", self.seed),
            "lr": number("lr", self.lr, 0, 1, open_low=True),
            "clip": number("clip", self.clip, 0, open_low=True),
        }
        plain |= {name: number(name, getattr(self, name), 0, 1) for name in ("warmup", "weight_decay", "ema")}
        for name, most in LARGEST.items():
            if plain[name] > most:
                raise ValueError(f"{name} must be at most {most:,}, got {plain[name]}")
        if plain["ema"] == 1:
            raise ValueError("ema must be below 1, or nothing is learnt, got 1")
        if plain["accumulate"] > plain["batch"]:
            raise ValueError(f"accumulate must be at most batch, {plain['batch']}, got {plain['accumulate']}")
        for name, value in plain.items():  # what was checked is kept: a scalar of NumPy is no JSON
            object.__setattr__(self, name, value)

    def lr_at(self, step: int) -> float:
        """The learning rate of step 0, 1, ..., steps - 1."""
        warm = self.warmup * self.steps
        if step < warm:
            return self.lr * min(1.0, (step + 1) / warm)
        return self.lr * 0.5 * (1 + math.cos(math.pi * (step - warm) / (self.steps - warm)))

    def differs_only_in(self, other: "TrainConfig", names: Iterable[str]) -> bool:
        """True if all other fields than these are those of another config."""
        return replace(other, **{name: getattr(self, name) for name in names}) == self

    def differences(self, other: "TrainConfig") -> str:
        """The fields in which two configs differ, as text."""
        mine, theirs = asdict(self), asdict(other)
        return ", ".join(f"{key} = {mine[key]!r}, not {theirs[key]!r}" for key in mine if mine[key] != theirs[key])


def checked_config(config: TrainConfig | None, default: TrainConfig | None = None, **changes: Any) -> TrainConfig:
    """`config`, or the default, with these `changes`, of which None is none; TypeError for anything else."""
    config = (default or TrainConfig()) if config is None else config
    if not isinstance(config, TrainConfig):
        raise TypeError(f"config must be a TrainConfig, got {config!r}; TrainConfig(steps=..., ...) makes one")
    known = [field.name for field in fields(TrainConfig)]
    for name in changes.keys() - set(known):
        raise TypeError(str(unknown_name("setting", name, known)))  # as Python says it of arguments
    return replace(config, **{name: value for name, value in changes.items() if value is not None})
