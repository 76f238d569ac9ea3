"""Every number of the 2D part that the README and the notebooks quote, recomputed: ``toylab reproduce``.

A section computes its numbers with the functions that the notebooks call and says who quotes it; `reproduce`
runs sections, and the `Report` that it returns writes docs/results.md.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.lessons.results.report import Report as Report
    from toylab.lessons.results.reproducing import choose as choose
    from toylab.lessons.results.reproducing import reproduce as reproduce
    from toylab.lessons.results.reproducing import sections as sections
    from toylab.lessons.results.section import Found as Found
    from toylab.lessons.results.section import Section as Section

__getattr__, __dir__, __all__ = attach(__name__)
