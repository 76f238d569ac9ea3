"""This process's device, and its place among others when accelerate or torchrun started several.

Only accelerate's `PartialState` is used, which knows devices and processes and nothing else: an `Accelerator` takes
precision, compilation, accumulation and more from the environment, from a saved configuration, or from an Accelerator
that the user made before.
"""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import torch
from accelerate import PartialState
from accelerate.utils import broadcast_object_list, parse_flag_from_env

PATIENCE = timedelta(days=7)  # of processes that have to wait for others, whose share of the work may take longer

T = TypeVar("T")


def place() -> PartialState:
    """accelerate's `PartialState`: ``process_index``, ``num_processes``, ``is_main_process``, ``wait_for_everyone()``.

    Without a GPU it is a CPU's, which accelerate must be told for torchrun's processes to find one another; so it is
    on Apple's GPUs, which have no float64, and where ``accelerate launch --cpu`` asks for it.
    """
    return PartialState(cpu=_on_cpu(), timeout=PATIENCE)


def device() -> torch.device:
    """The device of this process: accelerate's, but never one of Apple's GPUs."""
    found = place().device
    return torch.device("cpu") if found.type == "mps" else found


def agreed(work: Callable[[], T]) -> T:
    """The result of `work()` on the main process, on every process; what it raises there is raised on all."""
    found = None, None
    if place().is_main_process:
        try:
            found = work(), None
        except Exception as error:
            found = None, error
    result, error = broadcast_object_list(list(found))
    if error:
        raise error
    return result


def _on_cpu():
    if parse_flag_from_env("ACCELERATE_USE_CPU") or not torch.accelerator.is_available():
        return True
    return torch.accelerator.current_accelerator().type == "mps"  # what torch was built for, be it there or not
