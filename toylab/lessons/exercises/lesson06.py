"""Exercises of notebook 6: orders."""

import math

from toylab import problems
from toylab.analysis import measure_order
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Function, Method, Number
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states
from toylab.samplers.transfers import Pseudo

# fmt: off


def order(n1, e1, n2, e2):
    """The order that two errors show."""
    return math.log(e1 / e2) / math.log(n2 / n1)


def finds_powers(answer):
    """True if it finds the power p of errors C / N^p."""
    trials = ((1, 10.0, 20.0, 3.0), (2, 10.0, 30.0, 0.5), (4, 7.0, 9.0, 100.0))
    return all(abs(answer(n, c / n**p, m, c / m**p) - p) < 1e-5 for p, n, m, c in trials)


def measured():
    """The order of F-PNDM on a Gaussian, where the exact flow is known in closed form."""
    found = measure_order(problems.gaussian(), method="F-PNDM", steps=(160, 320), n=4, t_start=0.8, t_end=0.2)
    return round(found.order, 1)


def less():
    """An error of order two, with four times as many steps."""
    return 1e-3 / 4**2


def pie(eps, schedule, x, t, s):
    """The improved Euler method with the pseudo move (PIE)."""
    e = eps(x, t)
    end = Pseudo.move(schedule, x, e, t, s)
    return Pseudo.move(schedule, x, (e + eps(end, s)) / 2, t, s)


def improved(second=lambda x, end, t, s: (end, s), mean=lambda e, f: (e + f) / 2, begin=lambda x, end: x):
    """The same with another second question, another mean, or another state that is moved."""

    def answer(eps, schedule, x, t, s):
        e = eps(x, t)
        end = Pseudo.move(schedule, x, e, t, s)
        return Pseudo.move(schedule, begin(x, end), mean(e, eps(*second(x, end, t, s))), t, s)

    return answer


def heun(eps, schedule, x, t, s):
    """Heun's method on dx/dt."""
    slope = schedule.drift(x, eps(x, t), t)
    end = x + (s - t) * slope
    return x + (s - t) * (slope + schedule.drift(end, eps(end, s), s)) / 2


EXERCISES = (
    Exercise(
        "06.1", "predict", "the order of F-PNDM", """
F-PNDM averages epsilon with the weights of Adams–Bashforth 4. Which order will its error show on a fine grid,
equispaced in $t$? Commit yourself before you run the next cell.
""", Number(within=0.05), right=(2,), derive=measured,
        wrong=(
            Wrong("the order of the weights", 4, "That is what everybody expects: the weights are of order four. But "
                  "phi multiplies an average over t by a change of sigma."),
            Wrong("the order of DDIM", 1, "It gains something from its four slopes: one slope alone is of order one."),
            Wrong("half-way", 3, "One order is not lost, but two: the covariance of epsilon and sigma' within a step "
                  "is of order h^3 a step."),
            Wrong("the order of a single step", 5, "That would be a single step of an AB4 that keeps its promise. "
                  "Order is about the error at the end."),
            Wrong("no order at all", 0, "It converges: more steps bring it nearer to the exact flow, at a certain "
                  "rate."),
        ),
        because="The average over t is very exact, but phi multiplies it by the change of sigma, and what is left out, "
        "-h^3 / 12 eps' sigma'' a step, is of order two in all.",
        hints=("In which variable does phi move along a straight line, and in which does AB4 average?", "sigma is not "
        "linear in t: the two do not go together. What is the leading error of that?"),
    ),
    Exercise(
        "06.2", "write", "the order that two errors show", r"""
A method has the error `e1` with `n1` steps and `e2` with `n2`. Which order do they show? (Any two step counts, not only
doubled ones.)
""", Function(("n1", "e1", "n2", "e2"), ((10.0, 0.5, 30.0, 0.02), (40.0, 3e-4, 80.0, 2e-5), (5.0, 0.2, 7.0, 0.1))),
        right=(order, lambda n1, e1, n2, e2: (e2 / e1).log() / (n1 / n2).log()),
        wrong=(
            Wrong("no logarithm", lambda n, e, m, f: (e / f) / (m / n), "A ratio of ratios is no exponent. From error "
                  "= C / N^p take logarithms."),
            Wrong("upside down", lambda n, e, m, f: math.log(m / n) / math.log(e / f), "This is 1 / p: steps for "
                  "error. Divide the fall of the error by the rise of the steps."),
            Wrong("the sign", lambda n, e, m, f: math.log(f / e) / math.log(m / n), "The slope of log error against "
                  "log N is -p. An order is given as a positive number."),
            Wrong("steps forgotten", lambda n, e, m, f: math.log(e / f), "How many times more steps brought that? "
                  "Divide by the logarithm of n2 / n1."),
            Wrong("doubling taken for granted", lambda n, e, m, f: math.log2(e / f), "log2 of the ratio is right only "
                  "where n2 is twice n1."),
            Wrong("differences instead of ratios", lambda n, e, m, f: (e - f) / (m - n), "A power law is a straight "
                  "line on a log-log plot only: ratios, not differences."),
            Wrong("the order of a single step", lambda n, e, m, f: math.log(e / f) / math.log(m / n) + 1, "One step "
                  "errs like h^(p + 1), all of them together like h^p. These are errors at the end."),
            Wrong("two kinds of logarithm", lambda n, e, m, f: math.log10(e / f) / math.log(m / n), "Any logarithm "
                  "will do, but the same one above and below."),
        ),
        because="error = C / N^p, so log(e1 / e2) = p log(n2 / n1).",
        hints=("Write down error = C / N^p twice and divide.", "e1 / e2 = (n2 / n1)^p; take logarithms."),
        holds=(("Errors C / N^p must give p, for any C and any two step counts.", finds_powers),),
    ),
    Exercise(
        "06.3", "explain", "four times as many steps", """
A method of order two has an error of `0.001` with `100` steps. What is its error with 400 steps (on a grid fine
enough)?
""", Number(within=0.02), right=(6.25e-5,), derive=less,
        wrong=(
            Wrong("order one", 2.5e-4, "Four times less error for four times the steps is order one. Order two: the "
                  "square of it."),
            Wrong("order four", 1e-3 / 256, "That is 4^4 times less, order four."),
            Wrong("two times four", 1.25e-4, "The factor is 4 to the power of 2, not 4 times 2."),
            Wrong("half the error", 5e-4, "That is what doubling the steps does for order one."),
            Wrong("it grows", 1.6e-2, "More steps, less error."),
            Wrong("the square of the error", 1e-6, "Not the error is squared, but the ratio of the steps."),
        ),
        because="error ~ N^-2, so 4 times the steps bring 4^2 = 16 times less error.",
        hints=("What does doubling the steps do? It is done twice here.", "0.001 / 4**2"),
    ),
    Exercise(
        "06.4", "write", "two slopes and the pseudo move", r"""
Write the improved Euler method with $\phi$, the paper's PIE: move to `s` with the epsilon of `t`, ask there again, and
move once more from `x` with the mean of the two. `Pseudo.move(schedule, x, e, t, s)` of `toylab.samplers.transfers` is
$\phi$.
""", Method(), right=(pie, improved()),
        wrong=(
            Wrong("asked twice at the same place", improved(lambda x, end, t, s: (x, s)), "The second question is "
                  "about where the first move led: eps(end, s). x is not the state at s."),
            Wrong("asked at the same time", improved(lambda x, end, t, s: (end, t)), "The predicted state belongs to "
                  "s: eps(end, s)."),
            Wrong("moved on from the prediction", improved(begin=lambda x, end: end), "The prediction was a trial. The "
                  "step itself begins at x again."),
            Wrong("the second slope alone", improved(mean=lambda e, f: f), "That is of order one again. The mean of "
                  "the slopes at both ends is what brings the second order."),
            Wrong("slopes added", improved(mean=lambda e, f: e + f), "An average: divide by two."),
            Wrong("one slope: DDIM", lambda eps, sch, x, t, s: Pseudo.move(sch, x, eps(x, t), t, s), "One slope, moved "
                  "by phi, is DDIM. Ask a second time, at the end."),
            Wrong("classical: Heun", heun, "These slopes are dx/dt and the move is a straight line in t: Heun's "
                  "method. Here epsilon is averaged, and phi moves."),
        ),
        because="Predict, ask again, average, move: two evaluations a step, second order.",
        hints=("Two moves with phi, both beginning at x; the first is a trial.", "end = phi with eps(x, t); then the "
        "mean of eps(x, t) and eps(end, s)."),
        holds=(
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("Ten steps must take twenty evaluations.", lambda m: evaluations(m) == 20),
            ("It must be of order two.", lambda m: is_of_order(m, 2, 0.3)),
            ("It must go through the states of PIE.", lambda m: same_states(m, "PIE")),
        ),
    ),
)
