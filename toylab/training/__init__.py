"""Training of epsilon-networks: one loop for every network, and the recipe for points in the plane."""

from ..epsilon.checkpoints import checkpoint_name
from .config import TrainConfig
from .loop import Diverged, Interrupted, fit
from .planar import SHIPPED, command, train_2d, train_all

__all__ = [
    "SHIPPED",
    "Diverged",
    "Interrupted",
    "TrainConfig",
    "checkpoint_name",
    "command",
    "fit",
    "train_2d",
    "train_all",
]
