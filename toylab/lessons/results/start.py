"""The README and notebook 1: the tour, the picture, and who stays on the spiral."""

from toylab import datasets, exact_eps, method, problems, schedules
from toylab.analysis import Table, order_table, sweep
from toylab.analysis._run_sweep import METHODS, STEPS
from toylab.lessons.results.section import README, Found, section, settings
from toylab.widgets import still

BUDGET = 25  # network evaluations in the README's picture
SHOWN = 10  # steps in the figure and in the ratios


@section("tour", README, "The orders of the tour", 2.5)
def tour() -> Found:
    schedule = schedules.get("linear")
    eps = exact_eps(datasets.get("moons").curve(240), schedule, spread=0.05)
    pndm4 = method(gradient="rk4", transfer="pseudo", midpoint="sigma")
    runs = (("DDIM", (160, 320, 640)), (pndm4, (80, 160, 320)))
    tables = tuple(order_table(eps, schedule, [each], steps, progress=False).table() for each, steps in runs)
    return Found(settings("moons, linear schedule, exact", points=240, spread=0.05, n=64, seed=0), tables)


@section("picture", README, "The numbers in the picture", 2)
def picture() -> Found:
    how = {"n": 512, "seed": 0}
    problem = problems.find("spiral")
    shown = sweep(problem, methods=METHODS, steps=[count for count in STEPS if count <= BUDGET], progress=False, **how)
    rows = []
    for name in METHODS:
        count = max(each for each in shown.steps if shown.nfe[name, each] <= BUDGET)
        distance, off = (values[name, count][-1] for values in (shown.distance, shown.off))
        rows.append((name, count, shown.nfe[name, count], distance, percent(off)))
    note = f"at most {BUDGET} evaluations; off: farther than {shown.threshold:g} from the spiral"
    return Found(
        settings(problem, **how),
        (Table(("method", "N", "NFE", "distance", "off"), tuple(rows), note),),
    )


@section("spiral", "notebook 1", "Who stays on the spiral?", 5)
def spiral() -> Found:
    how = {"n": 512, "seed": 0}
    problem = problems.find("spiral")
    found = sweep(problem, methods=METHODS, progress=False, **how)
    reference = problem.reference(problem.start(**how).float(), progress=False)
    exact = problem.manifold.distance(reference.x).mean().item()

    def table(value, note, counts=STEPS):
        rows = tuple((str(count), *(value(name, count) for name in METHODS)) for count in reversed(counts))
        return Table(("N", *METHODS), rows, note)

    tables = (
        table(lambda *run: percent(found.off[run][-1]), f"share farther than {found.threshold:g} from the spiral"),
        table(lambda *run: found.distance[run][-1],
              f"mean distance to the spiral; of the exact solution with this network {exact:.3g}"),
        table(lambda *run: found.nfe[run], "network evaluations (NFE)"),
        table(lambda *run: found.nfe[run] / found.nfe["DDIM", run[1]], "network evaluations, ratio to those of DDIM",
              (SHOWN,)),
    )  # fmt: skip
    return Found(settings(problem, **how), tables, {"spiral": still(found, SHOWN)})


def percent(share: float) -> str:
    """A share in [0, 1] as "12.3 %"."""
    return f"{100 * share:.3g} %"
