"""The gallery: an anywidget that shows an image sweep, a grid of images a method."""

import base64
import io

import anywidget
from traitlets import Bool, Dict, Float, Int, Unicode, validate

from toylab.errors import number, positive_int, unknown_name
from toylab.views.image_grids import VIEWS, image_still, pack_images
from toylab.views.page import source, write_page
from toylab.views.style import THEMES

_STATE = ("step_index", "progress", "equal_nfe", "view", "selected", "theme")


class Gallery(anywidget.AnyWidget):
    """Grids of images, a panel a method, with sliders for steps (or a budget of evaluations) and time.

    The same place in every panel is the same start noise.

    Args:
        found: what `toylab.analysis.image_sweep` returns.
        methods: 1 to 8 of its methods, one panel each, in order; by default all.
        steps: the step count shown at first; by default the largest up to 10.
        budget: the budget shown at first, one of the sweep's; then the slider is one of budgets (and `steps` None).
        progress: the time shown at first, from 0 (start noise) to 1 (end), in nodes.
        view: "x_t", "x0" (predicted from x_t and eps there), or "both", the second below the first.
        columns: images a row; by default as many as make a square.
        remarks: {(method, steps): a few words that stand above its images at the end}.
        theme: "auto" (that of the page), "light" or "dark".
        heading, caption: texts instead of those made from the sweep.

    State, kept in step with the browser, to read or to set: `step_index` (into the step counts, or into the budgets
    if `equal_nfe`), `progress`, `equal_nfe`, `view`, `selected` (the image with a frame, -1 for none), `theme`.
    Raises TypeError or ValueError.
    """

    _esm = source("parts.js", "panels.js", "gallery.js")
    _css = source("parts.css", "player.css", "gallery.css")

    scene = Dict().tag(sync=True)
    step_index = Int(0).tag(sync=True)
    progress = Float(1.0).tag(sync=True)
    equal_nfe = Bool(False).tag(sync=True)
    view = Unicode("x_t").tag(sync=True)
    selected = Int(-1).tag(sync=True)
    theme = Unicode("auto").tag(sync=True)

    def __init__(
        self, found, methods=None, *, steps=None, budget=None, progress=1.0, view="x_t", columns=None, remarks=None,
        theme="auto", heading=None, caption=None,
    ):  # fmt: skip
        self._found = found
        scene = pack_images(found, methods, columns=columns, remarks=remarks)
        words = {"heading": heading, "caption": caption}
        scene |= {name: text for name, text in words.items() if text is not None}
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
        )

    @property
    def counts(self):
        """The number of steps in each panel on show, by method; None where a method needs more than the budget."""
        index = self.step_index
        if not self.equal_nfe:
            return {panel["method"]: self.scene["steps"][index] for panel in self.scene["panels"]}
        return {panel["method"]: panel["within"][index] for panel in self.scene["panels"]}

    def still(self, theme="light"):
        """The present view as a matplotlib Figure."""
        return image_still(self._found, self.scene, self.counts, self.progress, self.view, self.selected, theme)

    def to_html(self, path, title=None):
        """Write the gallery as one page that needs neither kernel nor network. Returns the path."""
        state = {name: getattr(self, name) for name in _STATE} | {"scene": self.scene}
        title = title or f"toylab: {self.scene['heading'] or 'images'}"
        return write_page(path, state, self._picture("light"), str(self._esm), str(self._css), title)

    def _picture(self, theme):
        """The present view as the bytes of a PNG, in full colour: a palette has no room for lines beside images."""
        buffer = io.BytesIO()
        self.still(theme).savefig(buffer, format="png", dpi=100)
        return buffer.getvalue()

    def __repr__(self):
        scene = self.scene
        return f"Gallery({len(scene['panels'])} panels, {len(scene['steps'])} step counts, {scene['images']} images)"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        theme = self.theme if self.theme in THEMES else "light"
        return data | {"image/png": base64.b64encode(self._picture(theme)).decode()}, metadata

    @validate("step_index")
    def _in_range(self, proposal):
        count = len(self.scene["budgets" if self.equal_nfe else "steps"])
        index = positive_int("step_index", proposal["value"], 0)
        if index >= count:
            raise ValueError(f"step_index must be below {count}, got {index}")
        return index

    @validate("progress")
    def _in_unit(self, proposal):
        return number("progress", proposal["value"], 0, 1)

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

    @validate("theme")
    def _themed(self, proposal):
        if proposal["value"] not in ("auto", *THEMES):
            raise unknown_name("theme", proposal["value"], ("auto", *THEMES))
        return proposal["value"]
