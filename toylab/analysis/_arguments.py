"""Arguments that several measurements share, checked."""

from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from toylab._errors import listed, positive_int
from toylab.datasets import Manifold
from toylab.grids import MOST_STEPS
from toylab.problems.problem import Problem
from toylab.samplers import get
from toylab.samplers.core import check_start, default_dtype, start_noise


def method_list(methods: Iterable) -> list:
    """Methods for a list of names or methods; ValueError unless they are all different."""
    methods = [get(method) for method in listed("methods", methods, "method names")]
    names = [method.name for method in methods]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"methods must be a non-empty list of different methods, got {names}")
    return methods


def integers(argument: str, values: Iterable[int], at_least: int = 1) -> tuple[int, ...]:
    """Different integers as a tuple, at least one; ValueError or TypeError naming the argument otherwise."""
    values = tuple(positive_int(argument, value, at_least) for value in listed(argument, values, "integers"))
    if not values or len(set(values)) < len(values):
        raise ValueError(f"{argument} must be a non-empty list of different integers, got {list(values)}")
    return values


def increasing(argument: str, values: Iterable[int]) -> tuple[int, ...]:
    """Positive increasing integers as a tuple; ValueError or TypeError naming the argument otherwise."""
    values = integers(argument, values)
    if list(values) != sorted(values):
        raise ValueError(f"{argument} must increase, got {list(values)}")
    return values


def step_counts(steps: Iterable[int]) -> np.ndarray:
    """At least two increasing step counts, as an int array."""
    counts = [positive_int("steps", count, at_most=MOST_STEPS) for count in listed("steps", steps, "step counts")]
    if len(counts) < 2 or counts != sorted(set(counts)):
        raise ValueError(f"steps must be at least two increasing step counts, got {counts}")
    return np.array(counts)


def known_manifold(problem: Problem) -> Manifold:
    """The manifold of a problem in the plane; ValueError where it has none."""
    if problem.manifold is None:
        raise ValueError("manifold must be given for an eps that does not know its data set")
    if problem.shape != (2,):
        raise ValueError(f"eps must be for points in the plane, of shape (2,), got {problem.shape}")
    return problem.manifold


def start_particles(problem: Problem, n: int, seed: int | None, x_T: Tensor | None = None) -> Tensor:
    """x_T if it can be started from, or start noise [n, *shape]: float64 unless eps is a network of another dtype."""
    if x_T is None:
        dtype, device = default_dtype(problem.eps, otherwise=torch.float64)
        return start_noise(positive_int("n", n), problem.shape, seed, dtype, device)
    check_start(problem.eps, x_T)
    return x_T
