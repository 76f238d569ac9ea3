"""Reasons for a run to stop before its end: Ctrl-C, a limit of time, a loss that is no longer finite, no memory."""

import math
import signal
import threading
import time

import torch
from accelerate.utils import reduce

from toylab.training.config import TrainConfig
from toylab.training.state import ResumeState

VOTE_SECONDS = 1.0  # between two votes of several processes; their launcher kills them 30 seconds after it was stopped
EXHAUSTED = ("allocate memory", "not enough memory", "out of memory", "ALLOC_FAILED")  # in errors of torch


class Diverged(FloatingPointError):
    """The loss or its gradient is no longer finite."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, or SIGTERM, stopped a run after a whole step; the message says where it is saved and how to go on."""


class TimeUp(Exception):
    """`max_minutes` are over; the run stopped after a whole step, and the message says how to go on."""


class StopRequest:
    """Turns the first Ctrl-C or SIGTERM (what batch systems send), and the end of `minutes` (None: no end), into a
    reason to stop, so that a step is never cut in two; the second acts as usual. Outside the main thread, which alone
    receives signals, only time counts."""

    def __init__(self, minutes: float | None = None):
        self.interrupted = False
        self._end = math.inf if minutes is None else time.monotonic() + 60 * minutes
        self._previous = {}
        self._voted: tuple[float, int] | None = None  # when, and after which step
        self._vote = 0  # the step after which they vote next

    @property
    def reason(self) -> type[BaseException] | None:
        """`Interrupted`, `TimeUp` or None."""
        if self.interrupted:
            return Interrupted
        return TimeUp if time.monotonic() >= self._end else None

    def agreed(self, done: int, device: torch.device) -> type[BaseException] | None:
        """The reason of any of several processes after `done` steps, the same in all: about once a second they vote,
        which waits for the device; None between two votes."""
        if done < self._vote:
            return None
        pace = VOTE_SECONDS  # seconds a step, unknown at first, wherever the run begins
        if self._voted:
            pace = (time.monotonic() - self._voted[0]) / (done - self._voted[1])
        kinds = [Interrupted, TimeUp]
        ballot = [pace, *(float(self.reason is kind) for kind in kinds)]
        pace, *votes = reduce(torch.tensor(ballot, device=device), "mean").tolist()
        self._voted = time.monotonic(), done
        self._vote = done + max(1, round(VOTE_SECONDS / max(pace, 1e-3)))
        return next((kind for kind, vote in zip(kinds, votes, strict=True) if vote), None)

    def _request(self, signum, frame):
        self.interrupted = True
        self._restore()

    def _restore(self):
        for number, handler in self._previous.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)  # None: not Python's
        self._previous = {}

    def __enter__(self):
        if threading.current_thread() is threading.main_thread():
            heard = [each for each in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(each) is not signal.SIG_IGN]
            self._previous = {each: signal.signal(each, self._request) for each in heard}
        return self

    def __exit__(self, *error):
        self._restore()


class enough_memory:
    """A block in which running out of memory becomes a MemoryError that says what to change, in a run that is continued
    only what may be changed then."""

    def __init__(self, config: TrainConfig, resume: bool = False):
        self.config, self.resume = config, resume

    def __enter__(self):
        return self

    def __exit__(self, kind, error, traceback):
        if _is_exhausted(error):
            others = "" if self.resume else ", or lower batch, or set precision to bfloat16 on a GPU"
            raise MemoryError(
                f"no memory for a batch of {self.config.batch} in {self.config.accumulate} part(s): double accumulate "
                f"(same result, less memory){others}"
            ) from error


def _is_exhausted(error):
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in EXHAUSTED)


def check_finite(window: torch.Tensor, done: int, run: ResumeState) -> None:
    """`Diverged`, with the step and the way on, unless the losses and gradient norms [n, 2] of the steps up to `done`
    are finite."""
    bad = (~window.isfinite()).nonzero()
    if len(bad) == 0:
        return
    row, column = bad[0].tolist()
    where = "" if run.saved is None else f"the state after step {run.saved} is kept in {run.path}; "
    raise Diverged(
        f"the {('loss', 'gradient')[column]} became {window[row, column].item()} at step "
        f"{done - len(window) + row + 1}: {where}train again with a smaller lr"
    )
