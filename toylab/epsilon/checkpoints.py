"""Networks in files: safetensors with the network's whole story in the header, checked when they are read.

A checkpoint holds the weights, and in its header one entry ``toylab``, JSON with ``format`` (`FORMAT`),
``story`` (architecture and arguments, data set, schedule, training) and ``sha256`` over the story and the
weights. The same network gives the same bytes. Nothing else is ever opened, pickles least of all: loading
one runs whatever code it contains.
"""

import hashlib
import json
import os
from difflib import get_close_matches
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as to_bytes

from toylab import _shipped, schedules
from toylab._errors import flag, in_short
from toylab._files import finite, replacing, strict_json, user_path

if TYPE_CHECKING:
    from toylab.epsilon.mlp import MLP
    from toylab.epsilon.unet import UNet

FORMAT = "toylab-checkpoint-1"
SUFFIX = ".safetensors"
ARCHITECTURES = {"MLP": "mlp", "UNet": "unet", "Sharpener": "sharpener"}  # class and module; imported when one is met
DTYPES = ("F16", "BF16", "F32", "F64")
WORKS_IN = {"float32": torch.float32, "float64": torch.float64}


def folder() -> Path:
    """The folder where `load` looks for names: ``checkpoints`` in the shipped data, or in $TOYLAB_DATA."""
    return _shipped.data() / "checkpoints"


def checkpoint_name(dataset: str, schedule: str = "linear") -> str:
    """The name of a shipped network: ``spiral``, ``spiral-cosine``."""
    for argument, name in {"dataset": dataset, "schedule": schedule}.items():
        if not isinstance(name, str):
            raise TypeError(f"{argument} must be a name (str), got {in_short(name)}")
    return dataset if schedule == "linear" else f"{dataset}-{schedule}"


def names() -> list[str]:
    """The names of the networks that come with toylab, sorted."""
    return sorted(path.name.removesuffix(SUFFIX) for path in folder().glob(f"*{SUFFIX}"))


def story(network: "MLP | UNet") -> dict:
    """The story of `network` for a file, as a JSON-able dict: how to rebuild it, then its `metadata`."""
    return finite(
        {
            **network.metadata,
            "architecture": type(network).__name__,
            "arguments": network.arguments,
            "dataset": network.dataset,
            "schedule": _schedule_entry(network.schedule),
            "parameters": sum(p.numel() for p in network.parameters()),
        }
    )


def save(network: "MLP | UNet", path: str | os.PathLike, half: bool = False) -> None:
    """Write `network` to `path` (*.safetensors; folders are made), in one piece or not at all.

    half: store the weights in float16, half the size; `load` gives a network that works in its former type.

    ValueError for weights that are not finite, a schedule that is not one of toylab's by name nor a table, an
    unknown architecture or another suffix; OSError when the file cannot be written.
    """
    path = checked_path(path)
    if type(network).__name__ not in ARCHITECTURES:
        raise TypeError(f"network must be one of: {', '.join(ARCHITECTURES)}; got {type(network).__name__}")
    weights = {key: value.detach().cpu().contiguous() for key, value in network.state_dict().items()}
    about = story(network)
    if flag("half", half):
        about["works_in"] = _works_in(weights)
        weights = {key: value.half() for key, value in weights.items()}
    for key, value in weights.items():
        if not value.isfinite().all():
            raise ValueError(f"cannot save {path}: the weights {key!r} are not finite{' in float16' if half else ''}")
    header = {"format": FORMAT, "sha256": digest(about, weights), "story": about}
    with replacing(path) as file:
        file.write(to_bytes(weights, {"toylab": strict_json(header, sort_keys=True)}))


@torch.inference_mode(False)
def load(name_or_path: str | os.PathLike) -> "MLP | UNet":
    """The network of this name (see `names`) or in this file, in eval mode and without gradients.

    A string without a folder and a suffix is a name; the suffix of a file may be left out. The network has
    `schedule`, `dataset` and `metadata`, and answers ``net(x, t) -> like x``. FileNotFoundError, with the nearest
    name, when there is none; ValueError for any file that is not a complete and unaltered checkpoint.

    Published image models in the layout of diffusers load too, from a folder or from the Hugging Face Hub by
    owner/name, such as ``google/ddpm-cifar10-32``; OSError when that is neither cached nor reachable.
    """
    if isinstance(name_or_path, (str, os.PathLike)) and _is_elsewhere(os.fspath(name_or_path)):
        from toylab.epsilon.published import is_published, load_published

        if is_published(os.fspath(name_or_path)):
            return load_published(name_or_path)
    path = _find(name_or_path)
    try:
        with safe_open(path, framework="pt") as file:
            about, sha256, build, dtype = _read_header(path, file.metadata() or {})
            _compare_layout(path, file, build("meta"))
            weights = {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path} is not a complete safetensors file: {error}") from None
    if digest(about, weights) != sha256:
        raise ValueError(f"{path} is damaged: its contents do not match its sha256")
    for key, value in weights.items():
        if not value.isfinite().all():
            raise ValueError(f"{path} has weights that are not finite: {key!r}")
    network = build("cpu").to(dtype or next(iter(weights.values())).dtype)
    network.load_state_dict(weights)
    network.dataset, network.metadata = about["dataset"], about
    return network.eval().requires_grad_(False)


def _is_elsewhere(text):
    """True if `text` can only mean a folder or a model of the Hub; diffusers is not imported for anything else."""
    if not isinstance(text, str) or text.endswith(SUFFIX) or _with_suffix(text):
        return False
    return "/" in text or os.sep in text or user_path(text).is_dir()


def _with_suffix(text):
    """The checkpoint that is called `text` but for its suffix, where there is one and nothing is called `text`."""
    path = user_path(f"{text}{SUFFIX}")
    return path if path.is_file() and not user_path(text).exists() else None


def checked_path(path: str | os.PathLike) -> Path:
    """`path` as a Path; ValueError unless it ends in .safetensors."""
    path = user_path(path)
    if path.suffix != SUFFIX:
        raise ValueError(f"path must end in {SUFFIX} (pickles are never written or opened), got {str(path)!r}")
    return path


def check_schedule(schedule: schedules.Schedule) -> None:
    """ValueError unless a file can say which schedule this is."""
    _schedule_entry(schedule)


def _works_in(weights):
    dtype = next(iter(weights.values())).dtype
    known = {value: name for name, value in WORKS_IN.items()}
    if dtype not in known:
        raise ValueError(f"half needs a network of type {' or '.join(known.values())}, got {dtype}")
    return known[dtype]


def _schedule_entry(schedule):
    """A schedule for a story: its name if that is enough to find it again, else a table's betas."""
    try:
        known = schedules.get(schedule.name)
    except ValueError:
        known = None
    table = isinstance(schedule, schedules.Table)
    if type(known) is type(schedule) and (not table or torch.equal(known.betas, schedule.betas)):
        return schedule.name
    if table:
        return {"betas": schedule.betas.tolist()}
    names = ", ".join(schedules.names())
    raise ValueError(f"schedule must be one that a file can name ({names}) or a table to be saved, got {schedule!r}")


def _schedule_of(entry):
    return schedules.from_betas(entry["betas"]) if isinstance(entry, dict) else schedules.get(entry)


def _find(name_or_path):
    path = user_path(name_or_path, "name_or_path")
    text = os.fspath(name_or_path)
    if isinstance(name_or_path, str) and Path(text).name == text and not Path(text).suffix:
        named = folder() / f"{text.strip().lower()}{SUFFIX}"
        found = named if named.is_file() else _with_suffix(text)
        if found:
            return found
        known = names()
        near = get_close_matches(text.lower(), known, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}? " if near else ""
        listed = f"choose from: {', '.join(known)}" if known else "there are none"
        raise FileNotFoundError(
            f"no network {text!r} in {folder()}; {hint}{listed}. "
            "`toylab train DATASET` makes one, to be loaded by its path"
        )
    path = _with_suffix(text) or checked_path(path)
    if not path.exists():
        raise FileNotFoundError(f"no checkpoint {path}; `toylab train DATASET --out {path}` makes one")
    if not path.is_file():
        raise ValueError(f"{path} is not a file")
    return path


def _read_header(path, metadata):
    """The story and the sha256 in a file's metadata, a function that builds the untrained network which the story
    describes on a device, and the type it works in (None: that of the weights)."""
    if "toylab" not in metadata:
        raise ValueError(f"{path} is not a toylab checkpoint")
    try:
        header = json.loads(metadata["toylab"])
        if header["format"] != FORMAT:
            raise ValueError(f"format is {header['format']!r}, not {FORMAT!r}")
        about, sha256 = header["story"], header["sha256"]
        architecture, arguments = _architecture(about["architecture"]), about["arguments"]
        schedule = _schedule_of(about["schedule"])
        dtype = WORKS_IN[about["works_in"]] if "works_in" in about else None
        if not isinstance(about["dataset"], (str, type(None))):
            raise TypeError(f"dataset must be a name, got {about['dataset']!r}")

        def build(device):
            with torch.device(device):
                return architecture(schedule, **arguments)

        build("meta")
    except (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RuntimeError) as error:
        raise ValueError(f"{path} has metadata that describe no network: {error!r}") from None
    return about, sha256, build, dtype


def _architecture(name):
    return getattr(import_module(f".{ARCHITECTURES[name]}", __package__), name)


def _compare_layout(path, file, network):
    """ValueError unless the file's tensors have the network's names and shapes, and one float type."""
    expected = {key: list(value.shape) for key, value in network.state_dict().items()}
    found = {key: file.get_slice(key) for key in file.keys()}
    if found.keys() != expected.keys():
        wrong = ", ".join(sorted(found.keys() ^ expected.keys()))
        raise ValueError(f"{path} does not fit its architecture: missing or unexpected tensors: {wrong}")
    for key, value in found.items():
        if value.get_shape() != expected[key]:
            raise ValueError(
                f"{path}: {key!r} has shape {value.get_shape()}, but its architecture needs {expected[key]}"
            )
    dtypes = sorted({value.get_dtype() for value in found.values()})
    if len(dtypes) != 1 or dtypes[0] not in DTYPES:
        raise ValueError(f"{path} must hold tensors of one type of {', '.join(DTYPES)}, got {', '.join(dtypes)}")


def digest(about: dict, weights: dict[str, torch.Tensor]) -> str:
    """sha256 over the story `about`, and the name, dtype, shape and bytes of each tensor of `weights`."""
    found = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    for key in sorted(weights):
        value = weights[key]
        found.update(f"\n{key} {value.dtype} {list(value.shape)}\n".encode())
        found.update(value.reshape(-1).view(torch.uint8).numpy().tobytes())
    return found.hexdigest()
