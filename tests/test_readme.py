"""The README promises nothing that does not run."""

import ast
import re
from pathlib import Path

import pytest
import torch
import typer
from typer.testing import CliRunner

import toylab
from toylab.cli import app

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", README, re.S)


def test_the_tour_runs_and_measures_the_orders_it_states():
    tour = blocks("python")[0]
    lines, names, stated = tour.splitlines(), {}, []
    for statement in ast.parse(tour).body:
        code = "\n".join(lines[statement.lineno - 1 : statement.end_lineno])
        if ".order" in code:
            stated.append((eval(code, names), float(re.search(r"[\d.]+\d", code.partition("#")[2])[0])))
        else:
            exec(code, names)
    assert torch.isfinite(names["run"].x).all()
    assert len(stated) == 3
    for measured, promised in stated:
        assert measured == pytest.approx(promised, abs=0.1)


def test_every_command_shown_is_one_that_the_command_line_has():
    commands = [line.split("#")[0].split() for block in blocks("sh") for line in block.splitlines()]
    shown = [command for command in commands if command and command[0] == "toylab"]
    assert len(shown) >= 4
    for _, name, *arguments in shown:
        help_text = CliRunner().invoke(app, [name, "--help"], terminal_width=200).output
        for option in (argument for argument in arguments if argument.startswith("-")):
            assert option in help_text, f"toylab {name} has no {option}"


def test_the_time_that_a_training_takes_is_that_of_the_help():
    lines = [line for block in blocks("sh") for line in block.splitlines() if line.startswith("toylab train spiral ")]
    (said,) = {line.split("#")[1].strip() for line in lines}
    assert said == "about a minute on one core"
    help_text = CliRunner().invoke(app, ["train", "--help"], terminal_width=200).output
    assert f"In the plane the defaults take {said}" in " ".join(help_text.split())


NAMELESS = {"lab", "datasets", "methods", "train", "reproduce", "export", "present", "exercises", "claims"}


def test_every_example_in_readme_and_help_is_of_something_that_comes_with_toylab():
    texts = [*blocks("sh"), *(CliRunner().invoke(app, [name, "--help"]).output for name in commands_of_toylab())]
    found = re.findall(r"^ *toylab ([\w-]+) ([\w-]+)", "\n".join(texts), re.MULTILINE)
    names = {name for command, name in found if command not in NAMELESS and not name.startswith("-")}
    assert {"spiral", "digits", "cifar10"} <= names <= {*toylab.datasets.names(), *toylab.epsilon.names()}


def commands_of_toylab():
    return typer.main.get_command(app).commands


def test_every_make_target_shown_exists():
    targets = set(re.findall(r"^([a-z-]+):.*##", (ROOT / "Makefile").read_text(), re.M))
    assert set(re.findall(r"make (lab|test|picture|help|notebooks|reproduce)", README)) <= targets


def test_every_link_and_picture_leads_to_a_file():
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        if "://" not in target:
            assert (ROOT / target).exists(), target


def test_every_method_named_in_the_table_is_known():
    table = README.split("## Methods")[1].split("Beside the table")[0]
    cells = [cell.strip(" *") for row in table.splitlines() if row.startswith("|") for cell in row.split("|")[3:5]]
    named = [cell.split(" (")[0] for cell in cells if re.fullmatch(r"[A-Z][\w-]*( \(.*\))?", cell)]
    assert len(named) >= 11
    assert set(named) <= set(toylab.methods())


def test_every_notebook_is_listed():
    for notebook in (ROOT / "notebooks").glob("[0-9]*.ipynb"):
        assert f"notebooks/{notebook.name}" in README
