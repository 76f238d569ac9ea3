"""The table of methods: names, aliases, and building a method by its parts."""

from dataclasses import replace

from toylab._errors import number, unknown_name
from toylab.samplers.adaptive import ProbabilityFlow
from toylab.samplers.adaptive_heun import AdaptiveHeun
from toylab.samplers.ancestral import Ancestral
from toylab.samplers.deis import DEIS
from toylab.samplers.dpm import DPMSolver, DPMSolverPlusPlus
from toylab.samplers.edm import EDMHeun
from toylab.samplers.gradients import GRADIENTS
from toylab.samplers.pairs import Pair
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS
from toylab.samplers.unipc import UniPC

_PAIRS = [  # gradient part, name with the classical transfer, name with the pseudo transfer
    ("euler", "Euler", "DDIM"),
    ("improved-euler", "Heun", "PIE"),
    ("rk4", "RK4", "PRK"),
    ("ab2", "AB2", "S-PNDM"),
    ("ab4", "AB4", "F-PNDM"),
]


def _table():
    pairs = [Pair(names[i], GRADIENTS[g], TRANSFERS[t]) for i, t in enumerate(TRANSFERS) for g, *names in _PAIRS]
    others = [Pair("PLMS", GRADIENTS["plms"], TRANSFERS["pseudo"]), Ancestral("DDPM"), ProbabilityFlow("PF")]
    return {method.name: method for method in (*pairs, *others, *_later())}


def _later():
    """Methods that came after the paper, and adaptive Heun."""
    return [
        Pair("iPNDM", GRADIENTS["plms"], TRANSFERS["pseudo"]),  # of Zhang and Chen 2023, the same as PLMS
        *(DEIS(f"DEIS-tAB{order - 1}", order) for order in (2, 3, 4)),
        *(DEIS(f"DEIS-rhoAB{order - 1}", order, clock="sigma") for order in (2, 3, 4)),
        *(DPMSolver(f"DPM-Solver-{order}", order) for order in (2, 3)),
        DPMSolverPlusPlus("DPM-Solver++2M"),
        *(UniPC(f"UniPC-{order}", order) for order in (2, 3)),
        EDMHeun("EDM-Heun"),
        AdaptiveHeun("Adaptive-Heun"),
    ]


_METHODS = _table()
_ALIASES = {"FON": "AB4", "PNDM": "F-PNDM", "Improved Euler": "Heun", "Probability flow": "PF"}


def _key(name):
    return "".join(letter for letter in name.lower() if letter not in "-_ ")


_BY_KEY = {_key(name): method for name, method in _METHODS.items()} | {
    _key(alias): _METHODS[name] for alias, name in _ALIASES.items()
}


def methods():
    """The canonical names of all methods."""
    return list(_METHODS)


def aliases():
    """Other names that are understood: a dict alias -> canonical name."""
    return dict(_ALIASES)


def method(gradient, transfer="pseudo", midpoint="t", weights="equispaced"):
    """A method built from its parts; accepted wherever a method's name is.

    Args:
        gradient: "euler", "improved-euler", "rk4", "ab2", "ab4" or "plms".
        transfer: "classical" or "pseudo", the paper's; "data" (x0 is averaged instead of eps) or "frozen"
            (phi without half of itself, a lesson: see `toylab.samplers.transfers`).
        midpoint, weights: see `toylab.samplers.pairs.Pair`; without effect where a method has no inner
            Runge-Kutta nodes or no multistep weights.

    Raises ValueError (TypeError for what is no name) naming the part.
    """
    transfers = TRANSFERS | LATER_TRANSFERS
    parts = {"gradient": (gradient, GRADIENTS), "transfer": (transfer, transfers)}
    for argument, (value, known) in parts.items():
        if not isinstance(value, str) or value.lower() not in known:
            raise unknown_name(argument, value, list(known))
    gradient, transfer = GRADIENTS[gradient.lower()], transfers[transfer.lower()]
    for pair in _METHODS.values():
        if isinstance(pair, Pair) and (pair.gradient, pair.transfer) == (gradient, transfer):
            break
    else:
        pair = Pair(f"{gradient.name}+{transfer.name}", gradient, transfer)
    return _with_options(pair, {"midpoint": midpoint, "weights": weights})


def get(method, eta=0.0, **options):
    """The method called `method` (any case, or an alias; a method object is taken as it is), with its options.

    Raises ValueError for an unknown name (with the nearest known one), for eta outside [0, 1] or on a method
    that has none; TypeError for options that the method does not have.
    """
    if isinstance(method, str):
        if _key(method) not in _BY_KEY:
            raise unknown_name("method", method, methods())
        method = _BY_KEY[_key(method)]
    elif not hasattr(method, "run"):
        raise TypeError(f"method must be a name or the result of toylab.method(...), got {method!r}")
    eta = number("eta", eta, 0, 1)
    if eta > 0:
        if method.name != "DDIM":
            raise ValueError(f"eta must be 0 for {method.name}, which has no eta (DDIM has), got {eta:g}")
        method = Ancestral("DDIM", eta=eta)
    return _with_options(method, options)


def _with_options(method, options):
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
    return replace(method, **options)
