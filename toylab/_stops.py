"""Ctrl-C and SIGTERM, which batch systems send, as a KeyboardInterrupt that reaches the command line."""

import signal
import sys
from types import FrameType
from typing import Any

SIGNALS = signal.SIGINT, signal.SIGTERM
AGAIN = getattr(signal, "SIGALRM", None)  # Windows has none: there, a stop in a bad moment may be lost
SOON = 0.02  # seconds

came = False  # a stop has come, whatever libraries have made of it


def listen() -> None:
    """From now on a stop raises KeyboardInterrupt in the main thread: after an import, not in the middle of one, which
    libraries in C++ answer by aborting; and once more where it was raised in a callback, from which nothing returns."""
    for each in SIGNALS:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, _stop)
    if AGAIN:
        signal.signal(AGAIN, _stop)
        sys.unraisablehook = _raised_in_vain


def hush() -> None:
    """From now on nothing is stopped: what was to be done is done."""
    for each in filter(None, (*SIGNALS, AGAIN)):
        signal.signal(each, signal.SIG_IGN)


def _stop(signum: int, frame: FrameType | None) -> None:
    global came
    came = True
    if AGAIN and _importing(frame):
        signal.setitimer(signal.ITIMER_REAL, SOON)
    else:
        raise KeyboardInterrupt


def _importing(frame):
    while frame and frame.f_globals.get("__name__") != "importlib._bootstrap":
        frame = frame.f_back
    return frame is not None


def _raised_in_vain(report: Any) -> None:
    if issubclass(report.exc_type, KeyboardInterrupt):
        signal.setitimer(signal.ITIMER_REAL, SOON)
    else:
        sys.__unraisablehook__(report)
