"""Measuring what a solver does: sweeps over step counts, convergence order, off-manifold scores."""

from ..lazy import attach

# no module has the name of a function in it: the package's attribute would be one or the other
_OBJECTS = {
    "Decomposition": "decompose",
    "DigitClassifier": "classifier",
    "ImageQuality": "quality",
    "ImageSweep": "image_sweeps",
    "Interrupted": "interrupted",
    "LocalError": "local",
    "OffManifold": "scores",
    "OrderEstimate": "order",
    "OrderTable": "orders",
    "Plane": "principal",
    "Sweep": "sweeps",
    "Verdict": "classifier",
    "WorkPrecision": "work",
    "decompose_error": "decompose",
    "exact_flow": "reference",
    "frechet_distance": "quality",
    "gaussian_error": "constants",
    "image_quality": "quality",
    "image_sweep": "image_sweeps",
    "in_plane": "principal",
    "leading_error": "constants",
    "local_error": "local",
    "log_density": "density",
    "measure_order": "order",
    "off_manifold": "scores",
    "optimize_grid": "node_placement",
    "order_table": "orders",
    "reference_solution": "reference",
    "sweep": "runs",
    "unlikely_of_sweep": "scores",
    "work_precision": "precision",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
