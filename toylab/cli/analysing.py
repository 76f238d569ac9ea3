"""``toylab decompose``, ``grid`` and ``off``: whose fault an error is, where nodes should lie, and who leaves the
manifold when."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver, kept, one_by_one, print_left_out, print_view


def decompose(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped network or a network's file.")],
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="METHODS", help="Separated by commas or one by one [DDIM,S-PNDM,F-PNDM]."),
    ] = None,
    nfe: Annotated[
        str, typer.Option(help="Budgets of network evaluations, increasing.")
    ] = "5,7,10,14,20,28,40,57,80,113,160",
    particles: options.Particles = 256,
    seed: options.Seed = 0,
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    points: Annotated[int | None, typer.Option(help="Points of the exact epsilon [2000].")] = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Split an error: what the solver and the network lose.

    solver error: the network in N steps against the network's own flow. network error: that flow against the
    exact one. crossover: the NFE beyond which the solver loses less than the network, so that more steps buy
    little. Ctrl-C keeps what is done.

    \b
    Examples:
      toylab decompose spiral
      toylab decompose spiral --method DDIM,PLMS --nfe 5,10,20,40,80 --out fault.png
      toylab decompose moons --json
    """
    from toylab import problems
    from toylab._errors import positive_int
    from toylab.analysis import decompose_error
    from toylab.analysis._arguments import known_manifold
    from toylab.analysis._decompose import METHODS
    from toylab.epsilon import exact_eps

    path = check_output(out, RESULTS) if out else None
    chosen = options.some_methods("methods", methods or METHODS)
    budgets = options.comma_separated("nfe", nfe, int, "integers")
    try:
        found = problems.find(name, "network", schedule)
    except FileNotFoundError as error:
        raise (error.__cause__ or error) from None  # without the advice to take --eps exact, which is no option here
    manifold, exact = known_manifold(found), None
    if points is not None:
        exact = exact_eps(manifold.curve(positive_int("points", points)), found.schedule)
    result, stop = kept(
        lambda: decompose_error(found, exact, None, chosen, budgets, particles, seed, None, t_start, t_end, spacing)
    )
    about = {**found.labels, "particles": particles, "seed": seed, "spacing": spacing, **result.as_dict()}

    def show():
        print(f"{found.title}: {particles} particles, nodes equispaced in {spacing}\n")
        print_view(result.table())
        print_left_out(result.left_out)

    deliver(about, result.plot, show, found.title, path, json, stop)


def grid(
    name: options.Name,
    method: Annotated[str, typer.Option(help="A method (see: toylab methods) or gradient+transfer.")] = "F-PNDM",
    steps: Annotated[int, typer.Option(help="Number of steps.")] = 10,
    iterations: Annotated[int, typer.Option(help="Of the search, at most.")] = 60,
    particles: Annotated[
        int, typer.Option("-n", "--particles", help="Particles to search with; as many more judge the result.")
    ] = 128,
    seed: options.Seed = 0,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    t_start: options.Start = None,
    t_end: options.End = None,
    option: options.Extra = None,
    points: options.Points = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Search the best nodes for a method of few steps.

    The best are those with which it ends closest to the exact flow of the same epsilon. The search begins at the
    best of the stock spacings; particles that it has not seen judge what it finds. Ctrl-C keeps the best nodes so far.

    \b
    Examples:
      toylab grid moons
      toylab grid moons --method DDIM --steps 8 --out nodes.png
      toylab grid circle --eps exact --method S-PNDM --steps 19 --json
    """
    from toylab import problems
    from toylab.analysis import optimize_grid

    path = check_output(out, RESULTS) if out else None
    chosen = options.one_method(method, extra=option)
    found = problems.find(name, eps, schedule, points)
    result, stop = kept(
        lambda: optimize_grid(found, None, chosen, steps, t_start, t_end, particles, None, seed, iterations)
    )
    about = {**found.labels, "particles": particles, "seed": seed, **result.as_dict()}
    about["options"] = {key: getattr(chosen, key) for key in chosen.options}

    def show():
        print(f"{found.title}: {result.method}, N = {steps}, NFE {result.nfe}, {particles} + {particles} particles\n")
        print_view(result.table())
        print(f"\nnodes, for toylab sample {name} --method {method} --times")
        print(",".join(f"{t:.9g}" for t in result.times.tolist()))

    deliver(about, result.plot, show, found.title, path, json, stop)


def off(
    name: options.Name,
    method: Annotated[list[str], typer.Option(metavar="METHODS", help="One, or several separated by commas.")] = (
        "RK4",
    ),
    steps: Annotated[int | None, typer.Option(help="Number of steps [20].")] = None,
    nfe: Annotated[
        int | None, typer.Option(help="In place of --steps: as many as this many network evaluations allow.")
    ] = None,
    particles: options.Particles = 512,
    seed: options.Seed = 0,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    option: options.Extra = None,
    points: options.Points = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """Score how far off the manifold particles are at every t.

    r_t: rms distance of x_t / sqrt(alpha_bar) to the manifold, divided by that of samples of the forward
    process at t; forward: where 98 % of as many forward samples lie. Above is off the manifold, below is
    over-denoised. unlikely: share of particles whose log p_t is below the 1 % quantile of the forward process
    (on the manifold: about 1 %).

    \b
    Examples:
      toylab off moons
      toylab off circle --eps exact --method RK4,F-PNDM,DDIM --nfe 20 --out off.png
      toylab off moons --method DDIM --steps 10 --json
    """
    from toylab import problems

    path = check_output(out, RESULTS) if out else None
    if steps is not None and nfe is not None:
        raise ValueError(f"nfe is in place of steps, got nfe = {nfe} and steps = {steps}")
    chosen = options.some_methods("method", method, option)
    found = problems.find(name, eps, schedule, points)
    where = {"t_start": t_start, "t_end": t_end, "spacing": spacing}
    count = 20 if steps is None else steps
    scored, stop = one_by_one(lambda one, _: _scored(found, one, count, nfe, particles, seed, where), chosen)
    about = {**found.labels, "particles": particles, "seed": seed, "spacing": spacing}
    about["runs"] = [score.as_dict() for score in scored]

    def draw():
        from toylab.figures import plot_scores

        return plot_scores(scored)

    def show():
        print(f"{found.title}: {particles} particles, nodes equispaced in {spacing}")
        for score in scored:
            print(f"\n{score.method}: N = {score.steps}, NFE {score.nfe}\n")
            print_view(score.table())

    deliver(about, draw, show, found.title, path, json, stop)


def _scored(found, method, steps, nfe, particles, seed, where):
    """The scores of one method."""
    from toylab import sample
    from toylab.analysis import off_manifold
    from toylab.analysis._arguments import known_manifold
    from toylab.analysis._budget import steps_within
    from toylab.samplers.core import cost

    known_manifold(found)
    if nfe is not None:
        steps = steps_within(method, nfe, found.schedule, cost(found), **where)
        if steps == 0:
            raise ValueError(f"nfe must be enough for a step, but {method.name} needs more than {nfe}")
    return off_manifold(sample(found, None, method, steps, n=particles, seed=seed, **where), found)
