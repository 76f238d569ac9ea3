"""Figures: one style a method, and what matplotlib draws of measurements.

Everything but the styles is imported on first use.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach
from toylab.figures.style import line as line
from toylab.figures.style import style as style

if TYPE_CHECKING:
    from toylab.analysis._end_errors import clock_table as clock_table
    from toylab.analysis._end_errors import transfer_table as transfer_table
    from toylab.figures.likelihood import plot_likelihood as plot_likelihood
    from toylab.figures.measures import plot_decomposition as plot_decomposition
    from toylab.figures.measures import plot_local_error as plot_local_error
    from toylab.figures.measures import plot_quality as plot_quality
    from toylab.figures.measures import plot_work as plot_work
    from toylab.figures.panels import plot_comparison as plot_comparison
    from toylab.figures.panels import plot_sweep as plot_sweep
    from toylab.figures.pictures import plot_distances as plot_distances
    from toylab.figures.pictures import plot_image_paths as plot_image_paths
    from toylab.figures.pictures import plot_nearest as plot_nearest
    from toylab.figures.plots import plot_eps_error as plot_eps_error
    from toylab.figures.plots import plot_off_manifold as plot_off_manifold
    from toylab.figures.plots import plot_order as plot_order
    from toylab.figures.plots import plot_schedules as plot_schedules
    from toylab.figures.plots import plot_scores as plot_scores
    from toylab.figures.printing import save as save
    from toylab.figures.theory import plot_clocks as plot_clocks
    from toylab.figures.theory import plot_constants as plot_constants
    from toylab.figures.theory import plot_leading_error as plot_leading_error
    from toylab.figures.theory import plot_nodes as plot_nodes
    from toylab.figures.theory import plot_pairs as plot_pairs
    from toylab.figures.theory import plot_straight_lines as plot_straight_lines
    from toylab.figures.verdicts import plot_search as plot_search
    from toylab.figures.verdicts import plot_verdict as plot_verdict
    from toylab.figures.verdicts import plot_verdicts as plot_verdicts

__getattr__, __dir__, __all__ = attach(__name__)
