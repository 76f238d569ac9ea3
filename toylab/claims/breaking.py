"""Breaking a claim: a search for the settings in which it fails."""

import random
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import inf, isfinite

from toylab import epsilon
from toylab._errors import positive_int, seed_number
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab.analysis._result import Result
from toylab.analysis._table import Table
from toylab.claims.claim import Claim
from toylab.claims.judging import needed
from toylab.claims.paper import get
from toylab.claims.setting import WORLDS, Setting, known_world

SCHEDULES = ("linear", "cosine", "quad", "sigmoid", "constant")
ENDS = (1e-5, 1e-4, 1e-3, 1e-2, 5e-2, 0.1, 0.2)
TRAINED = 1e-3  # networks have seen no smaller t
BUDGETS = (10, 13, 20, 30, 50, 100)
PARTICLES, IMAGES = 64, 8  # fewer than for a verdict: a search looks at many settings


@dataclass(frozen=True, repr=False)
class Counterexample(Result):
    """The findings of `break_claim`.

    Attributes:
        claim, world, seed: what was searched, and the seed that orders the settings.
        tried: the settings that were measured, in order. values: for each of them its row of numbers.
        left_out: settings that could not be measured.
    """

    drawn_by = "plot_search"
    claim: Claim
    world: str
    seed: int
    tried: tuple
    values: tuple
    left_out: int

    @property
    def broken(self) -> tuple[int, ...]:
        """The places in `tried` of all counterexamples, in order."""
        return tuple(k for k, row in enumerate(self.values) if _depth(self.claim, row) > 1)

    @property
    def worst(self) -> tuple[Setting, tuple] | None:
        """(setting, numbers) of the counterexample that is farthest on the other side; None where there is none."""
        if not self.broken:
            return None
        place = max(self.broken, key=lambda k: _depth(self.claim, self.values[k]))
        return self.tried[place], self.values[place]

    @property
    def sentence(self) -> str:
        """The findings in a sentence."""
        where = f"in {WORLDS[self.world].title}"
        if self.worst is None:
            return f"{self.claim.name} survives {len(self.tried)} settings {where}."
        return f"{self.claim.name} breaks in {len(self.broken)} of {len(self.tried)} settings {where}."

    @property
    def command(self) -> str:
        """The command that measures the worst counterexample again, or ""."""
        return f"toylab claims {self.claim.name} {self.worst[0].words}" if self.worst else ""

    def as_dict(self) -> dict:
        """All numbers."""
        return {
            "claim": self.claim.name,
            "world": self.world,
            "seed": self.seed,
            "tried": len(self.tried),
            "broken": len(self.broken),
            "left_out": self.left_out,
            "numbers": [number.name for number in self.claim.numbers],
            "worst": self.worst and {"setting": self.worst[0].as_dict(), "values": self.worst[1]},
            "command": self.command,
            "settings": [setting.as_dict() for setting in self.tried],
            "values": self.values,
        }

    def table(self) -> Table:
        """A row a number: as in the worst counterexample, or the least of all where there is none."""
        numbers = self.claim.numbers
        if self.worst:
            rows = tuple((each.name, needed(each), value) for each, value in zip(numbers, self.worst[1], strict=True))
            return Table(("number", "must be", "is"), rows, f"{self.sentence} The worst: {self.command}")
        columns = zip(*self.values, strict=True) if self.values else [(None,)] * len(numbers)
        rows = tuple((each.name, needed(each), min(column)) for each, column in zip(numbers, columns, strict=True))
        return Table(("number", "must be", "least"), rows, self.sentence)


def break_claim(
    claim: str | Claim, world: str = "exact", seconds: float | None = 20.0, seed: int = 0, most: int | None = None,
    measured: Callable[[Claim, Setting], tuple] | None = None, progress: bool = True,
) -> Counterexample:  # fmt: skip
    """Search data sets, schedules, t_end, evaluations and seeds for a setting in which a claim fails.

    The order of the settings is decided by `seed`: the same search with more time goes on where this one stopped.
    A counterexample is a setting in which a number is clearly on the other side of what the claim says, not only
    less than it needs.

    Args:
        claim: a name or a `Claim`. world: where; see `toylab.claims.setting.WORLDS`.
        seconds: of this process's time on a core; None for no limit, with `most`.
        most: settings at most, so that two searches are of the same length.
        measured: as for `check`.

    Raises ValueError or TypeError naming the argument: a search needs time. Interrupted with what is done.
    """
    claim, world = get(claim), known_world("world", world)
    if world not in claim.worlds:
        raise ValueError(f"world must be one of {', '.join(claim.worlds)} for {claim.name}, got {world!r}")
    limit = _limit(seconds, most)
    measure = measured or (lambda claim, setting: claim.measure(setting))
    tried, values, left_out, began = [], [], 0, time.process_time()

    def result():
        return Counterexample(claim, world, seed, tuple(tried), tuple(values), left_out)

    try:
        with Bar(total=seconds or limit, desc=f"breaking {claim.name}", show=progress) as bar:
            for setting in settings(claim, world, seed):
                spent = time.process_time() - began
                if len(tried) + left_out >= limit or (seconds and spent >= seconds):
                    break
                bar.update(int(spent if seconds else len(tried) + left_out) - bar.n)
                try:
                    values.append(tuple(measure(claim, setting)))
                    tried.append(setting)
                except (ValueError, OSError):  # no network for this schedule, or a budget below a single step
                    left_out += 1
    except KeyboardInterrupt as stop:
        what = f"the search was interrupted after {len(tried)} settings"
        raise Interrupted(what, result() if tried else None) from stop
    return result()


def settings(claim: Claim, world: str, seed: int = 0) -> Iterator[Setting]:
    """The settings that a search goes through, in order, without end."""
    rng, own = random.Random(seed_number("seed", seed, 31)), WORLDS[world]
    known, ends = set(epsilon.names()), ENDS
    sets = own.known
    if world != "exact":
        ends = [t_end for t_end in ENDS if t_end >= TRAINED]
    while True:
        dataset, schedule = rng.choice(sets), rng.choice(SCHEDULES)
        drawn = {"t_end": rng.choice(ends), "nfe": rng.choice(BUDGETS), "seed": rng.randrange(1000)}
        if world != "exact" and epsilon.checkpoint_name(own.network or dataset, schedule) not in known:
            continue
        yield Setting(world, dataset, schedule, n=IMAGES if own.network else PARTICLES, **drawn)


def _limit(seconds, most):
    if seconds is not None and not (isinstance(seconds, int | float) and isfinite(seconds) and seconds > 0):
        raise ValueError(f"seconds must be a number above 0: a search without time finds nothing, got {seconds!r}")
    if seconds is None and most is None:
        raise ValueError("seconds must be given, or most: a search without an end finds no end")
    return inf if most is None else positive_int("most", most)


def _depth(claim, row):
    """The factor by which the worst number of a setting is beyond what a counterexample needs; 0 where it is none."""
    depths = [number.broken(value) for number, value in zip(claim.numbers, row, strict=True)]
    return max(depths) if max(depths) > 1 else 0.0
