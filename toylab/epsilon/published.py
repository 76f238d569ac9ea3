"""Published weights: unconditional pixel models in the folder layout of diffusers, from disk or from the Hub."""

import re
from pathlib import Path

import torch

from toylab import schedules
from toylab._extras import extra
from toylab.schedules import Table, from_betas

PREDICTIONS = {"epsilon": "eps", "v_prediction": "v"}
HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_published(text):
    """Whether `text` names a folder of diffusers or, where no such file exists, a model of the Hub (owner/name)."""
    path = Path(text).expanduser()
    if path.is_dir():
        return any((path / name).is_file() for name in ("model_index.json", "config.json"))
    return not path.exists() and not path.suffix == ".safetensors" and HUB_NAME.fullmatch(text) is not None


def load_published(name_or_folder):
    """The network of a diffusers pipeline, with the table of betas in its scheduler, as a `UNet`.

    Timestep i of the model is t = (i + 1) / K. Pipelines may clip x0 to [-1, 1] in every step (`clip_sample`); the
    samplers here do not.

    OSError when it can be neither found nor downloaded; ValueError for pipelines that are no unconditional UNet in
    pixels, or that predict x0.
    """
    with extra("images"):
        import diffusers
    from toylab.epsilon.unet import UNet

    source = str(name_or_folder)
    try:
        pipeline = diffusers.DiffusionPipeline.from_pretrained(source)
    except (OSError, ValueError, AttributeError, ImportError) as error:
        if Path(source).expanduser().is_dir():
            raise ValueError(f"{source} holds no diffusers pipeline with unet and scheduler: {error}") from None
        raise OSError(
            f"cannot load {source!r}: it is neither in the cache nor can it be downloaded now. Connect to the internet "
            "once, or copy the model's folder (model_index.json, unet, scheduler) to this machine and give its path"
        ) from error
    model, scheduler = getattr(pipeline, "unet", None), getattr(pipeline, "scheduler", None)
    if not isinstance(model, diffusers.UNet2DModel) or not hasattr(scheduler, "betas") or hasattr(pipeline, "vqvae"):
        raise ValueError(f"{source} must be an unconditional UNet2DModel in pixels, got a {type(pipeline).__name__}")
    prediction = scheduler.config.get("prediction_type", "epsilon")
    if prediction not in PREDICTIONS:
        raise ValueError(f"{source} predicts {prediction!r}; prediction_type must be one of: {', '.join(PREDICTIONS)}")
    network = UNet.of(model, _table(scheduler.betas), PREDICTIONS[prediction]).eval().requires_grad_(False)
    network.metadata = {"source": source, "scheduler": type(scheduler).__name__}
    return network


def _table(betas):
    """The schedule of `betas`, which diffusers keeps in float32: in float64 where they are those of a named table."""
    for family in ("linear", "cosine"):
        named = schedules.get(f"{family}-{len(betas)}") if len(betas) > 20 else None
        if isinstance(named, Table) and torch.allclose(named.betas, betas.double(), rtol=1e-5, atol=1e-9):
            return named
    return from_betas(betas)
