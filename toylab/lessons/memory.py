"""The lab of notebook 13: samples beside the points that an epsilon knows, and what is a copy of which."""

from collections.abc import Iterable
from functools import cache

import matplotlib.pyplot as plt
import torch
from torch import Tensor

from toylab import datasets, epsilon
from toylab._threads import single_thread
from toylab.analysis import Table
from toylab.epsilon import exact_eps
from toylab.figures.look import PALE, in_our_look
from toylab.samplers import sample
from toylab.widgets.lab import Lab, menu, slider

COPY = 0.05  # nearer to a training point than that is a copy: the flow to t_min leaves noise of about 0.01
POINTS, SPREADS, SAMPLES = (3, 10, 30, 100, 300, 1000), (0, 0.02, 0.05, 0.1, 0.2, 0.4), 500
HEADER = "samples of", "nearest training point", "copies", "distance to the curve"


def memory_lab(dataset: str = "spiral", points: int = 30, spread: float = 0.0) -> Lab:
    """A live figure of samples beside the training points: the exact epsilon of these, each widened by `spread`.

    Args:
        dataset: a data set with a shipped network. points, spread: shown at first.

    Returns a `Lab`; its result is a `Table`. Raises ValueError for what is not on offer.
    """

    def compute(dataset, points, spread):
        found = memory_table(dataset, points, (spread,))
        figure, ax = in_our_look(plt.subplots)(figsize=(7.0, 6.2))
        ax.plot(*datasets.get(dataset).curve(800).T, ".", color=PALE, markersize=1, zorder=0)
        ax.plot(*by_formula(dataset, points, spread).T, "o", color="#0072B2", markersize=3, alpha=0.4, label="samples")
        ax.plot(*training_points(dataset, points).T, "x", color="#D55E00", markersize=9, label="training points")
        ax.set(aspect="equal", title=f"{dataset}: the exact epsilon of {points} points, spread {spread:g}")
        ax.legend(loc="upper right")
        return found, figure, f"copies: {found.rows[0][2]}; distance to the curve: {found.rows[0][3]:.3g}"

    controls = {
        "dataset": menu("data set", sorted(set(datasets.names()) & set(epsilon.names())), dataset),
        "points": slider("training points", POINTS, points),
        "spread": slider("spread", SPREADS, spread),
    }
    return Lab("memory", controls, compute)


def memory_table(dataset: str = "spiral", points: int = 30, spreads: Iterable[float] = (0, 0.05, 0.2)) -> Table:
    """The distances of samples to the training points, and to the curve that these came from: a `Table`.

    Samples of the exact epsilon of so many points, for each spread; of the shipped network; and fresh data.

    Args:
        dataset: a data set with a shipped network. points: training points. spreads: of each point.
    """
    samples = {f"the formula, spread {spread:g}": by_formula(dataset, points, spread) for spread in spreads}
    samples |= {"the network": _by_network(dataset), "fresh data": datasets.get(dataset).sample(SAMPLES, 2)}
    known = training_points(dataset, points)
    rows = tuple((name, *_judged(x, known, dataset)) for name, x in samples.items())
    return Table(HEADER, rows, f"{dataset}, {points} training points; a copy is nearer than {COPY:g} to one of them")


def nearest(x: Tensor, points: Tensor) -> Tensor:
    """The distance of each of x [n, 2] to the nearest of points [k, 2]: [n]."""
    with single_thread(x):
        return torch.cdist(x.double(), points.double()).amin(1)


def training_points(dataset: str, points: int) -> Tensor:
    """So many points of a data set, [points, 2], always the same."""
    return datasets.get(dataset).sample(points, seed=0)


def _judged(x, known, dataset):
    near = nearest(x, known)
    return near.mean().item(), f"{(near < COPY).double().mean():.0%}", datasets.get(dataset).distance(x).mean().item()


@cache
def by_formula(dataset: str, points: int, spread: float) -> Tensor:
    """500 samples of the exact epsilon of so many training points, each widened by `spread`: [500, 2]."""
    eps = exact_eps(training_points(dataset, points), "linear", spread)
    return _samples(eps)


@cache
def _by_network(dataset):
    return _samples(epsilon.load(dataset))


def _samples(eps):
    run = sample(eps, None, "S-PNDM", 60, n=SAMPLES, seed=0, spacing="logsnr", record=False, progress=False)
    return run.x
