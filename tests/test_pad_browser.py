"""The pad in JupyterLab: drawn by pointer, by keys and by text; samples follow; after a restart it says so."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import hashes, notebook, open_notebook, settled, swipe

CELLS = (
    """from toylab.training import TrainConfig
from toylab.widgets import Pad, pad
pad.CONFIG = TrainConfig(steps=400, batch=64)
mine = Pad()
mine""",
)
SHOWN = ".toylab-pad .samples"
NOTE = "text => document.querySelector('.toylab-pad .note').textContent.includes(text)"


@pytest.fixture(scope="module")
def pad(started, jupyter, tmp_path_factory):
    source = notebook(tmp_path_factory.mktemp("pad") / "pad.ipynb", *CELLS)
    with open_notebook(started, jupyter, source, viewport={"width": 1280, "height": 720}) as page:
        page.locator(".toylab-pad").wait_for(timeout=60_000)
        yield page.locator(".toylab-pad")


def text(pad):
    return pad.get_by_label("drawing as text").input_value()


def test_an_empty_board_says_so_and_trains_nothing(pad):
    assert pad.locator(".note").text_content() == "Nothing is drawn yet."
    assert pad.get_by_role("button", name="Train").is_disabled()


def test_a_single_click_is_told_and_a_stroke_is_sampled_at_once(pad):
    page, box = pad.page, pad.locator(".board").bounding_box()
    page.mouse.click(box["x"] + 40, box["y"] + 40)
    pad.locator(".error", has_text="single dot").wait_for()
    pad.get_by_role("button", name="Clear").click()
    page.mouse.move(box["x"] + 40, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 240, box["y"] + 60, steps=20)
    page.mouse.up()
    page.wait_for_function(NOTE, arg="DDIM, N = 20, 20 evaluations, exact epsilon")
    assert len(text(pad)) == 8 and pad.locator(".error").text_content() == ""  # a straight line has two points


def test_a_finger_draws_and_the_page_stays_where_it_is(pad):
    pad.get_by_role("button", name="Clear").click()
    before, box = text(pad), pad.locator(".board").bounding_box()
    swipe(pad.page, *((box["x"] + 40, box["y"] + 40 + 10 * k) for k in range(20)))
    pad.page.wait_for_function("old => document.querySelector('.toylab-pad .wide input').value !== old", arg=before)
    assert len(text(pad)) == 8 and pad.locator(".board").bounding_box() == box
    assert "1 stroke;" in pad.locator(".board").get_attribute("aria-label")


def test_keys_draw_on_the_board_and_move_the_steps(pad):
    pad.get_by_role("button", name="Clear").click()
    board = pad.locator(".board")
    board.focus()
    before = text(pad)
    for key in (" ", "Shift+ArrowRight", "Shift+ArrowRight", "Shift+ArrowUp", " "):
        pad.page.keyboard.press(key)
    pad.page.wait_for_function("old => document.querySelector('.toylab-pad .wide input').value !== old", arg=before)
    picture = settled(pad.page, SHOWN)
    pad.get_by_role("slider", name="steps").press("Home")
    pad.page.wait_for_function(NOTE, arg="N = 1, 1 evaluations")
    settled(pad.page, SHOWN, different_from=picture)


def test_a_text_is_drawn_and_a_hostile_one_changes_nothing(pad):
    field = pad.get_by_label("drawing as text")
    field.fill("0,0 1,1; -1,-1 1,-1")
    field.press("Enter")
    pad.page.wait_for_function("() => /2 strokes/.test(document.querySelector('.toylab-pad .board').ariaLabel)")
    shown = settled(pad.page, SHOWN)
    field.fill("<img src=x onerror=alert(1)>")
    field.press("Enter")
    pad.locator(".error", has_text="text must hold a drawing").wait_for()
    assert hashes(pad.page, SHOWN) == shown and pad.locator("img").count() == 0


def test_a_second_pen_draws_a_class_which_is_sampled_with_guidance(pad):
    page, box = pad.page, pad.locator(".board").bounding_box()
    assert not pad.get_by_role("combobox", name="class").is_visible()
    pen = pad.get_by_role("button", name="Second pen")
    pen.focus()
    page.keyboard.press("Enter")
    assert pen.get_attribute("aria-pressed") == "true"
    page.mouse.move(box["x"] + 30, box["y"] + 200)
    page.mouse.down()
    page.mouse.move(box["x"] + 100, box["y"] + 280, steps=10)
    page.mouse.up()
    pad.get_by_role("combobox", name="class").wait_for()
    assert ".~" in text(pad) and "second pen up" in pad.locator(".board").get_attribute("aria-label")
    shown = settled(page, SHOWN)
    pad.get_by_role("combobox", name="class").select_option("second")
    page.wait_for_function(NOTE, arg="guidance 1: mean distance to the second class")
    alone = settled(page, SHOWN, different_from=shown)
    pad.get_by_role("slider", name="guidance").press("End")
    page.wait_for_function(NOTE, arg="guidance 8:")
    settled(page, SHOWN, different_from=alone)
    pen.click()
    pad.get_by_role("combobox", name="class").select_option("all")
    page.wait_for_function(NOTE, arg="exact epsilon: mean distance to the drawing")


def test_a_network_learns_it_until_it_is_stopped_by_keys_and_then_to_the_end(pad):
    pad.get_by_role("button", name="Train").focus()
    pad.page.keyboard.press("Enter")
    pad.page.wait_for_function(NOTE, arg="network after")
    assert pad.get_by_role("button", name="Stop").evaluate("button => button === document.activeElement")
    assert pad.locator("button:enabled, input:enabled, select:enabled").count() == 1
    pad.page.keyboard.press("Enter")
    pad.page.wait_for_function(NOTE, arg="of 400 training steps")
    pad.get_by_role("button", name="Train").click()
    pad.page.wait_for_function(NOTE, arg="network epsilon:")
    assert pad.locator(".curve svg").get_attribute("aria-label").startswith("Loss, from ")
    assert pad.get_by_role("combobox", name="epsilon").input_value() == "network"


@pytest.mark.parametrize("theme", ["Dark", "Light"])
def test_readers_with_weak_eyes_or_a_screen_reader_find_nothing_wrong(pad, theme):
    change = "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })"
    pad.page.evaluate(change, f"JupyterLab {theme}")
    pad.page.locator(f".toylab-pad[data-theme={theme.lower()}]").wait_for()
    found = Axe().run(pad.page, context=".toylab-pad").response["violations"]
    assert [(each["id"], node["html"][:200]) for each in found for node in each["nodes"]] == []


def test_after_a_restart_it_says_so(pad):
    pad.page.evaluate(
        "async () => { await window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart(); }"
    )
    pad.locator(".error", has_text="The kernel was restarted").wait_for(timeout=30_000)
    assert pad.locator("button:enabled, input:enabled, select:enabled").count() == 0
    pad.page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.status === 'idle'"
    )
