"""Exercises of notebook 17: photographs of few evaluations."""

import torch

from toylab.images._paths import statistics
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function, Number
from toylab.lessons.truths import nearest_photographs
from toylab.samplers import get

# fmt: off

SOME = torch.linspace(-1, 1, 96, dtype=torch.float64).mul(7).sin().reshape(2, 3, 4, 4)
WIDE = torch.linspace(0, 3, 60, dtype=torch.float64).cos().mul(5).sin().reshape(1, 3, 4, 5)


def fine(x):
    """Half the mean square of the differences of neighbours, across and down: [n]."""
    across, down = x.diff(dim=-1).square().mean((1, 2, 3)), x.diff(dim=-2).square().mean((1, 2, 3))
    return (across + down) / 4


def worst():
    """The largest difference from many steps with ten evaluations."""
    errors = nearest_photographs().values
    return max(errors, key=errors.get)


def two_stages():
    """Evaluations of ten guided steps of S-PNDM, and of ten that are not."""
    calls = get("S-PNDM").evaluations(10)
    assert calls is not None
    return 2 * calls + calls


EXERCISES = (
    Exercise(
        "17.1", "predict", "not with ten", """
Ten evaluations, from the same noise, with `cifar10-16`. Whose images are *farthest* from those of many steps?
""", Choice({
            "DDIM": "ten steps of one slope",
            "AB4": "the paper's FON: two Runge–Kutta steps, since its start costs that much, with the classical move",
            "RK4": "two Runge–Kutta steps with the classical move",
            "S-PNDM": "nine steps of two slopes",
            "F-PNDM": "two Runge–Kutta steps with the pseudo move",
            "all alike": "the network is smooth: the differences are alike",
        }), right=("F-PNDM",), derive=worst,
        wrong=(
            Wrong("first order is worst", "DDIM", "It has the whole budget for short steps. It is not the nearest, and "
                  "far from the farthest."),
            Wrong("classical is worst: FON", "AB4", "The paper says so of its figure. Here FON's two steps are "
                  "Runge–Kutta steps, like RK4's, and give coarse images, but images."),
            Wrong("classical is worst: RK4", "RK4", "Coarse and noisy, but images. Compare it with its pseudo twin."),
            Wrong("the start costs too much", "S-PNDM", "Its start costs a single evaluation."),
            Wrong("smooth, so alike", "all alike", "They differ by more than a factor of a hundred."),
        ),
        because="With fewer than four steps F-PNDM is its own start, pseudo Runge–Kutta, and near t = 1 a step of it "
                "in σ is enormous. The paper's F-PNDM is for twenty steps and more.",
        hints=("How many steps does each of them have?", "N + 9 evaluations for N steps. And for N below four?"),
    ),
    Exercise(
        "17.2", "write", "what lies in the finest detail", r"""
Leftover noise is seen best in the differences of neighbouring pixels. `x` is `[n, c, h, w]`; return for each image half
of the mean of two numbers: the mean square difference of neighbours across, and of neighbours down. Of pure noise of
variance one it is about 1.
""", Function(("x",), ((SOME,), (WIDE,)), "[n] numbers"),
        right=(fine, lambda x: statistics(x)["fine"]),
        wrong=(
            Wrong("the half forgotten", lambda x: 2 * fine(x), "Of pure noise this is 2: the difference of two "
                  "independent values has twice the variance of one."),
            Wrong("only across", lambda x: x.diff(dim=-1).square().mean((1, 2, 3)) / 2, "Neighbours stand above each "
                  "other, too."),
            Wrong("only down", lambda x: x.diff(dim=-2).square().mean((1, 2, 3)) / 2, "Neighbours stand side by "
                  "side, too."),
            Wrong("one number for all", lambda x: fine(x).mean(), "One number for each image: keep the first "
                  "dimension."),
            Wrong("absolute differences", lambda x: (x.diff(dim=-1).abs().mean((1, 2, 3))
                  + x.diff(dim=-2).abs().mean((1, 2, 3))) / 4, "Squares, not absolute values."),
            Wrong("its root", lambda x: fine(x) ** 0.5, "The mean square itself is asked for."),
            Wrong("the variance", lambda x: x.var((1, 2, 3), correction=0), "This is contrast, and large for any image "
                  "that is not grey. Neighbours tell noise from what is large and smooth."),
        ),
        because="In real photographs neighbours are alike, in noise they are not: this is the statistic that sees what "
                "the other two do not.",
        hints=("x.diff(dim=-1) has the differences across.", "Two mean squares, added, and divided by 4."),
        holds=(
            ("A flat image has none.", lambda f: bool((f(torch.ones_like(SOME)).abs() < 1e-12).all())),
            ("It must be what toylab.images.image_paths measures.",
             lambda f: all(torch.allclose(f(x).reshape(-1), fine(x)) and f(x).numel() == len(x) for x in (SOME, WIDE))),
        ),
    ),
    Exercise(
        "17.3", "explain", "two stages, and their price", """
A guided image in two stages: S-PNDM with 10 steps at 16x16, guided, then S-PNDM with 10 steps at 32x32, not guided. How
many network evaluations in all? (S-PNDM needs N + 1 calls.)
""", Number(), right=(33,), derive=two_stages,
        wrong=(
            Wrong("guidance for free", 22, "Each of the 11 calls of the first stage asks the network twice."),
            Wrong("both guided", 44, "The second stage is not guided: the small image is all that it is told."),
            Wrong("the start for free", 30, "S-PNDM's first step costs one call more, in both stages."),
            Wrong("steps, not evaluations", 20, "These are the steps."),
            Wrong("only the large ones", 11, "This is the second stage. The first has a network and calls of its own."),
        ),
        because="2 · 11 + 11. They do not cost the same: the larger image has four times as many pixels.",
        hints=("Count the calls of each stage.", "A guided call is two evaluations."),
    ),
)
