"""All exercises with what is known of them, as rows and as a table."""

from typing import Any

from toylab.analysis import Table
from toylab.lessons.exercises import exercises, progress
from toylab.lessons.exercises.outcomes import Status


def rows() -> list[dict[str, Any]]:
    """Each exercise in order: its id, kind and title, and what is known of it; "not attempted" where nothing is."""
    known = progress.read()
    rows = [{"id": name, "kind": each.kind, "title": each.title, **(progress.NEW | known.get(name, {}))}
            for name, each in exercises().items()]  # fmt: skip
    return [row | {"status": row["status"] or str(Status.NOT_ATTEMPTED)} for row in rows]


def progress_table() -> Table:
    """Your progress: every exercise, its status, and what it took."""
    found = rows()
    done = sum(row["status"] == Status.RIGHT for row in found)
    return Table(
        ("exercise", "title", "kind", "status", "attempts", "hints", "misconceptions"),
        tuple(
            (row["id"], row["title"], row["kind"], row["status"], str(row["attempts"]), str(row["hints"]),
             "; ".join(row["misconceptions"]))
            for row in found
        ),
        f"{done} of {len(found)} right; kept in {progress.place()}",
    )  # fmt: skip


def guesses() -> list[dict[str, Any]]:
    """Each prediction that was committed: its notebook and title, the first guess, what was measured, all guesses."""
    from toylab.lessons.predictions import PREDICTIONS  # which draws widgets

    known = progress.read("predictions")
    return [{"id": name, "title": asked.title, **known[name]} for name, asked in PREDICTIONS.items() if name in known]


def guess_table() -> Table:
    """Your predictions, as far as you committed: the first guess beside what was measured."""
    rows = tuple(
        (row["id"], row["title"], row["guess"], row["measured"] or "–", str(row["guesses"])) for row in guesses()
    )
    return Table(("notebook", "prediction", "first guess", "measured", "guesses"), rows)
