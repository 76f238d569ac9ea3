"""Player and gallery on stage: full screen, keys, and what they give to keep."""

from dataclasses import replace

import pytest
from browser import open_page, settled
from PIL import Image
from synthetic_images import sweep as image_sweep

import toylab
from toylab import problems
from toylab.pages import write_live_page
from toylab.widgets import Gallery
from toylab.widgets.packing import live_link
from toylab.widgets.player import Player

METHODS = ("Euler", "DDIM", "F-PNDM")


@pytest.fixture(scope="module")
def sweep():
    problem = problems.find("moons", "exact", points=60)
    return toylab.sweep(problem, methods=METHODS, steps=(5, 8), n=40, density=True, progress=False)


@pytest.fixture(scope="module")
def folder(sweep, tmp_path_factory):
    folder = tmp_path_factory.mktemp("stage")
    Player(sweep, steps=5).to_html(folder / "player.html", lab="lab.html")
    write_live_page(folder / "lab.html")
    return folder


@pytest.fixture
def page(started, folder):
    with open_page(started, (folder / "player.html").as_uri(), viewport={"width": 1024, "height": 768}) as page:
        settled(page)
        yield page


def onto_stage(page):
    page.get_by_role("button", name="Lecture").click()
    page.wait_for_function("() => document.fullscreenElement?.matches('.lecture')")
    settled(page)


def test_a_lecture_fills_the_screen_with_large_type_and_all_panels(page):
    onto_stage(page)
    sizes = page.locator(".panel .head > *:not(:empty)").evaluate_all(
        "(nodes) => nodes.map((node) => parseFloat(getComputedStyle(node).fontSize))"
    )
    assert min(sizes) >= 24
    boxes = page.locator(".panel").evaluate_all(
        "(nodes) => nodes.map((node) => node.getBoundingClientRect()).map(({ right, bottom }) => [right, bottom])"
    )
    assert len(boxes) == 3 and all(right <= 1024 and bottom <= 768 for right, bottom in boxes)
    assert page.locator(".controls").is_hidden()
    page.keyboard.press("h")
    assert page.locator(".controls").is_visible()


EIGHT = "Euler", "Heun", "RK4", "AB4", "DDIM", "PIE", "PRK", "F-PNDM"
BACK_ROW = {"width": 1024, "height": 768}
CROWDED = {
    "eight panels": lambda problem: Player(
        toylab.sweep(problem, methods=EIGHT, steps=(5,), n=200, t_end=1e-5, progress=False)
    ),
    "a gallery": lambda problem: Gallery(image_sweep(methods=("DDIM", "RK4", "F-PNDM")), view="x_t"),
    "a gallery with predictions": lambda problem: Gallery(image_sweep(methods=("DDIM", "RK4", "F-PNDM")), view="both"),
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("what", CROWDED)
def test_what_is_crowded_stays_on_the_screen_with_type_for_the_back_row(started, tmp_path, what, scheme):
    path = CROWDED[what](problems.find("moons", "exact", points=60)).to_html(tmp_path / "page.html")
    with open_page(started, path.as_uri(), viewport=BACK_ROW, color_scheme=scheme) as page:
        settled(page)
        onto_stage(page)
        for press in ("h", "h", "2", "2", "t"):
            words = page.locator(".panel:visible .head > *:not(:empty):visible")
            for node in (*words.all(), *page.locator(".panel:visible canvas[role=img]:visible").all()):
                box = node.bounding_box()
                assert box["x"] + box["width"] <= 1024 and box["y"] + box["height"] <= 768
            sizes = words.evaluate_all("(nodes) => nodes.map((node) => parseFloat(getComputedStyle(node).fontSize))")
            assert min(sizes) >= 16
            page.keyboard.press(press)
            settled(page)


def test_a_gallery_answers_the_keys_of_a_lecture(started, tmp_path):
    path = Gallery(image_sweep(), steps=5).to_html(tmp_path / "page.html")
    with open_page(started, path.as_uri(), viewport=BACK_ROW) as page:
        settled(page)
        onto_stage(page)
        steps, time = (page.locator(".slider output").nth(i) for i in range(2))
        first = settled(page)
        page.keyboard.press("PageDown")  # a clicker's key
        second = settled(page, different_from=first)
        assert "N = 10" in page.locator(".counts").first.text_content() and steps.text_content() == "10 steps"
        page.keyboard.press("PageUp")
        assert settled(page, different_from=second) == first
        page.keyboard.press("ArrowDown")
        settled(page, different_from=first)
        assert time.text_content().endswith("node 4/5")
        page.keyboard.press("Space")  # plays to the end
        page.wait_for_function("() => document.querySelectorAll('.slider output')[1].textContent.endsWith('node 5/5')")
        assert settled(page) == first
        page.keyboard.press("2")
        page.wait_for_function(
            "() => [...document.querySelectorAll('.panel')].filter((one) => !one.hidden).length === 1"
        )
        page.keyboard.press("0")
        page.keyboard.press("p")
        page.wait_for_function("() => document.querySelector('.toylab-gallery').dataset.covered === 'true'")
        visible = "(node) => getComputedStyle(node).visibility"
        assert page.locator(".stage canvas").first.evaluate(visible) == "hidden"
        page.keyboard.press("p")
        theme = page.locator(".toylab-gallery").get_attribute("data-theme")
        page.keyboard.press("t")
        page.wait_for_function("theme => document.querySelector('.toylab-gallery').dataset.theme !== theme", arg=theme)


def test_every_key_does_what_the_list_of_keys_says(page):
    onto_stage(page)
    counts, steps, time = (
        page.locator(place) for place in (".counts", ".slider output >> nth=0", ".slider output >> nth=1")
    )
    page.keyboard.press("ArrowRight")
    settled(page)
    assert steps.text_content() == "8 steps" and "N = 8" in counts.first.text_content()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.querySelectorAll('.slider output')[1].textContent.endsWith('node 7/8')")
    page.keyboard.press("ArrowUp")
    page.wait_for_function("() => document.querySelectorAll('.slider output')[1].textContent.endsWith('node 8/8')")
    assert time.text_content().startswith("t = 0.001")
    page.keyboard.press("2")
    settled(page)
    assert page.locator(".panel:visible b").all_inner_texts() == ["DDIM"]
    page.keyboard.press("0")
    page.keyboard.press("p")
    page.wait_for_function("() => document.querySelector('.toylab-player').dataset.covered === 'true'")
    assert page.locator(".panel .score").first.is_hidden() and page.locator(".panel b:visible").count() == 3
    page.keyboard.press("p")
    before = settled(page)
    page.keyboard.press("d")
    dense = settled(page, different_from=before)
    page.keyboard.press("t")
    settled(page, different_from=dense)
    assert page.locator(".toylab-player").get_attribute("data-theme") == "dark"
    page.keyboard.press("b")
    assert page.locator(".black").is_visible()
    page.keyboard.press("b")
    page.keyboard.press("?")
    assert page.get_by_role("dialog", name="Keys of the lecture mode").is_visible()


def test_the_way_back_restores_every_pixel(page):
    before = settled(page)
    onto_stage(page)
    page.keyboard.press("f")  # also what Escape does to a full screen
    page.wait_for_function("() => !document.querySelector('.lecture')")
    assert settled(page) == before


def test_a_link_opens_the_same_state_in_the_live_page(started, page, folder):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("() => document.querySelector('.said').textContent")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith((folder / "lab.html").as_uri())
    with open_page(started, link) as live:
        live.wait_for_function("() => document.querySelector('.toylab-live')?.dataset.state === 'ready'")
        assert live.locator(".panel b").all_inner_texts() == list(METHODS)
        assert live.locator(".panel .counts").first.inner_text() == "N = 5, NFE 5"
        assert live.locator("p.status").inner_text() == ""


def test_a_state_that_the_live_page_has_not_is_copied_in_words(started, sweep, tmp_path):
    other = replace(sweep, labels=sweep.labels | {"epsilon": "network moons"})
    path = Player(other, steps=5).to_html(tmp_path / "player.html")
    with open_page(started, path.as_uri()) as page:
        settled(page)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        page.get_by_role("button", name="Copy link").click()
        page.wait_for_function("() => document.querySelector('.said').textContent")
        words = page.evaluate("navigator.clipboard.readText()").split("\n")
    assert "network moons" in words[0] and words[1].startswith("Euler, 5 steps, 5 evaluations")


def test_a_picture_has_every_panel(page):
    with page.expect_download() as download:
        page.get_by_role("button", name="Save picture").click()
    picture = Image.open(download.value.path())
    side = page.locator(".stage canvas").first.bounding_box()["width"]
    assert picture.width == pytest.approx(3 * side + 4 * 12, abs=3)
    hues = {color for _, color in picture.convert("RGB").getcolors(2**20)}
    assert {(0, 0x72, 0xB2), (0xC0, 0x60, 0x9A)} <= hues


def test_links_are_given_only_for_what_the_live_page_has(sweep):
    assert live_link(sweep, METHODS) == "data=moons&schedule=linear&methods=Euler,DDIM,F-PNDM&n=40&t_end=0.001"
    assert live_link(sweep, ["yours: ab4+pseudo"]).endswith("methods=ab4%2Bpseudo&n=40&t_end=0.001")
    for methods, how in (
        (("DDPM",), {}),
        (("mine",), {}),
        (METHODS, {"times": {5: sweep.times[5], 8: sweep.times[8] ** 2}}),
    ):
        assert live_link(replace(sweep, **how), methods) == ""
