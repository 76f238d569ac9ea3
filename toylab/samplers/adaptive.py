"""The probability flow solved with an adaptive step size."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy.integrate import RK45
from torch import Tensor

from toylab._types import Eps
from toylab.samplers.base import Method, Noise, refuse_zero
from toylab.samplers.steps import numbers
from toylab.samplers.transfers import Classical
from toylab.schedules import Schedule


@dataclass(frozen=True)
class ProbabilityFlow(Method):
    """scipy's adaptive RK45 on dx/dt of the probability flow (Song et al. 2021, appendix D.4), the whole
    batch as one system. The grid's nodes are where states are reported; the solver places its own steps.

    Attributes:
        name: canonical name. rtol, atol: relative and absolute tolerance of the local error.
    """

    rtol: float = 1e-5
    atol: float = 1e-5

    options: ClassVar[dict] = {"rtol": float, "atol": float}
    fixed_grid: ClassVar[bool] = False

    def run(self, eps: Eps, schedule: Schedule, times: Tensor, x: Tensor, noise: Noise | None) -> Iterator[Tensor]:
        """See `Method.run`. eps is evaluated at both ends."""
        refuse_zero(self.name, schedule, times[[0, -1]])
        return self._states(eps, schedule, times, x)

    def _states(self, eps, schedule, times, x):
        def derivative(t, flat):
            state, t = torch.from_numpy(flat).to(x).reshape(x.shape), torch.tensor(t, dtype=torch.float64)
            return Classical.slope(schedule, state, eps(state, t), t).double().flatten().cpu().numpy()

        start = x.double().flatten().cpu().numpy()
        solver = RK45(derivative, times[0].item(), start, times[-1].item(), rtol=self.rtol, atol=self.atol)
        for (s,) in numbers(times[1:]):
            while solver.status == "running" and (solver.t - s) * solver.direction < 0:
                message = solver.step()
                if solver.status == "failed":
                    raise ValueError(
                        f"RK45 failed at t = {solver.t:g} ({message}); rtol or atol is too small for this eps"
                    )
            flat = solver.y if solver.t == s else solver.dense_output()(s)
            yield torch.from_numpy(np.ascontiguousarray(flat)).to(x).reshape(x.shape)
