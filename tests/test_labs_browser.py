"""A lab in JupyterLab: keys and boxes reach the kernel, it says that it is busy, and the last choice wins."""

import pytest
from browser import notebook, open_notebook
from matplotlib.colors import to_hex
from test_player_browser import kernel_says

from toylab.figures.dark import on_dark
from toylab.figures.style import PAGES

CELLS = (
    """import time
import matplotlib.pyplot as plt
from toylab.widgets.lab import Lab, menu, several, slider
asked = []
def compute(size, names, mode):
    asked.append(size)
    time.sleep(0.5)
    if mode == "broken": raise RuntimeError("no such mode")
    figure, ax = plt.subplots(figsize=(3, 2))
    ax.plot([0, size])
    return size, figure, f"{size} with {', '.join(names)}"
controls = {
    "size": slider("size", list(range(1, 9)), 1),
    "mode": menu("mode", ("plain", "broken"), "plain"),
    "names": several("methods", ("DDIM", "Euler"), ("DDIM",)),
}
lab = Lab("sizes", controls, compute)
lab""",
    "lab  # a second view of the same",
)
PICTURE = """async root => {
    const image = root.querySelector("img"), canvas = document.createElement("canvas");
    while (!image.complete || !image.naturalWidth) await new Promise((loaded) => setTimeout(loaded, 20));
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const ctx = canvas.getContext("2d");
    ctx.drawImage(image, 0, 0);
    let hash = 2166136261;
    const pixels = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
    for (const value of pixels) hash = Math.imul(hash ^ value, 16777619);
    return `${canvas.width}x${canvas.height}:${hash >>> 0}`;
}"""


def picture(lab):
    """A string of the size and every pixel of the figure of a lab."""
    return lab.evaluate(PICTURE)


def ready(lab, different_from=None, seconds=60):
    """`picture` once the kernel has answered and the picture differs from an earlier one. Raises TimeoutError."""
    for _ in range(10 * seconds):
        if lab.get_attribute("data-state") == "ready" and picture(lab) != different_from:
            return picture(lab)
        lab.page.wait_for_timeout(100)
    raise TimeoutError(f"no new figure within {seconds} s; the lab is {lab.get_attribute('data-state')}")


@pytest.fixture(scope="module")
def page(started, jupyter, tmp_path_factory):
    source = notebook(tmp_path_factory.mktemp("labs") / "labs.ipynb", *CELLS)
    with open_notebook(started, jupyter, source) as page:
        yield page


@pytest.fixture
def lab(page):
    lab = page.locator(".toylab-lab").first
    lab.wait_for()
    lab.get_by_label("mode").select_option("plain")
    lab.get_by_role("slider", name="size").focus()
    page.keyboard.press("Home")
    ready(lab)
    page.wait_for_function("() => document.querySelector('.toylab-lab .note').textContent.startsWith('1 with')")
    return lab


def size(lab):
    return lab.get_by_role("slider", name="size")


def test_an_arrow_key_draws_anew_and_the_way_back_shows_the_same_pixels(lab):
    first = picture(lab)
    size(lab).press("ArrowRight")
    lab.page.wait_for_function("() => document.querySelector('.toylab-lab').dataset.state === 'busy'")
    assert lab.locator(".status").inner_text() == "computing …"
    second = ready(lab, different_from=first)
    assert size(lab).get_attribute("aria-valuetext") == "2"
    assert lab.locator(".note").inner_text() == "2 with DDIM"
    size(lab).press("ArrowLeft")
    assert ready(lab, different_from=second) == first


@pytest.mark.parametrize("width", [1280, 900])
def test_while_the_kernel_is_busy_the_figure_stays_where_it_is(lab, width):
    lab.page.set_viewport_size({"width": width, "height": 900})
    lab.page.wait_for_timeout(500)
    top = "root => root.querySelector('img').getBoundingClientRect().top - root.getBoundingClientRect().top"
    before = lab.evaluate(top)
    kernel_says(lab.page, "lab._known.clear(); print()")
    size(lab).press("ArrowRight")
    lab.page.wait_for_function("() => document.querySelector('.toylab-lab').dataset.state === 'busy'")
    assert lab.evaluate(f"root => [root.dataset.state, ({top})(root)]") == ["busy", before]
    ready(lab)
    assert lab.evaluate(top) == before
    lab.page.set_viewport_size({"width": 1200, "height": 900})


def test_of_many_keys_while_the_kernel_is_busy_the_last_counts(lab):
    kernel_says(lab.page, "lab._known.clear(); asked.clear()")
    first = picture(lab)
    size(lab).focus()
    for _ in range(7):
        lab.page.keyboard.press("ArrowRight")
    ready(lab, different_from=first)
    lab.page.wait_for_function("() => document.querySelector('.toylab-lab .note').textContent.startsWith('8 with')")
    asked = kernel_says(lab.page, "print(asked[-1], len(asked), lab.result)").split()
    assert asked[0] == asked[2] == "8" and int(asked[1]) < 7


def test_a_box_ticked_is_a_name_more(lab):
    first = picture(lab)
    lab.get_by_label("Euler").check()
    lab.page.wait_for_function("() => document.querySelector('.toylab-lab .note').textContent === '1 with DDIM, Euler'")
    lab.get_by_label("Euler").uncheck()
    lab.page.wait_for_function("() => document.querySelector('.toylab-lab .note').textContent === '1 with DDIM'")
    assert ready(lab) == first


def test_an_error_is_a_line_and_the_old_figure_is_pale(lab):
    first = picture(lab)
    lab.get_by_label("mode").select_option("broken")
    lab.locator(".error", has_text="no such mode").wait_for()
    assert lab.get_attribute("data-state") == "failed" and picture(lab) == first
    assert lab.locator(".note").inner_text() == ""


def test_the_kernel_and_another_view_move_the_same_controls(lab):
    kernel_says(lab.page, "lab.chosen = lab.chosen | {'size': '5'}; print()")
    for view in lab.page.locator(".toylab-lab").all():
        view.locator(".note", has_text="5 with DDIM").wait_for()
        assert size(view).get_attribute("aria-valuetext") == "5"


def test_figure_and_controls_speak(lab):
    assert lab.locator("img").get_attribute("alt") == "sizes. size 1; mode plain; methods DDIM. 1 with DDIM"
    focusable = lab.locator("input, select")
    assert focusable.count() == 4
    assert all(node.get_attribute("data-lm-suppress-shortcuts") == "true" for node in focusable.all())
    assert lab.get_by_role("group", name="sizes").count() == 1


@pytest.mark.parametrize("width", [1280, 900])
def test_a_lab_fits_its_width(lab, width):
    lab.page.set_viewport_size({"width": width, "height": 900})
    lab.page.wait_for_timeout(500)
    assert lab.evaluate("node => node.scrollWidth <= node.clientWidth")
    controls, image = lab.locator(".controls").bounding_box(), lab.locator("img").bounding_box()
    beside = image["x"] >= controls["x"] + controls["width"]
    assert beside == (width == 1280) and image["width"] > 150
    lab.page.set_viewport_size({"width": 1200, "height": 900})


PIXELS = """root => {
    const image = root.querySelector("img"), canvas = document.createElement("canvas"), count = {};
    [canvas.width, canvas.height] = [image.naturalWidth, image.naturalHeight];
    const ctx = canvas.getContext("2d");
    ctx.drawImage(image, 0, 0);
    const pixels = ctx.getImageData(0, 0, canvas.width, canvas.height).data;
    for (let i = 0; i < pixels.length; i += 4) {
        const name = "#" + [0, 1, 2].map((k) => pixels[i + k].toString(16).padStart(2, "0")).join("");
        count[name] = (count[name] ?? 0) + 1;
    }
    return [count, getComputedStyle(image).filter, getComputedStyle(root).backgroundColor];
}"""


def test_on_a_dark_page_the_figure_is_drawn_dark_and_hues_stay(lab):
    first, shades = picture(lab), {}
    for theme, name in (("dark", "JupyterLab Dark"), ("light", "JupyterLab Light")):
        before = picture(lab)
        lab.evaluate(
            "(node, theme) => { window.jupyterapp.commands.execute('apputils:change-theme', { theme }); }", name
        )
        lab.page.locator(f".toylab-lab[data-theme={theme}][data-drawn={theme}]").first.wait_for()
        ready(lab, different_from=before)
        count, drawn_with, back = lab.evaluate(PIXELS)
        assert drawn_with == "none"
        most = max(count, key=count.get)
        assert most == PAGES[theme][0] and back == f"rgb{tuple(bytes.fromhex(most[1:]))}"
        shades[theme] = [at for at in count if at in (on_dark_hex("#1f77b4"), "#1f77b4")]
    assert shades == {"dark": [on_dark_hex("#1f77b4")], "light": ["#1f77b4"]}  # matplotlib's first color
    assert picture(lab) == first


def on_dark_hex(color):
    return to_hex(on_dark(color))
