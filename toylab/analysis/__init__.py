"""Measuring what a solver does: sweeps over step counts, convergence order, off-manifold scores."""

from importlib import import_module

_OBJECTS = {
    "OrderEstimate": "order",
    "Sweep": "sweeps",
    "log_density": "density",
    "measure_order": "order",
    "reference_solution": "reference",
    "sweep": "runs",
}

__all__ = list(_OBJECTS)


def __getattr__(name):
    if name in _OBJECTS:
        return getattr(import_module(f"{__name__}.{_OBJECTS[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
