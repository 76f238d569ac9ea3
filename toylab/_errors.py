"""What toylab says when an argument is wrong: its name, its value, and what is allowed."""

import math
from difflib import get_close_matches
from numbers import Integral, Real


def unknown_name(argument, value, known):
    """The exception for a name that is not in `known`: a ValueError with the nearest suggestion,
    or a TypeError when `value` is no string. Returned, not raised, so that callers write ``raise``."""
    if not isinstance(value, str):
        return TypeError(f"{argument} must be a name (str), got {value!r}")
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(value.lower(), by_lower, n=3, cutoff=0.5)
    near.sort(key=lambda name: sorted(name) != sorted(value.lower()))  # swapped letters first
    hint = f"did you mean {by_lower[near[0]]!r}? " if near else ""
    return ValueError(f"unknown {argument} {value!r}; {hint}choose from: {', '.join(known)}")


def positive_int(argument, value, at_least=1):
    """`value` as an int >= `at_least`; TypeError for another type (bool included), ValueError below."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{argument} must be an integer of at least {at_least}, got {value!r}")
    if value < at_least:
        raise ValueError(f"{argument} must be an integer of at least {at_least}, got {value}")
    return int(value)


def number(argument, value, low=-math.inf, high=math.inf, *, open_low=False):
    """`value` as a finite float in [low, high] ((low, high] with `open_low`); TypeError or ValueError otherwise."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument} must be a number, got {value!r}")
    allowed = f"{'(' if open_low else '['}{low:g}, {high:g}]"
    if not math.isfinite(value) or value < low or value > high or (open_low and value == low):
        raise ValueError(f"{argument} must be a finite number in {allowed}, got {value}")
    return float(value)
