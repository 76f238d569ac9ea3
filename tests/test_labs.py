"""The labs without a browser: what they measure, what they remember, what they refuse."""

import base64
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from PIL import Image

import toylab
from toylab import problems
from toylab.analysis import decompose_error, work_precision
from toylab.figures.dark import darken
from toylab.figures.style import PAGES, line, style
from toylab.lessons import clock_lab, fault_lab, order_lab, work_lab
from toylab.lessons.labs import FAULT_BUDGETS
from toylab.widgets.lab import Lab, menu, several, slider

# ---- a lab of its own, with nothing to measure


class Compute:
    """Draws one number; remembers what it was asked; does not like 3."""

    def __init__(self):
        self.asked = []

    def __call__(self, number, names):
        self.asked.append((number, names))
        if number == 3:
            raise RuntimeError("three is too much")
        figure, ax = plt.subplots()
        ax.plot([0, number])
        return number, figure, f"{number} of {len(names)}"


@pytest.fixture
def lab():
    compute = Compute()
    controls = {
        "number": slider("how many", {"one": 1, "two": 2, "three": 3}, 1),
        "names": several("methods", ("DDIM", "Euler", "PF"), ("Euler",)),
    }
    return Lab("numbers", controls, compute), compute


def choose(lab, **texts):
    lab.chosen = lab.chosen | texts


def test_a_lab_computes_with_the_values_of_its_controls(lab):
    lab, compute = lab
    assert compute.asked == [(1, ["Euler"])]
    assert (lab.result, lab.note, lab.error) == (1, "1 of 1", "")
    lab.set_state({"chosen": {"number": "two", "names": ["DDIM", "PF"]}})  # as the browser does it
    assert compute.asked[1:] == [(2, ["DDIM", "PF"])]
    assert (lab.result, lab.note) == (2, "2 of 2")
    assert lab.values == {"number": 2, "names": ["DDIM", "PF"]}


def test_going_back_computes_nothing_and_shows_the_same_picture(lab):
    lab, compute = lab
    first = lab.figure
    choose(lab, number="two")
    assert lab.figure != first
    choose(lab, number="one")
    assert lab.figure == first and len(compute.asked) == 2


def test_an_error_becomes_a_line_and_the_picture_stays(lab):
    lab, _ = lab
    before, answered = lab.figure, lab.answered
    choose(lab, number="three")
    assert (lab.error, lab.figure, lab.status) == ("three is too much", before, "")
    assert lab.answered == answered + 1
    choose(lab, number="one")
    assert lab.error == ""


def test_interrupting_a_lab_leaves_it_usable(lab):
    lab, compute = lab
    lab._compute = lambda **_: (_ for _ in ()).throw(KeyboardInterrupt)
    choose(lab, number="two")
    assert lab.error == "KeyboardInterrupt" and lab.result == 1
    lab._compute = compute
    choose(lab, number="two", names=["PF"])
    assert lab.error == "" and lab.result == 2


def test_the_browser_is_told_that_the_kernel_is_busy_and_when_it_is_done(lab):
    lab, compute = lab
    said = []
    lab.observe(lambda change: said.append((change.name, change.new)), ["status", "answered"])
    answered = lab.answered
    choose(lab, number="two")
    assert said == [("status", "computing …"), ("status", ""), ("answered", answered + 1)]


def test_an_error_of_the_first_picture_is_raised():
    with pytest.raises(RuntimeError, match="three"):
        Lab("numbers", {"number": menu("n", (3,), 3), "names": several("m", ("PF",), ())}, Compute())


def test_the_output_carries_the_figure_beside_the_widget(lab):
    lab, _ = lab
    data, _ = lab._repr_mimebundle_()
    assert base64.b64decode(data["image/png"]) == lab.figure
    assert lab.figure.startswith(b"\x89PNG")
    assert data["application/vnd.jupyter.widget-view+json"]["model_id"]
    assert data["text/plain"] == "Lab(numbers, 2 controls)"


def test_a_lab_leaves_no_figure_open(lab):
    lab, _ = lab
    before = plt.get_fignums()
    choose(lab, number="two")
    assert plt.get_fignums() == before and lab.result == 2


def test_methods_are_offered_in_their_own_style(lab):
    lab, _ = lab
    lines = lab.controls[1]["lines"]
    assert [line["light"] for line in lines] == [style(name)["color"] for name in ("DDIM", "Euler", "PF")]
    assert lines[1]["dark"] == style("Euler", "dark")["color"] and lines[1]["dash"] == list(style("Euler")["dash"])


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ({"number": "four"}, "number must be one of .*'three'.*got 'four'"),
        ({"number": 2}, "number"),
        ({"names": ["RK4"]}, "names must be a list of names out of .*'PF'"),
        ({"names": "Euler"}, "names"),
        ({"names": [1]}, "names"),
        ({"more": "one"}, "chosen must have the names"),
    ],
)
def test_choices_that_are_not_offered_are_refused_by_name(lab, texts, message):
    lab, compute = lab
    before = lab.chosen
    with pytest.raises(ValueError, match=message):
        choose(lab, **texts)
    assert lab.chosen == before and len(compute.asked) == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: order_lab(methods=("DDIMM",)), "methods must be one of .*'DDIM'.*got 'DDIMM'"),
        (lambda: order_lab(dataset="square"), "data set .*'circle'.*got 'square'"),
        (lambda: clock_lab("DDPM"), "method .*got 'DDPM'"),
        (lambda: clock_lab(t_end=0.5), "t_end .*got 0.5"),
        (lambda: clock_lab(first=3), "N must be one of .*5 to 160"),
        (lambda: work_lab(measure="speed"), "measure .*'coverage'"),
        (lambda: fault_lab("square"), "network .*'spiral'"),
        (lambda: fault_lab(methods=()), "methods must be 1 to 4"),
    ],
)
def test_a_start_that_is_not_on_offer_is_refused_by_name(make, message):
    with pytest.raises(ValueError, match=message):
        make()


# ---- what the labs measure


@pytest.mark.slow
def test_the_order_lab_measures_anew_and_keeps_its_picture_when_it_cannot():
    lab = order_lab(methods=("DDIM",), particles=4)
    first = lab.figure
    assert lab.result["DDIM"].order == pytest.approx(1, abs=0.1)
    choose(lab, methods=["Heun"])
    assert lab.result["Heun"].order == pytest.approx(2, abs=0.2)
    second = lab.figure
    assert second != first
    choose(lab, methods=[])
    assert "methods" in lab.error and lab.figure == second


@pytest.fixture(scope="module")
def clocks():
    return clock_lab("DDIM", t_end=0.05, spread=0.1, first=5, nodes=5)


def clock_error(steps, spacing=None, times=None):
    """The rms end-point error of DDIM from the start noise of the lab, with its limits."""
    problem = problems.curve("circle", 240, 0.1)
    x_T = problem.start(48)
    end = problem.reference(x_T, 0.6, 0.05, progress=False).x
    where = {"times": times} if times is not None else {"t_start": 0.6, "t_end": 0.05, "spacing": spacing}
    run = toylab.sample(problem.eps, "linear", "DDIM", steps, x_T=x_T, progress=False, **where)
    return (run.x - end).square().sum(1).mean().sqrt().item()


@pytest.mark.slow
@pytest.mark.parametrize("spacing", ["t", "karras"])
def test_the_clock_lab_shows_the_errors_of_runs_in_each_clock(clocks, spacing):
    assert clocks.result[spacing] == pytest.approx([clock_error(n, spacing) for n in (5, 10, 20, 40, 80, 160)])


@pytest.mark.slow
def test_optimised_nodes_are_judged_by_the_particles_of_the_curves(clocks):
    choose(clocks, optimised="on: a few seconds")
    assert clocks.error == ""
    assert clocks.result["optimised"] < min(clocks.result[spacing][0] for spacing in ("t", "sigma", "logsnr"))
    assert "5 to 160" == clocks.chosen["steps"] and "not seen" in clocks.note
    choose(clocks, optimised="off")
    assert "optimised" not in clocks.result and clocks.note == ""


@pytest.mark.slow
def test_another_way_to_see_the_nodes_measures_nothing_anew(clocks, monkeypatch):
    monkeypatch.setattr("toylab.lessons.labs.error_at", None)
    before = clocks.figure
    choose(clocks, seen="sigma", nodes="8")
    assert clocks.error == "" and clocks.figure != before


@pytest.mark.slow
def test_exact_weights_are_offered_as_methods_of_their_own(clocks):
    choose(clocks, method="F-PNDM, exact weights", steps="20 to 640")
    assert clocks.error == ""
    t = clocks.result["t"]
    assert np.log2(t[-2] / t[-1]) == pytest.approx(4, abs=0.3)


@pytest.mark.slow
def test_the_work_lab_shows_what_work_precision_finds_and_measures_once_for_all_measures(monkeypatch):
    lab = work_lab(("DDIM", "RK4"), particles=8)
    problem = problems.find("circle", "exact")
    found = work_precision(
        problem.eps, problem.schedule, ("DDIM", "RK4"), (5, 10, 20, 50, 100), seeds=(0,), n=8, manifold="circle",
        progress=False,
    )  # fmt: skip
    assert [row.error for row in lab.result.rows] == pytest.approx([row.error for row in found.rows])
    first = lab.figure
    monkeypatch.setattr("toylab.lessons.labs.work_precision", None)
    for measure in ("|d − d_exact|", "distance", "coverage"):
        before = lab.figure
        choose(lab, measure=measure)
        assert lab.error == "" and lab.figure not in (before, first)


@pytest.mark.slow
def test_the_work_lab_takes_a_trained_network_and_stochastic_methods():
    lab = work_lab(("DDIM", "DPM-Solver-3", "DDPM"), eps="network", particles=8)
    net = toylab.load("circle")
    run = toylab.sample(net, net.schedule, "DDIM", 20, n=8, progress=False)
    distance = toylab.datasets.get("circle").distance(run.x.double()).mean().item()
    row = next(row for row in lab.result.rows if (row.method, row.budget) == ("DDIM", 20))
    assert row.distance.middle == pytest.approx(distance, rel=1e-6)
    choose(lab, methods=["DDPM"])
    assert "end-point error (rms) is not known of stochastic methods" in lab.error
    choose(lab, measure="distance")
    assert lab.error == "" and lab.result.methods == ("DDPM",)


@pytest.mark.slow
def test_the_fault_lab_finds_the_parts_of_decompose_error(monkeypatch):
    lab = fault_lab("circle", ("DDIM", "S-PNDM"), particles=32)
    found = decompose_error(toylab.load("circle"), methods=("DDIM", "S-PNDM"), nfe=FAULT_BUDGETS, n=32, progress=False)
    assert lab.result.network == pytest.approx(found.network, rel=1e-3)
    assert lab.result.methods == found.methods
    for mine, theirs in zip(lab.result.rows, found.rows, strict=True):
        assert (mine.method, mine.nfe) == (theirs.method, theirs.nfe)
        assert mine.solver == pytest.approx(theirs.solver, rel=0.01)
        assert mine.total == pytest.approx(theirs.total, rel=0.01)
    monkeypatch.setattr("toylab.lessons.labs.decompose_error", None)
    choose(lab, methods=["S-PNDM"])
    assert lab.error == "" and lab.result.methods == ("S-PNDM",)


@pytest.mark.slow
def test_the_fault_lab_says_how_many_methods_it_can_show():
    lab = fault_lab("point", ("DDIM",), particles=32)
    choose(lab, methods=["DDIM", "S-PNDM", "PLMS", "Euler", "Heun"])
    assert lab.error == "methods must be 1 to 4 names for as many panels, got 5"


def test_a_lab_computes_on_one_thread_and_gives_the_others_back():
    seen, before = [], torch.get_num_threads()

    def compute(number):
        seen.append(torch.get_num_threads())
        return number, plt.figure(), ""

    torch.set_num_threads(2)
    try:
        Lab("threads", {"number": menu("number", (1,), 1)}, compute)
        assert (seen, torch.get_num_threads()) == ([1], 2)
    finally:
        torch.set_num_threads(before)


def test_no_figure_stays_open_when_computing_is_stopped():
    def compute(number):
        plt.figure()
        if number == 2:
            raise KeyboardInterrupt
        return number, plt.gcf(), ""

    lab = Lab("stopped", {"number": menu("number", (1, 2), 1)}, compute)
    before = plt.get_fignums()
    for text in ("2", "1", "2"):
        lab.chosen = {"number": text}
    assert plt.get_fignums() == before and lab.error == "KeyboardInterrupt"


def test_with_no_box_ticked_a_lab_says_what_to_do_and_computes_nothing(lab):
    lab, compute = lab
    before, answered = lab.figure, lab.answered
    choose(lab, names=[])
    assert (lab.error, lab.figure) == ("Tick at least one of the methods.", before)
    assert len(compute.asked) == 1 and lab.answered == answered + 1


# ---- the dark page


def colors_of(picture):
    """The colors of a PNG, as "#rrggbb"."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).reshape(-1, 3)
    return {f"#{red:02x}{green:02x}{blue:02x}" for red, green, blue in np.unique(pixels, axis=0)}


def test_a_dark_page_gets_a_dark_figure_with_the_hues_of_the_methods():
    def compute(method):
        figure, ax = plt.subplots()
        ax.plot([0, 1], linewidth=5, **line(method))
        return method, figure, ""

    lab = Lab("dark", {"method": menu("method", ("DDIM", "S-PNDM"), "DDIM")}, compute)
    light = lab.figure
    lab.set_state({"theme": "dark"})  # as the browser does it
    for method in ("DDIM", "S-PNDM"):
        choose(lab, method=method)
        found = colors_of(lab.figure)
        assert {PAGES["dark"][0], style(method, "dark")["color"].lower()} <= found
        assert not {PAGES["light"][0], style(method, "light")["color"].lower()} & found
    choose(lab, method="DDIM")
    assert lab.drawn == "dark" and lab.picture() == light
    lab.theme = "light"
    assert (lab.figure, lab.drawn) == (light, "light")


def test_on_a_dark_page_everything_drawn_in_black_stands_out():
    figure, ax = plt.subplots()
    ax.fill_between([1, 10], [1, 10], color="0.2", label="band")
    ax.scatter([1], [2], c="black")
    ax.loglog([1, 10], [1, 10], "o", fillstyle="none", color="black")
    ax.annotate("here", (1, 1), (5, 5), arrowprops={"color": "black"}, bbox={"facecolor": "white"})
    ax.set(title="title", xlabel="x", ylabel="y")
    ax.legend()
    darken(figure)
    figure.canvas.draw()
    pixels = np.asarray(figure.canvas.buffer_rgba())[..., :3].reshape(-1, 3)
    back = np.array([0x14, 0x17, 0x1C])
    assert (pixels >= back - 2).all() and (pixels == back).all(1).mean() > 0.4
    plt.close(figure)
