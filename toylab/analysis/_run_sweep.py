"""Run several methods at several step counts from the same particles."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from toylab._errors import flag, listed, number, positive_int
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import Eps, ManifoldLike, ScheduleLike
from toylab.analysis._arguments import method_list
from toylab.analysis._density import log_density
from toylab.analysis._off_manifold import unlikely_of_sweep
from toylab.analysis._sweep import Sweep
from toylab.datasets import Manifold
from toylab.grids import MOST_STEPS
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import sample
from toylab.samplers.core import default_dtype, start_noise

METHODS = ("Euler", "RK4", "DDIM", "F-PNDM")
SAMPLING = 0.5  # the part of a sweep's work that is sampling where unlikely particles are found too
STEPS = (1, 2, 3, 4, 5, 6, 8, 10, 13, 16, 20, 25, 32, 40, 50, 64, 80, 100)


def sweep(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, methods: Iterable = METHODS,
    steps: Iterable[int] = STEPS, n: int = 512, seed: int | None = 0, x_T: Tensor | None = None,
    manifold: ManifoldLike | None = None, threshold: float = 0.1, density: bool = False, unlikely: bool = False,
    labels: dict | None = None, progress: bool | Callable[[float], object] = True, t_start: float | None = None,
    t_end: float | None = None, **options: Any,
) -> Sweep:  # fmt: skip
    """Run every method at every step count from the same start particles.

    Args:
        steps: step counts, made increasing and unique.
        manifold: as in `toylab.analysis`, where the others are; without one distances are NaN and the curve is empty.
        threshold: distance beyond which a particle counts as off the manifold.
        density: also compute log p_t of the manifold for a background.
        unlikely: also find the particles with a smaller exact p_t than 99 % of the forward process's samples of
            the manifold (each point spread as those of eps, if it has a spread), see `unlikely_of_sweep`.
        labels: captions that override "dataset", "schedule", "epsilon".
        progress: True for a bar on runs over two seconds, or a callable that gets the done part in [0, 1].

    Raises:
        ValueError, TypeError: naming the argument.
    """
    problem = as_problem(eps, schedule, manifold, None, t_start, t_end)
    eps, schedule, manifold = problem.eps, problem.schedule, problem.manifold
    methods, steps = method_list(methods), _counts(steps)
    density, unlikely = flag("density", density), flag("unlikely", unlikely)
    if not isinstance(labels, dict | None):
        raise TypeError(f"labels must be a dictionary, got {labels!r}")
    threshold, sampling = number("threshold", threshold, 0, open_low=True), SAMPLING if unlikely else 1
    if unlikely and manifold is None:
        raise ValueError("manifold must be given where unlikely is asked for, since eps does not know its data set")
    if problem.shape != (2,):
        raise ValueError(f"eps must be for points in the plane, of shape (2,), got {problem.shape}")
    if x_T is None:
        x_T = start_noise(positive_int("n", n), problem.shape, seed, *default_dtype(eps))
    if "times" not in options:
        options |= dict(zip(("t_start", "t_end"), problem.limits(), strict=True))
    jobs = [(method, count) for count in steps for method in methods]
    total, done = sum(count for _, count in jobs), 0
    times, states, nfe, distance, off = {}, {}, {}, {}, {}
    show = {"desc": "sweep", "unit": "step", "show": progress is True}
    with single_thread(), Bar(total=total, **show) as bar:
        for method, count in jobs:
            run = sample(eps, schedule, method, count, x_T=x_T, seed=seed, progress=False, **options)
            key = run.method, count
            times[count] = run.times.numpy()
            states[key], nfe[key] = run.states.cpu().float().numpy(), run.nfe
            distance[key], off[key] = distances(manifold, run.states, threshold)
            bar.update(count)
            done += count
            if callable(progress):
                progress(sampling * done / total)
    found = Sweep(
        methods=tuple(method.name for method in methods),
        steps=steps,
        times=times,
        states=states,
        nfe=nfe,
        distance=distance,
        off=off,
        curve=curve_of(manifold),
        threshold=threshold,
        labels=problem.labels | (labels or {}),
        density=log_density(manifold, schedule, *_limits(times)) if density and manifold is not None else None,
    )
    if not unlikely:
        return found
    after = (lambda part: progress(sampling + (1 - sampling) * part)) if callable(progress) else progress
    with single_thread():
        return replace(found, unlikely=unlikely_of_sweep(
            found, manifold, schedule, getattr(eps, "spread", 0.0), progress=after
        ))  # fmt: skip


def _counts(steps):
    steps = listed("steps", steps, "positive integers")
    counts = tuple(sorted({positive_int("steps", count, at_most=MOST_STEPS) for count in steps}))
    if not counts:
        raise ValueError("steps must be a non-empty list of positive integers, got none")
    return counts


def _limits(times):
    nodes = next(iter(times.values()))
    return nodes[0], nodes[-1]


def curve_of(manifold: Manifold | None) -> np.ndarray:
    """Points of the noise-free manifold for a `Sweep`, float32 [m, 2]; none where there is no manifold."""
    return np.zeros((0, 2), np.float32) if manifold is None else np.asarray(manifold.curve(800), np.float32)


def distances(manifold: Manifold | None, states: Tensor, threshold: float) -> tuple[np.ndarray, np.ndarray]:
    """Mean distance to the manifold and share beyond the threshold at every node, float64 [steps + 1] each."""
    if manifold is None:
        return np.full(len(states), np.nan), np.full(len(states), np.nan)
    distance = manifold.distance(states.cpu().double()).numpy()
    return distance.mean(1), (distance > threshold).mean(1)
