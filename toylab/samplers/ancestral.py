"""Ancestral sampling: DDPM, and DDIM with eta > 0. Each step removes noise and puts some back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from toylab._types import Eps
from toylab.samplers.base import Method, Noise
from toylab.samplers.steps import combine, nodes, numbers
from toylab.schedules import Schedule


@dataclass(frozen=True)
class Ancestral(Method):
    """DDIM's family of samplers (Song, Meng and Ermon 2021, eq. 12 and 16) on any grid.

    Attributes:
        name: canonical name.
        eta: 0 is deterministic DDIM, 1 is DDPM (Ho et al. 2020) on the grid's own, coarser steps.
        variance: of the noise put back: "small", eta^2 times the posterior variance
            (1 - ab_s) / (1 - ab_t) (1 - ab_t / ab_s); or "large", 1 - ab_t / ab_s: DDPM's upper bound, whose
            mean stays that of "small".
    """

    eta: float = 1.0
    variance: str = "small"

    options: ClassVar[dict] = {"variance": ("small", "large")}
    stochastic: ClassVar[bool] = True

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise) -> Iterator[Tensor]:
        """See `Method.run`."""
        t, s = times[:-1], times[1:]
        std_t, std_s = schedule.noise_std(t), schedule.noise_std(s)
        log_ratio = schedule.log_alpha_bar(s) - schedule.log_alpha_bar(t)  # log(ab_s / ab_t) >= 0
        large = -torch.expm1(-log_ratio)
        small = self.eta**2 * (std_s / std_t) ** 2 * large
        scales = torch.exp(log_ratio / 2)
        gains = (std_s**2 - small).clamp(min=0).sqrt() - scales * std_t
        stds = (large if self.variance == "large" else small).sqrt()
        for node, (after, scale, gain, added) in zip(nodes(t), numbers(s, scales, gains, stds), strict=True):
            x = combine(scale, x, (gain,), (eps(x, node),))
            if after > 0:  # the last step to t = 0 returns the mean (Ho et al. 2020, algorithm 2)
                x = torch.add(x, noise(x), alpha=added)
            yield x

    def evaluations(self, steps: int) -> int:
        """See `Method.evaluations`: one a step."""
        return steps
