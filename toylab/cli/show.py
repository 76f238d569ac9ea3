"""``toylab datasets``, ``methods`` and ``reproduce``: what there is, and every quoted number computed again."""

from pathlib import Path
from typing import Annotated

import typer

from toylab import _shipped
from toylab._files import user_path
from toylab.cli import options
from toylab.cli.output import check_output, print_json, print_table, print_view

COUNTED_AT = (10, 20, 40)  # step counts whose evaluations show how a method's cost grows


def datasets(json: options.Json = False) -> None:
    """List the data sets and the trained networks that come with them.

    \b
    Examples:
      toylab datasets
      toylab datasets --json
    """
    from toylab import datasets as sets

    rows = [
        {"name": name, "title": manifold.title, **_geometry(manifold), "networks": _networks(name)}
        for name, manifold in ((name, sets.get(name)) for name in sets.names())
    ]
    if json:
        print_json(rows)
        return
    columns = {"data set": "left", "title": "left", "kind": "left", "pieces": "right", "length": "right"}
    columns |= {"networks": "left"}
    print_table(columns, (tuple(_cell(value) for value in row.values()) for row in rows))


def methods(json: options.Json = False) -> None:
    """List the methods, their two parts, what they cost and their order.

    NFE (network evaluations) of N steps, and of 10 steps as counted in a run. Orders are those of theory on
    a grid uniform in t: the pseudo transfer caps them at 2 unless the clock is changed, and so does a
    multistep method's first step of order 1.

    \b
    Examples:
      toylab methods
      toylab methods --json
    """
    from toylab.samplers import aliases, get
    from toylab.samplers import methods as names

    other = aliases()
    rows = []
    for name in names():
        method = get(name)
        formula, counted = _cost(method)
        rows.append(
            {
                "name": name,
                "gradient": _part(method, "gradient"),
                "transfer": _part(method, "transfer"),
                "nfe": formula,
                "nfe_of_10_steps": counted,
                "order": method.order,
                "aliases": [alias for alias, canonical in other.items() if canonical == name],
                "options": sorted(method.options) + (["eta"] if name == "DDIM" else []),
            }
        )
    if json:
        print_json(rows)
        return
    columns = {"method": "left", "gradient": "left", "transfer": "left", "NFE": "left", "N = 10": "right"}
    columns |= {"order": "right", "aliases": "left", "options": "left"}
    print_table(columns, (tuple(_cell(value) for value in row.values()) for row in rows))


def _cell(value):
    if isinstance(value, list):
        value = ", ".join(value)
    return f"{value:.1f}" if isinstance(value, float) else str(value or "-")


def _geometry(manifold):
    """Kind (points, curve, area), number of connected pieces, and length of a curve."""
    import numpy as np

    pieces = manifold.components
    if all(len(piece) == 1 for piece in pieces):
        kind, length = "points", None
    elif (manifold.distance(manifold.sample(100, noise=0.01)) == 0).any():  # jitter leads off every curve
        kind, length = "area", None
    else:
        kind = "curve"
        length = float(sum(np.linalg.norm(np.diff(np.asarray(piece), axis=0), axis=1).sum() for piece in pieces))
    return {"kind": kind, "pieces": len(pieces), "length": length}


def _networks(dataset):
    """The names of the trained networks of a data set, one a schedule."""
    from toylab import schedules
    from toylab.epsilon import checkpoint_name, names

    own = {checkpoint_name(dataset, schedule) for schedule in schedules.names()}
    return [name for name in names() if name in own]


def _part(method, part):
    return getattr(getattr(method, part, None), "name", None)


def _cost(method):
    """(evaluations as a formula in N, evaluations of 10 steps)."""
    if not method.fixed_grid:
        return "adaptive", None
    counts = [method.evaluations(steps) for steps in COUNTED_AT]
    if None in counts:
        return "not known", None
    slope, rest = divmod(counts[1] - counts[0], COUNTED_AT[1] - COUNTED_AT[0])
    offset = counts[0] - slope * COUNTED_AT[0]
    if rest or counts[2] != slope * COUNTED_AT[2] + offset:
        return "not linear in N", counts[0]
    return ("" if slope == 1 else f"{slope} ") + "N" + (
        f" {'+' if offset > 0 else '-'} {abs(offset)}" if offset else ""
    ), counts[0]


def reproduce(
    what: Annotated[
        str, typer.Argument(metavar="WHAT", help="plane (the results page), or images (the claims page).")
    ] = "plane",
    out: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to write results.md and results/*.png. [docs]")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SECTIONS", help="Sections, readme or notebook-1 to notebook-9, separated by commas."),
    ] = None,
    world: Annotated[
        str, typer.Option("--world", help="images: those to measure, of exact, network, digits and cifar10-16; or all.")
    ] = "all",
    keep: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="images: where numbers are kept, WORLD.json [data/claims].")
    ] = None,
    anew: Annotated[bool, typer.Option("--anew", help="images: measure again what is kept, too.")] = False,
    real: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGES",
            help="images: real images of CIFAR-10 [cifar10:test, downloaded; with --published cifar10, all of it].",
        ),
    ] = None,
    note: Annotated[str, typer.Option(help="images: a sentence about the real images, for the page.")] = "",
    published: Annotated[
        str | None,
        typer.Option(
            metavar="NETWORK",
            help="images: the paper's table with published weights instead, such as "
            "google/ddpm-cifar10-32 (needs the internet once).",
        ),
    ] = None,
    n: Annotated[int, typer.Option("-n", "--images", help="images, --published: images a method.")] = 50_000,
    inception: options.Inception = None,
    json: options.Json = False,
) -> None:
    """Recompute every number that the README and the notebooks quote.

    Writes docs/results.md with tables and figures, the commit, versions, seeds and the run time. A part of
    it (--only) is printed instead, unless --out says where to write it. images writes docs/results-images.md: whether
    the paper's claims hold here, and what breaks them. What was measured is kept, so that the same command goes on
    where one was stopped; several worlds can be measured at the same time. With --published it makes a table of
    distances with published weights in the folder --out [published] instead; accelerate launch shares that work. These
    are FID and KID with --inception.

    \b
    Examples:
      toylab reproduce
      toylab reproduce --only notebook-3
      toylab reproduce --only orders,starts --json
      toylab reproduce --out results-here
      toylab reproduce images --world digits
      toylab reproduce images --published google/ddpm-cifar10-32 --inception download --out published
    """
    from toylab._errors import unknown_name

    if what == "images":
        if only:
            raise ValueError(f"only is for the plane, got {', '.join(only)}")
        if inception is not None and not published:
            raise ValueError(f"inception is for the table of published weights, got {inception!r}: give published, too")
        how = {"real": real, "note": note, "json": json}
        _published(published, out, n, inception, **how) if published else _claims(world, keep, anew, out, **how)
        return
    if what != "plane":
        raise unknown_name("what", what, ["plane", "images"])
    given = {"keep": keep, "anew": anew, "real": real, "note": note, "published": published, "inception": inception}
    for name, value in given.items():
        if value:
            raise ValueError(f"{name} is for images, got {value!r}: toylab reproduce images")
    import matplotlib

    from toylab.lessons.results import choose, sections
    from toylab.lessons.results import reproduce as run

    names = options.method_names(only or [])
    chosen = choose(names) if only else sections()
    folder = _folder(out) if out or not only else None
    matplotlib.use("Agg")
    report = run(chosen)
    files = [str(path) for path in report.write(folder)] if folder else []
    if json:
        print_json(report.as_dict() | {"files": files})
    elif folder:
        print(f"{len(report.entries)} sections in {report.cpu:.0f} s of one core, {report.wall:.0f} s by the clock")
        print(f"wrote {files[-1]}" + (f" and {len(files) - 1} figures" if files[1:] else ""))
    else:
        print(report.markdown(figures=False), end="")


def _claims(world, keep, anew, out, real, note, json):
    """The page of the claims, measured as far as it is not yet."""
    import matplotlib

    from toylab.claims import Notes
    from toylab.claims.setting import WORLDS
    from toylab.claims.stages import real_images
    from toylab.lessons.results.images import PAGE, reproduce_images

    worlds = list(WORLDS) if world == "all" else options.some_of("world", world, WORLDS)
    folder = _folder(out, PAGE)
    matplotlib.use("Agg")
    with real_images(real):
        files = [str(path) for path in reproduce_images(folder, worlds, Notes(keep, anew), note)]
    if json:
        print_json({"files": files})
    else:
        print(f"wrote {files[-1]} and {len(files) - 1} figures")


def _published(network, out, n, inception, real, note, json):
    """A table of distances to real images, of sets made with published weights."""
    from toylab._processes import place
    from toylab.lessons.results.published import published_table

    features = options.inception(inception)  # before hours of sampling
    known, held = (real, None) if real else ("cifar10", "cifar10:test")
    how = {"features": features, "held": held, "note": note}
    found = published_table(network, out or "published", known, n, **how)
    if found is not None and place().is_main_process:
        print_json(found.as_dict()) if json else print_view(found.table())


def _folder(out, page=None):
    """The folder to write into, made if need be: it is better to fail now than after minutes of work."""
    from toylab.lessons.results.report import PAGE

    page = page or PAGE
    folder = user_path(out, "out") if out else (_shipped.clone() or Path.cwd()) / "docs"
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"out must be a folder, but {folder} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    return check_output(folder / page, [".md"]).parent
