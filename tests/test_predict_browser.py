"""Predictions in JupyterLab: by keys, by a drag, by a class; locked; and then guess and measurement in one figure."""

import re

import pytest
from browser import notebook, open_notebook

CELLS = (
    """from toylab.widgets.predict import Amount, Options, Predict, Prediction, Slope, Truth
kept = []
def keep(*given):
    kept.append(given)
    return ""
def asks(form, found): return Predict(Prediction("title", "What will it be?", form, lambda: found), keep)
asks(Options(("DDIM", "RK4", "Euler"), "error"),
     Truth("DDIM", "DDIM it is.", {"DDIM": 0.01, "RK4": 40.0, "Euler": 0.1}))""",
    """asks(Slope((10, 80)), Truth(2.0, "Order two.", steps=(10, 20, 40, 80), errors=(1.0, 0.25, 1 / 16, 1 / 64)))""",
    """asks(Amount(0, 100, 1, "steps"), Truth(63.0, "Sixty-three."))""",
)


@pytest.fixture(scope="module")
def page(started, jupyter, tmp_path_factory):
    source = notebook(tmp_path_factory.mktemp("predict") / "predict.ipynb", *CELLS)
    with open_notebook(started, jupyter, source, viewport={"width": 1280, "height": 720}) as page:
        page.locator(".toylab-predict").nth(2).wait_for(timeout=60_000)
        yield page


@pytest.fixture
def fresh(page):
    """The widgets, made anew."""
    page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells'); }")
    page.locator(".toylab-predict[data-state=open]").nth(2).wait_for()
    page.wait_for_function("() => document.querySelectorAll('.toylab-predict').length === 3")
    return page.locator(".toylab-predict")


def measured(widget):
    widget.page.wait_for_function("node => node.dataset.state === 'shown'", arg=widget.element_handle())


def test_a_choice_is_made_locked_and_shown_beside_the_measurement_by_keys_alone(fresh):
    choice = fresh.nth(0)
    button = choice.get_by_role("button", name="Commit")
    assert button.is_disabled() and choice.locator("table").count() == 0
    choice.get_by_role("radio", name="DDIM").focus()
    fresh.page.keyboard.press("ArrowDown")
    assert choice.get_by_role("radio", name="RK4").is_checked()
    fresh.page.keyboard.press("Tab")
    fresh.page.keyboard.press("Enter")
    measured(choice)
    assert choice.locator("tbody th").all_text_contents() == ["DDIMmeasured", "RK4your guess", "Euler"]
    assert choice.locator(".note").inner_text() == "DDIM it is."
    assert choice.locator("input:enabled").count() == 0 and not button.is_visible()


def test_a_line_is_dragged_to_the_order_under_the_pointer(fresh):
    line = fresh.nth(1)
    line.scroll_into_view_if_needed()
    box = line.locator("svg").bounding_box()
    scale = box["width"] / 560
    x = [64 + (560 - 64 - 110) * share for share in (0, 2 / 3)]  # of 10 and 40 steps
    down = (330 - 44 - 14) / 6  # a decade
    fresh.page.mouse.move(box["x"] + scale * x[1], box["y"] + scale * 30)
    fresh.page.mouse.down()
    fresh.page.mouse.move(box["x"] + scale * x[1], box["y"] + scale * (14 + down * 3 * 0.60206), steps=4)  # order three
    fresh.page.mouse.up()
    assert line.get_by_role("slider").get_attribute("aria-valuetext") == "order 3"
    line.get_by_role("slider").press("ArrowLeft")
    assert line.get_by_role("slider").get_attribute("aria-valuetext") == "order 2.9"
    assert line.locator("circle").count() == 0
    line.get_by_role("button", name="Commit").click()
    measured(line)
    assert line.locator("circle").count() == 4
    assert line.locator("svg").get_attribute("aria-label") == "Guess 2.9, measured 2"


def test_a_class_is_counted_by_keys_and_stands_in_the_figure(fresh):
    number = fresh.nth(2)
    number.get_by_label("count the guesses of a class").check()
    fresh.page.keyboard.type("1667776")
    fresh.page.keyboard.press("Backspace")
    keys = number.locator(".tally button").all_inner_texts()
    assert [re.search(r": (\d+)$", key)[1] for key in keys[:8]] == ["1", "0", "0", "0", "0", "2", "3", "0"]
    number.get_by_role("button", name="Measure").click()
    measured(number)
    heights = [float(bar.get_attribute("height")) for bar in number.locator("rect.class").all()]
    assert heights == pytest.approx([44 / 3, 88 / 3, 44])
    assert number.locator("text.found").text_content() == "measured 63" and number.locator(".yours").count() == 0


def test_a_guess_at_the_end_of_the_scale_stands_there(fresh):
    number = fresh.nth(2)
    number.get_by_role("slider").press("Home")
    number.get_by_role("button", name="Commit").click()
    measured(number)
    assert number.locator("text.yours").text_content() == "your guess 0"


def test_after_a_restart_it_says_so_and_takes_no_guess(fresh):
    page = fresh.page
    page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }"
    )
    fresh.nth(0).locator(".error", has_text="The kernel was restarted").wait_for(timeout=30_000)
    assert fresh.nth(0).locator("input:enabled, button:enabled").count() == 0
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
