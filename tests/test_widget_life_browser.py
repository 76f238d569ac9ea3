"""A widget in JupyterLab through its life: saved and opened again, its kernel restarted, its cell run again."""

import base64
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from browser import notebook, open_notebook, open_page, open_tab, run_all, settled
from test_player_browser import kernel_says

CELLS = (
    f"""import sys, time; sys.path.insert(0, {str(Path(__file__).parent)!r})
import matplotlib.pyplot as plt
from synthetic import sweep
from toylab._progress import Bar
from toylab.widgets import Player
from toylab.widgets.lab import Lab, several, slider""",
    """for _ in Bar(range(23), "work"): time.sleep(0.1)  # long enough to show
player = Player(sweep(), choices={"Data set": ["ring", "disc"]}, compute=lambda chosen, progress: sweep(steps=(2, 10)))
player""",
    """def draw(size, names):
    figure, ax = plt.subplots(figsize=(5, 4))
    ax.plot([0, size])
    return size, figure, "drawn"
names = several("methods", ("DDIM", "Euler"), ("DDIM",))
Lab("sizes", {"size": slider("size", [1, 2, 3], 1), "names": names}, draw)""",
)
SIZE = {"viewport": {"width": 1280, "height": 720}}


def drawn(page):
    page.locator(".toylab-player").wait_for()
    page.locator(".toylab-lab").wait_for()
    settled(page)


def save(page, file):
    """Save the open notebook, and wait until it is in its file."""
    before = file.read_text()
    page.evaluate("() => { window.jupyterapp.commands.execute('docmanager:save'); }")
    for _ in range(100):
        if file.read_text() != before:
            break
        page.wait_for_timeout(100)


@pytest.fixture(scope="module")
def opened(started, jupyter, tmp_path_factory):
    """(The page of a notebook that was run, the file that it was then saved to)."""
    source = notebook(tmp_path_factory.mktemp("life") / "life.ipynb", *CELLS)
    file = jupyter.root / "life.ipynb"
    with open_notebook(started, jupyter, source, **SIZE) as page:
        drawn(page)
        save(page, file)
        yield page, shutil.copy(file, jupyter.root / "saved.ipynb")


@pytest.fixture
def page(opened):
    return opened[0]


@pytest.fixture
def saved(opened):
    """Saved under another name, so that no kernel belongs to it."""
    return opened[1]


def test_a_notebook_opened_again_shows_the_pictures_and_how_to_make_them_live(started, jupyter, saved):
    with open_page(started, jupyter.url(saved.name), **SIZE) as page:
        pictures = page.locator(".toylab-place img")
        pictures.nth(1).wait_for(timeout=30_000)
        page.wait_for_timeout(3000)  # within which JupyterLab gives up on models that it does not find
        assert all(picture.evaluate("node => node.naturalWidth > 300") for picture in pictures.all())
        assert page.get_by_text("Run the cell to make it live").count() == 2
        assert not re.search("not found|Loading widget|Error displaying", page.locator(".jp-Notebook").inner_text())
        assert page.locator(".toylab-player, .toylab-lab").count() == 0
        run_all(page)
        drawn(page)
        assert page.locator(".toylab-place > img:visible").count() == 0
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")


def test_no_progress_bar_is_left_in_a_saved_notebook(saved):
    outputs = [output for cell in json.loads(saved.read_text())["cells"] for output in cell["outputs"]]
    kinds = [sorted(output.get("data", {"text": 0})) for output in outputs]
    assert [kind for kind in kinds if kind] == [["image/png", "text/html", "text/plain"]] * 2
    assert "work" not in json.dumps(outputs)


def test_a_page_of_nbconvert_has_the_pictures_with_words_and_no_bar(saved, tmp_path):
    command = [sys.executable, "-m", "nbconvert", "--to", "html", "--output-dir", str(tmp_path), str(saved)]
    subprocess.run(command, check=True, capture_output=True)
    page = (tmp_path / "saved.html").read_text()
    pictures = re.findall(r'<img alt="([^"]*)"[^>]*src="data:image/png;base64,([^"]+)"', page)
    assert [words for words, _ in pictures] == [
        "ring · linear schedule · epsilon: exact: Euler, RK4, DDIM, F-PNDM; 10 steps",
        "sizes. size 1; methods DDIM. drawn",
    ]
    assert all(base64.b64decode(data).startswith(b"\x89PNG") for _, data in pictures)
    assert "work:" not in page and "widget-view" not in page


def test_after_a_restart_the_widgets_say_so_and_what_needs_the_kernel_is_off(page):
    drawn(page)
    page.evaluate(
        "() => { window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart().then(() => {}); }"
    )
    page.locator(".toylab-player .error", has_text="The kernel was restarted").wait_for(timeout=30_000)
    page.locator(".toylab-lab .error", has_text="The kernel was restarted").wait_for()
    assert page.get_by_label("Data set").is_disabled()
    assert all(node.is_disabled() for node in page.locator(".toylab-lab :is(input, select)").all())
    before = settled(page)
    steps = page.locator(".toylab-player").get_by_role("slider", name="Steps")
    steps.press("ArrowLeft")  # needs no kernel
    settled(page, different_from=before)
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )


def test_running_a_cell_again_closes_its_last_widgets_and_their_arrays_are_freed(page):
    count = """import gc
from ipywidgets.widgets.widget import _instances
gc.collect()
print(len([each for each in gc.get_objects() if Player in type(each).__mro__]),
      len([each for each in _instances.values() if isinstance(each, (Player, Lab))]))"""
    for _ in range(2):
        run_all(page)
    drawn(page)
    assert kernel_says(page, count) == "1 2"
    assert page.locator(".toylab-player").count() == page.locator(".toylab-lab").count() == 1


def test_a_kernel_that_is_shut_down_is_told_and_opened_again_beside_others_there_is_the_picture(
    started, jupyter, tmp_path
):
    source = notebook(tmp_path / "shut.ipynb", *CELLS)
    with open_notebook(started, jupyter, source, **SIZE) as page:
        shown = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")  # not the other tab
        for widget in (".toylab-player", ".toylab-lab"):
            shown.locator(widget).wait_for()
        save(page, jupyter.root / source.name)
        page.evaluate("() => { window.jupyterapp.commands.execute('kernelmenu:shutdown'); }")
        for widget in (".toylab-player", ".toylab-lab"):
            shown.locator(f"{widget} .error", has_text="has ended: run the cell again").wait_for(timeout=30_000)
            assert all(node.is_disabled() for node in shown.locator(f"{widget} select").all())
        page.evaluate("() => { window.jupyterapp.shell.currentWidget.dispose(); }")
        open_tab(page, source.name)
        shown.get_by_text("Run the cell to make it live").nth(1).wait_for()
        assert shown.locator(".toylab-player, .toylab-lab").count() == 0


# ---- one screen

FIGURES = (
    f"""import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from synthetic import sweep
from synthetic_images import images, sweep as image_sweep
from toylab.widgets import Gallery, Player""",
    """names = {"Data set": ["ring", "disc"], "Epsilon": ["network", "exact"], "Guidance": ["1", "4"]}
Player(sweep(n=64, unlikely=True), choices=names, compute=lambda *_: sweep())""",
    """twins = ("Euler", "Heun", "RK4", "AB4", "DDIM", "PIE", "PRK", "F-PNDM")
Player(sweep(twins, (5, 10), n=64, unlikely=True), show_unlikely=True)""",
    """Gallery(image_sweep(images(size=8), n=36), view="both")""",
    """import matplotlib.pyplot as plt
from toylab.widgets.lab import Lab, slider
def draw(size):
    return size, plt.subplots(figsize=(5, 4))[0], "drawn"
Lab("sizes", {"size": slider("size", [1, 2], 1)}, draw)  # its styles come last, and the others' hold all the same""",
)
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden) .toylab-player"  # not those in the other tab
PLACES = """root => [...root.querySelectorAll(".stage canvas")].filter((node) => node.offsetParent).map((canvas) => {
    const box = canvas.getBoundingClientRect();
    return [Math.round(box.left), Math.round(box.top), box.width];
})"""
# Words above a panel that reach into the next one, and values beside sliders that are cut or lie on the slider.
CUT = """root => {
    const wide = (node) => {
        const range = document.createRange();
        range.selectNodeContents(node);
        return range.getBoundingClientRect();
    };
    const shown = (names) => [...root.querySelectorAll(names)].filter((node) => node.offsetParent && node.textContent);
    const left = (node) => node.getBoundingClientRect().left, right = (node) => node.getBoundingClientRect().right;
    const heads = shown(".head > :is(.counts, .score, .lost)");
    const found = heads.filter((node) => wide(node).right > right(node.closest(".panel")) + 8);
    found.push(...shown(".slider output").filter((node) => wide(node).right > right(root)));
    const onto = (node) => wide(node).right > left(node.parentNode.querySelector("input"));
    return [...found, ...shown(".slider span").filter(onto)].map((node) => node.textContent);
}"""
HEIGHT = """root => [root.querySelector(".panels").getBoundingClientRect().bottom - root.getBoundingClientRect().top,
    root.closest(".jp-WindowedPanel-outer").clientHeight, root.scrollWidth - root.clientWidth]"""


@pytest.fixture(scope="module")
def figures(started, jupyter, tmp_path_factory):
    source = notebook(tmp_path_factory.mktemp("fit") / "fit.ipynb", *FIGURES)
    with open_notebook(started, jupyter, source, **SIZE) as page:
        page.locator(SHOWN).nth(2).wait_for()
        yield page


@pytest.mark.parametrize("size", [(1280, 720), (1024, 768), (1440, 900)], ids=str)
@pytest.mark.parametrize(("index", "kind"), list(enumerate(("four", "twins", "gallery"))))
def test_controls_and_all_panels_are_on_one_screen_beside_the_file_browser(figures, size, index, kind):
    figures.set_viewport_size({"width": size[0], "height": size[1]})
    figures.wait_for_timeout(700)
    assert figures.locator("#filebrowser").is_visible()
    found = figures.locator(SHOWN).nth(index)
    found.scroll_into_view_if_needed()
    figures.wait_for_timeout(300)
    height, room, beyond = found.evaluate(HEIGHT)
    assert height <= room and beyond <= 0
    assert found.evaluate(CUT) == []
    places = found.evaluate(PLACES)
    assert min(width for *_, width in places) >= 110
    if kind == "twins":
        for upper, lower in zip(places[:4], places[4:], strict=True):
            assert upper[0] == lower[0] and upper[1] < lower[1]


TOGETHER = """root => {
    const room = root.closest(".jp-WindowedPanel-outer"), seen = room.getBoundingClientRect();
    const canvases = [...root.querySelectorAll(".stage canvas")].filter((node) => node.offsetParent);
    room.scrollTop += canvases[1].getBoundingClientRect().bottom - seen.bottom + 12;
    const boxes = (nodes) => nodes.map((node) => node.getBoundingClientRect());
    const ranges = [...root.querySelectorAll(":is(.controls, .timing) > .slider input")];
    const sliders = boxes(ranges.filter((node) => node.offsetParent));
    const within = ({ top, bottom }) => top >= seen.top - 1 && bottom <= seen.bottom + 1;
    const covered = ({ top }) => sliders.some((slider) => slider.bottom > top);
    return [sliders.filter(within).length, boxes(canvases).filter((box) => within(box) && !covered(box)).length,
        root.scrollWidth - root.clientWidth];
}"""


@pytest.mark.parametrize(("size", "browser"), [((853, 480), True), ((853, 480), False), ((420, 800), False)], ids=str)
@pytest.mark.parametrize(("index", "kind"), list(enumerate(("four", "twins", "gallery"))))
def test_where_not_all_fits_both_sliders_and_two_panels_are_seen_together(figures, size, browser, index, kind):
    figures.set_viewport_size({"width": size[0], "height": size[1]})  # 1280x720 enlarged to 150 %; a phone
    if figures.locator("#filebrowser").is_visible() != browser:
        figures.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }")
    figures.wait_for_timeout(700)
    found = figures.locator(SHOWN).nth(index)
    found.scroll_into_view_if_needed()
    figures.wait_for_timeout(300)
    sliders, panels, beyond = found.evaluate(TOGETHER)
    assert found.evaluate(CUT) == []
    assert (sliders, beyond) == (2, 0) and panels >= 2
    if not figures.locator("#filebrowser").is_visible():
        figures.evaluate("() => { window.jupyterapp.commands.execute('application:toggle-left-area'); }")
