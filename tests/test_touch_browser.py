"""Predictions and the player on a telephone, 420 pixels wide: by fingers alone, on pages without a kernel."""

import pytest
from browser import open_page, settled, swipe
from test_player import SMALL

from toylab.widgets.player import Player
from toylab.widgets.predict import Amount, Options, Predict, Prediction, Slope, Truth

PHONE = {"viewport": {"width": 420, "height": 850}, "has_touch": True, "is_mobile": True}
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
