"""Packages that only an extra installs: ``pip install 'toylab[images]'``."""

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Imports in this block need the extra `name`; where one is missing, the error says how to install it."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            f"{error.name} is not installed; it comes with: pip install 'toylab[{name}]'", name=error.name
        ) from error
