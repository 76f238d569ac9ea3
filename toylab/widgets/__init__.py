"""Widgets: player, gallery, lab, pad and prediction, their static pictures and pages. Imported on first use."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.widgets.gallery import Gallery as Gallery
    from toylab.widgets.lab import Lab as Lab
    from toylab.widgets.pad import Pad as Pad
    from toylab.widgets.player import Player as Player
    from toylab.widgets.predict import Predict as Predict
    from toylab.widgets.stills import png as png
    from toylab.widgets.stills import still as still

__getattr__, __dir__, __all__ = attach(__name__)
