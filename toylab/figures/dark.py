"""A figure drawn for a light page, turned into one for a dark page."""

import colorsys
from typing import Any

from matplotlib.collections import Collection
from matplotlib.colors import to_rgb, to_rgba
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.text import Text

from toylab.figures.style import DARK, PAGES

BACK, INK = (to_rgb(color) for color in PAGES["dark"])
_SHADES = {to_rgb(light): to_rgb(dark) for light, dark in DARK.items()}
_PARTS = {  # what has a color, by kind of artist
    Line2D: ("color", "markerfacecolor", "markeredgecolor"),
    Text: ("color",),
    Patch: ("facecolor", "edgecolor"),
    Collection: ("facecolor", "edgecolor"),
}


def darken(figure: Figure) -> None:
    """Give every artist of `figure` its color on a dark page, in place: the hues of methods get their shade for dark
    backgrounds, other colors keep their hue, and black and white change places. Images and color maps stay."""
    for artist in figure.findobj():
        for part in (artist, _behind(artist), getattr(artist, "arrow_patch", None)):
            _darken(part)
    for ax in figure.axes:
        ax.tick_params(which="both", color=INK, labelcolor=INK)  # also those that are made when it is drawn


def _behind(artist):
    """The patch behind a text."""
    return artist.get_bbox_patch() if isinstance(artist, Text) else None


def _darken(artist: Any) -> None:
    if isinstance(artist, Collection) and artist.get_array() is not None:
        return
    for kind, names in _PARTS.items():
        if isinstance(artist, kind):
            before = {name: getattr(artist, f"get_{name}")() for name in names}
            for name, value in before.items():
                dark = [on_dark(each) for each in value] if kind is Collection else on_dark(value)
                getattr(artist, f"set_{name}")(dark)


def on_dark(color: Any) -> tuple[float, float, float, float]:
    """A color of matplotlib on a dark page, with the same opacity."""
    red, green, blue, opacity = to_rgba(color)
    rgb = red, green, blue
    if rgb in _SHADES:
        return *_SHADES[rgb], opacity
    if max(rgb) - min(rgb) < 0.05:
        dark = [back + (1 - sum(rgb) / 3) * (ink - back) for back, ink in zip(BACK, INK, strict=True)]
    else:
        hue, lightness, saturation = colorsys.rgb_to_hls(*rgb)
        dark = colorsys.hls_to_rgb(hue, BACK[0] + (1 - lightness) * (INK[0] - BACK[0]), saturation)
    return *dark, opacity
