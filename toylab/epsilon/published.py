"""Published weights: pixel models in the folder layout of diffusers, from disk or from the Hub."""

import os
import re
from typing import TYPE_CHECKING

import torch

from toylab import schedules
from toylab._extras import extra
from toylab._files import user_path
from toylab.schedules import Table, from_betas

if TYPE_CHECKING:
    from toylab.epsilon.unet import UNet

PREDICTIONS = {"epsilon": "eps", "v_prediction": "v"}
HUB_NAME = re.compile(r"[\w-][\w.-]*/[\w-][\w.-]*")


def is_published(text: str) -> bool:
    """True if `text` names a folder of diffusers or, where no such file exists, a model of the Hub (owner/name)."""
    path = user_path(text)
    if path.is_dir():
        return any((path / name).is_file() for name in ("model_index.json", "config.json"))
    return not path.exists() and not path.suffix == ".safetensors" and HUB_NAME.fullmatch(text) is not None


def load_published(name_or_folder: str | os.PathLike) -> "UNet":
    """The network of a diffusers pipeline, with the table of betas in its scheduler, as a `UNet`.

    Timestep i of the model is t = (i + 1) / K. Of a class-conditional one the last label is taken to mean "no label",
    as is usual where it was trained for guidance; its others are called by their numbers. Pipelines may clip x0 to
    [-1, 1] in every step (`clip_sample`); the samplers here do not. A table that ends without signal (zero terminal
    SNR) is read up to its last alpha_bar > 0.
    Weights are read from safetensors only, never from pickles (.bin).

    OSError when it can be neither found nor downloaded; ValueError, which names the source and what stands against it,
    for pipelines that are no UNet in pixels with a table of betas, or that predict x0.
    """
    with extra("images"):
        import diffusers
    from toylab.epsilon.unet import UNet

    source = str(name_or_folder)
    path = user_path(source)
    local = path.is_dir()
    # Newer versions warn of this argument's name, older ones know no other: it is given where it matters only.
    dtype = {} if torch.get_default_dtype() == torch.float32 else {"torch_dtype": torch.float32}
    try:
        pipeline = diffusers.DiffusionPipeline.from_pretrained(
            str(path) if local else source, use_safetensors=True, **dtype
        )
    except (OSError, ValueError, AttributeError, ImportError) as error:
        if "safetensors" in str(error) or (local and any(path.rglob("*.bin"))):
            raise ValueError(
                f"{source} has no weights in safetensors; others (.bin) are pickles, which are never opened. Where you "
                "trust it, diffusers' from_pretrained and save_pretrained write it anew"
            ) from error
        if local:
            raise ValueError(f"{source} holds no diffusers pipeline with unet and scheduler: {error}") from None
        raise OSError(
            f"cannot load {source!r}: it is neither in the cache nor can it be downloaded now. Connect to the internet "
            "once, or copy the model's folder (model_index.json, unet, scheduler) to this machine and give its path"
        ) from error
    model, scheduler = getattr(pipeline, "unet", None), getattr(pipeline, "scheduler", None)
    if not isinstance(model, diffusers.UNet2DModel) or hasattr(pipeline, "vqvae"):
        raise ValueError(f"{source} must be a UNet2DModel in pixels, got a {type(pipeline).__name__}")
    if not hasattr(scheduler, "betas"):
        raise ValueError(f"{source} has a {type(scheduler).__name__}, which has no table of betas: it cannot be loaded")
    if model.config.get("class_embed_type") is not None:
        told = f"class_embed_type = {model.config['class_embed_type']!r} in unet/config.json"
        raise ValueError(f"{source} has labels in a form that cannot be loaded ({told}); num_class_embeds can")
    prediction = scheduler.config.get("prediction_type", "epsilon")
    if prediction not in PREDICTIONS:
        raise ValueError(f"{source} predicts {prediction!r}; prediction_type must be one of: {', '.join(PREDICTIONS)}")
    betas = scheduler.betas[: int((scheduler.betas < 1).int().cumprod(0).sum())]
    try:
        schedule = _table(betas)
    except ValueError as error:
        raise ValueError(f"{source} has a {type(scheduler).__name__} whose betas make no schedule: {error}") from error
    network = UNet.around(model, schedule, PREDICTIONS[prediction]).eval().requires_grad_(False)
    network.metadata = {"source": source, "scheduler": type(scheduler).__name__}
    if len(betas) < len(scheduler.betas):
        network.metadata["entries_left_out"] = len(scheduler.betas) - len(betas)
    return network


def _table(betas):
    """The schedule of `betas`, which diffusers keeps in float32: in float64 where they are those of a named table."""
    for family in ("linear", "cosine"):
        named = schedules.get(f"{family}-{len(betas)}") if len(betas) > 20 else None
        if isinstance(named, Table) and torch.allclose(named.betas, betas.double(), rtol=1e-5, atol=1e-9):
            return named
    return from_betas(betas)
