"""The commands that measure: their numbers are those of the calls in Python, in tables, JSON and figures."""

import errno
import json
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch
from commands import QUICK, assert_mistake, run, run_json, save_networks
from PIL import Image

import toylab
from toylab.analysis import (
    Interrupted,
    decompose_error,
    local_error,
    measure_order,
    off_manifold,
    optimize_grid,
    work_precision,
)
from toylab.cli.output import kept
from toylab.epsilon import load

CIRCLE = toylab.datasets.get("circle")
EPS = toylab.exact_eps(CIRCLE.curve(40), "linear")
SPREAD = toylab.exact_eps(CIRCLE.curve(40), "linear", 0.05)

WORK = "work circle --methods DDIM,F-PNDM --nfe 5,13 --seeds 0,3 --eps exact --points 40 -n 20 --t-end 0.1"
DECOMPOSE = "decompose circle --methods DDIM,S-PNDM --nfe 4,8 --points 40 -n 12 --t-end 0.1"
GRID = "grid circle --method DDIM --steps 3 --iterations 3 --eps exact --points 40 -n 20 --t-end 0.1"
OFF = "off circle --method RK4,DDIM --nfe 12 --eps exact --points 40 -n 20"
ORDER = "order circle --method DDIM,RK4 --steps 10,20,40 --points 40 -n 20 --t-end 0.5"
LOCAL = "order circle --method DDIM,Heun --local --steps 20,40 --points 40 -n 8 --t-end 0.5"
COMPARE = "compare circle --methods DDIM,RK4 --nfe 8 --eps exact --points 40 -n 20"
COMMANDS = (WORK, DECOMPOSE, GRID, OFF, ORDER, LOCAL, COMPARE)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path / "data"))


@pytest.fixture
def networks(tmp_path, in_an_empty_folder):
    save_networks(tmp_path / "data")


def cells(text):
    """The rows of the tables in `text`, each a list of what stands between two or more spaces."""
    return [re.split(r"\s{2,}", line.strip()) for line in text.splitlines()]


def shown(table):
    """The rows of a `toylab.analysis._table.Table` as a terminal shows them."""
    return [["-" if cell == "–" else cell for cell in row] for row in table._cells()]


def last_line(result):
    """Of stderr, where bars stand before it when the machine is slow."""
    return result.stderr.splitlines()[-1]


def same(found, expected):
    """`found` has all that `expected` has, the same to the last bit."""
    assert {key: found[key] for key in expected} == expected


# work


def test_work_is_work_precision():
    found = run_json(WORK)
    expected = work_precision(EPS, "linear", ["DDIM", "F-PNDM"], (5, 13), CIRCLE, (0, 3), 20, t_end=0.1, progress=False)
    same(found, json.loads(expected.to_json()))
    same(found, {"dataset": "circle", "schedule": "linear", "epsilon": "exact", "particles": 20, "spacing": "t"})
    assert found["complete"] and found["files"] == []


def test_work_prints_the_tables_of_the_same_call():
    text = run(WORK, "--measure coverage,distance").stdout
    expected = work_precision(EPS, "linear", ["DDIM", "F-PNDM"], (5, 13), CIRCLE, (0, 3), 20, t_end=0.1, progress=False)
    for measure in ("coverage", "distance"):
        table = expected.table(measure)
        assert all(row in cells(text) for row in shown(table))
        assert table.note in text
    assert "end-point error" not in text


def test_work_says_why_a_method_was_left_out_and_takes_tolerances():
    text = run("work circle --methods RK4,DDIM,PF --nfe 3,8 --seeds 0 --tolerances 0.1", QUICK).stdout
    assert "left out at 3: RK4 needs more than 3 for a single step" in text
    assert re.search(r"PF, rtol 0\.1 \(NFE \d+\)", text) and "rtol 0.01" not in text


# decompose


def test_decompose_is_decompose_error(networks):
    found = run_json(DECOMPOSE)
    expected = decompose_error(
        load("circle"), EPS, methods=["DDIM", "S-PNDM"], nfe=(4, 8), n=12, t_end=0.1, progress=False
    )
    same(found, json.loads(expected.to_json()))
    same(found, {"epsilon": "network circle", "particles": 12, "seed": 0, "complete": True})
    text = run(DECOMPOSE).stdout
    assert all(row in cells(text) for row in shown(expected.table()))
    assert expected.table().note in text


def test_decompose_prints_no_run_twice_that_several_budgets_allow(networks):
    text = run("decompose circle --method PRK,DDIM --nfe 4,5,7,8 --points 40 -n 4 --t-end 0.3").stdout
    rows = [row[:2] for row in cells(text) if row[0].startswith(("PRK, N", "DDIM, N"))]
    ddim = [[f"DDIM, N = {steps}", str(steps)] for steps in (4, 5, 7, 8)]
    assert rows == [["PRK, N = 1", "4"], ["PRK, N = 2", "8"], *ddim]


def test_decompose_compares_with_2000_points_unless_told(networks):
    words = "decompose circle --methods DDIM --nfe 4 -n 2 --t-end 0.3"
    expected = decompose_error(load("circle"), methods=["DDIM"], nfe=(4,), n=2, t_end=0.3, progress=False)
    assert run_json(words)["network"] == expected.network


# grid


def test_grid_is_optimize_grid():
    found = run_json(GRID)
    expected = optimize_grid(EPS, "linear", "DDIM", 3, n=20, iterations=3, t_end=0.1, progress=False)
    same(found, {"times": expected.times.tolist(), "train": expected.train, "held_out": expected.held_out})
    same(found, {"gain": expected.gain, "best_stock": expected.best_stock, "runs": expected.runs, "nfe": 3})
    text = run(GRID).stdout
    for name, error in expected.held_out.items():
        assert [name, f"{expected.train[name]:.3g}", f"{error:.3g}"] in cells(text)
    assert f"the error is {expected.gain:.3g} times smaller than" in text


def test_the_nodes_that_grid_prints_can_be_given_to_sample():
    line = run(GRID).stdout.splitlines()[-1]
    assert run("sample circle --method DDIM --out a.npz --times", [line], QUICK).exit_code == 0
    with np.load("a.npz") as data:
        np.testing.assert_allclose(data["times"], run_json(GRID)["times"], rtol=1e-8)


def test_grid_says_when_there_is_nothing_to_search_for_and_when_it_did_not_help(monkeypatch):
    text = run("grid point --method DDIM --steps 3 --eps exact --points 1 -n 8").stdout
    assert "nothing to search for" in text and "0 runs" not in text
    monkeypatch.setattr("toylab.analysis._optimize_grid.OptimizedGrid.gain", 0.5)
    assert "on held-out particles the error is 2 times larger than" in run(GRID).stdout


def test_grid_takes_the_options_of_the_method():
    found = run_json("grid circle --method PRK -o midpoint=sigma --steps 2 --iterations 1", QUICK)
    assert (found["options"]["midpoint"], found["nfe"]) == ("sigma", 8)


# off


def test_off_is_off_manifold_at_the_step_counts_within_the_budget():
    found = run_json(OFF)
    assert [(row["method"], row["steps"], row["nfe"]) for row in found["runs"]] == [("RK4", 3, 12), ("DDIM", 12, 12)]
    for row in found["runs"]:
        expected = off_manifold(
            toylab.sample(EPS, "linear", row["method"], row["steps"], n=20, progress=False), CIRCLE, "linear"
        )
        assert row["times"] == expected.times.tolist()
        assert row["ratio"] == expected.ratio.tolist()
        assert row["forward"] == expected.band.tolist()
        assert row["unlikely"] == expected.share.tolist()


def test_off_prints_every_node_and_says_which_are_off():
    rows = cells(run(OFF).stdout)
    last = run_json(OFF)["runs"][0]
    low, high = (band[-1] for band in last["forward"])
    assert last["ratio"][-1] > 100 > high
    share = f"{last['unlikely'][-1]:.1%}"
    assert ["0.001", f"{last['ratio'][-1]:.3g}", f"{low:.2f} to {high:.2f}", share, "off"] in rows
    assert [row[0] for row in rows if row[0] == "1"] == ["1", "1"]  # t = 1, of both methods
    assert ["RK4: N = 3, NFE 12"] in rows


def test_off_marks_samples_that_are_too_near_as_over_denoised():
    text = run("off circle --method Heun --steps 100 --eps exact --points 400 -n 200").stdout
    assert "over-denoised" in text.splitlines()[-1]


def test_off_takes_20_steps_by_default_and_methods_by_parts():
    found = run_json("off circle --method plms+classical", QUICK)
    assert [(row["method"], row["steps"]) for row in found["runs"]] == [("plms+classical", 20)]


# order


def test_order_local_is_local_error():
    found = run_json(LOCAL)["estimates"]
    for name, row in zip(("DDIM", "Heun"), found, strict=True):
        expected = local_error(SPREAD, "linear", name, (20, 40), n=8, t_end=0.5, progress=False)
        assert (row["method"], row["order"], row["floor"]) == (name, expected.order, expected.floor)
        assert row["local"] == expected.local.tolist() and row["end"] == expected.end.tolist()
        assert row["profile"]["20"] == expected.profile[20].tolist()
    rows = cells(run(LOCAL).stdout)
    one, all_steps = (next(row for row in rows if word in row) for word in ("one step", "all steps"))
    assert one[:3] == ["DDIM", "one step", f"{found[0]['order']:.2f}"]
    assert one[3:5] == [f"{error:.2e}" for error in found[0]["local"]]
    assert float(all_steps[1]) == pytest.approx(1, abs=0.1)


def test_order_measures_at_other_step_counts_with_local():
    words = "order circle --method DDIM --points 10 -n 2 --t-end 0.5"
    assert run_json(words)["estimates"][0]["steps"] == [320, 640]
    assert run_json(words, "--local")["estimates"][0]["steps"] == [40, 80, 160, 320]


# files


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words.split()[:4]))
def test_the_figure_is_a_png_with_something_in_it(words, networks):
    found = run_json(words, "--out a.png")
    assert found["files"] == os.listdir() == ["a.png"]
    with Image.open("a.png") as picture:
        assert picture.format == "PNG" and min(picture.size) > 400
        pixels = np.asarray(picture.convert("RGB"))
    coloured = np.ptp(pixels.astype(int), axis=2) > 60
    assert 0.001 < coloured.mean() < 0.5  # lines of methods
    assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 30
    assert all((pixels[rows][:, columns] < 128).any() for rows, columns in (  # title, labels on the left and below
        (slice(0, 60), slice(None)), (slice(None), slice(0, 90)), (slice(-60, None), slice(None)),
    ))  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words.split()[:4]))
def test_the_numbers_in_a_file_are_those_on_stdout(words, networks):
    printed = run_json(words, "--out a.json")
    assert printed.pop("files") == ["a.json"] == os.listdir()
    assert json.loads(Path("a.json").read_text()) == printed


@pytest.mark.parametrize(("suffix", "begins"), [("pdf", b"%PDF"), ("svg", b"<?xml")])
def test_figures_have_the_format_asked_for(suffix, begins):
    assert run(ORDER, f"--out a.{suffix}").stdout.endswith(f"\nwrote a.{suffix}\n")
    assert Path(f"a.{suffix}").read_bytes().startswith(begins)


def test_a_name_without_a_suffix_is_that_of_a_png():
    assert run_json(GRID, "--out nodes")["files"] == ["nodes.png"]


def test_a_figure_that_fails_leaves_the_old_file_and_no_other(monkeypatch):
    Path("a.png").write_bytes(b"old")

    def broken(figure, file, **options):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("matplotlib.figure.Figure.savefig", broken)
    result = run(ORDER, "--out a.png")
    assert (result.exit_code, Path("a.png").read_bytes(), os.listdir()) == (1, b"old", ["a.png"])
    assert last_line(result).startswith("toylab: failed: OSError: [Errno 28] No space left on device")


# Ctrl-C


def stop_after(monkeypatch, place, calls):
    """Let the function at `place` work so many times, then press Ctrl-C."""
    module, name = place.rsplit(".", 1)
    real, made = getattr(__import__(module, fromlist=[name]), name), []

    def stopping(*given, **more):
        made.append(1)
        if len(made) == calls + 1:
            raise KeyboardInterrupt
        return real(*given, **more)

    monkeypatch.setattr(place, stopping)


@pytest.mark.parametrize(
    ("words", "place", "calls", "key", "done"),
    [
        (WORK, "toylab.analysis._compare.sample", 3, "rows", 3),
        (DECOMPOSE, "toylab.analysis._decompose.sample", 3, "rows", 3),
        (GRID, "toylab.analysis._optimize_grid.sample", 15, "times", 4),
        (OFF, "toylab.sample", 1, "runs", 1),
        (ORDER, "toylab.analysis._order.sample", 3, "estimates", 1),
        (ORDER, "toylab.analysis._order.sample", 5, "estimates", 2),
        (LOCAL, "toylab.analysis._local_error.sample", 2, "estimates", 1),
    ],
)
def test_ctrl_c_keeps_what_is_done(words, place, calls, key, done, monkeypatch, networks):
    stop_after(monkeypatch, place, calls)
    result = run(words, "--json --out a.png")
    assert (result.exit_code, os.listdir()) == (130, ["a.png"])
    assert last_line(result) == "toylab: stopped by Ctrl-C: only a part was done, and is kept above"
    found = json.loads(result.stdout)
    assert (found["complete"], len(found[key])) == (False, done)


def test_a_stopped_order_shows_dashes_for_step_counts_that_were_not_measured(monkeypatch):
    stop_after(monkeypatch, "toylab.analysis._order.sample", 5)
    result = run(ORDER)
    ddim, rk4 = (next(row for row in cells(result.stdout) if row[0] == name) for name in ("DDIM", "RK4"))
    assert len(ddim) == len(rk4) and "-" not in ddim and rk4[-2] == "-"
    assert result.exit_code == 130


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (WORK, "toylab.analysis._compare.sample"),
        (DECOMPOSE, "toylab.analysis._decompose.sample"),
        (OFF, "toylab.sample"),
        (ORDER, "toylab.analysis._order.sample"),
        (GRID, "toylab.problems.problem.reference_solution"),
    ],
)
def test_ctrl_c_before_anything_is_done_leaves_nothing(words, place, monkeypatch, networks):
    stop_after(monkeypatch, place, 0)
    result = run(words, "--out a.png")
    assert (result.exit_code, result.stdout, os.listdir()) == (130, "", [])
    assert last_line(result).startswith("toylab: ")


def test_measurements_run_on_one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert kept(torch.get_num_threads) == (1, None)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_what_an_interrupted_call_has_kept_comes_with_its_exception():
    def interrupted(done):
        raise Interrupted("stopped", done)

    done, stop = kept(lambda: interrupted("half"))
    assert done == "half" and isinstance(stop, Interrupted)
    with pytest.raises(Interrupted):
        kept(lambda: interrupted(None))


# mistakes


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("work circl --eps exact", "did you mean 'circle'"),
        ("work circle --eps exact --nfe 20,10", "nfe must increase"),
        ("work circle --eps exact --nfe 5,x", "nfe must be integers separated by commas, got '5,x'"),
        ("work circle --eps exact --nfe 0", "nfe must be an integer of at least 1"),
        ("work circle --eps exact --nfe ,", "nfe must be a non-empty list"),
        ("work circle --eps exact --nfe 3 --methods RK4", "nfe must be enough"),
        ("work circle --eps exact --methods DDIM,ddim", "different methods"),
        ("work circle --eps exact --methods DDMI", "did you mean 'DDIM'"),
        ("work circle --eps exact --measure eror", "unknown measure 'eror'; did you mean 'error'"),
        ("work circle --eps exact --measure ,", "unknown measure ','"),
        ("work circle --eps exact --seeds 1,1", "seeds must be"),
        ("work circle --eps exact --seeds -1", "seeds must be an integer of at least 0"),
        ("work circle --eps exact --methods PF --tolerances 0", "tolerances must be"),
        ("work circle --eps exact -n 0", "n must be an integer of at least 1"),
        ("work circle --points 5", "points is for --eps exact"),
        ("work circle --eps exact --spacing sgma", "did you mean 'sigma'"),
        ("work circle --eps exact --out a.gif", "out must end in .png or .pdf or .svg or .json"),
        ("work circle --eps exact --out missing/a.png", "out must be in a folder that exists"),
        ("decompose circl", "did you mean 'circle'"),
        ("decompose circle --schedule quad", "no network 'circle-quad'"),
        ("decompose circle --methods DDPM", "methods must be able to run"),
        ("decompose circle --nfe 8,4", "nfe must increase"),
        ("decompose circle --points 0", "points must be an integer of at least 1"),
        ("decompose circle -n 0", "n must be an integer of at least 1"),
        ("decompose circle --out .", "is a folder"),
        ("grid circle --eps exact --steps 1", "steps must be an integer of at least 2, got 1"),
        ("grid circle --eps exact --method DDPM", "without noise"),
        ("grid circle --eps exact --iterations 0", "iterations must be"),
        ("grid circle --eps exact -n 0", "n must be an integer of at least 1"),
        ("grid circle --eps exact -o start=full", "unknown option 'start' for F-PNDM"),
        ("grid circle --eps exact --t-end 2", "t_end must be"),
        ("off circle --eps exact --steps 5 --nfe 5", "nfe is in place of steps"),
        ("off circle --eps exact --nfe 3", "RK4 needs more than 3"),
        ("off circle --eps exact --nfe 0", "nfe must be an integer of at least 1"),
        ("off circle --eps exact --method PF --nfe 9", "chooses its own steps"),
        ("off circle --eps exact --steps 0", "steps must be an integer of at least 1"),
        ("off circle --eps exact --method ,", "method must name at least one"),
        ("order circle --method ,", "method must name at least one"),
        ("order circle --local --steps 4,8", "steps must be an integer of at least 8, got 4"),
        ("order circle --local --method DDPM", "DDPM does not"),
        ("order circle --out a.npz", "out must end in .png"),
    ],
)
def test_a_mistake_gives_code_2_one_line_and_no_file(words, says, networks):
    assert_mistake(run(words), says)
    assert os.listdir() == []


@pytest.mark.parametrize("words", COMMANDS, ids=lambda words: " ".join(words.split()[:4]))
def test_a_place_that_cannot_be_written_is_refused_before_any_work(words, monkeypatch):
    monkeypatch.setattr("toylab.problems.find", lambda *given: pytest.fail("work was done"))
    assert_mistake(run(words, "--out missing/a.png"), "out must be in a folder that exists")


def test_decompose_gives_no_advice_that_it_could_not_take(networks):
    result = run("decompose circle --schedule quad")
    assert_mistake(result, "no network 'circle-quad'", "toylab train")
    assert "--eps" not in result.stderr


@pytest.mark.parametrize("words", ["work nowhere", "off nowhere", "decompose nowhere", "decompose nowhere --points 9"])
def test_a_network_without_a_data_set_is_named(words, tmp_path):
    network = toylab.epsilon.MLP("linear", hidden=8, layers=1, fourier=2)
    toylab.epsilon.save(network, tmp_path / "data" / "checkpoints" / "nowhere.safetensors")
    assert_mistake(run(words), "manifold must be")


def test_order_of_several_methods_shares_one_reference():
    found = run_json(ORDER)["estimates"]
    first = measure_order(SPREAD, "linear", "DDIM", (10, 20, 40), n=20, t_end=0.5, progress=False)
    second = measure_order(
        SPREAD, "linear", "RK4", (10, 20, 40), n=20, t_end=0.5, reference=first.reference, progress=False
    )
    assert [row["errors"] for row in found] == [first.errors.tolist(), second.errors.tolist()]
