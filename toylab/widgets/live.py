"""A widget in the life of a notebook: saved and opened again, run again, beside a kernel that was restarted.

An output with a widget's view needs that widget: opened again, JupyterLab says "model not found" and shows nothing of
the picture beside it. JupyterLab and Notebook 7 therefore get the picture alone, with a mark of its place, and the
widget's module (live.js) draws the widget over it while there is one. VS Code and Colab keep widgets in frames of
their own and make them only for a view: they get view and picture in one output. VS Code then shows the picture of a
notebook that is opened again only on request (the output's "Change Presentation"), and Colab only what it saved itself.
"""

import base64
import html
import weakref
from typing import Any

from toylab._extras import extra

with extra("lab"):
    import anywidget
    from IPython import get_ipython
    from IPython.display import display
    from traitlets import Unicode

_PLACE = '<div class="toylab-place" data-toylab="{model}">\n{still}\n</div>'
_PICTURE = """<img alt="{alt}" style="max-width: 100%" src="data:image/png;base64,{picture}">
<p style="font-size: 14px"><em>A picture of what was shown here. Run the cell to make it live.</em></p>"""
_made = {}  # cell: (its last run, what that made)


class Live(anywidget.AnyWidget):
    """An anywidget whose output keeps its picture, and which lives until its cell is run again."""

    _place = Unicode("").tag(sync=True)  # the model's name for itself

    def __init__(self, **state: Any):
        super().__init__(**state)
        self._place = self.model_id or ""
        _register(self)

    @property
    def alt(self) -> str:
        """The picture in words."""
        raise NotImplementedError

    def picture(self) -> bytes:
        """The view as the bytes of a PNG."""
        raise NotImplementedError

    def in_output(self) -> tuple[dict[str, str], dict[str, Any], str]:
        """The part of the view that an output keeps: by MIME type, the metadata of these, and the same as HTML."""
        picture = base64.b64encode(self.picture()).decode()
        words = _PICTURE.format(alt=html.escape(self.alt), picture=picture)
        return {"image/png": picture}, {"image/png": {"alt": self.alt}}, words

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs) or ({}, {})
        kept, about, _ = self.in_output()
        return data | kept, metadata | about

    def _ipython_display_(self):
        cell, _ = _running()
        if not cell or cell.startswith("vscode"):
            raise NotImplementedError  # the bundle above, with the view
        kept, about, words = self.in_output()
        place = _PLACE.format(model=self._place, still=words)
        display({"text/plain": repr(self)} | kept | {"text/html": place}, metadata=about, raw=True)


def _running():
    """The name of the cell that runs and of its run; both empty outside a notebook."""
    shell = get_ipython()
    if not hasattr(shell, "get_parent"):
        return "", ""
    parent = shell.get_parent() or {}
    return str(parent.get("metadata", {}).get("cellId", "")), str(parent.get("header", {}).get("msg_id", ""))


def _register(widget):
    """Close what the last run of this cell made, and let the history of outputs forget it."""
    cell, run = _running()
    if not cell:
        return
    last, made = _made.get(cell, ("", []))
    if last != run:
        for old in filter(None, (each() for each in made)):
            old.close()
            _forget(old)
        made = []
    _made[cell] = run, [*made, weakref.ref(widget)]


def _forget(value):
    """Drop Out[n], _n, _, __ and ___ where they are `value`: they would keep its arrays for ever."""
    shell = get_ipython()
    spaces = (shell.user_ns.get("_oh", {}), shell.user_ns, shell.user_ns_hidden, vars(shell.displayhook))
    for space in spaces:
        for name in [name for name, held in space.items() if held is value]:
            if isinstance(name, int) or name.strip("_").isdecimal():
                del space[name]
            elif not name.strip("_"):
                space[name] = ""
