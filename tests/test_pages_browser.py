"""The live lab in Chromium, from a file: its numbers, keys, address, drawings and widths."""

import re

import numpy as np
import pytest
import torch
from browser import open_page, settled
from PIL import Image

import toylab
from toylab.figures.style import told_apart
from toylab.pages import write_live_page
from toylab.problems.flow import reference_solution, rms
from toylab.samplers.noise import start_noise
from toylab.samplers.rows import look

PANELS = ".toylab-live .panels canvas[role=img]"
FEW = "n=64&figures=0"  # particles, so that tests are quick
SMALL = {"width": 420, "height": 800}  # where every pixel is read
READY = "() => document.querySelector('.toylab-live')?.dataset.state === 'ready'"
WATCH_PARTICLES = """(address) => {
    window.seen = [];
    const root = document.querySelector(".toylab-live");
    const watch = new MutationObserver(() => seen.push(root.dataset.particles));
    watch.observe(root, { attributeFilter: ["data-particles"] });
    location.hash = address;
}"""
MEASURED = "() => document.querySelector('.toylab-live').dataset.figures === 'ready'"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    return write_live_page(tmp_path_factory.mktemp("page") / "lab.html").as_uri()


@pytest.fixture
def lab(started, url):
    """Opens the lab at an address after #, by default without figures; further arguments as for `open_page`."""
    opened = []

    def opening(address=FEW, **look):
        context = open_page(started, f"{url}#{address}", **look)
        page = context.__enter__()
        opened.append(context)
        page.wait_for_function(READY)
        return page

    yield opening
    for context in opened:
        context.__exit__(None, None, None)


def steady(page, **how):
    page.wait_for_function(READY)
    return settled(page, PANELS, **how)


def status(page):
    return page.locator("p.status").inner_text()


def counts(page):
    return [tuple(map(int, re.findall(r"\d+", text))) for text in page.locator(".panel .counts").all_inner_texts()]


def scores(page):
    return page.locator(".panel .score").all_inner_texts()


def test_seed_data_and_method_give_the_numbers_that_python_gives(lab):
    page = lab("data=moons&methods=RK4,F-PNDM,plms%2Bclassical&steps=8&seed=3&n=100&figures=0&spacing=quad&t_end=.01")
    manifold, x = toylab.datasets.get("moons"), start_noise(100, (2,), 3, torch.float64)
    eps = toylab.exact_eps(manifold.curve(240), "linear")
    for method, found in zip(("RK4", "F-PNDM", toylab.method("plms", "classical")), scores(page), strict=True):
        run = toylab.sample(eps, "linear", method, 8, x_T=x, spacing="quad", t_end=0.01, progress=False)
        distance = manifold.distance(run.x)
        share = round(100 * (distance > 0.1).double().mean().item())
        assert found == f"distance {distance.mean():#.3g}, off {share} %"


@pytest.fixture(scope="module")
def with_networks(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return write_live_page(folder / "lab.html", networks=["spiral", "moons-cosine"]).as_uri()


def test_a_trained_network_gives_the_numbers_that_python_gives(started, with_networks):
    with open_page(started, f"{with_networks}#eps=network&methods=DDIM,F-PNDM&steps=8&n=64&figures=0") as page:
        page.wait_for_function(READY)
        manifold, net = toylab.datasets.get("spiral"), toylab.load("spiral").half().double()
        x = start_noise(64, (2,), 0, torch.float64)
        for method, found in zip(("DDIM", "F-PNDM"), scores(page), strict=True):
            run = toylab.sample(net, method=method, steps=8, x_T=x, progress=False)
            distance = manifold.distance(run.x)
            share = round(100 * (distance > 0.1).double().mean().item())
            assert found == f"distance {distance.mean():#.3g}, off {share} %"


def test_a_few_particles_of_a_network_are_shown_first(started, with_networks):
    with open_page(started, f"{with_networks}#{FEW}") as page:
        page.wait_for_function(READY)
        page.evaluate(WATCH_PARTICLES, "eps=network&figures=0&n=1280&methods=DDIM,S-PNDM")
        page.wait_for_function("() => seen.includes('1280')", timeout=60000)
        shown = [int(count) for count in page.evaluate("[...new Set(seen)]") if count != "64"]
        parts = [20, 80, 320, 1280]  # of which a busy page may leave out what the next overtakes
        assert len(shown) > 1 and shown == [part for part in parts if part in shown]


def test_the_error_of_a_network_is_measured_beside_that_of_its_solvers(started, with_networks):
    address = "view=work&eps=network&methods=DDIM,S-PNDM"
    with open_page(started, f"{with_networks}#{address}") as page:
        page.wait_for_function(MEASURED, timeout=60000)
        shown = float(re.search(r"Thick line: ([\d.]+)", page.locator(".note:visible").inner_text())[1])
        assert page.locator("line.network").count() == 1
    net, x = toylab.load("spiral").half().double(), start_noise(16, (2,), 0, torch.float64)
    exact = toylab.exact_eps(toylab.datasets.get("spiral").curve(1000), "linear")
    own, best = (reference_solution(eps, net.schedule, x, 1.0, net.schedule.t_min).x for eps in (net, exact))
    assert shown == pytest.approx(rms(own - best), rel=0.02)


def test_a_network_that_the_page_lacks_is_the_exact_epsilon_and_a_sentence(started, with_networks):
    with open_page(started, f"{with_networks}#data=moons&eps=network&{FEW}") as page:
        page.wait_for_function(READY)
        assert "no network of Two moons with the linear schedule" in status(page)
        page.get_by_label("Schedule").select_option("cosine")
        page.get_by_label("Epsilon").select_option("network")
        page.wait_for_function("() => location.hash.includes('eps=network')")
        assert status(page) == ""
        assert page.get_by_label("Spread").is_disabled()
        page.locator(".data select").select_option("cat")
        page.wait_for_function("() => !location.hash.includes('eps=network')")
        assert "exact epsilon instead" in status(page)


@pytest.mark.parametrize("address", ["eps=network", "eps=constructor", "eps=%3Cscript%3E", "eps=network&spread=.1"])
def test_a_page_without_networks_says_so_and_lives(lab, address):
    page = lab(f"{FEW}&{address}")
    assert "instead" in status(page)
    assert page.get_by_label("Epsilon").count() == 0 or page.get_by_label("Epsilon").is_hidden()


def test_distance_against_error_is_drawn_from_pythons_numbers(lab):
    page = lab("data=moons&methods=DDIM&n=64&trade=1")
    page.wait_for_function(MEASURED, timeout=30000)
    manifold, x = toylab.datasets.get("moons"), start_noise(64, (2,), 0, torch.float64)
    eps = toylab.exact_eps(manifold.curve(240), "linear")
    flow = reference_solution(eps, toylab.schedules.get("linear"), x, 1.0, 1e-3)
    found = page.locator("table.heard").nth(1).locator("td").inner_text().split("; ")
    assert len(found) == 6
    for steps, pair in zip((5, 10, 20, 40, 80, 160), found, strict=True):
        end = toylab.sample(eps, "linear", "DDIM", steps, x_T=x, progress=False).x
        expected = rms(end - flow.x), manifold.distance(end).mean().item()
        assert [float(value) for value in pair.split(": ")] == pytest.approx(expected, rel=0.03)
    page.get_by_role("checkbox", name="against error").uncheck()
    page.wait_for_function("() => !location.hash.includes('trade')")
    assert "Error against evaluations" in page.locator("table.heard").nth(1).text_content()


def test_the_best_of_each_family_has_a_star_and_the_best_of_all_a_full_one(lab):
    methods = "DDIM", "S-PNDM", "F-PNDM", "RK4", "Heun", "DEIS-tAB2"
    page = lab(f"data=circle&methods={','.join(methods)}&n=64&compare=nfe&nfe=40")
    page.wait_for_function(MEASURED, timeout=30000)
    rows = page.locator("table.heard").nth(1).locator("td").all_inner_texts()
    errors = {name: float(row.split("; ")[-3].split(": ")[1]) for name, row in zip(methods, rows, strict=True)}
    families = {}
    for name in methods:
        families.setdefault(look(name)[0], []).append(name)
    assert sorted(map(len, families.values())) == [1, 2, 3]
    best = {min(members, key=errors.get) for members in families.values()}
    expected = {name: "☆" if name in best else "" for name in methods} | {min(methods, key=errors.get): "★"}
    legends = page.locator(".figure").nth(1).locator(".legend").all_text_contents()
    assert {name: "".join(set(text) & set("★☆")) for name, text in zip(methods, legends, strict=True)} == expected


def test_the_density_is_pythons_and_the_way_back_restores_every_pixel(lab):
    page = lab("data=moons&methods=DDIM&steps=10&n=16&tracks=0&zoom=0&figures=0&t=.3&hide=nothing", viewport=SMALL)
    before = steady(page)
    plain = pixels(page)
    page.get_by_label("density").check()
    dense = steady(page, different_from=before)
    shade = pixels(page)
    page.get_by_label("density").uncheck()
    assert steady(page, different_from=dense) == before
    cells, view, edge = 72, 3.3, 6  # of the haze; of the panel, as the page has them
    t = (round(25 * (1 - 0.0999 * 7) ** 0.5) / 25) ** 2  # the nearest of its times to the node's
    middles = torch.tensor(((np.arange(cells) + 0.5) / cells * 2 - 1) * view)
    grid = torch.stack(torch.meshgrid(middles, -middles, indexing="xy"), -1).reshape(-1, 2)
    eps = toylab.exact_eps(toylab.datasets.get("moons").curve(240), "linear", 0.04)
    log = eps.log_prob(grid, torch.tensor(t, dtype=torch.float64)).numpy()
    opacity = (190 / 255 * np.exp((log - log.max()) / 2)).reshape(cells, cells)
    size, compared = len(plain), 0
    places = np.round(size / 2 + middles.numpy() * (size / 2 - edge) / view - 0.5).astype(int)
    for i, y in enumerate(places):
        for k, x in enumerate(places):
            if (plain[y, x] == 255).all() and (
                plain[y - 1 : y + 2, x - 1 : x + 2] == 255
            ).all():  # nothing else is there
                expected = 255 + opacity[i, k] * (np.array([110, 144, 200]) - 255)
                assert np.abs(shade[y, x] - expected).max() < 6
                compared += opacity[i, k] > 0.3
    assert compared > 100


def pixels(page):
    """The red, green and blue of the first panel."""
    width, height, text = page.evaluate(
        """(selector) => {
            const canvas = document.querySelector(selector), { width, height } = canvas;
            const bytes = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            return [width, height, Array.from(bytes, (byte) => String.fromCharCode(byte)).join("")];
        }""",
        PANELS,
    )
    return np.frombuffer(text.encode("latin-1"), np.uint8).reshape(height, width, 4)[:, :, :3].astype(float)


def reach(page):
    """How far from the middle of the first panel its data is drawn, as a part of half the panel."""
    rows, columns = np.nonzero((pixels(page) == (0x8E, 0x94, 0x9B)).all(2))
    size = len(pixels(page))
    return max(abs(places - (size - 1) / 2).max() for places in (rows, columns)) / (size / 2)


def test_the_view_fits_the_data_and_zooms_out_for_the_noise_smoothly_unless_told_not_to(lab):
    page = lab("data=circle&methods=DDIM&steps=20&n=16&tracks=0&figures=0&hide=nothing", viewport=SMALL)
    time, seen = page.get_by_role("slider", name="Time"), []
    for _ in range(21):
        steady(page)
        seen.append(reach(page))
        time.press("ArrowLeft")
    size = len(pixels(page))
    inner = 1 - 12 / size  # of half the panel, within its edge
    farthest = toylab.datasets.get("circle").curve(2000).abs().max().item()
    assert seen[0] == pytest.approx(inner / 1.15, abs=0.02)  # the end: the data fills the panel
    assert seen[-1] == pytest.approx(inner * farthest / 3.3, abs=0.02)  # the start noise
    shrinking = -np.diff(seen)
    assert (shrinking > -0.01).all() and shrinking.max() < 0.2  # never by more than a fifth of the half
    page.get_by_label("zoom").uncheck()
    for press in ("Home", "End"):
        time.press(press)
        steady(page)
        assert reach(page) == pytest.approx(inner * farthest / 3.3, abs=0.02)


def test_copies_of_a_few_points_are_those_that_python_counts(lab):
    page = lab("data=moons&methods=DDIM&steps=20&n=100&points=30&spread=.05&figures=0")
    known, x = toylab.datasets.get("moons").curve(30).double(), start_noise(100, (2,), 0, torch.float64)
    end = toylab.sample(toylab.exact_eps(known, "linear", 0.05), "linear", "DDIM", 20, x_T=x, progress=False).x
    share = round(100 * (torch.cdist(end, known).amin(1) < 0.05).double().mean().item())
    assert scores(page)[0].endswith(f", copies {share} %") and 0 < share < 100


def test_the_measured_order_is_that_of_python(lab):
    page = lab("data=moons&methods=F-PNDM&n=64")
    page.wait_for_function(MEASURED, timeout=30000)
    eps = toylab.exact_eps(toylab.datasets.get("moons").curve(240), "linear", 0.05)
    estimate = toylab.measure_order(eps, "linear", "F-PNDM", steps=(40, 80, 160, 320), t_end=0.2, n=64, progress=False)
    shown = page.locator("table.heard").first.locator("td").first.text_content()
    assert float(shown) == pytest.approx(estimate.order, abs=0.006)


def test_the_page_asks_nothing_of_the_network_and_breaks_none_of_its_own_rules(started, url):
    asked, said = [], []
    with open_page(started, "about:blank") as page:
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{url}#methods=DDIM,Euler&n=64")
        page.wait_for_function(MEASURED, timeout=30000)
        assert page.evaluate("fetch('https://example.org').then(() => 'sent', () => 'refused')") == "refused"
    assert {address.split(":")[0] for address in asked} <= {"file", "blob", "data"}
    assert all("example.org" in text for text in said), said


def test_an_arrow_key_changes_the_picture_and_the_way_back_restores_every_pixel(lab):
    page = lab()
    before = steady(page)
    page.get_by_role("slider", name="Steps").focus()
    page.keyboard.press("ArrowRight")
    after = steady(page, different_from=before)
    assert not set(before) & set(after)
    page.keyboard.press("ArrowLeft")
    assert steady(page, different_from=after) == before


def test_the_newest_of_many_requests_wins(lab):
    page = lab()
    page.get_by_role("slider", name="Steps").focus()
    for _ in range(40):
        page.keyboard.press("ArrowRight")
    steady(page)
    assert [steps for steps, _ in counts(page)] == [50] * 4
    assert page.get_by_role("slider", name="Steps").get_attribute("aria-valuetext") == "50 steps"


def test_a_quarter_of_the_particles_is_shown_first(lab):
    page = lab()
    page.evaluate(WATCH_PARTICLES, "figures=0&n=400&steps=80")
    page.wait_for_function("() => seen.includes('400')", timeout=30000)
    assert [int(count) for count in page.evaluate("[...new Set(seen)]") if count != "64"] == [100, 400]


def test_at_equal_nfe_every_method_takes_the_most_steps_that_the_budget_buys(lab):
    page = lab()
    page.get_by_label("equal NFE").check()
    page.wait_for_function("() => location.hash.includes('compare=nfe')")
    steady(page)
    assert counts(page) == [(20, 20), (5, 20), (20, 20), (11, 20)]


def test_a_method_is_built_by_its_parts_with_the_keyboard(lab):
    page = lab("methods=F-PNDM&n=64&figures=0")
    before = steady(page)
    page.get_by_label("Method 1", exact=True).select_option("parts")
    page.get_by_label("Transfer of method 1").select_option("frozen")
    page.get_by_label("Weights of method 1").select_option("exact")
    steady(page, different_from=before)
    assert page.locator(".panel b").inner_text() == "ab4+frozen, weights exact"
    page.wait_for_function("() => location.hash.includes('methods=ab4+frozen+weights-exact')")


def test_methods_are_added_and_removed_up_to_six(lab):
    page = lab("methods=DDIM&n=64&figures=0")
    add = page.get_by_role("button", name="Add a method")
    while add.is_visible():
        add.click()
        page.wait_for_timeout(50)
    assert page.locator(".panel").count() == 6
    page.get_by_role("button", name="Remove method 2").click()
    steady(page)
    assert page.locator(".panel").count() == 5


def test_play_walks_through_time_to_the_end(lab):
    page = lab("steps=4&n=64&figures=0")
    page.get_by_role("button", name="Play").click()
    page.get_by_role("button", name="Pause").wait_for()
    page.wait_for_function(
        "() => document.querySelectorAll('.toylab-live [type=range]')[1].value === '4'", timeout=20000
    )
    page.get_by_role("button", name="Play").wait_for()


def test_play_is_one_node_a_press_where_motion_is_not_wanted(lab):
    page = lab("steps=4&n=64&figures=0&t=1", reduced_motion="reduce")
    time = page.get_by_role("slider", name="Time")
    for node in "123":
        page.get_by_role("button", name="Next node").click()
        steady(page)
        page.wait_for_timeout(500)  # in which a player that plays would have gone on
        assert time.input_value() == node


def test_the_address_holds_what_is_shown(lab):
    page = lab("data=cat&schedule=cosine&methods=RK4,PLMS&steps=7&t=.3&density=1&theme=dark&seed=5&n=64&figures=0")
    before = steady(page)
    page.get_by_label("tracks").uncheck()
    after = steady(page, different_from=before)
    page.wait_for_function("() => location.hash.includes('tracks=0')")
    again = lab(page.evaluate("location.hash.slice(1)"))
    assert steady(again) == after
    assert again.locator(".toylab-live").get_attribute("data-theme") == "dark"


HOSTILE = {
    "methods=%3Cscript%3Ehit=1%3C/script%3E,RK4": "unknown",
    "data=%3Cimg%20src=x%20onerror=hit=1%3E": "unknown",
    "steps=-5": "from 1 to 200",
    "steps=1e99&spread=1e9&t_end=-1": "from 0 to 1",
    "spread=NaN&seed=Infinity": "no number",
    "data=__proto__&schedule=constructor&methods=toString": "unknown",
    "methods=" + ",".join(["DDIM", "PRK", "RK4", "AB4", "AB2", "PIE", "Heun", "PLMS"]): "at most 6",
    "data=draw&drawing=%3Cscript%3E": "no drawing",
    "data=draw&drawing=" + "AAAA" * 10_000: "",
    "%E0%A4%A=%&=&&hit=1": "means nothing",
    "x" * 50_000: "means nothing",
}


@pytest.mark.parametrize("address", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_address_gives_the_nearest_state_and_a_sentence(lab, address):
    page = lab(f"{address}&n=64&figures=0")
    assert HOSTILE[address] in status(page)
    assert len(status(page)) < 400
    assert page.evaluate("typeof hit") == "undefined"
    assert all(score.startswith("distance") for score in scores(page))
    before = steady(page)
    page.get_by_role("slider", name="Steps").press("ArrowRight" if "steps=1e99" not in address else "ArrowLeft")
    steady(page, different_from=before)


def test_a_drawing_becomes_the_data_and_survives_in_the_address(lab):
    page = lab()
    before = steady(page)
    page.get_by_role("button", name="Draw", exact=True).click()
    box = page.locator(".board").bounding_box()
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    for i in range(40):
        page.mouse.move(box["x"] + 60 + 4 * i, box["y"] + 60 + 100 * (i % 9) / 9)
    page.mouse.up()
    page.get_by_role("button", name="Use drawing").click()
    drawn = steady(page, different_from=before)
    page.wait_for_function("() => location.hash.includes('data=draw')")
    again = steady(lab(page.evaluate("location.hash.slice(1)")))
    assert len(again) == len(drawn)
    assert not set(again) & set(before)


def test_a_drawing_of_ten_thousand_points_is_made_smaller_in_a_sentence(lab):
    page = lab()
    before = steady(page)
    page.get_by_role("button", name="Draw", exact=True).click()
    page.evaluate(
        """() => {
            const board = document.querySelector(".board"), box = board.getBoundingClientRect();
            board.setPointerCapture = () => {};
            const send = (type, u, v) => board.dispatchEvent(new PointerEvent(type, {
                clientX: box.x + 150 + 100 * u, clientY: box.y + 150 + 100 * v, buttons: 1,
            }));
            send("pointerdown", 0, 0);
            for (let i = 0; i < 10000; i++) send("pointermove", Math.sin(i * i), Math.cos(1.7 * i * i));
            send("pointerup", 0, 0);
        }"""
    )
    page.get_by_role("button", name="Use drawing").click()
    steady(page, different_from=before)
    assert re.search(r"1000\d pen positions drawn, \d{1,3} kept", status(page))
    page.wait_for_function("() => location.hash.includes('data=draw') && location.hash.length < 2500")


def test_data_is_drawn_with_keys_alone(lab):
    page = lab()
    before = steady(page)
    page.get_by_role("button", name="Draw", exact=True).press("Enter")
    for key in ("Space", *["Shift+ArrowRight"] * 3, *["Shift+ArrowUp"] * 2, "Space"):
        page.keyboard.press(key)
    assert "1 stroke; pen up at 1.5, 1.0" in page.locator(".board").get_attribute("aria-label")
    page.get_by_role("button", name="Use drawing").press("Enter")
    steady(page, different_from=before)
    assert page.locator("#controls select").first.input_value() == "draw"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_theme_is_the_systems_unless_chosen(lab, theme):
    page = lab(color_scheme=theme)
    assert page.locator(".toylab-live").get_attribute("data-theme") == theme
    page.get_by_label("Theme").select_option("dark" if theme == "light" else "light")
    page.wait_for_function("theme => document.documentElement.dataset.theme !== theme", arg=theme)


def test_a_screen_of_1280_by_720_holds_everything(lab):
    page = lab("n=64", viewport={"width": 1280, "height": 720})
    page.wait_for_function(MEASURED, timeout=30000)
    assert page.evaluate("document.documentElement.scrollWidth") == 1280
    for what in (*page.locator(PANELS).all(), *page.locator(".measured:visible").all(), page.locator("#controls")):
        box = what.bounding_box()
        assert box["x"] + box["width"] <= 1280 and box["y"] + box["height"] <= 720


def test_a_phone_of_360_pixels_shows_everything_without_scrolling_sideways(lab):
    page = lab("methods=DDIM,Euler,ab4%2Bpseudo%2Bweights-exact&n=64", viewport={"width": 360, "height": 740})
    page.wait_for_function(MEASURED, timeout=30000)
    page.get_by_role("button", name="Controls").click()
    page.locator("#controls select").first.wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    for text in page.locator(".figure text").all():
        box = text.bounding_box()
        assert 0 <= box["x"] and box["x"] + box["width"] <= 360


def test_every_control_and_picture_has_a_name(lab):
    page = lab("methods=rk4%2Bdata,DDIM&n=64&figures=0")
    nameless = page.evaluate(
        """() => {
            const named = (node) => node.getAttribute("aria-label") || node.labels?.[0]?.textContent.trim()
                || (node.tagName === "BUTTON" && node.textContent.trim());
            const all = document.querySelectorAll("input, select, button, canvas[role=img], section, aside");
            return [...all].filter((node) => !named(node)).map((node) => node.outerHTML);
        }"""
    )
    assert nameless == []
    assert "mean distance to the data" in page.locator(PANELS).first.get_attribute("aria-label")


def test_a_line_that_is_focused_is_named_and_the_others_fade(lab):
    page = lab("data=moons&methods=DDIM,F-PNDM&n=64")
    page.wait_for_function(MEASURED, timeout=30000)
    first, second = page.locator(".figure").first.locator(".line").all()
    opacity = "(node) => Number(getComputedStyle(node).opacity)"
    assert second.evaluate(opacity) == 1
    page.get_by_role("button", name="Play").focus()
    page.keyboard.press("Tab")
    page.wait_for_function("() => document.activeElement.classList.contains('line')")
    page.wait_for_timeout(300)
    assert first.locator(".named").evaluate(opacity) == 1 and first.evaluate(opacity) == 1
    assert first.locator(".named").text_content().startswith("DDIM: ")
    assert second.evaluate(opacity) < 0.3


def test_a_line_that_is_pointed_at_is_named_and_the_others_fade(lab):
    page = lab("data=moons&methods=DDIM,F-PNDM&n=64")
    page.wait_for_function(MEASURED, timeout=30000)
    lines = page.locator(".figure").nth(1).locator(".line")
    faded = "(line) => Number(getComputedStyle(line).opacity) < 0.3 && line.textContent.includes('DDIM')"
    lines.nth(1).locator(".legend").hover()
    page.wait_for_function(f"() => [...document.querySelectorAll('.figure .line')].some({faded})")
    assert lines.nth(1).locator(".named").evaluate("(node) => Number(getComputedStyle(node).opacity)") == 1
    assert lines.nth(1).locator(".named").text_content().startswith("F-PNDM: ")
    page.mouse.move(2, 2)
    page.wait_for_function(f"() => ![...document.querySelectorAll('.figure .line')].some({faded})")


def test_an_order_that_is_not_asymptotic_is_told_instead_of_a_number(lab):
    page = lab("data=spiral&methods=RK4,PRK&spacing=sigma&n=64")
    page.wait_for_function(MEASURED, timeout=30000)
    shown = dict(
        page.locator("table.heard")
        .first.locator("tr:has(td)")
        .evaluate_all(
            "(rows) => rows.map((row) => [row.querySelector('th').textContent, row.querySelector('td').textContent])"
        )
    )
    assert shown["RK4"] == "not yet asymptotic"
    assert float(shown["PRK"]) == pytest.approx(2, abs=0.2)


def test_variants_of_a_method_keep_its_dash_and_differ_in_shade_and_mark_as_in_python(lab):
    page = lab("methods=F-PNDM,ab4%2Bpseudo%2Bweights-exact,ab4%2Bpseudo%2Bmidpoint-sigma&data=moons&n=64")
    page.wait_for_function(MEASURED, timeout=30000)
    looks = (
        page.locator(".figure")
        .first.locator(".line")
        .evaluate_all(
            """(lines) => lines.map((line) => {
            const [, path, mark] = line.querySelectorAll("path");
            return [path.getAttribute("stroke"), path.getAttribute("stroke-dasharray"), mark.getAttribute("d")];
        })"""
        )
    )
    colors, dashes, marks = zip(*looks, strict=True)
    python = told_apart([f"F-PNDM {i}" for i in range(3)])
    assert [color.upper() for color in colors] == [look["color"] for look in python.values()]
    assert set(dashes) == {""} and len(set(marks)) == 3


def test_the_link_that_is_copied_shows_the_same(lab):
    page = lab("data=moons&methods=RK4,PLMS&steps=6&n=64&figures=0&theme=dark")
    page.evaluate("() => { navigator.clipboard.writeText = async (text) => { window.copied = text; }; }")
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_function("() => document.querySelector('p.status').textContent === 'The link is copied.'")
    before = steady(page)
    assert steady(lab(page.evaluate("copied").partition("#")[2])) == before


def test_a_picture_is_saved_with_all_panels(lab, tmp_path):
    page = lab("data=moons&methods=RK4,PLMS,DDIM&n=64&figures=0")
    with page.expect_download() as found:
        page.get_by_role("button", name="Save picture").click()
    found.value.save_as(tmp_path / "a.png")
    side = page.locator(PANELS).first.bounding_box()["width"]
    with Image.open(tmp_path / "a.png") as picture:
        assert found.value.suggested_filename == "toylab-moons.png"
        assert picture.width > 3 * side and len(picture.convert("RGB").getcolors(10**7)) > 50
