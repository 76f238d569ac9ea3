"""The log density that an epsilon gives to samples: the probability flow from data to noise, with its divergence."""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, log, pi
from typing import Any

import torch
from torch import Tensor

from toylab import grids
from toylab._errors import number, positive_int, seed_number, unknown_name
from toylab._types import Eps, MethodLike, ScheduleLike
from toylab.analysis._order import check_deterministic, check_method
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import get, sample
from toylab.samplers.core import check_start, cost

DIVERGENCES = ("exact", "hutchinson")
EXACT = 16  # dimensions up to which the divergence is exact by default: it takes one derivative a dimension


@dataclass(frozen=True, repr=False)
class LogLikelihood(Result):
    """The log density of samples, and how it was found.

    Attributes:
        x: the samples [batch, *shape]. x_T: where the probability flow takes them.
        log_prob: log density of each at t_end, [batch], in nats; the dtype of x.
        log_volume: the part of it that is the flow's change of volume, [batch]; the rest is the density of x_T.
        method, steps, divergence: as asked for. nfe: evaluations of eps, without their derivatives.
    """

    drawn_by = "plot_likelihood"
    x: Tensor
    x_T: Tensor
    log_prob: Tensor
    log_volume: Tensor
    method: str
    steps: int
    divergence: str
    nfe: int

    def bits_per_dim(self, bin_width: float = 1.0) -> Tensor:
        """Bits a dimension that a code of this density needs, [batch].

        bin_width: distance of neighbouring values of the data, 1 / 127.5 for 8-bit images in [-1, 1]. Such data want
            noise as wide as a bin added first (Theis et al. 2016), or the density between them is what is measured.
        """
        width = number("bin_width", bin_width, 0, 1e6, open_low=True)
        return -(self.log_prob / self.x[0].numel() + log(width)) / log(2)

    def as_dict(self) -> dict:
        """All numbers but the samples."""
        found = pick(self, "method", "steps", "nfe", "divergence")
        return found | {name: getattr(self, name).tolist() for name in ("log_prob", "log_volume")}

    def table(self) -> Table:
        """Mean, standard deviation and range over the samples."""
        rows = [
            (name, *(f"{value:.4g}" for value in (v.mean(), v.std(correction=0), v.min(), v.max())))
            for name, v in (("log density [nats]", self.log_prob), ("bits per dimension", self.bits_per_dim()))
        ]
        return Table((f"{len(self.x)} samples", "mean", "std", "least", "most"), rows)


def log_likelihood(
    eps: Eps | Problem, x: Tensor, schedule: ScheduleLike | None = None, method: MethodLike = "UniPC-3",
    steps: int = 100, t_start: float | None = None, t_end: float | None = None, spacing: str = "logsnr",
    divergence: str | None = None, probes: int = 1, seed: int = 0,
    log_prior: Callable[[Tensor], Tensor] | None = None, progress: bool = True, **options: Any,
) -> LogLikelihood:  # fmt: skip
    """The log density of `x` at t_end under the probability flow of eps (Song et al. 2021, section 4.3 and D.2).

    With y = x / sqrt(alpha_bar) the flow is dy/dsigma = eps, and log p changes along it by minus the divergence of
    eps. That integral is one more coordinate of the state, so that any deterministic method finds it to its order.

    Args:
        eps: one that torch can differentiate. x: samples [batch, *shape] at t_end, floating point.
        Others: see `toylab.analysis`; the run goes from t_end to t_start.
        divergence: "exact", one derivative a dimension, or "hutchinson", `probes` random signs in place of all
            dimensions (Hutchinson 1990; the same signs in every step); by default exact up to 16 dimensions.
        probes, seed: of Hutchinson's estimate.
        log_prior: log density at t_start, ``[batch, *shape] -> [batch]``; by default that of standard normal noise.

    Raises:
        ValueError, TypeError: as `toylab.sample`; for a stochastic method, and an eps that has no derivative.
    """
    problem, method = as_problem(eps, schedule, None, None, t_start, t_end), get(method, **options)
    check_method(method)
    check_start(problem.eps, x, "x")
    check_deterministic(problem, x)
    size = x[0].numel()
    divergence = ("exact" if size <= EXACT else "hutchinson") if divergence is None else divergence
    if divergence not in DIVERGENCES:
        raise unknown_name("divergence", divergence, DIVERGENCES)
    probes, seed = positive_int("probes", probes), seed_number("seed", seed)
    directions = _axes(x) if divergence == "exact" else _signs(probes, x, seed) / probes**0.5

    times = grids.nodes(problem.schedule, steps, *problem.limits(), spacing).flip(0)
    log_ab = problem.schedule.log_alpha_bar(times[[0, -1]]).tolist()
    start = torch.cat([x.flatten(1), x.new_zeros(len(x), 1)], 1)
    augmented = _Augmented(problem, directions)
    run = sample(augmented, problem.schedule, method, x_T=start, times=times, record=False, progress=progress)
    x_T = run.x[:, :-1].reshape(x.shape)
    log_volume = run.x[:, -1] / exp(log_ab[1] / 2) + size / 2 * (log_ab[1] - log_ab[0])
    prior = (_standard_normal if log_prior is None else log_prior)(x_T)
    if not isinstance(prior, Tensor) or prior.shape != x.shape[:1]:
        raise ValueError(f"log_prior must return a tensor [{len(x)}], got {getattr(prior, 'shape', prior)!r}")
    log_prob = prior.to(x.dtype) + log_volume
    return LogLikelihood(x, x_T, log_prob, log_volume, method.name, steps, divergence, run.nfe)


class _Augmented:
    """eps of the particles [batch, d] beside sqrt(alpha_bar) times its divergence, [batch, d + 1].

    The divergence is the sum of v^T (d eps / dx) v over the `directions` v, each [1 or batch, d].
    """

    def __init__(self, problem, directions):
        self.problem, self.directions, self.evaluations = problem, directions, cost(problem)

    def __call__(self, state, t):
        x = state[:, :-1].detach().requires_grad_()
        with torch.enable_grad():
            out = self.problem.eps(x.reshape(-1, *self.problem.shape), t)
            if not out.requires_grad:
                raise TypeError("eps must be differentiable by torch, but what it returns has no derivative")
            out = out.flatten(1)
            parts = [
                torch.autograd.grad(out, x, direction.expand_as(out), retain_graph=True)[0] * direction
                for direction in self.directions
            ]
        trace = sum(part.sum(1, keepdim=True) for part in parts)
        root = (self.problem.schedule.log_alpha_bar(t) / 2).exp()
        return torch.cat([out.detach(), root * trace], 1).to(state.dtype)


def _axes(x):
    """The directions of the coordinates [d, 1, d]."""
    return torch.eye(x[0].numel(), dtype=x.dtype, device=x.device)[:, None]


def _signs(probes, x, seed):
    """Random signs [probes, batch, d]."""
    generator = torch.Generator().manual_seed(seed)
    signs = torch.randint(0, 2, (probes, len(x), x[0].numel()), generator=generator)
    return (2 * signs - 1).to(x)


def _standard_normal(x):
    return -(x.flatten(1) ** 2).sum(1) / 2 - x[0].numel() / 2 * log(2 * pi)
