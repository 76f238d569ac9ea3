"""Exercises of notebook 13: copies, and what is none."""

import torch

from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function
from toylab.lessons.memory import memory_table, nearest

# fmt: off

X = torch.tensor([[0.8, -1.1], [0.3, 0.4], [-1.6, 0.2], [0.1, 0.9], [0.75, -1.0]], dtype=torch.float64)
POINTS = torch.tensor([[0.7, -1.0], [0.0, 0.8], [2.0, 2.0]], dtype=torch.float64)
CLOSE = 0.25
PLACE = torch.tensor([0.4, 0.3], dtype=torch.float64)


def copied():
    """The share of copies among samples of the exact epsilon of 30 points."""
    return "b" if memory_table("spiral", 30, (0,)).rows[0][2] == "100%" else "?"


def blurred():
    """Distances of samples with a spread of .2, to the points and to the curve, beside those of the network."""
    formula, network, _ = memory_table("spiral", 30, (0.2,)).rows
    return "d" if formula[3] > 10 * network[3] and abs(formula[1] - network[1]) < 0.1 else "?"


def copies(samples, points, within):
    """The share of samples that are nearer than `within` to one of the points."""
    return (torch.cdist(samples, points).amin(1) < within).double().mean()


def weights(x, points, ab):
    """The shares of the points in the mean that the exact epsilon predicts."""
    return torch.softmax(-((x - ab**0.5 * points) ** 2).sum(1) / (2 * (1 - ab)), 0)


def softmax_of(logits):
    """A wrong answer: the softmax of other numbers."""
    return lambda x, points, ab: torch.softmax(logits(x, points, ab), 0)


def squares(x, points):
    """Squared distances of x to the points."""
    return ((x - points) ** 2).sum(1)


EXERCISES = (
    Exercise(
        "13.1", "predict", "where the perfect denoiser ends", """
You have `30` training points on the spiral, their *exact* epsilon, and a solver that errs as little as you
like. You draw
`500` samples. Where are they?
""", Choice({
            "a": "500 different points, evenly along the spiral",
            "b": "on the 30 training points, and nowhere else",
            "c": "all at the mean of the training points",
            "d": "on straight lines between neighbouring training points",
            "e": "near the spiral, wherever the start noise takes them",
            "f": "on a few of the training points: the others are never reached",
        }), right=("b",), derive=copied,
        wrong=(
            Wrong("the curve is known", "a", "The formula has never heard of a curve: it knows 30 points. The "
                  "distribution "
                  "that it turns noise into is these points, each with a share of 1/30."),
            Wrong("the mean", "c", "The mean is what epsilon predicts at t = 1. On the way it makes up its mind."),
            Wrong("interpolation", "d", "Between two points the flow decides for one of them: p_0 has nothing "
                  "between."),
            Wrong("noise decides freely", "e", "It decides for one of 30. The flow turns noise into exactly the "
                  "distribution that epsilon belongs to."),
            Wrong("favourites", "f", "Each point has the same share of the start noise: about 17 samples."),
        ),
        because="The exact flow turns noise into the distribution whose epsilon it is, and that is 30 points. The "
                "perfect minimum of the training loss is a copying machine.",
        hints=("Which distribution does the exact flow end with?", "Set training points to 30 and spread to 0 below."),
    ),
    Exercise(
        "13.2", "write", "whom it copies", r"""
At `x` and `ab` ($\bar\alpha_t$) the exact epsilon predicts a mean of the training points. Its weights are the
softmax of
$-\lVert x - \sqrt{\bar\alpha_t}\,p\rVert^2 / (2 (1 - \bar\alpha_t))$ over the points $p$. Return them: `x` is
`[2]`, `points` is
`[k, 2]`.
""", Function(("x", "points", "ab"), ((PLACE, POINTS, 0.5), (PLACE, POINTS, 0.9), (X[0], POINTS, 0.1)), "k weights"),
        right=(weights, softmax_of(lambda x, p, ab: (ab**0.5 * (p @ x) - ab * (p**2).sum(1) / 2) / (1 - ab))),
        wrong=(
            Wrong("alpha_bar without its root", softmax_of(lambda x, p, ab: -squares(x, ab * p) / (2 * (1 - ab))),
                  "A point stands at sqrt(alpha_bar) times itself: alpha_bar is a variance."),
            Wrong("points that do not move", softmax_of(lambda x, p, ab: -squares(x, p) / (2 * (1 - ab))), "At t "
                  "the points "
                  "stand at sqrt(alpha_bar) p, nearer to the origin."),
            Wrong("the distance without its square", softmax_of(lambda x, p, ab: -squares(x, ab**0.5 * p) ** 0.5 /
                  (2 * (1 - ab))), "A Gaussian has the squared distance in its exponent."),
            Wrong("the two forgotten", softmax_of(lambda x, p, ab: -squares(x, ab**0.5 * p) / (1 - ab)), "The "
                  "exponent of a "
                  "Gaussian is half the squared distance over the variance."),
            Wrong("the farthest first", softmax_of(lambda x, p, ab: squares(x, ab**0.5 * p) / (2 * (1 - ab))),
                  "The sign: the nearest point has the largest weight."),
            Wrong("alpha_bar for the variance", softmax_of(lambda x, p, ab: -squares(x, ab**0.5 * p) / (2 * ab)),
                  "The noise around a point has the variance 1 - alpha_bar."),
            Wrong("not a share", lambda x, p, ab: torch.exp(-squares(x, ab**0.5 * p) / (2 * (1 - ab))), "Weights "
                  "of a mean "
                  "sum to 1: divide by their sum."),
        ),
        because="At t = 1 all weights are alike, near t = 0 one of them is 1: the nearest point takes all. This is how "
                "a mean becomes a copy.",
        hints=("Three lines: where the points stand, the exponents, torch.softmax(exponents, 0).", "The exponents are "
        "-((x - ab ** 0.5 * points) ** 2).sum(1) / (2 * (1 - ab))."),
        holds=(
            ("Weights of a mean sum to 1.", lambda f: abs(f(PLACE, POINTS, 0.5).sum() - 1) < 1e-6),
            ("They must be those of the formula.",
             lambda f: all((f(PLACE, POINTS, ab) - weights(PLACE, POINTS, ab)).abs().max() < 1e-6 for ab in
(0.1, 0.5, 0.9))),
        ),
    ),
    Exercise(
        "13.3", "write", "the share of copies", """
You get `samples`, `[n, 2]`, the training `points`, `[k, 2]`, and `within`, a length. Return the share of the
samples that are
nearer than `within` to a training point.
""", Function(("samples", "points", "within"), ((X, POINTS, CLOSE), (X, POINTS, 0.12))),
        right=(copies, lambda x, p, within: sum(float(((p - one) ** 2).sum(1).min() < within**2) for one in x) /
len(x)),
        wrong=(
            Wrong("the mean distance", lambda x, p, within: nearest(x, p).mean(), "This is how near they are on "
                  "average. Ask "
                  "of each sample whether it is a copy."),
            Wrong("points that are copied", lambda x, p, within: copies(p, x, within), "This is the share of the "
                  "training "
                  "points that were copied at all. Ask of the samples: the least along the other axis."),
            Wrong("a number, not a share", lambda x, p, within: copies(x, p, within) * len(x), "Divide by the number "
                                                                                               "of samples."),
            Wrong("the others", lambda x, p, within: 1 - copies(x, p, within), "These are those that are no copies."),
            Wrong("pairs", lambda x, p, within: (torch.cdist(x, p) < within).double().mean(), "This is the share "
                  "of pairs. A "
                  "sample is a copy if it is near one point; it cannot be near all of them."),
            Wrong("squares against a length",
                  lambda x, p, within: (torch.cdist(x, p).amin(1) ** 2 < within).double().mean(),
                  "A squared distance was compared with a length."),
        ),
        because="The least distance along the points, compared, averaged over the samples. It says how much was copied "
                "only beside the same number for fresh data, which come near by chance.",
        hints=("torch.cdist(samples, points) is [n, k].", "The least along axis 1, < within, and the mean."),
        holds=(
            ("The training points themselves are all copies.", lambda f: abs(f(POINTS, POINTS, 0.1) - 1) < 1e-9),
            ("It must be the share of the samples, each with its nearest point.",
             lambda f: all(abs(f(X, POINTS, w) - copies(X, POINTS, w)) < 1e-6 for w in (0.12, CLOSE, 1.0))),
        ),
    ),
    Exercise(
        "13.4", "explain", "is a blurred copy an invention", """
With a spread of `0.2` around each of 30 training points the exact epsilon hardly copies any more: its samples
are as far
from the nearest training point as the network's. Does it now generalise as the network does?
""", Choice({
            "a": "yes: it makes samples that nobody has seen",
            "b": "yes, because they are as far from the training points as fresh data are",
            "c": "no: all its samples are still copies",
            "d": "no: it left the training points in every direction, the curve included; the network left them "
            "along it",
            "e": "no: the network copies, too, only less",
            "f": "nobody can tell the two apart",
        }), right=("d",), derive=blurred,
        wrong=(
            Wrong("new is enough", "a", "Noise is new, too. Is it on the spiral?"),
            Wrong("one of two measures", "b", "As far, but whereto? Look at the distance to the curve, too."),
            Wrong("copies for ever", "c", "The share of copies says no: few are near a training point."),
            Wrong("the network copies", "e", "Compare it with fresh data, which come near a training point by chance, "
                                             "just as often."),
            Wrong("the curve not looked at", "f", "The last column of the table tells them apart by more than a factor "
                                                  "of ten."),
        ),
        because="Not to copy is easy, to stay on a curve that nobody wrote down is not. The network is wrong about its "
        "training points in the right way: it is smooth where the formula is sharp.",
        hints=("Compare both distances of the two.", "In which direction does a spread leave a point?"),
    ),
)
