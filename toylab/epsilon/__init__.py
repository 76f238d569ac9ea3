"""Epsilon functions ``eps(x, t) -> tensor like x``: exact in closed form, or trained networks."""

from importlib import import_module

_OBJECTS = {
    "ExactEps": "exact",
    "exact_eps": "exact",
    "MLP": "mlp",
    "load": "checkpoints",
    "names": "checkpoints",
    "save": "checkpoints",
}

__all__ = list(_OBJECTS)


def __getattr__(name):
    if name in _OBJECTS:
        return getattr(import_module(f"{__name__}.{_OBJECTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
