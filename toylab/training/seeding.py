"""Random numbers that neither other threads nor torch's settings of the moment can change."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch.overrides import TorchFunctionMode

_TURN = threading.RLock()
MADE = (torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn)
DRAWN = (torch.rand, torch.randn, torch.Tensor.uniform_, torch.Tensor.normal_, torch.Tensor.bernoulli_)


@contextmanager
def seeded(seed: int, device: torch.device) -> Iterator[None]:
    """Let torch's global generators, from which layers such as dropout draw, start from `seed` in the block. They are
    this thread's among those that ask here, and afterwards what they were."""
    with _TURN, torch.random.fork_rng([device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield


class fresh_weights(TorchFunctionMode):
    """A block in which layers are made on the CPU in float32, whatever torch's defaults, with weights from a generator
    of its own: those of ``torch.manual_seed(seed)``."""

    def __init__(self, seed: int):
        super().__init__()
        self.generator = torch.Generator("cpu").manual_seed(seed)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        given = {} if kwargs is None else dict(kwargs)
        if func in MADE:
            given["dtype"] = given.get("dtype") or torch.float32
            given["device"] = given.get("device") or "cpu"
        if func in DRAWN or "generator" in given:
            given["generator"] = given.get("generator") or self.generator
        return func(*args, **given)
