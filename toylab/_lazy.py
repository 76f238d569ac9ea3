"""Packages whose objects are imported on first use."""

import ast
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any


def attach(package: str) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` (PEP 562) and ``__all__`` of the module `package`.

    Its source lists what it offers once, as the imports under ``if TYPE_CHECKING:``, in the form
    ``from toylab.room.file import name as name``, which editors and type checkers read as well. Each is done when its
    name is first asked for. What ``__init__`` imports at once in that form is public, too.
    """
    places = dict(_imports(ast.parse(sys.modules[package].__loader__.get_source(package))))

    def getattribute(name: str) -> Any:
        if name not in places:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        if places[name] == package:
            return import_module(f"{package}.{name}")
        return getattr(import_module(places[name]), name)

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *places})

    return getattribute, names, list(places)


def _imports(tree: ast.AST):
    """Pairs (name, module) of the imports ``from module import name as name`` of a file."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ((alias.name, node.module) for alias in node.names if alias.asname == alias.name)
