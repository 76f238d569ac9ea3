"""A small neural ODE, trained on the spot through the samplers it is then solved with."""

import math
from functools import cache

import torch
from sklearn.datasets import make_moons
from torch import Tensor, nn

from toylab._errors import seed_number
from toylab.problems.problem import Problem
from toylab.problems.semilinear import linear_part
from toylab.samplers import get

HIDDEN, POINTS, NOISE = 24, 200, 0.1
STEPS, UPDATES, RATE = 6, 150, 0.03


class Field(nn.Module):
    """f(y, t) = W2 tanh(W1 y + w t + w0) + w2, y [batch, 2]: a leaky recurrent network but for its leak."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.inner = nn.Linear(3, hidden, dtype=torch.float64)
        self.outer = nn.Linear(hidden, 2, dtype=torch.float64)

    def forward(self, y: Tensor, t: Tensor | float) -> Tensor:
        t = torch.as_tensor(t, dtype=y.dtype).expand(len(y), 1)
        return self.outer(torch.tanh(self.inner(torch.cat([y, t], 1))))


def moons(seed: int = 0) -> tuple[Tensor, Tensor]:
    """(points float64 [200, 2], labels float64 [200] of 0 and 1): two half moons with noise 0.1."""
    points, labels = make_moons(POINTS, noise=NOISE, random_state=seed)
    return torch.from_numpy(points - points.mean(0)), torch.from_numpy(labels).double()


def neural_ode(seed: int = 0) -> Problem:
    """A neural ODE that tells two half moons apart (Chen et al. 2018, Neural ODEs).

    dy/dt = a(t) y + b(t) f(y, t) on [0, 1], downwards, with a leak a = 2 + cos(2 pi t), a gain
    b = 3 exp(sin(2 pi t) / 2) and f a `Field` in float64. A point of the data is where y starts, at t = 1;
    the sign of y_0 at t = 0 is its class. The field is trained in about two seconds by back-propagation
    through six steps of PIE. It depends on `seed` and, by round-off, on the machine.

    Returns a `Problem` without a closed form. `start` draws normal particles; `moons(seed)` are the data.
    """
    return _trained(seed_number("seed", seed, 32))


@cache
def _trained(seed: int) -> Problem:
    schedule = linear_part(
        lambda t: 2 + torch.cos(2 * math.pi * t), lambda t: 3 * torch.exp(torch.sin(2 * math.pi * t) / 2)
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        field = Field(HIDDEN)
    points, labels = moons(seed)
    times = torch.linspace(1, 0, STEPS + 1, dtype=torch.float64)
    optimiser = torch.optim.Adam(field.parameters(), RATE)
    with torch.enable_grad():
        for _ in range(UPDATES):
            *_, end = get("PIE").run(field, schedule, times, points, None)
            loss = nn.functional.binary_cross_entropy_with_logits(4 * end[:, 0], labels)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    field.requires_grad_(False)
    labels = {"dataset": "two moons", "schedule": "semilinear", "epsilon": "neural ODE"}
    return Problem(field, schedule, None, labels)


def accuracy(end: Tensor, labels: Tensor) -> float:
    """The share of end points [n, 2] on the side of their label [n]."""
    return ((end[:, 0] > 0) == (labels > 0.5)).double().mean().item()
