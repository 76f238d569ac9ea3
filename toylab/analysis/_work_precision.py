"""Work against precision: what a network evaluation buys with each method."""

from collections.abc import Iterable

from toylab._errors import listed, number
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._types import Eps, ManifoldLike, ScheduleLike
from toylab.analysis._arguments import increasing, integers, known_manifold, method_list
from toylab.analysis._budget import plans
from toylab.analysis._compare import METHODS, Lineup, limits
from toylab.analysis._work import MEASURES, Spread, WorkPrecision, WorkRow, pareto
from toylab.problems.problem import Problem, as_problem
from toylab.samplers.core import cost

NFE = (5, 10, 20, 50, 100)
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4)


def work_precision(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, methods: Iterable = METHODS, nfe: Iterable[int] = NFE,
    manifold: ManifoldLike | None = None, seeds: Iterable[int] = (0, 1, 2), n: int = 512, t_start: float | None = None,
    t_end: float | None = None, spacing: str = "t", tolerances: Iterable[float] = TOLERANCES, progress: bool = True,
) -> WorkPrecision:  # fmt: skip
    """Measure methods at several budgets of network evaluations, never at equal steps.

    Every method takes the largest step count whose counted evaluations are within the budget, from the
    particles that all methods share, over the same limits. Measured against the exact flow of the same eps:
    one reference a seed.

    Args:
        nfe: budgets, positive integers, increasing.
        seeds: of the start particles, at least one. n: particles a seed.
        tolerances: of adaptive methods ("PF", "Adaptive-Heun"), relative and absolute alike, which run once for each.
            Others: see `toylab.analysis`.

    Returns:
        A `WorkPrecision`; a method that cannot run at a budget, or blows up beyond all numbers, is in `left_out`.

    Raises:
        ValueError, TypeError: naming the argument, also when nothing can run.
        Interrupted: with what is done.
    """
    problem, methods = as_problem(eps, schedule, manifold, None, t_start, t_end), method_list(methods)
    budgets, seeds = increasing("nfe", nfe), integers("seeds", seeds, 0)
    known_manifold(problem)
    where = limits(problem, spacing)
    fixed = [method for method in methods if method.fixed_grid]
    counts, left_out = plans(fixed, budgets, problem.schedule, cost(problem), **where)
    jobs = {job: (steps, {}) for job, steps in counts.items()}  # (method, budget or tolerance) -> (steps, options)
    for tolerance in _tolerances(tolerances):
        options = {"rtol": tolerance, "atol": tolerance}
        jobs |= {(method, tolerance): (1, options) for method in methods if not method.fixed_grid}
    if not jobs:
        raise ValueError(f"nfe must be enough for one of the methods, got {list(budgets)}")

    found, lineups = {job: [] for job in jobs}, []
    try:
        with Bar(total=len(jobs) * len(seeds), desc="work-precision", show=progress) as bar:
            for seed in seeds:
                lineups.append(Lineup(problem, n, seed, where, progress=False))
                _run(jobs, lineups[-1], found, left_out, bar)
    except KeyboardInterrupt as stop:
        done = _collected(found, left_out, budgets, seeds, lineups)
        raise Interrupted("work-precision interrupted", done if done.rows else None) from stop
    result = _collected(found, left_out, budgets, seeds, lineups)
    if not result.rows:
        raise ValueError(f"methods must run on this eps; none does: {left_out}")
    return result


def _run(jobs, lineup, found, left_out, bar):
    """Append a `Row` to each job's list in `found`; several budgets may allow the same run."""
    known = {}
    for (method, at), (steps, options) in jobs.items():
        run = method, steps, options.get("rtol")
        if (method.name, at) not in left_out:
            try:
                if run not in known:
                    known[run] = lineup.run(method, steps, **options)
                found[method, at].append(known[run])
            except ValueError as error:
                left_out[method.name, at] = str(error)
        bar.update()


def _collected(found, left_out, budgets, seeds, lineups):
    rows = []
    for (method, at), runs in found.items():
        if not runs or (method.name, at) in left_out:
            continue
        adaptive = not method.fixed_grid
        known = [name for name in MEASURES if name != "error" or not method.stochastic]
        spreads = {"error": None} | {name: Spread(tuple(getattr(run, name) for run in runs)) for name in known}
        rows.append(
            {
                "method": method.name,
                "budget": None if adaptive else at,
                "rtol": at if adaptive else None,
                "steps": None if adaptive else runs[0].steps,
                "nfe": max(run.nfe for run in runs),
                **spreads,
            }
        )
    errors = [row["error"] and row["error"].middle for row in rows]
    front = pareto([(row["nfe"], row["budget"] or row["nfe"], error) for row, error in zip(rows, errors, strict=True)])
    return WorkPrecision(
        rows=tuple(WorkRow(**row, pareto=best) for row, best in zip(rows, front, strict=True)),
        left_out=left_out,
        nfe=budgets,
        seeds=seeds[: len(lineups)],
        distance=Spread(tuple(lineup.distance for lineup in lineups)),
        coverage=Spread(tuple(lineup.coverage for lineup in lineups)),
        reference_error=max((lineup.reference.error for lineup in lineups), default=0.0),
    )


def _tolerances(values):
    values = listed("tolerances", values, "numbers")
    return tuple(dict.fromkeys(number("tolerances", value, 0, open_low=True) for value in values))
