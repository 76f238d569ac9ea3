"""UNets for images, from diffusers, as epsilon-networks."""

import math
from collections.abc import Sequence
from numbers import Integral
from reprlib import repr as in_short
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from toylab._errors import positive_int, unknown_name
from toylab._extras import extra
from toylab._files import finite
from toylab._threads import small_on_one_thread
from toylab._types import ScheduleLike
from toylab.epsilon.conditioned import Labelled
from toylab.epsilon.inputs import checked_times
from toylab.schedules import Table, as_schedule

with extra("images"):
    from diffusers import UNet2DModel
    from diffusers.models.embeddings import Timesteps

PREDICTIONS = ("eps", "v")
LARGEST, LEVELS, LAYERS = 2**14, 12, 16  # of sizes and widths, levels, and blocks in each: far above any UNet's
INTEGERS = (torch.uint8, torch.int8, torch.int16, torch.int32, torch.int64)
CONTINUOUS_STEPS = 1000  # the time embedding of DDPM expects positions 0 to 999


class UNet(nn.Module):
    """A diffusers `UNet2DModel` (Ho et al. 2020) behind ``eps(x, t)``.

    Args:
        schedule: a name or a `Schedule`. With a table of K betas, t = (i + 1) / K is the model's timestep i; in
            continuous time its timestep is 1000 t.
        prediction: what the model gives: "eps", or "v" = sqrt(alpha_bar) eps - sqrt(1 - alpha_bar) x0 (Salimans and
            Ho 2022), from which eps = sqrt(alpha_bar) v + sqrt(1 - alpha_bar) x.
        classes: names of the labels 0, 1, ... that it knows; none for an unconditional network. The label after the
            last means "no label". Config may say as much by num_class_embeds, the number of labels and one.
        **config: arguments of `UNet2DModel`; sample_size, in_channels and out_channels say what an image is.

    Attributes:
        arguments: prediction, config and classes, JSON-able. schedule: the noise schedule.
        shape: of one image, (channels, height, width). classes: names of the labels, () for none.
        dataset: name of the data it was trained on, or None. metadata: its story, see `checkpoints`.

    Raises ValueError or TypeError for arguments that make no UNet.
    """

    def __init__(self, schedule: ScheduleLike = "linear", *, prediction: str = "eps",
                 classes: Sequence[str] | None = None, **config: Any):  # fmt: skip
        super().__init__()
        self.schedule = as_schedule(schedule)
        if prediction not in PREDICTIONS:
            raise unknown_name("prediction", prediction, PREDICTIONS)
        config = finite(config)
        if classes:
            classes = _checked_classes(classes, config.setdefault("num_class_embeds", len(classes) + 1))
        self.model = _smooth_in_time(_build(config))
        self.shape = self._shape_of(self.model.config)
        self.arguments = {"prediction": prediction, **dict(sorted(config.items()))}
        if classes:
            self.arguments["classes"] = classes
        self.classes = tuple(classes or map(str, range((config.get("num_class_embeds") or 1) - 1)))
        self.dataset = None
        self.metadata = {}

    @classmethod
    def around(cls, model: UNet2DModel, schedule: ScheduleLike, prediction: str = "eps") -> "UNet":
        """A trained `UNet2DModel` as it is, with the schedule it was trained with."""
        config = {key: value for key, value in model.config.items() if not key.startswith("_")}
        with torch.device("meta"):
            network = cls(schedule, prediction=prediction, **config)
        network.model = _smooth_in_time(model)
        return network

    def of(self, label: str | int | Sequence | Tensor) -> Labelled:
        """The network as an eps of one class, or of one for each particle.

        Args:
            label: a name out of `classes` or its number from 0; or one of these for each particle, as a list or an
                integer tensor [batch].

        Raises ValueError for a network without labels and a label that it does not know, TypeError for what is none.
        """
        if not self.classes:
            raise ValueError(f"label must be left out, got {in_short(label)}: this network was trained without labels")
        if isinstance(label, (list, tuple)):
            labels = torch.tensor([self._number(each) for each in label])
        elif isinstance(label, (str, Integral)):
            labels = torch.tensor(self._number(label))
        else:
            labels = torch.as_tensor(label) if isinstance(label, np.ndarray) else label
        if not isinstance(labels, Tensor) or labels.dtype not in INTEGERS or labels.ndim > 1:
            raise TypeError(f"label must be a name, an integer or integers [batch], got {in_short(label)}")
        if labels.numel() == 0 or not 0 <= int(labels.min()) <= int(labels.max()) < len(self.classes):
            raise ValueError(f"label must be an integer from 0 to {len(self.classes) - 1}, got {in_short(label)}")
        return Labelled(self, labels.long())

    def _number(self, label):
        if not isinstance(label, str):
            return label
        known = {name.lower(): number for number, name in enumerate(self.classes)}
        if label.isdecimal() and label not in known:
            return int(label)
        if label.strip().lower() not in known:
            raise unknown_name("label", label, self.classes)
        return known[label.strip().lower()]

    @property
    def no_label(self) -> Tensor | None:
        """The label that means none, int64; None for a network without labels."""
        return torch.tensor(len(self.classes), device="cpu") if self.classes else None

    def checked_labels(self, labels: Tensor | None, n: int) -> Tensor | None:
        """The labels of n particles, int64 [n], from one of all or [n]; by default `no_label`."""
        labels = self.no_label if labels is None else labels
        if labels is None:
            return None
        if not self.classes:
            raise ValueError("labels must be left out: this network was trained without labels")
        if labels.ndim and len(labels) != n:
            raise ValueError(f"labels must be one of all or one a particle, got {len(labels)} for {n} particles")
        return labels.expand(n)

    @small_on_one_thread
    def forward(self, x: Tensor, t: Tensor | float, labels: Tensor | None = None) -> Tensor:
        """Epsilon at x [batch, *shape] (floating point), t a scalar or [batch] in [0, 1], of any dtype: like x.

        labels: see `checked_labels`; without, epsilon is that of all data. The model runs in the dtype of its
        parameters; the rest in that of x, with alpha_bar in float64.
        """
        t = checked_times(x, t, self.shape, self.training).expand(len(x))
        dtype = next(self.model.parameters()).dtype
        out = self._answer(x.to(dtype), self._timestep(t), labels).to(x.dtype)
        if self.arguments["prediction"] == "eps":
            return out
        log_ab = self.schedule.log_alpha_bar(t).reshape(-1, 1, 1, 1)
        return (log_ab / 2).exp().to(x.dtype) * out + (-torch.expm1(log_ab)).sqrt().to(x.dtype) * x

    def _answer(self, x, timestep, labels):
        """The answer of the model to x in its own dtype."""
        labels = self.checked_labels(labels, len(x))
        labels = labels if labels is None else labels.to(x.device)
        return self.model(x, timestep, labels, return_dict=False)[0]

    @staticmethod
    def _shape_of(config):
        """Of one image, from the config of the model. ValueError where its output is no such image."""
        if config["out_channels"] != config["in_channels"]:
            raise ValueError(f"out_channels must be in_channels, {config['in_channels']}, got {config['out_channels']}")
        return config["in_channels"], *size_of(finite(config["sample_size"]))

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


def _checked_classes(classes, embeddings):
    """`classes` as a list of different names; ValueError unless there is an embedding for each and for no label."""
    classes = [str(name) for name in classes]
    if len({name.lower() for name in classes}) < len(classes):
        raise ValueError(f"classes must have different names, got {in_short(classes)}")
    if embeddings != len(classes) + 1:
        raise ValueError(f"num_class_embeds must be the {len(classes)} classes and one, got {embeddings}")
    return classes


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
    if config.get("num_class_embeds") is not None and not 2 <= config["num_class_embeds"] <= LARGEST:
        raise ValueError(f"num_class_embeds must be from 2 to {LARGEST}, got {config['num_class_embeds']}")
    for name, value in config.items():
        if isinstance(value, int) and value < 0:
            raise ValueError(f"{name} must be at least 0, got {value}")


def size_of(size: Any) -> tuple[int, int]:
    """(height, width) of a sample_size, which may be one number for both."""
    if isinstance(size, int):
        return size, size
    if not isinstance(size, list) or len(size) != 2:
        raise ValueError(f"sample_size must be the height and width of an image, got {size!r}")
    return size[0], size[1]
