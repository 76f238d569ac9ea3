"""Which function draws which result: what `plot()` of a measurement calls."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes

from toylab import figures
from toylab.analysis._result import Result

DRAWN_BY = {  # class of a result -> function of `toylab.figures`
    "Comparison": "plot_comparison",
    "Decomposition": "plot_decomposition",
    "ImageQuality": "plot_quality",
    "LeadingError": "plot_leading_error",
    "LocalError": "plot_local_error",
    "LogLikelihood": "plot_likelihood",
    "OffManifold": "plot_scores",
    "OptimizedGrid": "plot_nodes",
    "OrderEstimate": "plot_order",
    "OrderTable": "plot_order",
    "Sweep": "plot_sweep",
    "WorkPrecision": "plot_work",
}


def draw(result: Result, *args: Any, **options: Any) -> Axes | Sequence[Axes]:
    """Draw a result by the function for its class, or for a class that it derives from. Returns the matplotlib Axes.

    Raises:
        TypeError: for a result that no function draws.
    """
    for kind in type(result).__mro__:
        if kind.__name__ in DRAWN_BY:
            return getattr(figures, DRAWN_BY[kind.__name__])(result, *args, **options)
    raise TypeError(f"there is no figure for a {type(result).__name__}")
