"""How many threads torch uses for tensors as small as those of points in the plane: one."""

from contextlib import contextmanager

import torch


@contextmanager
def single_thread():
    """Run a block on one thread, then restore the number.

    A second thread gains nothing on a few hundred particles and small networks, and waits for the first at every
    operation; on a machine that is busy with something else, that wait is long.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
