"""The results page: Markdown, figures, and the same as a dict."""

import os
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from toylab._files import replacing, user_path
from toylab.lessons.results.provenance import provenance
from toylab.lessons.results.section import Found, Section
from toylab.widgets.stills import png

PAGE, FIGURES = "results.md", "results"
DPI, COLORS = 80, 200  # fewer merge the hues of small marks


@dataclass(frozen=True)
class Entry:
    """A section, what it found, and the seconds of one core that it took."""

    section: Section
    found: Found
    seconds: float


@dataclass(frozen=True)
class Report:
    """The sections that `reproduce` computed.

    Attributes:
        entries: an `Entry` for each section. wall, cpu: seconds that all of them took, by the clock and of one core.
    """

    entries: tuple
    wall: float
    cpu: float

    def markdown(self, figures: bool = True) -> str:
        """The page, for GitHub, with or without its figures, which are in the folder results beside it."""
        head = [
            "# Results",
            "Every number of the 2D part that the README and the notebooks quote. Written by `toylab reproduce`, never "
            "by hand; `toylab reproduce --only NAME` prints one section.",
            self._how(),
        ]
        body = []
        for quoted_by, entries in groupby(self.entries, key=lambda entry: entry.section.quoted_by):
            body += [f"## {quoted_by[0].upper()}{quoted_by[1:]}", *(_entry(entry, figures) for entry in entries)]
        return "\n\n".join([*head, *body]) + "\n"

    def _how(self):
        rows = [*provenance().items(), ("run time", f"{self.cpu:.0f} s of one core, {self.wall:.0f} s by the clock")]
        return "\n".join(["| made with | |", "|---|---|", *(f"| {name} | {value} |" for name, value in rows)])

    def as_dict(self) -> dict[str, Any]:
        """The same without figures: strings and numbers, for JSON."""
        return {
            **provenance(),
            "wall_seconds": self.wall,
            "cpu_seconds": self.cpu,
            "sections": [
                {
                    "name": entry.section.name,
                    "quoted_by": entry.section.quoted_by,
                    "title": entry.section.title,
                    "settings": entry.found.settings,
                    "cpu_seconds": entry.seconds,
                    "tables": [
                        {"header": table.header, "rows": _plain(table.rows), "note": table.note}
                        for table in entry.found.tables
                    ],
                }
                for entry in self.entries
            ],
        }

    def write(self, folder: str | os.PathLike) -> list[Path]:
        """Write results.md and results/*.png into `folder`, which is made if need be. Returns the paths."""
        folder = user_path(folder, "folder")
        pictures = {
            folder / FIGURES / f"{name}.png": png(figure, DPI, COLORS)
            for entry in self.entries
            for name, figure in entry.found.figures.items()
        }
        contents = pictures | {folder / PAGE: self.markdown().encode()}
        for path, content in contents.items():
            with replacing(path) as file:
                file.write(content)
        return list(contents)


def _entry(entry, figures):
    section, found = entry.section, entry.found
    figures = [f"![{section.title}]({FIGURES}/{name}.png)" for name in found.figures if figures]
    about = f"`{section.name}`: {found.settings}"
    return "\n\n".join([f"### {section.title}", about, *(table.markdown() for table in found.tables), *figures])


def _plain(rows):
    return [[cell.item() if hasattr(cell, "item") else cell for cell in row] for row in rows]
