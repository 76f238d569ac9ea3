"""The notebooks: they run, they read well without a kernel, and they keep their logic in the package."""

import importlib.util
import re
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
spec = importlib.util.spec_from_file_location("execute", NOTEBOOKS.parent / "scripts" / "notebooks.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)
NAMES = execute.names()


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def players(notebook):
    return sum(output.get("data", {}).get("text/plain", "").startswith("Player(") for output in outputs(notebook))


@pytest.fixture(scope="module", params=NAMES)
def executed(request):
    return request.param, execute.execute(NOTEBOOKS / f"{request.param}.ipynb")


def test_notebook_runs_from_top_to_bottom_and_shows_what_is_committed(executed):
    name, fresh = executed
    kinds = [sorted(output.get("data", {"text": 0})) for output in outputs(fresh)]
    committed = [sorted(output.get("data", {"text": 0})) for output in outputs(read(name))]
    assert kinds == committed


def numbers(text):
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?", text or "")]


def test_numbers_shown_are_those_committed(executed):
    name, fresh = executed
    for new, old in zip(outputs(fresh), outputs(read(name)), strict=True):
        for text in (lambda output: output.get("text"), lambda output: output.get("data", {}).get("text/html")):
            assert numbers(text(new)) == pytest.approx(numbers(text(old)), rel=0.02, abs=1e-9)


def test_there_are_the_first_three_notebooks():
    assert NAMES[:3] == ["01_start_here", "02_noise_and_the_perfect_denoiser", "03_classical_methods_fall_off"]


@pytest.mark.parametrize("name", NAMES)
def test_notebook_reads_well_without_a_kernel(name):
    notebook = read(name)
    assert (NOTEBOOKS / f"{name}.ipynb").stat().st_size < 1_000_000
    assert "widgets" not in notebook.metadata
    for output in outputs(notebook):
        assert output.output_type != "error"
        assert execute.WIDGET not in output.get("data", {})
    pictures = [output for output in outputs(notebook) if "image/png" in output.get("data", {})]
    assert len(pictures) >= max(1, players(notebook))
    assert all(cell.outputs for cell in notebook.cells if cell.cell_type == "code")


@pytest.mark.parametrize("name", NAMES)
def test_notebook_asks_before_it_shows_and_ends_with_a_recap(name):
    cells = read(name).cells
    first_code = next(i for i, cell in enumerate(cells) if cell.cell_type == "code")
    assert any("**Predict first.**" in cell.source for cell in cells[:first_code])
    recap = cells[-1].source.split("**In three lines**")[1]
    assert recap.count("\n* ") == 3


@pytest.mark.parametrize("name", NAMES)
def test_logic_lives_in_the_package(name):
    for cell in read(name).cells:
        if cell.cell_type == "code":
            assert len(cell.source.splitlines()) <= 25
            assert "def " not in cell.source and "class " not in cell.source


@pytest.mark.parametrize("name", NAMES)
def test_links_between_notebooks_lead_somewhere(name):
    for cell in read(name).cells:
        for target in re.findall(r"\]\(([\w.]+\.ipynb)\)", cell.source):
            assert (NOTEBOOKS / target).exists(), target
