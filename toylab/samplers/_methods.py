"""Finding a method by its name or its parts, and setting its options."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from toylab._errors import number, unknown_name
from toylab._types import MethodLike
from toylab.samplers.adaptive import ProbabilityFlow
from toylab.samplers.adaptive_heun import AdaptiveHeun
from toylab.samplers.ancestral import Ancestral
from toylab.samplers.base import Method
from toylab.samplers.edm import EDMHeun
from toylab.samplers.functions import Function, check_arguments, name_of
from toylab.samplers.gradients import GRADIENTS, LATER_GRADIENTS
from toylab.samplers.pairs import DPMSolverPlusPlus, Pair
from toylab.samplers.rows import ALIASES, ROWS, Row, find
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS
from toylab.samplers.unipc import UniPC

KINDS = {
    kind.__name__: kind for kind in (Pair, DPMSolverPlusPlus, Ancestral, UniPC, EDMHeun, ProbabilityFlow, AdaptiveHeun)
}


def methods() -> list[str]:
    """The canonical names of all methods."""
    return [row.name for row in ROWS]


def aliases() -> dict[str, str]:
    """Other names that are understood: alias -> canonical name."""
    return dict(ALIASES)


def method(gradient: str, transfer: str = "pseudo", midpoint: str = "t", weights: str = "equispaced") -> Pair:
    """A method built from its parts; accepted wherever a method's name is.

    Args:
        gradient: "euler", "improved-euler", "rk4", "ab2", "ab4" or "plms", the paper's; "midpoint", "heun3",
            "rising-ab2" or "rising-ab3".
        transfer: "classical" or "pseudo", the paper's; "data" (x0 is averaged instead of eps) or "frozen"
            (phi without half of itself, a lesson: see `toylab.samplers.transfers`).
        midpoint: clock of inner Runge-Kutta nodes, "t", "sigma", "logsnr" or "own", the transfer's.
        weights: "equispaced", the paper's; "exact", "t", "logsnr" or "midpoint", see `toylab.samplers.weights`. Both
            are without effect where a method has no inner Runge-Kutta nodes or no multistep weights.

    Raises:
        ValueError: for an unknown part (TypeError for what is no name).
    """
    gradients, transfers = GRADIENTS | LATER_GRADIENTS, TRANSFERS | LATER_TRANSFERS
    given = {"gradient": (gradient, gradients), "transfer": (transfer, transfers)}
    for argument, (value, known) in given.items():
        if not isinstance(value, str) or value.lower() not in known:
            raise unknown_name(argument, value, list(known))
    gradient, transfer = gradient.lower(), transfer.lower()
    for parts in ((weights, midpoint), ("equispaced", "t")):
        for row in ROWS:
            if (row.gradient, row.transfer, row.weights, row.midpoint) == (gradient, transfer, *parts):
                return _with_options(_made(row), {"midpoint": midpoint, "weights": weights})
    pair = Pair(f"{gradient}+{transfer}", gradients[gradient], transfers[transfer])
    return _with_options(pair, {"midpoint": midpoint, "weights": weights})


def get(method: MethodLike, eta: float = 0.0, **options: Any) -> Method:
    """The method called `method`, with its options.

    Args:
        method: a name or alias in any spelling; a method, which is taken as it is; or a plain function, see
            `toylab.samplers.functions.Function`.
        eta: DDIM only, in [0, 1]. **options: those of the method.

    Raises:
        ValueError: for an unknown name (with the nearest known one), and for eta outside [0, 1] or on a method that
            has none.
        TypeError: for options that the method does not have.
    """
    if isinstance(method, str):
        row = find(method)
        if row is None:
            raise unknown_name("method", method, methods())
        method = _made(row)
    elif not hasattr(method, "run"):
        if not callable(method):
            raise TypeError(f"method must be a name, the result of toylab.method(...), or a function, got {method!r}")
        check_arguments(method)
        method = Function(name_of(method), method)
    eta = number("eta", eta, 0, 1)
    if eta > 0:
        if method.name != "DDIM":
            raise ValueError(f"eta must be 0 for {method.name}, which has no eta (DDIM has), got {eta:g}")
        method = Ancestral("DDIM", eta=eta)
    return _with_options(method, options)


def _made(row: Row) -> Method:
    parts = {}
    if row.gradient and row.transfer:
        parts = {
            "gradient": (GRADIENTS | LATER_GRADIENTS)[row.gradient],
            "transfer": (TRANSFERS | LATER_TRANSFERS)[row.transfer],
            "weights": row.weights,
            "midpoint": row.midpoint,
        }
    return KINDS[row.made_by](row.name, **parts, **row.settings)


def _with_options(method, options):
    options = dict(options)
    for option, value in options.items():
        if option not in method.options:
            known = ", ".join(method.options) or "none"
            raise TypeError(f"unknown argument {option!r} for {method.name}; its own options are: {known}")
        allowed = method.options[option]
        if allowed is float:
            options[option] = number(option, value, 0, open_low=True)
        elif isinstance(allowed, float):
            options[option] = number(option, value, allowed)
        elif value not in allowed:
            raise unknown_name(option, value, list(allowed))
    return replace(method, **options) if options else method
