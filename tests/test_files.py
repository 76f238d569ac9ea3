"""Files that toylab writes: whole or not at all, together or not at all, and JSON that every reader takes."""

import ast
import errno
import json
import os
import resource
import signal
import threading
from pathlib import Path

import numpy as np
import pytest
from synthetic import sweep

import toylab
from toylab import _files
from toylab._files import finite, owned, replacing, replacing_together, strict_json, user_path
from toylab.analysis._sweep import Sweep
from toylab.widgets import Player


@pytest.fixture
def small_disk():
    """No file may grow beyond 1,000 bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("write", (np.savez, np.savez_compressed, lambda file, values: file.write(values.tobytes())))
def test_a_full_disk_keeps_the_old_file_leaves_nothing_and_names_the_path(tmp_path, small_disk, write):
    path = tmp_path / "numbers.npz"
    path.write_bytes(b"old")
    with pytest.raises(OSError, match="numbers.npz'$") as failed, replacing(path) as file:
        write(file, np.random.default_rng(0).random(10_000))
    assert ".partial" not in str(failed.value)
    assert names(tmp_path) == ["numbers.npz"] and path.read_bytes() == b"old"


def test_a_folder_without_permission_is_blamed_by_the_name_of_the_file(tmp_path, monkeypatch):
    def refuse(path, mode):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr("builtins.open", refuse)
    with pytest.raises(PermissionError) as failed, replacing(tmp_path / "numbers.npz"):
        pass
    assert failed.value.filename == str(tmp_path / "numbers.npz")


def test_an_error_about_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError, match="elsewhere"), replacing(tmp_path / "numbers.npz"):
        open(tmp_path / "elsewhere", "rb")


def test_two_threads_that_write_one_path_leave_one_whole_file(tmp_path):
    meet, path = threading.Barrier(2), tmp_path / "one.bin"

    def write(byte):
        with replacing(path) as file:
            meet.wait()
            file.write(byte * 1000)
            meet.wait()

    threads = [threading.Thread(target=write, args=(byte,)) for byte in (b"a", b"b")]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert path.read_bytes() in (b"a" * 1000, b"b" * 1000)
    assert names(tmp_path) == ["one.bin"]


def test_what_fails_in_the_second_of_two_files_leaves_both_old(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), replacing_together(tmp_path / "a", tmp_path / "b") as (first, second):
        first.write(b"new")
        raise KeyboardInterrupt
    assert (names(tmp_path), (tmp_path / "a").read_bytes(), (tmp_path / "b").read_bytes()) == (
        ["a", "b"],
        b"old",
        b"old",
    )


@pytest.mark.parametrize("stop", (signal.SIGINT, signal.SIGTERM))
def test_a_signal_between_two_files_acts_when_both_are_in_place(tmp_path, monkeypatch, stop):
    def interrupt(*event):
        raise KeyboardInterrupt

    before, replace = signal.signal(stop, interrupt), os.replace

    def replace_and_stop(partial, path):
        replace(partial, path)
        signal.raise_signal(stop)

    monkeypatch.setattr(os, "replace", replace_and_stop)
    try:
        with pytest.raises(KeyboardInterrupt), replacing_together(tmp_path / "a", tmp_path / "b") as files:
            [file.write(b"new") for file in files]
        assert signal.getsignal(stop) is interrupt
    finally:
        signal.signal(stop, before)
    assert (names(tmp_path), (tmp_path / "b").read_bytes()) == (["a", "b"], b"new")


def test_a_kill_between_two_files_never_leaves_old_beside_new(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_bytes(b"old")
    child = os.fork()
    if child == 0:
        replace = os.replace

        def replace_and_die(partial, path):
            replace(partial, path)
            os.kill(os.getpid(), signal.SIGKILL)

        _files.os.replace = replace_and_die
        with replacing_together(tmp_path / "a", tmp_path / "b") as files:
            [file.write(b"new") for file in files]
    os.waitpid(child, 0)
    assert (tmp_path / "a").read_bytes() == b"new" and not (tmp_path / "b").exists()
    with replacing(tmp_path / "b"):
        pass
    assert names(tmp_path) == ["a", "b"]  # what the killed process left is gone


def test_a_file_is_not_put_in_the_place_of_a_folder(tmp_path):
    (tmp_path / "b").mkdir()
    with pytest.raises(IsADirectoryError, match="b is a folder"), replacing_together(tmp_path / "a", tmp_path / "b"):
        pass
    assert names(tmp_path) == ["b"]


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    with replacing("~/there/numbers.npz") as file:
        file.write(b"1")
    assert (tmp_path / "there" / "numbers.npz").read_bytes() == b"1"


def test_a_tilde_is_the_home_folder_of_sweeps_and_pages(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    made = sweep(methods=("DDIM",), steps=(2,), n=4)
    assert made.save("~/sweep.npz") == tmp_path / "sweep.npz"
    assert Sweep.load("~/sweep.npz").methods == ("DDIM",)
    assert Player(made).to_html("~/page.html") == tmp_path / "page.html"
    assert names(tmp_path) == ["page.html", "sweep.npz"]
    for ask in (made.save, Sweep.load, Player(made).to_html):
        with pytest.raises(TypeError, match="^path must be a path"):
            ask(3)


@pytest.mark.parametrize("path", (None, 3, b"bytes", ["a"]))
def test_what_is_no_path_is_refused_by_its_argument(path):
    with pytest.raises(TypeError, match="^out must be a path"):
        user_path(path, "out")


@pytest.mark.parametrize("path", ("", " ", "a\0b"))
def test_what_can_be_no_file_is_refused_by_its_argument(path):
    with pytest.raises(ValueError, match="^out must be the path of a file or folder"):
        user_path(path, "out")


@pytest.mark.parametrize("path", ("/", "."))
def test_what_has_no_name_cannot_be_owned(path):
    with (
        pytest.raises(ValueError, match="^state must be the path of a file or folder with a name"),
        owned(path, "state"),
    ):
        pass


def test_numbers_that_json_does_not_have_become_null():
    value = {"a": [1.5, float("nan")], "b": (float("inf"), {"c": -float("inf")}), "d": "NaN"}
    assert finite(value) == {"a": [1.5, None], "b": [None, {"c": None}], "d": "NaN"}
    assert json.loads(strict_json(value), parse_constant=pytest.fail) == finite(value)


# One way to write

PACKAGE = Path(toylab.__file__).parent
GROWING = {"training/record.py"}  # the table of a training, which gets a line at every look


def opened_for_writing(source):
    """The calls in `source` that open a file for writing by their mode, write a whole one, or make a temporary one."""
    for call in filter(lambda node: isinstance(node, ast.Call), ast.walk(ast.parse(source))):
        name = getattr(call.func, "attr", getattr(call.func, "id", ""))
        words = [*call.args, *(word.value for word in call.keywords if word.arg == "mode")]
        modes = [word.value for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
        writes = any(set(mode) <= set("rwaxbt+") and set(mode) & set("wax+") for mode in modes)
        makes = name in ("write_text", "write_bytes", "touch", "fdopen", "mkstemp") or "TemporaryFile" in name
        if makes or name == "open" and writes:
            yield ast.unparse(call)


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_only_the_room_of_files_opens_them_for_writing(path):
    if path.name != "_files.py" and path.relative_to(PACKAGE).as_posix() not in GROWING:
        assert list(opened_for_writing(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize(
    ("code", "found"),
    [
        ("open(path, 'w')", True), ("open(path, mode='ab')", True), ("path.open('x')", True),
        ("path.write_text('a')", True), ("tempfile.NamedTemporaryFile()", True), ("open(path, 'r+b')", True),
        ("open(path)", False), ("open(path, 'rb')", False), ("Image.open('wax.png')", False),
        ("open(path, encoding='utf-8')", False), ("file.write('a')", False),
    ],
)  # fmt: skip
def test_what_opens_a_file_for_writing_is_told_from_what_reads(code, found):
    assert [*opened_for_writing(code)] == ([code] if found else [])
