"""One look for all matplotlib figures: large type, faint grid, no frame."""

from functools import wraps

import matplotlib.pyplot as plt

LOOK = {
    "font.size": 13,
    "axes.titlesize": 14,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "lines.linewidth": 2.2,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def in_our_look(plot):
    """Run a plotting function under the project's matplotlib settings."""

    @wraps(plot)
    def wrapped(*args, **kwargs):
        plt.draw_if_interactive()  # loads the backend: its settings would be forgotten at the end of the context
        with plt.rc_context(LOOK):
            return plot(*args, **kwargs)

    return wrapped
