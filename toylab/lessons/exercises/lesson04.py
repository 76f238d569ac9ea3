"""Exercises of notebook 4: the pseudo move and DDIM."""

import torch

from toylab import schedules
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Function, Method
from toylab.lessons.exercises.measuring import evaluations, is_exact_on_one_point, is_of_order, same_states

# fmt: off

LINEAR = schedules.get("linear")
X = torch.tensor([[0.8, -1.1], [0.3, 0.4], [-1.6, 0.2]], dtype=torch.float64)
E = torch.tensor([[0.5, -0.7], [1.2, 0.1], [-0.3, -0.9]], dtype=torch.float64)
PAIRS = ((0.1, 0.5), (0.02, 0.3), (0.6, 0.97))


def phi(x, eps, ab_t, ab_s):
    """The pseudo move from t to s (Liu et al. 2022, equation 11, in its stable form)."""
    r = (ab_s / ab_t) ** 0.5
    return r * x + ((1 - ab_s) ** 0.5 - r * (1 - ab_t) ** 0.5) * eps


def phi_by_x0(x, eps, ab_t, ab_s):
    """The same by way of the predicted data."""
    x0 = (x - (1 - ab_t) ** 0.5 * eps) / ab_t**0.5
    return ab_s**0.5 * x0 + (1 - ab_s) ** 0.5 * eps


def composes(answer):
    """True if two moves with one epsilon are one long move."""
    return torch.allclose(answer(answer(X, E, 0.1, 0.4), E, 0.4, 0.9), answer(X, E, 0.1, 0.9), atol=1e-5)


def is_exact(answer):
    """True if it takes x_t of one data point to x_s."""
    made = [ab**0.5 * X + (1 - ab) ** 0.5 * E for ab in (0.15, 0.8)]
    return torch.allclose(answer(made[0], E, 0.15, 0.8), made[1], atol=1e-5)


def ddim(eps, schedule, x, t, s):
    """DDIM: one slope a step, moved by phi."""
    return phi(x, eps(x, t), schedule.alpha_bar(t), schedule.alpha_bar(s))


def both(schedule, t, s):
    """alpha_bar at both times."""
    return schedule.alpha_bar(t), schedule.alpha_bar(s)


def wrong_direction(eps, schedule, x, t, s):
    """DDIM with the noise of t put back instead of that of s."""
    e = eps(x, t)
    return schedule.alpha_bar(s) ** 0.5 * predicted_data(x, e, schedule.alpha_bar(t)) + schedule.noise_std(t) * e


def undoes_the_mix(answer):
    """True if it gives back the data that was mixed with noise."""
    return torch.allclose(answer(0.6 * X + 0.8 * E, E, 0.36), X, atol=1e-5)


def predicted_data(x, eps, ab):
    """The data that eps predicts."""
    return (x - (1 - ab) ** 0.5 * eps) / ab**0.5


EXERCISES = (
    Exercise(
        "04.1", "write", "the pseudo move", r"""
Write $\phi$: move `x` from the time with $\bar\alpha$ = `ab_t` to that with `ab_s`, with a given `eps`.
""", Function(("x", "eps", "ab_t", "ab_s"), tuple((X, E, *pair) for pair in PAIRS), "a tensor like x"),
        right=(phi, phi_by_x0),
        wrong=(
            Wrong("t and s exchanged", lambda x, e, a, b: phi(x, e, b, a), "This goes from s to t. The state that you "
                  "are given is at t, and so the root of ab_s / ab_t is its factor."),
            Wrong("phi without the factor of x", lambda x, e, a, b: x + phi(x, e, a, b) - (b / a) ** 0.5 * x, "x has "
                  "to grow with the data in it: its factor is sqrt(ab_s / ab_t)."),
            Wrong("alpha_bar without roots", lambda x, e, a, b: b / a * x + ((1 - b) - b / a * (1 - a)) * e,
                  "alpha_bar is a variance; samples are multiplied by its root, everywhere in this formula."),
            Wrong("the old noise left in", lambda x, e, a, b: (b / a) ** 0.5 * x + (1 - b) ** 0.5 * e, "The noise of t "
                  "has to be taken out before that of s is put in: the second half of the factor of eps is missing."),
            Wrong("the old noise not scaled",
                  lambda x, e, a, b: (b / a) ** 0.5 * x + ((1 - b) ** 0.5 - (1 - a) ** 0.5) * e, "When x is multiplied "
                  "by sqrt(ab_s / ab_t), so is the noise in it: scale what you take out."),
            Wrong("the data, and no noise", lambda x, e, a, b: (b / a) ** 0.5 * (x - (1 - a) ** 0.5 * e), "This "
                  "removes the noise of t and stops there. At s there is still noise of sqrt(1 - ab_s)."),
            Wrong("sign of epsilon", lambda x, e, a, b: 2 * (b / a) ** 0.5 * x - phi(x, e, a, b), "The sign of eps: "
                  "going down in t, less noise is left than before, so its factor is negative."),
            Wrong("x0 not scaled to s", lambda x, e, a, b: (x - (1 - a) ** 0.5 * e) / a**0.5 + (1 - b) ** 0.5 * e, "At "
                  "s the data has the factor sqrt(ab_s): the predicted x0 has to be multiplied by it."),
        ),
        because="Take the noise out, which leaves the predicted data, and mix that with the same noise again as it is "
        "at s.",
        hints=(
            "Predict the data from x and eps, and add the noise again, as much as there is at s.",
            "x0 = (x - sqrt(1 - ab_t) eps) / sqrt(ab_t)",
            "sqrt(ab_s) x0 + sqrt(1 - ab_s) eps, with that x0.",
        ),
        holds=(
            ("A move from t to t must leave x as it is.", lambda f: torch.allclose(f(X, E, 0.3, 0.3), X, atol=1e-5)),
            ("Two moves with one eps must be one long move.", composes),
            ("For one data point it must lead from x_t exactly to x_s.", is_exact),
        ),
    ),
    Exercise(
        "04.2", "write", "DDIM", r"""
Write DDIM as a method of your own: one step from `t` to `s`. Ask `eps(x, t)`; `schedule.alpha_bar(t)` is
$\bar\alpha_t$. (Your $\phi$ may be called.) Then `toylab.sample(net, method=answer)` runs it.
""", Method(), right=(ddim,),
        wrong=(
            Wrong("the network asked at s", lambda eps, sch, x, t, s: phi(x, eps(x, s), *both(sch, t, s)), "x is the "
                  "state at t, and so the network has to be asked about t."),
            Wrong("t and s exchanged", lambda eps, sch, x, t, s: phi(x, eps(x, t), *both(sch, s, t)), "The move goes "
                  "back to where it came from: first alpha_bar at t, then at s."),
            Wrong("a wrong direction term", wrong_direction, "The noise that is put back is that of t. It must be as "
                  "much as there is at s: sqrt(1 - alpha_bar_s)."),
            Wrong("Euler in t", lambda eps, sch, x, t, s: x + (s - t) * sch.drift(x, eps(x, t), t), "This is Euler's "
                  "method on dx/dt, a classical one. DDIM moves eps by phi."),
            Wrong("straight to the data", lambda eps, sch, x, t, s: predicted_data(x, eps(x, t), sch.alpha_bar(t)),
                  "This returns the predicted data at once. A step goes to s, where there is still noise."),
            Wrong("two evaluations where one is enough",
                  lambda eps, sch, x, t, s: phi(x, (eps(x, t) + eps(x, t)) / 2, *both(sch, t, s)), "The samples are "
                  "right, but the network was asked twice for the same thing, and that is what costs time. Keep its "
                  "answer in a variable."),
            Wrong("Euler in sigma, forgetting the scale",
                  lambda eps, sch, x, t, s: x + (sch.sigma(s) - sch.sigma(t)) * eps(x, t), "That is a step of y = x / "
                  "sqrt(alpha_bar). Divide x by sqrt(alpha_bar_t) before, multiply by sqrt(alpha_bar_s) after."),
        ),
        because="One slope, eps at t, moved by phi: one evaluation a step, first order, and exact on one data point.",
        hints=(
            "One evaluation, then the move of the exercise before.",
            "e = eps(x, t); then phi with alpha_bar at t and at s.",
            "return phi(x, eps(x, t), schedule.alpha_bar(t), schedule.alpha_bar(s))",
        ),
        holds=(
            ("On one data point it must be exact, with any number of steps.", is_exact_on_one_point),
            ("Ten steps must take ten evaluations of eps.", lambda m: evaluations(m) == 10),
            ("It must be of order one.", lambda m: is_of_order(m, 1)),
            ("It must go through the states of DDIM.", lambda m: same_states(m, "DDIM")),
        ),
    ),
    Exercise(
        "04.3", "write", "the predicted data", r"""
Write what the data would be if `eps` were right: $\hat x_0$, from `x` and `ab` ($\bar\alpha_t$). Later, notebook 10
shows it for images.
""", Function(("x", "eps", "ab"), ((X, E, 0.2), (X, E, 0.7), (X, E, 0.99)), "a tensor like x"),
        right=(predicted_data,),
        wrong=(
            Wrong("not divided", lambda x, e, ab: x - (1 - ab) ** 0.5 * e, "This is the data as it is in x, faded. "
                  "Divide by sqrt(alpha_bar)."),
            Wrong("alpha_bar without roots", lambda x, e, ab: (x - (1 - ab) * e) / ab, "alpha_bar and 1 - alpha_bar "
                  "are variances: take their roots."),
            Wrong("divided by alpha_bar", lambda x, e, ab: (x - (1 - ab) ** 0.5 * e) / ab, "The factor of the data is "
                  "sqrt(alpha_bar), with the root."),
            Wrong("noise added", lambda x, e, ab: (x + (1 - ab) ** 0.5 * e) / ab**0.5, "The noise has to be taken out: "
                  "minus."),
            Wrong("sigma in the wrong place", lambda x, e, ab: x - ((1 - ab) / ab) ** 0.5 * e, "x - sigma eps mixes "
                  "two coordinates: it is right for y = x / sqrt(alpha_bar), not for x."),
            Wrong("noise not scaled", lambda x, e, ab: (x - e) / ab**0.5, "There is only sqrt(1 - alpha_bar) of eps in "
                  "x."),
            Wrong("roots exchanged", lambda x, e, ab: (x - ab**0.5 * e) / (1 - ab) ** 0.5, "This solves for the other "
                  "one: data has sqrt(alpha_bar), noise sqrt(1 - alpha_bar)."),
        ),
        because="x = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, solved for x0.",
        hints=("Take the noise out, then undo the fading.", "Solve x = sqrt(ab) x0 + sqrt(1 - ab) eps for x0."),
        holds=(
            ("Where x was made of x0 and eps, it must give x0 back.", undoes_the_mix),
            ("Without noise, ab = 1, it must be x itself.", lambda f: torch.allclose(f(X, E, 1.0), X, atol=1e-5)),
        ),
    ),
)
