"""What evaluations buy in images: against the images of many steps, and against real ones."""

from dataclasses import dataclass

import numpy as np
import scipy.linalg
import torch
from sklearn.decomposition import PCA
from tqdm.auto import tqdm

from ..errors import positive_int
from ..image_samples import image_seeds
from ..samplers import sample
from ..samplers.core import default_dtype, start_noise
from ..schedules import as_schedule
from .compare import method_list, plan
from .image_sweeps import METHODS
from .precision import increasing
from .work import Spread

NFE = (5, 8, 10, 15, 20)
REFERENCE = "PLMS", 60
COMPONENTS = 16  # of the real images, in which Fréchet distances are taken: few images fill no more
DRAWS = 40  # of real images, for the Fréchet distance that these have among themselves


@dataclass(frozen=True)
class QualityRow:
    """One method at one budget; every measure is a `Spread` over the seeds.

    Attributes:
        method: canonical name. budget: evaluations it could spend. steps: N. nfe: evaluations, counted.
        error: rms difference of a pixel, in [-1, 1], from the same images in many steps.
        kept: the share of images in which the classifier sees what it sees in the image of many steps.
        confidence: the classifier's median confidence.
        frechet: Fréchet distance to the real images, see `frechet_distance`.
    """

    method: str
    budget: int
    steps: int
    nfe: int
    error: Spread
    kept: Spread
    confidence: Spread
    frechet: Spread


@dataclass(frozen=True)
class ImageQuality:
    """What `image_quality` found.

    Attributes:
        rows: a `QualityRow` for each method and budget, methods in the order asked for.
        left_out: (method, budget) -> reason for what cannot run.
        budgets, seeds, n: as asked for.
        reference: the method and the steps of the images that the others are compared with.
        confidence, frechet: of these images, each a `Spread`.
        floor: the Fréchet distance of as many real images to all of them: (5 % quantile, median, 95 % quantile).
    """

    rows: tuple
    left_out: dict
    budgets: tuple
    seeds: tuple
    n: int
    reference: tuple
    confidence: Spread
    frechet: Spread
    floor: tuple

    @property
    def methods(self):
        """Canonical names, in the order asked for."""
        return tuple(dict.fromkeys(row.method for row in self.rows))

    def of(self, method):
        """The rows of one method, by budget."""
        return tuple(row for row in self.rows if row.method == method)

    def table(self, budgets=None):
        """All measures at these of the budgets (by default all) as a `toylab.views.tables.Table`."""
        from ..views.qualities import quality_table

        return quality_table(self, budgets)

    def plot(self):
        """Error, share kept and Fréchet distance against NFE (`toylab.views.plot_quality`). Returns the Axes."""
        from ..views.qualities import plot_quality

        return plot_quality(self)


def image_quality(
    eps, schedule, real, classifier, methods=METHODS, nfe=NFE, seeds=(0, 1), n=32, reference=REFERENCE, progress=True
):  # fmt: skip
    """Measure methods at several budgets of network evaluations, each at its largest step count within the budget.

    Args:
        eps: an image network. schedule: its schedule.
        real: real images [m, c, h, w] in [-1, 1], m > n.
        classifier: called with images [n, c, h, w], returns a `toylab.analysis.Verdict`.
        methods: names, or results of `toylab.method`, without noise of their own. nfe: budgets, increasing.
        seeds: integers, increasing; n: images a seed, more than one, those that ``toylab sample`` makes.
        reference: (method, steps) of the images taken as converged. For the shipped digits network these are within
            0.005 (rms of a pixel) of those of 400 steps.
        progress: show a bar for work over two seconds.

    Returns an `ImageQuality`. Raises ValueError or TypeError naming the argument.
    """
    schedule, methods, budgets = as_schedule(schedule), method_list(methods), increasing("nfe", nfe)
    (many,), count = method_list(reference[:1]), positive_int("reference", reference[1])
    for method in (*methods, many):
        if method.stochastic or not method.fixed_grid:
            raise ValueError(f"methods must be without noise and step on the given grid, got {method.name}")
    if not seeds or positive_int("n", n, 2) >= len(real):
        raise ValueError(f"seeds must not be empty and n must be below the {len(real)} real images, got {seeds}, {n}")
    jobs, left_out = {}, {}
    for budget in budgets:
        counts, reasons = plan(methods, budget, schedule)
        jobs |= {(method, budget): steps for method, steps in counts.items()}
        left_out |= {(name, budget): reason for name, reason in reasons.items()}
    judge = _Judge(real, classifier)
    found, converged = {job: [] for job in jobs}, []
    work = sum(steps for steps in jobs.values()) + count
    with tqdm(total=len(seeds) * work, desc="image quality", delay=2, leave=False, disable=not progress) as bar:
        for seed in seeds:
            own = image_seeds(seed, range(n))
            x_T = start_noise(n, eps.shape, own, *default_dtype(eps))
            how = {"x_T": x_T, "seed": own, "record": False, "progress": False}
            target = sample(eps, schedule, many, count, **how)
            converged.append(judge(target.x, target.x))
            bar.update(count)
            for job, steps in jobs.items():
                run = sample(eps, schedule, job[0], steps, **how)
                found[job].append({"nfe": run.nfe, **judge(run.x, target.x)})
                bar.update(steps)
    order = sorted(found, key=lambda job: methods.index(job[0]))
    return ImageQuality(
        rows=tuple(_row(method, budget, jobs[method, budget], found[method, budget]) for method, budget in order),
        left_out=left_out,
        budgets=budgets,
        seeds=tuple(seeds),
        n=n,
        reference=(many.name, count),
        confidence=Spread(tuple(each["confidence"] for each in converged)),
        frechet=Spread(tuple(each["frechet"] for each in converged)),
        floor=judge.floor(n),
    )


def _row(method, budget, steps, runs):
    spreads = {name: Spread(tuple(run[name] for run in runs)) for name in ("error", "kept", "confidence", "frechet")}
    return QualityRow(method=method.name, budget=budget, steps=steps, nfe=runs[0]["nfe"], **spreads)


class _Judge:
    """Real images and a classifier, which images are measured with."""

    def __init__(self, real, classifier):
        flat = _flat(real)
        self.classifier = classifier
        self.pca = PCA(min(COMPONENTS, *flat.shape), svd_solver="full").fit(flat)
        self.real = self.pca.transform(flat)

    def __call__(self, x, target):
        """The measures of images x [n, c, h, w] whose converged ones are `target`, by name."""
        verdict, right = self.classifier(x), self.classifier(target)
        return {
            "error": (x.double() - target.double()).square().mean().sqrt().item(),
            "kept": float((verdict.classes == right.classes).mean()),
            "confidence": verdict.median_confidence,
            "frechet": frechet_distance(self.pca.transform(_flat(x)), self.real),
        }

    def floor(self, n):
        """Quantiles of the Fréchet distance of n real images, drawn without replacement, to all of them."""
        rng = np.random.default_rng(0)
        drawn = [self.real[rng.choice(len(self.real), n, replace=False)] for _ in range(DRAWS)]
        return tuple(np.quantile([frechet_distance(part, self.real) for part in drawn], (0.05, 0.5, 0.95)).tolist())


def frechet_distance(x, y):
    """Fréchet distance of the Gaussians with the means and covariances of x [n, d] and y [m, d] (Dowson and Landau
    1982), squared as is usual: |mean difference|^2 + trace(A + B - 2 (A B)^(1/2)). At least 0.

    The fewer samples, the larger it is, also for samples of one distribution: compare equal numbers only.
    ValueError unless x and y have at least two rows and equally many columns.
    """
    x, y = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if x.ndim != 2 or y.ndim != 2 or x.shape[1] != y.shape[1] or min(len(x), len(y)) < 2:
        raise ValueError(f"x and y must be [n, d] and [m, d] with n, m > 1, got {list(x.shape)} and {list(y.shape)}")
    a, b = (np.atleast_2d(np.cov(each, rowvar=False)) for each in (x, y))
    root = scipy.linalg.sqrtm(b).real
    middle = np.linalg.eigvalsh(root @ a @ root).clip(0)  # those of A B, of a symmetric matrix
    value = np.square(x.mean(0) - y.mean(0)).sum() + np.trace(a) + np.trace(b) - 2 * np.sqrt(middle).sum()
    return max(0.0, float(value))


def _flat(images):
    return torch.as_tensor(images).double().reshape(len(images), -1).numpy()
