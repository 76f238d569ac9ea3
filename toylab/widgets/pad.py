"""A pad: draw data, see samples of it at once with the exact epsilon, and train a network on it while you look."""

import threading
from contextlib import suppress
from os import PathLike

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from toylab import problems
from toylab._errors import number, positive_int, unknown_name
from toylab._extras import extra
from toylab._threads import single_thread
from toylab._types import Eps
from toylab.datasets.drawn import PENS, Drawing, drawing, load_drawing
from toylab.datasets.manifold import Manifold
from toylab.epsilon.mlp import MLP
from toylab.figures.look import PALE, in_our_look
from toylab.problems import Problem
from toylab.samplers import methods, sample
from toylab.training import TimeUp, TrainConfig, fit
from toylab.training.planar import POOL, rows_of
from toylab.training.seeding import fresh_weights
from toylab.widgets.live import Live
from toylab.widgets.page import source
from toylab.widgets.stills import png

with extra("lab"):
    from traitlets import Bool, Bytes, Enum, Float, Int, List, Unicode, observe, validate

SAMPLES, POINTS, OFF = 512, 240, 0.1
EVERY, STRONGEST = "all", 8  # what was drawn by either pen; the most guidance
CONFIG = TrainConfig(steps=1500, batch=512)
MINUTES = 0.45  # at most, so that a slow machine stops in time too
LOOKS = 20
EXACT, NETWORK = "exact", "network"
PRESETS = {
    "wave": "-2.8,0 -2.4,.9 -2,1.2 -1.6,.9 -1.2,0 -.8,-.9 -.4,-1.2 0,-.9 .4,0 .8,.9 1.2,1.2 1.6,.9 2,0",
    "star": "0,2.4 .55,.75 2.3,.75 .9,-.3 1.4,-1.95 0,-.95 -1.4,-1.95 -.9,-.3 -2.3,.75 -.55,.75 0,2.4",
    "two lines": "-2,1 2,1; -2,-1 2,-1",
    "letter T": "-2,2 2,2; 0,2 0,-2",
    "two classes": "-2.4,1.2 -.8,1.8 .8,1.8 2.4,1.2; ~ -2.4,.4 -.8,-.2 .8,-.2 2.4,.4; ~ -1,-1.6 1,-1.6",
}


class Stopped(Exception):
    """Training was stopped by its button, by another drawing, or with the pad."""


class Pad(Live):
    """A board to draw on, by pointer, keys, or a text; the samples beside it follow each stroke.

    Args:
        text: a drawing to begin with, as for `toylab.datasets.drawing`. method: a name. steps: 1 to 100.

    Attributes:
        manifold: the `Drawing` shown; None before there is one. text: the same as text.
        label, guidance: where two pens drew, the class that the exact epsilon samples ("all", "first" or "second"), and
            the scale of its guidance from all data, 0 to 8; 1 is the class alone.
        problem: all this as an exact epsilon, for any measurement. net: the network trained on it, None before.
        method, steps, epsilon ("exact" or "network"): what samples are made with. x: the samples [512, 2].
        training: True while a network learns, beside whatever else Python does. False, or another drawing, stops it
            at the next look at the loss, and what was learnt until then is `net`.
        note, error: the lines below; after an error everything is as it was.
    """

    _esm = source("parts.js", "drawing.js", "pad.js", "live.js")
    _css = source("parts.css", "pad.css")

    choices = List(Unicode()).tag(sync=True)
    presets = List(List(Unicode())).tag(sync=True)
    asked = Unicode("").tag(sync=True)  # a text from the browser, good or bad
    text = Unicode("").tag(sync=True)
    method = Unicode("DDIM").tag(sync=True)
    steps = Int(20).tag(sync=True)
    epsilon = Enum((EXACT, NETWORK), EXACT).tag(sync=True)
    label = Enum((EVERY, *PENS), EVERY).tag(sync=True)
    guidance = Float(1.0).tag(sync=True)
    training = Bool(False).tag(sync=True)
    points = Bytes(b"").tag(sync=True)  # samples where they lie on the board, float32
    losses = List().tag(sync=True)
    status = Unicode("").tag(sync=True)
    note = Unicode("").tag(sync=True)
    error = Unicode("").tag(sync=True)
    answered = Int(0).tag(sync=True)

    def __init__(self, text: str = "", method: str = "DDIM", steps: int = 20):
        self.manifold: Drawing | None = None
        self.x: Tensor | None = None
        self._nets: dict[str, MLP] = {}
        self._turn = threading.RLock()  # samples are shown by one thread at a time
        self._thread, self._stop = threading.Thread(), threading.Event()
        known = [*methods()]
        super().__init__(choices=known, presets=[list(pair) for pair in PRESETS.items()], method=method, steps=steps)
        if text:
            self._use(drawing(text))
            self._answer(self._sample)

    @property
    def problem(self) -> Problem:
        """The drawing, or one class of it, with its exact epsilon; ValueError before there is one."""
        if self.manifold is None:
            raise ValueError("the pad must have a drawing, got none yet")
        if self.label == EVERY:
            return problems.curve(self.manifold, POINTS)
        return problems.guided_class(self.manifold, self.label, self.guidance, POINTS, 0.0)

    @property
    def net(self) -> MLP | None:
        """The network that was trained on this drawing."""
        return self._nets.get(self.text)

    def wait(self) -> None:
        """Return when no training goes on."""
        if self._thread.is_alive():
            self._thread.join()

    def close(self) -> None:
        """As for every widget; a training that goes on is stopped."""
        self.training = False
        super().close()

    def save(self, path: str | PathLike, force: bool = False) -> None:
        """Write the drawing to a file, see `Drawing.save`."""
        if self.manifold is None:
            raise ValueError("the pad must have a drawing, got none yet")
        self.manifold.save(path, force)

    def load(self, path: str | PathLike) -> None:
        """Show the drawing of a file, see `toylab.datasets.load_drawing`."""
        self.asked = load_drawing(path).text

    def __repr__(self):
        return f"Pad({'empty' if self.manifold is None else self.text[:24] + '…'})"

    @property
    def alt(self) -> str:
        return f"A drawing and samples of it. {self.note}" if self.manifold else "An empty board to draw data on."

    @in_our_look
    def still(self) -> Figure:
        """The drawing and its samples as a matplotlib Figure."""
        figure, ax = plt.subplots(figsize=(5, 5))
        if self.manifold is not None and self.x is not None:
            for stroke in self.manifold.components:
                ax.plot(*stroke.T, color=PALE, linewidth=6, solid_capstyle="round")
            ax.plot(*self.x.T, "o", color="#0072B2", markersize=3, alpha=0.6)
            ax.set_title(f"{self.method}, {self.steps} steps", fontsize=13)
        else:
            ax.set_title("an empty board: run the cell and draw", fontsize=13)
        ax.set(aspect="equal", xlim=(-3, 3), ylim=(-3, 3))
        plt.close(figure)
        return figure

    def picture(self) -> bytes:
        return png(self.still())

    @observe("asked")
    def _drawn(self, _change):
        if self.asked != self.text:
            with self._turn:
                self._answer(lambda: (self._use(drawing(self.asked)), self._sample()))

    @observe("method", "steps", "epsilon", "label", "guidance")
    def _again(self, _change):
        if self.manifold is not None:
            with self._turn:
                self._answer(self._sample)

    @observe("training")
    def _trained(self, _change):
        self._stop.set()
        if not self.training:
            return
        self.wait()
        self._stop, self.status = threading.Event(), "training …"
        self._thread = threading.Thread(target=self._answer, args=(self._train,), daemon=True)
        self._thread.start()

    def _answer(self, act):
        self.error = ""
        try:
            with single_thread():
                act()
        except (Exception, KeyboardInterrupt) as error:
            self.error = str(error) or type(error).__name__
        finally:
            self.status = ""
            self.answered += 1

    def _use(self, manifold):
        self.training = False
        self.manifold = None  # nothing is sampled on the way
        self.epsilon, self.label = EXACT, self.label if self.label in manifold.classes else EVERY
        self.manifold = manifold
        self.losses = []
        self.asked = self.text = manifold.text

    def _sample(self):
        if self.epsilon == NETWORK and self.net is None:
            raise ValueError("there is no network of this drawing yet: train one")
        if self.epsilon == EXACT:
            problem = self.problem
            if self.label == EVERY:
                return self._show(problem.eps, "exact epsilon", problem.manifold)
            whose = f"exact epsilon with guidance {self.guidance:g}"
            return self._show(problem.eps, whose, problem.manifold, f"{self.label} class")
        done = self.net.metadata.get("steps_done")
        after = f" after {done} of {CONFIG.steps} training steps" if done else ""
        self._show(self.net, f"network epsilon{after}", self.manifold)

    def _show(self, eps: Eps, whose: str, manifold: Manifold, of: str = "drawing"):
        run = sample(eps, None, self.method, self.steps, n=SAMPLES, seed=0, record=False, progress=False)
        self.x = run.x.float().cpu()
        distance = manifold.distance(self.x)
        off, cover = (distance > OFF).double().mean(), manifold.coverage(self.x)
        assert self.manifold is not None
        self.points = np.nan_to_num(self.manifold.on_board(self.x), nan=1e9).astype("<f4").tobytes()
        self.note = f"{run.method}, N = {self.steps}, {run.nfe} evaluations, {whose}: mean distance to the {of} " \
                    f"{distance.mean():.3g}, {off:.0%} farther than {OFF:g}; {cover:.0%} of it covered."  # fmt: skip

    def _train(self):
        stop, found, losses = self._stop, [], []
        try:
            if self.manifold is None:
                raise ValueError("draw something before you train")
            manifold, text = self.manifold, self.text

            def watch(look):
                losses.append(look.loss)
                found[:] = [look.network()]
                with self._turn:
                    if stop.is_set():
                        raise Stopped
                    with self.hold_sync():
                        self._show(found[0], f"network after {look.step} training steps", manifold)
                        self.status = f"training … {look.step / CONFIG.steps:.0%}"
                        self.losses = list(losses)

            with fresh_weights(CONFIG.seed):
                network = MLP("linear")
            with suppress(TimeUp, Stopped):
                fit(
                    network, rows_of(manifold.sample(POOL, seed=0)), "linear", CONFIG, progress=False,
                    max_minutes=MINUTES, look_every=CONFIG.steps // LOOKS, watch=watch,
                )  # fmt: skip
            with self._turn:
                self._nets[text] = found[0]
                if self.text == text:
                    self.epsilon = NETWORK
                    self._sample()  # where another network was shown before, epsilon is as it was
        finally:
            if not stop.is_set():
                self.training = False

    @validate("method")
    def _known(self, proposal):
        if proposal["value"] not in self.choices:
            raise unknown_name("method", proposal["value"], self.choices)
        return proposal["value"]

    @validate("label")
    def _drawn_by(self, proposal):
        classes = self.manifold.classes if self.manifold else ()
        if proposal["value"] not in (EVERY, *classes):
            raise unknown_name("label", proposal["value"], (EVERY, *classes))
        return proposal["value"]

    @validate("guidance")
    def _scaled(self, proposal):
        return number("guidance", proposal["value"], 0, STRONGEST)

    @validate("steps")
    def _some(self, proposal):
        return positive_int("steps", proposal["value"], 1, 100)
