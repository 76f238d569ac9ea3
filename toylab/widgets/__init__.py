"""Widgets: the player, the gallery and the lab, their static pictures and pages. Imported on first use."""

from toylab._lazy import attach

_OBJECTS = {
    "Gallery": "gallery",
    "Lab": "lab",
    "Player": "player",
    "png": "stills",
    "still": "stills",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
