"""Views: the trajectory player, its static picture, and one style per method.

Everything is imported on first use. The player, the picture, the tables and the styles need no torch.
"""

from toylab.lazy import attach
from toylab.views.style import line, style

_LAZY = {
    "Gallery": "gallery",
    "Player": "player",
    "Table": "tables",
    "build": "lessons",
    "clock_lab": "labs",
    "clock_table": "theory",
    "explore": "lessons",
    "explore_forward": "lessons",
    "fault_lab": "labs",
    "one_point_table": "lesson_tables",
    "order_lab": "labs",
    "phi_table": "lesson_tables",
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
    "png": "picture",
    "start_table": "lesson_tables",
    "still": "picture",
    "transfer_table": "theory",
    "twin_table": "lessons",
    "twins": "lessons",
    "work_lab": "labs",
}

__all__ = [*_LAZY, "line", "style"]
__getattr__, __dir__ = attach(__name__, _LAZY)
