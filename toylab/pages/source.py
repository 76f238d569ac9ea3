"""JavaScript modules as one script: their imports and exports are taken out, and their names shared."""

import re
from importlib.resources import files

CORE = ("schedules", "methods", "plane", "network", "measures")  # each may import from those before it


def text(name: str) -> str:
    """The text of a file of this folder."""
    return (files("toylab.pages") / name).read_text(encoding="utf-8")


def filled(name: str, parts: dict[str, str]) -> str:
    """The text of a file of this folder, with the part of that name in place of every {{name}} in it."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], text(name))


def joined(*texts: str) -> str:
    """These modules, one after the other, as one script."""
    return re.sub(r"^(import .*|export )", "", "\n".join(texts), flags=re.MULTILINE)


def core() -> str:
    """The numerical core as one script."""
    return joined(*(text(f"core/{name}.js") for name in CORE))
