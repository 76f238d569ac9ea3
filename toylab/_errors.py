"""The words for a wrong argument: its name, its value, and what is allowed."""

import inspect
import math
import sys
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from reprlib import repr as in_short

MOST = 10**12  # of anything that is counted: more fits into no memory and ends in no lifetime


def unknown_name(argument: str, value: object, known: Iterable[str]) -> ValueError | TypeError:
    """The exception for a name that is not in `known`: a ValueError with the nearest suggestion,
    or a TypeError when `value` is no string. Returned, not raised, so that callers write ``raise``."""
    if not isinstance(value, str):
        return TypeError(f"{argument} must be a name (str), got {in_short(value)}")
    by_lower = {name.lower(): name for name in known}
    near = get_close_matches(value.lower(), by_lower, n=3, cutoff=0.5)
    near.sort(key=lambda name: sorted(name) != sorted(value.lower()))  # swapped letters first
    hint = f"did you mean {by_lower[near[0]]!r}? " if near else ""
    return ValueError(f"unknown {argument} {value!r}; {hint}choose from: {', '.join(known)}")


def positive_int(argument: str, value: object, at_least: int = 1, at_most: float = MOST) -> int:
    """`value` as an int from `at_least` to `at_most`; TypeError for another type (bool included), ValueError beyond."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{argument} must be an integer of at least {at_least}, got {in_short(value)}")
    found = int(value)
    if found < at_least:
        raise ValueError(f"{argument} must be an integer of at least {at_least}, got {value}")
    if found > at_most:
        raise ValueError(f"{argument} must be an integer of at most {at_most}, got {value}")
    return found


def seed_number(argument: str, value: object, bits: int = 63) -> int:
    """`value` as a seed, an int of so many bits; TypeError or ValueError otherwise."""
    found = positive_int(argument, value, 0, math.inf)
    if found >= 2**bits:
        raise ValueError(f"{argument} must be an integer of at least 0 and below 2**{bits}, got {value}")
    return found


def number(
    argument: str, value: object, low: float = -math.inf, high: float = math.inf, *, open_low: bool = False
) -> float:
    """`value` as a finite float in [low, high] ((low, high] with `open_low`); TypeError or ValueError otherwise."""
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{argument} must be a number, got {in_short(value)}")
    allowed = f"{'(' if open_low else '['}{low:g}, {high:g}]"
    huge = isinstance(value, Integral) and abs(int(value)) > sys.float_info.max
    found = math.inf if huge else float(value)
    if not math.isfinite(found) or found < low or found > high or (open_low and found == low):
        raise ValueError(f"{argument} must be a finite number in {allowed}, got {value}")
    return found


def flag(argument: str, value: object) -> bool:
    """`value` as a bool; TypeError for anything else, numpy's bool apart."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise TypeError(f"{argument} must be True or False, got {in_short(value)}")
    return bool(value)


def listed(argument: str, values: object, of: str) -> list:
    """`values` as a list of what `of` says; TypeError for a string and for what is none, a tensor of one number too."""
    try:
        if not isinstance(values, str):
            return list(values)
    except TypeError:
        pass
    raise TypeError(f"{argument} must be a list of {of}, got {in_short(values)}")


def function_of(argument: str, value: object, takes: str) -> Callable:
    """`value`, a function that can be called with what `takes` says, such as "n, generator"; TypeError otherwise."""
    wrong = TypeError(f"{argument} must be a function {argument}({takes}), got {in_short(value)}")
    if not callable(value):
        raise wrong
    try:
        inspect.signature(getattr(value, "forward", value)).bind(*takes.split(", "))  # a module's call takes anything
    except TypeError:
        raise wrong from None
    except ValueError:  # of a builtin, which does not say what it takes
        pass
    return value
