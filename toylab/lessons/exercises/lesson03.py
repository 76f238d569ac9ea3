"""Exercises of notebook 3: classical methods."""

import torch

from toylab import problems, schedules
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Function, Method, Number
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states
from toylab.samplers import sample

# fmt: off

LINEAR = schedules.get("linear")
X = torch.tensor([[0.8, -1.1], [0.3, 0.4], [-1.6, 0.2]], dtype=torch.float64)
E = torch.tensor([[0.5, -0.7], [1.2, 0.1], [-0.3, -0.9]], dtype=torch.float64)


def exact_from() -> int:
    """The least N with which F-PNDM is exact on a single data point."""
    return next(steps for steps in range(1, 20) if is_exact_on_one_point("F-PNDM", steps))


def drift(x, eps, beta, ab):
    """dx/dt of the probability flow (Liu et al. 2022, equation 9)."""
    return -beta / 2 * (x - eps / (1 - ab) ** 0.5)


def follows_one_point(answer):
    """True if it is the derivative of sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps."""
    for t in (0.1, 0.4, 0.9):
        ab, h = LINEAR.alpha_bar(t), 1e-6
        path = [LINEAR.alpha_bar(s) ** 0.5 * X + LINEAR.noise_std(s) * E for s in (t - h, t, t + h)]
        if not torch.allclose(answer(path[1], E, LINEAR.beta(t), ab), (path[2] - path[0]) / (2 * h), atol=1e-5):
            return False
    return True


def rests_on_noise(answer):
    """True if data that is N(0, I), of which eps is sqrt(1 - alpha_bar) x, does not move."""
    return all(answer(X, (1 - ab) ** 0.5 * X, 2.0, ab).abs().max() < 1e-5 for ab in (0.1, 0.5, 0.9))


def euler(eps, schedule, x, t, s):
    """Euler's method on dx/dt."""
    return x + (s - t) * schedule.drift(x, eps(x, t), t)


def thrown(method, t_end):
    """The mean distance of 64 particles to the circle after ten steps; nothing where t_end is no end."""
    if not 0 < t_end < 1:
        return float("nan")
    circle = problems.find("circle", "exact")
    run = sample(circle, None, method, 10, n=64, t_end=t_end, record=False, progress=False)
    return circle.manifold.distance(run.x).mean().item()


def heun(eps, schedule, x, t, s):
    """Heun's method on dx/dt."""
    slope = schedule.drift(x, eps(x, t), t)
    end = x + (s - t) * slope
    return x + (s - t) * (slope + schedule.drift(end, eps(end, s), s)) / 2


def ddim(eps, schedule, x, t, s):
    """DDIM: one slope, moved by phi."""
    r = (schedule.alpha_bar(s) / schedule.alpha_bar(t)) ** 0.5
    return r * x + (schedule.noise_std(s) - r * schedule.noise_std(t)) * eps(x, t)


EXERCISES = (
    Exercise(
        "03.1", "predict", "one point, and few steps", """
The data set is a single point and epsilon is exact. What is the *least* number of steps $N$ with which F-PNDM,
fourth-order weights and a Runge–Kutta start, is right to rounding? Answer before you drag the slider.
""", Number(), right=(1,), derive=exact_from,
        wrong=(
            Wrong("the order of the weights", 4, "Order says how fast an error falls with N. Here there is no error "
                  "that could fall: each single move is already right."),
            Wrong("the order of the method", 2, "F-PNDM is of order two, but order is about errors that fall with N; "
                  "here even the first move has none."),
            Wrong("the evaluations of the start", 9, "Nine is what the three Runge–Kutta steps cost on top, not a "
                  "number of steps."),
            Wrong("only after the start", 3, "The Runge–Kutta steps of the start are moves of phi as well, so they "
                  "need not be waited for."),
            Wrong("the start and one step", 13, "Thirteen evaluations is the least budget with a multistep step in it. "
                  "The start alone is exact already."),
            Wrong("no step at all", 0, "Without a step the particles are where they began: in the noise."),
            Wrong("only in the limit", 1000, "A classical method comes near with many steps. phi needs no limit: with "
                  "the right epsilon it is exact over any distance."),
        ),
        because="For one data point the noise in x_t is the same at all t, so one slope is as good as the average of "
        "many, and phi moves without error: one step, here a Runge–Kutta one of four evaluations, is exact.",
        hints=(
            "What is epsilon along the whole way of one particle, if there is only one data point?",
            "If epsilon does not change, what does it matter how many slopes are averaged?",
            "The notebook says: any number of steps. What is the least number there is?",
        ),
    ),
    Exercise(
        "03.2", "write", "the slope of a classical method", r"""
Find $\mathrm{d}x/\mathrm{d}t$ of the probability flow from `x`, `eps`, the noise rate `beta` ($\beta(t)$) and `ab`
($\bar\alpha_t$). Two facts are enough: $\bar\alpha' = -\beta\,\bar\alpha$, and for one data point
$x_t = \sqrt{\bar\alpha_t}\,x_0 + \sqrt{1 - \bar\alpha_t}\,\varepsilon$ with fixed $x_0$ and $\varepsilon$.
""", Function(("x", "eps", "beta", "ab"), ((X, E, 3.0, 0.4), (X, E, 12.0, 0.05), (X, E, 0.7, 0.93)), "a tensor like x"),
        right=(drift,),
        wrong=(
            Wrong("time runs the wrong way", lambda x, eps, beta, ab: -drift(x, eps, beta, ab),
                  "The sign is turned round. dx/dt is for growing t, and t = 1 is noise; a sampler steps with s - t, "
                  "which is negative."),
            Wrong("beta without its half", lambda x, eps, beta, ab: 2 * drift(x, eps, beta, ab),
                  "x carries the square root of alpha_bar, and the root brings a factor 1/2."),
            Wrong("epsilon not divided", lambda x, eps, beta, ab: -beta / 2 * (x - eps),
                  "eps has to be divided by sqrt(1 - ab): the score is -eps / sqrt(1 - ab)."),
            Wrong("1 - alpha_bar without its root", lambda x, eps, beta, ab: -beta / 2 * (x - eps / (1 - ab)),
                  "The score is -eps / sqrt(1 - ab): with the root."),
            Wrong("the reverse SDE", lambda x, eps, beta, ab: -beta / 2 * x + beta * eps / (1 - ab) ** 0.5,
                  "This is the drift of the reverse SDE, with the whole score. The flow has half of it, because it "
                  "adds no noise."),
            Wrong("noise added instead of taken out", lambda x, eps, beta, ab: -beta / 2 * (x + eps / (1 - ab) ** 0.5),
                  "The two terms have opposite signs: on pure noise, where eps = x, they cancel."),
            Wrong("the forward drift alone", lambda x, eps, beta, ab: -beta / 2 * x,
                  "This is what the forward process does on average. The flow also has the score: epsilon comes in."),
            Wrong("alpha_bar for 1 - alpha_bar", lambda x, eps, beta, ab: -beta / 2 * (x - eps / ab**0.5),
                  "The noise in x_t has the standard deviation sqrt(1 - ab); sqrt(ab) is what is left of the data."),
        ),
        because="It is the derivative of sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, with x0 put in terms of x and "
        "eps; on pure noise its two halves cancel.",
        hints=(
            "Take the derivative of x_t = sqrt(ab) x0 + sqrt(1 - ab) eps with respect to t; x0 and eps are fixed.",
            "d sqrt(ab) / dt = -beta / 2 sqrt(ab), and d sqrt(1 - ab) / dt = beta ab / (2 sqrt(1 - ab)).",
            "Replace sqrt(ab) x0 by x - sqrt(1 - ab) eps. What is left is -beta / 2 (x minus something times eps).",
        ),
        holds=(
            ("On data that is N(0, I) nothing moves: eps = sqrt(1 - ab) x must give zero.", rests_on_noise),
            ("On one data point it must be the derivative of sqrt(ab) x0 + sqrt(1 - ab) eps.", follows_one_point),
        ),
    ),
    Exercise(
        "03.3", "write", "Euler's method", """
The simplest classical method as a plain function: one step from `t` to `s < t` along the slope `schedule.drift(x, e,
t)`, where `e` is what the network says. It is then a method like any other: `toylab.sample(net, method=answer)`.
""", Method(), right=(euler,),
        wrong=(
            Wrong("t and s exchanged", lambda eps, sch, x, t, s: x + (t - s) * sch.drift(x, eps(x, t), t),
                  "The step is s - t, which is negative: from noise to data time falls."),
            Wrong("no step length", lambda eps, sch, x, t, s: x - sch.drift(x, eps(x, t), t),
                  "A slope has to be multiplied by the length of the step, s - t."),
            Wrong("the slope of where it goes", lambda eps, sch, x, t, s: x + (s - t) * sch.drift(x, eps(x, s), s),
                  "Euler takes the slope where it is, at t. At s the particle is not yet."),
            Wrong("the network asked at s", lambda eps, sch, x, t, s: x + (s - t) * sch.drift(x, eps(x, s), t),
                  "The slope is that at t, but the network was asked at s: x belongs to t."),
            Wrong("epsilon taken for the slope", lambda eps, sch, x, t, s: x + (s - t) * eps(x, t),
                  "epsilon is the slope of pseudo methods. A classical one takes dx/dt: schedule.drift(x, e, t)."),
            Wrong("two slopes: Heun", lambda eps, sch, x, t, s: heun(eps, sch, x, t, s),
                  "It is a method, and a better one: two slopes a step are Heun's. Euler takes one."),
            Wrong("phi instead of a straight line", lambda eps, sch, x, t, s: ddim(eps, sch, x, t, s),
                  "This is DDIM: eps moved by phi. A classical method goes along a straight line in t with the slope "
                  "dx/dt."),
        ),
        because="One slope, dx/dt at t, and a straight line: first order, one evaluation a step, and not exact even "
        "for one data point.",
        hints=(
            "Three parts: where it is, how long the step is, and the slope.",
            "Ask the network once, eps(x, t); schedule.drift makes a slope of it.",
            "x + (s - t) * slope",
        ),
        holds=(
            ("Ten steps must take ten evaluations of eps.", lambda m: evaluations(m) == 10),
            ("It is not of order one: half the step must halve the error.", lambda m: is_of_order(m, 1)),
            ("It is exact on one data point, which no classical method is.", lambda m: not is_exact_on_one_point(m)),
            ("It must go along a straight line in t with the slope dx/dt.", lambda m: same_states(m, "Euler")),
        ),
    ),
    Exercise(
        "03.4", "break", "throw RK4 off", """
Choose `t_end`, where the runs end, so that *RK4* on the circle (linear schedule, ten steps, exact epsilon) ends
farther than `10` from the circle on average, while DDIM stays within `0.1`. The answer is one number.
""", Number(1e-6), right=(1e-5, 1e-6),
        wrong=(
            Wrong("the usual limit", 1e-3, "At 0.001 RK4 is already the worst, but not by that much. Nearer to the "
                  "data, or farther from it?"),
            Wrong("the right way, not far enough", 1e-4, "Nearer to the data is right: the slope grows without bound "
                  "there. Go on."),
            Wrong("away from the data", 0.1, "There the slope is harmless and RK4 does well. It fails where dx/dt is "
                  "unbounded: near t = 0."),
            Wrong("the data itself", 0, "At t = 0 the slope is not defined at all, and RK4, which asks there, is "
                  "refused. Stop just before."),
            Wrong("the start, not the end", 1, "t = 1 is noise, where the runs begin. They end near 0."),
            Wrong("the exponent alone", -5, "t is between 0 and 1; 10 to the power of -5 is written 1e-5."),
            Wrong("the exponent without its sign", 1e5, "t is between 0 and 1. Small numbers are written 1e-5."),
        ),
        because="RK4 evaluates at the end of its last step, and 1 / sqrt(1 - alpha_bar) in dx/dt is unbounded there; "
        "DDIM never asks at t_end.",
        hints=(
            "Where along the way does RK4 get its last slope?",
            "What becomes of 1 / sqrt(1 - alpha_bar) as t goes to 0?",
            "The first player of this notebook has such a t_end.",
        ),
        holds=(
            ("With this t_end RK4 is not farther than 10 from the circle on average.", lambda t: thrown("RK4", t) > 10),
            ("RK4 is thrown off, but so is DDIM.", lambda t: thrown("DDIM", t) < 0.1),
        ),
    ),
)
