"""The start of a run that does not begin from random weights."""

import os
from typing import Any

import torch
from torch import Tensor, nn

from toylab.epsilon import checkpoints

CLASSES = "model.class_embedding.weight"  # of a UNet with labels, [labels and one, width]


@torch.no_grad()
def begin_from(network: nn.Module, name: str | os.PathLike) -> None:
    """Give `network` the weights of another: of a shipped one, a file or a published one, as `toylab.load` takes it.

    The other's story goes into ``network.metadata["start"]``. Labels of the same names keep their embeddings; where the
    names differ, every label begins as the other's "no label"; where the other knows none, as nothing.

    Raises ValueError, which says what differs, for a network that does not fit; otherwise as `toylab.load`.
    """
    other = checkpoints.load(name)
    _compare(network, other, name)
    mine, theirs = network.state_dict(), other.state_dict()
    embeddings = theirs.pop(CLASSES, None)
    if CLASSES in mine:
        theirs[CLASSES] = _embeddings(mine[CLASSES], embeddings, network.classes == other.classes)
    _compare_layout(mine, theirs, name)
    network.load_state_dict(theirs)
    story = {key: value for key, value in other.metadata.items() if key != "loss_curve"}
    metadata: Any = network.metadata  # of which a Module's types do not know
    metadata["start"] = {"network": os.path.basename(os.fspath(name)), "story": story}


def _compare(network, other, name):
    """ValueError unless both are called, and answer, alike."""
    prediction, theirs = (each.arguments.get("prediction", "eps") for each in (network, other))
    knows = bool(getattr(network, "classes", ())), bool(getattr(other, "classes", ()))
    differences = {
        "it is for particles of another shape": (network.shape, other.shape),
        "its prediction is another": (prediction, theirs),
        "its schedule is another": (network.schedule.name, other.schedule.name),
    }
    for what, (ours, own) in differences.items():
        if ours != own:
            raise ValueError(
                f"start must be a network that fits, but {os.fspath(name)!r} does not: {what}, {own}, not {ours}"
            )
    if knows == (False, True):
        raise ValueError(
            f"start must be a network without labels here, but {os.fspath(name)!r} knows {len(other.classes)}"
        )


def _compare_layout(mine, theirs, name):
    for key in sorted(mine.keys() | theirs.keys()):
        shapes = [list(part[key].shape) if key in part else None for part in (theirs, mine)]
        if shapes[0] != shapes[1]:
            told = "it has no such weights" if shapes[0] is None else f"it has {shapes[0]}"
            raise ValueError(
                f"start must be a network that fits, but {os.fspath(name)!r} does not: at {key} {told}, not {shapes[1]}"
            )


def _embeddings(mine: Tensor, theirs: Tensor | None, same: bool) -> Tensor:
    if theirs is None:
        return torch.zeros_like(mine)
    return theirs if same else theirs[-1:].expand(len(mine), -1)
