"""Figures for print: as wide as one or two columns of a paper, with their fonts in the file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

import matplotlib
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, findfont
from matplotlib.lines import Line2D
from matplotlib.text import Text

from toylab._files import replacing, user_path

COLUMNS = {1: 3.35, 2: 6.9}  # inches
SUFFIXES = (".pdf", ".svg", ".png")
SMALLEST = 6.0  # points of type
EMBEDDED = {"pdf.fonttype": 42, "svg.fonttype": "path"}  # TrueType in the file; in SVG, outlines

_wanted: ContextVar[int | None] = ContextVar("columns", default=None)


@contextmanager
def columns_wide(columns: int | None) -> Iterator[None]:
    """A block in which `save` makes figures as wide as so many columns (1 or 2), or leaves them as they are (None)."""
    if columns not in (None, *COLUMNS):
        raise ValueError(f"columns must be one of {', '.join(map(str, COLUMNS))}, got {columns!r}")
    token = _wanted.set(columns)
    try:
        yield
    finally:
        _wanted.reset(token)


def check_font() -> None:
    """ValueError where matplotlib is set to a font (font.family in its settings) that is not installed."""
    try:
        findfont(FontProperties(), fallback_to_default=False)
    except ValueError:
        names = ", ".join(FontProperties().get_family())
        raise ValueError(
            f"the font {names} of matplotlib's font.family is not installed; install it, or add DejaVu Sans, which "
            "comes with matplotlib"
        ) from None


def save(figure: Figure, path: str | os.PathLike, columns: int | None = None, dpi: float = 120) -> Path:
    """Write a figure to `path` (.pdf, .svg or .png) with its fonts, in one piece or not at all. Returns the path.

    Args:
        columns: 1 or 2 to make it as wide as so many columns of a paper, type and lines in proportion and never below
            6 points; None leaves it as it is. dpi: of a PNG; 300 where columns are given.

    Raises ValueError where matplotlib's font is not installed, for an unknown suffix and for other columns.
    """
    check_font()
    path = user_path(path, "out")
    if path.suffix.lower() not in SUFFIXES:
        raise ValueError(f"out must end in {', '.join(SUFFIXES)}, got {str(path)!r}")
    columns = columns or _wanted.get()
    if columns:
        _narrow(figure, COLUMNS[columns])
    with matplotlib.rc_context(EMBEDDED), replacing(path) as file:
        figure.savefig(file, format=path.suffix[1:].lower(), dpi=300 if columns else dpi)
    return path


def _narrow(figure, width):
    """Scale a figure to this width; where type would become too small, the figure gets taller in place of it."""
    old, height = figure.get_size_inches()
    scale = width / old
    texts = figure.findobj(Text)
    for text in texts:
        text.set_fontsize(max(SMALLEST, text.get_fontsize() * scale))
    for line in figure.findobj(Line2D):
        line.set_linewidth(max(0.5, line.get_linewidth() * scale))
        line.set_markersize(max(2.0, line.get_markersize() * scale))
    for ax in figure.axes:
        ax.tick_params(labelsize=max(SMALLEST, 13 * scale))
    figure.set_size_inches(width, max(height * scale, 0.62 * width / max(1, len(figure.axes))))
