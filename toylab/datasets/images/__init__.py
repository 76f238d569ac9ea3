"""Images to train on: ``load("digits")``, ``load("cifar10")``, ``load("npz:PATH")``, ``load("folder:PATH", size=64)``.

They are kept as bytes and given out as float32 in [-1, 1].
"""

from toylab.lazy import attach

_OBJECTS = {"Images": "pixels", "load": "sources", "names": "sources"}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
