"""The arrows between rooms: imports point down only, and never in a circle. CONTRIBUTING draws them."""

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
LEVELS = (  # from below; rooms of one level do not import one another
    ("_errors", "_extras", "_interrupted", "_lazy", "_stops", "_types"),
    ("_progress", "_shipped", "_threads"),
    ("_files", "_processes"),
    ("schedules", "datasets"),
    ("grids",),
    ("samplers",),
    ("epsilon",),
    ("problems",),
    ("analysis",),
    ("images",),
    ("claims",),
    ("training",),
    ("figures",),
    ("widgets",),
    ("lessons",),
    ("pages",),
    ("cli",),
    ("__main__",),
)
HEIGHT = {room: level for level, rooms in enumerate(LEVELS) for room in rooms}
# the one arrow up: results ask the room that draws them for a figure, by its name
DRAWN = ("toylab.analysis._result", "toylab.figures")
DRAWING = ("matplotlib", "ipywidgets", "anywidget")
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted((ROOT / "toylab").rglob("*.py"))
}


@cache
def tree(module):
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


@cache
def offers(package):
    """What a package offers by its list of imports, name -> module."""
    found = [node for node in ast.walk(tree(package)) if isinstance(node, ast.ImportFrom)]
    return {alias.name: node.module for node in found for alias in node.names if alias.asname == alias.name}


def place(module, name):
    """The module that ``from module import name`` reads."""
    if f"{module}.{name}" in FILES:
        return f"{module}.{name}"
    given = offers(module).get(name)
    return module if given in (None, module) else place(given, name)


def at_run_time(node):
    """All nodes below but those that only type checkers see."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and getattr(child.test, "id", "") == "TYPE_CHECKING":
            continue
        yield child
        yield from at_run_time(child)


def imports(module):
    """The modules that a module imports, anywhere in it, also by a string."""
    for node in at_run_time(tree(module)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module} has a relative import in line {node.lineno}"
            ours = node.module in FILES
            yield from (place(node.module, alias.name) if ours else node.module for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if node.value in FILES and node.value != "toylab":
                yield node.value
            elif re.fullmatch(r"toylab(\.\w+)+\.", node.value):  # the beginning of an f-string
                yield from (name for name in FILES if name.startswith(node.value))


def arrows(module):
    """Those of `imports` that are ours, without the version and the module itself."""
    return {name for name in imports(module) if name in FILES and name != "toylab"} - {module}


def room(module):
    return module.split(".")[1]


@pytest.mark.parametrize("module", [name for name in FILES if name != "toylab"])
def test_imports_point_down(module):
    up = [
        other
        for other in arrows(module)
        if room(other) != room(module) and HEIGHT[room(other)] >= HEIGHT[room(module)] and (module, other) != DRAWN
    ]
    assert up == []


def test_no_module_imports_itself_by_way_of_others():
    graph = {module: arrows(module) - {other for one, other in [DRAWN] if one == module} for module in FILES}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"a circle: {' -> '.join(error.args[1])}")


@pytest.mark.parametrize("module", [name for name in FILES if name != "toylab"])
def test_nothing_below_figures_draws(module):
    if HEIGHT[room(module)] < HEIGHT["figures"]:
        assert not {name.partition(".")[0] for name in imports(module)} & {*DRAWING}


@pytest.mark.parametrize("module", [name for name in FILES if name != "toylab"])
def test_the_whole_package_is_imported_by_nobody_inside_it(module):
    """``import toylab`` would hide which room is meant."""
    assert "toylab" not in [alias.name for node in ast.walk(tree(module)) if isinstance(node, ast.Import)
                            for alias in node.names]  # fmt: skip


def test_contributing_draws_the_rooms_in_this_order():
    drawn = re.search(r"```\n(cli .*?)```", (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8"), re.DOTALL)[1]
    rooms = [word for line in drawn.splitlines() for word in re.findall(r"\w+", line.split("  ")[0])]
    known = [name for level in LEVELS[::-1] for name in level if not name.startswith("_")]
    assert [name for name in rooms if not name.startswith("_")] == known
