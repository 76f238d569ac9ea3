"""When a run stops before its end: Ctrl-C, a limit of time, a loss that is no longer finite, no memory."""

import signal
import threading
import time

import torch


class Diverged(FloatingPointError):
    """The loss or its gradient is no longer finite."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C stopped a run after a whole step; the message says where it is saved and how to go on."""


class TimeUp(Exception):
    """`max_minutes` are over; the run stopped after a whole step, and the message says how to go on."""


class StopRequest:
    """Turns the first Ctrl-C, and the end of `minutes` (None: no end), into a reason to stop, so that a step is never
    cut in two; the second Ctrl-C acts as usual. Outside the main thread, which alone receives Ctrl-C, only time
    counts."""

    def __init__(self, minutes=None):
        self.interrupted = False
        self.minutes = minutes
        self._previous = None

    @property
    def reason(self):
        """`Interrupted`, `TimeUp` or None."""
        if self.interrupted:
            return Interrupted
        return TimeUp if self.minutes is not None and time.monotonic() >= self._end else None

    def _request(self, signum, frame):
        self.interrupted = True
        self._restore()

    def _restore(self):
        if self._previous is not None:
            signal.signal(signal.SIGINT, self._previous)
            self._previous = None

    def __enter__(self):
        if self.minutes is not None:
            self._end = time.monotonic() + 60 * self.minutes
        if threading.current_thread() is threading.main_thread():
            self._previous = signal.signal(signal.SIGINT, self._request)
        return self

    def __exit__(self, *error):
        self._restore()


class enough_memory:
    """A block in which running out of memory becomes a MemoryError that says what to change."""

    def __init__(self, config):
        self.config = config

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        exhausted = isinstance(error, (torch.OutOfMemoryError, MemoryError))
        exhausted = exhausted or (isinstance(error, RuntimeError) and "can't allocate memory" in str(error))
        if exhausted:
            raise MemoryError(
                f"no memory for a batch of {self.config.batch} in {self.config.accumulate} part(s): double accumulate "
                "(same result, less memory), or lower batch, or set precision to bfloat16 on a GPU"
            ) from error
