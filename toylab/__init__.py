"""toylab: see and measure how diffusion samplers work as numerical methods.

Everything below is imported on first use, so that ``import toylab`` is quick and a
saved sweep can be shown where torch is not installed.
"""

from importlib import import_module

__version__ = "0.1.0"

_MODULES = (
    "analysis",
    "datasets",
    "epsilon",
    "figures",
    "grids",
    "images",
    "lessons",
    "problems",
    "samplers",
    "schedules",
    "training",
    "widgets",
)
_OBJECTS = {
    "Sweep": "toylab.analysis._sweep",
    "Trajectory": "toylab.samplers",
    "exact_eps": "toylab.epsilon",
    "iterate": "toylab.samplers",
    "load": "toylab.epsilon",
    "measure_order": "toylab.analysis",
    "method": "toylab.samplers",
    "methods": "toylab.samplers",
    "sample": "toylab.samplers",
    "save": "toylab.epsilon",
    "sweep": "toylab.analysis",
}

__all__ = [*_MODULES, *_OBJECTS]


def __getattr__(name):
    if name in _MODULES:
        return import_module(f"toylab.{name}")
    if name in _OBJECTS:
        return getattr(import_module(_OBJECTS[name]), name)
    raise AttributeError(f"module 'toylab' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
