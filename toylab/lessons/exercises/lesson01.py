"""Exercises of notebook 1: cost, damage, and the distance that measures it."""

import torch

from toylab import problems
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function, Number
from toylab.samplers import sample

# fmt: off

SCATTERED = torch.tensor([[0.3, 0.2], [-1.9, 0.4], [0.5, -1.5], [1.4, 1.4], [2.1, 0.0]], dtype=torch.float64)


def counted():
    """The evaluations of RK4 with 16 steps, counted."""
    return sample(problems.one_point(), method="RK4", steps=16, n=1, progress=False).nfe


def distance(x, radius):
    """The distance of each particle to a circle around the origin."""
    return abs((x**2).sum(1) ** 0.5 - radius)


def on_the_circle(answer):
    """True if points of the circle have distance 0."""
    angle = torch.linspace(0, 6, 7, dtype=torch.float64)
    return answer(2 * torch.stack([angle.cos(), angle.sin()], 1), 2.0).abs().max() < 1e-5


def steps_along_a_ray(answer):
    """True if it is 0.5 both at radius 1 and at radius 2 of a circle of radius 1.5."""
    found = answer(torch.tensor([[0.6, 0.8], [-1.2, 1.6]], dtype=torch.float64), 1.5)
    return found.shape == (2,) and (found - 0.5).abs().max() < 1e-5


EXERCISES = (
    Exercise(
        "01.1", "predict", "what a step of RK4 costs", """
RK4 takes `16` steps. How many network evaluations (NFE) is that?
""", Number(), right=(64,), derive=counted,
        wrong=(
            Wrong("steps instead of evaluations", 16, "That is the number of steps. A step of RK4 asks the network "
                  "more than once."),
            Wrong("the cost of one step", 4, "Four is what one step costs; there are sixteen of them."),
            Wrong("nodes instead of steps", 68, "N steps have N + 1 nodes, but nothing is asked at the last node for "
                  "its own sake."),
            Wrong("a start on top", 20, "Only multistep methods have a start. RK4 pays the same price in every step."),
            Wrong("F-PNDM's start", 25, "N + 9 is what F-PNDM takes: only its first three steps are Runge–Kutta "
                  "steps."),
            Wrong("three slopes a step", 48, "RK4 combines four slopes: at the beginning, twice in the middle, and at "
                  "the end."),
            Wrong("a slope used twice", 49, "The slope at the end of a step is taken at a predicted state, so the next "
                  "step cannot use it again."),
            Wrong("Heun's cost", 32, "Two slopes a step is Heun's method."),
        ),
        because="Four slopes a step, each an evaluation: 4 N.",
        hints=(
            "The player shows N and NFE above each panel. Look at RK4's.",
            "How many slopes does one Runge–Kutta step of order four combine?",
            "NFE = slopes a step times steps.",
        ),
    ),
    Exercise(
        "01.2", "explain", "why the best method breaks first", """
With few steps RK4 flies off the spiral, although its order is the highest of the four. Why? Answer with one letter:
""", Choice({
            "a": "it has too few evaluations: at the same NFE it would be as good as Euler",
            "b": "it asks for slopes close to the data at the end of a long last step, where they are enormous",
            "c": "rounding errors grow with the order",
            "d": "the network was trained for first-order methods",
            "e": "it started from other noise than the other methods",
            "f": "its error is spread over all steps, and four slopes add up to four errors",
        }), right=("b",),
        wrong=(
            Wrong("too few evaluations", "a", "It has more than the others at equal N, and switching to equal NFE does "
                  "not save it. Look at which step does the damage."),
            Wrong("rounding", "c", "Rounding is of the size of 1e-7 in these runs, and the damage is of the size of "
                  "the picture."),
            Wrong("a network made for one method", "d", "A network only knows epsilon at (x, t); which method asks it "
                  "does not know. Choose exact: RK4 breaks there too."),
            Wrong("other noise", "e", "All methods start from the same particles: drag Time to the right and see."),
            Wrong("errors everywhere", "f", "Drag Time back: until the last step or two RK4's panel looks like the "
                  "others."),
        ),
        because="dx/dt grows without bound towards t = 0 wherever epsilon is not exactly right. A long last step of "
        "RK4 takes slopes there; Euler and DDIM never ask that close to the end.",
        hints=(
            "Press Play at few steps: when does RK4 part from the others?",
            "At which times does RK4 ask the network within its last step, and Euler within its?",
        ),
    ),
    Exercise(
        "01.3", "write", "the distance to a circle", """
The number above each panel is a mean distance. Write the distance of every particle `x` (a tensor `[n, 2]`) to a
circle around the origin with this `radius`; the result has shape `[n]`.
""", Function(("x", "radius"), ((SCATTERED, 1.4), (SCATTERED, 0.5)), "a tensor [n]"),
        right=(distance, lambda x, radius: torch.linalg.norm(x, dim=1).sub(radius).abs()),
        wrong=(
            Wrong("signed distance", lambda x, radius: x.norm(dim=1) - radius, "Inside the circle this is negative, "
                  "and a mean over inside and outside cancels. A distance is never negative."),
            Wrong("distance to the centre", lambda x, radius: x.norm(dim=1), "This is how far a particle is from the "
                  "origin. The circle is as far as its radius."),
            Wrong("squared distance", lambda x, radius: (x.norm(dim=1) - radius) ** 2, "This is the square of the "
                  "distance: small ones look smaller and large ones larger than they are."),
            Wrong("difference of squares", lambda x, radius: ((x**2).sum(1) - radius**2).abs(), "Zero on the circle, "
                  "but no length: take the root of x squared first, then subtract the radius."),
            Wrong("one number for all", lambda x, radius: distance(x, radius).mean(), "This is the mean. One distance "
                  "for each particle is asked for, so that the share of them that is off can be counted, too."),
            Wrong("over the particles", lambda x, radius: (x.norm(dim=0) - radius).abs(), "The norm was taken over the "
                  "particles. Sum over dim=1, the coordinates."),
            Wrong("without the root", lambda x, radius: ((x**2).sum(1) - radius).abs(), "The sum of squares is the "
                  "square of the distance to the origin: its root is missing."),
            Wrong("sum of coordinates", lambda x, radius: (x.abs().sum(1) - radius).abs(), "The distance in the plane "
                  "is the root of the sum of squares, not the sum of the coordinates."),
        ),
        because="The nearest point of the circle lies on the ray from the origin through the particle, |x| - radius "
        "away, inside or outside.",
        hints=(
            "How far is a particle from the origin?",
            "A particle inside the circle and one outside can be equally far from it.",
            "The absolute value of (the norm of x over dim=1) minus the radius.",
        ),
        holds=(
            ("Points on the circle must have distance 0.", on_the_circle),
            ("Points at radius 1 and 2 are both 0.5 from a circle of radius 1.5: a number each.", steps_along_a_ray),
        ),
    ),
)
