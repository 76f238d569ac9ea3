"""The results of `check`, `hint` and `solution`: values that a test can compare and a notebook shows."""

import html
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """The four outcomes of a check."""

    NOT_ATTEMPTED = "not attempted"
    RIGHT = "right"
    WRONG = "wrong"
    RAISED = "your code raised"


MARKS = {Status.NOT_ATTEMPTED: ("…", "#767676"), Status.RIGHT: ("✓", "#009E73"), Status.WRONG: ("✗", "#D55E00")}
MARKS[Status.RAISED] = "!", "#CC79A7"


@dataclass(frozen=True)
class Outcome:
    """The finding of a check; true where the answer is right.

    Attributes:
        exercise: its name. status: one of the four. message: sentences for the student.
        misconception: the name of the typical mistake that the answer equals, or None.
        code: a line of code that belongs to the message: where to begin, or where it went wrong.
        printed: the beginning of what the answer printed. note: about the progress file, where it could not be kept.
    """

    exercise: str
    status: Status
    message: str
    misconception: str | None = None
    code: str = ""
    printed: str = ""
    note: str = ""

    def __bool__(self) -> bool:
        return self.status is Status.RIGHT

    def __repr__(self):
        mark, _ = MARKS[self.status]
        title = f"{self.exercise} {mark} {self.title}"
        parts = [f"{title}. {self.message}", self.code, self.printed and f"It printed: {self.printed}", self.note]
        return "\n".join(filter(None, parts))

    @property
    def title(self) -> str:
        """The status in words, with the name of the misconception."""
        return f"{self.status}: {self.misconception}" if self.misconception else str(self.status)

    def _repr_html_(self):
        mark, color = MARKS[self.status]
        parts = [f"<b>{self.exercise} {mark} {html.escape(self.title)}.</b> {html.escape(self.message)}"]
        parts += [code(self.code)] if self.code else []
        parts += [f"It printed: {code(self.printed)}"] if self.printed else []
        return framed([*parts, html.escape(self.note)], color)


@dataclass(frozen=True)
class Note:
    """A hint or a solution. title: in bold. text: sentences. code: source, shown as it is."""

    title: str
    text: str
    code: str = ""

    def __repr__(self):
        return "\n".join(filter(None, [f"{self.title}. {self.text}", self.code]))

    def _repr_html_(self):
        return framed([f"<b>{html.escape(self.title)}.</b> {html.escape(self.text)}", code(self.code)], "#0072B2")


def code(text: str) -> str:
    """`text` as HTML that keeps its lines."""
    return f"<pre style='margin:.4em 0;white-space:pre-wrap'>{html.escape(text)}</pre>" if text else ""


def framed(parts: list[str], color: str) -> str:
    """Pieces of HTML beside a bar of that colour; text keeps the page's own colours, light or dark."""
    body = "<br>".join(part for part in parts if part and not part.startswith("<pre"))
    body += "".join(part for part in parts if part.startswith("<pre"))
    return f"<div role='status' style='border-left:4px solid {color};padding:.2em .8em;max-width:46em'>{body}</div>"
