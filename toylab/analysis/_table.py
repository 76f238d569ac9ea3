"""Small tables for notebooks and terminals."""

import html
from dataclasses import dataclass


@dataclass(frozen=True)
class Table:
    """Rows under a header: HTML in a notebook, aligned text in a terminal, Markdown on a page.

    Attributes:
        header: column names. rows: tuples of strings or numbers, shown with three significant digits.
        note: a line below.
    """

    header: tuple
    rows: tuple
    note: str = ""

    def _cells(self):
        return [[_text(value) for value in row] for row in self.rows]

    def __str__(self):
        lines = [list(self.header), *self._cells()]
        widths = [max(len(line[column]) for line in lines) for column in range(len(self.header))]
        text = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]).rstrip() for line in lines]
        return "\n".join([*text, self.note] if self.note else text)

    __repr__ = __str__

    def markdown(self) -> str:
        """The table as GitHub's Markdown, the note in a paragraph below."""
        lines = [self.header, ["---", *["--:"] * (len(self.header) - 1)], *self._cells()]
        text = "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
        return f"{text}\n\n{self.note}" if self.note else text

    def _repr_html_(self):
        def row(tag, cells):
            return (
                "<tr>"
                + "".join(f"<{tag} style='text-align:right'>{html.escape(cell)}</{tag}>" for cell in cells)
                + "</tr>"
            )

        body = "".join(row("td", cells) for cells in self._cells())
        note = f"<p>{html.escape(self.note)}</p>" if self.note else ""
        head = f"<thead>{row('th', self.header)}</thead>"
        return f"<table style='font-size:1.15em'>{head}<tbody>{body}</tbody></table>{note}"


def _text(value):
    if value is None:
        return "–"
    return value if isinstance(value, str) else f"{value:.3g}"
