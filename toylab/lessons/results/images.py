"""The page of the claims, images included: ``toylab reproduce images`` writes docs/results-images.md."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import matplotlib.pyplot as plt

from toylab._files import replacing, user_path
from toylab.analysis._table import Table
from toylab.claims import Counterexample, Verdicts, break_claim, check, get, names
from toylab.claims.notes import Notes
from toylab.claims.setting import WORLDS
from toylab.lessons.results.provenance import provenance
from toylab.lessons.results.report import COLORS, DPI, FIGURES
from toylab.widgets.stills import png

PAGE = "results-images.md"
# those that a search looks at, the same on every machine
SETTINGS = {"exact": 16, "network": 16, "digits": 3, "cifar10-16": 3}
HEAD = """\
# Does the paper hold here?

Every claim of the paper that can be measured here, in the plane and in images. Written by `toylab reproduce images`,
never by hand; `toylab claims NAME` measures one again.

A verdict is *holds* (all its numbers, in all settings), *holds partly*, or *does not show here*. Numbers called
*samples* are ratios of energy distances to real data, each at least the floor that as many real data reach: 1 means
that no difference can be seen. Numbers called *solver* are ratios of distances from the end points of the exact flow.
Of digits the distances are taken in pixels, of CIFAR-10 in the features of the shipped classifier: they are no FID."""


def reproduce_images(
    folder: str | os.PathLike, worlds: Iterable[str] = tuple(WORLDS), notes: Notes | None = None, note: str = "",
    progress: bool = True,
) -> list[Path]:  # fmt: skip
    """Measure all claims and search counterexamples, and write results-images.md and its figures into `folder`.

    What `notes` knows is not measured again, so that a run that was stopped goes on.

    Args:
        worlds: those to measure; the page shows what is known of the others. notes: by default the shipped ones.
        note: a sentence about the real images.

    Returns the paths of what it wrote.
    """
    notes, worlds = Notes() if notes is None else notes, tuple(worlds)
    for world in worlds:
        with notes.lock(world):
            check(names(), [world], seeds=None, measured=notes.measured, progress=progress)
            _search([world], notes.measured, progress)
    return write_page(folder, notes, note)


def write_page(folder: str | os.PathLike, notes: Notes, note: str = "") -> list[Path]:
    """The page of what `notes` knows, and its figures; returns the paths."""
    folder = user_path(folder, "folder")
    found = check(names(), list(WORLDS), seeds=None, measured=notes.known, progress=False)
    searches = _search(list(SETTINGS), notes.known, False)
    drawn = {"claims": found.plot()} | {f"claim-{name}": found.of(name).plot() for name in names()}
    contents = {folder / FIGURES / f"{name}.png": _picture(axes) for name, axes in drawn.items()}
    contents[folder / PAGE] = page(found, searches, note).encode()
    for path, content in contents.items():
        with replacing(path) as file:
            file.write(content)
    return list(contents)


def page(found: Verdicts, searches: Sequence[Counterexample], note: str = "") -> str:
    """The page as GitHub's Markdown."""
    made = "\n".join(
        ["| made with | |", "|---|---|", *(f"| {name} | {value} |" for name, value in provenance().items())]
    )
    parts = [HEAD, note, made, "## Settings", settings_table().markdown()]
    parts += ["## All claims", found.table().markdown(), f"![All verdicts]({FIGURES}/claims.png)"]
    for name in names():
        claim = get(name)
        parts += [
            f"## {name}",
            f"*{claim.sentence}* ({claim.place}){_budgets(claim)}",
            f"![{name}]({FIGURES}/claim-{name}.png)",
        ]
        for verdict in found.of(name).rows:
            shown = verdict.table().markdown() if verdict.values else f"Not measured: {verdict.reason}."
            parts += [f"### {name}: {WORLDS[verdict.world].title}", shown]
        looked = [search for search in searches if search.claim.name == name and search.tried]
        parts += ["**Broken?**", *map(_broken, looked), _not_searched(claim, [search.world for search in looked])]
    return "\n\n".join(part for part in parts if part) + "\n"


def settings_table() -> Table:
    """A row a world: what the verdicts on the page are measured over, all claims together."""
    rows = []
    for world, about in WORLDS.items():
        over = [each for claim in map(get, names()) if world in claim.worlds for each in claim.settings(world)]
        fields = ("dataset", "seed", "n", "nfe", "t_end")
        rows.append((about.title, *(_distinct(getattr(each, field) for each in over) for field in fields)))
    note = "Evaluations and ends are those of all claims; one that compares at several budgets names its own below."
    return Table(
        ("world", "data sets", "seeds", "particles or images a seed", "evaluations", "end t"), tuple(rows), note
    )


def _distinct(values):
    return ", ".join(f"{value:g}" if isinstance(value, float) else str(value) for value in sorted(set(values)))


def _budgets(claim):
    return f" Evaluations: {_distinct(claim.budgets)}." if claim.budgets[1:] else ""


def _not_searched(claim, searched):
    """A line, or nothing where all worlds of the claim were."""
    missing = "; ".join(WORLDS[world].title for world in claim.worlds if world not in searched)
    return missing and f"* No search was made in {missing}, or none of its settings could be measured."


def _broken(search):
    if not search.worst:
        return f"* {search.sentence}"
    return f"* {search.sentence} The worst: `{search.command}`\n\n{replace(search.table(), note='').markdown()}"


def _search(worlds, measured, progress):
    how = {"seconds": None, "measured": measured, "progress": progress}
    places = [(claim, world) for claim in map(get, names()) for world in worlds if world in SETTINGS]
    return [
        break_claim(claim, world, most=SETTINGS[world], **how) for claim, world in places if world in claim.worlds
    ]  # fmt: skip


def _picture(axes):
    figure = axes.figure if hasattr(axes, "figure") else axes[0].figure
    plt.close(figure)
    return png(figure, DPI, COLORS)
