"""Figures in files: what a view draws, and where the samples of ``toylab compare`` end."""

import numpy as np

WINDOW = 3.3
COLUMNS = 5


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


def local_errors(results):
    """A row of two panels for each `LocalError`, see `toylab.figures.plot_local_error`: the Axes [k, 2]."""
    import matplotlib.pyplot as plt

    from toylab.figures import plot_local_error
    from toylab.figures.look import in_our_look

    axes = in_our_look(plt.subplots)(len(results), 2, figsize=(13.5, 5.2 * len(results)), squeeze=False)[1]
    for row, result in zip(axes, results, strict=True):
        plot_local_error(result, row)
    return axes


def comparison(result, found):
    """A panel a method and one of the exact flow: the Axes."""
    from matplotlib.figure import Figure

    count = len(result.rows) + 1
    rows = -(-count // COLUMNS)
    columns = -(-count // rows)
    figure = Figure(figsize=(2.9 * columns, 3.3 * rows + 0.4), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    curve = found.manifold.curve(800).numpy()
    exact = result.reference.x.cpu().numpy()
    _panel(axes[0], curve, exact, "exact flow", "", f"distance {result.distance:.3g}")
    for ax, row in zip(axes[1:], result.rows, strict=False):
        error = "" if row.error is None else f", error {row.error:.3g}"
        cost = f"N = {row.steps}, NFE {row.nfe}"
        _panel(ax, curve, row.x.double().cpu().numpy(), row.method, cost, f"distance {row.distance:.3g}{error}")
    for ax in axes[count:]:
        ax.set_visible(False)
    figure.suptitle(f"{found.title}: at most {result.budget} NFE")
    return axes


def _panel(ax, curve, x, name, cost, score):
    from toylab.figures.style import line

    few = len(np.unique(curve, axis=0)) < 50
    ax.scatter(
        *curve.T,
        s=45 if few else 2,
        c="none" if few else "#a2a7ad",
        edgecolors="#a2a7ad",
        linewidths=1.5 if few else 0,
    )
    inside = (np.abs(x) <= WINDOW).all(1)
    color = "#15181c" if name == "exact flow" else line(name)["color"]
    ax.scatter(*x[inside].T, s=4, color=color, linewidths=0)
    ax.set(xlim=(-WINDOW, WINDOW), ylim=(-WINDOW, WINDOW), aspect="equal", xticks=[], yticks=[])
    ax.set_title(f"{name}   {cost}" if cost else name, loc="left", fontsize=10.5, weight="bold", color=color)
    lost = f"   {(~inside).sum()} off screen" if not inside.all() else ""
    ax.set_xlabel(score + lost, fontsize=9)
