"""The exponential moving average of weights (EMA), which is what a run gives."""

from copy import deepcopy

import torch


class Average:
    """`network`: a copy of a network with averaged weights, in eval mode and without gradients.

    Its decay after n steps is `decay`, or (1 + n) / (10 + n) while that is less. Counting steps here, rather than on
    the device as torch's `AveragedModel` does, spares a wait for the device at each of them.
    """

    def __init__(self, network, decay):
        self.network = deepcopy(network).eval().requires_grad_(False)
        self.decay = decay

    @torch.no_grad()
    def update(self, network, n):
        """Take in the weights after n + 1 steps, n = 0, 1, ... Buffers are copied."""
        averages, weights = list(self.network.parameters()), list(network.parameters())
        decay = min(self.decay, (1 + n) / (10 + n)) if n else 0.0
        torch._foreach_lerp_(averages, weights, 1 - decay)
        for mine, theirs in zip(self.network.buffers(), network.buffers(), strict=True):
            mine.copy_(theirs)
