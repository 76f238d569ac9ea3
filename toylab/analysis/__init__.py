"""Measuring what a solver does: sweeps over step counts, convergence order, off-manifold scores."""

from toylab._interrupted import Interrupted
from toylab._lazy import attach

_OBJECTS = {
    "Comparison": "_compare",
    "Decomposition": "_decompose",
    "LocalError": "_local_error",
    "OffManifold": "_off_manifold",
    "OrderEstimate": "_order",
    "OrderTable": "_order_table",
    "Sweep": "_sweep",
    "Table": "_table",
    "WorkPrecision": "_work",
    "compare": "_compare",
    "decompose_error": "_decompose",
    "gaussian_error": "_leading_error",
    "leading_error": "_leading_error",
    "local_error": "_local_error",
    "log_density": "_density",
    "measure_order": "_order",
    "off_manifold": "_off_manifold",
    "optimize_grid": "_optimize_grid",
    "order_table": "_order_table",
    "sweep": "_run_sweep",
    "unlikely_of_sweep": "_off_manifold",
    "work_precision": "_work_precision",
}

__all__ = ["Interrupted", *_OBJECTS]
__getattr__, __dir__ = attach(__name__, _OBJECTS)
