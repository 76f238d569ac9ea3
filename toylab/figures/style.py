"""One fixed line style per method, for every figure and for the player.

The hue says which slopes a method combines (its gradient part), the dash how it moves:
solid = pseudo transfer, dashed = classical; other families have dashes of their own. The hues are
those of Okabe and Ito (2008), shaded so that each stands out at about 3 to 1 or better from the
background of its theme; tests/test_player.py checks that simulated colour blindness keeps them apart.
"""

from collections.abc import Sequence
from typing import Any

from toylab._errors import unknown_name
from toylab.samplers.rows import look

THEMES = ("light", "dark")
YOURS = "yours: "  # stands before the name of a method that a reader has built: one colour, whatever it is made of
ALERTS = {"light": "#a02020", "dark": "#ff9a8f"}  # by theme: what has gone wrong

_SHADES = {  # hue: (on a light background, on a dark one)
    "blue": ("#0072B2", "#2A8FD0"),
    "orange": ("#C08500", "#E69F00"),
    "vermillion": ("#C04A00", "#E8641B"),
    "green": ("#00916A", "#00A87B"),
    "purple": ("#C0609A", "#D98CB8"),
    "sky": ("#3A9AD6", "#7CCBF5"),
    "neutral": ("#404040", "#D0D0D0"),
}
DARK = dict(_SHADES.values()) | {ALERTS["light"]: ALERTS["dark"]}  # by the shade for a light background
PAGES = {"light": ("#ffffff", "#15181c"), "dark": ("#14171c", "#f2f4f6")}  # by theme: background, text
_DASHES = {  # by family: pixels drawn and left out, at a line width of one or two
    "classical": (6, 4),
    "exponential": (8, 3, 2, 3),
    **dict.fromkeys(("data", "sigma", "ancestral"), (2, 3)),
    "frozen": (12, 4, 2, 4),
    **dict.fromkeys(("adaptive", "corrector"), (12, 4)),
}
_HUES = {  # by gradient part
    "euler": "blue",
    "improved-euler": "orange",
    "rk4": "vermillion",
    "ab2": "green",
    "ab4": "purple",
    "plms": "sky",
    "midpoint": "orange",
    "heun3": "vermillion",
    "rising-ab2": "blue",
    "rising-ab3": "green",
}


def known_theme(theme: str, known: Sequence[str] = THEMES) -> str:
    """`theme` if it is one of these; TypeError or ValueError otherwise."""
    if not isinstance(theme, str) or theme not in known:
        raise unknown_name("theme", theme, known)
    return theme


def style(method: str, theme: str = "light") -> dict[str, Any]:
    """The style of a method: {"color": "#rrggbb", "dash": (on, off, ...) in pixels, empty if solid}.

    A name that only begins with a known one ("PRK, midpoint in sigma") takes that one's style, a method
    built by parts ("plms+classical") the hue and the dash of its parts; any other name is neutral and
    solid. Raises TypeError if `method` is no string, ValueError for an unknown theme.
    """
    if not isinstance(method, str):
        raise TypeError(f"method must be a name (str), got {method!r}")
    known_theme(theme)
    family, gradient = look(method.removeprefix(YOURS))
    gradient = None if method.startswith(YOURS) else gradient
    hue = _SHADES[_HUES.get(gradient, "neutral")]
    return {"color": hue[THEMES.index(theme)], "dash": _DASHES.get(family, ())}


def line(method: str, theme: str = "light") -> dict[str, Any]:
    """The same as matplotlib keywords: ``ax.plot(x, y, **line("DDIM"))``."""
    chosen = style(method, theme)
    return {"color": chosen["color"], "linestyle": (0, chosen["dash"]) if chosen["dash"] else "-"}
