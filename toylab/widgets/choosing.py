"""Choices beside a view: dropdowns and sliders whose every change lets the kernel compute another scene."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from toylab._errors import number, unknown_name
from toylab._extras import extra
from toylab.widgets.stage import Stage

with extra("lab"):
    from traitlets import Dict, Unicode, observe, validate


KEPT = 4  # answers that a view remembers: who goes back and forth need not wait


class Choosing(Stage):
    """A `Stage` with choices, which remembers its last few answers.

    A subclass gives `_offered(...)` to its traits and shows what was computed in `_take(answer)`.

    State: `chosen`; `status` and `error` are the lines shown while and after computing.
    """

    _unplugged = {"choices": {}, "chosen": {}, "status": "", "error": ""}

    choices = Dict().tag(sync=True)
    chosen = Dict().tag(sync=True)
    status = Unicode("").tag(sync=True)
    error = Unicode("").tag(sync=True)

    def _offered(
        self, choices: Mapping[str, Iterable[str]] | None, chosen: Mapping[str, str] | None, compute: Callable | None,
        first: Any,
    ) -> dict[str, dict]:  # fmt: skip
        """The traits `choices` and `chosen`, of which `first` is the answer; TypeError or ValueError for what cannot be
        chosen."""
        choices = _lists(choices)
        if choices and not callable(compute):
            raise TypeError(f"compute must be callable where choices are given, got {compute!r}")
        if not isinstance(chosen, Mapping | None):
            raise TypeError(f"chosen must be a dict of names by label, got {chosen!r}")
        chosen = {label: names[0] for label, names in choices.items()} | dict(chosen or {})
        _check_chosen(chosen, choices)
        self._compute, self._shown = compute, chosen
        self._answers = {_key(chosen): first} if choices else {}
        return {"choices": choices, "chosen": chosen}

    def _take(self, answer: Any) -> None:
        raise NotImplementedError

    @observe("chosen")
    def _recompute(self, _change):
        wanted = dict(self.chosen)
        if self._compute is None or wanted == self._shown:
            return
        self.error, self.status = "", "computing 0 %"
        try:
            known = self._answers.pop(_key(wanted), None)
            answer = self._compute(wanted, self._report) if known is None else known
            self._take(answer)
            self._shown, self._answers[_key(wanted)] = wanted, answer
            for old in list(self._answers)[:-KEPT]:
                del self._answers[old]
        except (Exception, KeyboardInterrupt) as error:
            self.error = f"{', '.join(wanted.values())}: {str(error) or type(error).__name__}"
            self.chosen = self._shown
        finally:
            self.status = ""

    def _report(self, done):
        self.status = f"computing {round(100 * number('progress', done, 0, 1))} %"

    @validate("chosen")
    def _listed(self, proposal):
        _check_chosen(proposal["value"], self.choices)
        return proposal["value"]


def _key(chosen):
    return tuple(sorted(chosen.items()))


def _lists(choices):
    """`choices` as {label: [name, ...]}; TypeError or ValueError for anything else."""
    if not isinstance(choices, Mapping | None):
        raise TypeError(f"choices must be a dict of lists of names, got {choices!r}")
    for label, names in (choices or {}).items():
        if isinstance(names, str) or not isinstance(names, Iterable) or not list(names):
            raise ValueError(f"choices[{label!r}] must be a non-empty list of names, got {names!r}")
    return {label: list(names) for label, names in (choices or {}).items()}


def _check_chosen(chosen, choices):
    """ValueError unless `chosen` has one of the names for every label of `choices`."""
    if set(chosen) != set(choices):
        raise ValueError(f"chosen must have the labels {list(choices)}, got {list(chosen)}")
    for label, name in chosen.items():
        if name not in choices[label]:
            raise unknown_name(label, name, choices[label])
