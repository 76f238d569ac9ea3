"""A section of the results page: what it holds, who quotes it, and how it is computed."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from toylab.problems import Problem

README = "README"


@dataclass(frozen=True)
class Found:
    """The findings of a section.

    Attributes:
        settings: in words, see `settings`. tables: `toylab.analysis.Table`s.
        figures: name -> a matplotlib Figure.
    """

    settings: str
    tables: tuple
    figures: dict = field(default_factory=dict)


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        name: for the command line. quoted_by: "README", or "notebook 3". title: on the page.
        compute: () -> `Found`. seconds: what it takes on one core, roughly: a weight for the progress bar.
    """

    name: str
    quoted_by: str
    title: str
    compute: Callable[[], Found]
    seconds: float


def section(name: str, quoted_by: str, title: str, seconds: float) -> Callable[[Callable[[], Found]], Section]:
    """Make a function a `Section`."""
    return lambda compute: Section(name, quoted_by, title, compute, seconds)


def settings(what: Problem | str, **values: object) -> str:
    """A problem's title and what it was run with: "circle, linear schedule, exact; n = 128; seeds 0, 1"."""
    parts = [what if isinstance(what, str) else what.title]
    for name, value in values.items():
        if isinstance(value, tuple | list):
            parts.append(f"{name} {', '.join(map(_text, value))}")
        elif name != "progress":
            parts.append(f"{name} = {_text(value)}")
    return "; ".join(parts)


def figure(axes: Any) -> Any:
    """The Figure that an Axes, or the first of several, belongs to; closed, so that nothing shows or keeps it."""
    import matplotlib.pyplot as plt
    import numpy as np

    found = np.ravel(axes)[0].figure
    plt.close(found)
    return found


def _text(value):
    return f"{value:g}" if isinstance(value, int | float) else str(value)
