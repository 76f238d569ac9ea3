"""Every number of the 2D part that the README and the notebooks quote, recomputed: ``toylab reproduce``.

A section computes its numbers with the functions that the notebooks call and says who quotes it; `reproduce`
runs sections, and the `Report` that it returns writes docs/results.md.
"""

from toylab._lazy import attach

_OBJECTS = {
    "Found": "section",
    "Report": "report",
    "Section": "section",
    "choose": "reproducing",
    "reproduce": "reproducing",
    "sections": "reproducing",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
