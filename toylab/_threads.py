"""The number of threads of torch on the CPU: one, for everything small."""

import ctypes
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock

import torch
from threadpoolctl import threadpool_limits

SMALL = 2**16  # numbers in a batch up to which a second thread gained nothing: see benchmarks/threads.py


class single_thread:
    """Run a block on one thread, then restore the number; given a tensor, only if that has at most SMALL numbers.

    A second thread gains little on a few thousand particles or some images, and waits for the first at every
    operation: on a machine that is busy with something else, that wait is long.

    `torch.set_num_threads` also sets the number that new threads of Python start with. A block changes that of its
    own thread alone, so blocks in several threads do not meet. (Where torch's library does not offer that, as on
    Windows, a thread that uses torch for the first time during a block keeps one.)
    """

    def __init__(self, x: torch.Tensor | None = None):
        self.wanted = x is None or x.numel() <= SMALL
        self.restored = None

    def __enter__(self) -> None:
        threads = torch.get_num_threads() if self.wanted else 1  # asking also lets torch set up this thread
        if threads > 1:
            self.restored = threads, _set_openmp(1), _set_mkl(1)

    def __exit__(self, *_: object) -> None:
        if self.restored:
            threads, _, mkl = self.restored
            _set_openmp(threads)
            _set_mkl(mkl)


def small_on_one_thread(method: Callable) -> Callable:
    """A method(self, x, ...) on one thread where x is a small tensor; networks in training are their loop's matter."""

    @wraps(method)
    def run(self, x, *args, **kwargs):
        if not isinstance(x, torch.Tensor) or getattr(self, "training", False):
            return method(self, x, *args, **kwargs)
        with single_thread(x):
            return method(self, x, *args, **kwargs)

    return run


_changing, _inside, _limits = Lock(), 0, None


@contextmanager
def single_blas_thread() -> Iterator[None]:
    """Run a block without further threads of the BLAS of NumPy and SciPy, which L-BFGS-B wakes for ten numbers.

    BLAS has one number for the whole process, so the last of the blocks that overlap restores it.
    """
    global _inside, _limits
    with _changing:
        _inside, _limits = _inside + 1, _limits or threadpool_limits(1, "blas")
    try:
        yield
    finally:
        with _changing:
            _inside -= 1
            if not _inside:
                _limits.restore_original_limits()
                _limits = None


def _setter(name, otherwise):
    """The C function `name` of the libraries that torch is linked with, for the calling thread alone."""
    return getattr(ctypes.PyDLL(torch._C.__file__), name, otherwise)


_set_openmp = _setter("omp_set_num_threads", torch.set_num_threads)
_set_mkl = _setter("MKL_Set_Num_Threads_Local", lambda threads: threads)  # returns the number before, 0 for its own
