"""Resume states: everything an unfinished run needs to go on as if it had not been stopped."""

import json
from dataclasses import asdict
from pathlib import Path

import torch

from ..epsilon.checkpoints import replacing
from .config import TrainConfig

FORMAT = "toylab-training-1"
KEYS = {"format", "about", "config", "step", "losses", "network", "average", "optimizer"}


def write(path, about, config, step, losses, network, average, optimizer):
    """Save the state after `step` steps to `path`, in one piece or not at all."""
    state = {
        "format": FORMAT,
        "about": json.dumps(about, sort_keys=True),
        "config": json.dumps(asdict(config)),
        "step": step,
        "losses": losses[:step].clone(),
        "network": network.state_dict(),
        "average": average.state_dict(),
        "optimizer": optimizer.state_dict(),
    }
    with replacing(path) as file:
        torch.save(state, file)


def restore(path, about, config, losses, network, average, optimizer):
    """Load `path` into the given objects and return the number of steps it has behind it.

    FileNotFoundError when there is none; ValueError, which names what is wrong, for a file that is no
    resume state or belongs to another run. Only tensors and plain data are read (``weights_only``).
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"nothing to resume: there is no {path}")
    with open(path, "rb") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file makes the reader raise almost anything
            raise ValueError(f"{path} is not a resume state or is damaged: {error}") from None
    if not isinstance(state, dict) or state.keys() != KEYS or state["format"] != FORMAT:
        raise ValueError(f"{path} is not a resume state of toylab")
    saved = TrainConfig(**json.loads(state["config"]))
    if saved != config:
        raise ValueError(f"{path} belongs to a run with other settings: {saved.differences(config)}")
    if state["about"] != json.dumps(about, sort_keys=True):
        raise ValueError(f"{path} belongs to another run: {state['about']}, not {json.dumps(about, sort_keys=True)}")
    try:
        network.load_state_dict(state["network"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, ValueError, KeyError) as error:
        raise ValueError(f"{path} does not fit the network: {error}") from None
    losses[: state["step"]] = state["losses"]
    return state["step"]
