"""The player in Chromium: on a page of its own without a kernel, and in JupyterLab with one."""

import re
from pathlib import Path

import pytest
from browser import CANVASES, hashes, notebook, open_notebook, open_page, settled
from synthetic import STEPS, sweep

from toylab.widgets import Player


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return Player(sweep()).to_html(tmp_path_factory.mktemp("page") / "player.html").as_uri()


@pytest.fixture
def page(started, url):
    with open_page(started, url) as page:
        settled(page)
        yield page


def slider(page, name):
    return page.get_by_role("slider", name=name)


def press(page, name, *keys):
    slider(page, name).focus()
    for key in keys:
        page.keyboard.press(key)


def heads(page):
    """The text above each panel, one line."""
    return [" ".join(text.split()) for text in page.locator(".toylab-player .head").all_inner_texts()]


@pytest.mark.parametrize(("name", "panels"), [("Steps", 4), ("Time", 4)])
def test_an_arrow_key_changes_every_panel_and_the_way_back_restores_every_pixel(page, name, panels):
    before = hashes(page)
    press(page, name, "ArrowLeft")
    after = settled(page, different_from=before)
    assert len(before) == panels and not set(before) & set(after)
    press(page, name, "ArrowRight")
    assert settled(page, different_from=after) == before


def test_no_drawing_state_leaks_from_one_frame_into_the_next(page):
    before = hashes(page)
    page.get_by_label("density").check()
    page.locator(CANVASES).nth(2).click(position={"x": 140, "y": 100})
    press(page, "Steps", "Home")
    page.get_by_label("equal NFE").check()
    settled(page, different_from=before)
    page.get_by_label("equal steps").check()
    page.get_by_label("density").uncheck()
    page.get_by_role("button", name="64 tracks").click()
    press(page, "Steps", *["ArrowRight"] * STEPS.index(10))
    assert settled(page) == before


def test_keys_take_the_steps_slider_through_every_count(page):
    press(page, "Steps", "Home")
    seen, shown = [], None
    for _ in STEPS:
        shown = settled(page, different_from=shown)
        seen.append(int(re.search(r"N = (\d+)", heads(page)[0])[1]))
        page.keyboard.press("ArrowRight")
    assert tuple(seen) == STEPS


@pytest.mark.parametrize("ratio", [1, 2])
def test_canvases_have_the_pixels_of_the_screen(started, url, ratio):
    with open_page(started, url, device_scale_factor=ratio) as page:
        settled(page)
        for canvas in page.locator(CANVASES).all():
            width, height = canvas.evaluate("canvas => [canvas.width, canvas.height]")
            box = canvas.bounding_box()
            assert (width, height) == (round(ratio * box["width"]), round(ratio * box["height"]))


def test_equal_nfe_gives_each_method_its_largest_count_within_the_budget(page):
    page.get_by_label("equal NFE").check()
    press(page, "Budget", "Home", *["ArrowRight"] * STEPS.index(25))
    settled(page)
    counts = [re.search(r"N = (\S+), NFE (\S+)", text).groups() for text in heads(page)]
    assert counts == [("25", "25"), ("6", "24"), ("25", "25"), ("16", "25")]
    assert slider(page, "Budget").get_attribute("aria-valuetext") == "25 evaluations"


def test_a_method_beyond_the_budget_says_what_it_needs(page):
    page.get_by_label("equal NFE").check()
    press(page, "Budget", "Home")
    settled(page)
    assert page.locator(".missing:visible").all_inner_texts() == ["its smallest run: NFE 4"] * 2


def test_at_equal_nfe_every_panel_shows_the_last_node_it_has_reached(page):
    page.get_by_label("equal NFE").check()
    press(page, "Time", *["ArrowLeft"] * 4)
    settled(page)
    times = [float(re.search(r"t = ([\d.]+)", text)[1]) for text in heads(page)]
    assert times == [0.401, 0.5, 0.401, 0.5]  # ten steps beside two


def test_lost_particles_are_counted(page):
    assert re.search(r"\d+ of 512 off screen", heads(page)[1])
    assert "off screen" not in heads(page)[2]


def test_a_click_follows_the_particle_there_and_shift_adds_another(page):
    before = hashes(page)
    canvas = page.locator(CANVASES).nth(2)
    box = canvas.bounding_box()
    edge = (box["width"] / 2 - 7) / 1.2  # pixels of one unit: the particles are on the unit circle, seen from 1.2
    canvas.click(position={"x": box["width"] / 2 + edge, "y": box["height"] / 2})
    one = settled(page, different_from=before)
    canvas.click(position={"x": box["width"] / 2 - edge, "y": box["height"] / 2}, modifiers=["Shift"])
    two = settled(page, different_from=one)
    page.get_by_role("button", name="clear tracks").click()
    none = settled(page, different_from=two)
    page.get_by_role("button", name="64 tracks").click()
    assert settled(page, different_from=none) == before


def test_arrow_keys_on_a_panel_choose_a_particle(page):
    before = hashes(page)
    page.locator(CANVASES).first.focus()
    page.keyboard.press("ArrowRight")
    first = settled(page, different_from=before)
    page.keyboard.press("ArrowRight")
    second = settled(page, different_from=first)
    page.keyboard.press("ArrowLeft")
    assert settled(page, different_from=second) == first


def test_play_runs_to_the_end_and_pause_stops_it(page):
    end = hashes(page)
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").click()
    stopped = int(slider(page, "Time").input_value())
    assert stopped < 10
    page.wait_for_timeout(900)
    assert int(slider(page, "Time").input_value()) == stopped
    page.get_by_role("button", name="Play").click()
    page.wait_for_function(
        "() => document.querySelectorAll('.toylab-player [type=range]')[1].value === '10'", timeout=20000
    )
    page.get_by_role("button", name="Play").wait_for()
    assert settled(page) == end


def test_the_theme_is_that_of_the_system(started, url, page):
    light = hashes(page)
    page.emulate_media(color_scheme="dark")
    assert not set(settled(page, different_from=light)) & set(light)
    assert page.locator(".toylab-player").get_attribute("data-theme") == "dark"


@pytest.mark.parametrize(("width", "columns"), [(1400, 4), (620, 2), (380, 2)])
def test_panels_fit_the_width(started, url, width, columns):
    with open_page(started, url, viewport={"width": width, "height": 900}) as page:
        settled(page)
        boxes = [canvas.bounding_box() for canvas in page.locator(CANVASES).all()]
        assert len({round(box["x"]) for box in boxes}) == columns
        assert max(box["x"] + box["width"] for box in boxes) <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        for label in page.locator(".toylab-player .row, .toylab-player output, .toylab-player button").all():
            assert label.evaluate(
                "node => node.scrollWidth <= node.clientWidth + 1 || getComputedStyle(node).display === 'inline'"
            )


def test_on_a_phone_twins_stay_one_above_the_other_and_the_sliders_in_view(started, tmp_path):
    twins = ("Euler", "Heun", "RK4", "AB4", "DDIM", "PIE", "PRK", "F-PNDM")
    page_file = Player(sweep(twins, (5, 10), n=64)).to_html(tmp_path / "twins.html")
    with open_page(started, page_file.as_uri(), viewport={"width": 420, "height": 800}) as page:
        settled(page)
        boxes = [canvas.bounding_box() for canvas in page.locator(CANVASES).all()]
        for upper, lower in zip(boxes[:4], boxes[4:], strict=True):
            assert upper["x"] == lower["x"] and 0 < lower["y"] - upper["y"] < 2 * upper["height"]
        assert page.evaluate("document.documentElement.scrollWidth") <= 420
        page.locator(CANVASES).last.scroll_into_view_if_needed()
        assert page.evaluate("scrollY") > 100
        for name in ("Steps", "Time"):
            assert slider(page, name).bounding_box()["y"] >= 0


def test_heads_of_one_row_keep_one_height_whatever_their_titles(started, tmp_path):
    titles = {"RK4": "a title that is much too long for one line of a panel"}
    page_file = Player(sweep(n=64), titles=titles).to_html(tmp_path / "long.html")
    with open_page(started, page_file.as_uri()) as page:
        settled(page)
        tops = [canvas.bounding_box()["y"] for canvas in page.locator(CANVASES).all()]
        assert tops[0] == tops[1] and tops[2] == tops[3]  # two rows


def test_a_followed_particle_is_not_hidden_by_the_others(page):
    before = hashes(page)
    page.locator(CANVASES).first.focus()
    page.keyboard.press("ArrowRight")
    settled(page, different_from=before)
    inks = (
        page.locator(CANVASES)
        .nth(2)
        .evaluate(
            """canvas => {
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height), seen = {};
            for (let i = 0; i < data.length; i += 4) {
                const ink = [data[i], data[i + 1], data[i + 2]].join();
                seen[ink] = (seen[ink] ?? 0) + 1;
            }
            return seen;
        }"""
        )
    )
    full = inks["0,114,178"]  # DDIM's blue: the track alone, not the 512 dots
    assert 20 < full < 1500


def test_play_asks_for_every_node_where_motion_is_not_wanted(started, url):
    with open_page(started, url, reduced_motion="reduce") as page:
        settled(page)
        button = page.get_by_role("button", name="Next node")
        button.click()
        page.wait_for_function("() => document.querySelectorAll('.toylab-player [type=range]')[1].value === '0'")
        page.wait_for_timeout(900)
        button.click()
        page.wait_for_timeout(900)
        assert slider(page, "Time").input_value() == "1"


@pytest.fixture(scope="module")
def coloured(tmp_path_factory):
    """The address of a page that knows unlikely particles."""
    return Player(sweep(unlikely=True)).to_html(tmp_path_factory.mktemp("page") / "unlikely.html").as_uri()


def test_unlikely_particles_change_the_picture_and_the_way_back_restores_every_pixel(started, coloured):
    with open_page(started, coloured) as page:
        before = settled(page)
        page.get_by_role("radio", name="unlikely").check()
        red = settled(page, different_from=before)
        assert not set(before) & set(red)
        press(page, "Steps", "Home")
        settled(page, different_from=red)
        press(page, "Steps", *["ArrowRight"] * STEPS.index(10))
        assert settled(page) == red
        page.get_by_label("by method").check()
        assert settled(page, different_from=red) == before


def test_the_key_c_changes_the_colours_wherever_the_focus_is(started, coloured):
    with open_page(started, coloured) as page:
        before = settled(page)
        slider(page, "Time").press("c")
        red = settled(page, different_from=before)
        assert page.get_by_role("radio", name="unlikely").is_checked()
        page.locator(CANVASES).first.press("C")
        assert settled(page, different_from=red) == before
        slider(page, "Time").press("Control+c")
        assert settled(page) == before


def test_the_share_of_unlikely_particles_at_the_time_shown_is_told_and_spoken(started, coloured):
    known = sweep(unlikely=True).unlikely
    with open_page(started, coloured) as page:
        before = settled(page)
        assert "unlikely" not in " ".join(heads(page))
        page.get_by_role("radio", name="unlikely").check()
        settled(page, different_from=before)
        press(page, "Time", *["ArrowLeft"] * 3)
        settled(page)
        for i, method in enumerate(("Euler", "RK4", "DDIM", "F-PNDM")):
            share = f"{100 * known[method, 10][7].mean():.0f} %"
            assert f"unlikely {share}" in heads(page)[i]
            assert f", {share} unlikely." in page.locator(CANVASES).nth(i).get_attribute("aria-label")
        assert "Press C" in page.locator(".caption").inner_text()


def test_there_is_no_choice_of_colours_where_unlikely_particles_are_not_known(page):
    before = hashes(page)
    assert not page.get_by_role("radio", name="unlikely").is_visible()
    slider(page, "Time").press("c")
    page.wait_for_timeout(300)
    assert hashes(page) == before and "Press C" not in page.locator(".caption").inner_text()


def test_canvases_and_controls_speak(page):
    label = page.locator(CANVASES).nth(1).get_attribute("aria-label")
    assert label.startswith("RK4, 10 steps, 40 evaluations, t = 0.001: mean distance to the data manifold 2.03")
    assert slider(page, "Time").get_attribute("aria-valuetext") == "t = 0.001, node 10 of 10"
    focusable = page.locator(".toylab-player :is(input, button, select, canvas[tabindex])")
    assert focusable.count() >= 10
    assert all(node.get_attribute("data-lm-suppress-shortcuts") == "true" for node in focusable.all())


CELLS = (
    f"""import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from synthetic import sweep
from toylab.widgets import Player""",
    """import time
def compute(chosen, progress):
    dataset = chosen["Data set"]
    for done in (0.25, 0.5):
        progress(done); time.sleep(0.4)
    if dataset == "broken": raise RuntimeError("no such network")
    return sweep(steps=(2, 10), n=64, dataset=dataset, seed=3)
player = Player(sweep(), choices={"Data set": ["ring", "disc", "broken"]}, compute=compute)
player""",
)


@pytest.fixture(scope="module")
def lab(started, jupyter, tmp_path_factory):
    source = notebook(tmp_path_factory.mktemp("lab") / "player.ipynb", *CELLS)
    with open_notebook(started, jupyter, source, viewport={"width": 1500, "height": 1100}) as page:
        settled(page)
        yield page


def test_in_jupyterlab_keys_move_the_sliders_and_the_kernel_learns_of_it(lab):
    before = hashes(lab)
    press(lab, "Steps", "ArrowLeft")
    after = settled(lab, different_from=before)
    press(lab, "Steps", "ArrowRight")
    assert settled(lab, different_from=after) == before
    press(lab, "Time", "ArrowLeft", "ArrowLeft")
    assert settled(lab) != before
    assert kernel_says(lab, "print(player.step_index, player.progress)") == f"{STEPS.index(10)} 0.8"


def test_in_jupyterlab_the_kernel_moves_the_sliders(lab):
    before = hashes(lab)
    kernel_says(lab, "player.step_index = 2; player.progress = 1.0; print()")
    settled(lab, different_from=before)
    assert slider(lab, "Steps").get_attribute("aria-valuetext") == "3 steps"


def test_in_jupyterlab_the_theme_is_the_labs(lab):
    before = hashes(lab)
    for theme, attribute in [("JupyterLab Dark", "dark"), ("JupyterLab Light", "light")]:
        lab.evaluate("theme => { window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", theme)
        lab.wait_for_selector(f".toylab-player[data-theme={attribute}]", timeout=30000)
    assert settled(lab) == before


def test_in_jupyterlab_another_data_set_is_computed_and_an_error_keeps_the_picture(lab):
    before = hashes(lab)
    lab.get_by_label("Data set").select_option("disc")
    lab.locator(".toylab-player .status", has_text=re.compile(r"^computing \d+ %$")).wait_for()
    disc = settled(lab, different_from=before)
    assert slider(lab, "Steps").get_attribute("max") == "1"  # two step counts instead of 18
    lab.get_by_label("Data set").select_option("broken")
    lab.locator(".toylab-player .error", has_text="broken: no such network").wait_for()
    lab.wait_for_function("() => document.querySelector('.toylab-player select').value === 'disc'")
    assert settled(lab) == disc


def test_in_jupyterlab_panels_keep_their_size_when_others_are_computed(lab):
    player, sizes = lab.locator(".toylab-player"), set()
    for dataset in ("disc", "ring", "disc"):
        lab.get_by_label("Data set").select_option(dataset)
        player.locator(".heading", has_text=re.compile(f"^{dataset}")).wait_for()
        shown = settled(lab)
        sizes |= {int(each.split("x")[0]) for each in shown}
    assert len(sizes) == 1 and min(sizes) > 300  # two rows, as at first; one row leaves them 251


MOVED = """() => {
    const root = document.querySelector(".toylab-player"), top = (node) => node.getBoundingClientRect().top;
    const places = [...root.querySelectorAll(".stage canvas")].map((node) => top(node) - top(root));
    return { busy: root.querySelector(".status").textContent, places };
}"""


@pytest.mark.parametrize("width", [1500, 1024, 420])
def test_in_jupyterlab_the_line_while_computing_moves_no_panel(lab, width):
    lab.set_viewport_size({"width": width, "height": 900})
    kernel_says(lab, "player.error = ''; player._answers.clear(); print()")  # what is known is not computed
    lab.wait_for_timeout(700)
    settled(lab)
    before = lab.evaluate(MOVED)
    now = lab.locator(".toylab-player select").input_value()
    lab.get_by_label("Data set").select_option("ring" if now == "disc" else "disc")
    during = lab.wait_for_function(
        f"() => {{ const seen = ({MOVED})(); return /^computing/.test(seen.busy) && seen; }}"
    )
    assert before["busy"] == "" and during.json_value()["places"] == before["places"]
    lab.wait_for_function(f"() => ({MOVED})().busy === ''")


def kernel_says(page, code):
    """What the notebook's kernel prints when it runs `code`."""
    page.evaluate(
        """code => {
            const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
            const future = kernel.requestExecute({ code });
            window.printed = undefined;
            let text = "";
            future.onIOPub = ({ content }) => { text += content.text ?? ""; };
            future.done.then(() => { window.printed = text; });
        }""",
        code,
    )
    page.wait_for_function("() => window.printed !== undefined", timeout=20000)
    return page.evaluate("() => window.printed").strip()
