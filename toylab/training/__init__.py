"""Training of epsilon-networks: one loop for every network, a recipe for points in the plane, several for images."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.training.config import TrainConfig as TrainConfig
    from toylab.training.images import train_images as train_images
    from toylab.training.loop import Look as Look
    from toylab.training.loop import fit as fit
    from toylab.training.planar import SHIPPED as SHIPPED
    from toylab.training.planar import command as command
    from toylab.training.planar import train_2d as train_2d
    from toylab.training.planar import train_all as train_all
    from toylab.training.recipes import RECIPES as RECIPES
    from toylab.training.recipes import Recipe as Recipe
    from toylab.training.recipes import recipe as recipe
    from toylab.training.stopping import Diverged as Diverged
    from toylab.training.stopping import Interrupted as Interrupted
    from toylab.training.stopping import TimeUp as TimeUp

__getattr__, __dir__, __all__ = attach(__name__)
