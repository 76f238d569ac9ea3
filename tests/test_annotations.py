"""Every public function says the types of its arguments and of its result; lazy names are what type checkers see."""

import ast
import importlib
import pkgutil
from pathlib import Path

import pytest

import toylab

FOLDER = Path(toylab.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))
TYPED = [path for path in FILES if path.parent.name != "exercises" or "lesson" not in path.stem]  # students read those
FACES = [toylab.__name__, *(each.name for each in pkgutil.walk_packages(toylab.__path__, "toylab.") if each.ispkg)]
LAZY = [name for name in FACES if "attach(__name__)" in Path(importlib.import_module(name).__file__).read_text()]


def public_functions(body, prefix=""):
    """(name, node) of the functions and methods of a module that have no underscore; of private ones, __init__"""
    for node in body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from public_functions(node.body, f"{node.name}.")
        elif isinstance(node, ast.FunctionDef) and (not node.name.startswith("_") or node.name == "__init__"):
            yield prefix + node.name, node


def unannotated(source):
    """The public functions of `source` that lack the type of an argument or of their result"""
    found = []
    for name, node in public_functions(ast.parse(source).body):
        given = node.args
        arguments = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
        own = [each for each in arguments if each and each.arg not in ("self", "cls")]
        returns = node.returns or name.endswith("__init__")
        if not returns or not all(each.annotation for each in own):
            found.append(name)
    return found


@pytest.mark.parametrize("path", TYPED, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_every_public_function_is_annotated(path):
    assert unannotated(path.read_text(encoding="utf-8")) == []


def test_a_missing_annotation_is_found():
    source = "class A:\n    def f(self, x: int): ...\n    def g(self, x) -> int: ...\n    def _h(self, x): ...\n"
    assert unannotated(source + "def f(*x: int, **y) -> int: ...\ndef g(x: int) -> int: ...") == ["A.f", "A.g", "f"]


@pytest.mark.parametrize("name", LAZY)
def test_lazy_names_are_the_imports_that_type_checkers_see(name):
    package = importlib.import_module(name)
    seen = {}
    for node in ast.walk(ast.parse(Path(package.__file__).read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module != "typing":
            seen |= {alias.asname: node.module for alias in node.names if alias.asname}
    assert set(seen) == set(package.__all__) <= set(dir(package))
    for each, module in seen.items():
        owner = importlib.import_module(module)
        assert getattr(package, each) is getattr(owner, each)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(FOLDER).as_posix())
def test_no_docstring_begins_with_a_question_word(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    documented = [each for each in ast.walk(tree) if isinstance(each, ast.Module | ast.ClassDef | ast.FunctionDef)]
    first_words = {(ast.get_docstring(each) or "-").split()[0] for each in documented}
    assert not first_words & {"What", "Where", "Whether", "How", "Who", "Why", "When"}


def test_there_are_lazy_packages():
    assert {"toylab", "toylab.analysis", "toylab.images", "toylab.widgets"} <= set(LAZY)
