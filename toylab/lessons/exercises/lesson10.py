"""Exercises of notebook 10: images."""

from functools import cache

import torch

from toylab import epsilon
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function
from toylab.problems.flow import rms
from toylab.samplers import sample

# fmt: off

IMAGES = torch.linspace(-1.3, 1.2, 8 * 64, dtype=torch.float64).reshape(8, 1, 8, 8).sin()
NOISE = torch.linspace(-2.0, 9.0, 8 * 64, dtype=torch.float64).reshape(8, 1, 8, 8).cos()
AB = torch.tensor([0.05, 0.2, 0.4, 0.5, 0.6, 0.8, 0.9, 0.99], dtype=torch.float64)


@cache
def converged(network, n, **limits):
    """A network, and its n images after many steps: rows [n, pixels]."""
    net = epsilon.load(network)
    return net, sample(net, None, "PLMS", 40, n=n, progress=False, record=False, **limits).x.flatten(1)


def from_converged(network, method, steps, n=8, spacing="t", **limits):
    """The rms difference of n images from those of many steps, all pixels of an image together."""
    net, many = converged(network, n, **limits)
    few = sample(net, None, method, steps, n=n, spacing=spacing, progress=False, record=False, **limits)
    return rms(few.x.flatten(1) - many)


def profits():
    """The method whose images gain most, in proportion, when the way ends at 0.01."""
    steps = {"RK4": 2, "DDIM": 10, "S-PNDM": 9, "F-PNDM": 2}
    return max(steps, key=lambda name: from_converged("digits", name, steps[name])
               / from_converged("digits", name, steps[name], t_end=0.01))  # fmt: skip


def farthest():
    """The later method whose images are farthest from the converged ones after eight evaluations."""
    return max(("PLMS", "DPM-Solver++2M", "DEIS-tAB3"), key=lambda name: from_converged("digits", name, 8))


def in_another_clock():
    """The answer that RK4 with two steps in the clock logsnr gives."""
    even, logsnr = (from_converged("digits", "RK4", 2, spacing=spacing) for spacing in ("t", "logsnr"))
    ddim = from_converged("digits", "DDIM", 8, spacing="logsnr")
    return "b" if ddim < logsnr < 0.7 * even else "?"


def with_cosine():
    """The answer: who gains by the cosine schedule at ten evaluations."""
    steps = {"RK4": 2, "DDIM": 10, "S-PNDM": 9}
    linear, cosine = ({m: from_converged(net, m, n) for m, n in steps.items()} for net in ("digits", "digits-cosine"))
    return "a" if [m for m in steps if cosine[m] < 0.9 * linear[m]] == ["RK4", "DDIM"] else "?"


def nearest_photographs():
    """The method whose photographs are nearest to the converged ones at ten evaluations."""
    steps = {"PLMS": 10, "S-PNDM": 9, "DDIM": 10, "RK4": 2}
    return min(steps, key=lambda name: from_converged("cifar10-16", name, steps[name], n=2))


def predicted_data(x, eps, ab):
    """x0 that eps predicts, each image with its own alpha_bar."""
    ab = ab.reshape(-1, 1, 1, 1)
    return (x - (1 - ab) ** 0.5 * eps) / ab**0.5


def with_ab(shape):
    """The same with alpha_bar in another shape."""
    return lambda x, eps, ab: (x - (1 - ab.reshape(shape)) ** 0.5 * eps) / ab.reshape(shape) ** 0.5


def undoes_the_mix(answer):
    """True if it gives back images that were mixed with noise, each at its own time."""
    ab = AB.reshape(-1, 1, 1, 1)
    return torch.allclose(answer(ab**0.5 * IMAGES + (1 - ab) ** 0.5 * NOISE, NOISE, AB), IMAGES, atol=1e-5)


EXERCISES = (
    Exercise(
        "10.1", "break", "one alpha_bar for each image", r"""
In training every image of a batch has its own $t$. `x` and `eps` are `[8, 1, 8, 8]`, `ab` is `[8]`: one $\bar\alpha$
for each image. Return $\hat x_0$. (The formula of notebook 4 runs without an error here, and is wrong. Why?)
""", Function(("x", "eps", "ab"), ((IMAGES, NOISE, AB),), "images like x"),
        right=(predicted_data,),
        wrong=(
            Wrong("broadcast along the columns", lambda x, eps, ab: (x - (1 - ab) ** 0.5 * eps) / ab**0.5, "There are "
                  "eight images and eight columns: ab [8] meets the *last* dimension, a column each. Give it the shape "
                  "[8, 1, 1, 1]."),
            Wrong("broadcast along the rows", with_ab((-1, 1)), "ab [8, 1] meets the last two dimensions: every row "
                  "has an alpha_bar of its own. Two more ones are missing."),
            Wrong("one for all: the mean", lambda x, eps, ab: predicted_data(x, eps, ab.mean()), "Every image has its "
                  "own time. A mean is right for none of them."),
            Wrong("one for all: the first", lambda x, eps, ab: predicted_data(x, eps, ab[:1]), "Every image has its "
                  "own time, not only the first."),
            Wrong("alpha_bar without roots",
                  lambda x, eps, ab: (x - (1 - ab.reshape(-1, 1, 1, 1)) * eps) / ab.reshape(-1, 1, 1, 1), "The shape "
                  "is right now. The roots are missing: alpha_bar is a variance."),
            Wrong("not divided", lambda x, eps, ab: x - (1 - ab.reshape(-1, 1, 1, 1)) ** 0.5 * eps, "The shape is "
                  "right now. Divide by sqrt(alpha_bar)."),
            Wrong("cut off", lambda x, eps, ab: predicted_data(x, eps, ab).clamp(-0.5, 0.5), "Values are cut off. A "
                  "picture may be, for the eye; the prediction may not."),
        ),
        because="Dimensions are matched from the last one on. With the shape [8, 1, 1, 1] each alpha_bar meets the "
        "image that it belongs to. A batch of another size would have raised an error at once.",
        hints=("Dimensions are matched from the right: what does a tensor [8] meet in [8, 1, 8, 8]?", "ab.reshape(-1, "
        "1, 1, 1)"),
        holds=(("Images that were mixed with noise, each with its own alpha_bar, must come back.", undoes_the_mix),),
    ),
    Exercise(
        "10.2", "explain", "the end of the way", r"""
Make a sweep with `t_end=0.01` added to the arguments of `image_sweep` above, and look at ten evaluations again. Which
method profits most? (Remember where RK4 loses in notebook 3.)
""", Choice({
            "RK4": "it was thrown off at the end",
            "DDIM": "it makes the most steps",
            "S-PNDM": "it remembers a slope",
            "F-PNDM": "its start is Runge–Kutta",
            "all alike": "the end is the same for all",
            "none": "nothing can be seen",
        }), right=("RK4",), derive=profits,
        wrong=(
            Wrong("the most steps", "DDIM", "DDIM never asks at t_end, so it hardly matters to it where that is."),
            Wrong("memory", "S-PNDM", "Only its first step asks at its end, far from t_end."),
            Wrong("a start that does not end well", "F-PNDM", "With two Runge–Kutta steps it is off the scale before "
                  "and after: phi over half of the way, from slopes in the noise."),
            Wrong("all alike", "all alike", "Compare RK4's grid with DDIM's, before and after: who asks for a slope at "
                  "t_end?"),
            Wrong("nothing to see", "none", "Look at RK4's grid in both sweeps, side by side: the noise on its "
                  "digits."),
        ),
        because="RK4 takes a slope at t_end, where dx/dt is steepest; stopping earlier spares it that. Those that "
        "never ask there hardly notice.",
        hints=("Who needs a slope at the very end?", "Compare the noise on RK4's digits in both sweeps."),
    ),
    Exercise(
        "10.3", "explain", "later methods", """
Put `"PLMS"`, `"DPM-Solver++2M"` and `"DEIS-tAB3"` among the methods of `image_quality`, with `nfe=(8,)` and nodes even
in $t$ as above. Which of the three would you *not* use if you want the images that many steps give?
""", Choice({
            "PLMS": "rising orders with the pseudo move",
            "DPM-Solver++2M": "two steps, data prediction",
            "DEIS-tAB3": "four slopes, averaged over the right clock",
            "all alike": "their differences from the converged images are alike",
            "none of them": "they all show noise",
            "F-PNDM": "the paper's",
        }), right=("DPM-Solver++2M",), derive=farthest,
        wrong=(
            Wrong("PLMS is no worse", "PLMS", "Its difference from the converged images is among the two small ones: "
                  "look at the third column of the table."),
            Wrong("DEIS is no worse", "DEIS-tAB3", "On even steps in t, its own clock, it is among the two that are "
                  "near."),
            Wrong("names do not matter", "all alike", "One of the three is about twice as far from the converged "
                  "images as the others."),
            Wrong("none shows digits", "none of them", "All three show digits at eight evaluations. Look at the column "
                  "of differences."),
            Wrong("not one of the three", "F-PNDM", "It cannot make a single multistep step with eight evaluations, "
                  "but it is not among the three."),
        ),
        because="DPM-Solver++ was made for nodes that are even in log-SNR. On even nodes in t its differences are "
        "about twice those of the others: a method and its clock belong together.",
        hints=("The column is called: difference from converged.", "One of them was designed for another clock than "
        "t."),
    ),
    Exercise(
        "10.4", "explain", "the clock", """
Add `spacing="logsnr"` to `image_sweep`. Does that save RK4 at eight evaluations, that is, two steps?
""", Choice({
            "a": "no, it gets worse",
            "b": "it gets much better, and DDIM is still nearer to the converged images",
            "c": "it is now the best of all",
            "d": "nothing changes: the clock is only a name for the same nodes",
            "e": "nothing changes: two steps have no nodes to be placed",
            "f": "it gets better because it takes more evaluations",
        }), right=("b",), derive=in_another_clock,
        wrong=(
            Wrong("worse", "a", "Compare its two grids: there is less noise on the digits."),
            Wrong("a clock wins it all", "c", "Look at DDIM's grid with as many evaluations: fewer stripes, and nearer "
                  "to the converged images."),
            Wrong("nodes do not move", "d", "They do: most of them lie near the data now. Notebook 7 shows where."),
            Wrong("nothing to place", "e", "Two steps have one node between their ends, and it moves a long way."),
            Wrong("more evaluations", "f", "Two steps of RK4 cost eight evaluations in any clock."),
        ),
        because="The node between the two steps moves towards the data, and the last step, which does the damage, gets "
        "short. Eight small steps of DDIM still beat two large ones.",
        hints=("Where does the last step begin in each clock?", "Compare with DDIM at the same NFE."),
    ),
    Exercise(
        "10.5", "explain", "another schedule", """
Copy the first cell with `"digits-cosine"`, a network that was trained with the cosine schedule. Are ten evaluations
worth more with it, that is, are images nearer to those that many steps give?
""", Choice({
            "a": "for RK4 and DDIM yes, for S-PNDM not",
            "b": "for all of them",
            "c": "for none: ten evaluations are ten evaluations",
            "d": "for S-PNDM only",
            "e": "that cannot be asked: the two networks show other digits",
            "f": "for all, and then RK4 is the best",
        }), right=("a",), derive=with_cosine,
        wrong=(
            Wrong("all alike", "b", "Look at S-PNDM again, with `image_quality` for both networks: its second slope is "
                  "no help here."),
            Wrong("the schedule does not matter", "c", "It says how fast the noise falls where, and so how long the "
                  "last step is. Compare RK4's noise."),
            Wrong("memory alone", "d", "It is the other way round: S-PNDM is the one that does not gain."),
            Wrong("compared with the wrong images", "e", "Each is compared with its own images of many steps, which "
                  "the noise and its network decide."),
            Wrong("the best of all", "f", "RK4 gains most, from far away. DDIM is still nearer."),
        ),
        because="The cosine schedule has less to do near the data on even nodes in t: that helps RK4, which suffers "
        "there, and DDIM. S-PNDM is as far away as before. So part of what looked like the method was the schedule.",
        hints=("Measure it: `image_quality` for both networks, the column of differences, nfe=(10,).", "Three methods, "
        "three answers: look at RK4, DDIM and S-PNDM one by one."),
    ),
    Exercise(
        "10.6", "explain", "photographs", r"""
`toylab.load("cifar10-16")` is a UNet for photographs of $16 \times 16$ pixels (CIFAR-10, made smaller). Make an
`image_sweep` of it with `n=16`, `nfe=(10,)` and PLMS among the methods, and a `Gallery`. Whose images are nearest to
those of many steps?
""", Choice({
            "PLMS": "rising orders, no start to pay for",
            "S-PNDM": "the best of the four with digits",
            "DDIM": "the most steps, one slope each",
            "RK4": "the highest order",
            "F-PNDM": "the paper's best",
            "all alike": "ten evaluations are enough for all of them",
        }), right=("PLMS",), derive=nearest_photographs,
        wrong=(
            Wrong("the same as with digits", "S-PNDM", "It is near, but here PLMS is nearer: the order of methods with "
                  "digits need not be that with photographs. Measure again."),
            Wrong("the most steps", "DDIM", "PLMS takes as many, and uses the slopes of the steps before as well."),
            Wrong("the highest order", "RK4", "Ten evaluations are two steps of RK4: noise."),
            Wrong("a start that is not paid for", "F-PNDM", "Ten evaluations do not even pay for its Runge–Kutta start "
                  "of three steps."),
            Wrong("no difference", "all alike", "Look at an image in all four panels (click it), and at what RK4 "
                  "shows."),
        ),
        because="PLMS pays nothing for its start and uses up to four slopes. With digits S-PNDM and PLMS are nearly "
        "alike at ten evaluations; with photographs PLMS is clearly nearer. An order of methods belongs to its data.",
        hints=("Measure: the rms difference of `found.final(method, N)` from PLMS with 60 steps.", "It begins with one "
        "slope and then uses all that there are."),
    ),
)
