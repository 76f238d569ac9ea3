"""Stopping a long measurement without losing what it has found."""

from typing import Any


class Interrupted(KeyboardInterrupt):
    """Ctrl-C (in a notebook: interrupt the kernel) during a measurement.

    It stops programs and notebooks as KeyboardInterrupt does, and carries what had been measured::

        try:
            estimate = measure_order(...)
        except Interrupted as stop:
            estimate = stop.done

    In a notebook, after the fact: ``import sys; estimate = sys.last_value.done``.

    Attributes:
        done: the result that the call would have returned, with the parts that were finished; None when
            they are too few for any.
    """

    def __init__(self, what: str, done: Any):
        kept = "nothing had been finished" if done is None else "what is done is kept in `done` of this exception"
        super().__init__(f"{what}; {kept}")
        self.done = done
