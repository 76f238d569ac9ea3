"""Exercises of notebook 11: samplers as plain functions."""

from math import log2

from toylab import method
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Method
from toylab.lessons.exercises.lesson05 import s_pndm
from toylab.lessons.exercises.lesson06 import pie
from toylab.lessons.exercises.measuring import error, evaluations, is_exact_on_one_point, is_of_order, same_states
from toylab.lessons.written import ddim, euler, two_slopes
from toylab.samplers.transfers import Pseudo

# fmt: off


def in_sigma():
    """The method that goes through the states of Euler's step in y and sigma."""
    return "b" if same_states(ddim, "DDIM") and is_exact_on_one_point(ddim) else "?"


def step(root=0.5, scaled=False, forth=1, in_y=False, clock="sigma", back=lambda sch, t, s: s, shown=True):
    """The step in y and sigma with one thing changed."""

    def answer(eps, sch, x, t, s):
        y = x / sch.alpha_bar(t) ** root
        e = eps(y if in_y else x, t) / (sch.alpha_bar(t) ** 0.5 if scaled else 1)
        length = s - t if clock == "t" else getattr(sch, clock)(s) - getattr(sch, clock)(t)
        return (sch.alpha_bar(back(sch, t, s)) ** root if shown else 1) * (y + forth * length * e)

    return answer


def phi(eps, schedule, x, t, s):
    """The same by the pseudo move."""
    return Pseudo.move(schedule, x, eps(x, t), t, s)


def multistep(share=lambda h, k: h / (2 * k), keep="both", ask_at_s=False):
    """AB2 in y and sigma with another share of the difference, another memory or another time."""

    def answer(eps, schedule, x, times):
        last = k = None
        for t, s in zip(times[:-1], times[1:], strict=True):
            e, h = eps(x, s if ask_at_s else t), schedule.sigma(s) - schedule.sigma(t)
            x = Pseudo.move(schedule, x, e if last is None else e + share(h, k) * (e - last), t, s)
            if last is None or keep in ("both", "slope"):
                last = e
            if k is None or keep in ("both", "length"):
                k = h
            yield x

    return answer


def of_steps(function):
    """A function of one step as a generator."""

    def answer(eps, schedule, x, times):
        for t, s in zip(times[:-1], times[1:], strict=True):
            x = function(eps, schedule, x, t, s)
            yield x

    return answer


def classical_ab2(eps, schedule, x, times):
    """AB2 on dx/dt."""
    last = None
    for t, s in zip(times[:-1], times[1:], strict=True):
        slope = schedule.drift(x, eps(x, t), t)
        x = x + (s - t) * (slope if last is None else (3 * slope - last) / 2)
        last = slope
        yield x


def doubles(answer):
    """True if twice as many steps leave less than a third of the error."""
    few, many = error(answer, 40), error(answer, 80)
    return 0 < many < few and log2(few / many) > 1.6


EXERCISES = (
    Exercise(
        "11.1", "predict", "Euler in another variable", r"""
Write the state as $y = x / \sqrt{\bar\alpha}$ and measure time by $\sigma = \sqrt{(1 - \bar\alpha) / \bar\alpha}$. The
probability flow is then $\mathrm{d}y / \mathrm{d}\sigma = \varepsilon$. Take Euler's step in $y$ and $\sigma$:
what have you
written?
""", Choice({
            "a": "Euler's method again: an equation does not care for the names of its variables",
            "b": "DDIM",
            "c": "Heun's method: the new variable adds an order",
            "d": "DDPM: sigma is noise, so noise comes in",
            "e": "nothing useful: sigma is unbounded at t = 1",
            "f": "a method that needs two evaluations, one for each variable",
        }), right=("b",), derive=in_sigma,
        wrong=(
            Wrong("no difference", "a", "The exact flow is the same. A straight line in t is no straight line in "
                                        "sigma, and the step is one or the other."),
            Wrong("more order", "c", "One slope, hence order one. What changes is the factor before the error, and for "
                  "one data point it becomes zero."),
            Wrong("noise", "d", "sigma is the size of the noise that is in x; nothing new is drawn."),
            Wrong("infinite", "e", "sigma is large at t = 1 but finite, and y is as large. Their quotient is "
                  "harmless."),
            Wrong("twice the price", "f", "Epsilon is asked once a step, at (x, t), and used once."),
        ),
        because="y at s is y at t plus (sigma_s - sigma_t) eps; times sqrt(alpha_bar_s) that is phi, the DDIM step, to "
        "rounding. With one data point epsilon is constant, and the straight line is the flow itself.",
        hints=("Write y_s = y_t + (sigma_s - sigma_t) eps and multiply by sqrt(alpha_bar_s).", "Which method of "
        "notebook 4 has this factor of x and this factor of eps?"),
    ),
    Exercise(
        "11.2", "write", "Euler's step in y and sigma", r"""
Write it as a plain function: divide `x` by $\sqrt{\bar\alpha_t}$, go a straight line in $\sigma$ with slope
$\varepsilon$, and come back to $x$ at `s`. You have `schedule.alpha_bar(t)` and `schedule.sigma(t)`.
""", Method(), right=(ddim, phi),
        wrong=(
            Wrong("not scaled back", step(shown=False), "This is y at s. A sampler hands on x: multiply by "
                  "sqrt(alpha_bar) of s."),
            Wrong("scaled back at t", step(back=lambda sch, t, s: t), "The step ends at s: multiply by sqrt(alpha_bar) "
                  "of s, not of t."),
            Wrong("alpha_bar without its root", step(root=1), "y is x over the square root of alpha_bar."),
            Wrong("epsilon scaled as well", step(scaled=True), "dy/dsigma is eps itself. Only x is divided by "
                  "the root."),
            Wrong("sigma runs the wrong way", step(forth=-1), "The length is sigma(s) - sigma(t), which is negative: "
                  "from noise to data sigma falls."),
            Wrong("the network asked about y", step(in_y=True), "The network knows x: eps(x, t). y is your own "
                  "variable."),
            Wrong("a straight line in t", step(clock="t"), "eps is the slope with respect to sigma: the length of the "
                  "step is sigma(s) - sigma(t)."),
            Wrong("the noise's standard deviation for sigma", step(clock="noise_std"), "sigma is noise per data, "
                  "sqrt((1 - alpha_bar) / alpha_bar), not sqrt(1 - alpha_bar)."),
        ),
        because="Three lines, and it is DDIM: exact wherever epsilon is, order one, one evaluation a step.",
        hints=(
            "Three lines: to y, the step, back to x.",
            "y = x / schedule.alpha_bar(t) ** 0.5, and the step is (schedule.sigma(s) - schedule.sigma(t)) * "
            "eps(x, t).",
            "Return schedule.alpha_bar(s) ** 0.5 * y.",
        ),
        holds=(
            ("Ten steps must take ten evaluations.", lambda m: evaluations(m) == 10),
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("It must be of order one.", lambda m: is_of_order(m, 1)),
            ("It must go through the states of DDIM.", lambda m: same_states(m, "DDIM")),
        ),
    ),
    Exercise(
        "11.3", "write", "two slopes, steps as they lie", r"""
Now a memory: a generator, called with all nodes `times`. Continue the line through the last two epsilons to the
middle of the
step to come, in $\sigma$, where steps are *not* equally long: with the step `h` and the one before `k`,
`e + h / (2 * k) * (e - last)`. Begin with one epsilon alone.
""", Method(("eps", "schedule", "x", "times")),
        right=(two_slopes, multistep()),
        wrong=(
            Wrong("weights of an even grid", multistep(lambda h, k: 0.5), "3/2 and -1/2 are right where both steps are "
                  "equally long. Nodes even in t are not even in sigma."),
            Wrong("ratio upside down", multistep(lambda h, k: k / (2 * h)), "A long step reaches far ahead and needs a "
                  "large correction: h over k."),
            Wrong("half forgotten", multistep(lambda h, k: h / k), "This is the line's value at the end of the step. "
                  "Its average is the value in the middle."),
            Wrong("looks back", multistep(lambda h, k: -h / (2 * k)), "The sign is turned round: the line is continued "
                  "beyond the newest slope, not back."),
            Wrong("no memory", multistep(lambda h, k: 0), "Every step uses the newest epsilon alone: this is DDIM."),
            Wrong("the first slope for ever", multistep(keep="length"), "Renew the old epsilon at the end of "
                  "each step."),
            Wrong("the first length for ever", multistep(keep="slope"), "Renew the old length at the end of each step, "
                  "too: k is that of the step just before."),
            Wrong("the network asked at s", multistep(ask_at_s=True), "x is the state at t: ask eps(x, t)."),
        ),
        because="Of second order on any grid and exact on one data point, for one evaluation a step. In the literature "
                "it is DEIS-rhoAB1.",
        hints=(
            "Keep two things from the step before: its epsilon and its length in sigma.",
            "mean = e if last is None else e + h / (2 * k) * (e - last)",
            "Move as before, with mean for eps; then last, k = e, h, and yield x.",
        ),
        holds=(
            ("On one data point it must be exact.", is_exact_on_one_point),
            ("Ten steps must take ten evaluations.", lambda m: evaluations(m) == 10),
            ("It must be of order two: half the step, a quarter of the error.", lambda m: is_of_order(m, 2, 0.3)),
            ("It must use the line through the last two epsilons in sigma.",
             lambda m: same_states(m, method("rising-ab2", "pseudo", weights="exact"))),
        ),
    ),
    Exercise(
        "11.4", "write", "one of your own", """
Anything you like, as a generator, as long as it keeps three promises: exact on one data point, of second order
or better,
and for `N` steps at most `N + 1` evaluations. Measure it first; then place it on the figure above.
""", Method(("eps", "schedule", "x", "times")),
        right=(two_slopes, s_pndm),
        wrong=(
            Wrong("order one", multistep(lambda h, k: 0), "Exact on one data point and cheap, but this is DDIM: "
                  "half the "
                  "step, half the error. Where does a second slope come from that costs nothing?"),
            Wrong("order bought with evaluations", of_steps(pie),
                  "Second order, at two evaluations a step. A method with a memory gets its second slope for nothing."),
            Wrong("a straight line in t", classical_ab2, "Second order and cheap, but not exact on one data point: it "
                  "moves along dx/dt. Move epsilon with phi."),
            Wrong("Euler", of_steps(euler), "Neither exact on "
                  "one data point nor of second order. Begin with exercise 11.2."),
            Wrong("the mean of the last two", multistep(lambda h, k: -0.5), "Exact on one data point, but the "
                  "mean of two "
                  "slopes is the slope of half a step ago: order one. Look ahead."),
            Wrong("twice too far", multistep(lambda h, k: h / k), "The line's value at the end of the step is as wrong "
                  "as the one at its beginning: order one."),
            Wrong("a memory that is not renewed", multistep(keep="length"), "The old slope stays that of the "
                  "first step, "
                  "and the line through it points nowhere."),
        ),
        because="Three properties, and any method that has them is as good as the published ones of its class. How "
                "good in numbers, the figure says.",
        hints=(
            "Exactness comes from phi, order from a second slope, and the price says that it must be remembered.",
            "s_pndm of notebook 5 and two_slopes of this one keep all three. What about three slopes? Another clock?",
        ),
        holds=(
            ("On one data point it must be exact: move epsilon with phi.", is_exact_on_one_point),
            ("Ten steps may take eleven evaluations, no more.", lambda m: evaluations(m) <= 11),
            ("It must be of second order: with twice as many steps about a quarter of the error.", doubles),
        ),
    ),
)
