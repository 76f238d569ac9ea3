"""Image sweeps and the gallery: what is computed, what is sent, what the browser shows."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import CANVASES, notebook, open_notebook, open_page, settled
from image_networks import Shrinking, labelled_unet
from PIL import Image
from synthetic_images import StopsAfter, images, sweep

from toylab import exact_eps, guided, sample
from toylab.analysis import Interrupted
from toylab.analysis._budget import steps_within
from toylab.images import Plane, image_sweep
from toylab.images.sampler import image_seeds
from toylab.lessons import explore_images
from toylab.widgets import Gallery
from toylab.widgets.image_stills import pack_images

SMALL = sweep()
COLOUR = sweep(images(channels=3, size=6), methods=("DDIM", "S-PNDM"), n=5)


def array(scene, name, shape=-1):
    at = scene["arrays"][name]
    return np.frombuffer(scene["data"], at["kind"], at["count"], at["offset"]).reshape(shape)


# ---- image sweeps


def test_every_method_has_every_step_count_and_the_largest_within_each_budget():
    for method in SMALL.methods:
        counts = {n for name, n in SMALL.states if name == method}
        assert counts == {*SMALL.steps, *(steps_within(method, budget) for budget in SMALL.budgets)}
        for budget in SMALL.budgets:
            assert SMALL.within(method, budget) == steps_within(method, budget)


def test_nfe_is_that_of_the_method_alone():
    assert {SMALL.nfe["DDIM", 10], SMALL.nfe["RK4", 5], SMALL.nfe["F-PNDM", 10]} == {10, 20, 19}


@pytest.mark.parametrize("method", ["DDIM", "RK4", "UniPC-2", "EDM-Heun", "DDPM"])
def test_predicted_x0_is_the_posterior_mean_at_every_node(method):
    """By brute force over the points, for methods that evaluate at the nodes, between them, and with noise."""
    points = images()
    eps = exact_eps(points, "linear", spread=0.05)
    found = image_sweep(eps, "linear", [method], [4], (), 3)
    flat = points.reshape(len(points), -1)
    for t, x, x0 in zip(found.times[4], found.states[method, 4], found.predicted[method, 4], strict=True):
        alpha_bar = eps.schedule.alpha_bar(float(t))
        rows = torch.from_numpy(x).double().reshape(3, -1)
        variance = alpha_bar * 0.05**2 + 1 - alpha_bar
        weights = (-(torch.cdist(rows, alpha_bar**0.5 * flat) ** 2) / (2 * variance)).softmax(1)
        gain = alpha_bar**0.5 * 0.05**2 / variance
        mean = weights @ flat + gain * (rows - alpha_bar**0.5 * weights @ flat)
        assert x0.reshape(3, -1) == pytest.approx(mean.numpy(), abs=2e-5)


def test_for_a_single_image_the_prediction_is_that_image_from_the_start():
    point = images(1)
    eps = exact_eps(point, "linear")
    found = image_sweep(eps, "linear", ["DDIM"], [5], (), 4)
    assert found.predicted["DDIM", 5] == pytest.approx(np.broadcast_to(point, (6, 4, 1, 4, 4)), abs=1e-5)


def test_an_interrupted_sweep_keeps_the_methods_that_are_done():
    eps = exact_eps(images(), "linear", spread=0.05)
    whole = image_sweep(eps, "linear", ["DDIM", "RK4"], [2, 5], (), 3)
    with pytest.raises(Interrupted, match="1 of 2 methods") as stop:
        image_sweep(StopsAfter(eps, 20), "linear", ["DDIM", "RK4"], [2, 5], (), 3)
    done = stop.value.done
    assert done.methods == ("DDIM",) and set(done.states) == set(done.nfe) == {("DDIM", 2), ("DDIM", 5)}
    assert np.array_equal(done.final("DDIM", 5), whole.final("DDIM", 5)) and Gallery(done, steps=5).still()
    with pytest.raises(Interrupted, match="0 of 2 methods") as stop:
        image_sweep(StopsAfter(eps, 3), "linear", ["DDIM", "RK4"], [2, 5], (), 3)
    assert stop.value.done is None


def test_images_are_those_of_toylab_sample_however_many_there_are():
    eps = exact_eps(images(), "linear", spread=0.05)
    few, many = (image_sweep(eps, "linear", ["DDPM"], [3], (), n) for n in (2, 6))
    run = sample(eps, "linear", "DDPM", 3, seed=image_seeds(0, range(6)), shape=(1, 4, 4))
    assert few.final("DDPM", 3) == pytest.approx(many.final("DDPM", 3)[:2], abs=1e-6)
    assert many.final("DDPM", 3) == pytest.approx(run.x.numpy(), abs=1e-6)


@pytest.mark.parametrize(
    "change, says",
    [
        ({"methods": ["PF"]}, "methods .* PF"),
        ({"methods": []}, "methods"),
        ({"steps": (5, 2)}, "steps must increase"),
        ({"nfe": (0,)}, "nfe"),
        ({"n": 0}, "n must"),
        ({"seed": -1}, "seed"),
        ({"times": [1.0, 0.1]}, r"times is decided by steps here, got \[1.0, 0.1\]"),
        ({"record": False}, "record is decided by steps here, got False"),
    ],
)
def test_a_sweep_refuses_what_makes_no_sense(change, says):
    with pytest.raises(ValueError, match=says):
        sweep(**change)


def test_a_sweep_needs_an_eps_for_images():
    with pytest.raises(ValueError, match=r"channels, height, width"):
        image_sweep(exact_eps(torch.zeros(3, 2), "linear"), "linear", ["DDIM"], [2])


# ---- packing


@pytest.mark.parametrize("found", [SMALL, COLOUR], ids=["grey", "colour"])
def test_images_are_sent_as_bytes_to_half_a_level(found):
    scene = pack_images(found)
    for i, method in enumerate(found.methods):
        for kind, source in (("x_t", found.states), ("x0", found.predicted)):
            sent = array(scene, f"{kind}_{i}_5", source[method, 5].shape) / 127.5 - 1
            assert np.abs(sent - source[method, 5].clip(-1, 1)).max() <= 1 / 255 + 1e-6


def test_images_that_are_not_finite_are_sent_all_the_same():
    wild = sweep(n=4)
    wild.states["DDIM", 2][-1, 0] = np.array([np.nan, np.inf, -np.inf, 0.0])
    sent = array(pack_images(wild), "x_t_1_2", (3, 4, 1, 4, 4))
    assert [int(value) for value in sent[-1, 0, 0, 0]] == [128, 255, 0, 128]


@pytest.mark.parametrize(
    "arguments, says",
    [
        ({"methods": ["DDIM", "DDIM"]}, "different"),
        ({"methods": ["Euler"]}, "Euler"),
        ({"columns": 0}, "columns"),
        ({"remarks": {("DDIM", 77): "a"}}, "77"),
        ({"steps": 3}, r"steps must be one of \[2, 5, 10\]"),
        ({"budget": 7}, r"budget must be one of \[5, 10, 20\]"),
        ({"steps": 5, "budget": 5}, "not both"),
        ({"progress": 2}, "progress"),
        ({"view": "x"}, "view"),
        ({"theme": "pink"}, "theme"),
    ],
)
def test_a_gallery_refuses_what_it_cannot_show(arguments, says):
    with pytest.raises(ValueError, match=says):
        Gallery(SMALL, **arguments)


def test_a_gallery_of_something_else_is_a_type_error():
    with pytest.raises(TypeError, match="ImageSweep"):
        Gallery({"states": 1})


@pytest.mark.parametrize("name, value", [("step_index", 3), ("selected", 6), ("progress", -0.1), ("view", "y")])
def test_a_gallery_keeps_its_state_when_asked_for_what_is_not_there(name, value):
    gallery = Gallery(SMALL)
    before = getattr(gallery, name)
    with pytest.raises(ValueError, match=name):
        setattr(gallery, name, value)
    assert getattr(gallery, name) == before


# ---- choices, films and nearest real images


def test_a_choice_is_computed_and_shown_in_place_and_one_that_fails_says_so():
    others = sweep(steps=(2, 5), n=3)

    def compute(chosen, progress):
        progress(0.5)
        seen.append(gallery.status)
        if chosen["Seed"] == "2":
            raise ValueError("no such seed")
        return others

    seen = []
    gallery = Gallery(SMALL, steps=10, choices={"Seed": ["0", "1", "2"]}, compute=compute)
    gallery.selected = 5
    gallery.chosen = {"Seed": "1"}
    assert seen == ["computing 50 %"] and gallery.status == gallery.error == ""
    assert gallery.scene["images"] == 3 and gallery.counts == {"RK4": 5, "DDIM": 5, "F-PNDM": 5}
    assert gallery.selected == 2 and gallery.still()
    gallery.chosen = {"Seed": "2"}
    assert gallery.chosen == {"Seed": "1"} and gallery.error == "2: no such seed"


def test_the_nearest_real_image_is_that_of_brute_force():
    real = images(9, seed=3)
    scene = pack_images(SMALL, real=real)
    final = torch.from_numpy(SMALL.final("DDIM", 5)).double().clip(-1, 1).flatten(1)
    want = real[torch.cdist(final, real.flatten(1)).argmin(1)].numpy()
    assert np.abs(array(scene, "near_1_5", want.shape) / 127.5 - 1 - want).max() <= 1 / 255 + 1e-6
    with pytest.raises(ValueError, match="real must be images like those of the sweep"):
        pack_images(SMALL, real=real[:, :, :2])


def test_places_in_the_plane_are_those_of_the_states_at_every_node():
    plane = Plane(images(12, seed=3))
    scene = pack_images(SMALL, plane=plane)
    want = plane.project(SMALL.states["DDIM", 5])
    np.testing.assert_allclose(array(scene, "place_1_5", want.shape), want, atol=1e-6)
    np.testing.assert_array_equal(array(scene, "real", (12, 2)), plane.points)
    assert scene["plane"]["window"] > np.abs(plane.points).max()
    gallery = Gallery(SMALL, plane=plane, steps=5)
    gallery.selected = 2
    flat = gallery.still().axes[0]
    drawn = np.stack([line.get_xydata() for line in flat.lines if len(line.get_xydata()) == 6])
    window = scene["plane"]["window"]
    ways = [plane.project(SMALL.states[method, 5])[:, 2].clip(-window, window) for method in SMALL.methods]
    np.testing.assert_allclose(drawn, ways, atol=1e-6)


@pytest.mark.parametrize(("plane", "error"), [("no plane", TypeError), (Plane(images(5, size=5)), ValueError)])
def test_a_plane_of_something_else_is_refused(plane, error):
    with pytest.raises(error, match="plane must be"):
        Gallery(SMALL, plane=plane)


def test_a_sweep_tells_the_share_that_is_done():
    told = []
    eps = exact_eps(images(), "linear", spread=0.05)
    image_sweep(eps, "linear", ["DDIM", "RK4"], [2, 5], (), 3, progress=told.append)
    assert told == sorted(told) and len(told) >= 2 + 5 + 8 + 20 and told[-1] == 1


def test_the_images_of_a_network_with_labels_are_those_of_the_class_and_the_guidance():
    network = labelled_unet(["cat", "dog"])
    gallery = explore_images(network, ["DDIM"], n=2, steps=(2,))
    assert gallery.chosen == {"Class": "any", "Guidance": "1", "Seed": "0"}
    gallery.chosen = {"Class": "dog", "Guidance": "3", "Seed": "4"}
    want = image_sweep(guided(network.of("dog"), network, 3), None, ["DDIM"], [2], (), 2, 4, progress=False)
    assert np.array_equal(gallery._found.final("DDIM", 2), want.final("DDIM", 2))
    with pytest.raises(ValueError, match="unknown class 'cow'"):
        explore_images(network, label="cow")
    equal = explore_images(Shrinking(), ["DDIM", "RK4"], n=1, steps=(2,), nfe=(8,), budget=8)
    assert list(equal.choices) == ["Seed"] and equal._found.final("DDIM", 8).shape == (1, *Shrinking().shape)


# ---- the picture


def test_the_picture_for_readers_without_a_kernel_shows_the_images_on_display():
    gallery = Gallery(SMALL, methods=["DDIM"], steps=10)
    (ax,) = gallery.still().axes
    grid = ax.images[0].get_array()
    want = array(gallery.scene, "x_t_0_10", (11, 6, 4, 4))[-1]
    for i in range(6):
        top, left = 1 + 5 * (i // 3), 1 + 5 * (i % 3)
        np.testing.assert_array_equal(grid[top : top + 4, left : left + 4], np.repeat(want[i][..., None], 3, 2))


def test_the_picture_says_steps_and_evaluations_of_every_panel():
    figure = Gallery(SMALL, budget=20, view="both").still("dark")
    words = [text.get_text() for text in figure.texts]
    assert {"N = 5, NFE 20", "N = 20, NFE 20", "N = 11, NFE 20"} <= set(words)
    assert len(figure.axes) == 6


def test_a_method_beyond_the_budget_has_no_grid_but_a_word():
    found = sweep(nfe=(3, 10))
    gallery = Gallery(found, budget=3)
    assert gallery.counts == {"RK4": None, "DDIM": 3, "F-PNDM": None}
    assert any("its smallest run: NFE 8" in text.get_text() for text in gallery.still().texts)


def test_a_budget_that_no_panel_can_afford_is_none():
    found = sweep(nfe=(3, 10))
    assert Gallery(found, methods=["RK4", "F-PNDM"]).scene["budgets"] == [10]
    with pytest.raises(ValueError, match=r"budget must be one of \[10\], got 3"):
        Gallery(found, methods=["RK4", "F-PNDM"], budget=3)


def test_fewer_budgets_than_step_counts_show_the_last_of_them():
    gallery = Gallery(sweep(nfe=(8,)), steps=10)
    gallery.equal_nfe = True
    assert gallery.counts == {"RK4": 2, "DDIM": 8, "F-PNDM": 2} and gallery.still()


def test_without_budgets_there_is_no_equal_nfe():
    gallery = Gallery(sweep(nfe=()))
    with pytest.raises(ValueError, match="equal_nfe needs budgets"):
        gallery.equal_nfe = True
    assert gallery.counts == dict.fromkeys(SMALL.methods, 10)


@pytest.mark.parametrize(("steps", "node"), [(1, 1), (2, 1), (5, 3)])
def test_half_way_between_two_nodes_the_picture_shows_the_later_one(steps, node):
    gallery = Gallery(sweep(steps=(steps,)), methods=["DDIM"], steps=steps, progress=0.5)
    (ax,) = gallery.still().axes
    want = array(gallery.scene, f"x_t_0_{steps}", (steps + 1, 6, 4, 4))[node]
    np.testing.assert_array_equal(ax.images[0].get_array()[1:5, 1:5, 0], want[0])


def test_the_output_has_a_png_beside_the_widget():
    bundle, _ = Gallery(SMALL)._repr_mimebundle_()
    assert Image.open(io.BytesIO(Gallery(SMALL)._picture("light"))).width > 600
    assert "image/png" in bundle and repr(Gallery(SMALL)) == "Gallery(3 panels, 3 step counts, 6 images)"


# ---- in the browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pages")
    grey = Gallery(SMALL, steps=5, remarks={("DDIM", 5): "apple"}).to_html(folder / "grey.html")
    colour = Gallery(COLOUR, steps=5).to_html(folder / "colour.html")
    plane = Gallery(SMALL, steps=5, plane=Plane(images(12, seed=3))).to_html(folder / "plane.html")
    return {"grey": grey.as_uri(), "colour": colour.as_uri(), "plane": plane.as_uri()}


@pytest.fixture
def page(started, pages):
    with open_page(started, pages["grey"]) as page:
        settled(page)
        yield page


def press(page, name, *keys):
    page.get_by_role("slider", name=name).focus()
    for key in keys:
        page.keyboard.press(key)


def heads(page):
    return [" ".join(text.split()) for text in page.locator(".toylab-gallery .head").all_inner_texts()]


@pytest.mark.parametrize("name", ["grey", "colour"])
def test_a_canvas_holds_the_pixels_of_the_images(started, pages, name):
    found = {"grey": SMALL, "colour": COLOUR}[name]
    n, c, h, w = found.final("DDIM", 5).shape
    with open_page(started, pages[name]) as page:
        settled(page)
        i = found.methods.index("DDIM")
        drawn = (
            page.locator(CANVASES)
            .nth(2 * i)
            .evaluate(
                "(canvas) => [canvas.width, canvas.height, ...canvas.getContext('2d')"
                ".getImageData(0, 0, canvas.width, canvas.height).data]"
            )
        )
    width, height = drawn[:2]
    pixels = np.array(drawn[2:], np.uint8).reshape(height, width, 4)[..., :3]
    want = array(pack_images(found), f"x_t_{i}_5", (6, n, c, h, w))[-1]
    for k in range(n):
        top, left = 1 + (h + 1) * (k // 3), 1 + (w + 1) * (k % 3)
        grid = pixels[top : top + h, left : left + w].transpose(2, 0, 1)
        np.testing.assert_array_equal(grid, np.broadcast_to(want[k], (3, h, w)))


@pytest.mark.parametrize("name", ["Steps", "Time"])
def test_an_arrow_key_changes_every_panel_and_the_way_back_restores_every_pixel(page, name):
    before = settled(page)
    press(page, name, "ArrowLeft")
    after = settled(page, different_from=before)
    shown = slice(None, None, 2)  # the grids of x_t; those of predicted x0 are hidden
    assert not set(before[shown]) & set(after[shown])
    press(page, name, "ArrowRight")
    assert settled(page, different_from=after) == before


def test_equal_nfe_says_what_every_method_spends(page):
    page.get_by_label("equal NFE").check()
    press(page, "Budget", "Home")
    settled(page)
    found = [re.search(r"N = (\d+), NFE (\d+)", text).groups() for text in heads(page)]
    assert found == [("1", "4"), ("5", "5"), ("1", "4")]


def test_predicted_x0_stands_beside_x_t_where_both_are_asked_for(page):
    assert page.locator(f"{CANVASES}:visible").count() == 3
    page.get_by_label("both").check()
    page.wait_for_function("() => [...document.querySelectorAll('.kind')].every((node) => !node.hidden)")
    labels = [canvas.get_attribute("aria-label") for canvas in page.locator(f"{CANVASES}:visible").all()]
    assert [("predicted x0" in label, "6 images" in label) for label in labels] == [(False, True), (True, True)] * 3


def test_a_remark_stands_at_the_end_only(page):
    assert "apple" in heads(page)[1] and "apple" not in heads(page)[0]
    press(page, "Time", "ArrowLeft")
    page.wait_for_function("() => !document.querySelector('.toylab-gallery').textContent.includes('apple')")


def test_an_image_is_framed_in_every_panel_by_a_click_or_by_keys(page):
    before = settled(page)
    canvas = page.locator(CANVASES).nth(2)
    canvas.click(position={"x": 5, "y": 5})
    first = settled(page, different_from=before)
    assert all(a != b for a, b in list(zip(before, first, strict=True))[::2])
    page.keyboard.press("ArrowRight")
    second = settled(page, different_from=first)
    page.keyboard.press("ArrowLeft")
    assert settled(page, different_from=second) == first
    canvas.click(position={"x": 5, "y": 5})
    assert settled(page, different_from=first) == before


def test_a_click_shows_the_film_of_an_image_from_its_noise_to_its_end(page):
    assert page.locator(".film").is_hidden()
    page.locator(CANVASES).nth(2).click(position={"x": 5, "y": 5})
    page.locator(".film").wait_for()
    strips = page.locator(".film canvas[role=img]:visible")
    assert strips.count() == 3 and "nodes 0, 1, 2, 3, 4, 5" in strips.nth(1).get_attribute("aria-label")
    drawn = strips.nth(1).evaluate("(c) => [...c.getContext('2d').getImageData(0, 0, c.width, c.height).data]")
    pixels = np.array(drawn, np.uint8).reshape(6, 6 * 5 + 1, 4)[..., 0]
    want = array(pack_images(SMALL), "x_t_1_5", (6, 6, 4, 4))[:, 0]
    for k in range(6):
        np.testing.assert_array_equal(pixels[1:5, 1 + 5 * k : 5 + 5 * k], want[k])


def test_the_plane_and_the_grids_choose_the_same_image_and_move_with_one_time(started, pages):
    plane = Plane(images(12, seed=3))
    end = plane.project(SMALL.final("DDIM", 5)) / (1.08 * np.abs(plane.points).max())
    with open_page(started, pages["plane"]) as page:
        flat = page.get_by_role("img", name="The principal plane")
        before = settled(page)
        page.locator(CANVASES).nth(2).click(position={"x": 5, "y": 5})  # the first image of DDIM
        chosen = settled(page, different_from=before)
        assert chosen[-1] != before[-1]
        x, y = (f"{value:.2f}" for value in plane.project(SMALL.final("DDIM", 5))[0])
        assert "image 1: RK4 at" in flat.get_attribute("aria-label")
        assert f"DDIM at {x}, {y}" in flat.get_attribute("aria-label")
        press(page, "Time", "ArrowLeft")
        earlier = settled(page, different_from=chosen)
        assert all(a != b for a, b in list(zip(chosen, earlier, strict=True))[::2])
        press(page, "Time", "ArrowRight")
        assert settled(page, different_from=earlier) == chosen
        side = flat.bounding_box()["width"]
        x, y = (side * (1 + sign * float(place)) / 2 for sign, place in zip((1, -1), end[3], strict=True))
        flat.click(position={"x": x, "y": y})
        page.locator(".film .kind", has_text="Image 4:").wait_for()


def luminance(color):
    """The relative luminance of WCAG 2 of [red, green, blue] in 0 to 255."""
    c = np.asarray(color[:3]) / 255
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4) @ [0.2126, 0.7152, 0.0722]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_frame_stands_out_at_three_to_one_from_what_is_beside_it(started, pages, theme):
    with open_page(started, pages["grey"], color_scheme=theme) as page:
        before = settled(page)
        page.locator(CANVASES).nth(2).click(position={"x": 5, "y": 5})
        settled(page, different_from=before)
        frame, gutter, edge = (
            page.locator(CANVASES)
            .nth(2)
            .evaluate("""canvas => {
            const at = (x, y) => [...canvas.getContext("2d").getImageData(x, y, 1, 1).data];
            return [at(0, 0), at(canvas.width - 1, 0), getComputedStyle(canvas).boxShadow.match(/\\d+/g).map(Number)];
        }""")
        )
    assert edge[:3] == gutter[:3] != frame[:3]
    light, dark = sorted((luminance(frame), luminance(gutter)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 3


@pytest.mark.parametrize("ratio", [1, 2])
@pytest.mark.parametrize("width", [700, 1280])
def test_a_pixel_of_an_image_is_a_whole_number_of_the_screens(started, pages, width, ratio):
    with open_page(started, pages["grey"], viewport={"width": width, "height": 900}, device_scale_factor=ratio) as page:
        settled(page)
        canvas = page.locator(CANVASES).first
        scale = ratio * canvas.bounding_box()["width"] / canvas.evaluate("(canvas) => canvas.width")
        assert scale == pytest.approx(round(scale), abs=1e-3) and scale > 8
        assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")


def test_in_jupyterlab_five_grids_and_their_controls_fit_a_projector(started, jupyter, tmp_path):
    methods = ("DDIM", "AB4", "RK4", "S-PNDM", "F-PNDM")
    cell = f"""import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from synthetic_images import images, sweep
from toylab.images import Plane
from toylab.widgets import Gallery
five = sweep(images(channels=3, size=16), methods={methods}, nfe=(), n=4)
Gallery(five, choices={{"Seed": ["0", "1"]}}, compute=lambda chosen, progress: five, plane=Plane(images(9, 3, 16)))"""
    source = notebook(tmp_path / "five.ipynb", cell)
    with open_notebook(started, jupyter, source, viewport={"width": 1280, "height": 720}) as page:
        gallery = page.locator(".toylab-gallery")
        gallery.wait_for()
        for chosen in ("0", "1"):
            page.wait_for_function(
                "(seed) => document.querySelector('.switches .slider output').value === seed", arg=chosen
            )
            settled(page)
            grids, room = page.locator(CANVASES), page.locator(".jp-WindowedPanel-outer").bounding_box()["height"]
            boxes = [grid.bounding_box() for grid in grids.all() if grid.is_visible()]
            bottom = max(box["y"] + box["height"] for box in boxes)
            assert len(boxes) == 6 and min(box["width"] for box in boxes) >= 125
            assert bottom - gallery.bounding_box()["y"] <= room
            press(page, "Seed", "ArrowRight")
