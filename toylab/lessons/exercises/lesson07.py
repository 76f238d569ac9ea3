"""Exercises of notebook 7: clocks."""

import torch

from toylab import grids, problems, schedules
from toylab.analysis import measure_order
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function, Method
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states
from toylab.samplers import method
from toylab.samplers.weights import adams_weights

# fmt: off

GRIDS = tuple((schedules.get(name), steps, 0.9, 0.1) for name, steps in (("linear", 4), ("cosine", 7)))


def fourth():
    """The clock in which F-PNDM shows order four on a Gaussian."""
    how = {"method": "F-PNDM", "steps": (80, 160), "n": 4, "t_start": 0.6, "t_end": 0.2}
    return max(grids.spacings(), key=lambda spacing: measure_order(problems.gaussian(), spacing=spacing, **how).order)


def even_in_sigma(schedule, steps, t_start, t_end):
    """N + 1 times from t_start to t_end between which sigma falls by the same amount."""
    first, last = schedule.sigma(t_start), schedule.sigma(t_end)
    return schedule.t_of_sigma(first + (last - first) * torch.arange(steps + 1) / steps)


def spread_in(clock, back, count=0, turned=False):
    """The same in another clock, with `count` nodes more, or the other way round."""

    def answer(schedule, steps, t_start, t_end):
        first, last = clock(schedule, t_start), clock(schedule, t_end)
        parts = torch.linspace(0, 1, steps + 1 + count, dtype=torch.float64)
        return back(schedule, first + (last - first) * (parts.flip(0) if turned else parts))

    return answer


def sigma(schedule, t):
    return schedule.sigma(t)


def t_of_sigma(schedule, found):
    return schedule.t_of_sigma(found)


LOG = (lambda schedule, t: schedule.sigma(t).log(), lambda schedule, log: schedule.t_of_sigma(log.exp()))
SQUARE = (lambda schedule, t: schedule.sigma(t) ** 2, lambda schedule, square: schedule.t_of_sigma(square**0.5))


def keeps_the_limits(answer):
    """True if there are N + 1 falling times from t_start to t_end."""
    for call in GRIDS:
        found = answer(*call)
        ends = torch.tensor(call[2:], dtype=torch.float64)
        if found.shape != (call[1] + 1,) or (found[[0, -1]] - ends).abs().max() > 1e-5 or (found.diff() >= 0).any():
            return False
    return True


def has_equal_steps(answer):
    """True if sigma falls evenly."""
    falls = [call[0].sigma(answer(*call)).diff() for call in GRIDS]
    return all((fall - fall.mean()).abs().max() < 1e-3 * fall.abs().max() for fall in falls)


def rk4_in_sigma(eps, schedule, x, t, s):
    """RK4 for dy/dsigma = eps, y = x / sqrt(alpha_bar)."""
    first, last = schedule.sigma(t), schedule.sigma(s)
    h, y = last - first, x / schedule.alpha_bar(t) ** 0.5

    def slope(y, sigma):
        u = schedule.t_of_sigma(sigma)
        return eps(y * schedule.alpha_bar(u) ** 0.5, u)

    k1 = slope(y, first)
    k2 = slope(y + h / 2 * k1, first + h / 2)
    k3 = slope(y + h / 2 * k2, first + h / 2)
    k4 = slope(y + h * k3, last)
    return (y + h * (k1 + 2 * k2 + 2 * k3 + k4) / 6) * schedule.alpha_bar(s) ** 0.5


def like_rk4(weights=(1 / 6, 1 / 3, 1 / 3, 1 / 6), half=0.5, third=None, scaled=True, back=True, in_t=False):
    """The same with a mistake: weights, the length of half a step, the third slope's state, or what is scaled."""

    def answer(eps, schedule, x, t, s):
        first, last = schedule.sigma(t), schedule.sigma(s)
        h, y = last - first, x / schedule.alpha_bar(t) ** 0.5
        middle = schedule.sigma((t + s) / 2) if in_t else first + h / 2
        part = middle - first if in_t else half * h

        def slope(y, sigma):
            u = schedule.t_of_sigma(sigma)
            return eps(y * schedule.alpha_bar(u) ** 0.5 if scaled else y, u)

        k1 = slope(y, first)
        k2 = slope(y + part * k1, middle)
        k3 = slope(y + part * (k1 if third else k2), middle)
        k4 = slope(y + h * k3, last)
        y = y + h * sum(weight * k for weight, k in zip(weights, (k1, k2, k3, k4), strict=True))
        return y * schedule.alpha_bar(s) ** 0.5 if back else y

    return answer


def is_rk4_in_sigma(answer):
    """True if it goes through the states of the lab's own."""
    return same_states(answer, method("rk4", "pseudo", midpoint="sigma"))


def sum_to_one(answer):
    """True if the two weights are those of an average."""
    return all(abs(answer(h, k).sum() - 1) < 1e-5 for h, k in ((1.0, 1.0), (3.0, 0.7)))


def two_weights(step, before):
    """Weights of the newest and the older slope for a step of that length after one of length `before`."""
    return 1 + step / (2 * before), -step / (2 * before)


def by_the_lab(step, before):
    """The same by the lab's own function."""
    return adams_weights([0.0, -float(before)], float(step))


def averages_lines(answer):
    """True if slopes on a line are averaged to the line's value in the middle of the step."""
    trials = ((1.0, 1.0), (0.5, 2.0), (3.0, 0.7))
    return all(abs((answer(h, k) * torch.tensor([1.0, 1.0 - 2.0 * k])).sum() - (1 + h)) < 1e-5 for h, k in trials)


EXERCISES = (
    Exercise(
        "07.1", "predict", "the clock of order four", r"""
F-PNDM averages over $t$ what should be averaged over $\sigma$. In which clock do its steps have to be even, so that it
shows order four? Answer with the name of a spacing, or `"none"`.
""", Choice({
            "t": "even in t",
            "sigma": "even in sigma",
            "logsnr": "even in log sigma",
            "karras": "even in `sigma^(1/7)`",
            "quad": "even in the root of t",
            "none": "in none of them: pseudo methods are of order two",
        }), right=("sigma",), derive=fourth,
        wrong=(
            Wrong("the usual clock", "t", "That is where it shows two: phi moves along a straight line in sigma, and "
                  "sigma is not linear in t."),
            Wrong("the clock of exponential integrators", "logsnr", "log sigma is the clock of DEIS and DPM-Solver. "
                  "phi is a straight line in sigma itself."),
            Wrong("the popular clock", "karras", "It is a good clock for few steps, but phi is no straight line in "
                  "it."),
            Wrong("DDIM's other clock", "quad", "Dense near the data, like others, but phi is no straight line in it."),
            Wrong("the barrier", "none", "The two is no law of pseudo methods: it comes of two clocks that differ, and "
                  "one can make them agree."),
        ),
        because="phi is an Euler step in sigma. Where the steps are even in sigma, the weights of Adams and Bashforth "
        "average in the right variable, and eps' sigma'' vanishes.",
        hints=("In which variable is phi a straight line?", "Notebook 4: dy/dsigma = eps."),
    ),
    Exercise(
        "07.2", "write", "nodes that are even in sigma", r"""
Write the nodes: `steps + 1` times that fall from `t_start` to `t_end`, so that $\sigma$ falls by the same amount in
each step. `schedule.sigma(t)` and `schedule.t_of_sigma(sigma)` are inverses of each other.
""", Function(("schedule", "steps", "t_start", "t_end"), GRIDS, "steps + 1 times"),
        right=(even_in_sigma, spread_in(sigma, t_of_sigma)),
        wrong=(
            Wrong("even in t", spread_in(lambda sch, t: t, lambda sch, t: t), "These are even in t. Spread sigma, then "
                  "ask for its times."),
            Wrong("a node too few", spread_in(sigma, t_of_sigma, -1), "N steps have N + 1 nodes."),
            Wrong("from data to noise", spread_in(sigma, t_of_sigma, turned=True), "A sampler goes from t_start, "
                  "noise, to t_end: times fall."),
            Wrong("sigmas instead of times", spread_in(sigma, lambda sch, found: found), "These are the sigmas "
                  "themselves. schedule.t_of_sigma makes times of them."),
            Wrong("even in log sigma", spread_in(*LOG), "Here the ratio of two sigmas is always the same, not their "
                  "difference: that is the clock logsnr."),
            Wrong("even in alpha_bar", spread_in(*SQUARE), "Here the square of sigma falls evenly, (1 - alpha_bar) / "
                  "alpha_bar: its root is missing."),
            Wrong("a node too many", spread_in(sigma, t_of_sigma, 1), "N steps have N + 1 nodes, t_start and t_end "
                  "among them."),
        ),
        because="Sigma is spread evenly between its values at both ends, and t_of_sigma says when each is reached.",
        hints=("Three lines: sigma at both ends, N + 1 values between them, their times.", "torch.linspace(first, "
        "last, steps + 1), then schedule.t_of_sigma."),
        holds=(
            ("There must be steps + 1 falling times, from t_start to t_end.", keeps_the_limits),
            ("Sigma must fall by the same amount in each step.", has_equal_steps),
        ),
    ),
    Exercise(
        "07.3", "write", "RK4 in sigma", r"""
A pseudo method of order four: RK4 for $\mathrm{d}y/\mathrm{d}\sigma = \varepsilon$ with $y = x/\sqrt{\bar\alpha}$. The
network wants $x$ and $t$: at $(y, \sigma)$ it is asked with `u = schedule.t_of_sigma(sigma)` about
$y\sqrt{\bar\alpha(u)}$. Write the step.
""", Method(), right=(rk4_in_sigma, like_rk4()),
        wrong=(
            Wrong("the middle in t", like_rk4(in_t=True), "The two slopes in the middle are half-way in t, as in the "
                  "paper, and that caps the order at two. Go half-way in sigma."),
            Wrong("y asked instead of x", like_rk4(scaled=False), "The network knows x, not y: multiply by "
                  "sqrt(alpha_bar) at that time before you ask."),
            Wrong("y returned", like_rk4(back=False), "What comes back must be x at s: multiply y by "
                  "sqrt(alpha_bar(s))."),
            Wrong("equal weights", like_rk4((0.25, 0.25, 0.25, 0.25)), "The slopes in the middle count twice: weights "
                  "1, 2, 2, 1 over 6."),
            Wrong("the third slope like the second", like_rk4(third="first"), "The third slope is taken where the "
                  "*second* one leads in half a step."),
            Wrong("a whole step to the middle", like_rk4(half=1.0), "To the middle it is half a step: h / 2 times the "
                  "slope."),
            Wrong("three slopes", like_rk4((1 / 6, 2 / 3, 0, 1 / 6)), "The weight 4/6 in the middle is that of "
                  "Simpson's rule, with one slope there. RK4 has two: 2/6 each."),
        ),
        because="In sigma the equation is dy/dsigma = eps, and RK4 keeps its promise of order four: all slopes sit "
        "where they belong in the clock of the move.",
        hints=(
            "Write a helper slope(y, sigma) that makes x and t of its arguments and asks eps; then RK4 as in any "
            "textbook.",
            "h = sigma(s) - sigma(t), negative; the middle is at sigma(t) + h / 2.",
            "At the end: (y + h (k1 + 2 k2 + 2 k3 + k4) / 6) times sqrt(alpha_bar(s)).",
        ),
        holds=(
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("Ten steps must take forty evaluations.", lambda m: evaluations(m) == 40),
            ("It must be of order four: half the step, a sixteenth of the error.",
             lambda m: is_of_order(m, 4, 0.5, 20)),
            ("It must be RK4, with the midpoint in sigma.", lambda m: same_states(m, method("rk4",
             "pseudo", midpoint="sigma"))),
        ),
    ),
    Exercise(
        "07.4", "write", "weights on an uneven grid", r"""
On an uneven grid `3/2` and `-1/2` are wrong. Write the two weights of AB2, newest first, for a step of length `step`
that follows one of length `before` (both in the clock of the average): the line through the last two slopes, averaged
over the step to come.
""", Function(("step", "before"), ((1.0, 1.0), (0.5, 2.0), (3.0, 0.7)), "two weights"),
        right=(two_weights, by_the_lab),
        wrong=(
            Wrong("those of an even grid", lambda h, k: (1.5, -0.5), "These are right where both steps are equally "
                  "long, and only there."),
            Wrong("ratio upside down", lambda h, k: (1 + k / (2 * h), -k / (2 * h)), "A long step reaches far ahead "
                  "and needs a large correction: step / before, not before / step."),
            Wrong("signs exchanged", lambda h, k: (1 - h / (2 * k), h / (2 * k)), "This looks back. The line is "
                  "continued ahead, beyond the newest slope."),
            Wrong("half forgotten", lambda h, k: (1 + h / k, -h / k), "This is the line's value at the end of the "
                  "step. The average is its value in the middle."),
            Wrong("oldest first", lambda h, k: (-h / (2 * k), 1 + h / (2 * k)), "The newest comes first."),
            Wrong("the trapezium", lambda h, k: (0.5, 0.5), "This averages over the step before. Average over the step "
                  "to come."),
            Wrong("multiplied by the step", lambda h, k: (h * (1 + h / (2 * k)), -h * h / (2 * k)), "An average, whose "
                  "weights sum to 1: the length of the step belongs to the move."),
            Wrong("parts of both steps", lambda h, k: (h / (h + k), k / (h + k)), "A mean weighted by lengths lies "
                  "between the two slopes. The line has to be continued."),
        ),
        because="The line through the slopes at 0 and -before has its average over the step in the middle, at step / "
        "2: newest + step / (2 before) (newest - older).",
        hints=("The average of a line over a step is its value in the middle of the step.", "newest + step / 2 times "
        "the slope of the line, (newest - older) / before."),
        holds=(
            ("The weights must sum to 1.",
             sum_to_one),
            ("Slopes on a line must be averaged to its value in the middle of the step to come.", averages_lines),
        ),
    ),
)
