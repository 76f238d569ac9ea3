"""The notebooks, each run once as a student uses it: they show what is committed, and their sliders answer.

They run in JupyterLab, where a Chromium is found; without one in a kernel alone, and tests of sliders skip.
"""

import importlib.metadata
import importlib.util
import itertools
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from browser import chromium, hashes, open_notebook, settled
from playwright.sync_api import Page, expect
from test_labs_browser import ready

from toylab.lessons.exercises import exercises

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
spec = importlib.util.spec_from_file_location("execute", NOTEBOOKS.parent / "scripts" / "notebooks.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)
NAMES = execute.names()
OUTPUTS = """() => [...window.jupyterapp.shell.currentWidget.content.widgets].map(
    (cell) => cell.model.outputs?.toJSON() ?? null
)"""
SHOW_OUTPUT = """([cell]) => {
    const book = window.jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = cell;
    book.scrollToItem(cell, "start");
}"""
EDIT = """(id) => {
    const book = window.jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = [...book.widgets].findIndex((cell) => cell.model.id === id);
    return window.jupyterapp.commands.execute("notebook:enter-edit-mode");
}"""
PLAYERS = {
    "01_start_here": 1,
    "02_noise_and_the_perfect_denoiser": 1,
    "03_classical_methods_fall_off": 4,
    "05_build_your_own_sampler": 1,
    "10_digits": 4,  # three of them galleries
    "11_write_a_sampler": 1,
    "16_leaving_on_purpose": 2,  # the second a gallery
    "17_cifar10": 1,
}
CHOICES = {  # of another data set
    "01_start_here", "02_noise_and_the_perfect_denoiser", "05_build_your_own_sampler", "11_write_a_sampler",
    "16_leaving_on_purpose",
}  # fmt: skip
COMPUTED = 120  # seconds until what a slider of a choice asks for is there

LABS = {  # notebook: a slider of its lab, and a key that moves it
    "06_convergence_order": ("t_end", "ArrowLeft"),
    "07_the_right_clock": ("nodes", "ArrowRight"),
    "08_counting_network_calls": ("t_end", "ArrowRight"),
    "09_whose_fault_is_it": ("particles", "ArrowLeft"),
    "13_memorise_or_generalise": ("spread", "ArrowRight"),
}


def read(name):
    return nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)


def outputs(notebook):
    return [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]


def players(notebook):
    return sum(output.get("data", {}).get("text/plain", "").startswith("Player(") for output in outputs(notebook))


@dataclass
class Ran:
    """A notebook that has run: with its outputs made light, and its page where it ran in a browser."""

    name: str
    notebook: nbformat.NotebookNode
    page: Page | None


def with_outputs(notebook, found):
    """`notebook` with these lists of outputs, one a cell, made light."""
    for cell, fresh in zip(notebook.cells, found, strict=True):
        if cell.cell_type == "code":
            cell.outputs = [nbformat.from_dict(output) for output in fresh]
    return execute.lighten(notebook)


@pytest.fixture(scope="module", params=[pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in NAMES])
def ran(request):
    path = NOTEBOOKS / f"{request.param}.ipynb"
    if chromium() is None:
        yield Ran(request.param, execute.execute(path), None)
        return
    started, jupyter = map(request.getfixturevalue, ("started", "jupyter"))
    with open_notebook(started, jupyter, path, viewport={"width": 1500, "height": 1200}) as page:
        yield Ran(request.param, with_outputs(read(request.param), page.evaluate(OUTPUTS)), page)


@pytest.fixture
def page(started, ran):
    return ran.page


def test_notebook_runs_from_top_to_bottom_and_shows_what_is_committed(ran):
    kinds = [sorted(output.get("data", {"text": 0})) for output in outputs(ran.notebook)]
    committed = [sorted(output.get("data", {"text": 0})) for output in outputs(read(ran.name))]
    assert kinds == committed


def numbers(text):
    return [float(number) for number in re.findall(r"(?<![\w.])-?\d+\.?\d*(?:e[+-]?\d+)?", text or "")]


def test_numbers_shown_are_those_committed(ran):
    for new, old in zip(outputs(ran.notebook), outputs(read(ran.name)), strict=True):
        for text in (lambda output: output.get("text"), lambda output: output.get("data", {}).get("text/html")):
            assert numbers(text(new)) == pytest.approx(numbers(text(old)), rel=0.02, abs=1e-9)


def player(page, index):
    """The index-th player of the notebook, brought into view and drawn."""
    cells = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.widgets].flatMap((cell, i) =>
            (cell.model.outputs?.toJSON() ?? []).some((output) =>
                output.data?.["text/html"]?.includes("toylab-place") && output.data["image/png"]) ? [i] : [])"""
    )
    page.evaluate(SHOW_OUTPUT, [cells[index]])
    found = page.locator(".jp-Cell").nth(cells[index]).locator(".toylab-player")
    found.wait_for(timeout=30_000)
    found.scroll_into_view_if_needed()
    return found, len(cells)


def test_every_player_moves_with_its_sliders_and_comes_back(ran, page):
    for index in range(PLAYERS.get(ran.name, 0)):
        found, count = player(page, index)
        assert count == PLAYERS[ran.name]
        found.evaluate("(node) => { document.querySelectorAll('.marked').forEach((n) => n.classList.remove('marked'));"
                       " node.classList.add('marked'); }")  # fmt: skip
        canvases = ".marked .stage canvas"
        before = settled(page, canvases)
        for slider in found.get_by_role("slider").all():
            if not slider.is_visible():
                continue
            keys = ["ArrowLeft", "ArrowRight"]
            there, back = keys if slider.input_value() != slider.get_attribute("min") else keys[::-1]
            slider.press(there)
            moved = settled(page, canvases, different_from=before, seconds=COMPUTED)
            expect(slider).to_be_enabled(timeout=30_000)  # a choice is not, while the kernel computes
            slider.press(back)
            assert settled(page, canvases, different_from=moved, seconds=COMPUTED) == before
            expect(slider).to_be_enabled(timeout=30_000)


def test_another_data_set_is_computed_in_place(ran, page):
    if ran.name not in PLAYERS:
        return
    found, _ = player(page, 0)
    assert bool(found.get_by_label("Data set").count()) == (ran.name in CHOICES)
    if ran.name not in CHOICES:
        return
    before = hashes(page)
    found.get_by_label("Data set").select_option("moons")
    page.wait_for_function(
        "() => document.querySelector('.toylab-player .heading').textContent.startsWith('moons')", timeout=120_000
    )
    assert settled(page) != before
    assert page.locator(".toylab-player .error").first.inner_text() == ""


def test_the_first_figure_of_a_later_notebook_is_drawn_anew_from_its_slider(ran, page):
    if ran.name not in LABS:
        return
    (label, key), back = LABS[ran.name], {"ArrowLeft": "ArrowRight", "ArrowRight": "ArrowLeft"}
    cell = next(i for i, cell in enumerate(read(ran.name).cells) if "_lab(" in cell.source)
    page.evaluate(SHOW_OUTPUT, [cell])
    found = page.locator(".toylab-lab")
    found.wait_for()
    before = ready(found)
    slider = found.get_by_role("slider", name=label, exact=True)
    slider.press(key)
    after = ready(found, different_from=before)
    assert found.locator(".error").inner_text() == ""
    slider.press(back[key])
    assert ready(found, different_from=after) == before


def attempt(page, cell, answer, shows):
    """Write `answer` into an exercise's cell by keys, run it, and wait until its output begins with `shows`."""
    page.evaluate(EDIT, cell)
    name = cell.removeprefix("exercise-").replace("-", ".")
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.insert_text(exercises()[name].stub().replace("answer = ...", f"answer = {answer}"))
    page.keyboard.press("ControlOrMeta+Enter")
    page.locator(".jp-mod-active .jp-OutputArea [role=status]", has_text=f"{name} {shows}").wait_for()


def test_every_exercise_says_wrong_and_why_and_then_right(ran, page):
    cells = [cell.id for cell in ran.notebook.cells if cell.id.startswith("exercise-")]
    assert len(cells) >= 2
    for cell in cells:
        each = exercises()[cell.removeprefix("exercise-").replace("-", ".")]
        attempt(page, cell, "q.wrong[0].answer", f"✗ wrong: {each.wrong[0].name}. {each.wrong[0].says}")
        if each.begin:
            attempt(page, cell, "lambda *given: 1 / 0", "! your code raised. ZeroDivisionError")
        attempt(page, cell, "q.right[0]", f"✓ right. {each.because}")


def test_there_are_the_first_three_notebooks():
    assert NAMES[:3] == ["01_start_here", "01b_your_own_manifold", "02_noise_and_the_perfect_denoiser"]


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
def test_each_notebook_begins_with_the_same_cell_for_places_without_toylab(name):
    cell = read(name).cells[1]
    assert (cell.id, cell.source, outputs(read(name))[0].text) == ("colab", execute.COLAB, "toylab is installed\n")


def test_that_cell_installs_the_wheel_beside_it_and_holds_all_else_as_it_is(tmp_path, monkeypatch):
    ran = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(subprocess, "run", lambda command, check: ran.extend(command))
    exec(execute.COLAB, {})
    assert ran == []  # toylab is here
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ModuleNotFoundError, match="put its wheel beside this notebook"):
        exec(execute.COLAB, {})  # and nothing of that name is fetched from elsewhere
    assert ran == []
    (tmp_path / "toylab-1-py3-none-any.whl").touch()
    exec(execute.COLAB, {})
    assert ran[-4:] == ["-c", "installed.txt", "toylab-1-py3-none-any.whl[images]", "anywidget"]
    assert f"torch=={importlib.metadata.version('torch')}" in (tmp_path / "installed.txt").read_text().split()


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


def test_each_notebook_ends_with_the_way_to_the_next():
    for name, following in itertools.pairwise(NAMES):
        way = re.fullmatch(r"Next: \[(.+)\]\((.+)\.ipynb\)", read(name).cells[-1].source.splitlines()[-1])
        assert way and way[2] == following and read(following).cells[0].source.startswith(f"# {way[1]}"), name
