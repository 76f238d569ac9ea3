"""The trajectory player: an anywidget that shows a sweep. Needs no torch."""

from collections.abc import Callable, Iterable, Mapping
from numbers import Integral
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from toylab._errors import flag, number, positive_int
from toylab._extras import extra
from toylab.analysis._sweep import Sweep
from toylab.figures.style import THEMES, known_theme
from toylab.widgets.choosing import Choosing
from toylab.widgets.packing import pack, texts
from toylab.widgets.page import source
from toylab.widgets.stage import Stage
from toylab.widgets.stills import node_at, png, still

with extra("lab"):
    from traitlets import Bool, Int, List, validate

MOST_BYTES = 150_000  # of the picture in an output


class Player(Choosing):
    """Several methods side by side, with sliders for steps (or a budget of evaluations) and time.

    Args:
        sweep: what `toylab.sweep` or `Sweep.load` returns.
        methods: 1 to 8 of its methods, one panel each, in order; by default all.
        steps: the step count shown at first; by default the largest up to 10.
        progress: the time shown at first, from 0 (start noise) to 1 (end), in nodes.
        equal_nfe: start in the mode where the slider is a budget of evaluations (then `steps` must be None).
        tracks: how many particles have their tracks drawn at first.
        window: half the side of the square shown; particles outside are drawn on its border. By default it holds
            the data, and grows with the noise as time goes back.
        show_density: start with p_t drawn, if the sweep has it.
        show_unlikely: start with the unlikely particles in red, if the sweep knows them.
        theme: "auto" (that of the page), "light" or "dark".
        titles: panel titles by method, where the method's name is not what should stand there.
        fields: arrows by method: {"times": [k], "vectors": [k, g, g, 2], "extent": e}, the vectors on
            linspace(-e, e, g)^2 with row 0 at the lowest y, in units of that grid's spacing; the arrows of
            the nearest time are drawn.
        heading, caption: texts instead of those made from the sweep.
        choices: dropdowns as {label: [name, ...]}; need `compute`.
        chosen: the names that belong to `sweep`, as {label: name}; by default the first of each.
        compute: called as compute(chosen, progress) when a dropdown changes; returns a Sweep, or a pair
            (Sweep, fields), and may call progress(done) with done in [0, 1].

    State, kept in step with the browser, to read or to set: `step_index` (into the step counts, or into
    `budgets` if `equal_nfe`), `progress`, `equal_nfe`, `selected` (particles with tracks), `show_density`,
    `show_field`, `show_unlikely`, `theme`, `chosen`; `status` and `error` are the lines shown while and after
    computing.
    Raises TypeError or ValueError.
    """

    _esm = source("parts.js", "panels.js", "keys.js", "keep.js", "lecture.js", "player.js", "live.js")
    _css = source("parts.css", "player.css")
    _state = (*Stage._state, "selected", "show_density", "show_field", "show_unlikely")
    _shows = "trajectories"

    selected = List(Int()).tag(sync=True)
    show_density = Bool(False).tag(sync=True)
    show_field = Bool(True).tag(sync=True)
    show_unlikely = Bool(False).tag(sync=True)

    def __init__(
        self, sweep: Sweep, methods: Iterable[str] | None = None, *, steps: int | None = None, progress: float = 1.0,
        equal_nfe: bool = False, tracks: int = 64, window: float | None = None, show_density: bool = False,
        show_unlikely: bool = False, theme: str = "auto", titles: Mapping[str, str] | None = None,
        fields: Mapping[str, Mapping] | None = None, heading: str | None = None, caption: str | None = None,
        choices: Mapping[str, Iterable[str]] | None = None, chosen: Mapping[str, str] | None = None,
        compute: Callable[[dict, Callable[[float], None]], Sweep | tuple[Sweep, Mapping]] | None = None,
    ):  # fmt: skip
        tracks, equal_nfe = positive_int("tracks", tracks, 0), flag("equal_nfe", equal_nfe)
        self._look = {"methods": methods, "window": window, "titles": titles, "tracks": tracks}
        self._words = texts(heading=heading, caption=caption)
        offered = self._offered(choices, chosen, compute, (sweep, fields))
        scene = self._pack(sweep, fields)
        if steps is not None and (equal_nfe or not isinstance(steps, Integral) or steps not in sweep.steps):
            raise ValueError(f"steps must be one of {list(sweep.steps)}, and None with equal_nfe, got {steps!r}")
        shown = scene["budgets"] if equal_nfe else scene["steps"]
        default = max((j for j, count in enumerate(shown) if count <= 10), default=0)
        self._sweep, self._fields = sweep, fields
        known_theme(theme, ("auto", *THEMES))
        super().__init__(
            scene=scene,
            step_index=default if steps is None else scene["steps"].index(steps),
            progress=number("progress", progress, 0, 1),
            equal_nfe=equal_nfe,
            selected=list(range(scene["tracks"])),
            show_density=flag("show_density", show_density),
            show_unlikely=flag("show_unlikely", show_unlikely),
            theme=theme,
            **offered,
        )

    @classmethod
    def from_file(cls, path: str | Path, methods: Iterable[str] | None = None, **options: Any) -> "Player":
        """A player of the sweep saved in `path` (.npz); further arguments as for `Player`."""
        return cls(Sweep.load(path), methods, **options)

    @property
    def sweep(self) -> Sweep:
        """The sweep on show; `show` puts another in its place."""
        return self._sweep

    @property
    def budgets(self) -> list[int]:
        """The values of the equal-NFE slider, in evaluations."""
        return list(self.scene["budgets"])

    def show(self, sweep: Sweep, fields: Mapping[str, Mapping] | None = None) -> None:
        """Show another sweep in place; the controls stay where they are as far as it has such values."""
        scene = self._pack(sweep, fields)
        self._sweep, self._fields = sweep, fields
        with self.hold_sync():
            self.step_index = min(self.step_index, min(len(scene["steps"]), len(scene["budgets"])) - 1)
            self.selected = [p for p in self.selected if p < scene["particles"]]
            self.scene = scene

    def still(self, theme: str = "light") -> Figure:
        """The present view as a matplotlib Figure."""
        choices, index = self.scene["budgets" if self.equal_nfe else "steps"], self.choice
        runs = [panel["within"][index] if self.equal_nfe else index for panel in self.scene["panels"]]
        finest = self._sweep.steps[max(runs)]
        look = {name: value for name, value in self._look.items() if name != "tracks"}
        return still(
            self._sweep, **{"budget" if self.equal_nfe else "steps": choices[index]}, **look, **self._words,
            time=self._sweep.times[finest][node_at(self.progress, finest)], fields=self._fields,
            selected=self.selected, density=self.show_density, unlikely=self.show_unlikely, theme=theme,
        )  # fmt: skip

    def __repr__(self):
        scene = self.scene
        panels, counts = len(scene["panels"]), len(scene["steps"])
        return f"Player({panels} panels, {counts} step counts, {scene['particles']} particles)"

    def _picture(self, theme):
        pictures = (png(self.still(theme), colors=colors) for colors in (256, 64, 24))  # a density has many shades
        for data in pictures:
            if len(data) < MOST_BYTES:
                break
        return data

    def _pack(self, sweep: Sweep, fields: Mapping[str, Mapping] | None) -> dict[str, Any]:
        return pack(sweep, **self._look, fields=fields) | self._words

    def _take(self, answer):
        self.show(*(answer if isinstance(answer, tuple) else (answer,)))

    @validate("selected")
    def _known(self, proposal):
        for p in proposal["value"]:
            if not 0 <= p < self.scene["particles"]:
                last = self.scene["particles"] - 1
                raise ValueError(f"selected must be particles from 0 to {last}, got {p}")
        return proposal["value"]
