"""This process's device, and its place among others when accelerate or torchrun started several."""

from datetime import timedelta

import torch
from accelerate import Accelerator, PartialState

PATIENCE = timedelta(days=7)  # of processes that have to wait for others, whose share of the work may take longer


def accelerator():
    """accelerate's `Accelerator`, in full precision: ``device``, ``process_index``, ``num_processes``.

    Without a GPU it is a CPU's, which accelerate must be told for torchrun's processes to find one another; so it is
    on Apple's GPUs, which have no float64.
    """
    return Accelerator(cpu=_on_cpu(), mixed_precision="no")


def place():
    """accelerate's `PartialState`: ``is_main_process``, ``main_process_first()``, ``wait_for_everyone()``."""
    return PartialState(cpu=_on_cpu(), timeout=PATIENCE)


def _on_cpu():
    found = torch.accelerator.current_accelerator()
    return found is None or found.type == "mps"
