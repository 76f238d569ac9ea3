"""``toylab order``: convergence orders, of whole runs and of single steps."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.keeping import one_by_one
from toylab.cli.output import RESULTS, check_output, deliver, print_table

STEPS, LOCAL_STEPS = "320,640", "40,80,160,320"


def order(
    name: options.Name,
    method: Annotated[list[str], typer.Option(metavar="METHODS", help="One, or several separated by commas.")] = (
        "F-PNDM",
    ),
    steps: Annotated[
        str | None, typer.Option(help=f"Step counts, increasing [{STEPS}; with --local {LOCAL_STEPS}].")
    ] = None,
    t_end: Annotated[float, typer.Option("--t-end", help="Where to stop; nearer to 0 the order shows later.")] = 0.2,
    t_start: options.Start = None,
    particles: options.Particles = 64,
    seed: options.Seed = 0,
    eps: options.Eps = "exact",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    spread: Annotated[
        float | None,
        typer.Option(help="Width of the Gaussian around each point of the exact epsilon [0.05]."),
    ] = None,
    points: Annotated[int | None, typer.Option(help="Points of the exact epsilon [240].")] = None,
    option: options.Extra = None,
    local: Annotated[
        bool, typer.Option("--local", help="Also of single steps: each begins on the exact flow.")
    ] = False,
    out: options.Out = None,
    json: options.Json = False,
):
    """Measure convergence orders: how fast the end-point error falls as the steps grow.

    order: fitted slope of log error against log N, with its 95 % confidence interval over particles. Errors
    near the floor (round-off and the reference's own error) take no part in the fit; step counts outside it
    are in brackets. With --local, the slope of the error of one step, one more than the order of the
    method's formula, beside that of all steps. Ctrl-C keeps what is done.

    \b
    Examples:
      toylab order circle --method DDIM
      toylab order spiral --method RK4,PRK,F-PNDM --steps 80,160,320,640 --out orders.png
      toylab order circle --spacing sigma --t-start 0.6 --t-end 0.05
      toylab order circle --method PRK -o midpoint=sigma --json
      toylab order circle --method DDIM,F-PNDM --local
    """
    from toylab import problems

    path = check_output(out, RESULTS) if out else None
    chosen = options.some_methods("method", method, option)
    counts = options.comma_separated("steps", steps or (LOCAL_STEPS if local else STEPS), int, "integers")
    if eps == "exact":
        spread, points = 0.05 if spread is None else spread, 240 if points is None else points
    found = problems.find(name, eps, schedule, points, spread)
    about = {
        **found.labels,
        "t_end": t_end,
        "spacing": spacing,
        "spread": spread,
        "particles": particles,
        "seed": seed,
    }
    where = {"n": particles, "seed": seed, "t_start": t_start, "t_end": t_end, "spacing": spacing}
    measure, as_dict, draw, table = _of_single_steps() if local else _of_whole_runs()
    results, stop = one_by_one(lambda method, done: measure(found, method, counts, done, where), chosen)

    def show():
        print(f"{found.title}: {particles} particles, t_end = {t_end:g}, nodes equispaced in {spacing}\n")
        table(results)

    about["estimates"] = [as_dict(result) for result in results]
    deliver(about, lambda: draw(results), show, found.title, path, json, stop)


def _of_whole_runs():
    from toylab.analysis import measure_order

    def measure(found, method, counts, done, where):
        reference = done[0].reference if done else None
        return measure_order(found.eps, found.schedule, method, counts, reference=reference, **where)

    def draw(estimates):
        from toylab.figures import plot_order

        return plot_order(estimates)

    return measure, _estimate, draw, _print_orders


def _of_single_steps():
    from toylab.analysis import local_error

    def measure(found, method, counts, done, where):
        return local_error(found.eps, found.schedule, method, counts, **where)

    def draw(results):
        from toylab.cli.figures import local_errors

        return local_errors(results)

    return measure, _local, draw, _print_local


def _estimate(estimate):
    arrays = "steps", "nfe", "errors", "local_orders", "window"
    return {
        "method": estimate.method,
        "order": estimate.order,
        "interval": list(estimate.interval),
        "floor": estimate.floor,
        **{name: getattr(estimate, name).tolist() for name in arrays},
    }


def _local(result):
    return {
        "method": result.method,
        "order": result.order,
        "floor": result.floor,
        **{name: getattr(result, name).tolist() for name in ("steps", "local", "end", "fitted")},
        "profile": {str(count): errors.tolist() for count, errors in result.profile.items()},
    }


def _print_orders(estimates):
    counts = max((one.steps.tolist() for one in estimates), key=len)
    columns = {"method": "left", "order": "right", "95 % interval": "left", "local orders": "left"}
    columns |= {f"error, N = {count}": "right" for count in counts} | {"floor": "right"}
    rows = []
    for one in estimates:
        local = ", ".join(f"{slope:.2f}" for slope in one.local_orders)
        interval = f"{one.interval[0]:.2f} to {one.interval[1]:.2f}"
        errors = _errors(one.errors, one.window, counts)
        rows.append((one.method, f"{one.order:.2f}", interval, local, *errors, f"{one.floor:.0e}"))
    print_table(columns, rows)


def _print_local(results):
    import numpy as np

    counts = results[0].steps.tolist()
    columns = {"method": "left", "error of": "left", "slope": "right"}
    columns |= {f"N = {count}": "right" for count in counts} | {"floor": "right"}
    rows = []
    for one in results:
        for title, what, errors in (
            (one.method, "one step", one.local),
            ("", "all steps", one.end),
        ):
            slope = -np.polyfit(np.log(one.steps[one.fitted]), np.log(errors[one.fitted]), 1)[0]
            floor = f"{one.floor:.0e}" if title else ""
            rows.append((title, what, f"{slope:.2f}", *_errors(errors, one.fitted, counts), floor))
    print_table(columns, rows)


def _errors(errors, used, counts):
    """A cell for each step count: in brackets what the fit leaves out, a dash for what was not measured."""
    cells = [f"{error:.2e}" if fits else f"({error:.2e})" for error, fits in zip(errors, used, strict=True)]
    return cells + ["-"] * (len(counts) - len(cells))
