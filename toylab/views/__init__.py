"""Views: the trajectory player, its static picture, and one style per method.

The player and the picture are imported on first use, because they need anywidget and matplotlib.
None of this needs torch.
"""

from importlib import import_module

from toylab.views.style import line, style

_LAZY = {"Player": "player", "still": "picture", "png": "picture"}

__all__ = [*_LAZY, "line", "style"]


def __getattr__(name):
    if name in _LAZY:
        return getattr(import_module(f"toylab.views.{_LAZY[name]}"), name)
    raise AttributeError(f"module 'toylab.views' has no attribute {name!r}")


def __dir__():
    return sorted([*globals(), *__all__])
