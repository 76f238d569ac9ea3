"""What axe-core finds wrong for readers with a keyboard, a screen reader or weak eyes: nothing, in light and dark.

axe-core comes with the package axe-playwright-python, so that nothing is downloaded here.
"""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import CANVASES, notebook, open_notebook, open_page, settled
from synthetic_images import images, sweep

import toylab
from toylab import problems
from toylab.images import Plane
from toylab.lessons import predict
from toylab.pages import site, write_live_page
from toylab.widgets import Gallery
from toylab.widgets.player import Player

SCHEMES = "light", "dark"
LIVE = "n=64", "n=64&stage=1", "view=clocks&methods=F-PNDM,DDIM", "data=draw&steps=-1"
MEASURED = "() => document.querySelector('.toylab-live').dataset.figures === 'ready'"
THEME = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
CELLS = (
    """from toylab.lessons import explore_images, memory_lab
memory_lab()""",
    "explore_images('digits-classes', steps=(5, 10), n=4, label='7', guidance=2)",
)


def violations(page, within=None):
    """What axe-core finds in a page, or in a part of it."""
    found = Axe().run(page, context=within).response["violations"]
    return [(each["id"], node["html"][:200], node["failureSummary"]) for each in found for node in each["nodes"]]


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return write_live_page(tmp_path_factory.mktemp("axe") / "lab.html").as_uri()


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("address", LIVE)
def test_the_live_page_and_its_lecture(started, url, scheme, address):
    with open_page(started, f"{url}#{address}", color_scheme=scheme) as page:
        page.wait_for_function(MEASURED, timeout=60000)
        assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_player_and_its_lecture(started, tmp_path, scheme):
    problem = problems.find("moons", "exact", points=60)
    sweep = toylab.sweep(problem, methods=("Euler", "DDIM"), steps=(5, 8), n=40, progress=False)
    path = Player(sweep).to_html(tmp_path / "player.html")
    with open_page(started, path.as_uri(), color_scheme=scheme) as page:
        settled(page)
        assert violations(page) == []
        page.get_by_role("button", name="Lecture").click()
        page.wait_for_function("() => document.fullscreenElement?.matches('.lecture')")
        settled(page)
        assert violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("notebook", ["03", "06"])
def test_a_prediction_before_and_after_its_answer(started, tmp_path, scheme, notebook):
    path = predict(notebook).to_html(tmp_path / "page.html")
    with open_page(started, path.as_uri(), color_scheme=scheme) as page:
        page.get_by_label("count the guesses of a class").check()
        assert violations(page) == []
        page.keyboard.press("2")
        page.locator(".choices input").first.press("ArrowRight")
        page.get_by_role("button", name="Commit").click()
        assert page.locator(".note").inner_text() and violations(page) == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_gallery_with_the_plane_and_the_film_of_an_image(started, tmp_path, scheme):
    gallery = Gallery(sweep(), steps=5, remarks={("DDIM", 5): "apple"}, plane=Plane(images(12, seed=3)))
    path = gallery.to_html(tmp_path / "gallery.html")
    with open_page(started, path.as_uri(), color_scheme=scheme) as page:
        settled(page)
        assert violations(page) == []
        page.get_by_label("both").check()
        page.locator(CANVASES).nth(2).click(position={"x": 5, "y": 5})
        page.locator(".film").wait_for()
        settled(page)
        assert violations(page) == []


@pytest.fixture(scope="module")
def in_jupyterlab(started, jupyter, tmp_path_factory):
    """JupyterLab's page with a lab and a gallery of a network that knows labels."""
    source = notebook(tmp_path_factory.mktemp("axe") / "axe.ipynb", *CELLS)
    with open_notebook(started, jupyter, source, viewport={"width": 1280, "height": 720}) as page:
        yield page
        page.evaluate(THEME, "JupyterLab Light")  # as the next file expects it


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("view", [".toylab-lab", ".toylab-gallery"])
def test_a_lab_and_a_gallery_in_jupyterlab(in_jupyterlab, view, scheme):
    page = in_jupyterlab
    page.evaluate(THEME, f"JupyterLab {scheme.title()}")
    shown = page.locator(f"{view}[data-theme={scheme}]")
    shown.wait_for(timeout=60_000)
    shown.scroll_into_view_if_needed()
    assert violations(page, view) == []


def test_every_page_of_the_site(started, tmp_path):
    for name, content in (files := site.site_files(live=False, say=lambda line: None)).items():
        path = Path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    every = [name for name in sorted(files) if name.endswith(".html") and name != site.LAB]
    with open_page(started, "about:blank") as page:
        for name in every:
            page.goto((tmp_path / name).as_uri())
            for scheme in SCHEMES:
                page.emulate_media(color_scheme=scheme)
                assert violations(page) == [], (scheme, name)
