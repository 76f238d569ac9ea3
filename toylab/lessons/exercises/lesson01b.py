"""Exercises of notebook 1b: what is done to a drawing, and the second measure of samples."""

import numpy as np
import torch

from toylab import datasets
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function

# fmt: off

POINTS = torch.tensor([[0.0, 0.0], [1.0, 0.5], [2.0, -1.0], [4.0, 0.0], [3.0, 3.0]], dtype=torch.float64)
OTHERS = torch.tensor([[-1.0, 2.0], [0.5, 2.0], [0.5, 8.0]], dtype=torch.float64)
CURVE = torch.stack([torch.linspace(-1, 1, 9, dtype=torch.float64), torch.zeros(9, dtype=torch.float64)], 1)
NEAR = torch.tensor([[-0.9, 0.1], [-0.8, -0.1], [0.1, 0.0], [0.6, 0.9], [-1.0, 0.02]], dtype=torch.float64)


def scaled(points):
    """Points with mean zero and variance one, averaged over the two coordinates."""
    centred = points - points.mean(0)
    return centred / (centred**2).mean() ** 0.5


def keeps_proportions(answer):
    """True if distances between points all change by one factor."""
    was, now = torch.cdist(POINTS, POINTS), torch.cdist(answer(POINTS), answer(POINTS))
    shares = (now / was)[was > 0]
    return bool(shares.max() - shares.min() < 1e-4 * shares.max())


def covered(x, points, radius):
    """The share of the points that have some x within the radius."""
    return (torch.cdist(points, x).amin(1) <= radius).double().mean()


def twice_as_large():
    """The letter of what becomes of the data when the same is drawn twice as large."""
    small, large = (datasets.Drawing([size * np.array([(-1, 0), (1, 0), (0.5, 1)])]) for size in (1, 2))
    return "c" if (small.curve(50) - large.curve(50)).abs().max() < 0.01 else "a"


EXERCISES = (
    Exercise(
        "01.4", "predict", "the same, twice as large", """
You draw something, look at the mean distance of its samples, then draw exactly the same *twice as large* on the
board. What happens to the number?
""", Choice({
            "a": "it doubles: everything is twice as large",
            "b": "it halves: the noise is the same, and the drawing is larger",
            "c": "nothing, but for the places of the board: the data is the same",
            "d": "it falls to a quarter: the variance is four times as large",
            "e": "it cannot be said: the points lie elsewhere",
            "f": "it becomes larger, since samples must travel farther from the noise",
        }), right=("c",), derive=twice_as_large,
        wrong=(
            Wrong("the board's units", "a", "The number is not measured on the board. What is done to every data set "
                  "of this lab before anything is sampled?"),
            Wrong("noise against drawing", "b", "That would be so if the drawing were taken as large as it lies there. "
                  "It is scaled first."),
            Wrong("variance against length", "d", "The variance is made one for every drawing, whatever it was."),
            Wrong("too careful", "e", "Try it: the text of a drawing holds only places of the board, and the picture "
                  "is scaled from them."),
            Wrong("a longer way", "f", "All data sets have the same variance, so that the way from the noise is "
                  "equally long for all."),
        ),
        because="Every drawing is moved and scaled until its mean is zero and its variance is one. So the same noise, "
        "the same schedule and the same distances fit them all.",
        hints=("Draw a small circle and a large one, and compare.", "What must be the same of all data sets, so that "
               "one schedule of noise fits?"),
    ),
    Exercise(
        "01.5", "write", "one size for all", """
Write what is done to a drawing: move and scale its `points`, `[n, 2]`, so that their mean is zero and their variance,
*averaged over the two coordinates*, is one. Proportions must stay. (Variance: the mean of squares, divided by n.)
""", Function(("points",), ((POINTS,), (OTHERS,)), "a tensor [n, 2]"),
        right=(scaled, lambda points: (points - points.mean(0)) / points.var(0, correction=0).mean().sqrt()),
        wrong=(
            Wrong("each coordinate for itself", lambda p: (p - p.mean(0)) / p.std(0, correction=0), "This makes both "
                  "variances one and squeezes the drawing: one factor for both keeps proportions."),
            Wrong("divided by the variance", lambda p: (p - p.mean(0)) / p.var(0, correction=0).mean(), "A length is "
                  "divided by a length: the root of the variance."),
            Wrong("not centred", lambda p: p / p.var(0, correction=0).mean() ** 0.5, "Its mean is not zero yet."),
            Wrong("the sum of the variances", lambda p: (p - p.mean(0)) / p.var(0, correction=0).sum() ** 0.5,
                  "Averaged over the two coordinates, not added: this is too small by the root of two."),
            Wrong("not scaled", lambda p: p - p.mean(0), "It is centred, and as large as before."),
            Wrong("into a box", lambda p: (p - p.mean(0)) / (p - p.mean(0)).abs().max(), "The largest coordinate is "
                  "one now. One far point would make all others small; the variance asks all points."),
            Wrong("divided by n - 1", lambda p: (p - p.mean(0)) / p.var(0).mean() ** 0.5, "torch's var divides by n - "
                  "1 unless correction=0 is given."),
            Wrong("one mean for both", lambda p: (p - p.mean()) / p.var(0, correction=0).mean() ** 0.5, "The mean of "
                  "all numbers is not the middle of the drawing: take it over dim=0, for each coordinate."),
        ),
        because="The forward process mixes data of variance one with noise of variance one, so that x_t has it at "
        "every t.",
        hints=("Subtract the mean over dim=0, then divide by one number.", "The number is the root of the mean of all "
               "squares of the centred points."),
        holds=(
            ("The mean of the result must be zero.",
             lambda f: all(f(p).mean(0).abs().max() < 1e-5 for p in (POINTS, OTHERS))),
            ("Proportions must stay: one factor for all distances.", keeps_proportions),
            ("The mean of all squares of the result must be one.",
             lambda f: all(abs((f(p) ** 2).mean() - 1) < 1e-4 for p in (POINTS, OTHERS))),
        ),
    ),
    Exercise(
        "01.6", "write", "the share that is covered", """
A sampler that puts all particles on one spot of your drawing has a mean distance of zero. Write what sees that: of
even `points` of the drawing, `[k, 2]`, the share that has some sample `x`, `[n, 2]`, within `radius`.
""", Function(("x", "points", "radius"), ((NEAR, CURVE, 0.3), (NEAR, CURVE, 0.15), (CURVE, NEAR, 0.3)), "a number"),
        right=(covered, lambda x, points, radius: ((x[:, None] - points).norm(dim=2) <= radius).any(0).double().mean()),
        wrong=(
            Wrong("the share of the samples", lambda x, p, r: covered(p, x, r), "This is the share of samples that are "
                  "near the drawing. All on one spot would be a perfect one. Ask the points of the drawing."),
            Wrong("the share of the pairs", lambda x, p, r: (torch.cdist(p, x) <= r).double().mean(), "A point is "
                  "covered by a single sample near it; it need not be near all of them."),
            Wrong("a count", lambda x, p, r: covered(x, p, r) * len(p), "Divide by the number of points: a share."),
            Wrong("what is not covered", lambda x, p, r: 1 - covered(x, p, r), "This is the share that is left out."),
            Wrong("near all samples", lambda x, p, r: (torch.cdist(p, x).amax(1) <= r).double().mean(), "The farthest "
                  "sample was taken. The nearest one covers a point."),
            Wrong("a mean distance", lambda x, p, r: torch.cdist(p, x).amin(1).mean(), "This is how far the points are "
                  "from the nearest samples. Compare with the radius before you average."),
            Wrong("squared distances", lambda x, p, r: (torch.cdist(p, x).amin(1) ** 2 <= r).double().mean(), "A "
                  "squared distance was compared with a length."),
        ),
        because="Distance asks every sample whether it belongs there; coverage asks every place whether a sample is "
        "there. Only both together mean that samples are like the data.",
        hints=("For each point of the drawing: how far is the nearest sample?", "torch.cdist(points, x) has all "
               "distances; take the least over dim=1, compare, average."),
        holds=(
            ("Samples on all points cover all of them.", lambda f: abs(f(CURVE, CURVE, 0.1) - 1) < 1e-6),
            ("All samples on one of nine points cover a ninth.",
             lambda f: abs(f(CURVE[:1], CURVE, 0.1) - 1 / 9) < 1e-5),
            ("It must be the share of points with a sample within the radius.",
             lambda f: all(abs(f(NEAR, CURVE, r) - covered(NEAR, CURVE, r)) < 1e-5 for r in (0.15, 0.3))),
        ),
    ),
)
