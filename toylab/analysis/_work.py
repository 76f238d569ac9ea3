"""The findings of a work-precision measurement: rows and their Pareto front."""

from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

from toylab._errors import unknown_name
from toylab.analysis._result import Result, Rows, reasons
from toylab.analysis._table import Table
from toylab.samplers.rows import look

LABELS = {
    "error": "end-point error (rms)",
    "excess": "|d − d of the exact flow|",
    "distance": "mean distance to the manifold",
    "coverage": "share of the manifold covered",
}
MEASURES = tuple(LABELS)
RANKED = ("error", "excess", "coverage")


@dataclass(frozen=True)
class Spread:
    """One number for each seed."""

    values: tuple

    @property
    def middle(self) -> float:
        """The median over the seeds."""
        return median(self.values)

    @property
    def low(self) -> float:
        """The least over the seeds."""
        return min(self.values)

    @property
    def high(self) -> float:
        """The largest over the seeds."""
        return max(self.values)


@dataclass(frozen=True)
class WorkRow:
    """One method at one budget, or one tolerance: the measures of a `Row` of `compare`, a `Spread` each.

    Attributes:
        budget: evaluations it could spend; None, as the steps are, for an adaptive method.
        rtol: tolerance of an adaptive method, relative and absolute, else None.
        nfe: evaluations, counted; of an adaptive method the most that a seed took.
        pareto: whether it is on the Pareto front: no other row that fits into its budget has a smaller error,
            nor as small a one for fewer evaluations.
    """

    method: str
    budget: int | None
    rtol: float | None
    steps: int | None
    nfe: int
    error: Spread | None
    excess: Spread
    distance: Spread
    coverage: Spread
    pareto: bool


@dataclass(frozen=True, repr=False)
class WorkPrecision(Rows, Result):
    """The findings of `work_precision`.

    Attributes:
        rows: a `WorkRow` for each method and budget (or tolerance), by budget, then in the order asked for.
        left_out: (method, budget or tolerance) -> reason for what cannot run.
        nfe: the budgets. seeds: those of the start particles.
        distance, coverage: of the exact flow's end points, each a `Spread`.
        reference_error: the largest estimated error of a reference.
    """

    drawn_by = "plot_work"
    rows: tuple
    left_out: dict
    nfe: tuple
    seeds: tuple
    distance: Spread
    coverage: Spread
    reference_error: float

    def front(self, measure: str = "error") -> tuple[WorkRow, ...]:
        """The rows on the Pareto front of a measure (most coverage, or least error or excess), by growing NFE.

        ValueError for "distance", by which nothing can be ranked: nearer to the manifold is not better.
        """
        if measure not in RANKED:
            raise unknown_name("measure", measure, RANKED)
        middles = [_lower(measure, getattr(row, measure)) for row in self.rows]
        pairs = zip(self.rows, middles, strict=True)
        best = pareto([(row.nfe, row.budget or row.nfe, middle) for row, middle in pairs])
        chosen = [row for row, on in zip(self.rows, best, strict=True) if on]
        return tuple(sorted(chosen, key=lambda row: row.nfe))

    def best(self, measure: str = "error") -> dict[str, str]:
        """By family ("classical", "pseudo", ...) the method that is its best at most budgets or tolerances.

        By "error", "excess" or "coverage", ValueError for others (see `front`). Of two that are as often, the one asked
        for first. Families without a number are left out.
        """
        if measure not in RANKED:
            raise unknown_name("measure", measure, RANKED)
        wins: dict[str, dict[str, int]] = {}
        for at in dict.fromkeys(row.budget or row.rtol for row in self.rows):
            for family, row in self._best_at(at, measure).items():
                wins.setdefault(family, dict.fromkeys(self.methods, 0))[row.method] += 1
        return {family: max(counts, key=lambda method: counts[method]) for family, counts in wins.items()}

    def _best_at(self, at, measure):
        """By family the best row at one budget or tolerance."""
        best: dict[str, WorkRow] = {}
        for row in self.rows:
            value, family = getattr(row, measure), look(row.method)[0]
            if (row.budget or row.rtol) != at or value is None or not isfinite(value.middle):
                continue
            rival = best.get(family)
            if rival is None or _lower(measure, value) < _lower(measure, getattr(rival, measure)):
                best[family] = row
        return best

    def as_dict(self) -> dict:
        """All numbers."""
        flow = {"distance": self.distance.values, "coverage": self.coverage.values}
        return {
            "nfe": self.nfe,
            "seeds": self.seeds,
            "exact_flow": flow | {"uncertainty": self.reference_error},
            "rows": [values(row) for row in self.rows],
            "left_out": reasons(self.left_out),
        }

    def table(self, measure: str = "error") -> Table:
        """The medians of "error", "excess", "distance" or "coverage", methods by budgets; a star marks the
        Pareto front (not of distances, see `front`)."""
        ranked = measure != "distance"
        front = {id(row) for row in self.front(measure)} if ranked else set()

        def cell(row):
            value = row and getattr(row, measure)
            return value and f"{value.middle:.3g}{' *' if id(row) in front else ''}"

        cells = {(row.method, row.budget): cell(row) for row in self.rows}
        rows = [
            (method, *(cells.get((method, budget)) for budget in self.nfe))
            for method in self.methods if any(row.budget for row in self.of(method))
        ]  # fmt: skip
        rest = [""] * (len(self.nfe) - 1)
        rows += [
            (f"{row.method}, rtol {row.rtol:g} (NFE {row.nfe})", cell(row), *rest)
            for row in self.rows if row.budget is None
        ]  # fmt: skip
        seeds = "one seed" if len(self.seeds) == 1 else f"median of {len(self.seeds)} seeds"
        last = "* on the Pareto front" if ranked else f"of the exact flow {self.distance.middle:.3g}"
        note = f"{LABELS[measure]}, {seeds}; {last}"
        if self.left_out:
            note += "; left out: " + ", ".join(f"{name} at {at:g}" for name, at in self.left_out)
        return Table(("method", *(f"NFE {budget}" for budget in self.nfe)), tuple(rows), note)


def _lower(measure, spread):
    """The median of a `Spread` as a number of which less is better; None stays None."""
    return spread and (-spread.middle if measure == "coverage" else spread.middle)


def pareto(candidates: list[tuple]) -> list[bool]:
    """Which (nfe, budget, error or None) are on the Pareto front, as for `WorkRow`: a list of bool."""
    known = [(nfe, budget, inf if error is None else error) for nfe, budget, error in candidates]
    return [
        isfinite(error) and not any((e, n) < (error, nfe) for n, _, e in known if n <= budget)
        for nfe, budget, error in known
    ]


def values(row: object) -> dict:
    """The fields of a row by name, of each `Spread` its values."""
    return {name: value.values if isinstance(value, Spread) else value for name, value in vars(row).items()}
