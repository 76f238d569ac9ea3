"""One's answers, in a small file of one's own: nothing of it leaves the machine."""

import json
import os
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from toylab._errors import in_short
from toylab._files import replacing, user_path
from toylab.lessons.exercises.outcomes import Outcome, Status

VERSION = 1
NEW = {"status": "", "attempts": 0, "misconceptions": [], "hints": 0, "solution": False, "when": ""}
NO_GUESS = {"guess": "", "measured": "", "guesses": 0, "when": ""}  # of a prediction: the first guess is what counts
EMPTY = {"exercises": NEW, "predictions": NO_GUESS}
_unsaved: dict[tuple[str, str], dict] = {}  # what could not be written, for as long as this process lives


class Unreadable(ValueError):
    """A progress file that cannot be read, in a sentence; it is left as it is."""


def place() -> Path:
    """The progress file: $TOYLAB_PROGRESS, or ``toylab/progress.json`` in the user's folder for data."""
    chosen = os.environ.get("TOYLAB_PROGRESS")
    if chosen:
        return user_path(chosen, "TOYLAB_PROGRESS")
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Application Support"
    else:
        base = os.environ.get("XDG_DATA_HOME") or "~/.local/share"
    return Path(base).expanduser() / "toylab" / "progress.json"


def read(part: str = "exercises") -> dict[str, dict[str, Any]]:
    """The record of each exercise by its id, or of each of the "predictions": the file, and what this process could
    not write into it.

    Raises Unreadable for a damaged file, or one of another version.
    """
    return _file()[part] | {name: entry for (where, name), entry in _unsaved.items() if where == part}


def record(outcome: Outcome) -> Outcome:
    """`outcome`, counted in the progress file; with a note where that cannot be done."""

    def change(entry):
        names = entry["misconceptions"] + ([outcome.misconception] if outcome.misconception else [])
        right = Status.RIGHT in (entry["status"], outcome.status)
        return {
            "status": Status.RIGHT if right else outcome.status,
            "attempts": entry["attempts"] + 1,
            "misconceptions": list(dict.fromkeys(names)),
            "when": _now(),
        }

    return replace(outcome, note=_update("exercises", outcome.exercise, change))


def guessed(prediction: str, guess: str) -> str:
    """Count a guess, and keep the first one; returns a sentence where the file cannot be written, else ""."""

    def change(entry):
        first = {"guess": entry["guess"] or guess, "when": entry["when"] or _now()}
        return first | {"guesses": entry["guesses"] + 1}

    return _update("predictions", prediction, change)


def measured(prediction: str, answer: str) -> str:
    """Keep what was measured beside a guess; returns as `guessed`."""
    return _update("predictions", prediction, lambda _: {"measured": answer})


def seen(exercise: str, hint: int = 0, solution: bool = False) -> None:
    """Count a hint or a solution that was shown."""
    _update(
        "exercises",
        exercise,
        lambda entry: {"hints": max(entry["hints"], hint), "solution": entry["solution"] or solution},
    )


def _now():
    return datetime.now(UTC).isoformat(timespec="seconds")


def _update(part, name, change):
    """Change the entry of an exercise or a prediction; returns a sentence where it is kept in memory alone, else ""."""
    why = ""
    try:
        known = _file()
    except Unreadable as error:
        known, why = {part: {} for part in EMPTY}, str(error)
    for (where, other), entry in _unsaved.items():
        known[where][other] = entry
    entry = EMPTY[part] | known[part].get(name, {})
    known[part][name] = entry | change(entry)
    try:
        if not why:
            with replacing(place()) as file:
                about = {"version": VERSION} | {part: dict(sorted(entries.items())) for part, entries in known.items()}
                file.write(f"{json.dumps(about, indent=1, ensure_ascii=False)}\n".encode())
            _unsaved.clear()
            return ""
    except (OSError, ValueError) as error:
        why = f"Your progress cannot be written: {error}."
    _unsaved[part, name] = known[part][name]
    return f"{why} It is kept until this kernel ends; $TOYLAB_PROGRESS names another file."


def _file():
    try:
        path = place()
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return {part: {} for part in EMPTY}
    except (OSError, ValueError, RuntimeError) as error:  # the last where nobody knows a home
        raise Unreadable(f"Your progress cannot be read: {error}.") from error
    try:
        about = json.loads(text)
        version, known = about["version"], {"predictions": {}} | about  # older files have no predictions
        if version == VERSION:
            return {part: {str(name): _entry(part, entry) for name, entry in known[part].items()} for part in EMPTY}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(f"The progress file {path} is damaged, and left as it is.") from error
    raise Unreadable(
        f"The progress file {path} is of version {in_short(version)}, and this toylab writes {VERSION}; it is left "
        "as it is."
    )


def _entry(part, entry):
    empty = EMPTY[part]
    entry = empty | entry
    if any(type(entry[name]) is not type(value) for name, value in empty.items()):
        raise ValueError
    if entry.get("status", "") not in ("", *Status):
        raise ValueError
    return {name: entry[name] for name in empty}
