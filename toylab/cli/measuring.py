"""``toylab compare`` and ``toylab order``: what methods do, in numbers."""

from typing import Annotated

import typer

from . import options
from .output import check_output, figure, print_json, print_table


def compare(
    name: options.Name,
    methods: Annotated[
        list[str] | None,
        typer.Option(metavar="METHODS", help="Separated by commas or one by one; by default eight."),
    ] = None,
    nfe: Annotated[int, typer.Option(help="Network evaluations that each method may spend.")] = 20,
    particles: options.Particles = 512,
    seed: options.Seed = 0,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    points: options.Points = None,
    out: Annotated[str | None, typer.Option(help="Also draw the samples: a .png, .pdf or .svg file.")] = None,
    json: options.Json = False,
):
    """Compare methods at equal NFE, from the same particles.

    Every method takes the largest step count N within the budget. distance: mean distance of its samples to
    the manifold. |d - d exact|: how far that is from the distance of the exact flow of the same epsilon
    (nearer to the manifold is not better). error: rms distance of the particles from where the exact flow
    takes them.

    \b
    Examples:
      toylab compare spiral
      toylab compare circle --eps exact --methods DDIM,S-PNDM,F-PNDM --nfe 50
      toylab compare moons --nfe 13 --out moons.png
      toylab compare spiral --json > spiral.json
    """
    from .. import problems
    from ..analysis.compare import METHODS
    from ..analysis.compare import compare as run

    path = check_output(out, [".png", ".pdf", ".svg"]) if out else None
    chosen = [options.one_method(method) for method in options.method_names(methods or METHODS)]
    found = problems.find(name, eps, schedule, points)
    result = run(
        found.eps, found.schedule, chosen, nfe, found.manifold, particles, seed, t_start, t_end, spacing
    )
    about = {**found.labels, "budget": nfe, "particles": particles, "seed": seed, "spacing": spacing}
    if path:
        from .figures import draw_comparison

        draw_comparison(path, result, found)
    if json:
        print_json(about | _as_dict(result) | {"files": [str(path)] if path else []})
    else:
        _print_comparison(found.title, particles, result, path)


def _as_dict(result):
    fields = "method", "steps", "nfe", "distance", "excess", "error"
    return {
        "exact_flow": {"distance": result.distance, "uncertainty": result.reference.error},
        "rows": [{field: getattr(row, field) for field in fields} for row in result.rows],
        "left_out": result.left_out,
    }


def _print_comparison(title, particles, result, path):
    print(f"{title}: {particles} particles, at most {result.budget} network evaluations (NFE)\n")
    columns = {"method": "left"} | dict.fromkeys(("N", "NFE", "distance", "|d - d exact|", "error"), "right")
    rows = [
        (
            row.method,
            str(row.steps),
            str(row.nfe),
            figure(row.distance),
            figure(row.excess),
            figure(row.error),
        )
        for row in result.rows
    ]
    flow = ("exact flow", "-", "-", figure(result.distance), "0", f"±{result.reference.error:.0e}")
    print_table(columns, [*rows, flow])
    if result.left_out:
        print()
    for method, reason in result.left_out.items():
        print(f"left out: {method} {reason}")
    if path:
        print(f"\nwrote {path}")


def order(
    name: options.Name,
    method: Annotated[
        list[str], typer.Option(metavar="METHODS", help="One, or several separated by commas.")
    ] = ("F-PNDM",),
    steps: Annotated[str, typer.Option(help="Step counts, increasing.")] = "320,640",
    t_end: Annotated[
        float, typer.Option("--t-end", help="Where to stop; nearer to 0 the order shows later.")
    ] = 0.2,
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
    json: options.Json = False,
):
    """Measure convergence orders: how fast the end-point error falls as the steps grow.

    order: fitted slope of log error against log N, with its 95 % confidence interval over particles. Errors
    near the floor (round-off and the reference's own error) take no part in the fit; step counts outside it
    are in brackets.

    \b
    Examples:
      toylab order circle --method DDIM
      toylab order spiral --method RK4,PRK,F-PNDM --steps 80,160,320,640
      toylab order circle --spacing sigma --t-start 0.6 --t-end 0.05
      toylab order circle --method PRK -o midpoint=sigma --json
    """
    from .. import problems
    from ..analysis import measure_order

    chosen = [options.one_method(text, extra=option) for text in options.method_names(method)]
    counts = options.comma_separated("steps", steps, int, "integers")
    if eps == "exact":
        spread, points = 0.05 if spread is None else spread, 240 if points is None else points
    found = problems.find(name, eps, schedule, points, spread)
    estimates, reference = [], None
    for one in chosen:
        estimate = measure_order(
            found.eps, found.schedule, one, counts, n=particles, seed=seed, t_start=t_start, t_end=t_end,
            spacing=spacing, reference=reference,
        )  # fmt: skip
        estimates.append(estimate)
        reference = estimate.reference
    about = {
        **found.labels,
        "t_end": t_end,
        "spacing": spacing,
        "spread": spread,
        "particles": particles,
        "seed": seed,
    }
    if json:
        print_json({**about, "estimates": [_estimate(estimate) for estimate in estimates]})
    else:
        _print_orders(found.title, particles, t_end, spacing, estimates)


def _estimate(estimate):
    arrays = "steps", "nfe", "errors", "local_orders", "window"
    return {
        "method": estimate.method,
        "order": estimate.order,
        "interval": list(estimate.interval),
        "floor": estimate.floor,
        **{name: getattr(estimate, name).tolist() for name in arrays},
    }


def _print_orders(title, particles, t_end, spacing, estimates):
    print(f"{title}: {particles} particles, t_end = {t_end:g}, nodes equispaced in {spacing}\n")
    columns = {"method": "left", "order": "right", "95 % interval": "left", "local orders": "left"}
    columns |= {f"error, N = {count}": "right" for count in estimates[0].steps} | {"floor": "right"}
    rows = []
    for one in estimates:
        errors = [
            f"{error:.2e}" if used else f"({error:.2e})"
            for error, used in zip(one.errors, one.window, strict=True)
        ]
        local = ", ".join(f"{slope:.2f}" for slope in one.local_orders)
        interval = f"{one.interval[0]:.2f} to {one.interval[1]:.2f}"
        rows.append((one.method, f"{one.order:.2f}", interval, local, *errors, f"{one.floor:.0e}"))
    print_table(columns, rows)
