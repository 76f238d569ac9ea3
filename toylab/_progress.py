"""Progress bars: repainted where somebody watches, and a line every ten seconds where nobody does."""

import io
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from toylab._errors import flag
from toylab._extras import extra

QUIET = 10.0  # seconds between two lines in a file or a log
LINE = "{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt} ({elapsed}, {remaining} left{postfix})"


class Bar(tqdm):
    """tqdm's bar, which shows itself after two seconds, if at all, and leaves nothing behind where it is repainted.

    In a notebook it is a line of text: a bar of widgets would stay in the saved file as one that nobody finds again.

    Args:
        iterable, desc, total, **options: as for tqdm. show: False for no bar.
    """

    _output = None  # of a notebook's cell, once the bar is shown there

    def __init__(
        self,
        iterable: Iterable | None = None,
        desc: str | None = None,
        total: float | None = None,
        *,
        show: bool = True,
        **options: Any,
    ):
        self._in_notebook = _in_notebook()
        if self._in_notebook:
            options |= {"file": io.StringIO(), "ncols": 80}
        elif not sys.stderr.isatty():
            options |= {"file": _Lines(), "mininterval": QUIET, "miniters": 0, "bar_format": LINE}
        super().__init__(iterable, desc, total, delay=2, leave=False, disable=not flag("progress", show), **options)

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """Paint the bar, or `msg` instead of it; as tqdm's."""
        if not self._in_notebook:
            return super().display(msg, pos)
        text = str(self) if msg is None else msg
        if self._output is not None:
            self._output.update({"text/plain": text} if text else {}, raw=True)
        elif text:
            with extra("lab"):
                from IPython.display import display

            self._output = display({"text/plain": text}, raw=True, display_id=True)
        return True


def _in_notebook() -> bool:
    """True if a kernel runs this, and shows what it sends in an output of its own."""
    return "IPython" in sys.modules and hasattr(sys.modules["IPython"].get_ipython(), "kernel")


class _Lines:
    """stderr, for text that begins with a return to the start of the line: a line each, and none for blanks."""

    encoding = "utf-8"

    def write(self, text: str) -> None:
        if text.strip():
            sys.stderr.write(f"{text.strip()}\n")

    def flush(self) -> None:
        sys.stderr.flush()
