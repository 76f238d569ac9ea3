"""What axe-core finds wrong for readers with a keyboard, a screen reader or weak eyes: nothing, in light and dark.

axe-core comes with the package axe-playwright-python, so that nothing is downloaded here.
"""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import open_page, settled

import toylab
from toylab import problems
from toylab.lessons import predict
from toylab.pages import site, write_live_page
from toylab.widgets.player import Player

SCHEMES = "light", "dark"
LIVE = "n=64", "n=64&stage=1", "view=clocks&methods=F-PNDM,DDIM", "data=draw&steps=-1"
MEASURED = "() => document.querySelector('.toylab-live').dataset.figures === 'ready'"


def violations(page):
    found = Axe().run(page).response["violations"]
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


def test_every_page_of_the_site(started, tmp_path):
    """In the light; and one of each kind in the dark, since all have one style."""
    for name, content in (files := site.site_files(live=False, say=lambda line: None)).items():
        path = Path(tmp_path, name)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    every = [name for name in sorted(files) if name.endswith(".html") and name != site.LAB]
    some = ["index.html", "results.html", next(name for name in every if name.startswith("06"))]
    for scheme, names in (("light", every), ("dark", some)):
        with open_page(started, "about:blank", color_scheme=scheme) as page:
            for name in names:
                page.goto((tmp_path / name).as_uri())
                assert violations(page) == [], (scheme, name)
