"""The first notebooks in JupyterLab, as a student uses them: run all, drag sliders, choose another data set."""

import nbformat
import pytest
from browser import hashes, jupyterlab, open_page, run_all, settled
from test_labs_browser import ready
from test_notebooks import NOTEBOOKS, read

SHOW_OUTPUT = """([cell]) => {
    const book = window.jupyterapp.shell.currentWidget.content;
    book.activeCellIndex = cell;
    book.scrollToItem(cell, "start");
}"""
PLAYERS = {
    "01_start_here": 1,
    "02_noise_and_the_perfect_denoiser": 1,
    "03_classical_methods_fall_off": 4,
    "05_build_your_own_sampler": 1,
    "10_digits": 3,  # two of them galleries
}

LABS = {  # notebook: a slider of its lab, and a key that moves it
    "06_convergence_order": ("t_end", "ArrowLeft"),
    "07_the_right_clock": ("nodes", "ArrowRight"),
    "08_counting_network_calls": ("t_end", "ArrowRight"),
    "09_whose_fault_is_it": ("particles", "ArrowLeft"),
}


@pytest.fixture(scope="module", params=PLAYERS)
def lab(request, started, tmp_path_factory):
    name = request.param
    with jupyterlab(tmp_path_factory.mktemp("server"), [NOTEBOOKS / f"{name}.ipynb"]) as server:
        with open_page(started, server.url(f"{name}.ipynb"), viewport={"width": 1500, "height": 1200}) as page:
            run_all(page, seconds=240)
            yield name, page


def player(page, index):
    """The index-th player of the notebook, brought into view and drawn."""
    cells = page.evaluate(
        """() => [...window.jupyterapp.shell.currentWidget.content.widgets].flatMap((cell, i) =>
            (cell.model.outputs?.toJSON() ?? []).some((output) =>
                output.data?.["application/vnd.jupyter.widget-view+json"] && output.data["image/png"]) ? [i] : [])"""
    )
    page.evaluate(SHOW_OUTPUT, [cells[index]])
    found = page.locator(".jp-Cell").nth(cells[index]).locator(".toylab-player")
    found.wait_for(timeout=30_000)
    found.scroll_into_view_if_needed()
    return found, len(cells)


def test_every_player_moves_with_its_sliders_and_comes_back(lab):
    name, page = lab
    for index in range(PLAYERS[name]):
        found, count = player(page, index)
        assert count == PLAYERS[name]
        found.evaluate("(node) => { document.querySelectorAll('.marked').forEach((n) => n.classList.remove('marked'));"
                       " node.classList.add('marked'); }")  # fmt: skip
        canvases = ".marked .stage canvas"
        before = settled(page, canvases)
        for slider in found.get_by_role("slider").all():
            if not slider.is_visible():
                continue
            slider.focus()
            page.keyboard.press("ArrowLeft")
            moved = settled(page, canvases, different_from=before)
            page.keyboard.press("ArrowRight")
            assert settled(page, canvases, different_from=moved) == before


def test_another_data_set_is_computed_in_place(lab):
    name, page = lab
    found, _ = player(page, 0)
    if not found.get_by_label("Data set").count():
        assert name in ("03_classical_methods_fall_off", "10_digits")
        return
    before = hashes(page)
    found.get_by_label("Data set").select_option("moons")
    page.wait_for_function(
        "() => document.querySelector('.toylab-player .heading').textContent.startsWith('moons')", timeout=120_000
    )
    assert settled(page) != before
    assert page.locator(".toylab-player .error").first.inner_text() == ""


@pytest.fixture(scope="module")
def shortened(started, tmp_path_factory):
    """JupyterLab with the notebooks that begin with a lab, as far as that."""
    folder = tmp_path_factory.mktemp("shortened")
    for name in LABS:
        book = read(name)
        book.cells = book.cells[: 1 + next(i for i, cell in enumerate(book.cells) if "_lab(" in cell.source)]
        nbformat.write(book, folder / f"{name}.ipynb")
    with jupyterlab(tmp_path_factory.mktemp("server"), folder.iterdir()) as server:
        yield server


@pytest.mark.parametrize("name", LABS)
def test_the_first_figure_of_a_later_notebook_is_drawn_anew_from_its_slider(name, started, shortened):
    with open_page(started, shortened.url(f"{name}.ipynb"), viewport={"width": 1280, "height": 1000}) as page:
        run_all(page, seconds=240)
        found, (label, key) = page.locator(".toylab-lab"), LABS[name]
        found.wait_for()
        before, back = ready(found), {"ArrowLeft": "ArrowRight", "ArrowRight": "ArrowLeft"}[key]
        slider = found.get_by_role("slider", name=label, exact=True)
        slider.press(key)
        after = ready(found, different_from=before)
        assert found.locator(".error").inner_text() == ""
        slider.press(back)
        assert ready(found, different_from=after) == before
