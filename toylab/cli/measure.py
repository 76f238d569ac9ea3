"""The commands that measure: each asks `toylab.analysis` one question and shows the result."""

from dataclasses import replace
from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.asked import Asked
from toylab.cli.output import kept, one_by_one

STEPS, LOCAL_STEPS = "320,640", "40,80,160,320"
Budgets = Annotated[str, typer.Option(help="Budgets of network evaluations, increasing.")]


@options.sharing(Asked)
def compare(
    asked: Asked,
    methods: options.Methods = None,
    nfe: Annotated[int, typer.Option(help="Network evaluations that each method may spend.")] = 20,
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
    from toylab import analysis
    from toylab.analysis._compare import METHODS

    chosen, problem = options.some_methods("methods", methods or METHODS), asked.problem()
    n, seed, spacing = asked.particles, asked.seed, asked.spacing
    result, stop = kept(lambda: analysis.compare(problem, None, chosen, nfe, n=n, seed=seed, spacing=spacing))
    about = {"particles": n, "seed": seed, "spacing": spacing, **result.as_dict()}
    title = f"{problem.title}: {n} particles, at most {nfe} network evaluations (NFE)\n"
    asked.show(problem, about, result.plot, stop, title, result.table())


@options.sharing(Asked, without=("seed",))
def work(
    asked: Asked,
    methods: options.Methods = None,
    nfe: Budgets = "5,10,20,50",
    measure: Annotated[
        str, typer.Option(help="What to show, of error, excess, distance and coverage.")
    ] = "error,excess",
    seeds: Annotated[str, typer.Option(help="Seeds of the start noise.")] = "0,1,2",
    tolerances: Annotated[str, typer.Option(help="Of adaptive methods (PF).")] = "0.1,0.01,0.001,0.0001",
) -> None:
    """Measure what evaluations buy: methods at several NFE.

    Every method takes the largest step count within each budget, from the same particles. error: rms distance
    of the particles from where the exact flow of the same epsilon takes them. excess: |d - d exact|, d the
    mean distance to the manifold (nearer is not better). coverage: share of the manifold with a sample within
    0.15. Medians over the seeds; * is on the Pareto front. In the figure, measures beside the error are drawn
    against it. Ctrl-C keeps what is done.

    \b
    Examples:
      toylab work circle
      toylab work spiral --method DDIM,S-PNDM,F-PNDM --nfe 10,20,50,100 --out work.png
      toylab work moons --eps exact --measure distance,coverage --seeds 0
      toylab work circle --method DDIM,PF --tolerances 0.1,0.001 --json
    """
    from toylab.analysis import work_precision
    from toylab.analysis._compare import METHODS
    from toylab.analysis._work import MEASURES

    chosen = options.some_methods("methods", methods or METHODS)
    measures = options.some_of("measure", measure, MEASURES)
    problem, n, spacing = asked.problem(), asked.particles, asked.spacing
    how = {
        "nfe": options.comma_separated("nfe", nfe, int, "integers"),
        "seeds": options.comma_separated("seeds", seeds, int, "integers"),
        "tolerances": options.comma_separated("tolerances", tolerances, float, "numbers"),
    }
    result, stop = kept(lambda: work_precision(problem, None, chosen, n=n, spacing=spacing, **how))
    about = {"particles": n, "spacing": spacing, **result.as_dict()}
    title = f"{problem.title}: {n} particles a seed, nodes equispaced in {spacing}"
    whole = replace(result, left_out={})
    tables = [part for each in measures for part in ("", whole.table(each))]
    # each other measure beside the error is drawn against it: what does an error cost, and what is it worth?
    panels = [(each, "error") if "error" in measures and each != "error" else each for each in measures]
    asked.show(problem, about, lambda: result.plot(panels), stop, title, *tables, *_left_out(result))


@options.sharing(Asked, eps="exact", particles=64)
def order(
    asked: Asked,
    method: Annotated[
        list[str] | None, typer.Option(metavar="METHODS", help="Separated by commas or one by one [F-PNDM].")
    ] = None,
    steps: Annotated[
        str | None, typer.Option(help=f"Step counts, increasing [{STEPS}; with --local {LOCAL_STEPS}].")
    ] = None,
    t_end: Annotated[float, typer.Option("--t-end", help="Where to stop; nearer to 0 the order shows later.")] = 0.2,
    spread: Annotated[
        float | None, typer.Option(help="Width of the Gaussian around each point of the exact epsilon [0.05].")
    ] = None,
    points: Annotated[int | None, typer.Option(help="Points of the exact epsilon [240].")] = None,
    option: options.Extra = None,
    local: Annotated[
        bool, typer.Option("--local", help="Also of single steps: each begins on the exact flow.")
    ] = False,
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
    chosen = options.some_methods("method", method or ["F-PNDM"], option)
    counts = options.comma_separated("steps", steps or (LOCAL_STEPS if local else STEPS), int, "integers")
    if asked.eps == "exact":
        spread, points = 0.05 if spread is None else spread, 240 if points is None else points
    problem, n = asked.problem(points=points, spread=spread), asked.particles
    about = {"t_end": t_end, "spacing": asked.spacing, "spread": spread, "particles": n, "seed": asked.seed}
    measured = _single_steps if local else _whole_runs
    found, draw, table, stop = measured(problem, chosen, counts, n=n, seed=asked.seed, spacing=asked.spacing)
    title = f"{problem.title}: {n} particles, t_end = {t_end:g}, nodes equispaced in {asked.spacing}\n"
    asked.show(problem, about | found, draw, stop, title, table)


def _whole_runs(problem, methods, counts, **how):
    from toylab.analysis import order_table

    result, stop = kept(lambda: order_table(problem, None, methods, counts, **how))
    return result.as_dict(), result.plot, result.table(details=True), stop


def _single_steps(problem, methods, counts, **how):
    from toylab.analysis import Table, local_error
    from toylab.figures import plot_local_error

    results, stop = one_by_one(lambda method: local_error(problem, None, method, counts, **how), methods)
    tables = [result.table() for result in results]
    table = Table(tables[0].header, tuple(row for each in tables for row in each.rows))
    return {"estimates": [result.as_dict() for result in results]}, lambda: plot_local_error(results), table, stop


@options.sharing(Asked, without=("eps",), particles=256)
def decompose(
    asked: Asked,
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="METHODS", help="Separated by commas or one by one [DDIM,S-PNDM,F-PNDM]."),
    ] = None,
    nfe: Budgets = "5,7,10,14,20,28,40,57,80,113,160",
    points: Annotated[int | None, typer.Option(help="Points of the exact epsilon [2000].")] = None,
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
    from toylab._errors import positive_int
    from toylab.analysis import decompose_error
    from toylab.analysis._arguments import known_manifold
    from toylab.analysis._decompose import METHODS
    from toylab.epsilon import exact_eps

    chosen = options.some_methods("methods", methods or METHODS)
    budgets = options.comma_separated("nfe", nfe, int, "integers")
    try:
        problem = asked.problem(points=None)
    except FileNotFoundError as error:
        raise (error.__cause__ or error) from None  # without the advice to take --eps exact, which is no option here
    manifold, exact = known_manifold(problem), None
    if points is not None:
        exact = exact_eps(manifold.curve(positive_int("points", points)), problem.schedule)
    how = {"n": asked.particles, "seed": asked.seed, "spacing": asked.spacing}
    result, stop = kept(lambda: decompose_error(problem, exact, None, chosen, budgets, **how))
    about = {"particles": how.pop("n"), **how, **result.as_dict()}
    title = f"{problem.title}: {asked.particles} particles, nodes equispaced in {asked.spacing}\n"
    asked.show(problem, about, result.plot, stop, title, result.table(), *_left_out(result))


@options.sharing(Asked, without=("spacing",))
def grid(
    asked: Asked,
    method: options.Method = "F-PNDM",
    steps: options.Steps = 10,
    iterations: Annotated[int, typer.Option(help="Of the search, at most.")] = 60,
    particles: Annotated[
        int, typer.Option("-n", "--particles", help="Particles to search with; as many more judge the result.")
    ] = 128,
    option: options.Extra = None,
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
    from toylab.analysis import optimize_grid

    chosen, problem = options.one_method(method, extra=option), asked.problem()
    how = {"n": particles, "seed": asked.seed, "iterations": iterations}
    result, stop = kept(lambda: optimize_grid(problem, None, chosen, steps, **how))
    about = {"particles": particles, "seed": asked.seed, **result.as_dict()}
    about["options"] = options.of(chosen)
    asked.show(
        problem, about, result.plot, stop,
        f"{problem.title}: {result.method}, N = {steps}, NFE {result.nfe}, {particles} + {particles} particles\n",
        result.table(),
        f"\nnodes, for toylab sample {asked.name} --method {method} --times",
        ",".join(f"{t:.9g}" for t in result.times.tolist()),
    )  # fmt: skip


@options.sharing(Asked)
def off(
    asked: Asked,
    method: Annotated[
        list[str] | None, typer.Option(metavar="METHODS", help="Separated by commas or one by one [RK4].")
    ] = None,
    steps: Annotated[int | None, typer.Option(help="Number of steps [20].")] = None,
    nfe: Annotated[
        int | None, typer.Option(help="In place of --steps: as many as this many network evaluations allow.")
    ] = None,
    option: options.Extra = None,
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
    from toylab import sample
    from toylab.analysis import off_manifold
    from toylab.analysis._arguments import known_manifold
    from toylab.analysis._budget import steps_within
    from toylab.analysis._compare import limits
    from toylab.samplers.core import cost

    if steps is not None and nfe is not None:
        raise ValueError(f"nfe is in place of steps, got nfe = {nfe} and steps = {steps}")
    chosen, problem = options.some_methods("method", method or ["RK4"], option), asked.problem()
    n, spacing = asked.particles, asked.spacing

    def scored(one):
        known_manifold(problem)
        count = 20 if steps is None else steps
        if nfe is not None:
            count = steps_within(one, nfe, problem.schedule, cost(problem), **limits(problem, spacing))
            if count == 0:
                raise ValueError(f"nfe must be enough for a step, but {one.name} needs more than {nfe}")
        return off_manifold(sample(problem, None, one, count, n=n, seed=asked.seed, spacing=spacing), problem)

    def draw():
        from toylab.figures import plot_scores

        return plot_scores(scores)

    scores, stop = one_by_one(scored, chosen)
    about = {"particles": n, "seed": asked.seed, "spacing": spacing, "runs": [score.as_dict() for score in scores]}
    tables = [
        part for score in scores
        for part in (f"\n{score.method}: N = {score.steps}, NFE {score.nfe}\n", score.table())
    ]  # fmt: skip
    asked.show(problem, about, draw, stop, f"{problem.title}: {n} particles, nodes equispaced in {spacing}", *tables)


def _left_out(result):
    """A line for each (method, budget or tolerance) that a result left out, below an empty one."""
    lines = [f"left out at {at:g}: {method} {reason}" for (method, at), reason in result.left_out.items()]
    return ["", *lines] if lines else []
