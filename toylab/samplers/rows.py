"""The table of methods, as words: who is called what, out of which parts, and of which family.

It needs nothing but Python, so that figures know a method's family where torch is not installed.
"""

from functools import lru_cache
from typing import NamedTuple


class Row(NamedTuple):
    """One method.

    Attributes:
        name: canonical name.
        gradient, transfer, weights, midpoint: names of a pair's parts; gradient and transfer are None for the others.
        family: which methods it is drawn like: "classical", "pseudo", "data" or "frozen" (that of the transfer, where
            left out), "exponential", "sigma", "ancestral", "adaptive", "corrector".
        like: the gradient part whose colour it has; its own where left out.
        made_by: the class, by its name in `toylab.samplers._methods.KINDS`.
        settings: further arguments of the class, a dict.
    """

    name: str
    gradient: str | None = None
    transfer: str | None = None
    weights: str = "equispaced"
    midpoint: str = "t"
    family: str | None = None
    like: str | None = None
    made_by: str = "Pair"
    settings: dict = {}


ROWS = [
    Row("Euler", "euler", "classical"),
    Row("Heun", "improved-euler", "classical"),
    Row("RK4", "rk4", "classical"),
    Row("AB2", "ab2", "classical"),
    Row("AB4", "ab4", "classical"),
    Row("DDIM", "euler", "pseudo"),
    Row("PIE", "improved-euler", "pseudo"),
    Row("PRK", "rk4", "pseudo"),
    Row("S-PNDM", "ab2", "pseudo"),
    Row("F-PNDM", "ab4", "pseudo"),
    Row("PLMS", "plms", "pseudo"),
    Row("DDPM", family="ancestral", made_by="Ancestral"),
    Row("PF", family="adaptive", made_by="ProbabilityFlow"),
    # after the paper: PLMS and its shorter sisters with other weights are iPNDM and DEIS (Zhang and Chen 2023)
    Row("iPNDM", "plms", "pseudo", family="exponential"),
    Row("DEIS-tAB1", "rising-ab2", "pseudo", "t", family="exponential"),
    Row("DEIS-tAB2", "rising-ab3", "pseudo", "t", family="exponential"),
    Row("DEIS-tAB3", "plms", "pseudo", "t", family="exponential", like="ab4"),
    Row("DEIS-rhoAB1", "rising-ab2", "pseudo", "exact", family="sigma"),
    Row("DEIS-rhoAB2", "rising-ab3", "pseudo", "exact", family="sigma"),
    Row("DEIS-rhoAB3", "plms", "pseudo", "exact", family="sigma", like="ab4"),
    # exponential Runge-Kutta (Lu et al. 2022, algorithms 1 and 2) and, on x0, its multistep form (2022b, algorithm 2)
    Row("DPM-Solver-2", "midpoint", "pseudo", midpoint="logsnr", family="exponential"),
    Row("DPM-Solver-3", "heun3", "pseudo", "logsnr", "logsnr", family="exponential"),
    Row("DPM-Solver++2M", "rising-ab2", "data", "midpoint", like="plms", made_by="DPMSolverPlusPlus"),
    Row("UniPC-2", family="corrector", like="plms", made_by="UniPC", settings={"slopes": 2}),
    Row("UniPC-3", family="corrector", like="rk4", made_by="UniPC", settings={"slopes": 3}),
    Row("EDM-Heun", family="sigma", like="improved-euler", made_by="EDMHeun"),
    Row("Adaptive-Heun", family="adaptive", like="improved-euler", made_by="AdaptiveHeun"),
]

ALIASES = {"FON": "AB4", "PNDM": "F-PNDM", "Improved Euler": "Heun", "Probability flow": "PF"}


@lru_cache
def key(name: str) -> str:
    """`name` as it is looked up: without case, hyphens, underscores and spaces."""
    return "".join(letter for letter in name.lower() if letter not in "-_ ")


def find(name: str) -> Row | None:
    """The row of that name or alias, in any spelling; None where there is none."""
    wanted = key(name)
    wanted = next((key(known) for alias, known in ALIASES.items() if key(alias) == wanted), wanted)
    return next((row for row in ROWS if key(row.name) == wanted), None)


def look(name: str) -> tuple[str, str | None]:
    """(family, gradient part) that decide how a method is drawn; ("custom", None) for an unknown one.

    A name that only begins with a known one ("PRK, midpoint in sigma") is drawn like that one, a method built by parts
    ("plms+classical") like its parts.
    """
    gradient, plus, transfer = name.partition("+")
    if plus and name == name.lower() and "++" not in name:
        return transfer, gradient
    known = [row for row in ROWS if name.lower().startswith(row.name.lower())]
    if not known:
        return "custom", None
    row = max(known, key=lambda row: len(row.name))
    return row.family or row.transfer, row.like or row.gradient
