"""The probability flow solved with an adaptive step size."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import RK45

from toylab.samplers.transfers import Classical


@dataclass(frozen=True)
class ProbabilityFlow:
    """scipy's adaptive RK45 on dx/dt of the probability flow (Song et al. 2021, appendix D.4), the whole
    batch as one system. The grid's nodes are where states are reported; the solver places its own steps.

    Attributes:
        name: canonical name. rtol, atol: relative and absolute tolerance of the local error.
    """

    name: str
    rtol: float = 1e-5
    atol: float = 1e-5

    options = {"rtol": float, "atol": float}
    stochastic = False
    fixed_grid = False

    def run(self, eps, schedule, times, x, noise):
        """Yields the state [batch, *shape] at every node after the first."""

        def derivative(t, flat):
            state, t = torch.from_numpy(flat).to(x).reshape(x.shape), torch.tensor(t, dtype=torch.float64)
            return Classical.slope(schedule, state, eps(state, t), t).double().flatten().cpu().numpy()

        start = x.double().flatten().cpu().numpy()
        solver = RK45(derivative, times[0].item(), start, times[-1].item(), rtol=self.rtol, atol=self.atol)
        for s in times[1:].tolist():
            while solver.status == "running" and solver.t > s:
                message = solver.step()
                if solver.status == "failed":
                    raise ValueError(
                        f"RK45 failed at t = {solver.t:g} ({message}); rtol or atol is too small for this eps"
                    )
            flat = solver.y if solver.t == s else solver.dense_output()(s)
            yield torch.from_numpy(np.ascontiguousarray(flat)).to(x).reshape(x.shape)
