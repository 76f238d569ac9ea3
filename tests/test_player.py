"""The player without a browser: what it sends, what it accepts, what it shows to readers without a kernel."""

import base64
import itertools
import json
import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from matplotlib.colors import to_hex
from synthetic import STEPS, sweep

import toylab
from toylab.figures import style
from toylab.figures.style import ALERTS
from toylab.widgets import Player, png, still
from toylab.widgets.packing import budgets, clamp, pack, quantise

SMALL = sweep(steps=(1, 2, 4, 8), n=40)
coordinates = st.floats(-1e6, 1e6, width=32) | st.floats(-3.5, 3.5, width=32)


def array(scene, name, shape=-1):
    """An array out of the packed bytes."""
    at = scene["arrays"][name]
    return np.frombuffer(scene["data"], at["kind"], at["count"], at["offset"]).reshape(shape)


# ---- packing


@given(arrays(np.float32, (7, 2), elements=coordinates), st.sampled_from([0.5, 3.3, 40.0]))
def test_particles_inside_the_window_survive_packing_to_half_a_unit(x, window):
    inside = np.abs(x).max(axis=1) <= window
    back = quantise(x, window)[inside] * (window / 32766)
    assert np.abs(back - x[inside]).max(initial=0) <= window / 65532 * (1 + 1e-9)


@given(arrays(np.float32, (7, 2), elements=coordinates))
def test_only_particles_outside_the_window_are_marked_so(x):
    marked = np.abs(quantise(x, 3.3).astype(int)).max(axis=1) == 32767
    np.testing.assert_array_equal(marked, np.abs(x.astype(float)).max(axis=1) > 3.3)


@given(arrays(np.float64, (2,), elements=st.floats(-1e12, 1e12)))
def test_a_particle_outside_meets_the_border_in_its_own_direction(x):
    point, outside = clamp(x, 3.3)
    if outside:
        assert np.abs(point).max() == pytest.approx(3.3)
        assert point * np.linalg.norm(x) == pytest.approx(x * np.linalg.norm(point), abs=1e-6 * np.linalg.norm(x))
    else:
        np.testing.assert_array_equal(point, x)


def test_states_that_are_not_finite_are_drawn_on_the_border():
    wild = np.array([[np.nan, np.nan], [np.inf, 0.0], [-np.inf, np.nan], [0.0, np.nan], [np.inf, -np.inf]])
    point, outside = clamp(wild, 2.0)
    assert outside.all()
    np.testing.assert_allclose(point, [[0, 2], [2, 0], [-2, 0], [0, 2], [2, -2]])


def test_live_numbers_are_those_of_the_unclamped_states():
    scene = pack(SMALL)
    i, j = SMALL.methods.index("RK4"), SMALL.steps.index(4)
    states = array(scene, f"states_{i}_{j}", (5, 40, 2))
    shown = np.hypot(*(states[-1] * (3.3 / 32766)).T)
    true = np.hypot(*SMALL.states["RK4", 4][-1].T.astype(float))
    assert array(scene, f"distance_{i}_{j}")[-1] == pytest.approx(np.abs(true - 1).mean(), rel=1e-5)
    assert np.abs(shown - 1).mean() < 4 < np.abs(true - 1).mean()


def test_every_run_is_sent_once_in_the_order_of_the_panels():
    scene = pack(SMALL, methods=["F-PNDM", "Euler"])
    assert [panel["method"] for panel in scene["panels"]] == ["F-PNDM", "Euler"]
    for (i, method), (j, n) in itertools.product(enumerate(["F-PNDM", "Euler"]), enumerate(SMALL.steps)):
        states = array(scene, f"states_{i}_{j}", (n + 1, 40, 2))
        np.testing.assert_array_equal(states, quantise(SMALL.states[method, n], 3.3))
    assert len(scene["data"]) < 1.02 * sum(
        at["count"] * np.dtype(at["kind"]).itemsize for at in scene["arrays"].values()
    )


def test_the_density_is_brightest_where_p_is_largest():
    shades = array(pack(SMALL), "density", SMALL.density["log_p"].shape)
    for shade, log_p in zip(shades, SMALL.density["log_p"], strict=True):
        assert shade.ravel()[log_p.argmax()] == 255
        half = np.abs(shade.astype(float) - 255 * np.exp(log_p - log_p.max()) ** 0.5)
        assert half.max() <= 0.51


# ---- unlikely particles


@given(st.integers(1, 70), st.integers(0, 2**32))
def test_unlikely_particles_survive_packing_to_a_bit(n, seed):
    steps, rng = (1, 3), np.random.default_rng(seed)
    plain = sweep(("DDIM", "RK4"), steps, n, density=False)
    known = {key: rng.random(states.shape[:2]) < 0.3 for key, states in plain.states.items()}
    scene = pack(replace(plain, unlikely=known))
    for (i, method), (j, count) in itertools.product(enumerate(plain.methods), enumerate(steps)):
        packed = array(scene, f"unlikely_{i}_{j}")
        at = np.arange((count + 1) * n)
        bits = (packed[at >> 3] >> (at & 7)) & 1  # as the page reads them
        np.testing.assert_array_equal(bits.reshape(count + 1, n), known[method, count])
        assert packed.nbytes == -(-(count + 1) * n // 8)


def test_a_sweep_that_knows_of_no_unlikely_particles_sends_none():
    scene = pack(SMALL)
    assert scene["unlikely"] == "" and not any(name.startswith("unlikely") for name in scene["arrays"])
    player = Player(SMALL, show_unlikely=True)
    assert png(player.still()).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda known: {}, r"sweep.unlikely\['Euler', 1\] must be bool \[2, 40\], got none"),
        (lambda known: {key: bad[:, 1:] for key, bad in known.items()}, r"must be bool \[2, 40\], got bool \[2, 39\]"),
        (lambda known: {key: bad.astype(int) for key, bad in known.items()}, "must be bool .* got int64"),
    ],
)
def test_unlikely_particles_that_do_not_fit_the_states_are_refused(change, message):
    known = sweep(steps=SMALL.steps, n=40, unlikely=True).unlikely
    with pytest.raises(ValueError, match=message):
        Player(replace(SMALL, unlikely=change(known)))


def test_unlikely_particles_that_are_no_dict_are_refused():
    with pytest.raises(TypeError, match="sweep.unlikely must be a dict .* got bool"):
        Player(replace(SMALL, unlikely=True))


def test_the_picture_shows_unlikely_particles_in_red_on_top_and_their_share():
    known = sweep(steps=(1, 2, 4, 8), n=40, unlikely=True)
    player = Player(known, ["Euler", "RK4"], steps=4)
    player.progress = 0.5
    assert not any("unlikely" in text for text in texts(player.still()))
    player.show_unlikely = True
    figure = player.still()
    for ax, method in zip(figure.axes, ["Euler", "RK4"], strict=True):
        share = known.unlikely[method, 4][2].mean()
        assert any(text.endswith(f"unlikely {share:.0%}") for text in texts(figure) if text.startswith("distance"))
        red = [dots for dots in ax.collections if len(dots.get_offsets()) == round(40 * share)]
        assert any(to_hex(dots.get_facecolor()[0]) == ALERTS["light"] for dots in red)


def test_red_is_the_same_on_the_page_and_in_the_picture():
    for theme, color in ALERTS.items():
        assert f'alert: "{color}"' in Player._esm and f"--alert: {color};" in Player._css, theme


# ---- equal NFE


@pytest.mark.parametrize("methods", [("DDIM", "RK4", "F-PNDM"), ("RK4",), ("F-PNDM", "RK4")])
def test_each_method_takes_the_largest_count_within_the_budget(methods):
    run = sweep(methods, n=3, density=False)
    values, within = budgets(run, methods)
    assert values == sorted(set(values))
    for method, choices in zip(methods, within, strict=True):
        for budget, j in zip(values, choices, strict=True):
            fits = [n for n in STEPS if run.nfe[method, n] <= budget]
            assert (STEPS[j] if j >= 0 else None) == max(fits, default=None)
    assert all(max(column) >= 0 for column in zip(*within, strict=True)), "a budget that no method can meet"


def test_budgets_are_the_step_counts_where_a_step_costs_one_evaluation():
    assert Player(sweep(n=2, density=False)).budgets == list(STEPS)


# ---- styles


def luminance(color):
    return linear(color) @ [0.2126, 0.7152, 0.0722]


def linear(color):
    value = np.array([int(color[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ np.clip(rgb, 0, 1)
    f = np.where(xyz > 0.008856, np.cbrt(xyz / [0.9505, 1, 1.089]), 7.787 * xyz / [0.9505, 1, 1.089] + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


# Full deficiency on linear RGB, Machado, Oliveira and Fernandes (2009).
BLINDNESS = {
    "none": np.eye(3),
    "protan": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deutan": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritan": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("blindness", BLINDNESS)
def test_hues_stay_apart_for_colour_blind_readers(theme, blindness):
    hues = {style(m, theme)["color"] for m in ("DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS")}
    seen = [lab(np.array(BLINDNESS[blindness]) @ linear(color)) for color in hues]
    assert len(hues) == 6
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 10


@pytest.mark.parametrize(("theme", "background"), [("light", 1.0), ("dark", luminance("#14171c"))])
def test_every_method_stands_out_from_the_background(theme, background):
    for method in toylab.methods():
        light, dark = sorted([luminance(style(method, theme)["color"]), background], reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 2.95, method


def test_no_two_methods_share_a_style():
    styles = [tuple(style(method).values()) for method in toylab.methods()]
    assert len(set(styles)) == len(styles)


@pytest.mark.parametrize(
    "pair", [("Euler", "DDIM"), ("Heun", "PIE"), ("RK4", "PRK"), ("AB2", "S-PNDM"), ("AB4", "F-PNDM")]
)
def test_twins_share_a_hue_and_differ_in_the_dash(pair):
    classical, pseudo = map(style, pair)
    assert classical["color"] == pseudo["color"]
    assert classical["dash"] and not pseudo["dash"]


def test_a_method_built_by_parts_has_the_hue_and_dash_of_its_parts():
    built = style("plms+classical")
    assert (built["color"], built["dash"]) == (style("PLMS")["color"], style("AB4")["dash"])


# ---- state


def test_the_player_starts_at_ten_steps_at_the_end_with_64_tracks():
    player = Player(sweep(n=70, density=False))
    assert (STEPS[player.step_index], player.progress, player.selected) == (10, 1.0, list(range(64)))


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("step_index", 4, ValueError), ("step_index", -1, ValueError), ("progress", 1.5, ValueError),
        ("progress", float("nan"), ValueError), ("selected", [40], ValueError),
        ("selected", [-1], ValueError), ("theme", "blue", ValueError),
    ],
)  # fmt: skip
def test_state_out_of_range_is_refused_by_name(name, value, error):
    player = Player(SMALL)
    before = getattr(player, name)
    with pytest.raises(error, match=name):
        setattr(player, name, value)
    assert getattr(player, name) == before


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"methods": ["DDIMM"]}, ValueError, "did you mean 'DDIM'"),
        ({"methods": "DDIM"}, TypeError, "methods"),
        ({"methods": []}, ValueError, "methods"),
        ({"methods": ["DDIM", "DDIM"]}, ValueError, "methods"),
        ({"steps": 7}, ValueError, "steps"),
        ({"steps": 4, "equal_nfe": True}, ValueError, "steps"),
        ({"progress": 2}, ValueError, "progress"),
        ({"window": 0}, ValueError, "window"),
        ({"window": "wide"}, TypeError, "window"),
        ({"tracks": -1}, ValueError, "tracks"),
        ({"theme": "dim"}, ValueError, "theme"),
        ({"equal_nfe": np.ones(2)}, TypeError, "equal_nfe must be True or False"),
        ({"show_density": np.ones(2)}, TypeError, "show_density must be True or False"),
        ({"show_unlikely": np.ones(2)}, TypeError, "show_unlikely must be True or False"),
        ({"titles": {"PRK": "x"}}, ValueError, "titles"),
        ({"titles": ["x"]}, TypeError, "titles"),
        ({"fields": {"DDIM": {"times": [1.0]}}}, ValueError, "fields.*vectors"),
        (
            {"fields": {"DDIM": {"times": [1.0], "vectors": np.zeros((2, 3, 3, 2)), "extent": 2.0}}},
            ValueError,
            "fields",
        ),
        ({"choices": {"Data set": ["ring"]}}, TypeError, "compute"),
        ({"choices": ["ring"], "compute": print}, TypeError, "choices"),
        ({"choices": {"Data set": "ring"}, "compute": print}, ValueError, "choices"),
        ({"choices": {"Data set": ["ring"]}, "chosen": {"Data": "ring"}, "compute": print}, ValueError, "chosen"),
        ({"choices": {"Set": ["ring"]}, "chosen": {"Set": "disc"}, "compute": print}, ValueError, "Set 'disc'"),
        ({"colour": "red"}, TypeError, "colour"),
    ],
)
def test_bad_arguments_are_refused_by_name(arguments, error, message):
    with pytest.raises(error, match=message):
        Player(SMALL, **arguments)


def test_something_that_is_no_sweep_is_refused():
    with pytest.raises(TypeError, match="sweep"):
        Player({"DDIM": np.zeros((3, 4, 2))})


def test_states_of_images_are_refused():
    images = replace(SMALL, states={key: x.reshape(len(x), -1, 2, 2) for key, x in SMALL.states.items()})
    with pytest.raises(ValueError, match="shape"):
        Player(images)


def test_another_sweep_takes_its_place_and_the_controls_stay():
    player = Player(SMALL, steps=8)
    player.progress = 0.25
    player.show(sweep(steps=(2, 3), n=20))
    assert (player.step_index, player.progress, player.scene["steps"]) == (1, 0.25, [2, 3])
    assert player.selected == list(range(20))


def test_a_sweep_without_manifold_can_be_shown():
    unknown = {key: np.full_like(value, np.nan) for key, value in SMALL.distance.items()}
    bare = replace(SMALL, curve=np.zeros((0, 2), np.float32), distance=unknown, off=unknown, density=None, labels={})
    assert png(Player(bare).still()).startswith(b"\x89PNG")


# ---- computing in the kernel


class Compute:
    """Answers for any data set but "broken", and remembers what was asked and said."""

    def __init__(self):
        self.calls, self.said, self.player = [], [], None

    def __call__(self, chosen, progress):
        self.calls.append(tuple(chosen.values()))
        dataset = chosen["Data set"]
        progress(0.43)
        self.said.append(self.player.status)
        if dataset == "broken":
            raise RuntimeError("no such network")
        return sweep(steps=(1, 3), n=10, dataset=dataset, seed=1)


@pytest.fixture
def computing():
    compute = Compute()
    choices = {"Data set": ["ring", "disc", "broken"], "Epsilon": ["exact", "trained"]}
    compute.player = Player(SMALL, choices=choices, compute=compute)
    return compute.player, compute


def choice(dataset="ring", epsilon="exact"):
    return {"Data set": dataset, "Epsilon": epsilon}


def test_choosing_a_data_set_computes_once_and_swaps_the_picture(computing):
    player, compute = computing
    player.set_state({"chosen": choice("disc")})  # as the browser does it
    assert compute.calls == [("disc", "exact")]
    assert (player.scene["steps"], player.sweep.labels["dataset"]) == ([1, 3], "disc")
    assert compute.said == ["computing 43 %"]
    assert (player.status, player.error) == ("", "")


def test_choosing_the_same_again_computes_nothing(computing):
    player, compute = computing
    player.set_state({"chosen": choice()})
    assert compute.calls == []


def test_who_goes_back_and_forth_waits_for_nothing(computing):
    player, compute = computing
    for each in (choice("disc"), choice(), choice("disc"), choice("disc", "trained"), choice("ring", "trained")):
        player.chosen = each
    assert compute.calls == [("disc", "exact"), ("disc", "trained"), ("ring", "trained")]
    player.chosen = choice("disc")
    assert len(compute.calls) == 3 and player.sweep.labels["dataset"] == "disc"
    player.chosen = choice()  # one of the last four
    assert len(compute.calls) == 3 and player.sweep is SMALL
    assert len(player._answers) == 4


def test_an_answer_long_ago_is_computed_again(computing):
    player, compute = computing
    player._compute = lambda chosen, progress: compute.calls.append(chosen["Data set"]) or SMALL
    player.choices = {"Data set": list("abcdef"), "Epsilon": ["exact"]}
    for name in "abcdeab":
        player.chosen = choice(name)
    assert compute.calls == list("abcdeab")


def test_an_error_while_computing_is_shown_and_the_picture_stays(computing):
    player, compute = computing
    scene = player.scene
    player.set_state({"chosen": choice("broken", "trained")})
    assert player.scene is scene
    assert "no such network" in player.error and player.status == ""
    assert player.chosen == choice()
    assert compute.calls == [("broken", "trained")]
    player.chosen = choice("disc")
    assert player.error == ""


def test_a_wrong_answer_of_compute_is_shown_and_the_picture_stays():
    player = Player(SMALL, choices={"Data set": ["ring", "disc"]}, compute=lambda chosen, progress: None)
    player.chosen = {"Data set": "disc"}
    assert "Sweep" in player.error
    assert player.sweep is SMALL


def test_an_unknown_data_set_is_refused(computing):
    player, _ = computing
    with pytest.raises(ValueError, match="did you mean 'disc'"):
        player.chosen = choice("dics")


def test_compute_may_bring_fields_along():
    field = {"DDIM": {"times": [1.0], "vectors": np.ones((1, 3, 3, 2)), "extent": 2.0}}
    player = Player(
        SMALL, fields=field, choices={"Data set": ["ring", "disc"]},
        compute=lambda *_: (SMALL, {"RK4": field["DDIM"]}),
    )  # fmt: skip
    player.chosen = {"Data set": "disc"}
    assert [panel["field"] is not None for panel in player.scene["panels"]] == [False, True, False, False]


# ---- readers without a kernel, and without torch


def test_the_output_carries_a_picture_beside_the_widget():
    data, _ = Player(sweep())._repr_mimebundle_()
    picture = base64.b64decode(data["image/png"])
    assert picture.startswith(b"\x89PNG") and 10_000 < len(picture) < 150_000
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert len(data["text/plain"]) < 200


def test_six_panels_with_density_still_make_a_small_picture():
    methods = ("Euler", "Heun", "RK4", "DDIM", "S-PNDM", "F-PNDM")
    data, _ = Player(sweep(methods, (5, 10)), show_density=True)._repr_mimebundle_()
    assert len(base64.b64decode(data["image/png"])) < 150_000


def texts(figure):
    return [text.get_text() for ax in figure.axes for text in ax.texts]


def test_the_picture_shows_steps_and_evaluations_of_every_method():
    assert {"N = 8, NFE 8", "N = 8, NFE 32", "N = 8, NFE 17"} <= set(texts(still(SMALL, steps=8)))


@pytest.mark.parametrize("schedule", ["linear", "cosine", "quad", "constant", "sigmoid"])
def test_the_words_of_the_picture_of_one_method_are_inside_it_and_speak_of_one(schedule):
    """The picture of `toylab sample`: the longest names of shipped networks have no word cut."""
    for name in ("checkerboard", "pinwheel", "two-points", "gaussians"):
        epsilon = f"network {name}-{schedule}"
        one = sweep(("RK4",), (8,), n=4)
        labels = {"dataset": name, "schedule": schedule, "epsilon": epsilon}
        figure = still(replace(one, labels=labels))
        assert len(figure.texts) == 2
        for text in figure.texts:
            box, whole = text.get_window_extent(), figure.bbox
            assert whole.x0 <= box.x0 and box.x1 <= whole.x1 and whole.y0 <= box.y0 and box.y1 <= whole.y1
        assert epsilon in figure.texts[0].get_text().replace("\n", " ")
        assert "every panel" not in figure.texts[1].get_text().replace("\n", " ")


def test_the_picture_of_a_budget_shows_who_cannot_take_part():
    shown = texts(still(SMALL, budget=3))
    assert shown.count("its smallest run: NFE 4") == 2 and "N = 2, NFE 2" in shown


def test_the_picture_is_that_of_the_sliders():
    player = Player(SMALL, steps=8)
    player.progress = 0.5
    assert f"t = {SMALL.times[8][4]:.3f}" in texts(player.still())
    player.equal_nfe = True
    assert "N = 2, NFE 8" in texts(player.still())


@pytest.mark.parametrize(
    "arguments",
    [
        {"steps": 3},
        {"time": 2.0},
        {"budget": 0},
        {"steps": 2, "budget": 2},
        {"theme": "x"},
        {"methods": ["x"]},
    ],
)
def test_a_picture_with_bad_arguments_is_refused(arguments):
    with pytest.raises(ValueError, match=next(iter(arguments))):
        still(SMALL, **arguments)


def test_a_field_and_a_title_of_ones_own_are_drawn():
    field = {"DDIM": {"times": [1.0, 0.0], "vectors": np.ones((2, 5, 5, 2)), "extent": 3.0}}
    figure = Player(SMALL, ["DDIM"], titles={"DDIM": "forward"}, fields=field).still()
    assert "forward" in texts(figure) and "DDIM" not in texts(figure)
    assert any(type(artist).__name__ == "Quiver" for artist in figure.axes[0].collections)


def test_the_page_holds_everything_and_asks_the_network_for_nothing(tmp_path):
    player = Player(SMALL, choices={"Data set": ["ring", "disc"]}, compute=lambda *_: SMALL)
    page = player.to_html(tmp_path / "player.html", title="a <b> & c").read_text()
    assert base64.b64encode(player.scene["data"]).decode() in page
    assert "<title>a &lt;b&gt; &amp; c</title>" in page
    assert '"choices": {}' in page  # nothing there could compute
    assert re.findall(r"""(?:src|href)\s*=\s*["'](?!data:)""", page) == [] and "http" not in page.replace(
        "http-equiv", ""
    )


def test_a_page_in_a_missing_folder_says_so(tmp_path):
    with pytest.raises(FileNotFoundError):
        Player(SMALL).to_html(tmp_path / "nowhere" / "player.html")


@pytest.mark.slow
def test_a_saved_sweep_is_shown_without_torch(tmp_path):
    path, page = SMALL.save(tmp_path / "sweep.npz"), tmp_path / "player.html"
    code = (
        "import sys; sys.modules['torch'] = None\n"
        "from toylab.widgets import Player\n"
        f"player = Player.from_file({str(path)!r}, steps=4)\n"
        f"player.to_html({str(page)!r}); player._repr_mimebundle_(); print(player)"
    )
    root = str(Path(toylab.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=os.environ | {"PYTHONPATH": root}
    )
    assert run.returncode == 0, run.stderr
    assert "4 panels, 4 step counts, 40 particles" in run.stdout and page.exists()


@pytest.mark.parametrize("hostile", ["</script>", "<!-- <script>", "<b>&amp;\"'", "]]>"])
def test_no_text_of_a_sweep_ends_or_hides_the_script_of_a_page(tmp_path, hostile):
    named = replace(SMALL, labels={"dataset": hostile, "schedule": hostile, "epsilon": hostile})
    player = Player(named, titles={"DDIM": hostile}, heading=hostile, caption=hostile)
    page = player.to_html(tmp_path / "player.html").read_text()
    script = page.split('<script type="module">')[1].split("</script>")[0]
    (line,) = [line for line in script.splitlines() if line.startswith("const state = ")]
    assert "<" not in line and page.count("</script>") == 1
    state = json.loads(line.removeprefix("const state = ").removesuffix(";"))
    assert (state["scene"]["heading"], state["scene"]["panels"][2]["title"]) == (hostile, hostile)


def test_what_the_output_says_of_the_picture_is_escaped(monkeypatch):
    shown = []
    monkeypatch.setattr("toylab.widgets.live.display", lambda data, **_: shown.append(data))
    monkeypatch.setattr("toylab.widgets.live._running", lambda: ("cell", "run"))
    Player(SMALL, heading='"><script>x</script>')._ipython_display_()
    assert "<script>" not in shown[0]["text/html"] and "&lt;script&gt;" in shown[0]["text/html"]
    assert set(shown[0]) == {"image/png", "text/html", "text/plain"}


def test_a_page_that_cannot_be_written_leaves_nothing_behind(tmp_path, monkeypatch):
    monkeypatch.setattr("os.replace", lambda *_: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space left"):
        Player(SMALL).to_html(tmp_path / "player.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"methods": 1}, "methods must be a list of names"),
        ({"methods": [1]}, "methods must be a name"),
        ({"steps": [4]}, "steps must be one of"),
        ({"titles": {"DDIM": 1}}, "titles.*must be a text"),
        ({"fields": {"DDIM": 1}}, "fields.*must be a dict"),
        ({"heading": 1}, "heading must be a text"),
        ({"caption": ["a"]}, "caption must be a text"),
        ({"chosen": 1}, "chosen must be a dict"),
        ({"choices": {"Set": 1}, "compute": print}, "choices.*must be a non-empty list"),
        ({"theme": 1}, "theme must be a name"),
    ],
)
def test_arguments_of_another_type_are_refused_by_name(arguments, message):
    with pytest.raises((TypeError, ValueError), match=message):
        Player(SMALL, **arguments)


def test_the_view_holds_the_data_at_the_end_and_the_start_noise_as_time_goes_back():
    scene = pack(SMALL)
    ring, noise = 1.2, np.abs(SMALL.states["DDIM", 8][0]).max()
    assert scene["fit"] == pytest.approx(ring) and scene["window"] == 3.3
    sizes = []
    for progress in (1.0, 0.5, 0.0):
        player = Player(SMALL, ["DDIM"], steps=8)
        player.progress = progress
        sizes.append(player.still().axes[0].get_xlim()[1] / 1.05)
    assert sizes[0] == pytest.approx(ring) and sizes[0] < sizes[1] < sizes[2]
    assert sizes[2] > 0.75 * noise
    assert Player(SMALL, window=2.5).still().axes[0].get_xlim()[1] == pytest.approx(1.05 * 2.5)


def test_a_followed_particle_is_drawn_above_the_others_and_these_are_pale():
    player = Player(SMALL, ["DDIM"], steps=8)
    player.selected = [3]
    (ax,) = player.still().axes
    crowd = next(dots for dots in ax.collections if len(dots.get_offsets()) > 30 and dots.get_alpha() is not None)
    track = next(lines for lines in ax.collections if type(lines).__name__ == "LineCollection")
    assert crowd.get_alpha() < 0.5 and track.get_zorder() > crowd.get_zorder()


def test_what_a_reader_builds_has_one_colour_and_the_dash_of_its_transfer():
    names = [f"yours: {name}" for name in ("DDIM", "F-PNDM", "AB4", "plms+classical", "rk4+data")]
    assert len({style(name)["color"] for name in names}) == 1
    assert [bool(style(name)["dash"]) for name in names] == [False, False, True, True, True]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"methods": torch.tensor(1)}, "methods must be a list of names, got tensor"),
        ({"fields": torch.ones(2)}, "fields must be a dict by panel"),
        ({"theme": np.ones(2)}, "theme must be a name"),
    ],
)
def test_arrays_in_place_of_lists_and_names_are_named(arguments, says):
    with pytest.raises(TypeError, match=f"^{says}"):
        Player(SMALL, **arguments)


def test_a_still_refuses_a_tensor_as_steps_by_name():
    with pytest.raises(TypeError, match="^steps must be an integer"):
        still(SMALL, steps=torch.ones(2))
