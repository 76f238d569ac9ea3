"""``toylab claims``: the paper's claims, judged, and broken."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver, kept, print_json, print_table

Sets = Annotated[str | None, typer.Option(help="Data sets of the plane [spiral,moons,circle].")]


def claims(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="CLAIMS", help="Claims, or all; without any they are listed.")
    ] = None,
    world: Annotated[
        str, typer.Option("--world", help="Of exact, network (the plane), digits and cifar10-16; or all.")
    ] = "exact,network",
    dataset: Sets = None,
    schedule: Annotated[str, typer.Option(help="Noise schedule.")] = "linear",
    t_end: Annotated[float | None, typer.Option("--t-end", help="Where to stop [0.001, 0.2 for orders].")] = None,
    nfe: Annotated[str | None, typer.Option(help="Budgets of network evaluations [those of the claim].")] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds of the start noise [0,1,2; of images 0,1].")] = None,
    particles: Annotated[
        int | None, typer.Option("-n", "--particles", help="Particles or images a seed [256 and 512; 48 and 16].")
    ] = None,
    break_: Annotated[
        float | None, typer.Option("--break", metavar="SECONDS", help="Search counterexamples for so long a claim.")
    ] = None,
    search_seed: Annotated[int, typer.Option("--search-seed", help="Of the order in which --break searches.")] = 0,
    real: Annotated[
        str | None, typer.Option(metavar="IMAGES", help="Real images of CIFAR-10 [cifar10:test, downloaded].")
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:
    """List the paper's claims, or measure whether they hold here.

    A verdict is holds, holds partly or does not show here, in each world beside the numbers that it rests on. With
    --break a claim's settings are searched for those in which it fails, and the command is printed that measures the
    worst of them again; a claim that survives says how many settings it survived.

    \b
    Examples:
      toylab claims
      toylab claims all
      toylab claims fifty-steps --world all
      toylab claims s-equal-nfe --dataset moons --schedule cosine --nfe 10,20 --json
      toylab claims orders --break 20
    """
    from toylab.claims import names as known

    asked = [name for text in names or [] for name in options.method_names([text])]
    if not asked:
        _list(json)
        return
    path = check_output(out, RESULTS) if out else None
    chosen = known() if asked == ["all"] else asked
    worlds = _worlds(world)
    from toylab.claims import check
    from toylab.claims.stages import real_images

    if break_ is not None:
        with real_images(real):
            _search(chosen, worlds, break_, search_seed, path, json)
        return
    how = {
        "datasets": None if dataset is None else options.method_names([dataset]),
        "seeds": None if seeds is None else options.comma_separated("seeds", seeds, int, "integers"),
        "nfe": None if nfe is None else options.comma_separated("nfe", nfe, int, "integers"),
    }
    with real_images(real):
        found, stop = kept(lambda: check(chosen, worlds, schedule=schedule, t_end=t_end, n=particles, **how))
    shown = []
    for verdict in found.rows:
        shown += [f"{verdict.claim.name}: {verdict.claim.sentence} ({verdict.claim.place})\n", verdict.table(), ""]
    shown = [*shown, found.table()] if len(found.rows) > 1 else shown[:-1]
    deliver(found.as_dict(), found.plot, shown, "The paper, claim by claim", path, json, stop)


def _worlds(text):
    from toylab.claims.setting import WORLDS

    return list(WORLDS) if text == "all" else options.some_of("world", text, WORLDS)


def _list(json):
    from toylab.claims import get, names

    found = [get(name) for name in names()]
    if json:
        rows = [{"name": each.name, "sentence": each.sentence, "place": each.place} for each in found]
        print_json([row | {"worlds": each.worlds} for row, each in zip(rows, found, strict=True)])
        return
    columns = {"claim": "left", "what is said": "left", "where": "left"}
    print_table(columns, ((each.name, each.sentence, each.place) for each in found))


def _search(chosen, worlds, seconds, seed, path, json):
    from toylab.claims import break_claim, get

    places = [(claim, world) for claim in map(get, chosen) for world in worlds if world in claim.worlds]
    found, stop = [], None
    for claim, world in places:
        result, stop = kept(lambda claim=claim, world=world: break_claim(claim, world, seconds, seed))
        found.append(result)
        if stop:
            break
    shown = [part for each in found for part in (each.table(), "")][:-1]
    deliver({"searches": [each.as_dict() for each in found]}, found[-1].plot, shown, "", path, json, stop)
