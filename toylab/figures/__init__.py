"""Figures: one style a method, and what matplotlib draws of measurements.

Everything but the styles is imported on first use.
"""

from toylab._lazy import attach
from toylab.figures.style import line, style

_OBJECTS = {
    "clock_table": "theory",
    "plot_clocks": "theory",
    "plot_constants": "theory",
    "plot_decomposition": "measures",
    "plot_eps_error": "plots",
    "plot_local_error": "measures",
    "plot_nodes": "theory",
    "plot_off_manifold": "plots",
    "plot_order": "plots",
    "plot_pairs": "theory",
    "plot_quality": "qualities",
    "plot_schedules": "plots",
    "plot_straight_lines": "straight",
    "plot_work": "measures",
    "transfer_table": "theory",
}

__all__ = [*_OBJECTS, "line", "style"]
__getattr__, __dir__ = attach(__name__, _OBJECTS)
