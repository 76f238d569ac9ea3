"""Run a student's code: for so long, with so much printed, and whatever it raises is told kindly."""

import ctypes
import sys
import threading
import traceback
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

PACKAGE = str(Path(__file__).parents[2])
KEPT = 500  # characters of what is printed
LONGEST = 300  # characters of an error's message


class Unfit(Exception):
    """An answer that cannot be looked at, with a sentence that says why."""


class Undone(Exception):
    """A function that returned the ``...`` that it was given with."""


class TookTooLong(BaseException):
    """Raised inside code whose time is up; no Exception, so that a student's own handlers let it pass."""


class Raised(Exception):
    """An error of a student's code: a sentence, and the line where it was raised."""

    def __init__(self, error: BaseException):
        self.code = _line(error)
        message = " ".join(str(error).split())
        message = message if len(message) <= LONGEST else message[:LONGEST] + " …"
        super().__init__(f"{type(error).__name__}: {message}" if message else type(error).__name__)


def run(function: Callable[[], Any], seconds: float) -> tuple[Any, str]:
    """(what `function()` returns, the beginning of what it printed), in a thread that is stopped after `seconds`.

    Raises Unfit as it is, also where the time is up, and Raised for everything else.
    """
    found, output = [], _Beginning()

    def work():
        try:
            found.append((function(), None))
        except BaseException as error:  # a student's exit() too
            found.append((None, error))

    thread = threading.Thread(target=work, daemon=True)
    with redirect_stdout(output), redirect_stderr(output):
        thread.start()
        try:
            thread.join(seconds)
        finally:
            late = thread.is_alive()
            stopped = not late or _stop(thread)
    if late:
        still = "" if stopped else ", and cannot be stopped: restart the kernel"
        raise Unfit(f"Your code was still running after {seconds:g} seconds{still}. Is there a loop that never ends?")
    value, error = found[0]
    if isinstance(error, Unfit):
        raise error
    if error is not None:
        raise Raised(error) from error
    return value, output.text()


class _Beginning:
    """A file to print into that keeps the first characters and counts the others."""

    encoding = "utf-8"

    def __init__(self):
        self.kept, self.count = "", 0

    def write(self, text):
        self.kept += text[: max(0, KEPT - len(self.kept))]
        self.count += len(text)
        return len(text)

    def flush(self):
        """Nothing to do."""

    def isatty(self):
        return False

    def text(self):
        more = self.count - len(self.kept)
        return self.kept.strip() + (f" … and {more:,} characters more" if more else "")


def _stop(thread):
    """True if the thread has ended, after TookTooLong was raised in it a few times: code may catch even that."""
    for _ in range(10):
        ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident), ctypes.py_object(TookTooLong))
        thread.join(0.1)
        if not thread.is_alive():
            return True
    return False


def _line(error):
    """The last line outside this package and other libraries where `error` passed, or ""."""
    for frame in reversed(traceback.extract_tb(error.__traceback__)):
        if not frame.filename.startswith((PACKAGE, sys.prefix, sys.base_prefix)) and frame.line:
            return f"line {frame.lineno}: {frame.line}"
    return ""
