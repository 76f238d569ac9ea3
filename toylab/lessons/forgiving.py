"""The study of notebook 12: what noise does to a network's error, by two measures that answer two questions."""

from collections.abc import Iterable
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np

from toylab import epsilon
from toylab._errors import number, positive_int
from toylab._types import Eps
from toylab.analysis import Table, energy_distance
from toylab.analysis._arguments import increasing
from toylab.analysis._budget import steps_within
from toylab.analysis._result import Result, pick
from toylab.datasets import as_manifold
from toylab.figures.look import common_legend, in_our_look, ticks
from toylab.samplers import get, sample

SAMPLERS = {
    "DDIM": get("DDIM"),
    "S-PNDM": get("S-PNDM"),
    "DDIM, eta = 0.5": get("DDIM", 0.5),
    "DDPM": get("DDPM"),
    "EDM-Heun, churn 40": get("EDM-Heun", s_churn=40.0),
}
LOOKS = dict(zip(SAMPLERS, (("#0072B2", "o-"), ("#009E73", "s-"), ("#56B4E9", "^--"), ("#D55E00", "D--"),
                            ("#CC79A7", "v--")), strict=True))  # fmt: skip
MEASURES = {
    "energy": "energy distance to the data:\nas many, at the same places?",
    "distance": "mean distance to the manifold:\non the curve?",
}
DATA, DATA_SEED = 2000, 1  # points that samples are compared with


@dataclass(frozen=True)
class ForgivenessRow:
    """A sampler at one budget: its evaluations, energy distance to the data, mean distance to the manifold."""

    sampler: str
    nfe: int
    energy: float
    distance: float


@dataclass(frozen=True, repr=False)
class Forgiveness(Result):
    """The findings of `forgiveness`: a `ForgivenessRow` for each sampler and budget; the floor of the energy distance,
    which fresh data have; the data set, the constant error, the number of samples."""

    rows: tuple
    floor: float
    dataset: str
    error: float
    n: int

    def as_dict(self) -> dict:
        """All numbers."""
        rows = [pick(row, "sampler", "nfe", "energy", "distance") for row in self.rows]
        return pick(self, "dataset", "error", "n", "floor") | {"rows": rows}

    def table(self) -> Table:
        """Both measures of every sampler and budget."""
        rows = tuple((row.sampler, str(row.nfe), row.energy, row.distance) for row in self.rows)
        note = (
            f"{self.dataset}, network plus {self.error:g} in the first coordinate of epsilon; {self.n} samples; fresh "
            f"data have an energy distance of {self.floor:.2g}"
        )
        return Table(("sampler", "NFE", "energy distance", "distance to the manifold"), rows, note)

    @in_our_look
    def plot(self) -> np.ndarray:
        """Both measures against the evaluations, side by side. Returns the Axes."""
        figure, axes = plt.subplots(1, 2, figsize=(13.5, 5.0))
        for ax, (measure, title) in zip(axes, MEASURES.items(), strict=True):
            for sampler, (color, form) in LOOKS.items():
                found = [row for row in self.rows if row.sampler == sampler]
                values = [getattr(row, measure) for row in found]
                ax.plot([row.nfe for row in found], values, form, color=color, label=sampler)
            ax.set(xscale="log", yscale="log", xlabel="network evaluations (NFE)", title=title)
            ticks(ax, sorted({row.nfe for row in self.rows}))
        axes[0].axhline(self.floor, color="0.45", linewidth=1, label="fresh data")
        common_legend(figure, axes)
        return axes


def forgiveness(
    network: str = "spiral", error: float = 0.1, nfe: Iterable[int] = (20, 100, 1000), n: int = 1000, seed: int = 0
) -> Forgiveness:
    """Sample from a network whose epsilon errs by a constant in its first coordinate, with and without noise.

    Args:
        network: a shipped network of points in the plane. error: the constant. nfe: budgets, increasing.
        n: samples. seed: of their start noise, and of the noise on the way.

    Raises ValueError or TypeError naming the argument.
    """
    net, error, budgets = epsilon.load(network), number("error", error), increasing("nfe", nfe)
    manifold, n = as_manifold(net.dataset), positive_int("n", n)
    data, eps, rows = manifold.sample(DATA, DATA_SEED), wrong_by(net, error), []
    for sampler, method in SAMPLERS.items():
        for budget in budgets:
            steps = steps_within(method, budget, net.schedule, 1)
            run = sample(eps, net.schedule, method, steps, n=n, seed=seed, record=False, progress=False)
            distance = manifold.distance(run.x).mean().item()
            rows.append(ForgivenessRow(sampler, run.nfe, energy_distance(run.x, data), distance))
    floor = energy_distance(manifold.sample(n, DATA_SEED + 1), data)
    return Forgiveness(tuple(rows), floor, net.dataset, error, n)


def wrong_by(eps: Eps, error: float) -> Eps:
    """An epsilon whose first coordinate is too large by `error`."""

    def wrong(x, t):
        found = eps(x, t).clone()
        found[:, 0] += error
        return found

    return wrong
