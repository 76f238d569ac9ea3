"""The page for lecturers: its plan is the lecture that `toylab present` shows, its numbers are on the results page."""

import re
import shlex
from pathlib import Path

import pytest
from commands import run
from quotes import parts, quotes

from toylab.pages import source

DOCS = Path(__file__).parents[1] / "docs"
TEACHING = (DOCS / "teaching.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"`toylab ([^`]*)`", TEACHING + (DOCS / "students.md").read_text(encoding="utf-8"))


def rows(heading):
    """The rows of the table below a heading, without the table's own head."""
    table = TEACHING.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in table.splitlines() if line[:1] == "|"][2:]


def test_the_plan_of_two_hours_is_the_lecture_that_comes_with_toylab():
    scenes = [part.splitlines() for part in source.text("lab/lecture.txt").split("# ")[1:]]
    assert [(row[0], row[1]) for row in rows("A lecture of two hours")] == [
        (re.match(r"\d:\d\d", scene[2])[0], scene[0]) for scene in scenes
    ]


def test_every_scene_is_there_as_a_link():
    scenes = [part.splitlines() for part in source.text("lab/lecture.txt").split("# ")[1:]]
    assert rows("The scenes as links") == [[scene[0], f"`lab.html#{scene[1]}`"] for scene in scenes]


def test_its_times_rise_within_two_hours():
    minutes = [60 * int(row[0][0]) + int(row[0][2:]) for row in rows("A lecture of two hours")]
    assert minutes == sorted(set(minutes)) and minutes[0] == 0 and 90 < minutes[-1] <= 110


def test_every_number_it_quotes_is_on_the_results_page():
    known = [number for part in parts((DOCS / "results.md").read_text(encoding="utf-8")) for number in part.numbers()]
    plan = TEACHING.split("## A lecture of two hours")[1].split("## On Colab")[0]
    plan = re.sub(r"## The scenes as links.*?\n## ", "## ", plan, flags=re.S)
    told = re.sub(r"\b\d:\d\d\b|\| \d+b? \|", " ", plan)
    told = re.sub(r"\d+ minutes|\d+ hours|\(\d.*?hours?\)|notebooks? [\d and to]*", " ", told)
    assert [quote for quote in quotes(told) if not quote.is_found_in(known)] == []


def test_every_notebook_has_a_misconception_and_what_corrects_it():
    names = {path.name.partition("_")[0].lstrip("0") for path in (DOCS.parent / "notebooks").glob("*.ipynb")}
    aims = rows("What each notebook aims at")
    assert {row[0] for row in aims} == names and all(len(row) == 3 and all(row) for row in aims)


@pytest.mark.parametrize("command", sorted(set(COMMANDS)))
def test_commands_for_lecturers_and_students_are_ones_that_toylab_has(command):
    assert run(*shlex.split(command), "--help").exit_code == 0


def test_points_of_ones_own_become_a_data_set_as_the_page_for_students_says():
    (block,) = re.findall(r"```python\n(.*?)```", (DOCS / "students.md").read_text(encoding="utf-8"), re.S)
    names = {}
    exec(block, names)
    mine, x = names["mine"], names["run"].x
    assert mine.distance(x).mean() < 0.2 and mine.coverage(x, 0.2) == 1
    assert mine.curve(4).std(0, correction=0).square().mean().item() == pytest.approx(1)
