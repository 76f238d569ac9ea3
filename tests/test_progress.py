"""Progress bars: repainted for people, a line every ten seconds for files and logs."""

import io
import sys
from pathlib import Path

import pytest

import toylab
from toylab._progress import Bar


class Terminal(io.StringIO):
    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock for bars that stands still unless it is set."""
    now = [1000.0]
    monkeypatch.setattr("tqdm.std.time", lambda: now[0])
    return now


def shown(monkeypatch, stream, clock, seconds, **options):
    """What a bar of a step a second writes into `stream`."""
    monkeypatch.setattr(sys, "stderr", stream)
    for _ in Bar(range(seconds), "work", **options):
        clock[0] += 1
    return stream.getvalue()


def test_where_nobody_watches_a_bar_is_a_line_every_ten_seconds(monkeypatch, clock):
    lines = shown(monkeypatch, io.StringIO(), clock, 45).splitlines()
    assert [line.split(",")[0] for line in lines] == ["work: 22%", "work: 44%", "work: 67%", "work: 89%"]
    assert lines[0] == "work: 22%, 10 of 45 (00:10, 00:35 left)"


def test_where_nobody_watches_short_work_says_nothing(monkeypatch, clock):
    assert shown(monkeypatch, io.StringIO(), clock, 9) == ""


def test_on_a_terminal_a_bar_is_repainted_and_leaves_nothing_behind(monkeypatch, clock):
    text = shown(monkeypatch, Terminal(), clock, 45)
    assert text.count("\r") > 20 and "\n" not in text
    assert text.rstrip("\r").rsplit("\r", 1)[-1].strip() == ""


@pytest.mark.parametrize("stream", (io.StringIO, Terminal))
def test_a_bar_that_is_not_wanted_says_nothing(monkeypatch, clock, stream):
    assert shown(monkeypatch, stream(), clock, 45, show=False) == ""


def test_there_is_one_kind_of_bar():
    package = Path(toylab.__file__).parent
    users = [path.name for path in package.rglob("*.py") if "tqdm" in path.read_text(encoding="utf-8")]
    assert users == ["_progress.py"]
