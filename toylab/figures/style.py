"""One fixed line style per method, for every figure, for the player and for pages.

The hue says which slopes a method combines (its gradient part), the dash how it moves:
solid = pseudo transfer, dashed = classical; other families have dashes of their own. Markers go round a Latin
square of hues and dashes: whatever two methods share of hue, dash and marker, they differ in the other two.
Where a figure has two variants of one method, its dash must still mean the transfer: the later variant takes
another marker and a deeper shade (`told_apart`). The hues are
those of Okabe and Ito (2008), shaded so that each stands out at about 3 to 1 or better from the
background of its theme; tests/test_player.py checks that simulated colour blindness keeps them apart.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
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
_DASHES = ((), (6, 4), (8, 3, 2, 3), (2, 3), (12, 4, 2, 4), (12, 4))  # pixels drawn and left out, at a width of 1 or 2
_FAMILIES = {  # the place of their dash; 0, solid, is that of the pseudo transfer and of what nobody knows
    "classical": 1,
    "exponential": 2,
    **dict.fromkeys(("data", "sigma", "ancestral"), 3),
    "frozen": 4,
    **dict.fromkeys(("adaptive", "corrector"), 5),
}
MARKERS = "osD^vPX"  # as many as hues, and more than dashes
DEEPER = 0.4  # how far a further variant's shade goes towards the color of the text
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
    """The style of a method: {"color": "#rrggbb", "dash": (on, off, ...) in pixels, empty if solid, "marker": "o"}.

    A name that only begins with a known one ("PRK, midpoint in sigma") takes that one's style, a method
    built by parts ("plms+classical") the hue and the dash of its parts; any other name is neutral and
    solid. Markers are matplotlib's. Raises TypeError if `method` is no string, ValueError for an unknown theme.
    """
    if not isinstance(method, str):
        raise TypeError(f"method must be a name (str), got {method!r}")
    known_theme(theme)
    family, gradient = look(method.removeprefix(YOURS))
    hue = _HUES.get("" if method.startswith(YOURS) or gradient is None else gradient, "neutral")
    dash = _FAMILIES.get(family, 0)
    marker = MARKERS[(list(_SHADES).index(hue) + dash) % len(MARKERS)]
    return {"color": _SHADES[hue][THEMES.index(theme)], "dash": _DASHES[dash], "marker": marker}


def line(method: str, theme: str = "light") -> dict[str, Any]:
    """The line alone as matplotlib keywords: ``ax.plot(x, y, **line("DDIM"))``."""
    return _keywords(style(method, theme))


def told_apart(methods: Iterable[str], theme: str = "light") -> dict[str, dict[str, Any]]:
    """By method the matplotlib keywords of its line and marker in a figure of all these: no two look the same.

    A look that an earlier method has already keeps its hue and dash, and gets a marker that is free among its hue
    and a deeper shade.
    """
    looks, members = {}, defaultdict(list)
    for method in dict.fromkeys(methods):
        looks[method] = style(method, theme)
        members[looks[method]["color"]].append(method)
    for color, relatives in members.items():
        used, known = {looks[method]["marker"] for method in relatives}, defaultdict(int)
        for method in relatives:
            look, again = looks[method], known[looks[method]["dash"]]
            known[look["dash"]] += 1
            if again:
                free = next((marker for marker in MARKERS if marker not in used), look["marker"])
                used.add(free)
                looks[method] = look | {"marker": free, "color": deeper(color, again, theme)}
    return {method: _keywords(look) | {"marker": look["marker"]} for method, look in looks.items()}


def deeper(color: str, times: int, theme: str = "light") -> str:
    """A color `times` shades nearer to that of the text, so that it only stands out more from the background."""
    part = 1 - (1 - DEEPER) ** times
    channels = ([int(each[i : i + 2], 16) for i in (1, 3, 5)] for each in (color, PAGES[theme][1]))
    mixed = (round((1 - part) * own + part * ink) for own, ink in zip(*channels, strict=True))
    return "#" + "".join(f"{value:02X}" for value in mixed)


def _keywords(look):
    return {"color": look["color"], "linestyle": (0, look["dash"]) if look["dash"] else "-"}
