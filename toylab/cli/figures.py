"""Figures in files."""

import numpy as np


def write_figure(path, draw, title):
    """Write the figure whose Axes `draw()` returns to `path`, in one piece or not at all. Opens no window.

    `title` goes above a figure that has none of its own.
    """
    import matplotlib
    import matplotlib.pyplot as plt

    from toylab._files import replacing

    matplotlib.use("agg")
    drawing = np.ravel(draw())[0].figure
    if not drawing.get_suptitle():
        drawing.suptitle(title, fontsize=15)
    try:
        with replacing(path) as file:
            drawing.savefig(file, format=path.suffix[1:].lower(), dpi=120)
    finally:
        plt.close(drawing)
