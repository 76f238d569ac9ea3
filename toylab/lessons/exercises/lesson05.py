"""Exercises of notebook 5: multistep methods, their weights and their start."""

import torch

from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Method, Number, Numbers
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states
from toylab.samplers import method
from toylab.samplers.transfers import Pseudo
from toylab.samplers.weights import ADAMS_BASHFORTH, adams_weights

# fmt: off


def weights():
    """The weights that average the cubic through values at 0, -1, -2 and -3 over [0, 1]."""
    return adams_weights([0, -1, -2, -3], 1)


def averages_cubics(weights):
    """True if it averages t^k over [0, 1] from its values at 0, -1, -2 and -3, for k to 3."""
    nodes = torch.tensor([0.0, -1.0, -2.0, -3.0], dtype=torch.float64)
    return all(abs((weights * nodes**k).sum() - 1 / (k + 1)) < 1e-5 for k in range(1, 4))


def s_pndm(eps, schedule, x, times):
    """AB2 with the pseudo move, begun with a DDIM step."""
    before = None
    for t, s in zip(times[:-1], times[1:], strict=True):
        e = eps(x, t)
        x = Pseudo.move(schedule, x, e if before is None else (3 * e - before) / 2, t, s)
        before = e
        yield x


def two_step(newest=1.5, oldest=-0.5, keep="slope", classical=False, ask_at_s=False):
    """The same with other weights, another memory ("slope", "mean", "first"), another slope or another time."""

    def answer(eps, schedule, x, times):
        before = None
        for t, s in zip(times[:-1], times[1:], strict=True):
            e = eps(x, s if ask_at_s else t)
            e = schedule.drift(x, e, t) if classical else e
            mean = e if before is None else newest * e + oldest * before
            x = Pseudo.move(schedule, x, mean, t, s)
            before = {"slope": e, "mean": mean, "first": e if before is None else before}[keep]
            yield x

    return answer


def counted():
    """The evaluations of F-PNDM with ten steps, counted."""
    return evaluations("F-PNDM", 10)


def lacking():
    """The facts of a run with the transfer part "frozen"."""
    frozen = method("euler", "frozen")
    return "c" if evaluations(frozen) == 10 and not is_exact_on_one_point(frozen) else "?"


EXERCISES = (
    Exercise(
        "05.1", "predict", "what the start of F-PNDM costs", """
F-PNDM combines four slopes, but at first there is only one: its first three steps are Runge–Kutta steps. How many
evaluations do ten steps take in all?
""", Number(), right=(19,), derive=counted,
        wrong=(
            Wrong("steps instead of evaluations", 10, "That would be so if it started with one evaluation a step, as "
                  "PLMS does."),
            Wrong("every step a Runge–Kutta step", 40, "Only the first three are. From then on one new slope a step is "
                  "enough, three are remembered."),
            Wrong("the start counted on top", 22, "The three steps of the start are among the ten: seven are left, not "
                  "ten."),
            Wrong("four steps of start", 21, "Four slopes need three steps before: the fourth is that of the step "
                  "itself."),
            Wrong("one evaluation more a step of the start", 13, "A Runge–Kutta step takes four evaluations, three "
                  "more than usual."),
            Wrong("S-PNDM's cost", 11, "N + 1 is S-PNDM: two slopes, and one improved Euler step at the start."),
            Wrong("the start alone", 12, "Twelve are spent when the start is over. Seven steps follow."),
            Wrong("three more", 16, "Count again: three steps of four evaluations each, then seven of one."),
        ),
        because="Three steps of four evaluations and seven of one: 12 + 7 = N + 9.",
        hints=("Count the two kinds of steps apart.", "Three Runge–Kutta steps, four evaluations each. How many steps "
        "are left?"),
    ),
    Exercise(
        "05.2", "write", "the weights of Adams and Bashforth", r"""
AB4 replaces the slope by the cubic through the last four slopes, at equispaced nodes, and averages it over the step to
come. Give the four weights, *newest first*, as a list of four numbers.
""", Numbers(within=1e-4, count=4), right=(ADAMS_BASHFORTH[4],), derive=weights,
        wrong=(
            Wrong("oldest first", (-9 / 24, 37 / 24, -59 / 24, 55 / 24), "The numbers are right, their order is not: "
                  "the newest slope has the largest weight."),
            Wrong("not divided", (55, -59, 37, -9), "The weights of an average sum to 1. These sum to 24."),
            Wrong("all positive", (55 / 24, 59 / 24, 37 / 24, 9 / 24), "Signs alternate: a polynomial that is "
                  "continued beyond its nodes needs negative weights."),
            Wrong("the implicit formula", (9 / 24, 19 / 24, -5 / 24, 1 / 24), "These are the weights of Adams and "
                  "Moulton, which need the slope at the end of the step: nobody has that yet."),
            Wrong("Runge–Kutta's weights", (1 / 6, 2 / 6, 2 / 6, 1 / 6), "These are RK4's, for four slopes within one "
                  "step. Here three of the four are from steps before."),
            Wrong("the plain mean", (0.25, 0.25, 0.25, 0.25), "The mean of four slopes is the slope of long ago. The "
                  "formula looks ahead: it continues the cubic."),
            Wrong("AB3", (23 / 12, -16 / 12, 5 / 12, 0), "This is AB3, a parabola through three slopes."),
            Wrong("Simpson's rule", (1 / 8, 3 / 8, 3 / 8, 1 / 8), "This averages over the nodes themselves, behind the "
                  "step. Average over the step to come."),
        ),
        because="(55, -59, 37, -9) / 24 is the average over [0, 1] of the cubic through values at 0, -1, -2 and -3.",
        hints=(
            "Four conditions: a constant, a line, a parabola and a cubic must be averaged exactly over [0, 1] from "
            "their values at 0, -1, -2, -3.",
            "The average of t^k over [0, 1] is 1 / (k + 1); solve the four equations with numpy.linalg.solve.",
            "They are multiples of 1/24; the newest is 55/24.",
        ),
        holds=(
            ("Weights of an average sum to 1.", lambda w: abs(w.sum() - 1) < 1e-5),
            ("From values at 0, -1, -2, -3 they must average every cubic over [0, 1] exactly.", averages_cubics),
        ),
    ),
    Exercise(
        "05.3", "write", "a two-step method with the pseudo move", r"""
Write AB2 as a generator: it gets all nodes `times` and yields the state at every node after the first. Average the
last two epsilons with weights `3/2` (newest) and `-1/2`, and move with $\phi$: `Pseudo.move(schedule, x, e, t, s)` of
`toylab.samplers.transfers`, or your own. The first step has one epsilon only: make it a DDIM step.
""", Method(("eps", "schedule", "x", "times")),
        right=(s_pndm, two_step()),
        wrong=(
            Wrong("weights in the wrong order", two_step(-0.5, 1.5), "The newest slope has 3/2: the line through two "
                  "slopes is continued ahead, not back."),
            Wrong("a classical slope with the pseudo move", two_step(classical=True), "phi moves epsilon. You averaged "
                  "dx/dt, which belongs to the straight line in t."),
            Wrong("no memory", two_step(1.0, 0.0), "Every step uses the newest epsilon alone: this is DDIM. Keep the "
                  "one before in a variable."),
            Wrong("the first slope for ever", two_step(keep="first"), "The slope before stays that of the first step. "
                  "Renew it at the end of each step."),
            Wrong("remembers the average", two_step(keep="mean"), "What has to be kept is epsilon itself, not the "
                  "average that was made with it."),
            Wrong("the plain mean", two_step(0.5, 0.5), "This is the slope in the middle of the step before. 3/2 and "
                  "-1/2 look ahead, to the middle of the step to come."),
            Wrong("weights that sum to two", two_step(3.0, -1.0), "Divide by two: weights of an average sum to 1."),
            Wrong("the network asked at s", two_step(ask_at_s=True), "x is the state at t: ask eps(x, t)."),
        ),
        because="A line through the last two epsilons, averaged over the step and moved by phi: second order for one "
        "evaluation a step. S-PNDM differs in its first step only.",
        hints=(
            "Keep the epsilon of the step before; in the first step there is none.",
            "mean = e if before is None else (3 * e - before) / 2",
            "In each step: e = eps(x, t); the mean; x = phi; before = e; yield x.",
        ),
        holds=(
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("Ten steps must take ten evaluations.", lambda m: evaluations(m) == 10),
            ("It must be of order two: half the step, a quarter of the error.", lambda m: is_of_order(m, 2, 0.3)),
            ("It must go through the states of AB2 with the pseudo move.",
             lambda m: same_states(m, method("rising-ab2", "pseudo"))),
        ),
    ),
    Exercise(
        "05.4", "explain", "half of phi", r"""
The transfer part *frozen* solves the linear part of the equation exactly and leaves the factor of $\varepsilon$ as it
was at the beginning of the step. Which property of $\phi$ does it lack? Build it above, or with
`toylab.method("euler", "frozen")`.
""", Choice({
            "a": "a step of no length leaves x as it is",
            "b": "one evaluation a step is enough",
            "c": "it is exact when epsilon is, over any distance",
            "d": "more steps bring it nearer to the exact flow",
            "e": "it is linear in x and in epsilon",
            "f": "it knows the schedule",
        }), right=("c",), derive=lacking,
        wrong=(
            Wrong("no step, no move", "a", "With s = t nothing moves with either."),
            Wrong("more evaluations", "b", "It takes one slope a step, as DDIM does."),
            Wrong("no convergence", "d", "It converges, at first order with every gradient part."),
            Wrong("not linear", "e", "It is linear in both: look at its two factors."),
            Wrong("no schedule", "f", "It uses alpha_bar for the linear part. What does it do with the factor of "
                  "epsilon?"),
        ),
        because="The factor of epsilon changes within the step, and frozen keeps it: even with the right epsilon it "
        "goes astray. It also makes two moves with one epsilon differ from one.",
        hints=("Try it on the data set point.", "For one data point every phi is right to rounding. Is frozen?"),
    ),
)
