"""Notebook 11: samplers as plain functions, and what it says of them."""

import inspect
from pathlib import Path

import nbformat
import pytest
import torch

import toylab
from toylab import problems
from toylab.analysis import work_precision
from toylab.lessons.written import ddim, euler, two_slopes

NOTEBOOK = Path(__file__).parents[1] / "notebooks" / "11_write_a_sampler.ipynb"


@pytest.mark.parametrize("written, name", [(euler, "Euler"), (ddim, "DDIM"), (two_slopes, "DEIS-rhoAB1")])
def test_what_is_written_is_what_is_published(written, name):
    two = problems.two_points(0.1)
    ours, theirs = (toylab.sample(two, method=method, steps=7, n=8, progress=False) for method in (written, name))
    torch.testing.assert_close(ours.states, theirs.states, rtol=1e-9, atol=1e-9)
    assert ours.nfe_per_step == theirs.nfe_per_step


def test_the_notebook_shows_the_source_that_runs():
    (title, *_) = nbformat.read(NOTEBOOK, as_version=4).cells
    assert f"```python\n{inspect.getsource(euler)}```" in title.source


@pytest.mark.slow
def test_ten_lines_are_on_the_front_from_ten_evaluations_on():
    circle = problems.find("circle", "exact")
    rivals = [euler, ddim, two_slopes, "S-PNDM", "F-PNDM", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2"]
    found = work_precision(circle, methods=rivals, nfe=(10, 20, 50), n=128, seeds=(0,), progress=False)
    assert [(row.method, row.nfe) for row in found.front()] == [("two_slopes", nfe) for nfe in (10, 20, 50)]
