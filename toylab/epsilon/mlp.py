"""A small epsilon-network for points in the plane."""

import math
from typing import Any

import torch
from torch import Tensor, nn

from toylab._errors import number, positive_int
from toylab._threads import small_on_one_thread
from toylab._types import ScheduleLike
from toylab.epsilon.inputs import checked_times
from toylab.schedules import as_schedule

LOG_SIGMA_SCALE = 5.0  # log sigma is clamped to +-5, sigma to [0.0067, 148]: what t in [t_min, t_max] spans


class MLP(nn.Module):
    """``eps(x, t) = sqrt(1 - alpha_bar) x + sqrt(alpha_bar) v(x, log sigma)``, with v a residual perceptron.

    In this form (v-prediction, Salimans and Ho 2022) the part to be learnt has unit scale at every t: pure
    noise gives eps = x without any learning, and near the data the network predicts eps itself. The inputs
    of v are x and log sigma with Fourier features of both; those of x are bounded, so that far from the
    data eps grows no faster than |x|.

    Args:
        schedule: a name or a `Schedule`; it turns t into sigma.
        hidden: units a layer, 1 to 1024. layers: hidden layers, 1 to 32.
        fourier: plane waves of x, 2 to 256, in directions a golden angle apart, of angular frequencies
            from 0.5 to `max_frequency` (at most 1000).
        time_features: sine and cosine pairs of log sigma, 1 to 64.

    Attributes:
        arguments: the constructor's numbers, JSON-able. schedule: the noise schedule.
        shape: of one particle, (2,).
        dataset: name of the data it was trained on, or None. metadata: its story, see `checkpoints`.
    """

    shape = (2,)

    def __init__(
        self,
        schedule: ScheduleLike = "linear",
        *,
        hidden: int = 128,
        layers: int = 4,
        fourier: int = 32,
        max_frequency: float = 12.0,
        time_features: int = 8,
    ):
        super().__init__()
        self.schedule = as_schedule(schedule)
        self.arguments: dict[str, Any] = {
            "hidden": _count("hidden", hidden, 1, 1024),
            "layers": _count("layers", layers, 1, 32),
            "fourier": _count("fourier", fourier, 2, 256),
            "max_frequency": number("max_frequency", max_frequency, 0.5, 1000, open_low=True),
            "time_features": _count("time_features", time_features, 1, 64),
        }
        self.dataset = None
        self.metadata = {}
        hidden, layers, fourier, _, harmonics = self.arguments.values()
        self.first = nn.Linear(2 + 2 * fourier + 1 + 2 * harmonics, hidden)
        self.blocks = nn.ModuleList(nn.Linear(hidden, hidden) for _ in range(layers - 1))
        self.last = nn.Linear(hidden, 2)
        nn.init.zeros_(self.last.weight)
        nn.init.zeros_(self.last.bias)
        self._set_waves()

    def _set_waves(self):
        """The features' frequencies, in the type and on the device of the weights."""
        fourier, highest, harmonics = (self.arguments[key] for key in ("fourier", "max_frequency", "time_features"))
        angles = torch.arange(fourier, dtype=torch.float64) * (math.pi * (3 - math.sqrt(5)))
        lengths = torch.logspace(math.log10(0.5), math.log10(highest), fourier, dtype=torch.float64)
        waves = lengths * torch.stack([angles.cos(), angles.sin()])
        turns = torch.arange(1, harmonics + 1, dtype=torch.float64) * (math.pi / 2)
        self.register_buffer("waves", waves.to(self.first.weight), persistent=False)
        self.register_buffer("harmonics", turns.to(self.first.weight), persistent=False)

    def _apply(self, *args, **kwargs):
        super()._apply(*args, **kwargs)
        self._set_waves()  # converted twice, they would keep the digits of the coarser type
        return self

    @small_on_one_thread
    def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Epsilon at x [batch, 2] (floating point), t a scalar or [batch] in [0, 1], of any dtype: like x.

        The perceptron runs in the dtype of its parameters; the rest in that of x, with alpha_bar in float64.
        """
        t = checked_times(x, t, self.shape, self.training)
        log_ab = self.schedule.log_alpha_bar(t).expand(len(x))[:, None]
        log_sigma = torch.expm1(-log_ab).log() / 2
        dtype = self.first.weight.dtype
        v = self._v(x.to(dtype), (log_sigma / LOG_SIGMA_SCALE).clamp(-1, 1).to(dtype)).to(x.dtype)
        return (-torch.expm1(log_ab)).sqrt().to(x.dtype) * x + (log_ab / 2).exp().to(x.dtype) * v

    def _v(self, x, u):
        """The perceptron: x [batch, 2] and scaled log sigma u [batch, 1] in [-1, 1] to v [batch, 2]."""
        phases, turns = x @ self.waves, u * self.harmonics
        h = self.first(torch.cat([x, phases.sin(), phases.cos(), u, turns.sin(), turns.cos()], 1))
        h = nn.functional.silu(h)
        for block in self.blocks:
            h = h + nn.functional.silu(block(h))
        return self.last(h)


def _count(argument, value, low, high):
    if positive_int(argument, value, low) > high:
        raise ValueError(f"{argument} must be an integer from {low} to {high}, got {value}")
    return int(value)
