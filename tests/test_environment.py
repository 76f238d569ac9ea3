"""The files that describe the project agree with each other and with the code."""

import ast
import json
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CONDA_NAMES = {"pytorch": "torch"}
CONDA_ONLY = {"python", "pip", "pytorch-cpu"}
OURS = {"toylab", "tests", "benchmarks", "scripts", "fixtures", "conftest"}


def canonical(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def requirement(text):
    """'Name[extra] >= 1, < 2' -> (canonical name, {'>=1', '<2'})"""
    match = re.fullmatch(r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*([^;]*?)\s*(?:;.*)?", text)
    assert match, f"not a requirement: {text!r}"
    return canonical(match[1]), frozenset(part.replace(" ", "") for part in match[2].split(",") if part)


@pytest.fixture(scope="module")
def project():
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


@pytest.fixture(scope="module")
def declared(project):
    """{extra or "": {package: bounds}} of pyproject.toml"""
    groups = {"": project["dependencies"], **project["optional-dependencies"]}
    foreign = {group: [line for line in lines if not line.startswith("toylab[")] for group, lines in groups.items()}
    return {group: dict(map(requirement, lines)) for group, lines in foreign.items()}


@pytest.fixture(scope="module")
def everything(declared):
    return {name: bounds for group in declared.values() for name, bounds in group.items()}


@pytest.fixture(scope="module")
def conda():
    return yaml.safe_load((ROOT / "environment.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def conda_packages(conda):
    lines = [line for line in conda["dependencies"] if isinstance(line, str)]
    lines += [line for line in conda_pip_section(conda) if not line.startswith("-")]
    packages = dict(map(requirement, lines))
    assert len(packages) == len(lines), "a package is listed twice"
    return {CONDA_NAMES.get(name, name): bounds for name, bounds in packages.items()}


def conda_pip_section(conda):
    (section,) = [line["pip"] for line in conda["dependencies"] if isinstance(line, dict)]
    return section


# environment.yml, pyproject.toml, constraints.txt


def test_conda_and_pip_environments_list_the_same_packages_with_the_same_bounds(conda_packages, everything):
    assert {n: b for n, b in conda_packages.items() if n not in CONDA_ONLY} == everything


def test_conda_and_pip_environments_ask_for_the_same_python(conda_packages, project):
    assert conda_packages["python"] == requirement("python" + project["requires-python"])[1]


def test_conda_environment_names_the_six_packages_of_the_lab(conda):
    text = [requirement(line)[0] for line in conda["dependencies"] if isinstance(line, str)]
    assert {"jupyterlab", "numpy", "pytorch", "matplotlib", "ipywidgets", "scikit-learn"} <= set(text)


def test_conda_environment_installs_the_cpu_build_and_this_folder(conda, conda_packages):
    assert conda["channels"][0] == "conda-forge"
    assert "pytorch-cpu" in conda_packages
    assert "-e ." in conda_pip_section(conda)


def test_every_package_has_a_lower_bound(everything):
    assert [n for n, bounds in everything.items() if not any(b.startswith(">=") for b in bounds)] == []


def test_constraints_fix_every_declared_package_within_its_bounds(everything):
    def numbers(version):
        return [int(part) for part in version.split(".")]

    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    fixed = dict(requirement(line) for line in lines if line and not line.startswith("#"))
    assert fixed.keys() == everything.keys()
    for name, bounds in fixed.items():
        (pin,) = bounds
        (low,) = [bound for bound in everything[name] if bound.startswith(">=")]
        assert pin.startswith("==") and numbers(pin[2:]) >= numbers(low[2:]), f"{name}{pin}, but {name}{low}"


# imports


def imported_names(source):
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def part_of(source, extra):
    """What stands in blocks ``with extra(...)`` of this name; for "" everything that stands in no such block"""
    tree = ast.parse(source)
    blocks = [(node, name) for node in ast.walk(tree) if (name := extra_of(node))]
    if extra:
        return "\n".join(ast.unparse(node) for node, name in blocks if name == extra)
    for node, _ in blocks:
        node.body = [ast.Pass()]
    return ast.unparse(tree)


def extra_of(node):
    """The name in ``with extra(name)``, else None"""
    if isinstance(node, ast.With) and isinstance(node.items[0].context_expr, ast.Call):
        call = node.items[0].context_expr
        return call.args[0].value if getattr(call.func, "id", None) == "extra" else None
    return None


def undeclared_imports(sources, allowed):
    """{file: names} of third-party imports in `sources` {path: code} that no `allowed` package provides"""
    distributions = packages_distributions()
    siblings = {name for path in sources for name in (path.stem, path.parent.name)} | OURS
    missing = {}
    for path, source in sources.items():
        foreign = set(imported_names(source)) - sys.stdlib_module_names - siblings
        wrong = {n for n in foreign if not allowed & {canonical(d) for d in distributions.get(n, [n])}}
        if wrong:
            missing[path.relative_to(ROOT).as_posix()] = wrong
    return missing


def python_files(*folders):
    return {p: p.read_text(encoding="utf-8") for folder in folders for p in (ROOT / folder).rglob("*.py")}


def notebook_code(path):
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    lines = "".join("".join(cell["source"]) + "\n" for cell in cells if cell["cell_type"] == "code")
    return re.sub(r"^\s*[%!].*$", "", lines, flags=re.MULTILINE)


@pytest.mark.parametrize("extra", ["", "images", "inception", "lab", "site"])
def test_toylab_imports_the_packages_of_an_extra_only_where_it_names_that_extra(declared, extra):
    parts = {path: part_of(source, extra) for path, source in python_files("toylab").items()}
    assert any(imported_names(source) for source in parts.values())
    assert undeclared_imports(parts, declared[""].keys() | declared[extra].keys()) == {}


def test_notebooks_import_only_packages_that_toylab_declares(declared):
    notebooks = {path: notebook_code(path) for path in (ROOT / "notebooks").glob("*.ipynb")}
    assert undeclared_imports(notebooks, declared[""].keys()) == {}


def test_tests_benchmarks_and_scripts_import_only_packages_of_the_test_extra(everything):
    assert undeclared_imports(python_files("tests", "benchmarks", "scripts"), everything.keys()) == {}


def test_an_undeclared_import_is_found_wherever_it_stands():
    source = "import os\nfrom . import near\ndef f():\n    import sklearn.datasets, yaml\n"
    path = ROOT / "toylab" / "example.py"
    assert undeclared_imports({path: source}, {"scikit-learn"}) == {"toylab/example.py": {"yaml"}}


def test_an_import_is_looked_for_under_its_extra():
    source = "import yaml\ndef f():\n    with extra('lab'):\n        import mpmath"
    assert list(imported_names(part_of(source, ""))) == ["yaml"]
    assert list(imported_names(part_of(source, "lab"))) == ["mpmath"]
    assert list(imported_names(part_of(source, "images"))) == []


# licence, citation, version


def test_version_stands_in_the_package_and_is_the_same_in_the_citation(project):
    import toylab

    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert project["dynamic"] == ["version"] and "version" not in project
    hatch = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["hatch"]
    assert hatch["version"]["path"] == Path(toylab.__file__).relative_to(ROOT).as_posix()
    assert toylab.__version__ == str(citation["version"])


def test_licence_is_mit_everywhere(project):
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    text = (ROOT / "LICENSE").read_text(encoding="utf-8")
    assert text.startswith("MIT License") and "2026 The toylab authors" in text
    assert project["license"] == citation["license"] == "MIT"


def test_citation_has_the_fields_that_its_format_requires():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0"
    assert citation["type"] == "software"
    assert all(citation[field] for field in ("message", "title", "authors"))
    for reference in citation["references"]:
        assert all(reference[field] for field in ("type", "title", "authors"))


def test_citation_refers_to_the_paper():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    (paper,) = citation["references"]
    assert paper["title"] == "Pseudo Numerical Methods for Diffusion Models on Manifolds"
    assert paper["year"] == 2022
    authors = [f"{author['given-names']} {author['family-names']}" for author in paper["authors"]]
    assert authors == ["Luping Liu", "Yi Ren", "Zhijie Lin", "Zhou Zhao"]
    assert "10.48550/arXiv.2202.09778" in [identifier["value"] for identifier in paper["identifiers"]]


def test_the_devcontainer_installs_what_notebooks_need_as_the_tests_have_it():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    command = container["postCreateCommand"]
    (extras,) = re.findall(r"\[([\w,]+)\]", command)
    assert {"lab"} <= set(extras.split(",")) <= set(project["optional-dependencies"])
    assert (ROOT / re.search(r"-c (\S+)", command)[1]).exists()
    (python,) = re.findall(r":3\.(\d+)$", container["image"])
    assert 11 <= int(python) <= 14
