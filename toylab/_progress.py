"""Progress bars: repainted where somebody watches, and a line every ten seconds where nobody does."""

import sys
from collections.abc import Iterable
from typing import Any

from tqdm.auto import tqdm

QUIET = 10.0  # seconds between two lines in a file or a log
LINE = "{desc}: {percentage:.0f}%, {n_fmt} of {total_fmt} ({elapsed}, {remaining} left{postfix})"
IN_NOTEBOOK = any(kind.__module__ == "tqdm.notebook" for kind in tqdm.__mro__)


class Bar(tqdm):
    """tqdm's bar, which shows itself after two seconds, if at all, and leaves nothing behind where it is repainted.

    Args:
        iterable, desc, total, **options: as for tqdm. show: False for no bar.
    """

    def __init__(
        self,
        iterable: Iterable | None = None,
        desc: str | None = None,
        total: float | None = None,
        *,
        show: bool = True,
        **options: Any,
    ):
        if not (IN_NOTEBOOK or sys.stderr.isatty()):
            options |= {"file": _Lines(), "mininterval": QUIET, "miniters": 0, "bar_format": LINE}
        super().__init__(iterable, desc, total, delay=2, leave=False, disable=not show, **options)


class _Lines:
    """stderr, for text that begins with a return to the start of the line: a line each, and none for blanks."""

    encoding = "utf-8"

    def write(self, text: str) -> None:
        if text.strip():
            sys.stderr.write(f"{text.strip()}\n")

    def flush(self) -> None:
        sys.stderr.flush()
