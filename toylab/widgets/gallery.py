"""The gallery: an anywidget that shows an image sweep, a grid of images a method."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from toylab._errors import number, unknown_name
from toylab._extras import extra
from toylab.images.sweeps import ImageSweep
from toylab.widgets.choosing import Choosing
from toylab.widgets.image_stills import VIEWS, image_still, pack_images
from toylab.widgets.packing import texts
from toylab.widgets.page import source

if TYPE_CHECKING:
    from toylab.images import Plane

with extra("lab"):
    from traitlets import Int, Unicode, validate


class Gallery(Choosing):
    """Grids of images, a panel a method, with sliders for steps (or a budget of evaluations) and time.

    The same place in every panel is the same start noise.

    Args:
        found: what `toylab.images.image_sweep` returns.
        methods: 1 to 8 of its methods, one panel each, in order; by default all.
        steps: the step count shown at first; by default the largest up to 10.
        budget: the budget shown at first, one of the sweep's; then the slider is one of budgets (and `steps` None).
        progress: the time shown at first, from 0 (start noise) to 1 (end), in nodes.
        view: "x_t", "x0" (predicted from x_t and eps there), or "both", the second below the first.
        columns: images a row; by default as many as make a square.
        remarks: {(method, steps): a few words that stand above its images at the end}.
        theme: "auto" (that of the page), "light" or "dark".
        heading, caption: texts instead of those made from the sweep.
        real: real images [m, c, h, w] in [-1, 1]; then the one nearest (in pixels) to an image that is clicked stands
            at the end of its film.
        plane: a `toylab.images.Plane`; then a panel more shows where all images are in it at the time shown, and the
            way of the one that is clicked, there or in a grid.
        choices, chosen, compute: as for `Player`; compute returns an `ImageSweep`. A list of numbers is a slider.

    A click on an image frames it and shows its film: x_t at the nodes of every method.

    State, as of `Player`: `step_index`, `progress`, `equal_nfe`, `view`, `selected` (the image with a frame, -1 for
    none), `theme`, `chosen`. Raises TypeError or ValueError.
    """

    _esm = source("parts.js", "panels.js", "keys.js", "keep.js", "lecture.js", "plane.js", "gallery.js", "live.js")
    _css = source("parts.css", "player.css", "gallery.css")
    _state = (*Choosing._state, "view", "selected")
    _shows = "images"

    view = Unicode("x_t").tag(sync=True)
    selected = Int(-1).tag(sync=True)

    def __init__(
        self, found: ImageSweep, methods: Iterable[str] | None = None, *, steps: int | None = None,
        budget: int | None = None, progress: float = 1.0, view: str = "x_t", columns: int | None = None,
        remarks: Mapping[tuple[str, int], str] | None = None, theme: str = "auto", heading: str | None = None,
        caption: str | None = None, real: ArrayLike | None = None, plane: "Plane | None" = None,
        choices: Mapping[str, Iterable[str]] | None = None, chosen: Mapping[str, str] | None = None,
        compute: Callable[[dict, Callable], ImageSweep] | None = None,
    ):  # fmt: skip
        self._look = {"methods": methods, "columns": columns, "real": real, "plane": plane}
        self._found, self._words = found, texts(heading=heading, caption=caption)
        offered = self._offered(choices, chosen, compute, found)
        scene: dict[str, Any] = pack_images(found, remarks=remarks, **self._look) | self._words
        if None not in (steps, budget):
            raise ValueError(f"give steps or budget, not both; got steps={steps}, budget={budget}")
        argument, wanted = ("steps", steps) if budget is None else ("budget", budget)
        known = scene["steps" if budget is None else "budgets"]
        if wanted is None:
            wanted = max((count for count in known if count <= 10), default=known[0])
        if wanted not in known:
            raise ValueError(f"{argument} must be one of {known}, got {wanted!r}")
        super().__init__(
            scene=scene,
            step_index=known.index(wanted),
            progress=number("progress", progress, 0, 1),
            equal_nfe=budget is not None,
            view=view,
            theme=theme,
            **offered,
        )

    def show(self, found: ImageSweep) -> None:
        """Show another sweep in place; the controls stay where they are as far as it has such values."""
        scene: dict[str, Any] = pack_images(found, **self._look) | self._words
        self._found = found
        with self.hold_sync():
            self.step_index = min(self.step_index, len(scene["budgets" if self.equal_nfe else "steps"]) - 1)
            self.selected = min(self.selected, scene["images"] - 1)
            self.scene = scene

    def _take(self, answer):
        self.show(answer)

    @property
    def counts(self) -> dict[str, int | None]:
        """The number of steps in each panel on show, by method; None where a method needs more than the budget."""
        index = self.choice
        if not self.equal_nfe:
            return {panel["method"]: self.scene["steps"][index] for panel in self.scene["panels"]}
        return {panel["method"]: panel["within"][index] for panel in self.scene["panels"]}

    def still(self, theme: str = "light") -> Figure:
        """The present view as a matplotlib Figure."""
        return image_still(self._found, self.scene, self.counts, self.progress, self.view, self.selected, theme)

    def _picture(self, theme):
        """The present view as the bytes of a PNG, in full colour: a palette has no room for lines beside images."""
        buffer = io.BytesIO()
        self.still(theme).savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()

    def __repr__(self):
        scene = self.scene
        return f"Gallery({len(scene['panels'])} panels, {len(scene['steps'])} step counts, {scene['images']} images)"

    @validate("view")
    def _known_view(self, proposal):
        if proposal["value"] not in VIEWS:
            raise unknown_name("view", proposal["value"], VIEWS)
        return proposal["value"]

    @validate("selected")
    def _one_image(self, proposal):
        if not -1 <= proposal["value"] < self.scene["images"]:
            raise ValueError(f"selected must be -1 or an image below {self.scene['images']}, got {proposal['value']}")
        return proposal["value"]
