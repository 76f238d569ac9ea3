"""The settings that a claim is measured in, in plain words and numbers."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from toylab import datasets, schedules
from toylab._errors import number, positive_int, seed_number, unknown_name


@dataclass(frozen=True)
class World:
    """A kind of data and of epsilon.

    Attributes:
        title: in words. datasets, seeds: those of a verdict, by default. n: particles or images a seed, by default.
        network: of images, its name; "" in the plane.
    """

    title: str
    datasets: tuple[str, ...]
    n: int
    network: str = ""
    seeds: tuple[int, ...] = (0, 1, 2)

    @property
    def known(self) -> tuple[str, ...]:
        """All data sets that there are in it."""
        return self.datasets if self.network else tuple(datasets.names())


PLANE = ("spiral", "moons", "circle")
WORLDS = {
    "exact": World("the plane, exact epsilon", PLANE, 256),
    "network": World("the plane, trained network", PLANE, 512),
    "digits": World("digits, 8x8", ("digits",), 48, "digits", (0, 1)),
    "cifar10-16": World("CIFAR-10, 16x16", ("cifar10-16",), 16, "cifar10-16", (0, 1)),
}


@dataclass(frozen=True)
class Setting:
    """One setting of a claim.

    Attributes:
        world: a key of WORLDS. dataset: of the plane, or the only one of a world of images.
        schedule: its name. t_end: where runs end. nfe: network evaluations that a method may spend, where the claim
            leaves that open. seed: of the start noise. n: particles or images.

    Raises ValueError or TypeError naming the argument.
    """

    world: str
    dataset: str
    schedule: str = "linear"
    t_end: float = 1e-3
    nfe: int = 20
    seed: int = 0
    n: int = 256

    def __post_init__(self) -> None:
        known_world("world", self.world)
        known_dataset("dataset", self.dataset, [self.world])
        schedules.get(self.schedule)
        number("t_end", self.t_end, 1e-6, 0.9)
        positive_int("nfe", self.nfe)
        positive_int("n", self.n, 2)
        seed_number("seed", self.seed, 31)

    def as_dict(self) -> dict[str, Any]:
        """The fields by name."""
        return asdict(self)

    @property
    def words(self) -> str:
        """The setting as the options of ``toylab claims``."""
        shown = {"world": self.world, "dataset": self.dataset, "schedule": self.schedule, "t-end": f"{self.t_end:g}"}
        shown |= {"nfe": self.nfe, "seeds": self.seed, "particles": self.n}
        return " ".join(f"--{name} {value}" for name, value in shown.items())


def known_dataset(argument: str, name: str, worlds: Iterable[str]) -> str:
    """`name` if it is a data set of one of these worlds; ValueError or TypeError naming `argument` otherwise."""
    known = [each for world in worlds for each in WORLDS[world].known]
    if name not in known:
        raise unknown_name(argument, name, list(dict.fromkeys(known)))
    return name


def known_world(argument: str, name: str) -> str:
    """`name` if it is that of a world; ValueError or TypeError naming `argument` otherwise."""
    if not isinstance(name, str) or name not in WORLDS:
        raise unknown_name(argument, name, list(WORLDS))
    return name
