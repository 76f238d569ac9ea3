"""The study of notebook 16: what guidance and solvers do to samples of a class, in the plane and in images."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
import torch
from torch import Tensor

from toylab import datasets, epsilon
from toylab._errors import number, positive_int, seed_number
from toylab._types import Eps
from toylab.analysis import Table, sweep
from toylab.analysis._arguments import increasing, method_list
from toylab.analysis._budget import steps_within
from toylab.analysis._result import Result, pick
from toylab.datasets.labels import CLASSES
from toylab.epsilon import guided
from toylab.figures.look import INK, in_our_look
from toylab.images import ImageSampler
from toylab.images.features import classifier_for
from toylab.lessons.memory import nearest
from toylab.problems import Problem, guided_class
from toylab.samplers import sample
from toylab.samplers.core import start_noise
from toylab.widgets.player import Player

METHODS = ("DDIM", "S-PNDM", "PLMS", "F-PNDM")
SCALES = (1, 2, 4, 8)
NFE = (20, 32, 50, 100, 200)
ASKED = {"two-circles": "outer", "moons": "upper", "spiral": "outer"}  # of each data set's two classes
FAR, NEAR = 0.1, 0.15  # beyond the first a particle is off, within the second a point is covered
FLOW = "DDIM", 400  # even in logSNR: ends within 0.01 of 2000 steps
STEPS = (5, 8, 10, 13, 16, 20, 25, 32, 50)
EMPTY = "#eceef0"


@dataclass(frozen=True)
class _World:
    """The needs of `leaving`: eps of a scale, samples of (eps, method, steps), which of them are off, the price of
    guidance that the flow pays, both in words too, and how the flow is found."""

    eps: Callable[[float], Eps]
    samples: Callable[[Any, Any, int], Tensor]
    off: Callable[[Tensor], np.ndarray]
    price: Callable[[Tensor], float]
    words: tuple[str, str]
    flow: tuple[str, int]


@dataclass(frozen=True, repr=False)
class Leaving(Result):
    """The findings of `leaving`.

    Attributes:
        where: the data set or network. methods, scales, nfe, n, seed: as asked for.
        off: the share of particles that are off, float64 [methods, scales, budgets]; NaN where nothing can run.
        flow: the share of particles off at the end of the guided flow itself (many steps), float64 [scales].
        price: what guidance does to that flow, float64 [scales]: the share of the class that is covered in the plane,
            the share of values beyond black and white in images.
        words: what `off` and `price` are, in words.
    """

    where: str
    methods: tuple
    scales: tuple
    nfe: tuple
    n: int
    seed: int
    off: np.ndarray
    flow: np.ndarray
    price: np.ndarray
    words: tuple

    def as_dict(self) -> dict:
        """All numbers."""
        return pick(self, "where", "methods", "scales", "nfe", "n", "seed", "off", "flow", "price", "words")

    def table(self) -> Table:
        """The share of particles that are off for each scale: of every method and budget, then of the guided flow."""
        rows = [
            (method, str(budget), *(f"{share:.0%}" if share == share else None for share in self.off[i, :, k]))
            for i, method in enumerate(self.methods)
            for k, budget in enumerate(self.nfe)
        ]
        rows.append(("many steps", None, *(f"{share:.0%}" for share in self.flow)))
        rows.append(("its price", None, *(f"{share:.2f}" for share in self.price)))
        off, price = self.words
        note = f"{self.where}: share of {self.n} {off}. The price of guidance, of many steps: {price}."
        return Table(("method", "NFE", *(f"guidance {scale:g}" for scale in self.scales)), tuple(rows), note)

    @in_our_look
    def plot(self) -> np.ndarray:
        """The plane of scale and budget, a panel for each method and one for the guided flow, coloured by the share
        that is off, in per cent. Returns the Axes."""
        count, budgets = len(self.methods), list(map(str, self.nfe))
        figure, axes = plt.subplots(
            1, count + 1, figsize=(1.6 + (0.7 + 0.55 * len(budgets)) * count, 1.9 + 0.62 * len(self.scales)),
            width_ratios=[len(budgets)] * count + [1.6], sharey=True,
        )  # fmt: skip
        for ax, method, off in zip(axes, self.methods, self.off, strict=False):
            _plane(ax, off, budgets)
            ax.set(title=method, xlabel="NFE")
        _plane(axes[-1], self.flow[:, None], ["∞"])
        axes[-1].set(title="flow")
        axes[0].set(ylabel="guidance")
        axes[0].set_yticks(range(len(self.scales)), [f"{scale:g}" for scale in self.scales])
        figure.suptitle(f"{self.where}: % of {self.n} {self.words[0]}", fontsize=14)
        return axes


def _plane(ax, off, budgets):
    """Shares [scales, budgets] as colours with their numbers."""
    ax.set_facecolor(EMPTY)
    ax.imshow(off, cmap="YlOrBr", vmin=0, vmax=1, aspect="auto", origin="lower")
    for (y, x), share in np.ndenumerate(off):
        if share == share:
            ink = "white" if share > 0.6 else INK
            ax.text(x, y, f"{100 * share:.0f}", ha="center", va="center", color=ink, fontsize=14)
    ax.set_xticks(range(len(budgets)), budgets)
    ax.tick_params(length=0)
    ax.grid(False)


def leaving(
    where: str = "spiral", methods: Iterable = METHODS, scales: Iterable[float] = SCALES, nfe: Iterable[int] = NFE,
    n: int = 256, seed: int = 0,
) -> Leaving:  # fmt: skip
    """Measure which share of guided samples is off its class, for every guidance scale and budget.

    Args:
        where: a data set of the plane with classes (``spiral``, ``moons``, ``two-circles``: exact epsilons, asked for
            is one of its two classes, and off is what is farther than 0.1 from it), or a network with labels
            (``digits-classes``, ``cifar10-16-classes``: off is what a classifier does not take for the class asked
            for, equally many of each).
        methods: on a given grid. scales: of `toylab.guided`. nfe: network evaluations, of which a call costs two,
            increasing; each method takes its largest step count within them.
        n, seed: particles and the seed of their start noise.

    Raises ValueError or TypeError naming the argument.
    """
    methods, budgets, n = method_list(methods), increasing("nfe", nfe), positive_int("n", n)
    scales, seed = tuple(number("scales", scale) for scale in scales), seed_number("seed", seed)
    if not scales:
        raise ValueError("scales must be at least one number, got none")
    in_the_plane = isinstance(where, str) and where in CLASSES
    world = _in_the_plane(where, n, seed) if in_the_plane else _in_images(where, n, seed)
    off, flow, price = np.full((len(methods), len(scales), len(budgets)), np.nan), [], []
    for j, scale in enumerate(scales):
        eps = world.eps(scale)
        x = world.samples(eps, *world.flow)
        flow.append(world.off(x).mean())
        price.append(world.price(x))
        for i, method in enumerate(methods):
            for k, budget in enumerate(budgets):
                steps = steps_within(method, budget, cast(Any, eps).schedule, 2)
                if steps:
                    off[i, j, k] = world.off(world.samples(eps, method, steps)).mean()
    return Leaving(
        where, tuple(method.name for method in methods), scales, budgets, n, seed, off, np.array(flow),
        np.array(price), world.words,
    )  # fmt: skip


def guided_problem(dataset: str = "spiral", scale: float = 4) -> Problem:
    """One class of a data set with guidance from all of it, both epsilons exact, and the class as its manifold."""
    return guided_class(dataset, ASKED[dataset], scale)


def explore_guided(
    dataset: str = "spiral", guidance: float = 4, methods: Iterable[str] = METHODS, n: int = 256, seed: int = 0,
    steps: int = 13, **look: Any,
) -> Player:  # fmt: skip
    """A player of guided particles with dropdowns for the data set, which has classes, and for the scale.

    Data set, guidance and steps are those shown first. n, seed: the start particles. **look: further arguments of
    `Player`.
    """

    def compute(chosen, progress=True):
        problem = guided_problem(chosen["Data set"], float(chosen["Guidance"]))
        return sweep(problem, methods=methods, steps=STEPS, n=n, seed=seed, progress=progress)

    choices = {"Data set": list(ASKED), "Guidance": [f"{scale:g}" for scale in SCALES]}
    chosen = {"Data set": dataset, "Guidance": f"{guidance:g}"}
    return Player(compute(chosen), steps=steps, choices=choices, chosen=chosen, compute=compute, **look)


def _in_the_plane(name, n, seed):
    label = ASKED[name]
    manifold, points = guided_problem(name).manifold, datasets.labelled(name).of(label)
    x_T = start_noise(n, (2,), seed, torch.float64)

    def samples(eps, method, steps):
        spacing = "logsnr" if steps == FLOW[1] else "t"
        return sample(eps, None, method, steps, x_T=x_T, spacing=spacing, record=False, progress=False).x

    return _World(
        eps=lambda scale: guided_problem(name, scale).eps,
        samples=samples,
        off=lambda x: ~(manifold.distance(x) <= FAR).numpy(),
        price=lambda x: (nearest(points, x) < NEAR).double().mean().item(),
        words=(f"particles farther than {FAR} from “{label}”", f"share of the class within {NEAR} of a particle"),
        flow=FLOW,
    )


def _in_images(name, n, seed):
    network: Any = epsilon.load(name)
    if not getattr(network, "classes", ()):
        raise ValueError(f"where must be one of {', '.join(CLASSES)}, or a network with labels, got {name!r}")
    asked = torch.arange(n) % len(network.classes)
    judge = classifier_for(network.shape)
    return _World(
        eps=lambda scale: guided(network.of(asked), network, scale),
        samples=lambda eps, method, steps: ImageSampler(eps, method, steps).images(n, seed, progress=False).x,
        off=lambda x: judge(x).classes != asked.numpy(),
        price=lambda x: (x.abs() > 1).double().mean().item(),
        words=(f"images that a classifier takes for another {judge.kind}", "share of values beyond black and white"),
        flow=("S-PNDM", 29),
    )
