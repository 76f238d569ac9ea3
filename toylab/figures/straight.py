"""Straight lines: the paths of a sampler in the coordinates in which the pseudo move is exact."""

from collections.abc import Iterable
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor

from toylab._errors import positive_int
from toylab.analysis._arguments import method_list
from toylab.figures.look import in_our_look
from toylab.figures.style import line
from toylab.problems import Problem, as_problem
from toylab.samplers import sample


@in_our_look
def plot_straight_lines(
    problem: Problem, methods: Iterable = ("Euler", "DDIM"), steps: int = 8, particles: int = 6, seed: int = 0,
    t_start: float = 0.6, **options: Any,
) -> tuple[Axes, Axes]:  # fmt: skip
    """First coordinates of a few particles, as x against t and as y = x / sqrt(alpha_bar) against sigma.

    In (sigma, y) the exact flow of one data point is a set of straight lines that meet at the point, and the
    pseudo move with a right epsilon follows them; in (t, x) they are curves. Grey: a run of DDIM with 400 steps.

    Args:
        problem: a `toylab.problems.Problem`, of one point for straight lines.
        methods, steps, t_start, **options: as for `toylab.sample`. particles: how many. seed: of the start noise.

    Returns the two matplotlib Axes.
    """
    problem, methods = as_problem(problem), method_list(methods)
    schedule, particles = problem.schedule, positive_int("particles", particles)
    _, (left, right) = plt.subplots(1, 2, figsize=(13, 5))
    x_T = problem.start(particles, seed)

    def draw(method, count, **look):
        run = sample(problem.eps, schedule, method, count, x_T=x_T, t_start=t_start, progress=False, **options)
        t, x = run.times.numpy(), cast(Tensor, run.states)[:, :, 0].numpy()
        root = np.array([schedule.alpha_bar(u) for u in t])[:, None] ** 0.5
        paths = left.plot(t, x, **look), right.plot([schedule.sigma(u) for u in t], x / root, **look)
        return paths[0][0]

    draw("DDIM", 400, color="0.8", linewidth=6)
    drawn = [draw(method, steps, marker="o", markersize=5, **line(method.name)) for method in methods]
    left.set(xlabel="t", ylabel="x (first coordinate)", xlim=(t_start, 0), title="as the network sees it")
    right.set(xlabel=r"$\sigma$", ylabel=r"$y = x / \sqrt{\bar\alpha}$", title="as the pseudo move sees it")
    right.set_xlim(schedule.sigma(t_start), 0)
    left.legend(drawn, [f"{method.name}, {steps} steps" for method in methods])
    return left, right
