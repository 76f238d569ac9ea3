"""The parts of player and gallery that are one: a scene, and sliders through its steps and through time."""

import base64
import html
from pathlib import Path

from matplotlib.figure import Figure

from toylab._errors import number, positive_int
from toylab._extras import extra
from toylab.figures.style import THEMES, known_theme
from toylab.widgets.live import Live
from toylab.widgets.page import write_page

with extra("lab"):
    from traitlets import Bool, Dict, Float, Int, Unicode, validate


class Stage(Live):
    """A widget that shows runs of several methods at one position of the sliders.

    A subclass packs its `scene` (with "steps", "budgets" and "heading"), draws `still(theme)` and `_picture(theme)`,
    and says below what a page without a kernel is to keep. State: see `Player`.
    """

    _state: tuple[str, ...] = ("step_index", "progress", "equal_nfe", "theme")  # what a page keeps
    _unplugged = {}  # state of a page that differs, since nothing can be computed there
    _shows = "runs"

    scene = Dict().tag(sync=True)
    step_index = Int(0).tag(sync=True)
    progress = Float(1.0).tag(sync=True)
    equal_nfe = Bool(False).tag(sync=True)
    theme = Unicode("auto").tag(sync=True)

    @property
    def choice(self) -> int:
        """The place of what is shown in the step counts or budgets: `step_index`, or the last where there are fewer."""
        return min(self.step_index, len(self.scene["budgets" if self.equal_nfe else "steps"]) - 1)

    def still(self, theme: str = "light") -> Figure:
        """The present view as a matplotlib Figure."""
        raise NotImplementedError

    def to_html(self, path: str | Path, title: str | None = None, lab: str = "") -> Path:
        """Write what is shown as one page that needs neither kernel nor network. Returns the path.

        `lab`: the address of the live page seen from there, to which "Copy link" leads.

        Raises FileNotFoundError or PermissionError where the folder is missing or cannot be written.
        """
        state = {name: getattr(self, name) for name in ("scene", *self._state)} | self._unplugged
        title = title or f"toylab: {self.scene['heading'] or self._shows}"
        picture = base64.b64encode(self._picture("light")).decode()
        still = f'<img alt="{html.escape(title)}" src="data:image/png;base64,{picture}">'
        return write_page(path, state, still, str(self._esm), str(self._css), title, lab)

    def _picture(self, theme):
        """The present view as the bytes of a PNG."""
        raise NotImplementedError

    def picture(self) -> bytes:
        return self._picture(self.theme if self.theme in THEMES else "light")

    @property
    def alt(self) -> str:
        scene, index = self.scene, self.choice
        count = f"{scene['budgets'][index]} evaluations" if self.equal_nfe else f"{scene['steps'][index]} steps"
        titles = ", ".join(panel["title"] for panel in scene["panels"])
        return f"{scene['heading'] or self._shows}: {titles}; {count}"

    @validate("step_index")
    def _in_range(self, proposal):
        count = len(self.scene["budgets" if self.equal_nfe else "steps"])
        index = positive_int("step_index", proposal["value"], 0)
        if index >= count:
            raise ValueError(f"step_index must be below {count}, got {index}")
        return index

    @validate("equal_nfe")
    def _has_budgets(self, proposal):
        if proposal["value"] and not self.scene["budgets"]:
            raise ValueError("equal_nfe needs budgets, and this sweep has none, got True")
        return proposal["value"]

    @validate("progress")
    def _in_unit(self, proposal):
        return number("progress", proposal["value"], 0, 1)

    @validate("theme")
    def _themed(self, proposal):
        return known_theme(proposal["value"], ("auto", *THEMES))
