"""Training of epsilon-networks: one loop for every network, and the recipe for points in the plane."""

from ..epsilon.checkpoints import checkpoint_name
from .config import TrainConfig
from .loop import Look, fit
from .planar import SHIPPED, command, train_2d, train_all
from .pictures import train_images
from .recipes import RECIPES, Recipe, recipe
from .stopping import Diverged, Interrupted, TimeUp

__all__ = [
    "RECIPES",
    "SHIPPED",
    "Diverged",
    "Interrupted",
    "Look",
    "Recipe",
    "TimeUp",
    "TrainConfig",
    "checkpoint_name",
    "command",
    "fit",
    "recipe",
    "train_2d",
    "train_all",
    "train_images",
]
