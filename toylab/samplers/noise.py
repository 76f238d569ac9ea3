"""Random numbers: the start noise of a run, and the noise that stochastic steps put in."""

from collections.abc import Callable, Iterable, Sequence
from functools import cache

import numpy as np
import torch
from torch import Tensor

from toylab._errors import seed_number

_STEPS = 0x5EED  # keeps the noise of steps apart from the start noise of the same seed
_STEPS_BEGIN = 2**192  # where the stream of a particle's steps begins; its start noise begins at 0


class Seeds:
    """One seed for each particle, in place of `seed`: a particle's noise then depends on nothing but its own seed.

    Every particle has two streams of its own (start, steps) out of a counter-based generator (Philox: Salmon et al.
    2011), which are independent for different keys by design. torch's generator would not do: on the CPU it uses the
    lowest 32 bits of a seed, so that among 50,000 hashed ones two are often the same.

    Args:
        seeds: at least one integer in [0, 2**128). TypeError or ValueError otherwise.
    """

    def __init__(self, seeds: Iterable[int]):
        try:
            seeds = list(seeds)
        except TypeError:
            raise TypeError(f"seeds must be a list of integers, got {seeds!r}") from None
        self.seeds = [seed_number("seeds", seed, 128) for seed in seeds]
        if not self.seeds:
            raise ValueError("seeds must be at least one integer, got none")

    def __len__(self):
        return len(self.seeds)

    def __repr__(self):
        return f"Seeds({self.seeds})"

    def streams(self, n: int, begin: int = 0) -> list[np.random.Generator]:
        """n generators, one a particle; ValueError for another number of particles than of seeds."""
        if len(self) != n:
            raise ValueError(f"seed must be Seeds of {n} particles, got those of {len(self)}")
        return [np.random.Generator(np.random.Philox(key=seed, counter=begin)) for seed in self.seeds]


def start_noise(
    n: int,
    shape: Sequence[int],
    seed: int | Seeds | None,
    dtype: torch.dtype = torch.float32,
    device: torch.device | str = "cpu",
) -> Tensor:
    """Standard normal noise [n, *shape], drawn on the CPU in float64.

    It depends on seed, n and shape alone; with `Seeds` that of each particle on its own seed and shape alone.
    """
    if isinstance(seed, Seeds):
        noise = _draw(seed.streams(n), shape)
    else:
        noise = torch.randn(n, *shape, generator=_generator(seed), dtype=torch.float64)
    return noise.to(device=device, dtype=dtype)


def step_noise(n: int, seed: int | Seeds | None) -> Callable[[Tensor], Tensor]:
    """``noise(like)`` for the steps of n particles: standard normal like the tensor [n, *shape], new at each call."""
    if isinstance(seed, Seeds):
        streams = seed.streams(n, _STEPS_BEGIN)
        return lambda like: _draw(streams, like.shape[1:]).to(like)
    if seed is not None:
        seed_number("seed", seed)
    generator = cache(lambda: _generator(seed, _STEPS))  # most methods never ask
    return lambda like: torch.randn(like.shape, generator=generator(), dtype=torch.float64).to(like)


def _draw(streams, shape):
    return torch.from_numpy(np.stack([stream.standard_normal(tuple(shape)) for stream in streams]))


def _generator(seed, stream=0):
    generator = torch.Generator()
    if seed is None:
        generator.seed()
        return generator
    return generator.manual_seed(seed_number("seed", seed) + stream)
