"""Work against precision: what a network evaluation buys with each method."""

from toylab._errors import number, positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab.analysis._compare import METHODS, Lineup, limits, method_list, own_manifold, plan
from toylab.analysis._work import MEASURES, Spread, WorkPrecision, WorkRow, pareto
from toylab.schedules import as_schedule

NFE = (5, 10, 20, 50, 100)
TOLERANCES = (1e-1, 1e-2, 1e-3, 1e-4)


def work_precision(
    eps, schedule, methods=METHODS, nfe=NFE, manifold=None, seeds=(0, 1, 2), n=512, t_start=None, t_end=None,
    spacing="t", tolerances=TOLERANCES, progress=True,
):  # fmt: skip
    """Measure methods at several budgets of network evaluations, never at equal steps.

    Every method takes the largest step count whose counted evaluations are within the budget, from the
    particles that all methods share, over the same limits. Measured against the exact flow of the same eps:
    one reference a seed.

    Args:
        eps, schedule, methods, manifold, t_start, t_end, spacing: as for `toylab.analysis._compare.compare`.
            Adaptive methods ("PF", "Adaptive-Heun") run once for each tolerance.
        nfe: budgets, positive integers, increasing.
        seeds: of the start particles, at least one.
        n: particles a seed.
        tolerances: of adaptive methods, relative and absolute alike.
        progress: show bars for work over two seconds.

    Returns a `WorkPrecision`. Raises ValueError or TypeError naming the argument, also when nothing can run;
    a method that cannot run at a budget, or blows up beyond all numbers, is listed in `left_out`.
    Interrupted, it raises `Interrupted` with what is done.
    """
    schedule, methods = as_schedule(schedule), method_list(methods)
    budgets, seeds = increasing("nfe", nfe), _integers("seeds", seeds, 0)
    manifold, where = own_manifold(eps, manifold), limits(schedule, t_start, t_end, spacing)
    jobs, left_out = {}, {}  # (method, budget or tolerance) -> (steps, options)
    fixed = [method for method in methods if method.fixed_grid]
    for budget in budgets:
        counts, reasons = plan(fixed, budget, schedule, **where)
        jobs |= {(method, budget): (steps, {}) for method, steps in counts.items()}
        left_out |= {(name, budget): reason for name, reason in reasons.items()}
    for tolerance in _tolerances(tolerances):
        options = {"rtol": tolerance, "atol": tolerance}
        jobs |= {(method, tolerance): (1, options) for method in methods if not method.fixed_grid}
    if not jobs:
        raise ValueError(f"nfe must be enough for one of the methods, got {list(budgets)}")

    found, lineups = {job: [] for job in jobs}, []
    try:
        with Bar(total=len(jobs) * len(seeds), desc="work-precision", show=progress) as bar:
            for seed in seeds:
                lineups.append(Lineup(eps, schedule, manifold, n, seed, where, progress=False))
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
        spreads = {name: Spread(tuple(getattr(run, name) for run in runs)) for name in MEASURES}
        if method.stochastic:
            spreads["error"] = None
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


def _integers(argument, values, at_least):
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"{argument} must be a list of integers, got {values!r}")
    values = tuple(positive_int(argument, value, at_least) for value in values)
    if not values or len(set(values)) < len(values):
        raise ValueError(f"{argument} must be a non-empty list of different integers, got {list(values)}")
    return values


def increasing(argument, values):
    """Positive increasing integers as a tuple; ValueError or TypeError naming the argument otherwise."""
    values = _integers(argument, values, 1)
    if list(values) != sorted(values):
        raise ValueError(f"{argument} must increase, got {list(values)}")
    return values


def _tolerances(values):
    if isinstance(values, str) or not hasattr(values, "__iter__"):
        raise TypeError(f"tolerances must be a list of numbers, got {values!r}")
    return tuple(dict.fromkeys(number("tolerances", value, 0, open_low=True) for value in values))
