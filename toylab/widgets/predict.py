"""Predict, commit, reveal: a guess is locked before anything is measured, then both stand in one figure."""

import html
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toylab._errors import number
from toylab._extras import extra
from toylab._threads import single_thread
from toylab.widgets.live import Live
from toylab.widgets.page import source, write_page

with extra("lab"):
    from traitlets import Any as Anything
    from traitlets import Bool, Dict, Int, List, TraitError, Unicode, observe, validate

_NO_KERNEL = (
    "Run this cell to commit to a guess; only then are guess and measurement shown, in one figure. On paper: write "
    "your guess down before you read on."
)


@dataclass(frozen=True)
class Truth:
    """A measured answer.

    Attributes:
        answer: the option that is right, the number, or the order.
        says: a sentence with the numbers.
        values: {row: measured number} for the figure of a choice; rows that are no options come below them.
        steps, errors: the points of a log-log plot, for a line.
    """

    answer: str | float
    says: str
    values: dict[str, float] = field(default_factory=dict)
    steps: tuple[float, ...] = ()
    errors: tuple[float, ...] = ()


@dataclass(frozen=True)
class Options:
    """A guess that is one of a few texts. `measured`: what the numbers beside them will be."""

    texts: tuple[str, ...]
    measured: str = ""

    def sent(self) -> dict[str, Any]:
        """The form as the browser gets it; "bins" are what a class's guesses are counted by."""
        return {"kind": "options", "bins": list(self.texts), "measured": self.measured}

    def check(self, guess: Any) -> str:
        """The guess; ValueError for what is none."""
        if not isinstance(guess, str) or guess not in self.texts:
            raise ValueError(f"guess must be one of {list(self.texts)}, got {guess!r}")
        return guess


@dataclass(frozen=True)
class Amount:
    """A guess that is a number from `low` to `high`, in steps of `step`; `name` says of what."""

    low: float
    high: float
    step: float
    name: str

    def sent(self) -> dict[str, Any]:
        """As for `Options`: at most eight intervals, or the numbers themselves where there are few."""
        count = round((self.high - self.low) / self.step)
        edges = [self.low + (self.high - self.low) * k / 8 for k in range(9)]
        bins = [f"{a:g} to {b:g}" for a, b in zip(edges, edges[1:], strict=False)]
        if count < 9:
            bins = [f"{self.low + k * self.step:g}" for k in range(count + 1)]
        return {
            "kind": "amount",
            "low": self.low,
            "high": self.high,
            "step": self.step,
            "name": self.name,
            "bins": bins,
        }

    def check(self, guess: Any) -> float:
        """As for `Options`."""
        return number("guess", guess, self.low, self.high)


@dataclass(frozen=True)
class Slope:
    """A guess that is an order: a line dragged over a log-log plot of errors; `steps`: the first and the last."""

    steps: tuple[int, int]
    most: float = 6.0

    def sent(self) -> dict[str, Any]:
        """As for `Options`: the whole orders."""
        orders = [f"order {order}" for order in range(int(self.most) + 1)]
        return {"kind": "slope", "steps": list(self.steps), "low": 0, "high": self.most, "step": 0.1,
                "name": "order", "bins": orders}  # fmt: skip

    def check(self, guess: Any) -> float:
        """As for `Options`."""
        return number("guess", guess, 0, self.most)


@dataclass(frozen=True)
class Prediction:
    """A question whose answer `measure` computes. title: a few words. form: what a guess is."""

    title: str
    question: str
    form: Options | Amount | Slope
    measure: Callable[[], Truth]


class Predict(Live):
    """Asks for a guess, locks it, and only then measures. In lecture mode keys count the guesses of a class.

    Args:
        prediction: what is asked. kept: called with the guess as it is committed, and again with guess and answer when
            that is measured, all texts; returns a sentence about it, or "". The votes of a class are not passed on.

    Attributes:
        guess: a text, a number, or None before there is one. committed: True locks it and measures.
        votes: a count for each option, interval or order. truth: {} until it is measured.
    """

    _esm = source("parts.js", "predict.js", "live.js")
    _css = source("parts.css", "predict.css")

    asked = Dict().tag(sync=True)
    guess = Anything(None).tag(sync=True)
    votes = List(Int()).tag(sync=True)
    committed = Bool(False).tag(sync=True)
    truth = Dict().tag(sync=True)
    note = Unicode("").tag(sync=True)
    error = Unicode("").tag(sync=True)

    def __init__(self, prediction: Prediction, kept: Callable[..., str] = lambda guess, answer=None: ""):
        self._prediction, self._kept, self._locked = prediction, kept, False
        form = prediction.form.sent()
        asked = {"title": prediction.title, "question": prediction.question, **form}
        super().__init__(asked=asked, votes=[0] * len(form["bins"]))

    def __repr__(self):
        state = f"guess {self.guess}" if self.committed else "no guess yet"
        return f"Predict({self._prediction.title}, {state})"

    @property
    def alt(self) -> str:
        return self._prediction.question

    def in_output(self) -> tuple[dict[str, str], dict[str, Any], str]:
        """The question in words: a guess is made where there is a kernel, or on paper."""
        asked, options = self.asked, ""
        if asked["kind"] == "options":
            options = "".join(f"<li>{html.escape(text)}</li>" for text in asked["bins"])
            options = f"<ul>{options}</ul>"
        elif asked["kind"] == "amount":
            options = f"<p>A number from {asked['low']:g} to {asked['high']:g}: {html.escape(asked['name'])}.</p>"
        words = f"<p><b>Your prediction.</b> {html.escape(asked['question'])}</p>{options}<p><em>{_NO_KERNEL}</em></p>"
        return {"text/html": words}, {}, words

    def to_html(self, path: str | Path) -> Path:
        """Write the question as one page that needs no kernel; its answer is measured now, and shown to whoever has
        committed to a guess. Returns the path.

        Raises FileNotFoundError or PermissionError where the folder is missing or cannot be written.
        """
        with single_thread():
            found = self._prediction.measure()
        state = {"asked": self.asked, "guess": None, "votes": [0] * len(self.votes), "committed": False, "truth": {},
                 "note": "", "error": "", "sealed": _shown(found, found.says)}  # fmt: skip
        title = f"toylab: {self._prediction.title}"
        return write_page(path, state, self.in_output()[2], str(self._esm), str(self._css), title)

    @validate("guess")
    def _possible(self, proposal):
        guess = proposal["value"]
        if self._locked:
            raise TraitError("the guess is committed: run the cell again to make another one")
        return None if guess is None else self._prediction.form.check(guess)

    @validate("committed")
    def _ready(self, proposal):
        if self._locked and not proposal["value"]:
            raise TraitError("the guess is committed: run the cell again to make another one")
        if proposal["value"] and self.guess is None and not any(self.votes):
            raise TraitError("committed must be False until there is a guess, got True")
        return proposal["value"]

    @observe("committed")
    def _reveal(self, _change):
        if not self.committed:
            return
        self._locked, own = True, self.guess is not None
        told = self._kept(self._said(self.guess)) if own else ""
        try:
            with single_thread():
                found = self._prediction.measure()
        except (Exception, KeyboardInterrupt) as error:
            self.error = f"Your guess is kept, and nothing could be measured: {error or type(error).__name__}"
            return
        if own:
            told = self._kept(self._said(self.guess), self._said(found.answer))
        with self.hold_sync():
            for name, value in _shown(found, " ".join(filter(None, [found.says, told]))).items():
                setattr(self, name, value)

    def _said(self, value):
        return value if isinstance(value, str) else f"{self.asked['name']} {value:.3g}"


def _shown(found, note):
    """The traits that show an answer: the note first, since the truth ends the wait for it."""
    truth = {"answer": found.answer, "values": dict(found.values), "steps": list(found.steps),
             "errors": list(found.errors)}  # fmt: skip
    return {"note": note, "truth": truth}
