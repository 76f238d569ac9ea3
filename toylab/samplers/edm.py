"""EDM's Heun sampler, deterministic and with churn."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from toylab._types import Eps
from toylab.samplers.base import Noise, Planned
from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.pairs import Pair
from toylab.samplers.steps import Step, combine, numbers, take
from toylab.samplers.transfers import Pseudo
from toylab.schedules import Schedule

PIE, DDIM = (Pair(name, GRADIENTS[part], Pseudo) for name, part in (("PIE", "improved-euler"), ("DDIM", "euler")))


@dataclass(frozen=True)
class EDMHeun(Planned):
    """Heun's method on dy/dsigma = eps (Karras et al. 2022, Elucidating the Design Space of Diffusion-Based
    Generative Models, arXiv 2206.00364, algorithm 1; algorithm 2 with churn), y = x / sqrt(alpha_bar).

    Its steps are those of PIE, but that the last step to t_end = 0 is DDIM's (2 N - 1 evaluations). The grid is the
    caller's: the paper's is spacing="karras".

    Attributes:
        name: canonical name.
        s_churn: noise added in all; each of N steps first raises sigma by the factor 1 + min(s_churn / N,
            sqrt(2) - 1), never above the schedule's sigma(t_max). 0, the default, is deterministic.
        s_tmin, s_tmax: limits of sigma between which noise is added. s_noise: its standard deviation, relative.
    """

    s_churn: float = 0.0
    s_tmin: float = 0.0
    s_tmax: float = math.inf
    s_noise: float = 1.0

    options: ClassVar[dict] = {"s_churn": 0.0, "s_tmin": 0.0, "s_tmax": 0.0, "s_noise": 0.0}
    order: ClassVar[int] = 2

    @property
    def stochastic(self) -> bool:
        """True if the steps add noise."""
        return self.s_churn > 0

    def plan(self, schedule: Schedule, t: Tensor, s: Tensor, part: range) -> list[Step]:
        """See `Planned`; without churn."""
        whole = min(part.stop, len(t) - int(s[-1] == 0))
        parts = range(part.start, whole), range(max(part.start, whole), part.stop)
        return PIE.plan(schedule, t, s, parts[0]) + DDIM.plan(schedule, t, s, parts[1])

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise | None) -> Iterator[Tensor]:
        """See `Method.run`."""
        run = self._churned if self.stochastic else super().run
        return run(eps, schedule, times, x, noise)

    def _churned(self, eps, schedule, times, x, noise):
        t, top = times[:-1], torch.tensor(schedule.sigma(schedule.t_max), dtype=torch.float64)
        sigma = schedule.sigma(t)
        raised = torch.minimum((1 + min(self.s_churn / len(t), math.sqrt(2) - 1)) * sigma, top)
        noisy = (sigma >= self.s_tmin) & (sigma <= self.s_tmax) & (raised > sigma)
        u = torch.where(noisy, schedule.t_of_sigma(raised), t)
        root = schedule.alpha_bar(u).sqrt()
        shares = root / schedule.alpha_bar(t).sqrt(), root * (raised**2 - sigma**2).clamp(min=0).sqrt() * self.s_noise
        for step, (raise_, scale, gain) in zip(
            self.steps(schedule, u, times[1:]), numbers(noisy, *shares), strict=True
        ):
            if raise_:
                x = combine(scale, x, (gain,), (noise(x),))
            x, _ = take(step, eps, x)
            yield x
