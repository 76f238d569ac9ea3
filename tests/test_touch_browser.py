"""Predictions, the player and the live lab on a telephone: by fingers alone, on pages without a kernel."""

import pytest
from browser import open_page, settled, swipe
from test_player import SMALL

from toylab.pages import write_live_page
from toylab.widgets.player import Player
from toylab.widgets.predict import Amount, Options, Predict, Prediction, Slope, Truth

PHONE = {"viewport": {"width": 420, "height": 850}, "has_touch": True, "is_mobile": True}
LIVE = ".toylab-live .panels canvas[role=img]"
FORMS = {
    "options": (Options(("DDIM", "RK4", "Euler"), "error"), Truth("DDIM", "DDIM it is.", {"DDIM": 0.01, "RK4": 40.0})),
    "slope": (Slope((10, 80)), Truth(2.0, "Order two.", {}, (10, 20, 40, 80), (1.0, 0.25, 1 / 16, 1 / 64))),
    "amount": (Amount(0, 100, 1, "steps"), Truth(63.0, "Sixty-three.")),
}


@pytest.fixture
def opened(started, tmp_path):
    """A function that opens the page of a prediction of this form, and gives its widget."""
    pages = []

    def opening(form):
        asked, found = FORMS[form]
        path = Predict(Prediction("title", "What will it be?", asked, lambda: found)).to_html(tmp_path / "page.html")
        pages.append(open_page(started, path.as_uri(), **PHONE))
        page = pages[-1].__enter__()
        assert page.evaluate("document.documentElement.scrollWidth") == PHONE["viewport"]["width"]
        return page.locator(".toylab-predict")

    yield opening
    for page in pages:
        page.__exit__(None, None, None)


def test_a_choice_is_tapped_committed_and_answered_without_a_kernel(opened):
    choice = opened("options")
    assert choice.get_by_text("DDIM it is.").count() == 0
    choice.get_by_role("radio", name="RK4").tap()
    choice.get_by_role("button", name="Commit").tap()
    assert choice.locator(".note").inner_text() == "DDIM it is."
    assert choice.locator("tbody th").all_text_contents() == ["DDIMmeasured", "RK4your guess", "Euler"]
    assert choice.locator("tbody th").first.evaluate("node => getComputedStyle(node).textAlign") == "left"
    assert choice.page.evaluate("document.documentElement.scrollWidth") == PHONE["viewport"]["width"]


def test_a_line_is_dragged_by_a_finger_and_its_text_is_as_large_as_on_a_desk(opened):
    line = opened("slope")
    box = line.locator("svg").bounding_box()
    wide, down = box["width"], (330 - 44 - 14) / 6
    x = box["x"] + 64 + (wide - 64 - 110) * 2 / 3  # of 40 steps
    swipe(line.page, (x, box["y"] + 40), (x, box["y"] + 60), (x, box["y"] + 14 + down * 2 * 0.60206))
    order = float(line.get_by_role("slider").get_attribute("aria-valuetext").removeprefix("order "))
    assert order == pytest.approx(2, abs=0.11)  # a pixel is a twentieth, and a finger's place is rounded to one
    assert line.locator("svg").get_attribute("viewBox") == f"0 0 {wide:g} 330"
    line.get_by_role("button", name="Commit").tap()
    assert line.locator("circle").count() == 4


def test_a_class_votes_by_taps(opened):
    number = opened("amount")
    number.get_by_label("count the guesses of a class").tap()
    for place in (7, 7, 0, 3):
        number.locator(".tally button").nth(place).tap()
    number.get_by_role("button", name="take back").tap()
    number.get_by_role("button", name="Measure").tap()
    heights = [float(bar.get_attribute("height")) for bar in number.locator("rect.class").all()]
    assert heights == pytest.approx([22, 44])
    assert number.locator("text.found").text_content() == "measured 63"


def test_a_player_moves_under_a_finger(started, tmp_path):
    path = Player(SMALL).to_html(tmp_path / "player.html")
    with open_page(started, path.as_uri(), **PHONE) as page:
        before = settled(page)
        box = page.get_by_role("slider", name="Steps").bounding_box()
        y, x = box["y"] + box["height"] / 2, box["x"]
        swipe(page, (x + box["width"] - 8, y), (x + box["width"] / 2, y), (x + 4, y))
        moved = settled(page, different_from=before)
        page.locator("button.play").tap()
        settled(page, different_from=moved)


def test_on_a_phone_of_360_pixels_a_finger_draws_the_data_and_moves_the_steps(started, tmp_path):
    url = write_live_page(tmp_path / "lab.html").as_uri()
    ready = "() => document.querySelector('.toylab-live')?.dataset.state === 'ready'"
    with open_page(started, f"{url}#n=64&figures=0", **PHONE | {"viewport": {"width": 360, "height": 740}}) as page:
        page.wait_for_function(ready)
        before = settled(page, LIVE)
        page.get_by_role("button", name="Controls").tap()
        page.get_by_role("button", name="Draw", exact=True).tap()
        box = page.locator(".board").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 360
        x, y = box["x"] + 40, box["y"] + box["height"] - 40
        swipe(page, (x, y), *((x + 30 * k, y - 40 * (k % 2) - 20 * k) for k in range(1, 6)))
        page.get_by_role("button", name="Use drawing").tap()
        page.wait_for_function("() => location.hash.includes('data=draw')")
        page.wait_for_function(ready)
        drawn = settled(page, LIVE, different_from=before)
        slider = page.get_by_role("slider", name="Steps")
        slider.scroll_into_view_if_needed()
        box = slider.bounding_box()
        assert box["height"] >= 24  # for a finger
        y = box["y"] + box["height"] / 2
        swipe(page, (box["x"] + 20, y), (box["x"] + box["width"] / 2, y))
        page.wait_for_function(ready)
        settled(page, LIVE, different_from=drawn)
        assert int(slider.input_value()) > 10
        assert page.evaluate("document.documentElement.scrollWidth") == 360
