"""What a work-precision measurement found: rows, Pareto front, table, figure, JSON."""

import json
from dataclasses import dataclass
from math import inf, isfinite
from statistics import median

from toylab._errors import unknown_name

MEASURES = ("error", "excess", "distance", "coverage")
RANKED = ("error", "excess", "coverage")


@dataclass(frozen=True)
class Spread:
    """One number for each seed."""

    values: tuple

    @property
    def middle(self):
        """The median over the seeds."""
        return median(self.values)

    @property
    def low(self):
        """The least over the seeds."""
        return min(self.values)

    @property
    def high(self):
        """The largest over the seeds."""
        return max(self.values)


@dataclass(frozen=True)
class WorkRow:
    """One method at one budget, or one tolerance.

    Attributes:
        method: canonical name. budget: evaluations it could spend, None for an adaptive method.
        rtol: tolerance of an adaptive method, relative and absolute, else None.
        steps: N, None for an adaptive method.
        nfe: evaluations, counted; of an adaptive method the most that a seed took.
        error: rms distance from the exact flow's end points, a `Spread`; None for a stochastic method.
        excess: |distance - that of the exact flow|. distance: mean distance of the samples to the manifold.
        coverage: share of the manifold that has a sample within 0.15.
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


@dataclass(frozen=True)
class WorkPrecision:
    """What `work_precision` found.

    Attributes:
        rows: a `WorkRow` for each method and budget (or tolerance), by budget, then in the order asked for.
        left_out: (method, budget or tolerance) -> reason for what cannot run.
        nfe: the budgets. seeds: those of the start particles.
        distance, coverage: of the exact flow's end points, each a `Spread`.
        reference_error: the largest estimated error of a reference.
    """

    rows: tuple
    left_out: dict
    nfe: tuple
    seeds: tuple
    distance: Spread
    coverage: Spread
    reference_error: float

    @property
    def methods(self):
        """Canonical names, in the order asked for."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    def of(self, method):
        """The rows of one method, by budget or in the order of the tolerances."""
        return tuple(row for row in self.rows if row.method == method)

    def front(self, measure="error"):
        """The rows on the Pareto front of a measure (most coverage, or least error or excess), by growing NFE.

        ValueError for "distance", by which nothing can be ranked: nearer to the manifold is not better.
        """
        if measure not in RANKED:
            raise unknown_name("measure", measure, RANKED)
        sign = -1 if measure == "coverage" else 1
        middles = [getattr(row, measure) and sign * getattr(row, measure).middle for row in self.rows]
        pairs = zip(self.rows, middles, strict=True)
        best = pareto([(row.nfe, row.budget or row.nfe, middle) for row, middle in pairs])
        chosen = [row for row, on in zip(self.rows, best, strict=True) if on]
        return tuple(sorted(chosen, key=lambda row: row.nfe))

    def table(self, measure="error"):
        """The medians of "error", "excess", "distance" or "coverage", methods by budgets; a star marks the
        Pareto front (not of distances, see `front`). Returns a `toylab.analysis._table.Table`."""
        from toylab.figures.measures import work_table

        return work_table(self, measure)

    def plot(self, measures=("error", "excess"), axes=None):
        """Each measure against NFE, log-log (see `toylab.figures.plot_work`). Returns the matplotlib Axes."""
        from toylab.figures import plot_work

        return plot_work(self, measures, axes)

    def to_json(self):
        """Everything as a JSON string; numbers that are not finite are null."""
        rows = [{name: _plain(getattr(row, name)) for name in WorkRow.__dataclass_fields__} for row in self.rows]
        left_out = [{"method": name, "budget": at, "reason": why} for (name, at), why in self.left_out.items()]
        return json.dumps(
            {
                "nfe": self.nfe,
                "seeds": self.seeds,
                "exact_flow": {
                    "distance": _plain(self.distance),
                    "coverage": _plain(self.coverage),
                    "uncertainty": self.reference_error,
                },
                "rows": rows,
                "left_out": left_out,
            },
            indent=2,
        )


def pareto(candidates):
    """Which (nfe, budget, error or None) are on the Pareto front, as for `WorkRow`: a list of bool."""
    known = [(nfe, budget, inf if error is None else error) for nfe, budget, error in candidates]
    return [
        isfinite(error) and not any((e, n) < (error, nfe) for n, _, e in known if n <= budget)
        for nfe, budget, error in known
    ]


def _plain(value):
    if isinstance(value, Spread):
        return [each if isfinite(each) else None for each in value.values]
    return value
