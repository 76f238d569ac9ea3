"""Training of epsilon-networks: one loop for every network, a recipe for points in the plane, several for images."""

from toylab._lazy import attach

_OBJECTS = {
    "Diverged": "stopping",
    "Interrupted": "stopping",
    "Look": "loop",
    "RECIPES": "recipes",
    "Recipe": "recipes",
    "SHIPPED": "planar",
    "TimeUp": "stopping",
    "TrainConfig": "config",
    "command": "planar",
    "fit": "loop",
    "recipe": "recipes",
    "train_2d": "planar",
    "train_all": "planar",
    "train_images": "images",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
