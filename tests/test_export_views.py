"""Figures for print and movies: their widths, fonts and frames, and what cannot be written."""

import re

import matplotlib
import numpy as np
import pytest
from PIL import Image
from synthetic_images import sweep as images
from typer.testing import CliRunner

from toylab import datasets, exact_eps, sweep
from toylab.cli import app
from toylab.figures.printing import COLUMNS, SMALLEST, save
from toylab.widgets import Gallery, movie
from toylab.widgets.stills import still

pytestmark = pytest.mark.slow

ORDER = "order", "moons", "--eps", "exact", "--method", "DDIM", "--steps", "20,40", "-n", "16"


@pytest.fixture(scope="module")
def found():
    eps = exact_eps(datasets.get("moons").curve(60), "linear")
    return sweep(eps, "linear", methods=["DDIM", "RK4"], steps=[2, 4], n=32, manifold="moons", progress=False)


@pytest.fixture(scope="module")
def stored(found, tmp_path_factory):
    return str(found.save(tmp_path_factory.mktemp("sweep") / "sweep.npz"))


def run(*arguments):
    return CliRunner().invoke(app, ["export", *map(str, arguments)])


@pytest.mark.parametrize("columns", COLUMNS)
def test_a_measurement_is_as_wide_as_the_columns_asked_for(tmp_path, columns):
    assert run("figure", "--columns", columns, tmp_path / "a.png", *ORDER).exit_code == 0
    picture = Image.open(tmp_path / "a.png")
    assert picture.width == pytest.approx(300 * COLUMNS[columns], abs=1)


@pytest.mark.parametrize("columns", COLUMNS)
def test_no_type_is_smaller_than_can_be_read(found, tmp_path, columns):
    figure = still(found)
    save(figure, tmp_path / "a.png", columns)
    assert min(text.get_fontsize() for text in figure.findobj(lambda each: hasattr(each, "get_fontsize"))) >= SMALLEST


def test_fonts_are_in_the_file(found, tmp_path):
    save(still(found), tmp_path / "a.pdf", 2)
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/FontFile2" in content and b"/Type3" not in content
    save(still(found), tmp_path / "a.svg", 2)
    assert "<text" not in (tmp_path / "a.svg").read_text()


def test_a_sweep_is_drawn_as_a_player_shows_it(stored, tmp_path):
    one, two = tmp_path / "one.svg", tmp_path / "two.svg"
    assert run("figure", one, stored, "--steps", 2, "--method", "RK4").exit_code == 0
    assert run("figure", two, stored, "--steps", 4, "--method", "RK4").exit_code == 0
    plain = [re.sub(r"<metadata>.*?</metadata>", "", path.read_text(), flags=re.DOTALL) for path in (one, two)]
    assert plain[0] != plain[1]


def test_saving_without_columns_leaves_a_figure_as_it_is(found, tmp_path):
    figure = still(found)
    before = tuple(figure.get_size_inches())
    save(figure, tmp_path / "a.png")
    assert tuple(figure.get_size_inches()) == before


REFUSED = {
    ("figure", "a.gif", *ORDER): ".png or .pdf or .svg",
    ("figure", "a.pdf", "train", "moons"): "one of compare, work",
    ("figure", "--columns", "3", "a.pdf", *ORDER): "columns must be one of",
    ("figure", "a.pdf", "gone.npz"): "no sweep at gone.npz",
    ("movie", "a.avi", "moons"): ".mp4 or .gif",
    ("movie", "a.gif", "moons", "--fps", "0"): "fps must be above 0",
    ("movie", "a.gif", "gone.npz"): "no sweep at gone.npz",
    ("movie", "a.gif", "nothing"): "nothing",
}


@pytest.mark.parametrize("arguments", REFUSED, ids=range(len(REFUSED)))
def test_what_cannot_be_exported_is_told_in_a_sentence_before_anything_is_computed(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("toylab.analysis.sweep", None)
    result = run(*arguments)
    flat = " ".join(result.output.split())
    assert result.exit_code == 2 and (REFUSED[arguments] in flat or ".pdf, .svg" in flat or ".pdf or .svg" in flat), (
        flat
    )
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(params=[("figure", "a.pdf", *ORDER), ("movie", "a.gif", "moons")], ids=["figure", "movie"])
def refused(request, tmp_path, monkeypatch):
    """Runs an export to a file that is there, with these options: it fails before anything is computed, and the file
    stays. Gives what it says."""
    command, name, *arguments = request.param
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("toylab.analysis.sweep", None)
    (tmp_path / name).write_text("mine")

    def exporting(*options):
        result = run(command, *options, name, *arguments)
        assert result.exit_code == 2 and (tmp_path / name).read_text() == "mine"
        return result.output

    return exporting


def test_a_file_that_is_there_is_kept(refused):
    assert "is there already; --force" in refused()


def test_a_movie_shows_every_node_and_rests_at_the_end(stored, tmp_path):
    path = tmp_path / "a.gif"
    assert run("movie", path, stored, "--steps", 4).exit_code == 0
    with Image.open(path) as picture:
        lengths = []
        for k in range(picture.n_frames):
            picture.seek(k)
            lengths.append(picture.info["duration"])
    assert len(lengths) == 5 and lengths[-1] == (1 + movie.LAST) * lengths[0]


def test_a_movie_over_steps_has_a_frame_for_each_count(stored, tmp_path):
    assert run("movie", tmp_path / "frames", stored, "--over", "steps").exit_code == 0
    pictures = sorted((tmp_path / "frames").iterdir())
    assert [path.name for path in pictures] == ["frame-0000.png", "frame-0001.png"]
    assert pictures[0].read_bytes() != pictures[1].read_bytes()


def frames_of(path):
    with Image.open(path) as picture:
        return [picture.seek(k) or picture.convert("RGB").tobytes() for k in range(picture.n_frames)]


def test_a_movie_of_a_gallery_shows_what_its_slider_shows_and_leaves_it_where_it_was(tmp_path):
    gallery = Gallery(images(methods=("DDIM", "RK4"), steps=(2, 5)), steps=5, progress=0.4)
    passing = list(movie.frames(gallery))
    assert len(passing) == 6 and gallery.progress == 0.4 and gallery.counts == {"DDIM": 5, "RK4": 5}
    for k, frame in enumerate(passing):
        gallery.progress = k / 5
        gallery.still().savefig(tmp_path / "still.png", dpi=80)
        shown = Image.open(tmp_path / "still.png").convert("RGB").crop((0, 0, *frame.size))
        assert np.array_equal(frame, shown)
    ends = list(movie.frames(gallery, "steps"))
    assert len(ends) == 2 and np.array_equal(ends[1], passing[-1]) and not np.array_equal(*ends)


@pytest.mark.parametrize("over", [("time", 4), ("steps", 1)])
def test_a_network_of_images_becomes_a_movie(tmp_path, over):
    path = tmp_path / "a.gif"
    result = run("movie", path, "digits", "--method", "DDIM", "--steps", 3, "--over", over[0])
    assert result.exit_code == 0, result.output
    found = frames_of(path)
    assert len(set(found)) == over[1]
    blue = np.abs(np.frombuffer(found[0], np.uint8).reshape(-1, 3) - np.array([0x00, 0x72, 0xB2])).max(1)
    assert (blue < 40).sum() > 20  # the line of the method's name has kept its colour


@pytest.mark.parametrize("columns", COLUMNS)
def test_a_gallery_is_as_wide_as_the_columns_asked_for(tmp_path, columns):
    save(Gallery(images(), steps=5).still(), tmp_path / "a.png", columns)
    assert Image.open(tmp_path / "a.png").width == pytest.approx(300 * COLUMNS[columns], abs=1)


@pytest.mark.parametrize("forced", [(), ("--force",)])
def test_a_missing_ffmpeg_is_told_with_what_works_without_and_what_is_there_is_kept(
    stored, tmp_path, monkeypatch, forced
):
    monkeypatch.setenv("PATH", "")
    there = tmp_path / "a.mp4"
    if forced:
        there.write_text("mine")
    result = run("movie", *forced, there, stored)
    assert result.exit_code == 2 and "needs ffmpeg" in result.output and ".gif" in result.output
    assert [path.read_text() for path in tmp_path.iterdir()] == (["mine"] if forced else [])


def test_a_missing_font_is_told_and_what_is_there_is_kept(refused):
    with matplotlib.rc_context({"font.family": ["No Such Font"]}):
        said = refused("--force")
    assert "No Such Font" in said and "not installed" in said and said.count("\n") == 1


def test_one_font_of_several_that_is_installed_is_enough(stored, tmp_path):
    with matplotlib.rc_context({"font.family": ["No Such Font", "DejaVu Sans"]}):
        assert run("figure", tmp_path / "a.png", stored).exit_code == 0


def test_ffmpeg_gets_all_frames_of_even_sides(stored, tmp_path, monkeypatch):
    """A stand-in for ffmpeg, which copies the number and the size of its frames."""
    tool = tmp_path / "bin" / "ffmpeg"
    tool.parent.mkdir()
    tool.write_text(
        '#!/bin/sh\nfor last; do :; done\nfolder=$(dirname "$last")\n'
        'count=$(ls "$folder" | wc -l)\necho $count > "$last"\n'
        'head -c 24 "$folder/0000.png" | tail -c 8 >> "$last"\n'
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:/usr/bin:/bin")
    assert run("movie", tmp_path / "a.mp4", stored, "--steps", 4).exit_code == 0
    count, size = (tmp_path / "a.mp4").read_bytes().split(b"\n", 1)
    assert int(count) == 5 + movie.LAST
    assert [int.from_bytes(size[k : k + 4]) % 2 for k in (0, 4)] == [0, 0]
