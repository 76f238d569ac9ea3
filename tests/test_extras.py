"""The core works without the packages of the extras, and says which extra brings what is missing."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from toylab._extras import extra

ROOT = Path(__file__).parents[1]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
MODULES = {
    "images": {"diffusers", "pooch"},
    "inception": {"torch_fidelity"},
    "lab": {"IPython", "anywidget", "ipywidgets", "jupyterlab", "traitlets"},
    "site": {"latex2mathml", "markdown_it"},
}
PACKAGES = {
    "IPython": "ipython",
    "markdown_it": "markdown-it-py",
    "torch_fidelity": "torch-fidelity",
}  # whose names are not those of their modules

WITHOUT = """
import importlib.abc, sys

class Missing(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {blocked}:
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

sys.meta_path.insert(0, Missing())
import toylab
{code}
"""
EACH = """
import os, sys, torch

for program in {programs}:
    if not (child := os.fork()):
        exec(program)
        os._exit(0)
    print("status", os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), file=sys.stderr)
"""
CASES = [  # the extra, the module of it that is missing, and what needs it
    ("images", "diffusers", 'toylab.load("digits")'),
    ("images", "diffusers", "toylab.epsilon.UNet"),
    ("images", "diffusers", 'toylab.load("google/ddpm-cifar10-32")'),
    ("images", "pooch", "from toylab.images.data import cifar; cifar._download(None, '', '', False)"),
    ("inception", "torch_fidelity", "toylab.images.Inception(download=True)"),
    ("lab", "anywidget", "toylab.widgets.Player"),
    ("lab", "anywidget", "toylab.widgets.Lab"),
    ("lab", "traitlets", "toylab.widgets.Gallery"),
    ("lab", "jupyterlab", "from toylab.cli import app; app(['lab'])"),
    ("site", "latex2mathml", "import toylab.pages.text"),
    ("site", "markdown_it", "import toylab.pages.text"),
]


def program(modules, code):
    """What runs `code` after ``import toylab`` where `modules` are missing"""
    return WITHOUT.format(blocked=sorted(modules), code=code)


def run(program):
    """The finished process that ran it"""
    return subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120)


def without(modules, code):
    return run(program(modules, code))


@pytest.fixture(scope="module")
def said():
    """What each of `CASES` wrote on stderr, in a child of one process that has imported torch for all"""
    done = run(EACH.format(programs=[program({missing}, code) for _, missing, code in CASES]))
    *said, rest = re.split(r"^status 1\n", done.stderr, flags=re.MULTILINE)
    assert (done.returncode, rest) == (0, "")
    return dict(zip(CASES, said, strict=True))


def test_the_extras_are_those_that_are_left_out_here():
    declared = {
        name: {package for line in lines if not (package := line.partition(">=")[0]).startswith("toylab[")}
        for name, lines in EXTRAS.items() if name != "test"
    }  # fmt: skip
    assert declared == {name: {PACKAGES.get(each, each) for each in modules} for name, modules in MODULES.items()}


@pytest.mark.slow
def test_every_public_name_of_the_core_is_there_without_the_extras_and_accelerate():
    code = """
core = {name for name in toylab.__all__ if name not in ("images", "lessons", "training", "widgets")}
rooms = [toylab.analysis, toylab.datasets, toylab.epsilon, toylab.figures, toylab.problems, toylab.samplers]
for name in core:
    getattr(toylab, name)
for room in rooms:
    for name in {*room.__all__} - {"Sharpener", "UNet"}:
        getattr(room, name)
"""
    done = without(set().union(*MODULES.values()) | {"accelerate", "huggingface_hub"}, code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_sampling_measuring_drawing_and_training_in_the_plane_need_no_extra(tmp_path):
    code = f"""
net = toylab.load("spiral")
run = toylab.sample(net, net.schedule, "F-PNDM", 10, n=8)
found = toylab.sweep(net, net.schedule, methods=["DDIM"], steps=[5], n=8)
exact = toylab.exact_eps(toylab.datasets.get("circle").curve(20), "linear")
toylab.measure_order(exact, "linear", "DDIM", (40, 80), n=4)
toylab.figures.plot_schedules()
toylab.widgets.still
toylab.images.load("digits")
toylab.training.train_2d("circle", steps=2, batch=4, out={str(tmp_path / "own.safetensors")!r}, progress=False)
toylab.load({str(tmp_path / "own.safetensors")!r})
import toylab.cli
"""
    done = without(set().union(*MODULES.values()), code)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case[1]}: {case[2]}")
def test_what_needs_an_extra_says_which_to_install(said, case):
    needed, missing, _ = case
    line = said[case].splitlines()[-1]
    assert f"{missing} is not installed; it comes with: pip install 'toylab[{needed}]'" in line


def test_other_errors_of_an_import_are_left_alone():
    with pytest.raises(ImportError, match="^as it was$"), extra("lab"):
        raise ImportError("as it was")
