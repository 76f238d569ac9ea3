"""A claim: a sentence, its place in the paper, a measurement, and what its numbers must be."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import product
from math import inf, isnan

from toylab.claims.setting import WORLDS, Setting


@dataclass(frozen=True)
class Number:
    """A number of a claim, and what it must be.

    Attributes:
        name: what the number is. least, most: between which the claim holds.
        slack: a factor; beyond least / slack or most * slack the setting is a counterexample.
    """

    name: str
    least: float
    most: float = inf
    slack: float = 1.0

    def holds(self, value: float) -> bool:
        """True for a value as the claim says."""
        return self.least <= value <= self.most

    def broken(self, value: float) -> float:
        """By which factor `value` is beyond what a counterexample needs: above 1 it is one."""
        if isnan(value):
            return 0.0
        low = self.least / self.slack
        under = inf if value <= 0 < low else low / value if low > 0 else 0.0
        return max(under, value / (self.most * self.slack))


@dataclass(frozen=True)
class Claim:
    """A claim of the paper.

    Attributes:
        name: for the command line. sentence: what is claimed. place: in Liu et al. 2022.
        numbers: those that are measured, the one that counts most first.
        measure: `Setting` -> one number for each of `numbers`. worlds: where it can be measured.
        budgets: numbers of network evaluations that a verdict runs over; one where the claim fixes its steps.
        t_end: where runs end unless asked otherwise.
    """

    name: str
    sentence: str
    place: str
    numbers: tuple[Number, ...]
    measure: Callable[[Setting], tuple[float, ...]]
    worlds: tuple[str, ...] = tuple(WORLDS)
    budgets: tuple[int, ...] = (20,)
    t_end: float = 1e-3

    def settings(
        self, world: str, seeds: Iterable[int] | None = None, datasets: Iterable[str] | None = None,
        schedule: str = "linear", t_end: float | None = None, nfe: Iterable[int] | None = None, n: int | None = None,
    ) -> tuple[Setting, ...]:  # fmt: skip
        """The settings that a verdict in this world runs over; None for what the claim or the world says.

        Of data sets only those that there are in this world count.
        """
        own = WORLDS[world]
        seeds = own.seeds if seeds is None else tuple(seeds)
        sets = own.datasets if datasets is None else [name for name in datasets if name in own.known]
        rest = {"schedule": schedule, "t_end": self.t_end if t_end is None else t_end, "n": own.n if n is None else n}
        return tuple(
            Setting(world, dataset, seed=seed, nfe=budget, **rest)
            for dataset, seed, budget in product(sets, seeds, self.budgets if nfe is None else tuple(nfe))
        )
