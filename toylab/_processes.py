"""This process's device, and its place among others when accelerate or torchrun started several."""

from datetime import timedelta

import torch
from accelerate import Accelerator, PartialState
from accelerate.utils import parse_flag_from_env

PATIENCE = timedelta(days=7)  # of processes that have to wait for others, whose share of the work may take longer


def accelerator():
    """accelerate's `Accelerator`, in full precision: ``device``, ``process_index``, ``num_processes``.

    Without a GPU it is a CPU's, which accelerate must be told for torchrun's processes to find one another; so it is
    on Apple's GPUs, which have no float64, and where ``accelerate launch --cpu`` asks for it.
    """
    place()  # with its patience
    return Accelerator(cpu=_on_cpu(), mixed_precision="no")


def place():
    """accelerate's `PartialState`: ``is_main_process``, ``main_process_first()``, ``wait_for_everyone()``."""
    return PartialState(cpu=_on_cpu(), timeout=PATIENCE)


def _on_cpu():
    if parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available():
        return True
    return torch.accelerator.current_accelerator().type == "mps"  # what torch was built for, be it there or not
