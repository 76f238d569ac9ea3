"""The command that measures images against real ones."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver, kept


def distance(
    name: Annotated[str, typer.Argument(metavar="NAME", help="An image network, or finished images as npz:PATH.")],
    data: Annotated[
        str | None,
        typer.Option(metavar="IMAGES", help="Real images: digits, cifar10, npz:PATH or folder:PATH; by default those "
                     "that the network was trained on. They are shrunk to its size."),
    ] = None,
    held: Annotated[
        str | None,
        typer.Option(metavar="IMAGES", help="Other real images, which say how near one can come [half of the data]."),
    ] = None,
    methods: Annotated[
        list[str] | None,
        typer.Option("--method", metavar="METHODS", help="Separated by commas or one by one [DDIM,S-PNDM,F-PNDM]."),
    ] = None,
    nfe: Annotated[str, typer.Option(help="Budgets of network evaluations, increasing.")] = "10,20,50",
    n: Annotated[int, typer.Option("-n", "--images", help="Images a seed.")] = 1000,
    seeds: Annotated[str, typer.Option(help="Seeds of the start noise.")] = "0",
    features: Annotated[
        str | None,
        typer.Option(help="photographs, digits or pixels; by default those of the classifier that knows such images."),
    ] = None,
    inception: options.Inception = None,
    real: Annotated[int, typer.Option("--real", help="Real images to use at most, and held ones.")] = 5000,
    guidance: Annotated[
        float | None,
        typer.Option(help="Of a network that knows labels: as many images of each class, guided by this scale (1: "
                     "without guidance)."),
    ] = None,
    out: options.Out = None,
    json: options.Json = False,
) -> None:  # fmt: skip
    """Measure how far images are from real ones.

    Fréchet distance of features, and what it would be for infinitely many images; kernel distance with its 95 %
    confidence interval; precision (share of images near real ones) and recall (share of real images near them). Every
    method takes the largest step count within each budget. The last line is what as many real images reach. With
    --inception it is FID and KID; with other features none of it is. Ctrl-C keeps what is done.
    Finished images, such as those of toylab samples, are measured as they are: npz:PATH with --data.

    \b
    Examples:
      toylab distance digits -n 400 --nfe 5,10,20
      toylab distance cifar10-16 --method DDIM,S-PNDM --nfe 10,20 --held cifar10:test --out distances.png
      toylab distance cifar10-16-classes --guidance 2 --nfe 30 --seeds 0,1,2
      toylab distance cifar10 -n 10000 --real 50000 --held cifar10:test --inception download
    """
    from toylab import images, problems

    path = check_output(out, RESULTS) if out else None
    budgets = options.comma_separated("nfe", nfe, int, "integers")
    numbers = options.comma_separated("seeds", seeds, int, "integers")
    chosen = options.some_methods("methods", methods or ["DDIM,S-PNDM,F-PNDM"])
    finished = None if not name.startswith("npz:") else images.load(name)
    found = None if finished else problems.find(name, "network", images=True)
    size = (finished or found).shape[1]
    if data is None and finished:
        raise ValueError(f"data must name real images to compare {name} with")
    source = images.load(data or found.eps.dataset, size=size)
    others = None if held is None else images.load(held, size=size)
    if inception is not None and features is not None:
        raise ValueError(f"inception is in place of features, got {inception!r} and {features!r}")
    seen = options.inception(inception) or features
    yardstick = images.Yardstick(source, seen, others, most=real)
    if finished:
        result, stop, title = images.distances({"images": finished}, yardstick, labels=_story(name)), None, name
    else:
        eps, labels = (found.eps, {}) if guidance is None else _of_each_class(found, guidance, n)
        how = {"n": n, "seeds": numbers, "labels": labels}
        result, stop = kept(lambda: images.method_distances(eps, yardstick, chosen, budgets, **how))
        title = f"{found.title}: {n} images a seed"
    deliver(result.as_dict(), result.plot, (f"{title}\n", result.table()), title, path, json, stop)


def _of_each_class(found, scale, n):
    """The guided epsilon of n images, equally many of each class, and what the note says of it."""
    import torch

    from toylab import guided

    network = found.eps
    if not getattr(network, "classes", ()):
        raise ValueError(f"guidance needs a network that was trained with labels, but {found.title} knows none")
    eps = network.of(torch.arange(n) % len(network.classes))
    ema = network.metadata.get("training", {}).get("ema")
    return (eps if scale == 1 else guided(eps, network, scale)), {"guidance": f"{scale:g}", "EMA": ema}


def _story(name):
    """The story of a file of images, as it has it."""
    import json

    import numpy as np

    with np.load(name.partition(":")[2]) as data:
        about = json.loads(str(data["metadata"])) if "metadata" in data else {}
    return {key: about[key] for key in ("dataset", "method", "steps", "nfe", "seed") if key in about}
