"""Epsilon functions ``eps(x, t) -> tensor like x``: exact in closed form, or trained networks."""

from toylab._lazy import attach

_OBJECTS = {
    "ExactEps": "exact",
    "exact_eps": "exact",
    "MLP": "mlp",
    "UNet": "unet",
    "checkpoint_name": "checkpoints",
    "load": "checkpoints",
    "names": "checkpoints",
    "save": "checkpoints",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
