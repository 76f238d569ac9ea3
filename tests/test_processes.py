"""Which device and which processes a run finds."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from toylab import _processes as processes

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize(
    ("there", "kind", "asked", "on_cpu"),
    [
        (False, "cuda", None, True),  # a build of torch for GPUs where there is none
        (False, None, None, True),
        (True, "cuda", None, False),
        (True, "cuda", "true", True),
        (True, "cuda", "false", False),
        (True, "mps", None, True),
    ],
)
def test_a_run_is_on_the_cpu_without_a_gpu_that_has_float64_or_when_asked(monkeypatch, there, kind, asked, on_cpu):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: there)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: kind and torch.device(kind))
    monkeypatch.delenv("ACCELERATE_USE_CPU", raising=False)
    if asked:
        monkeypatch.setenv("ACCELERATE_USE_CPU", asked)
    assert processes._on_cpu() is on_cpu


@pytest.mark.slow
def test_processes_wait_for_one_another_also_where_the_device_comes_first():
    code = (
        "import accelerate\nfrom toylab import _processes as processes\nseen = []\n"
        "plain = processes.PartialState\n"
        "processes.PartialState = lambda *args, **more: seen.append(more) or plain(*args, **more)\n"
        "processes.device()\nassert seen[0]['timeout'] == processes.PATIENCE"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ)
