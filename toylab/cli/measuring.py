"""``toylab compare`` and ``toylab work``: what methods do with the same number of network evaluations."""

from dataclasses import replace
from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver, kept, print_left_out, print_view


def compare(
    name: options.Name,
    methods: options.Methods = None,
    nfe: Annotated[int, typer.Option(help="Network evaluations that each method may spend.")] = 20,
    particles: options.Particles = 512,
    seed: options.Seed = 0,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    points: options.Points = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Compare methods at equal NFE, from the same particles.

    Every method takes the largest step count N within the budget. distance: mean distance of its samples to
    the manifold. |d - d exact|: how far that is from the distance of the exact flow of the same epsilon
    (nearer to the manifold is not better). error: rms distance of the particles from where the exact flow
    takes them.

    \b
    Examples:
      toylab compare spiral
      toylab compare circle --eps exact --method DDIM,S-PNDM,F-PNDM --nfe 50
      toylab compare moons --nfe 13 --out moons.png
      toylab compare spiral --json > spiral.json
    """
    from toylab import analysis, problems
    from toylab.analysis._compare import METHODS

    path = check_output(out, RESULTS) if out else None
    chosen = options.some_methods("methods", methods or METHODS)
    found = problems.find(name, eps, schedule, points)
    where = t_start, t_end, spacing
    result, stop = kept(lambda: analysis.compare(found, None, chosen, nfe, None, particles, seed, *where))
    about = {**found.labels, "particles": particles, "seed": seed, "spacing": spacing, **result.as_dict()}

    def show():
        print(f"{found.title}: {particles} particles, at most {nfe} network evaluations (NFE)\n")
        print_view(result.table())

    deliver(about, result.plot, show, found.title, path, json, stop)


def work(
    name: options.Name,
    methods: options.Methods = None,
    nfe: Annotated[str, typer.Option(help="Budgets of network evaluations, increasing.")] = "5,10,20,50",
    measure: Annotated[
        str, typer.Option(help="What to show, of error, excess, distance and coverage.")
    ] = "error,excess",
    seeds: Annotated[str, typer.Option(help="Seeds of the start noise.")] = "0,1,2",
    tolerances: Annotated[str, typer.Option(help="Of adaptive methods (PF).")] = "0.1,0.01,0.001,0.0001",
    particles: options.Particles = 512,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    points: options.Points = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Measure what evaluations buy: methods at several NFE.

    Every method takes the largest step count within each budget, from the same particles. error: rms distance
    of the particles from where the exact flow of the same epsilon takes them. excess: |d - d exact|, d the
    mean distance to the manifold (nearer is not better). coverage: share of the manifold with a sample within
    0.15. Medians over the seeds; * is on the Pareto front. Ctrl-C keeps what is done.

    \b
    Examples:
      toylab work circle
      toylab work spiral --method DDIM,S-PNDM,F-PNDM --nfe 10,20,50,100 --out work.png
      toylab work moons --eps exact --measure distance,coverage --seeds 0
      toylab work circle --method DDIM,PF --tolerances 0.1,0.001 --json
    """
    from toylab import problems
    from toylab.analysis import work_precision
    from toylab.analysis._compare import METHODS
    from toylab.analysis._work import MEASURES

    path = check_output(out, RESULTS) if out else None
    chosen = options.some_methods("methods", methods or METHODS)
    measures = options.some_of("measure", measure, MEASURES)
    found = problems.find(name, eps, schedule, points)
    result, stop = kept(
        lambda: work_precision(
            found, None, chosen, options.comma_separated("nfe", nfe, int, "integers"),
            None, options.comma_separated("seeds", seeds, int, "integers"), particles, t_start, t_end,
            spacing, options.comma_separated("tolerances", tolerances, float, "numbers"),
        )
    )  # fmt: skip
    about = {**found.labels, "particles": particles, "spacing": spacing, **result.as_dict()}

    def show():
        print(f"{found.title}: {particles} particles a seed, nodes equispaced in {spacing}")
        for each in measures:
            print()
            print_view(replace(result, left_out={}).table(each))
        print_left_out(result.left_out)

    deliver(about, lambda: result.plot(measures), show, found.title, path, json, stop)
