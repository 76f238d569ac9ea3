"""The lecture mode of the live lab: scenes, keys, notes, and what a damaged list of scenes says."""

import json
import re

import pytest
from browser import open_page
from typer.testing import CliRunner

from toylab.cli import app
from toylab.pages import scenes, write_live_page

READY = "() => document.querySelector('.toylab-live')?.dataset.state === 'ready'"
TEXT = """
# One
lab.html#data=moons&methods=DDIM,RK4&steps=5&n=64&figures=0
Say this.

And that.
# Two <b>
data=circle&methods=Euler,PRK,PLMS&steps=7&t=.5&n=64&figures=0
# Three
steps=-3&nonsense=<script>&n=64&figures=0
"""


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    path = tmp_path_factory.mktemp("lecture") / "lab.html"
    return write_live_page(path, scenes=scenes.parse(TEXT, "scenes")).as_uri()


@pytest.fixture
def stage(started, url):
    with open_page(started, f"{url}#stage=1&n=64&figures=0", viewport={"width": 1024, "height": 768}) as page:
        page.wait_for_function(READY)
        page.keyboard.press("Home")
        page.wait_for_function("() => document.querySelector('.title').textContent.startsWith('1/3')")
        page.wait_for_function(READY)
        yield page


def title(page):
    return page.locator(".title").inner_text()


def is_titled(page, text):
    """Waits for a title that ends so, and fails where none comes."""
    page.locator(".title", has_text=re.compile(f"{re.escape(text)}$")).wait_for()


def has_panels(page, methods):
    """Waits for the panels of these methods, and fails where they do not come."""
    page.wait_for_function(
        "methods => [...document.querySelectorAll('.panel b')].map(each => each.innerText).join() === methods.join()",
        arg=methods,
    )


def holds(page, part, inside=True):
    """Wait until the address holds this part, or does not."""
    page.wait_for_function(
        "([part, inside]) => location.hash.split(/[#&]/).includes(part) === inside", arg=[part, inside]
    )


def test_a_list_of_scenes_is_text_or_json_and_both_mean_the_same():
    found = scenes.parse(TEXT, "scenes")
    assert [scene.title for scene in found] == ["One", "Two <b>", "Three"]
    assert found[0].notes == "Say this.\n\nAnd that." and found[0].link.startswith("data=moons")
    assert scenes.parse(json.dumps([vars(scene) for scene in found]), "json") == found


DAMAGED = {
    "data=moons": "line 1: a scene begins with '# '",
    "# One\nno link here": "line 1: needs a title and a link",
    "# One": "line 1: needs a title and a link",
    "": "1 to 500 scenes, got 0",
    "[": "damaged",
    '{"title": "a"}': "must be a list",
    '[{"title": "a"}]': "scene 1: must be an object with title, link and notes",
    '[{"title": 1, "link": "a=b"}]': "must be texts",
    "# a\na=b\n" * 501: "1 to 500 scenes, got 501",
    b"\x89PNG\r\n\x1a\n\xff": "no text",
    b"# a\na=b\n" + b"x" * 1_000_001: "more than 1000000 bytes",
}


@pytest.mark.parametrize("content", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_or_foreign_list_is_told_in_a_sentence_and_nothing_is_written(tmp_path, content):
    path, out = tmp_path / "scenes.txt", tmp_path / "out.html"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    result = CliRunner().invoke(app, ["present", str(path), "--out", str(out)])
    assert result.exit_code == 2 and "scenes.txt" in result.output and DAMAGED[content] in result.output
    assert len(result.output) < 400 and not out.exists()


def test_present_writes_a_page_with_these_scenes_and_keeps_what_is_there(tmp_path):
    path, out = tmp_path / "scenes.txt", tmp_path / "out.html"
    path.write_text(TEXT)
    result = CliRunner().invoke(app, ["present", str(path), "--out", str(out)])
    assert result.exit_code == 0 and f"{out.as_uri()}#data=moons" in result.output and "stage=1" in result.output
    assert "Two \\u003cb>" in out.read_text()
    assert CliRunner().invoke(app, ["present", "--out", str(out)]).exit_code == 2


def test_present_opens_the_page_in_a_browser(monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda address: opened.append(address) or True)
    assert CliRunner().invoke(app, ["present"]).exit_code == 0
    assert len(opened) == 1 and opened[0].startswith("file:///") and "&stage=1&scene=1" in opened[0]


@pytest.mark.parametrize(("width", "height", "least"), [(1024, 768, 17), (1280, 720, 14)])
def test_every_scene_that_comes_with_toylab_means_what_it_says_and_fits_the_screen(
    started, tmp_path, width, height, least
):
    url = write_live_page(tmp_path / "lab.html").as_uri()
    with open_page(started, f"{url}#stage=1&n=64&figures=0", viewport={"width": width, "height": height}) as page:
        for number, scene in enumerate(scenes.lecture(), 1):
            page.keyboard.press("PageDown")
            page.wait_for_function(
                "head => document.querySelector('.title').textContent.startsWith(head)", arg=f"{number}/"
            )
            page.wait_for_function(READY)
            is_titled(page, scene.title)
            assert page.locator("p.status").inner_text() == ""
            assert page.evaluate("document.documentElement.scrollWidth") == width
            box = page.locator(".panels").bounding_box()
            assert box["y"] + box["height"] <= height, scene.title
            assert page.locator("header").is_hidden() and page.locator("#controls").is_hidden()
            size = page.locator(".panel b").first.evaluate("(node) => parseFloat(getComputedStyle(node).fontSize)")
            assert size >= least, scene.title


def test_a_clicker_walks_the_scenes_and_stops_at_both_ends(stage):
    stage.keyboard.press("PageUp")
    is_titled(stage, "One")
    for _ in range(4):
        stage.keyboard.press("PageDown")
    is_titled(stage, "Three")
    assert "from 1 to 200" in stage.locator("p.status").inner_text()
    stage.keyboard.press("Home")
    is_titled(stage, "One")
    holds(stage, "steps=5")


def test_the_theme_chosen_stays_from_scene_to_scene(stage):
    stage.keyboard.press("t")
    assert stage.locator(".toylab-live").get_attribute("data-theme") == "dark"
    stage.keyboard.press("PageDown")
    stage.wait_for_function(READY)
    assert stage.locator(".toylab-live").get_attribute("data-theme") == "dark"


def test_arrows_change_steps_and_time(stage):
    stage.keyboard.press("ArrowRight")
    stage.keyboard.press("ArrowDown")
    holds(stage, "steps=6")
    stage.wait_for_function("() => location.hash.includes('&t=')")


def test_digits_show_one_method_and_the_same_digit_all_again(stage):
    stage.keyboard.press("2")
    has_panels(stage, ["RK4"])
    stage.keyboard.press("2")
    has_panels(stage, ["DDIM", "RK4"])


def test_results_are_covered_until_the_audience_has_guessed(stage):
    score = stage.locator(".panel .score").first
    shown = score.inner_text()
    stage.keyboard.press("p")
    stage.wait_for_function("() => document.querySelector('.score').textContent.startsWith('What')")
    assert "distance" not in stage.locator(".panels").inner_html()
    stage.keyboard.press("p")
    stage.wait_for_function("() => document.querySelector('.score').textContent.startsWith('distance')")
    assert score.inner_text() == shown


def test_one_key_shows_and_hides_the_controls(stage):
    stage.keyboard.press("h")
    stage.locator("#controls").wait_for()
    stage.keyboard.press("h")
    stage.locator("#controls").wait_for(state="hidden")


def test_space_plays(stage):
    stage.keyboard.press("ArrowDown")
    stage.wait_for_function("() => location.hash.includes('&t=')")
    stage.keyboard.press("Space")
    stage.wait_for_function("() => !location.hash.includes('&t=')", timeout=20000)


def test_notes_stand_in_a_window_of_their_own_and_follow_the_scenes(stage):
    with stage.expect_popup() as opened:
        stage.keyboard.press("n")
    paper = opened.value
    assert "And that." in paper.locator("body").inner_text()
    paper.keyboard.press("PageDown")
    stage.wait_for_function("() => document.querySelector('.title').textContent.startsWith('2/3')")
    assert "Two <b>" in paper.locator("h1").inner_text() and "Next: Three" in paper.locator("body").inner_text()


def test_letters_are_no_keys_outside_the_lecture_and_escape_leaves_it(stage):
    stage.keyboard.press("Escape")
    stage.locator("header").wait_for()
    theme = stage.locator(".toylab-live").get_attribute("data-theme")
    stage.keyboard.press("t")
    stage.keyboard.press("PageDown")
    assert stage.locator(".toylab-live").get_attribute("data-theme") == theme and title(stage) == ""


def test_a_button_opens_the_lecture_and_a_question_mark_lists_its_keys(started, url):
    with open_page(started, f"{url}#n=64&figures=0") as page:
        page.wait_for_function(READY)
        page.get_by_role("button", name="Lecture").click()
        page.keyboard.press("?")
        assert "Page Down" in page.get_by_role("dialog", name="Keys of the lecture mode").inner_text()
        page.keyboard.press("Escape")
        page.keyboard.press("b")
        assert page.locator(".black").is_visible()
