"""Paths of images through several methods, and whether they stay among the images of the forward process."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import Eps, ScheduleLike
from toylab.analysis._arguments import method_list
from toylab.analysis._budget import evaluations, plans
from toylab.analysis._result import Result, Rows, pick, reasons
from toylab.analysis._table import Table
from toylab.images.sampler import image_seeds
from toylab.images.sweeps import METHODS
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import sample
from toylab.samplers.core import cost, default_dtype, start_noise

QUANTILES = (0.01, 0.5, 0.99)  # of forward images: between the first and the last lie 98 %
STATISTICS = {
    "square": "mean square of all values",
    "contrast": "standard deviation within a channel",
    "fine": "half the mean square of differences of neighbours",
}


def statistics(x: Tensor) -> dict[str, Tensor]:
    """The `STATISTICS` of images [n, c, h, w], h and w at least 2, by name, float64 [n]. Of pure noise all are about 1;
    "fine" is what lies in the highest frequencies."""
    x = x.double()
    across, down = x.diff(dim=-1).square().mean((1, 2, 3)), x.diff(dim=-2).square().mean((1, 2, 3))
    return {
        "square": x.square().mean((1, 2, 3)),
        "contrast": x.std((2, 3), correction=0).mean(1),
        "fine": (across + down) / 4,
    }


@dataclass(frozen=True)
class ImagePath:
    """One method's path.

    Attributes:
        steps, nfe: N and evaluations, counted. times: the nodes, float64 [N + 1], decreasing.
        values: by statistic the median over the images, float64 [N + 1].
        off: by statistic the share of images beyond the band of forward images at the same t, float64 [N + 1].
    """

    method: str
    steps: int
    nfe: int
    times: np.ndarray
    values: dict
    off: dict


@dataclass(frozen=True, repr=False)
class ImagePaths(Rows, Result):
    """The findings of `image_paths`.

    Attributes:
        rows: an `ImagePath` for each method. left_out: (method, budget) -> reason for what cannot run.
        budget, n, seed, forward: as asked for.
        times: all nodes, float64 [k], decreasing. band: by statistic its quantiles of 1, 50 and 99 % over the forward
            images at these times, float64 [3, k].
    """

    drawn_by = "plot_image_paths"
    rows: tuple
    left_out: dict
    budget: int
    n: int
    seed: int
    forward: int
    times: np.ndarray
    band: dict

    def as_dict(self) -> dict:
        """All numbers."""
        rows = [dict(vars(row)) for row in self.rows]
        found = pick(self, "budget", "n", "seed", "forward", "times", "band")
        return found | {"rows": rows, "left_out": reasons(self.left_out)}

    def table(self) -> Table:
        """For each method its largest share of images beyond each band before the last node, and that at the end."""
        rows = []
        for row in self.rows:
            cells = [f"{share[:-1].max():.0%}, {share[-1]:.0%}" for share in row.off.values()]
            rows.append((f"{row.method}, N = {row.steps}", str(row.nfe), *cells))
        left = ", ".join(name for name, _ in self.left_out)
        note = (
            f"Share of {self.n} images beyond where 98 % of {self.forward} images of the forward process lie at the "
            f"same t (2 % is on the manifold): the largest on the way, and that at the end. "
            + "; ".join(f"{name}: {what}" for name, what in STATISTICS.items())
            + "." + (left and f" Left out at {self.budget}: {left}.")
        )  # fmt: skip
        return Table(("method", "NFE", *STATISTICS), tuple(rows), note)


def image_paths(
    eps: Eps | Problem, schedule: ScheduleLike | None, real: Tensor, methods: Iterable = METHODS, nfe: int = 20,
    n: int = 64, seed: int = 0, forward: int = 1000, progress: bool = True, **options: Any,
) -> ImagePaths:  # fmt: skip
    """Compare x_t along each method's path with images of the forward process at the same t.

    Args:
        eps, schedule: an image network, or a `Problem` of one; see `toylab.analysis`.
        real: real images [m, c, h, w] in [-1, 1].
        methods: on a given grid. nfe: evaluations that each may spend, at its largest step count within them.
        n, seed: images 0 to n - 1 of this seed, those that ``toylab sample`` makes.
        forward: images of the forward process at each t, from real ones drawn with replacement.
        **options: spacing, t_start and t_end, as for `toylab.sample`.

    Raises:
        ValueError, TypeError: naming the argument.
        Interrupted: with the methods that are done.
    """
    problem, methods, n = as_problem(eps, schedule), method_list(methods), positive_int("n", n)
    nfe, forward = positive_int("nfe", nfe), positive_int("forward", forward, 100)
    if real.ndim != 4 or tuple(real.shape[1:]) != problem.shape or len(real) == 0:
        raise ValueError(f"real must be images like those of eps, [m, *{problem.shape}], got {list(real.shape)}")
    if min(real.shape[2:]) < 2:
        raise ValueError(f"real must be images of at least 2x2, got {list(real.shape)}")
    schedule, a_call = problem.schedule, cost(problem)
    jobs, left_out = plans(methods, (nfe,), schedule, a_call)
    own = image_seeds(seed, range(n))
    x_T = start_noise(n, problem.shape, own, *default_dtype(problem.eps))
    paths, bands, draws = [], {}, torch.Generator().manual_seed(seed)

    def band(t):
        """The quantiles of each statistic at t, drawn once."""
        if t not in bands:
            rows = torch.randint(len(real), (forward,), generator=draws)
            noise = torch.randn(forward, *problem.shape, generator=draws, dtype=torch.float64)
            x = schedule.alpha_bar(t) ** 0.5 * real[rows].double() + schedule.noise_std(t) * noise
            bands[t] = {name: np.quantile(values, QUANTILES) for name, values in statistics(x).items()}
        return bands[t]

    def result():
        times = np.array(sorted(bands, reverse=True))
        return ImagePaths(
            rows=tuple(paths),
            left_out=left_out,
            budget=nfe,
            n=n,
            seed=seed,
            forward=forward,
            times=times,
            band={name: np.array([bands[t][name] for t in times]).T for name in STATISTICS},
        )

    total = sum(evaluations(method, steps, schedule, a_call) for (method, _), steps in jobs.items())
    try:
        with single_thread(x_T), Bar(total=total, desc="paths of images", show=progress, unit="evaluation") as bar:
            for (method, _), steps in jobs.items():
                run = sample(problem, None, method, steps, x_T=x_T, seed=own, progress=False, **options)
                paths.append(_path(run, band))
                bar.update(run.nfe)
    except KeyboardInterrupt as stop:
        what = f"paths of images interrupted with {len(paths)} of {len(jobs)} methods done"
        raise Interrupted(what, result() if paths else None) from stop
    return result()


def _path(run, band):
    times = run.times.numpy()
    found = [{name: values.numpy() for name, values in statistics(x.cpu()).items()} for x in run.states]
    values, off = {}, {}
    for name in STATISTICS:
        ends = np.array([band(float(t))[name][[0, 2]] for t in times])
        every = np.array([each[name] for each in found])
        values[name] = np.median(every, 1)
        off[name] = (~((every >= ends[:, :1]) & (every <= ends[:, 1:]))).mean(1)
    return ImagePath(run.method, run.steps, run.nfe, times, values, off)
