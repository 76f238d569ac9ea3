"""The command line: what it writes, what it prints, and what it says to a mistake."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from commands import PNG, QUICK, OnTerminal, assert_mistake, run, run_json, save_networks

import toylab
from toylab.cli import app, lab, options
from toylab.cli.output import check_output, print_table
from toylab.epsilon import checkpoints
from toylab.samplers import get
from toylab.training import Interrupted

ROOT = Path(__file__).parents[1]
COMMANDS = tuple(typer.main.get_command(app).commands)


@pytest.fixture(autouse=True)
def in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def networks(tmp_path, monkeypatch):
    """The folder of networks in a data folder with an untrained one for the circle for each of two schedules."""
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path / "data"))
    save_networks(tmp_path / "data")
    return checkpoints.folder()


def process(*words, **environment):
    return subprocess.run(
        [sys.executable, "-m", "toylab", *words], capture_output=True, text=True, timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
    )  # fmt: skip


# help


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command_has_examples_that_the_command_line_accepts(command):
    text = run(command, "--help").stdout
    examples = re.findall(rf"^ +toylab ({command}\b.*)$", text.split("Examples:")[1], re.MULTILINE)
    assert examples
    parser = typer.main.get_command(app).commands[command]
    for example in examples:
        words = example.split(" > ")[0].split()[1:]
        parser.make_context(command, words)


def test_methods_are_asked_for_by_one_option_in_every_command():
    commands = typer.main.get_command(app).commands.values()
    every = {option for command in commands for each in command.params for option in each.opts}
    assert {option for option in every if option.startswith("--method")} == {"--method"}


@pytest.mark.slow
def test_help_lists_every_command_and_loads_nothing_heavy():
    code = "import sys, toylab.cli; toylab.cli.app(['--help'])"
    script = f"try:\n    {code}\nexcept SystemExit: pass\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, timeout=60)
    text, modules = done.stdout.rsplit("\n", 2)[0], done.stdout.split()
    assert all(re.search(rf"^  {command} ", text, re.MULTILINE) for command in COMMANDS)
    assert not {"torch", "numpy", "scipy", "matplotlib", "rich"} & set(modules)


def test_no_command_at_all_shows_the_help():
    result = run()
    assert result.exit_code == 0
    assert result.stdout == run("--help").stdout


# datasets and methods


def test_datasets_lists_all_of_them_with_kind_pieces_and_length(networks):
    rows = {row["name"]: row for row in run_json("datasets")}
    assert list(rows) == toylab.datasets.names()
    assert (rows["two-points"]["kind"], rows["two-points"]["pieces"]) == ("points", 2)
    assert rows["checkerboard"]["kind"] == "area"
    assert rows["circle"]["kind"] == "curve"
    radius = toylab.datasets.get("circle").curve(10).norm(dim=1).mean().item()
    assert rows["circle"]["length"] == pytest.approx(2 * np.pi * radius, rel=1e-3)
    assert rows["point"]["length"] is None


def test_datasets_lists_the_networks_of_each(networks):
    rows = {row["name"]: row["networks"] for row in run_json("datasets")}
    assert rows["circle"] == ["circle", "circle-cosine"]
    assert rows["two-circles"] == []


def test_methods_lists_the_two_parts_and_the_counted_cost():
    rows = {row["name"]: row for row in run_json("methods")}
    assert list(rows) == toylab.methods()
    assert (rows["F-PNDM"]["gradient"], rows["F-PNDM"]["transfer"]) == ("ab4", "pseudo")
    assert {name: rows[name]["nfe"] for name in ("DDIM", "RK4", "S-PNDM", "F-PNDM", "PF")} == {
        "DDIM": "N", "RK4": "4 N", "S-PNDM": "N + 1", "F-PNDM": "N + 9", "PF": "adaptive",
    }  # fmt: skip
    assert rows["F-PNDM"]["nfe_of_10_steps"] == 19
    assert rows["AB4"]["aliases"] == ["FON"]
    assert rows["PRK"]["options"] == ["midpoint", "weights"]


def test_methods_gives_the_orders_that_are_measured():
    rows = {row["name"]: row["order"] for row in run_json("methods")}
    eps = toylab.exact_eps(toylab.datasets.get("circle").curve(40), "linear", 0.05)
    reference = None
    for name, order in rows.items():
        if order is None:
            assert get(name).stochastic or not get(name).fixed_grid
        elif hasattr(get(name), "gradient") and "DEIS" not in name:  # from t = 1 their first step's error does not show
            estimate = toylab.measure_order(eps, "linear", name, (160, 320), n=16, reference=reference)
            reference = estimate.reference
            assert estimate.order == pytest.approx(order, abs=0.15), name


# sample


def test_sample_writes_the_states_of_the_same_call_in_python_and_a_picture():
    result = run("sample circle --method DDIM --steps 6 --seed 3 --out ddim.npz", QUICK)
    assert result.exit_code == 0, result.stderr
    eps = toylab.exact_eps(toylab.datasets.get("circle").curve(40), "linear")
    expected = toylab.sample(eps, "linear", "DDIM", 6, n=20, seed=3)
    with np.load("ddim.npz") as data:
        np.testing.assert_array_equal(data["states"], expected.states.numpy())
        np.testing.assert_array_equal(data["times"], expected.times.numpy())
        assert (data["nfe"], list(data["nfe_per_step"])) == (6, [1] * 6)
        about = json.loads(str(data["metadata"]))
    assert (about["dataset"], about["method"], about["steps"], about["seed"]) == ("circle", "DDIM", 6, 3)
    assert Path("ddim.png").read_bytes().startswith(PNG)
    assert sorted(os.listdir()) == ["ddim.npz", "ddim.png"]


def test_sample_names_its_files_after_data_set_and_method():
    assert run_json("sample circle --method fon --steps 4", QUICK)["files"] == [
        "circle-AB4.npz",
        "circle-AB4.png",
    ]
    assert Path("circle-AB4.npz").is_file()


def test_sample_json_says_what_was_run():
    about = run_json("sample circle --method PRK -o midpoint=sigma --steps 3 --spacing karras", QUICK)
    assert about["options"] == {"midpoint": "sigma", "weights": "equispaced"}
    assert (about["nfe"], about["spacing"], about["epsilon"]) == (12, "karras", "exact")
    assert 0 < about["distance"] < 10


def test_sample_takes_nodes_and_noise():
    about = run_json("sample circle --method DDIM --eta 0.5 -o variance=large --times 1,0.5,0.1,0.001", QUICK)
    assert (about["steps"], about["eta"], about["options"]) == (3, 0.5, {"variance": "large"})
    with np.load("circle-DDIM.npz") as data:
        assert data["times"].tolist() == [1, 0.5, 0.1, 0.001]


def test_sample_takes_a_method_by_its_parts():
    assert run_json("sample circle --method plms+classical --steps 3", QUICK)["method"] == "plms+classical"
    assert options.one_method("DPM-Solver++2M").name == "DPM-Solver++2M"


def test_sample_finds_networks_by_name_schedule_and_file(networks):
    assert run_json("sample circle --steps 4 -n 9")["schedule"] == "linear"
    assert run_json("sample circle --schedule cosine --steps 4 -n 9")["epsilon"] == "network circle-cosine"
    about = run_json("sample", [str(networks / "circle-cosine.safetensors")], "--steps 4 -n 9 --out own.npz")
    assert (about["dataset"], about["schedule"]) == ("circle", "cosine")


def test_an_interrupted_or_failed_write_leaves_the_old_file_and_no_other(monkeypatch):
    Path("a.npz").write_bytes(b"old")

    def broken(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez_compressed", broken)
    result = run("sample circle --steps 2 --out a.npz", QUICK)
    assert (result.exit_code, Path("a.npz").read_bytes(), os.listdir()) == (1, b"old", ["a.npz"])
    assert result.stderr.startswith("toylab: failed: OSError: disk full")


# compare and order


def test_compare_json_has_a_row_a_method_at_equal_nfe():
    found = run_json("compare circle --methods DDIM,RK4 --methods F-PNDM --nfe 13", QUICK)
    assert [(row["method"], row["steps"], row["nfe"]) for row in found["rows"]] == [
        ("DDIM", 13, 13), ("RK4", 3, 12), ("F-PNDM", 4, 13),
    ]  # fmt: skip
    eps = toylab.exact_eps(toylab.datasets.get("circle").curve(40), "linear")
    expected = toylab.datasets.get("circle").distance(toylab.sample(eps, "linear", "DDIM", 13, n=20).x).mean()
    assert found["rows"][0]["distance"] == pytest.approx(expected.item())
    assert found["exact_flow"]["uncertainty"] < 1e-5 < found["rows"][0]["error"]


def test_compare_prints_a_row_a_method_and_lists_what_was_left_out():
    text = run("compare circle --methods DDIM,RK4,PF --nfe 3", QUICK).stdout
    assert re.search(r"^DDIM +3 +3 +\d", text, re.MULTILINE)
    assert re.search(r"^exact flow +- +- +0\.\d+ +0 +±", text, re.MULTILINE)
    assert "left out: RK4 needs more than 3 for a single step" in text
    assert "left out: PF chooses its own number of evaluations" in text
    assert "\x1b" not in text


def test_compare_json_writes_null_where_there_is_no_number():
    found = run_json("compare circle --methods DDPM --nfe 4", QUICK)
    assert found["rows"][0]["error"] is None


@pytest.mark.parametrize(("name", "begins"), [("a.png", PNG), ("a.pdf", b"%PDF"), ("a.svg", b"<?xml")])
def test_compare_draws_its_figure_in_the_format_asked_for(name, begins):
    found = run_json("compare two-points --methods Euler,DDIM,DDPM --nfe 4 --out", [name], QUICK)
    assert found["files"] == [name]
    assert Path(name).read_bytes().startswith(begins)
    assert os.listdir() == [name]


def test_order_json_is_the_estimate_of_the_same_call_in_python():
    found = run_json("order circle --method DDIM,F-PNDM --steps 40,80,160 --seed 2", QUICK)
    eps = toylab.exact_eps(toylab.datasets.get("circle").curve(40), "linear", 0.05)
    for name, row in zip(("DDIM", "F-PNDM"), found["estimates"], strict=True):
        expected = toylab.measure_order(eps, "linear", name, (40, 80, 160), n=20, seed=2)
        assert (row["method"], row["order"], row["steps"]) == (name, expected.order, [40, 80, 160])
        assert row["interval"] == list(expected.interval)
        assert row["errors"] == expected.errors.tolist()


def test_order_prints_order_interval_errors_and_floor():
    text = run("order circle --method DDIM --steps 80,160", QUICK).stdout
    assert re.search(
        r"^DDIM +(0\.9\d|1\.0\d) +\d\.\d\d to \d\.\d\d +\d\.\d\d +\d\.\d\de-\d\d +\d\.\d\de-\d\d", text, re.M
    )
    assert "floor" in text


def test_order_works_on_a_network(networks):
    found = run_json("order circle --eps network --method DDIM --steps 4,8 -n 8")
    assert found["estimates"][0]["order"] == pytest.approx(1, abs=0.3)


def test_tables_are_aligned_and_not_cut_when_piped(capsys):
    print_table({"a": "left", "b": "right"}, [("x" * 150, "1"), ("[red]y", "22")])
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2:] == ["x" * 150 + "    1", "[red]y".ljust(150) + "   22"]


# train and lab


def test_train_writes_a_network_that_loads(tmp_path):
    result = run("train circle --steps 3 --batch 8 --lr 0.01 --seed 5 --out", [str(tmp_path / "own.safetensors")])
    assert result.exit_code == 0, result.stderr
    network = toylab.load(tmp_path / "own.safetensors")
    assert network.dataset == "circle"
    assert network.metadata["training"]["seed"] == 5
    assert os.listdir(tmp_path) == ["own.safetensors"]


def test_the_command_in_a_networks_story_is_one_that_the_command_line_takes():
    assert run("train circle --steps 2 --batch 4").exit_code == 0
    first = toylab.load("./circle.safetensors")
    words = first.metadata["command"].split()
    assert run(words[1:], "--out again.safetensors").exit_code == 0
    again = toylab.load("./again.safetensors").state_dict()
    assert all(torch.equal(value, again[key]) for key, value in first.state_dict().items())


def test_train_all_trains_into_the_data_folder(monkeypatch):
    asked = []
    monkeypatch.setattr("toylab.training.train_all", lambda **given: asked.append(given) or ["data/a", "data/b"])
    assert run("train --all --overwrite").stdout == "data/a\ndata/b\n"
    assert asked == [{"overwrite": True}]


def test_ctrl_c_ends_with_code_130_and_one_line_that_says_how_to_go_on(monkeypatch):
    def stopped(*arguments, **options):
        raise Interrupted("stopped after step 7 of 9: saved in x; continue with --resume")

    monkeypatch.setattr("toylab.training.train_2d", stopped)
    result = run("train circle")
    assert result.exit_code == 130
    assert result.stderr == "toylab: stopped after step 7 of 9: saved in x; continue with --resume\n"


def test_an_error_that_a_library_makes_of_ctrl_c_is_the_stop(monkeypatch):
    def closed_badly(*_, **__):
        try:
            raise KeyboardInterrupt
        finally:
            raise ValueError("Can't close the ZIP file while there is an open writing handle on it")

    monkeypatch.setattr("toylab.problems.find", closed_badly)
    result = run("sample circle --steps 2")
    assert (result.exit_code, result.stderr) == (130, "toylab: stopped by Ctrl-C\n")


STOPS = pytest.mark.parametrize("stop", (signal.SIGINT, signal.SIGTERM))


def on_terminal(*words):
    return OnTerminal(sys.executable, "-m", "toylab", *words, env=os.environ | {"PYTHONPATH": str(ROOT)})


@pytest.mark.slow
@STOPS
def test_a_real_ctrl_c_or_sigterm_during_training_saves_and_can_be_resumed(tmp_path, stop):
    words = "train circle --steps 1000000 --batch 8 --out long.safetensors".split()
    code, _, seen = on_terminal(*words).until("training").stop(stop)
    assert code == 130
    assert re.search(r"toylab: stopped after step \d+ of 1000000.*--out long.safetensors --resume", seen)
    assert "Traceback" not in seen
    assert os.listdir(tmp_path) == ["long.resume.pt"]


@pytest.mark.slow
@STOPS
def test_a_real_ctrl_c_or_sigterm_keeps_the_measured_part(tmp_path, stop):
    words = "order circle --eps exact --points 100 -n 100 --method DDIM,RK4 --steps {} --json --out o.json"
    words = words.format(",".join(str(10 * 2**k) for k in range(15)))
    code, out, seen = on_terminal(*words.split()).until("DDIM").stop(stop)
    assert code == 130
    assert "toylab: stopped by Ctrl-C: only a part was done, and is kept above" in seen and "Traceback" not in seen
    found = json.loads(out)
    assert found["complete"] is False and len(found["estimates"]) == 1
    assert os.listdir(tmp_path) == ["o.json"]


@pytest.mark.slow
@STOPS
def test_a_real_ctrl_c_or_sigterm_during_a_run_leaves_no_file(tmp_path, stop):
    words = "sample circle --eps exact --points 400 --steps 100000 --out run.npz".split()
    code, out, seen = on_terminal(*words).until("F-PNDM").stop(stop)
    assert (code, out, os.listdir(tmp_path)) == (130, "", [])
    assert seen.strip().endswith("toylab: stopped by Ctrl-C") and "Traceback" not in seen


@pytest.mark.slow
def test_lab_starts_the_jupyterlab_of_this_python():
    done = process("lab", "--", "--version")
    assert done.returncode == 0
    assert re.fullmatch(r"\d+\.\d+\.\S+\n", done.stdout)
    assert str(ROOT / "notebooks") in done.stderr


def test_lab_is_started_as_make_does_it(monkeypatch):
    rule = re.search(r"-m jupyterlab (.*?) \\\n", (ROOT / "Makefile").read_text()).group(1)
    rule = rule.replace("$(PORT)", "8888").replace("=notebooks", f"={ROOT / 'notebooks'}")
    assert lab.command(ROOT / "notebooks", 8888, [])[1:6] == ["-m", "jupyterlab", *rule.split()]
    monkeypatch.setattr(os, "geteuid", lambda: 0, raising=False)
    assert "--allow-root" in lab.command(ROOT, 8888, [])
    monkeypatch.setattr(os, "geteuid", lambda: 1000, raising=False)
    assert "--allow-root" not in lab.command(ROOT, 8888, [])


@pytest.fixture
def no_clone(monkeypatch, tmp_path):
    """toylab as an installation has it: notebooks inside the package, no clone around it"""
    package = tmp_path / "site-packages" / "toylab"
    shutil.copytree(ROOT / "notebooks", package / "_shipped" / "notebooks")
    monkeypatch.setattr("toylab._shipped.HERE", package)
    monkeypatch.delenv("TOYLAB_DATA", raising=False)
    monkeypatch.chdir(tmp_path)


def test_lab_outside_a_clone_puts_the_notebooks_into_a_folder_of_this_name(no_clone, tmp_path):
    assert lab.notebooks() == tmp_path / "toylab-notebooks"
    assert len(list((tmp_path / "toylab-notebooks").glob("*.ipynb"))) == len(list((ROOT / "notebooks").glob("*.ipynb")))


def test_lab_opens_a_clones_own_notebooks_unless_a_folder_is_named(tmp_path):
    assert lab.notebooks() == ROOT / "notebooks"
    assert lab.notebooks(tmp_path / "mine") == tmp_path / "mine"


def test_lab_leaves_files_that_are_there_as_they_are(tmp_path, capsys):
    first, second, *rest = sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb"))
    (tmp_path / first).write_text("mine", encoding="utf-8")
    (tmp_path / second).symlink_to(tmp_path / "elsewhere")
    lab.notebooks(tmp_path)
    assert f"put {len(rest)} notebooks into {tmp_path}" in capsys.readouterr().err
    assert (tmp_path / first).read_text(encoding="utf-8") == "mine"
    assert (tmp_path / second).is_symlink() and not (tmp_path / "elsewhere").exists()
    before = {path: path.lstat().st_mtime_ns for path in tmp_path.iterdir()}
    lab.notebooks(tmp_path)
    assert {path: path.lstat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert capsys.readouterr().err == ""


@pytest.mark.slow
def test_lab_takes_a_folder_and_words_for_jupyterlab(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(lab, "command", lambda *given: started.append(given) or [sys.executable, "-c", ""])
    for words in (["mine", "--port", "9000", "--", "--no-browser", "1.ipynb"], ["--", "--no-browser"]):
        run("lab", *words)
    assert started == [
        (tmp_path / "mine", 9000, ["--no-browser", "1.ipynb"]),
        (ROOT / "notebooks", 8888, ["--no-browser"]),
    ]


def test_lab_refuses_a_file_for_a_folder(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert_mistake(run("lab", "file"), "folder must be a folder", "is a file")


def test_an_installed_toylab_keeps_its_networks(no_clone):
    with pytest.raises(ValueError, match="folder must be given, or TOYLAB_DATA be set"):
        toylab.training.train_all(overwrite=True)


# mistakes

RUN = "sample circle --eps exact"


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sampel", "No such command 'sampel'"),
        ("sample", "Missing argument 'NAME'"),
        ("sample circle --stps 3", "--steps"),
        ("sample circle --steps many", "Invalid value for '--steps'"),
        ("sample circl --eps exact", "did you mean 'circle'"),
        (f"{RUN} --method DDIN", "did you mean 'DDIM'"),
        (f"{RUN} --method ab4+psuedo", "did you mean 'pseudo'"),
        (f"{RUN} --schedule cosin", "did you mean 'cosine'"),
        (f"{RUN} --spacing sgma", "did you mean 'sigma'"),
        ("sample circle --eps exakt", "did you mean 'exact'"),
        (f"{RUN} --steps 0", "steps must be an integer of at least 1, got 0"),
        (f"{RUN} -n 0", "n must be an integer of at least 1"),
        (f"{RUN} --points 0", "points must be an integer of at least 1"),
        (f"{RUN} --seed -1", "seed must be"),
        (f"{RUN} --t-end 2", "t_end must be"),
        (f"{RUN} --t-end nan", "t_end must be"),
        (f"{RUN} --eta 0.5", "eta must be 0 for F-PNDM"),
        (f"{RUN} --method DDIM --eta 2", "eta must be a finite number in [0, 1]"),
        (f"{RUN} --times 1,0.5,0.7", "nodes must decrease"),
        (f"{RUN} --times 1,half", "times must be numbers separated by commas, got '1,half'"),
        (f"{RUN} -o midpoint", "option must look like key=value"),
        (f"{RUN} -o seed=3", "its own options are: midpoint, weights"),
        (f"{RUN} -o midpoint=middle", "unknown midpoint 'middle'"),
        (f"{RUN} --out missing/a.npz", "out must be in a folder that exists"),
        (f"{RUN} --out .", "is a folder"),
        (f"{RUN} --out a.csv", "out must end in .npz"),
        (f"{RUN} --out file/a.npz", "file is a file"),
        ("sample circle --points 5", "points is for --eps exact"),
        ("compare circle --eps exact --methods DDIM,ddim", "different methods"),
        ("compare circle --eps exact --nfe 0", "nfe must be an integer of at least 1"),
        ("compare circle --eps exact --methods RK4 --nfe 3", "needs more than 3"),
        ("compare circle --eps exact --methods ,", "methods must name at least one method"),
        ("compare circle --eps exact --out a.gif", "out must end in .png or .pdf or .svg"),
        ("order circle --steps 320", "at least two increasing step counts"),
        ("order circle --steps 10,x", "steps must be integers separated by commas"),
        ("order circle --method DDPM", "DDPM does not"),
        ("order circle --eps network --spread 0.1", "spread is for --eps exact"),
        ("order circle --spread -1", "spread must be"),
        ("train", "or give --all"),
        ("train circl", "did you mean 'circle'"),
        ("train circle --schedule linaer", "did you mean 'linear'"),
        ("train circle --steps 0", "steps must be an integer of at least 1"),
        ("train circle --out missing/a.safetensors", "folder that exists"),
        ("train circle --out a.pt", "out must end in .safetensors"),
        ("train circle --resume", "nothing to resume"),
        ("train circle --all", "--all takes no name"),
        ("train circle --overwrite", "a single network takes no overwrite"),
        ("lab --port 0", "port must be from 1 to 65535"),
    ],
)
def test_a_mistake_gives_code_2_and_one_line_that_names_it(words, says):
    Path("file").touch()
    assert_mistake(run(words), says)
    assert os.listdir() == ["file"]


def test_a_network_that_is_not_there_is_a_mistake_with_a_way_out(networks):
    assert_mistake(run("sample circel"), "did you mean 'circle'", "--eps exact needs no network")


def test_a_schedule_that_the_network_was_not_made_for_is_refused(networks):
    path = str(networks / "circle.safetensors")
    assert_mistake(run("sample", [path], "--schedule cosine"), "'linear', got 'cosine'")


@pytest.mark.parametrize("damage", ["garbage", "truncated", "changed", "pickle"])
def test_a_corrupt_checkpoint_is_a_mistake(networks, damage):
    whole = (networks / "circle.safetensors").read_bytes()
    changed = whole[:-1] + bytes([whole[-1] ^ 1])
    contents = {
        "garbage": b"no network",
        "truncated": whole[:-50],
        "changed": changed,
        "pickle": b"\x80\x04N.",
    }
    Path("bad.safetensors").write_bytes(contents[damage])
    assert_mistake(run("compare ./bad.safetensors"), "bad.safetensors")


@pytest.mark.parametrize("command", ["sample circle --out", "compare circle --methods DDIM --out"])
def test_an_output_folder_that_cannot_be_written_is_refused_before_any_work(command, monkeypatch, tmp_path):
    def refused(**given):
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("tempfile.TemporaryFile", refused)
    monkeypatch.setattr("toylab.problems.find", lambda *given: pytest.fail("work was done"))
    assert_mistake(run(command, [str(tmp_path / "a")], QUICK), f"{tmp_path} cannot (Read-only file system)")


@pytest.mark.skipif(os.name == "nt", reason="Windows has no permission bits")
def test_a_real_folder_without_permission_to_write_is_refused(tmp_path):
    folder = Path("/proc") if os.geteuid() == 0 else tmp_path / "closed"
    if os.geteuid() != 0:
        folder.mkdir(mode=0o500)
    with pytest.raises(PermissionError, match="out must be in a folder that can be written to"):
        check_output(folder / "a.npz", [".npz"])


def test_an_unforeseen_error_is_a_failed_job_in_one_line(monkeypatch):
    def broken(*given, **more):
        raise RuntimeError("two\nlines")

    monkeypatch.setattr("toylab.problems.find", broken)
    result = run(RUN)
    assert result.exit_code == 1
    assert result.stderr == "toylab: failed: RuntimeError: two lines (--debug shows where)\n"


@pytest.mark.parametrize("debug", [["--debug", "sample", "circl"], ["sample", "circl", "--debug"]])
def test_debug_shows_the_traceback_wherever_it_stands(debug):
    result = run(debug, "--eps exact")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr and "did you mean 'circle'" in result.stderr.splitlines()[-1]


@pytest.mark.slow
def test_the_program_itself_ends_with_these_codes_and_lines():
    version = process("--version")
    assert (version.returncode, version.stdout) == (0, f"toylab {toylab.__version__}\n")
    wrong = process("sample", "circl", "--eps", "exact")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert wrong.stderr.startswith("toylab: unknown data set 'circl'") and wrong.stderr.count("\n") == 1
    shown = process("sample", "circl", "--eps", "exact", TOYLAB_DEBUG="1")
    assert shown.returncode == 2 and "Traceback" in shown.stderr


@pytest.mark.slow
def test_json_is_alone_on_stdout_of_the_program():
    done = process("compare", "circle", "--methods", "DDIM", "--nfe", "3", *QUICK, "--json")
    assert json.loads(done.stdout)["rows"][0]["nfe"] == 3
