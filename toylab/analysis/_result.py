"""The base of what measurements return: a table, a figure and JSON."""

from importlib import import_module
from typing import Any

from toylab._files import strict_json
from toylab.analysis._table import Table

FIGURES = "toylab.figures"  # the room above that draws results; named here alone, and imported to draw


class Result:
    """The findings of a measurement.

    A subclass has its numbers in `as_dict`, shows them in `table`, and names the function of `toylab.figures` that
    draws it in `drawn_by`.
    """

    drawn_by = ""

    def as_dict(self) -> dict:
        """All numbers, as dicts, lists, arrays, strings and None."""
        raise NotImplementedError(f"{type(self).__name__} must define as_dict()")

    def table(self) -> Table:
        """The numbers worth reading, for a notebook, a terminal or a page."""
        raise NotImplementedError(f"{type(self).__name__} must define table()")

    def __repr__(self):
        return f"{type(self).__name__}\n{self.table()}"

    def _repr_html_(self):
        return self.table()._repr_html_()

    def plot(self, *args: Any, **options: Any) -> Any:
        """Draw the result; arguments as for its function in `toylab.figures`. Returns the matplotlib Axes."""
        if not self.drawn_by:
            raise TypeError(f"there is no figure for a {type(self).__name__}")
        return getattr(import_module(FIGURES), self.drawn_by)(self, *args, **options)

    def to_json(self) -> str:
        """All numbers as JSON; those that are not finite, which JSON does not have, are null."""
        return strict_json(self.as_dict(), indent=2)


class Rows:
    """The part of a result whose `rows` each belong to a method."""

    rows: tuple

    @property
    def methods(self) -> tuple[str, ...]:
        """Canonical names, in the order asked for."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    def of(self, method: str) -> tuple:
        """The rows of one method, in their order."""
        return tuple(row for row in self.rows if row.method == method)


def pick(found: object, *names: str) -> dict:
    """These attributes of `found`, for `as_dict`."""
    return {name: getattr(found, name) for name in names}


def reasons(left_out: dict) -> list[dict]:
    """(method, budget or tolerance) -> reason, as a list for `as_dict`."""
    return [{"method": name, "budget": at, "reason": why} for (name, at), why in left_out.items()]
