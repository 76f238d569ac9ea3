"""Epsilon functions ``eps(x, t) -> tensor like x``: exact in closed form, or trained networks."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.epsilon.checkpoints import checkpoint_name as checkpoint_name
    from toylab.epsilon.checkpoints import load as load
    from toylab.epsilon.checkpoints import names as names
    from toylab.epsilon.checkpoints import save as save
    from toylab.epsilon.exact import ExactEps as ExactEps
    from toylab.epsilon.exact import exact_eps as exact_eps
    from toylab.epsilon.guidance import guided as guided
    from toylab.epsilon.mlp import MLP as MLP
    from toylab.epsilon.sharpener import Sharpener as Sharpener
    from toylab.epsilon.unet import UNet as UNet

__getattr__, __dir__, __all__ = attach(__name__)
