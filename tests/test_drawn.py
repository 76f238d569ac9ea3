"""Drawings: their text, their geometry against closed forms, and what is no drawing."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from browser import open_page

import toylab
from toylab import datasets, problems
from toylab.datasets.drawn import from_text, simplified, strokes_of, to_text
from toylab.datasets.geometry import DOT, Polylines
from toylab.pages import source
from toylab.widgets.page import source as widget_source

SQUARE = [[(-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1)]]
RANDOM = np.random.default_rng(0)


def test_a_text_gives_back_the_strokes_to_a_place_of_the_board():
    strokes = [RANDOM.uniform(-3, 3, (k, 2)) for k in (1, 2, 50)]
    for one, other in zip(from_text(to_text(strokes)), strokes, strict=True):
        assert np.abs(one - other).max() <= 3 / 4095 + 1e-12
    assert to_text(from_text(to_text(strokes))) == to_text(strokes)


def test_a_square_has_the_moments_distances_and_even_points_of_a_square():
    square = datasets.Drawing(SQUARE)
    scale = (2 / 3) ** -0.5  # a side of length 2 has variance (1 + 1/3) / 2 in each coordinate
    x = torch.tensor([[0, 0], [2, 0], [0.9, 0.5], [2, 2]], dtype=torch.float64)
    assert square.distance(scale * x).numpy() == pytest.approx(scale * np.array([1, 1, 0.1, 2**0.5]), abs=3e-3)
    even = square.curve(4000)
    assert even.mean(0).abs().max() < 1e-9 and even.var(0, correction=0).mean() == pytest.approx(1, abs=1e-5)
    steps = (even[1:] - even[:-1]).norm(dim=1)
    assert steps.median() == pytest.approx(8 * scale / 4000, rel=1e-3) and steps.max() < 1.01 * steps.median()
    drawn = square.sample(20_000)
    assert square.distance(drawn).max() < 1e-6 and drawn.mean(0).abs().max() < 0.03


def test_a_drawn_circle_is_measured_as_the_circle_in_the_table():
    angle = np.linspace(0, 2 * np.pi, 1001)
    drawn, x = datasets.Drawing([2 * np.stack([np.cos(angle), np.sin(angle)], -1)]), torch.randn(500, 2)
    assert (drawn.distance(x) - datasets.get("circle").distance(x)).abs().max() < 0.01


@pytest.mark.parametrize("kind", ["sharp corners", "long, short, a dot", "points twice"])
def test_distances_to_a_polyline_are_those_to_the_nearest_of_its_lines(kind):
    random = np.random.default_rng(1)
    strokes = {
        "sharp corners": [random.uniform(-3, 3, (400, 2))],
        "long, short, a dot": [[(0, 0), (3, 0), (3, 1e-3), (0, 1)], [(-1, -1), (-1, -1)], [(2, -2), (2 + DOT, -2)]],
        "points twice": [np.cumsum(random.normal(size=(50, 2)), 0).repeat(2, axis=0)],
    }[kind]
    x, nearest = np.concatenate([random.normal(size=(500, 2)) * 2, random.normal(size=(50, 2)) * 1e3]), np.inf
    for stroke in strokes:
        for start, end in pairwise(stroke):
            way = np.subtract(end, start)
            part = np.clip((x - start) @ way / max(way @ way, 1e-300), 0, 1)
            nearest = np.minimum(nearest, np.linalg.norm(x - start - part[:, None] * way, axis=1))
    drawn = [stroke[:1] if len(stroke) == 2 and stroke[0][0] == 2 else stroke for stroke in strokes]
    lines = Polylines([np.array(stroke, float) for stroke in drawn])
    assert lines.distance(x) == pytest.approx(nearest, rel=1e-12, abs=1e-12)
    assert lines.distance(np.array([[1e300, 0], [-1e308, 1e308]])) == pytest.approx([1e300, 2**0.5 * 1e308])


def test_ten_thousand_points_that_cross_a_thousand_times_become_four_hundred():
    drawn = simplified([RANDOM.uniform(-3, 3, (10_000, 2))])
    assert sum(map(len, drawn)) <= 400
    u = np.linspace(0, 1, 10_000)
    wave = np.stack([6 * u - 3, np.sin(12 * u)], -1)
    (fewer,) = simplified([wave])
    again = np.interp(wave[:, 0], fewer[:, 0], fewer[:, 1])
    assert len(fewer) < 100 and np.abs(again - wave[:, 1]).max() < 0.0081 * 5**0.5  # slopes are at most 2


@pytest.mark.parametrize(
    "text, says",
    [("", "got none"), ("...", "got none"), ("<script>", "got '<'"), ("AAA", "cut off"), ("AAAAA", "cut off"),
     ("AAAA" * 30_000, "at most 100,000"), ("1,2 3", "points like"), ("1,x 2,3", "points like"),
     ("1,2,3", "points like"),
     ("nan,0 1,1", "points like"), ("AAAA", "single dot"), ("1,1", "single dot"), ("ÄÖÜß", "letters, digits")],
)  # fmt: skip
def test_what_is_no_drawing_is_told_in_a_sentence(text, says):
    with pytest.raises(ValueError, match=says):
        datasets.drawing(text)


@pytest.mark.parametrize("strokes", [[], None, 3, [[]], [[(0, 0)]], [[(0, 0, 0), (1, 1, 1)]], [[(0, "x")]], ["ab"]])
def test_what_are_no_strokes_is_told_by_name(strokes):
    with pytest.raises((ValueError, TypeError), match="strokes must"):
        datasets.Drawing(strokes)


def test_typed_points_and_an_address_of_the_live_lab_are_read():
    typed = datasets.drawing("0,0 1,1; -1,-1 1,-1")
    assert len(typed.components) == 2
    assert datasets.drawing(f"lab.html#data=draw&drawing={typed.text}&steps=5").text == typed.text
    assert strokes_of("0,0 1,1")[1] == [0]


TWO_PENS = "-2,1 2,1; ~ -2,-1 0,-1; ~1,-1 2,-1"


def test_what_two_pens_drew_is_two_classes_also_as_text():
    drawn = datasets.drawing(TWO_PENS)
    assert drawn.classes == ("first", "second") and drawn.text.split(".")[1][0] == "~"
    assert datasets.drawing(f"lab.html#data=draw&drawing={drawn.text}&steps=5").text == drawn.text
    assert datasets.Drawing([[(-2, 1), (2, 1)], [(-2, -1), (0, -1)], [(1, -1), (2, -1)]], [0, 1, 1]).text == drawn.text
    data = datasets.labelled(drawn, 700)
    assert [len(data.of(name)) for name in drawn.classes] == [400, 300]
    assert (data.of("first")[:, 1] > 0).all() and (data.of("second")[:, 1] < 0).all()
    second = datasets.labelled(drawn, 4000).manifold("second")
    scale = drawn.curve(700)[-1, 0] - drawn.curve(700)[-2, 0]  # of a hundredth
    gap, beyond = torch.tensor([[0.5, -1.0], [0.0, 1.0]]), drawn.on_board(second.curve(400))
    x = torch.from_numpy((gap.numpy() - drawn._centre) * drawn._scale)
    assert second.distance(x).numpy() == pytest.approx(100 * float(scale) * np.array([0.5, 2.0]), rel=5e-3)
    assert not ((beyond[:, 0] > 0.01) & (beyond[:, 0] < 0.99)).any()  # nothing of the class lies between its strokes


def test_one_pen_is_no_class_and_pens_are_told_apart_by_0_and_1():
    with pytest.raises(ValueError, match="data must have classes"):
        datasets.labelled(datasets.drawing("0,0 1,1"))
    assert datasets.drawing("~0,0 1,1").classes == ()
    for pens, says in (([2, 0], "pens must be"), ([0], "one for each stroke"), (["a", 0], "pens must be")):
        with pytest.raises((ValueError, TypeError), match=says):
            datasets.Drawing([[(0, 0), (1, 1)], [(0, 1), (1, 0)]], pens)


def test_a_drawn_class_is_guided_as_any_other():
    problem = problems.guided_class(datasets.drawing(TWO_PENS), "second", 3)
    x = toylab.sample(problem, method="S-PNDM", steps=40, n=64, progress=False).x
    assert problem.manifold.distance(x).median() < 0.05 and problem.labels["epsilon"] == "exact, guidance 3"
    with pytest.raises(ValueError, match="unknown label 'third'; choose from: first, second"):
        problems.guided_class(datasets.drawing(TWO_PENS), "third")


def test_a_file_gives_back_the_drawing_and_is_not_overwritten(tmp_path):
    drawn = datasets.Drawing(SQUARE)
    drawn.save(tmp_path / "mine.txt")
    assert datasets.load_drawing(tmp_path / "mine.txt").text == drawn.text
    with pytest.raises(FileExistsError):
        drawn.save(tmp_path / "mine.txt")
    (tmp_path / "mine.txt").write_bytes(b"\xff\x00\xfe")
    with pytest.raises(ValueError, match="text must hold a drawing"):
        datasets.load_drawing(tmp_path / "mine.txt")


def test_the_live_lab_reads_writes_and_thins_as_python_does(started, tmp_path):
    script = source.joined(widget_source("parts.js", "drawing.js"), source.core(), source.text("lab/drawing.js"))
    (tmp_path / "page.html").write_text(f"<script>{script}</script>", encoding="utf-8")
    strokes = [np.cumsum(RANDOM.normal(0, 0.05, (k, 2)), 0) for k in (30, 1200)]
    with open_page(started, (tmp_path / "page.html").as_uri()) as page:
        written = page.evaluate("strokes => writeDrawing(simplified(strokes))", [each.tolist() for each in strokes])
        again = page.evaluate("text => writeDrawing(simplified(readDrawing(text)))", datasets.drawing(TWO_PENS).text)
        read = page.evaluate("text => readDrawing(text)", to_text(strokes[:1]))
        shape = page.evaluate("text => geometryOf(readDrawing(text)).strokes[0]", to_text(strokes[:1]))
    assert written == to_text(simplified(strokes))
    assert again == datasets.drawing(TWO_PENS).text
    assert np.array(read[0]) == pytest.approx(from_text(to_text(strokes[:1]))[0])
    there = np.array(shape).reshape(-1, 2)
    assert datasets.Drawing(from_text(to_text(strokes[:1]))).distance(there).max() < 0.05
