"""A lab: controls beside a figure that is computed anew at every change of one of them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt

from toylab._extras import extra
from toylab._threads import single_thread
from toylab.figures.dark import darken
from toylab.figures.style import THEMES
from toylab.widgets.live import Live
from toylab.widgets.packing import panel_of
from toylab.widgets.page import source
from toylab.widgets.stills import png

with extra("lab"):
    from traitlets import Bytes, Dict, Enum, Int, List, Unicode, observe, validate

DPI = 160  # up to twice the pixels it is shown with, so that it stays sharp on a projector and when enlarged


@dataclass(frozen=True)
class Control:
    """One control of a `Lab`; see `menu`, `slider` and `several`.

    Attributes:
        kind: "menu", "slider" or "several". label: what stands beside it.
        options: {text shown: value}. first: the text chosen at first, for "several" a list of texts.
    """

    kind: str
    label: str
    options: dict[str, Any]
    first: str | list[str]

    def value(self, text: str | list[str]) -> Any:
        """The value that a text stands for, for "several" those of a list of texts."""
        return self.options[text] if isinstance(text, str) else [self.options[each] for each in text]

    def check(self, name: str, text: Any) -> None:
        """Raise ValueError unless `text` is one of the options, for "several" a list of them."""
        many = self.kind == "several"
        texts = text if many else [text]
        known = isinstance(texts, list | tuple) and all(
            isinstance(each, str) and each in self.options for each in texts
        )
        if not known:
            what = "a list of names out of" if many else "one of"
            raise ValueError(f"{name} must be {what} {list(self.options)}, got {text!r}")


def menu(label: str, options: Iterable | Mapping, first: Any) -> Control:
    """A dropdown of `options`: a list, or a dict {text: value}; `first` is the value chosen at first."""
    return _control("menu", label, options, first)


def slider(label: str, options: Iterable | Mapping, first: Any) -> Control:
    """A slider through `options` in their order; arguments as for `menu`."""
    return _control("slider", label, options, first)


def several(label: str, options: Iterable | Mapping, first: Iterable) -> Control:
    """Boxes to tick, with the line of the method where an option is one; `first` is a list of values."""
    options = _texts(options)
    return Control("several", label, options, [_text_of(label, options, value) for value in first])


def _control(kind, label, options, first):
    options = _texts(options)
    return Control(kind, label, options, _text_of(label, options, first))


def _texts(options):
    if isinstance(options, dict):
        return options
    return {option if isinstance(option, str) else f"{option:g}": option for option in options}


def _text_of(label, options, value):
    for text, option in options.items():
        if option is value or option == value:
            return text
    raise ValueError(f"{label} must be one of {list(options)}, got {value!r}")


class Lab(Live):
    """Controls beside a figure. In the browser, choices made while the kernel computes wait: the last one counts.

    Args:
        title: what the figure shows, in a few words.
        controls: {name: Control}.
        compute: called as compute(**values) with the value of every control by name; returns (result, matplotlib
            Figure, note), the note a line of text. What it returned is kept for the same choices later. An
            exception is raised when the lab is made, and later becomes a line in place of the note.

    Attributes:
        chosen: {name: text, or list of texts}, in step with the browser, to read or to set.
        result: what `compute` returned for the figure shown. figure: that figure as the bytes of a PNG.
        theme: "light" or "dark", that of the page. drawn: the theme of the figure shown.
        note, error: the lines below the controls; with an error the figure is that of the last good choice.
    """

    _esm = source("parts.js", "lab.js", "live.js")
    _css = source("parts.css", "lab.css")

    title = Unicode("").tag(sync=True)
    controls = List(Dict()).tag(sync=True)
    chosen = Dict().tag(sync=True)
    theme = Enum(THEMES, "light").tag(sync=True)
    figure = Bytes(b"").tag(sync=True)
    drawn = Unicode("light").tag(sync=True)
    note = Unicode("").tag(sync=True)
    status = Unicode("").tag(sync=True)
    error = Unicode("").tag(sync=True)
    answered = Int(0).tag(sync=True)  # counts the choices dealt with

    def __init__(self, title: str, controls: dict[str, Control], compute: Callable[..., tuple]):
        self._controls, self._compute, self._known = controls, compute, {}
        chosen = {name: control.first for name, control in controls.items()}
        self._remembered(chosen, "light")
        super().__init__(
            title=title, controls=[_sent(name, control) for name, control in controls.items()], chosen=chosen
        )

    @property
    def values(self) -> dict[str, Any]:
        """The values of the controls by name, as `compute` gets them."""
        return self._values(self.chosen)

    def __repr__(self):
        return f"Lab({self.title}, {len(self._controls)} controls)"

    def picture(self) -> bytes:
        return self._remembered(self._shown, "light")[1]  # paper and other readers' pages are light

    @property
    def alt(self) -> str:
        setting = "; ".join(
            f"{control.label} {', '.join(self.chosen[name]) if control.kind == 'several' else self.chosen[name]}"
            for name, control in self._controls.items()
        )
        return f"{self.title}. {setting}. {self.note}"

    @observe("chosen", "theme")
    def _answer(self, _change):
        empty = [control.label for name, control in self._controls.items() if not self.chosen[name]]
        if empty:
            self.error, self.answered = f"Tick at least one of the {empty[0]}.", self.answered + 1
            return
        self.error, self.status = "", "computing …"
        try:
            self.result, figure, self.note = self._remembered(self.chosen, self.theme)
            self._shown = self.chosen
            with self.hold_sync():
                self.figure, self.drawn = figure, self.theme
        except (Exception, KeyboardInterrupt) as error:
            self.error = str(error) or type(error).__name__
        finally:
            self.status = ""
            self.answered += 1

    def _remembered(self, chosen, theme):
        key = theme, repr(sorted(chosen.items()))
        if key not in self._known:
            before = set(plt.get_fignums())
            try:
                with single_thread():
                    result, figure, note = self._compute(**self._values(chosen))
                if theme == "dark":
                    darken(figure)
                self._known[key] = result, png(figure, DPI), note
            finally:  # also of a computation that was stopped half-way
                for figure in set(plt.get_fignums()) - before:
                    plt.close(figure)
        return self._known[key]

    def _values(self, chosen):
        return {name: control.value(chosen[name]) for name, control in self._controls.items()}

    @validate("chosen")
    def _listed(self, proposal):
        chosen = proposal["value"]
        if set(chosen) != set(self._controls):
            raise ValueError(f"chosen must have the names {list(self._controls)}, got {list(chosen)}")
        for name, control in self._controls.items():
            control.check(name, chosen[name])
        return chosen


def _sent(name, control):
    """A control as the browser gets it."""
    sent = {"name": name, "kind": control.kind, "label": control.label, "options": list(control.options)}
    if control.kind == "several":
        looks = [panel_of(text) for text in control.options]
        sent["lines"] = [look["color"] | {"dash": look["dash"]} for look in looks]
    return sent
