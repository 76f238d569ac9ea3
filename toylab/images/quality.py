"""The worth of evaluations in images: against the images of many steps, and against real ones."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor

from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._types import Eps, ScheduleLike
from toylab.analysis._arguments import increasing, method_list
from toylab.analysis._budget import evaluations, plans
from toylab.analysis._result import Result, Rows, pick, reasons
from toylab.analysis._table import Table
from toylab.analysis._work import Spread, values
from toylab.images.comparing import Normal
from toylab.images.features import Components
from toylab.images.sampler import image_seeds
from toylab.images.sweeps import METHODS
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import sample
from toylab.samplers.core import cost, default_dtype, start_noise

NFE = (5, 8, 10, 15, 20)
REFERENCE = "PLMS", 60
DRAWS = 40  # of real images, for the Fréchet distance that these have among themselves


@dataclass(frozen=True)
class QualityRow:
    """One method at one budget; every measure is a `Spread` over the seeds.

    Attributes:
        budget: evaluations it could spend. nfe: evaluations, counted.
        error: rms difference of a pixel, in [-1, 1], from the same images in many steps.
        kept: the share of images in which the classifier sees what it sees in the image of many steps; None without a
            classifier. confidence: its median confidence, or None.
        frechet: Fréchet distance to the real images in their principal components, see
            `frechet_distance`.
    """

    method: str
    budget: int
    steps: int
    nfe: int
    error: Spread
    kept: Spread | None
    confidence: Spread | None
    frechet: Spread


@dataclass(frozen=True, repr=False)
class ImageQuality(Rows, Result):
    """The findings of `image_quality`.

    Attributes:
        rows: a `QualityRow` for each method and budget, methods in the order asked for.
        left_out: (method, budget) -> reason for what cannot run.
        budgets, seeds, n: as asked for.
        reference: the method and the steps of the images that the others are compared with. reference_nfe: their cost.
        kind: what the classifier tells apart, such as "digit"; None without one.
        confidence, frechet: of these images, each a `Spread`; the confidence is None without a classifier.
        floor: the Fréchet distance of as many real images to all of them: (5 % quantile, median, 95 % quantile).
    """

    drawn_by = "plot_quality"
    rows: tuple
    left_out: dict
    budgets: tuple
    seeds: tuple
    n: int
    reference: tuple
    reference_nfe: int
    kind: str | None
    confidence: Spread | None
    frechet: Spread
    floor: tuple

    def as_dict(self) -> dict:
        """All numbers, of each measure one for each seed."""
        found = pick(self, "budgets", "seeds", "n", "reference", "reference_nfe", "kind", "floor")
        own = {"confidence": self.confidence and self.confidence.values, "frechet": self.frechet.values}
        rows = [values(row) for row in self.rows]
        return found | {"converged": own, "rows": rows, "left_out": reasons(self.left_out)}

    def table(self, budgets: Iterable[int] | None = None) -> Table:
        """All measures at these of the budgets, by default all."""
        budgets = self.budgets if budgets is None else budgets
        rows = [
            (f"{row.method}, N = {row.steps}", str(row.nfe), row.error.middle, *_judged(row.kept, row.confidence),
             row.frechet.middle)
            for budget in budgets for row in self.rows if row.budget == budget
        ]  # fmt: skip
        many, steps = self.reference
        same = _judged(self.kind and Spread((1.0,)), self.confidence)
        rows.append((f"converged: {many}, N = {steps}", str(self.reference_nfe), 0.0, *same, self.frechet.middle))
        left = ", ".join(f"{name} at {at}" for name, at in self.left_out if at in budgets)
        note = (
            f"medians of {len(self.seeds)} seeds with {self.n} images each; the Fréchet distance of {self.n} real "
            f"images to all of them is {self.floor[0]:.2g} to {self.floor[2]:.2g}" + (left and f"; left out: {left}")
        )
        judged = (f"same {self.kind}", "median confidence") if self.kind else ()
        header = ("method", "NFE", "difference from converged", *judged, "Fréchet distance")
        return Table(header, tuple(rows), note)


def image_quality(
    eps: Eps | Problem, schedule: ScheduleLike | None, real: Tensor, classifier: Callable | None = None,
    methods: Iterable = METHODS, nfe: Iterable[int] = NFE, seeds: Sequence[int] = (0, 1), n: int = 32,
    reference: tuple = REFERENCE, progress: bool = True,
) -> ImageQuality:  # fmt: skip
    """Measure methods at several budgets of network evaluations, each at its largest step count within the budget.

    Args:
        eps, schedule: an image network, or a `Problem` of one; see `toylab.analysis`.
        real: real images [m, c, h, w] in [-1, 1], m > n.
        classifier: called with images [n, c, h, w], returns a `toylab.images.Verdict`; what it calls a class stands
            in its `kind`, if it has one ("digit"). Without one only error and Fréchet distance are measured.
        methods: names, or results of `toylab.method`, without noise of their own. nfe: budgets, increasing.
        seeds: integers, increasing; n: images a seed, more than one, those that ``toylab sample`` makes.
        reference: (method, steps) of the images taken as converged. For the shipped digits network these are within
            0.005 (rms of a pixel) of those of 400 steps.

    Raises:
        ValueError, TypeError: naming the argument.
        Interrupted: with the seeds that are done.
    """
    problem, methods, budgets = as_problem(eps, schedule), method_list(methods), increasing("nfe", nfe)
    schedule = problem.schedule
    (many,), count = method_list(reference[:1]), positive_int("reference", reference[1])
    for method in (*methods, many):
        if method.stochastic or not method.fixed_grid:
            raise ValueError(f"methods must be without noise and step on the given grid, got {method.name}")
    if not seeds or positive_int("n", n, 2) >= len(real):
        raise ValueError(f"seeds must not be empty and n must be below the {len(real)} real images, got {seeds}, {n}")
    if tuple(real.shape[1:]) != problem.shape:
        raise ValueError(f"real must be images like those of eps, {problem.shape}, got {tuple(real.shape[1:])}")
    jobs, left_out = plans(methods, budgets, schedule, cost(problem))
    order = sorted(jobs, key=lambda job: methods.index(job[0]))
    runs = [(method, steps) for (method, _), steps in jobs.items()]
    judge, done = _Judge(real, classifier), []

    def result():
        converged, found = ([seed[i] for seed in done] for i in (0, 1))
        return ImageQuality(
            rows=tuple(_row(job, jobs[job], [runs[job] for runs in found]) for job in order),
            left_out=left_out,
            budgets=budgets,
            seeds=tuple(seeds[: len(done)]),
            n=n,
            reference=(many.name, count),
            reference_nfe=costs[0],
            kind=judge.kind,
            confidence=_spread("confidence", converged),
            frechet=_spread("frechet", converged),
            floor=judge.floor(n),
        )

    costs = [evaluations(method, steps, schedule, cost(problem)) for method, steps in ((many, count), *runs)]
    total, style = len(seeds) * sum(costs), {"unit": "evaluation"}
    try:
        with Bar(total=total, desc="image quality", show=progress, **style) as bar:
            for seed in seeds:
                done.append(_measure(problem, judge, seed, n, (many, count), jobs, bar))
    except KeyboardInterrupt as stop:
        what = f"image quality interrupted with {len(done)} of {len(seeds)} seeds done"
        raise Interrupted(what, result() if done else None) from stop
    return result()


def _measure(problem, judge, seed, n, reference, jobs, bar):
    """The measures of the converged images of a seed, and {job: those of its run, with its nfe}."""
    own = image_seeds(seed, range(n))
    x_T = start_noise(n, problem.shape, own, *default_dtype(problem.eps))

    def run(method, steps):
        found = sample(problem, None, method, steps, x_T=x_T, seed=own, record=False, progress=False)
        bar.update(found.nfe)
        return found

    target = run(*reference).x
    runs = {job: run(job[0], steps) for job, steps in jobs.items()}
    return judge(target, target), {job: {"nfe": each.nfe, **judge(each.x, target)} for job, each in runs.items()}


def _row(job, steps, runs):
    spreads = {name: _spread(name, runs) for name in ("error", "kept", "confidence", "frechet")}
    return QualityRow(method=job[0].name, budget=job[1], steps=steps, nfe=runs[0]["nfe"], **spreads)


def _spread(name, runs):
    """The `Spread` of a measure over runs, None where it was not measured."""
    return Spread(tuple(run[name] for run in runs)) if name in runs[0] else None


def _judged(kept, confidence):
    """The cells of what a classifier measures, none where there was no classifier."""
    return (f"{kept.middle:.0%}", f"{confidence.middle:.2f}") if kept else ()


class _Judge:
    """Real images and a classifier (or None), which images are measured with."""

    def __init__(self, real, classifier):
        if classifier is not None:
            classifier(real[:2])  # before anything long: whether it takes such images
        self.classifier, self.kind = classifier, classifier and getattr(classifier, "kind", "class")
        self.components = Components(real)
        self.real = self.components(real)
        self.normal = Normal(self.real)

    def __call__(self, x, target):
        """The measures of images x [n, c, h, w] whose converged ones are `target`, by name."""
        x, target = x.cpu(), target.cpu()
        found = {
            "error": (x.double() - target.double()).square().mean().sqrt().item(),
            "frechet": self.normal.distance(self.components(x)),
        }
        if self.classifier is None:
            return found
        verdict, right = self.classifier(x), self.classifier(target)
        return found | {
            "kept": float((verdict.classes == right.classes).mean()),
            "confidence": verdict.median_confidence,
        }

    def floor(self, n):
        """Quantiles of the Fréchet distance of n real images, drawn without replacement, to all of them."""
        rng = np.random.default_rng(0)
        drawn = [self.real[rng.choice(len(self.real), n, replace=False)] for _ in range(DRAWS)]
        return tuple(np.quantile([self.normal.distance(part) for part in drawn], (0.05, 0.5, 0.95)).tolist())
