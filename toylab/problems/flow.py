"""The end point of the exact flow of a given epsilon, and how well it is known."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import DOP853
from torch import Tensor

from toylab import grids
from toylab._errors import number
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import Eps, ScheduleLike
from toylab.samplers.core import check_start, cost
from toylab.schedules import as_schedule

LOOSER = 30


@dataclass(frozen=True)
class Reference:
    """x: float64 end points [batch, *shape]. error: estimated rms error of a particle. nfe: evaluations spent."""

    x: Tensor
    error: float
    nfe: int


def reference_solution(
    eps: Eps, schedule: ScheduleLike, x_T: Tensor, t_start: float, t_end: float, rtol: float | None = None,
    progress: bool = True,
) -> Reference:  # fmt: skip
    """Solve dy/dsigma = eps, y = x / sqrt(alpha_bar), from x_T [batch, *shape] with scipy's DOP853.

    rtol defaults to 3e-14 in float64 (the least that DOP853 takes is 2.2e-14) and 1e-7 in float32. The error
    is estimated by a second solution with LOOSER times the tolerance, the error taken to be in proportion to it.
    Raises ValueError for limits out of order or range, and when the solver fails or the two differ by more than 1e-3
    of the samples' size.
    """
    schedule = as_schedule(schedule)
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    rtol = _tolerance(eps, x_T, rtol, 1e-7)
    (x,), nfe = _solve(eps, schedule, x_T, t_start, [t_end], rtol, progress)
    (coarse,), more = _solve(eps, schedule, x_T, t_start, [t_end], LOOSER * rtol, progress)
    difference = rms(x - coarse)
    if not difference <= 1e-3 * (1 + rms(x)):
        raise ValueError(f"the reference did not converge: two tolerances differ by {difference:.2g}; is eps smooth?")
    return Reference(x=x, error=difference / (LOOSER - 1), nfe=nfe + more)


def exact_flow(
    eps: Eps, schedule: ScheduleLike, x_T: Tensor, times: Sequence[float] | Tensor, rtol: float | None = None,
    progress: bool = True,
) -> Tensor:  # fmt: skip
    """The states of the exact flow at decreasing `times` [k], from x_T at times[0]: float64 [k, batch, *shape].

    As `reference_solution`, without an estimate of the error; between its own steps the solver interpolates
    to order 7. Raises ValueError for times out of order or range, and when it fails.
    """
    schedule, rtol = as_schedule(schedule), _tolerance(eps, x_T, rtol, 1e-6)
    times = grids.explicit(schedule, times).tolist()
    states, _ = _solve(eps, schedule, x_T, times[0], times[1:], rtol, progress)
    return torch.stack([x_T.detach().double(), *states])


def _tolerance(eps, x_T, rtol, single):
    """`rtol`, or the least that makes sense: `single` for states in single precision."""
    check_start(eps, x_T)
    return (3e-14 if x_T.dtype == torch.float64 else single) if rtol is None else number("rtol", rtol, 1e-14, 0.1)


def rms(difference: Tensor) -> float:
    """Root mean square over particles of the Euclidean norm of `difference` [batch, *shape], as a float."""
    return difference.double().flatten(1).norm(dim=1).square().mean().sqrt().item()


def _solve(eps, schedule, x_T, t_start, times, rtol, progress):
    """(the states at decreasing `times` after t_start, float64; evaluations)."""

    def root(t):
        return np.exp(schedule.log_alpha_bar(float(t)) / 2)

    def state(flat, t):
        return torch.from_numpy(flat * root(t)).to(x_T.device).reshape(x_T.shape)

    @torch.no_grad()
    def derivative(sigma, flat):
        t = torch.tensor(schedule.t_of_sigma(float(sigma)), dtype=torch.float64, device=x_T.device)
        with single_thread(x_T):
            return eps(state(flat, t).to(x_T.dtype), t).double().flatten().cpu().numpy()

    start, *ends = [schedule.sigma(float(t)) for t in (t_start, *times)]
    y, states = x_T.detach().double().flatten().cpu().numpy() / root(t_start), []
    solver = DOP853(derivative, start, y, ends[-1], rtol=rtol, atol=rtol)
    with Bar(total=100, desc="reference", unit="%", show=progress) as bar:
        while solver.status == "running":
            message = solver.step()
            if solver.status == "failed" or not np.isfinite(solver.y).all():
                raise ValueError(f"the reference did not converge: DOP853 stopped at sigma = {solver.t:g} ({message})")
            reached = sum(end >= solver.t for end in ends)
            between = solver.dense_output() if any(end > solver.t for end in ends[len(states) : reached]) else None
            for end, t in list(zip(ends, times, strict=True))[len(states) : reached]:
                states.append(state(between(end) if between and end != solver.t else solver.y, t))
            now = schedule.t_of_sigma(float(solver.t))  # the work is spread far more evenly over t than over sigma
            bar.update(int(100 * (t_start - now) / (t_start - times[-1])) - bar.n)
    return states, solver.nfev * cost(eps)
