"""Verdicts: whether a claim holds where it was measured."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import inf

from toylab._errors import listed
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab.analysis._arguments import integers
from toylab.analysis._result import Result
from toylab.analysis._table import Table
from toylab.analysis._work import Spread
from toylab.claims.claim import Claim, Number
from toylab.claims.paper import get, names
from toylab.claims.setting import WORLDS, Setting, known_dataset, known_world

HOLDS, PARTLY, NOT = "holds", "holds partly", "does not show here"


@dataclass(frozen=True, repr=False)
class Verdict(Result):
    """The verdict on one claim in one world.

    Attributes:
        claim: the `Claim`. world: its name. settings: those measured. values: for each setting its row of numbers.
        reason: why nothing could be measured, or "".
    """

    drawn_by = "plot_verdicts"
    claim: Claim
    world: str
    settings: tuple
    values: tuple
    reason: str = ""

    @property
    def kept(self) -> tuple[int, ...]:
        """For each number in how many settings it holds."""
        return tuple(sum(map(number.holds, self.of(number).values)) for number in self.claim.numbers)

    @property
    def word(self) -> str:
        """HOLDS if all numbers hold in all settings, NOT if none does in any, else PARTLY; a dash without any."""
        if not self.values:
            return "–"
        held, all_of_them = sum(self.kept), len(self.claim.numbers) * len(self.values)
        return HOLDS if held == all_of_them else PARTLY if held else NOT

    def of(self, number: Number) -> Spread:
        """The values of a number, a `Spread` over the settings."""
        place = self.claim.numbers.index(number)
        return Spread(tuple(row[place] for row in self.values))

    def as_dict(self) -> dict:
        """All numbers."""
        numbers = [
            {"number": number.name, "least": number.least, "most": number.most, "values": self.of(number).values}
            for number in self.claim.numbers
        ]  # fmt: skip
        return {
            "claim": self.claim.name,
            "sentence": self.claim.sentence,
            "place": self.claim.place,
            "world": self.world,
            "verdict": self.word,
            "reason": self.reason,
            "settings": [setting.as_dict() for setting in self.settings],
            "numbers": numbers,
        }

    def table(self) -> Table:
        """A row a number: its bounds, the median, the least and the largest number, and where it holds."""
        rows = []
        for number, kept in zip(self.claim.numbers, self.kept, strict=True):
            spread = self.of(number) if self.values else None
            numbers = (spread.middle, spread.low, spread.high) if spread else (None, None, None)
            rows.append((number.name, needed(number), *numbers, f"{kept} of {len(self.values)}"))
        note = f"{WORLDS[self.world].title}: {self.word}. {self.reason}".strip()
        return Table(("number", "must be", "median", "least", "largest", "holds in"), tuple(rows), note)


@dataclass(frozen=True, repr=False)
class Verdicts(Result):
    """The verdicts on several claims in several worlds, side by side.

    Attributes:
        rows: a `Verdict` for each claim and world.
    """

    drawn_by = "plot_verdicts"
    rows: tuple

    def __getitem__(self, place: tuple[str, str]) -> Verdict:
        """The `Verdict` on (claim, world); KeyError where there is none."""
        for row in self.rows:
            if (row.claim.name, row.world) == place:
                return row
        raise KeyError(place)

    @property
    def claims(self) -> tuple[Claim, ...]:
        """The claims, in order."""
        return tuple(dict.fromkeys(row.claim for row in self.rows))

    @property
    def worlds(self) -> tuple[str, ...]:
        """The worlds, in order."""
        return tuple(dict.fromkeys(row.world for row in self.rows))

    def of(self, claim: str) -> "Verdicts":
        """Those on the claim of this name."""
        return Verdicts(tuple(row for row in self.rows if row.claim.name == claim))

    def as_dict(self) -> dict:
        """All numbers."""
        return {"verdicts": [row.as_dict() for row in self.rows]}

    def table(self) -> Table:
        """A row a claim, a column a world: the verdict, and the first number with its spread."""
        known = {(row.claim, row.world): cell(row) for row in self.rows}
        rows = tuple(
            (claim.name, *(known.get((claim, world)) for world in self.worlds)) for claim in self.claims
        )  # fmt: skip
        note = "behind each verdict the medians of the claim's numbers, in their order; a ratio of 1 means that no " \
               "difference can be seen"  # fmt: skip
        return Table(("claim", *(WORLDS[world].title for world in self.worlds)), rows, note)


def cell(verdict: Verdict) -> str:
    """The verdict in a few words, with the medians of its numbers: "holds partly: 1; 2.05"."""
    if not verdict.values:
        return "not measured"
    return f"{verdict.word}: {'; '.join(f'{verdict.of(number).middle:.2g}' for number in verdict.claim.numbers)}"


def needed(number: Number) -> str:
    """The bounds of a number, in words."""
    if number.most == inf:
        return f"at least {number.least:.3g}"
    return f"{number.least:g} to {number.most:g}" if number.least else f"at most {number.most:g}"


def check(
    claims: Iterable[str | Claim] | None = None, worlds: Iterable[str] = ("exact", "network"),
    seeds: Iterable[int] | None = None, datasets: Iterable[str] | None = None, schedule: str = "linear",
    t_end: float | None = None, nfe: Iterable[int] | None = None, n: int | None = None,
    measured: Callable[[Claim, Setting], tuple] | None = None, progress: bool = True,
) -> Verdicts:  # fmt: skip
    """Measure claims and judge them.

    Args:
        claims: names, by default all. worlds: keys of `toylab.claims.setting.WORLDS`.
        seeds: of the start noise, by default those of the world. datasets: of the plane, by default three.
        schedule, t_end, nfe, n: as in `Setting`; None for what the claim or the world says.
        measured: what measures a claim in a setting, for one that remembers; by default the claim itself.
        progress: show a bar.

    Returns `Verdicts`. Raises ValueError or TypeError naming the argument; Interrupted with what is done.
    """
    chosen = tuple(map(get, names() if claims is None else listed("claims", claims, "names of claims")))
    places = tuple(known_world("worlds", world) for world in listed("worlds", worlds, "names of worlds"))
    if not chosen or not places:
        raise ValueError(f"claims and worlds must not be empty, got {len(chosen)} and {len(places)}")
    if datasets is not None:
        datasets = [known_dataset("datasets", name, places) for name in listed("datasets", datasets, "data sets")]
    seeds = None if seeds is None else integers("seeds", seeds, 0)
    nfe = None if nfe is None else integers("nfe", nfe)
    where = {"seeds": seeds, "datasets": datasets, "schedule": schedule, "t_end": t_end, "nfe": nfe, "n": n}
    jobs = [(claim, world) for world in places for claim in chosen if world in claim.worlds]
    if not jobs:
        raise ValueError(f"none of these claims can be measured in {', '.join(places)}; worlds must be among theirs")
    plans = {job: job[0].settings(job[1], **where) for job in jobs}
    rows = {}
    try:
        with Bar(total=sum(map(len, plans.values())), desc="claims", unit="setting", show=progress) as bar:
            for (claim, world), settings in plans.items():
                bar.set_description(f"{claim.name}, {world}", refresh=False)
                rows[claim, world] = _verdict(claim, world, settings, measured or _by_itself, bar)
    except KeyboardInterrupt as stop:
        what = f"claims interrupted with {len(rows)} of {len(jobs)} verdicts done"
        raise Interrupted(what, _collected(rows, chosen, places) if rows else None) from stop
    return _collected(rows, chosen, places)


def _by_itself(claim, setting):
    return claim.measure(setting)


def _verdict(claim, world, settings, measured, bar):
    values = []
    for setting in settings:
        try:
            values.append(tuple(measured(claim, setting)))
        except (ValueError, OSError) as error:  # this world has no such network, images or budget
            return Verdict(claim, world, (), (), str(error))
        bar.update()
    return Verdict(claim, world, settings, tuple(values))


def _collected(rows, chosen, places):
    ordered = ((claim, world) for claim in chosen for world in places)
    return Verdicts(tuple(rows[job] for job in ordered if job in rows))
