"""The changing part of a run, and resume states: all that it needs to go on as if it had not been stopped.

Random numbers need no entry: those of a step follow from the seed and the number of the step.
"""

import io
import json
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from toylab._files import finite, replacing, strict_json
from toylab.training.config import TrainConfig

FORMAT = "toylab-training-2"
KEYS = {"format", "about", "config", "step", "losses", "network", "average", "optimizer"}


class Average:
    """The exponential moving average of weights (EMA), which is what a run gives: `network` is a copy of a network with
    averaged weights, in eval mode and without gradients.

    Its decay after n steps is `decay`, or (1 + n) / (10 + n) while that is less. Counting steps here, rather than on
    the device as torch's `AveragedModel` does, spares a wait for the device at each of them.
    """

    def __init__(self, network: nn.Module, decay: float):
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network: nn.Module, n: int) -> None:
        """Take in the weights after n + 1 steps, n = 0, 1, ... Buffers are copied."""
        averages, weights = list(self.network.parameters()), list(network.parameters())
        decay = min(self.decay, (1 + n) / (10 + n)) if n else 0.0
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)


@dataclass
class ResumeState:
    """The changing part of a run, and the file that it is kept in.

    path: the file, or None for none. about: JSON-able, what makes a run this one apart from its config.
    losses: [steps], those of the steps done. saved: the steps behind the state in the file, None before it is written.
    """

    path: Path | None
    about: dict
    config: TrainConfig
    network: nn.Module
    average: Average
    optimizer: torch.optim.Optimizer
    losses: torch.Tensor
    saved: int | None = None

    def __post_init__(self):
        self.about = finite(self.about)

    def write(self, step: int) -> None:
        """Save the state after `step` steps, in one piece or not at all. OSError says what is still there."""
        if self.path is None:
            return
        state = {
            "format": FORMAT,
            "about": strict_json(self.about),
            "config": strict_json(asdict(self.config)),
            "step": step,
            "losses": self.losses[:step].clone(),
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        contents = io.BytesIO()  # torch.save hides why a file cannot be written
        torch.save(state, contents)
        try:
            with replacing(self.path) as file:
                file.write(contents.getbuffer())
        except OSError as error:
            before = "" if self.saved is None else f"; the state after step {self.saved} is still there"
            what = f"the state after step {step} cannot be saved in {self.path}: {error.strerror or error}{before}"
            raise OSError(error.errno, what) from error
        self.saved = step

    def restore(self) -> int:
        """Load the file into the network, the average, the optimiser and the losses; the steps behind it.

        `accumulate` may differ from that of the file. FileNotFoundError when there is none; ValueError, which names
        what is wrong, for a file that is no resume state or belongs to another run. Only tensors and plain data are
        read (``weights_only``).
        """
        path = self.path
        if not path.is_file():
            raise FileNotFoundError(f"nothing to resume: there is no {path}")
        state = _read(path)
        saved = replace(TrainConfig(**json.loads(state["config"])), accumulate=self.config.accumulate)
        if saved != self.config:
            raise ValueError(f"{path} belongs to a run with other settings: {saved.differences(self.config)}")
        theirs = json.loads(state["about"])
        if theirs != self.about:
            differences = [key for key in sorted(theirs | self.about) if theirs.get(key) != self.about.get(key)]
            told = "; ".join(f"{key} = {theirs.get(key)!r}, not {self.about.get(key)!r}" for key in differences)
            raise ValueError(f"{path} belongs to another run: {told}")
        try:
            self.network.load_state_dict(state["network"])
            self.average.network.load_state_dict(state["average"])
            self.optimizer.load_state_dict(state["optimizer"])
        except (RuntimeError, ValueError, KeyError) as error:
            raise ValueError(f"{path} does not fit the network: {error}") from None
        _lay_out(self.optimizer)
        self.saved = state["step"]
        self.losses[: self.saved] = state["losses"]
        return self.saved


def _lay_out(optimizer):
    """Give what the optimiser knows of a weight the weight's layout in memory, which differs where the state comes from
    another device: fused optimisers take both in the order they lie."""
    for weight, known in optimizer.state.items():
        for name, value in known.items():
            if isinstance(value, torch.Tensor) and value.shape == weight.shape:
                known[name] = torch.empty_like(weight, dtype=value.dtype).copy_(value)


def _read(path):
    with open(path, "rb") as file:
        try:
            state = torch.load(file, map_location="cpu", weights_only=True)
        except Exception as error:  # a damaged file makes the reader raise almost anything
            raise ValueError(f"{path} is not a resume state or is damaged: {error}") from None
    if not isinstance(state, dict) or state.keys() != KEYS or state["format"] != FORMAT:
        raise ValueError(f"{path} is not a resume state of this version of toylab")
    return state
