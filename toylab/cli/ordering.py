"""``toylab order``: convergence orders, of whole runs and of single steps."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver, kept, one_by_one, print_view

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
) -> None:
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
    measure = _single_steps if local else _whole_runs
    estimates, table, draw, stop = measure(found, chosen, counts, where)

    def show():
        print(f"{found.title}: {particles} particles, t_end = {t_end:g}, nodes equispaced in {spacing}\n")
        print_view(table)

    deliver(about | estimates, draw, show, found.title, path, json, stop)


def _whole_runs(found, methods, counts, where):
    from toylab.analysis import order_table

    result, stop = kept(lambda: order_table(found, None, methods, counts, **where))
    return result.as_dict(), result.table(details=True), result.plot, stop


def _single_steps(found, methods, counts, where):
    from toylab.analysis import Table, local_error
    from toylab.figures import plot_local_error

    results, stop = one_by_one(lambda method, _: local_error(found, None, method, counts, **where), methods)
    tables = [result.table() for result in results]
    table = Table(tables[0].header, tuple(row for each in tables for row in each.rows))
    estimates = {"estimates": [result.as_dict() for result in results]}
    return estimates, table, lambda: plot_local_error(results), stop
