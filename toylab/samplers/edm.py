"""EDM's Heun sampler, deterministic and with churn."""

import math
from dataclasses import dataclass
from itertools import pairwise

import torch

from toylab.samplers.transfers import Pseudo


@dataclass(frozen=True)
class EDMHeun:
    """Heun's method on dy/dsigma = eps (Karras et al. 2022, Elucidating the Design Space of Diffusion-Based
    Generative Models, arXiv 2206.00364, algorithm 1; algorithm 2 with churn), y = x / sqrt(alpha_bar).

    Without churn it is PIE: improved Euler with the pseudo transfer. The two differ at t_end = 0, where this
    method takes its last step by Euler (2 N - 1 evaluations). The grid is the caller's: the paper's is
    spacing="karras".

    Attributes:
        name: canonical name.
        s_churn: noise added in all; each of N steps first raises sigma by the factor 1 + min(s_churn / N,
            sqrt(2) - 1), never above the schedule's sigma(t_max). 0, the default, is deterministic.
        s_tmin, s_tmax: limits of sigma between which noise is added. s_noise: its standard deviation,
            relative.
    """

    name: str
    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = math.inf
    s_noise: float = 1.0

    options = {"s_churn": 0.0, "s_tmin": 0.0, "s_tmax": 0.0, "s_noise": 0.0}
    fixed_grid = True

    @property
    def stochastic(self):
        """Whether the steps add noise."""
        return self.s_churn > 0

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""
        gamma = min(self.s_churn / (len(times) - 1), math.sqrt(2) - 1)
        for t, s in pairwise(times):
            if gamma > 0 and self.s_tmin <= schedule.sigma(t) <= self.s_tmax:
                x, t = self._churned(schedule, x, t, gamma, noise)
            slope = eps(x, t)
            if s > 0:
                slope = (slope + eps(Pseudo.move(schedule, x, slope, t, s), s)) / 2
            x = Pseudo.move(schedule, x, slope, t, s)
            yield x

    def _churned(self, schedule, x, t, gamma, noise):
        """(state, time) after noise that raises sigma(t) by the factor 1 + gamma."""
        sigma, top = schedule.sigma(t), torch.tensor(schedule.sigma(schedule.t_max), dtype=torch.float64)
        raised = torch.minimum((1 + gamma) * sigma, top)
        if raised <= sigma:
            return x, t
        u = schedule.t_of_sigma(raised)
        y = x / schedule.alpha_bar(t).sqrt() + (raised**2 - sigma**2).sqrt() * self.s_noise * noise(x)
        return schedule.alpha_bar(u).sqrt() * y, u
