"""The scenes of a lecture: links to states of the live lab, one a slide, with titles and notes."""

import json
import os
from dataclasses import dataclass
from functools import cache

from toylab._files import user_path
from toylab.pages import source

MOST_SCENES, MOST_BYTES = 500, 1_000_000


@dataclass(frozen=True)
class Scene:
    """One slide: its title, the part of the page's address after # that shows it, and what the lecturer reads."""

    title: str
    link: str
    notes: str = ""


@cache
def lecture() -> list[Scene]:
    """The scenes that come with toylab: a lecture of two hours, as far as the exact epsilon carries it."""
    return parse(source.text("lab/lecture.txt"), "lecture.txt")


def read(path: str | os.PathLike) -> list[Scene]:
    """The scenes of a file; see `parse`. Raises OSError or ValueError naming the file and what is wrong in it."""
    path = user_path(path, "scenes")
    with open(path, "rb") as file:
        content = file.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"{path} is no list of scenes: it has more than {MOST_BYTES} bytes")
    try:
        return parse(content.decode("utf-8-sig"), str(path))
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no list of scenes: it is no text") from None


def parse(text: str, name: str) -> list[Scene]:
    """Scenes as text: a line "# title", a line with the link, then lines of notes; or as JSON: a list of objects
    with "title", "link" and, if wanted, "notes". Raises ValueError with `name` and what is wrong."""
    found = _from_json(text, name) if text.lstrip()[:1] in ("[", "{") else _from_text(text, name)
    if not 1 <= len(found) <= MOST_SCENES:
        raise ValueError(f"{name} must have 1 to {MOST_SCENES} scenes, got {len(found)}")
    return found


def _from_text(text, name):
    parts = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith("# "):
            parts.append((number, line[2:].strip(), []))
        elif parts:
            parts[-1][2].append(line)
        elif line.strip():
            raise ValueError(f"{name}, line {number}: a scene begins with '# ' and its title, got {line[:60]!r}")
    scenes = []
    for number, title, lines in parts:
        link, _, notes = "\n".join(lines).strip().partition("\n")
        scenes.append(_scene(title, link, notes, f"{name}, line {number}"))
    return scenes


def _from_json(text, name):
    try:
        values = json.loads(text)
    except ValueError as error:
        raise ValueError(f"{name} is damaged: {error}") from None
    if not isinstance(values, list):
        raise ValueError(f"{name} must be a list of scenes, got an object")
    scenes = []
    for number, value in enumerate(values, 1):
        if not isinstance(value, dict) or not {"title", "link"} <= value.keys() <= {"title", "link", "notes"}:
            raise ValueError(f"{name}, scene {number}: must be an object with title, link and notes, got {value!r:.60}")
        scenes.append(_scene(value["title"], value["link"], value.get("notes", ""), f"{name}, scene {number}"))
    return scenes


def _scene(title, link, notes, where):
    if not all(isinstance(each, str) for each in (title, link, notes)):
        raise ValueError(f"{where}: title, link and notes must be texts")
    link = link.strip().rpartition("#")[2]
    if not title.strip() or "=" not in link or any(letter.isspace() for letter in link):
        wanted = "a title and a link like data=moons&methods=RK4,DDIM&steps=5"
        raise ValueError(f"{where}: needs {wanted}, got {title!r:.60}, {link!r:.60}")
    return Scene(title.strip(), link, notes.strip())
