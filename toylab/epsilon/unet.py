"""UNets for images, from diffusers, as epsilon-networks."""

import math
from reprlib import repr as in_short
from typing import Any

import torch
from torch import Tensor, nn

from toylab._errors import positive_int, unknown_name
from toylab._extras import extra
from toylab._files import finite
from toylab._threads import small_on_one_thread
from toylab._types import ScheduleLike
from toylab.epsilon.inputs import checked_times
from toylab.schedules import Table, as_schedule

with extra("images"):
    from diffusers import UNet2DModel
    from diffusers.models.embeddings import Timesteps

PREDICTIONS = ("eps", "v")
LARGEST, LEVELS, LAYERS = 2**14, 12, 16  # of sizes and widths, levels, and blocks in each: far above any UNet's
CONTINUOUS_STEPS = 1000  # the time embedding of DDPM expects positions 0 to 999


class UNet(nn.Module):
    """A diffusers `UNet2DModel` (Ho et al. 2020) behind ``eps(x, t)``.

    Args:
        schedule: a name or a `Schedule`. With a table of K betas, t = (i + 1) / K is the model's timestep i; in
            continuous time its timestep is 1000 t.
        prediction: what the model gives: "eps", or "v" = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans and
            Ho 2022), from which eps = sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x.
        **config: arguments of `UNet2DModel`; sample_size, in_channels and out_channels say what an image is.

    Attributes:
        arguments: prediction and config, JSON-able. schedule: the noise schedule.
        shape: of one image, (channels, height, width).
        dataset: name of the data it was trained on, or None. metadata: its story, see `checkpoints`.

    Raises ValueError or TypeError for arguments that make no UNet.
    """

    def __init__(self, schedule: ScheduleLike = "linear", *, prediction: str = "eps", **config: Any):
        super().__init__()
        self.schedule = as_schedule(schedule)
        if prediction not in PREDICTIONS:
            raise unknown_name("prediction", prediction, PREDICTIONS)
        config = finite(config)
        self.model = _smooth_in_time(_build(config))
        kept = self.model.config
        self.shape = (kept["in_channels"], *_size(finite(kept["sample_size"])))
        if kept["out_channels"] != self.shape[0]:
            raise ValueError(f"out_channels must be in_channels, {self.shape[0]}, got {kept['out_channels']}")
        self.arguments = {"prediction": prediction, **dict(sorted(config.items()))}
        self.dataset = None
        self.metadata = {}

    @classmethod
    def of(cls, model: UNet2DModel, schedule: ScheduleLike, prediction: str = "eps") -> "UNet":
        """A trained `UNet2DModel` as it is, with the schedule it was trained with."""
        config = {key: value for key, value in model.config.items() if not key.startswith("_")}
        with torch.device("meta"):
            network = cls(schedule, prediction=prediction, **config)
        network.model = _smooth_in_time(model)
        return network

    @small_on_one_thread
    def forward(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Epsilon at x [batch, *shape] (floating point), t a scalar or [batch] in [0, 1], of any dtype: like x.

        The model runs in the dtype of its parameters; the rest in that of x, with alpha_bar in float64.
        """
        t = checked_times(x, t, self.shape, self.training).expand(len(x))
        dtype = next(self.model.parameters()).dtype
        out = self.model(x.to(dtype), self._timestep(t), return_dict=False)[0].to(x.dtype)
        if self.arguments["prediction"] == "eps":
            return out
        log_ab = self.schedule.log_alpha_bar(t).reshape(-1, 1, 1, 1)
        return (log_ab / 2).exp().to(x.dtype) * out + (-torch.expm1(log_ab)).sqrt().to(x.dtype) * x

    def _timestep(self, t):
        if isinstance(self.schedule, Table):
            return len(self.schedule.betas) * t - 1
        return CONTINUOUS_STEPS * t


class _Embedding(nn.Module):
    """The sinusoidal embedding [n, width] of timesteps [n] of a diffusers `Timesteps` module, in float64.

    In float32, as there, the fastest sine is off by up to 6e-5 near timestep 1000, in jumps: a floor far above the
    round-off of everything else, at which no convergence order can be measured and no adaptive solver gets small.
    """

    def __init__(self, timesteps):
        super().__init__()
        half = timesteps.num_channels // 2
        powers = torch.arange(half, dtype=torch.float32, device="cpu") / (half - timesteps.downscale_freq_shift)
        frequencies = (-math.log(10000) * powers).exp() * timesteps.scale
        self.frequencies, self.cosine_first = frequencies.double().tolist(), timesteps.flip_sin_to_cos

    def forward(self, timesteps):
        phases = timesteps[:, None] * torch.tensor(self.frequencies, dtype=torch.float64, device=timesteps.device)
        parts = [phases.sin(), phases.cos()]
        return torch.cat(parts[::-1] if self.cosine_first else parts, 1)


def _smooth_in_time(model):
    """`model`, changed in place so that its positional embedding, if that is what it has, is exact."""
    if isinstance(model.time_proj, Timesteps):
        model.time_proj = _Embedding(model.time_proj)
    return model


def _build(config):
    _check_sizes(config)
    try:
        return UNet2DModel(**config)
    except (TypeError, ValueError, KeyError, ZeroDivisionError, RuntimeError, LookupError, AttributeError) as error:
        raise ValueError(f"config must be arguments of a diffusers UNet2DModel: {error}") from error


def _check_sizes(config):
    """ValueError for what no UNet has, before layers are made of it."""
    levels = config.get("block_out_channels", ())
    sizes = {
        "sample_size": config.get("sample_size"),
        "in_channels": config.get("in_channels"),
        "out_channels": config.get("out_channels"),
        "block_out_channels": levels,
    }
    for name, value in sizes.items():
        for size in value if isinstance(value, list) else [value]:
            if size is not None and positive_int(name, size) > LARGEST:
                raise ValueError(f"{name} must be integers from 1 to {LARGEST}, got {size}")
    if not isinstance(levels, (list, tuple)) or len(levels) > LEVELS:
        raise ValueError(f"block_out_channels must be a list of at most {LEVELS} integers, got {in_short(levels)}")
    if positive_int("layers_per_block", config.get("layers_per_block", 1)) > LAYERS:
        raise ValueError(f"layers_per_block must be at most {LAYERS}, got {config['layers_per_block']}")
    for name, value in config.items():
        if isinstance(value, int) and value < 0:
            raise ValueError(f"{name} must be at least 0, got {value}")


def _size(size):
    if isinstance(size, int):
        return size, size
    if not isinstance(size, list) or len(size) != 2:
        raise ValueError(f"sample_size must be the height and width of an image, got {size!r}")
    return tuple(size)
