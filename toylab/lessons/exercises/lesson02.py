"""Exercises of notebook 2: the forward process and the perfect denoiser."""

import torch

from toylab import schedules
from toylab.epsilon import exact_eps
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Function, Number

# fmt: off

LINEAR = schedules.get("linear")
X = torch.tensor([[0.8, -1.1], [0.3, 0.4], [-1.6, 0.2]], dtype=torch.float64)
E = torch.tensor([[0.5, -0.7], [1.2, 0.1], [-0.3, -0.9]], dtype=torch.float64)
POINT = torch.tensor([0.7, -0.4], dtype=torch.float64)
NOISE_LEVELS = (0.95, 0.5, 0.04)


def alpha_bar(t):
    """alpha_bar of the linear schedule: exp of minus the integral of beta from 0 to t."""
    return 2.718281828459045 ** -(0.1 * t + 19.9 * t**2 / 2)


def decays_by_beta(answer):
    """True if its logarithm falls at the rate beta(t) = 0.1 + 19.9 t."""
    h = 1e-4
    rates = {t: (answer(t - h) / answer(t + h)).log() / (2 * h) for t in (0.1, 0.5, 0.8)}
    return all(abs(rate - (0.1 + 19.9 * t)) < 1e-2 for t, rate in rates.items())


def add_noise(x0, eps, ab):
    """x_t of the forward process."""
    return ab**0.5 * x0 + (1 - ab) ** 0.5 * eps


def keeps_the_variance(answer):
    """True if the two factors are those of variances that sum to 1: orthogonal unit vectors mix to a unit vector."""
    one, other = (torch.tensor([[a, b]], dtype=torch.float64) for a, b in ((1.0, 0.0), (0.0, 1.0)))
    return all(abs(answer(one, other, ab).norm() - 1) < 1e-5 for ab in NOISE_LEVELS)


def ends_are_pure(answer):
    """True if there is data alone without noise, and noise alone without data."""
    return torch.allclose(answer(X, E, 1.0), X) and torch.allclose(answer(X, E, 0.0), E)


def is_the_mix(answer):
    """True if it is sqrt(ab) x0 + sqrt(1 - ab) eps."""
    return all(torch.allclose(answer(X, E, ab), add_noise(X, E, ab)) for ab in NOISE_LEVELS)


def eps_of_one_point(x, x0, ab):
    """The exact epsilon of data that is the single point x0."""
    return (x - ab**0.5 * x0) / (1 - ab) ** 0.5


def takes_out_what_was_added(answer):
    """True if it is the noise that made x_t."""
    return all(torch.allclose(answer(add_noise(POINT, E, ab), POINT, ab), E, atol=1e-5) for ab in NOISE_LEVELS)


def is_the_labs(answer):
    """True if it is what `exact_eps` of that point says."""
    eps = exact_eps(POINT[None], LINEAR)
    return all(torch.allclose(answer(X, POINT, LINEAR.alpha_bar(t)), eps(X, t), atol=1e-5) for t in (0.2, 0.6))


def sigma():
    """sigma at alpha_bar = 0.2."""
    return ((1 - 0.2) / 0.2) ** 0.5


EXERCISES = (
    Exercise(
        "02.1", "write", "noise, added", r"""
Write the forward process: mix data `x0` and noise `eps` to $x_t$, where `ab` is $\bar\alpha_t$.
""", Function(("x0", "eps", "ab"), tuple((X, E, ab) for ab in NOISE_LEVELS), "a tensor like x0"),
        right=(add_noise,),
        wrong=(
            Wrong("alpha_bar without roots", lambda x0, eps, ab: ab * x0 + (1 - ab) * eps, "alpha_bar and 1 - "
                  "alpha_bar are variances. What multiplies a sample is a standard deviation: take roots."),
            Wrong("data and noise exchanged", lambda x0, eps, ab: (1 - ab) ** 0.5 * x0 + ab**0.5 * eps, "At t = 0 "
                  "alpha_bar is 1 and there is data alone: sqrt(alpha_bar) belongs to x0."),
            Wrong("sigma for the noise", lambda x0, eps, ab: ab**0.5 * x0 + ((1 - ab) / ab) ** 0.5 * eps, "sigma is "
                  "noise per data, in y = x / sqrt(alpha_bar). In x the noise has sqrt(1 - alpha_bar)."),
            Wrong("y instead of x", lambda x0, eps, ab: x0 + ((1 - ab) / ab) ** 0.5 * eps, "This is y = x0 + sigma "
                  "eps, in which the variance explodes. x is y times sqrt(alpha_bar)."),
            Wrong("one minus the root", lambda x0, eps, ab: ab**0.5 * x0 + (1 - ab**0.5) * eps, "Not the factors sum "
                  "to 1, but their squares: then data of variance 1 keeps it."),
            Wrong("a root forgotten", lambda x0, eps, ab: ab**0.5 * x0 + (1 - ab) * eps, "The noise needs its root as "
                  "well: sqrt(1 - alpha_bar)."),
            Wrong("noise put on top", lambda x0, eps, ab: x0 + (1 - ab) ** 0.5 * eps, "The data has to fade as the "
                  "noise comes in, or the variance grows."),
            Wrong("noise taken out", lambda x0, eps, ab: ab**0.5 * x0 - (1 - ab) ** 0.5 * eps, "The distribution is "
                  "the same, but the sign is not: a network that learns eps would learn -eps."),
        ),
        because="The squares of the two factors sum to 1: data of variance 1 keeps it at every t.",
        hints=(
            "The formula is at the top of this notebook.",
            "ab is a variance, and so is 1 - ab.",
        ),
        holds=(
            ("With ab = 1 there is data alone, with ab = 0 noise alone.", ends_are_pure),
            ("Data and noise of variance 1 must mix to variance 1.", keeps_the_variance),
            ("It must be sqrt(ab) x0 + sqrt(1 - ab) eps.", is_the_mix),
        ),
    ),
    Exercise(
        "02.2", "write", "the perfect denoiser of one point", r"""
The data is a single point `x0`, and a network is asked about `x` at a time with $\bar\alpha_t$ = `ab`. Write what the
perfect one says: $\varepsilon^*(x, t)$.
""", Function(("x", "x0", "ab"), tuple((X, POINT, ab) for ab in NOISE_LEVELS), "a tensor like x"),
        right=(eps_of_one_point,),
        wrong=(
            Wrong("towards the data", lambda x, x0, ab: -eps_of_one_point(x, x0, ab), "epsilon is the noise in x: it "
                  "points away from the data, as the arrows of the player do."),
            Wrong("the score", lambda x, x0, ab: -(x - ab**0.5 * x0) / (1 - ab), "This is the score, the gradient of "
                  "log p. epsilon is -sqrt(1 - alpha_bar) times that."),
            Wrong("1 - alpha_bar without its root", lambda x, x0, ab: (x - ab**0.5 * x0) / (1 - ab), "The noise in x "
                  "is sqrt(1 - alpha_bar) eps: divide by the root."),
            Wrong("the data has not faded", lambda x, x0, ab: (x - x0) / (1 - ab) ** 0.5, "At t the point is at "
                  "sqrt(alpha_bar) x0, not at x0."),
            Wrong("alpha for alpha_bar", lambda x, x0, ab: (x - ab * x0) / (1 - ab) ** 0.5, "The data has the factor "
                  "sqrt(alpha_bar), with the root."),
            Wrong("not divided", lambda x, x0, ab: x - ab**0.5 * x0, "This is the noise as it is in x, sqrt(1 - "
                  "alpha_bar) eps. epsilon itself has variance 1."),
            Wrong("divided by sigma", lambda x, x0, ab: (x - ab**0.5 * x0) / ((1 - ab) / ab) ** 0.5, "sigma is the "
                  "noise in y = x / sqrt(alpha_bar). In x it is sqrt(1 - alpha_bar)."),
            Wrong("the data itself", lambda x, x0, ab: x0 + 0 * x, "That is what the data is. Asked for is the noise "
                  "that was mixed with it."),
        ),
        because="x = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps, solved for eps: with one data point there is "
        "nothing to guess.",
        hints=(
            "With one data point, x and x0 leave no doubt which noise it was.",
            "Solve x = sqrt(ab) x0 + sqrt(1 - ab) eps for eps.",
        ),
        holds=(
            ("It must give back the noise that was added.", takes_out_what_was_added),
            ("It must be what toylab.exact_eps says of this point.", is_the_labs),
        ),
    ),
    Exercise(
        "02.3", "write", "alpha_bar of the linear schedule", r"""
A schedule is a rate $\beta(t)$, at which the data fades: $\bar\alpha' = -\beta\,\bar\alpha$ and $\bar\alpha(0) = 1$.
For the linear schedule $\beta$ goes straight from `0.1` at $t = 0$ to `20` at $t = 1$. Write $\bar\alpha(t)$.
""", Function(("t",), ((0.05,), (0.3,), (0.7,), (1.0,))), right=(alpha_bar, LINEAR.alpha_bar),
        wrong=(
            Wrong("beta times t", lambda t: torch.exp(-(0.1 + 19.9 * t) * t), "This is beta(t) times t, as if beta had "
                  "always been as large as it is now. Integrate it from 0 to t."),
            Wrong("its root", lambda t: alpha_bar(t) ** 0.5, "This is the factor of the data, sqrt(alpha_bar). Asked "
                  "for is alpha_bar."),
            Wrong("beta itself", lambda t: 0.1 + 19.9 * t, "That is the rate beta(t). alpha_bar is what is left after "
                  "it has acted from 0 to t."),
            Wrong("no exponential", lambda t: 1 - (0.1 * t + 9.95 * t**2), "It decays at a rate, and so exponentially; "
                  "this one even becomes negative. It is right for small t only."),
            Wrong("the noise instead of the data", lambda t: 1 - alpha_bar(t), "This is the variance of the noise, 1 - "
                  "alpha_bar. At t = 0 there is none, and alpha_bar is 1."),
            Wrong("it grows", lambda t: 1 / alpha_bar(t), "The sign of the exponent: the data fades, so alpha_bar "
                  "falls from 1."),
            Wrong("20 instead of 19.9", lambda t: torch.exp(-(0.1 * t + 10 * t**2)), "beta starts at 0.1 and ends at "
                  "20: it rises by 19.9."),
            Wrong("beta as one step", lambda t: 1 - (0.1 + 19.9 * t) / 1000, "1 - beta / K is what one of K steps "
                  "leaves. alpha_bar is the product of all of them."),
        ),
        because="alpha_bar(t) = exp(-(0.1 t + 19.9 t^2 / 2)): the exponential of minus the integral of beta.",
        hints=(
            "Which function falls at a rate that is given, y' = -beta y?",
            "The exponential of minus the integral of beta from 0 to t.",
            "The integral of 0.1 + 19.9 u from 0 to t is 0.1 t + 19.9 t**2 / 2.",
        ),
        holds=(
            ("At t = 0 nothing has faded: alpha_bar(0) = 1.", lambda f: abs(f(0.0) - 1) < 1e-5),
            ("It must stay between 0 and 1.", lambda f: all(0 < f(t) <= 1 for t in (0.2, 0.6, 0.9))),
            ("Its logarithm must fall at the rate beta(t) = 0.1 + 19.9 t.", decays_by_beta),
        ),
    ),
    Exercise(
        "02.4", "explain", "noise per data", r"""
At some $t$ a schedule has $\bar\alpha$ = `0.2`. What is $\sigma$ there?
""", Number(1e-3), right=(2,), derive=sigma,
        wrong=(
            Wrong("its square", 4, "Four is sigma squared: the root is missing."),
            Wrong("upside down", 0.5, "That is data per noise, sqrt(alpha_bar / (1 - alpha_bar)). sigma is noise per "
                  "data and grows with t."),
            Wrong("the signal-to-noise ratio", 0.25, "alpha_bar / (1 - alpha_bar) is the signal-to-noise ratio, 1 / "
                  "sigma squared."),
            Wrong("the noise in x", 0.8**0.5, "sqrt(1 - alpha_bar) is the noise in x. sigma is the noise in y = x / "
                  "sqrt(alpha_bar)."),
            Wrong("the variance", 0.8, "1 - alpha_bar is the variance of the noise in x."),
            Wrong("the data's factor", 0.2**0.5, "sqrt(alpha_bar) is the factor of the data."),
        ),
        because="sigma = sqrt((1 - alpha_bar) / alpha_bar) = sqrt(0.8 / 0.2): twice as much noise as data.",
        hints=("sigma is the noise in y = x / sqrt(alpha_bar).", "sigma = sqrt((1 - alpha_bar) / alpha_bar)"),
    ),
)
