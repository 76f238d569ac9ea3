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
FIELDS = {"status": str, "attempts": int, "misconceptions": list, "hints": int, "solution": bool, "when": str}
NEW = {"status": "", "attempts": 0, "misconceptions": [], "hints": 0, "solution": False, "when": ""}
_unsaved: dict[str, dict] = {}  # what could not be written, for as long as this process lives


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


def read() -> dict[str, dict[str, Any]]:
    """The record of each exercise, by its id: the file, and what this process could not write into it.

    Raises Unreadable for a damaged file, or one of another version.
    """
    return _file() | _unsaved


def record(outcome: Outcome) -> Outcome:
    """`outcome`, counted in the progress file; with a note where that cannot be done."""

    def change(entry):
        names = entry["misconceptions"] + ([outcome.misconception] if outcome.misconception else [])
        right = Status.RIGHT in (entry["status"], outcome.status)
        return {
            "status": Status.RIGHT if right else outcome.status,
            "attempts": entry["attempts"] + 1,
            "misconceptions": list(dict.fromkeys(names)),
            "when": datetime.now(UTC).isoformat(timespec="seconds"),
        }

    return replace(outcome, note=_update(outcome.exercise, change))


def seen(exercise: str, hint: int = 0, solution: bool = False) -> None:
    """Count a hint or a solution that was shown."""
    _update(exercise, lambda entry: {"hints": max(entry["hints"], hint), "solution": entry["solution"] or solution})


def _update(exercise, change):
    """Change the entry of an exercise; returns a sentence where it is kept in memory alone, else ""."""
    why = ""
    try:
        known = _file()
    except Unreadable as error:
        known, why = {}, str(error)
    known |= _unsaved
    entry = NEW | known.get(exercise, {})
    known[exercise] = entry | change(entry)
    try:
        if not why:
            with replacing(place()) as file:
                about = {"version": VERSION, "exercises": dict(sorted(known.items()))}
                file.write(f"{json.dumps(about, indent=1, ensure_ascii=False)}\n".encode())
            _unsaved.clear()
            return ""
    except (OSError, ValueError) as error:
        why = f"Your progress cannot be written: {error}."
    _unsaved[exercise] = known[exercise]
    return f"{why} It is kept until this kernel ends; $TOYLAB_PROGRESS names another file."


def _file():
    try:
        path = place()
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RuntimeError) as error:  # the last where nobody knows a home
        raise Unreadable(f"Your progress cannot be read: {error}.") from error
    try:
        about = json.loads(text)
        version, exercises = about["version"], about["exercises"]
        if version == VERSION:
            return {str(name): _entry(entry) for name, entry in exercises.items()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise Unreadable(f"The progress file {path} is damaged, and left as it is.") from error
    raise Unreadable(
        f"The progress file {path} is of version {in_short(version)}, and this toylab writes {VERSION}; it is left "
        "as it is."
    )


def _entry(entry):
    entry = NEW | entry
    if any(type(entry[name]) is not kind for name, kind in FIELDS.items()) or entry["status"] not in ("", *Status):
        raise ValueError
    return {name: entry[name] for name in FIELDS}
