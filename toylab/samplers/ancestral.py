"""Ancestral sampling: DDPM, and DDIM with eta > 0. Each step removes noise and puts some back."""

from dataclasses import dataclass
from itertools import pairwise

import torch


@dataclass(frozen=True)
class Ancestral:
    """DDIM's family of samplers (Song, Meng and Ermon 2021, eq. 12 and 16) on any grid.

    Attributes:
        name: canonical name.
        eta: 0 is deterministic DDIM, 1 is DDPM (Ho et al. 2020) on the grid's own, coarser steps.
        variance: of the noise put back: "small", eta^2 times the posterior variance
            (1 - ab_s) / (1 - ab_t) (1 - ab_t / ab_s); or "large", 1 - ab_t / ab_s: DDPM's upper bound, whose
            mean stays that of "small".
    """

    name: str
    eta: float = 1.0
    variance: str = "small"

    options = {"variance": ("small", "large")}
    stochastic = True
    fixed_grid = True

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        for t, s in pairwise(times):
            log_ratio = schedule.log_alpha_bar(s) - schedule.log_alpha_bar(t)  # log(ab_s / ab_t) >= 0
            large = -torch.expm1(-log_ratio)
            small = self.eta**2 * (schedule.noise_std(s) / schedule.noise_std(t)) ** 2 * large
            scale = torch.exp(log_ratio / 2)
            toward = (schedule.noise_std(s) ** 2 - small).clamp(min=0).sqrt()
            x = scale * x + (toward - scale * schedule.noise_std(t)) * eps(x, t)
            if s > 0:  # the last step to t = 0 returns the mean (Ho et al. 2020, algorithm 2)
                x = x + (large if self.variance == "large" else small).sqrt() * noise(x)
            yield x
