"""Exercises of notebook 9: the two parts of an error."""

import torch

from toylab import datasets, epsilon
from toylab.analysis import log_likelihood
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function, Number
from toylab.problems.flow import rms

# fmt: off

EXACT = torch.tensor([[0.0, 0.0], [1.0, 0.5], [-0.7, 0.2]], dtype=torch.float64)
FLOW = EXACT + torch.tensor([[0.3, 0.1], [-0.2, 0.0], [0.1, -0.4]], dtype=torch.float64)
IN_STEPS = FLOW + torch.tensor([[0.0, 0.5], [0.3, 0.3], [-0.1, 0.2]], dtype=torch.float64)


def parts(in_steps, flow, exact):
    """(solver error, network error, total error), each an rms distance of the particles."""
    def apart(a, b):
        return ((a - b) ** 2).sum(1).mean() ** 0.5

    return apart(in_steps, flow), apart(flow, exact), apart(in_steps, exact)


def by_the_lab(in_steps, flow, exact):
    """The same by the lab's own measure."""
    return rms(in_steps - flow), rms(flow - exact), rms(in_steps - exact)


def in_other_terms(length, pairs=((0, 1), (1, 2), (0, 2))):
    """Another measure of the three differences, or other pairs."""
    return lambda *ends: [length(ends[i] - ends[j]) for i, j in pairs]


def tells_zero(answer):
    """True if each part vanishes where it is nobody's fault."""
    exact_network, converged = answer(IN_STEPS, EXACT, EXACT), answer(FLOW, FLOW, EXACT)
    return exact_network[1] == 0 and exact_network[0] == exact_network[2] and converged[0] == 0 and converged[1] > 0


def measures_lengths(answer):
    """True if moving every particle by (3, 4) is an error of 5."""
    moved = EXACT + torch.tensor([3.0, 4.0], dtype=torch.float64)
    return (answer(moved, EXACT, EXACT)[[0, 2]] - 5).abs().max() < 1e-5


def is_the_three(answer):
    """True if it gives the three rms distances of the example."""
    return torch.allclose(answer(IN_STEPS, FLOW, EXACT), torch.stack(parts(IN_STEPS, FLOW, EXACT)), atol=1e-5)


def crossing():
    """The N at which 4 / N^2 has fallen to 0.01."""
    return (4 / 0.01) ** 0.5


def likelier():
    """The letter of what the spiral's network finds likelier, and of how much it errs."""
    net, spiral = epsilon.load("spiral"), datasets.get("spiral")
    end = spiral.curve(400)[-1:]
    x = torch.cat([end, 1.3 * end])
    on, off = log_likelihood(net, x.float(), t_end=0.02, progress=False).log_prob.tolist()
    exact_on, exact_off = epsilon.exact_eps(spiral.curve(1000), net.schedule).log_prob(x, 0.02).tolist()
    if on < off:
        return "a"
    gap, exact_gap = on - off, exact_on - exact_off
    return "b" if abs(gap / exact_gap - 1) < 0.1 else "c" if gap < exact_gap else "d"


EXERCISES = (
    Exercise(
        "09.1", "write", "whose fault", """
The same particles end at `in_steps` (the network in N steps), `flow` (the network's own flow) and `exact` (the exact
flow), tensors `[n, 2]`. Return three rms distances: solver error, network error, total error. (rms: the root of the
mean squared distance.)
""", Function(("in_steps", "flow", "exact"), ((IN_STEPS, FLOW, EXACT),), "three numbers"),
        right=(parts, by_the_lab),
        wrong=(
            Wrong("mean instead of rms", in_other_terms(lambda d: d.norm(dim=1).mean()), "This is the mean distance. "
                  "rms squares before the mean and takes the root after it."),
            Wrong("solver and network exchanged", in_other_terms(rms, ((1, 2), (0, 1), (0, 2))), "The solver's fault "
                  "is between N steps and the flow of the same network; the network's between the two flows."),
            Wrong("the solver blamed for all", in_other_terms(rms, ((0, 2), (1, 2), (0, 2))), "Against the exact flow "
                  "the solver's error has the network's in it. Compare it with the flow of its own network."),
            Wrong("a coordinate instead of a particle", in_other_terms(lambda d: (d**2).mean() ** 0.5), "This is the "
                  "rms of a coordinate, smaller by the root of two: sum over the coordinates, then average."),
            Wrong("the total as a sum", lambda a, b, c: [rms(a - b), rms(b - c), rms(a - b) + rms(b - c)], "That is "
                  "the most it can be. Measure it: errors are vectors and partly cancel."),
            Wrong("no root", in_other_terms(lambda d: (d**2).sum(1).mean()), "These are mean squares: take the root at "
                  "the end."),
            Wrong("errors that cancel", in_other_terms(lambda d: d.mean(0).norm()), "The mean of the differences is "
                  "taken before their length, so particles that err to the left and to the right cancel."),
        ),
        because="Solver: N steps against the network's flow. Network: its flow against the exact one. Total: N steps "
        "against the exact flow.",
        hints=("Three differences, each of two of the three tensors.", "((a - b) ** 2).sum(1).mean() ** 0.5"),
        holds=(
            ("Where every particle is off by (3, 4), the error is 5.", measures_lengths),
            ("An exact network has no error of its own, and a converged run none of the solver's.", tells_zero),
            ("They must be three rms distances.",
             is_the_three),
        ),
    ),
    Exercise(
        "09.2", "explain", "where the fault changes hands", r"""
A solver's error is $4/N^2$, and the network's is `0.01`. At which $N$ are the two equal, so that beyond it more steps
buy little?
""", Number(within=0.02), right=(20,), derive=crossing,
        wrong=(
            Wrong("order one", 400, "4 / 0.01 would be right for 4 / N. N is squared: take the root."),
            Wrong("the constant's root alone", 200, "The root of the whole, not of the 4 alone: N = (4 / 0.01) ** "
                  "0.5."),
            Wrong("the constant forgotten", 10, "1 / N^2 = 0.01 gives 10. There is a 4."),
            Wrong("upside down", 0.05, "That is 1 / N."),
            Wrong("half", 100, "Check: 4 / 100**2 is 0.0004, already far below the network's error."),
            Wrong("the square once more", 160000, "The root of 4 / 0.01, not its square."),
        ),
        because="4 / N^2 = 0.01 gives N^2 = 400. A solver of higher order, or a worse network, makes the crossing come "
        "earlier.",
        hints=("Set 4 / N**2 equal to 0.01.", "N = (4 / 0.01) ** 0.5"),
    ),
    Exercise(
        "09.3", "explain", "how large can the sum be", """
The solver's error is `0.03` and the network's is `0.04`. What is the most that the total error can be?
""", Number(), right=(0.07,),
        wrong=(
            Wrong("at right angles", 0.05, "The root of the sum of squares is what it is when the two errors are at "
                  "right angles. They can point in one direction."),
            Wrong("the larger one", 0.04, "The smaller one need not vanish beside the larger."),
            Wrong("the difference", 0.01, "That is the least it can be: when the two errors point in opposite "
                  "directions."),
            Wrong("the product", 0.0012, "Errors of positions add up as vectors do."),
            Wrong("the mean", 0.035, "They come one after the other: what the solver adds comes on top of the "
                  "network's error."),
            Wrong("no limit", 1, "The way from the samples to the exact flow leads past the network's flow: no longer "
                  "than both parts together."),
        ),
        because="Total error is the sum of two vectors for each particle: at most the sum of the two lengths (the "
        "triangle inequality, for rms too), at least their difference.",
        hints=("Draw three points: samples, the network's flow, the exact flow.", "The triangle inequality."),
    ),
    Exercise(
        "09.4", "explain", "likelier, and by how much", """
Two samples at $t = 0.02$: the outer end of the spiral, and the same point `1.3` times as far from the origin, off the
spiral. Which one does the network find likelier, and is it right?

```python
import torch

spiral = toylab.datasets.get("spiral")
end = spiral.curve(400)[-1:]
x = torch.cat([end, 1.3 * end])
toylab.log_likelihood(toylab.load("spiral"), x.float(), t_end=0.02).log_prob  # in nats, by the network's flow
toylab.exact_eps(spiral.curve(1000), "linear").log_prob(x, 0.02)  # the truth
```
""", Choice({
            "a": "the one off the spiral: it has seen no data there, and anything goes",
            "b": "the end of the spiral, and both log densities are right to a tenth",
            "c": "the end of the spiral; but it finds the other one far too likely",
            "d": "the end of the spiral; but it finds the other one far too unlikely",
            "e": "both alike: a network that predicts noise knows no density",
            "f": "it depends on the solver: a density is a property of the method",
        }), right=("c",), derive=likelier,
        wrong=(
            Wrong("anything goes", "a", "It still points back to the data from there: the flow from far away does not "
                  "end there, so that little probability can be found there. Run the lines."),
            Wrong("right everywhere", "b", "It is right on the spiral. Compare the second numbers, and remember that "
                  "they are logarithms."),
            Wrong("too sure", "d", "The other way round: which of the two second numbers is larger?"),
            Wrong("no density", "e", "Epsilon is the slope of the log density, times minus the noise. The flow from "
                  "data to noise adds it up."),
            Wrong("the solver's density", "f", "The flow belongs to epsilon alone; a solver only errs on it. Give "
                  "log_likelihood another method or more steps."),
        ),
        because="It ranks the two rightly, and its log density off the spiral is more than ten nats too large: near t "
        "= 0 it has seen nothing but data, and its slope is too gentle elsewhere.",
        hints=("Run the lines, and subtract the second number from the first in each line.", "exp(10) is about 22000. "
               "By what factor is the odd point too likely?"),
    ),
)
