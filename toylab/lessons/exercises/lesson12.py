"""Exercises of notebook 12: noise, and two measures for two questions."""

import torch

from toylab.analysis import energy_distance
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function
from toylab.lessons.forgiving import forgiveness

# fmt: off

X = torch.tensor([[0.8, -1.1], [0.3, 0.4], [-1.6, 0.2], [0.1, 0.9]], dtype=torch.float64)
Y = torch.tensor([[0.5, -0.7], [1.2, 0.1], [-0.3, -0.9]], dtype=torch.float64)
NOISY = ((1.0, 0.2, 0.5), (0.5, 0.05, 0.3), (0.3, 0.6, 0.9))


def carried():
    """Compares the energy distances of DDIM with 50 and 200 evaluations."""
    rows = [row for row in forgiveness("moons", nfe=(50, 200), n=400).rows if row.sampler == "DDIM"]
    return "c" if 0.8 < rows[1].energy / rows[0].energy < 1.25 else "?"


def unseen():
    """Both measures of DDIM and DDPM at one price."""
    found = {row.sampler: row for row in forgiveness("moons", nfe=(100,), n=400).rows}
    ddim, ddpm = found["DDIM"], found["DDPM"]
    return "b" if ddim.energy > 2 * ddpm.energy and abs(ddim.distance - ddpm.distance) < 0.01 else "?"


def apart(a, b):
    """The mean distance of all pairs."""
    return torch.cdist(a, b).mean()


def energy(x, y):
    """The energy distance of two samples."""
    return 2 * apart(x, y) - apart(x, x) - apart(y, y)


def by_differences(x, y):
    """The same with all differences written out."""
    between, one, other = ((a[:, None] - b[None]).norm(dim=2).mean() for a, b in ((x, y), (x, x), (y, y)))
    return 2 * between - one - other


def put_back(eta, ab_t, ab_s):
    """The standard deviation of the noise that a step from t to s puts back (Song et al. 2021, equation 16)."""
    return eta * ((1 - ab_s) / (1 - ab_t)) ** 0.5 * (1 - ab_t / ab_s) ** 0.5


EXERCISES = (
    Exercise(
        "12.1", "predict", "more steps against an error of the network", """
The network's epsilon is too large by `0.1` in its first coordinate, everywhere. DDIM gets 200 evaluations
instead of 50.
What becomes of the energy distance between its samples and the data?
""", Choice({
            "a": "it falls to that of fresh data: enough steps mend everything",
            "b": "it falls to a quarter: DDIM is of order one",
            "c": "it stays about as it is",
            "d": "it grows to four times as much: errors add up over the steps",
            "e": "it becomes zero in the second coordinate, where epsilon is right",
            "f": "nobody can say: it depends on the noise that DDIM adds",
        }), right=("c",), derive=carried,
        wrong=(
            Wrong("steps mend networks", "a", "Steps mend the solver's error alone. With all of them DDIM comes to the "
                  "exact flow of the wrong epsilon."),
            Wrong("the solver's order", "b", "Order one says how the solver's error falls. This error is the "
                  "network's."),
            Wrong("errors add up", "d", "Four times as many steps are each a quarter as long: the sum of what the "
                                        "wrong epsilon does stays the same."),
            Wrong("coordinates taken apart", "e", "It was right there before. But epsilon depends on both coordinates: "
                                                  "who is moved in one meets another epsilon in the other."),
            Wrong("noise in DDIM", "f", "DDIM adds none (eta = 0): the same start noise gives the same samples."),
        ),
        because="A deterministic solver follows the flow of the epsilon that it is given. Once its own error is small, "
                "more steps change nothing.",
        hints=("Whose error is it? See notebook 9.", "With infinitely many steps, which flow does DDIM follow?"),
    ),
    Exercise(
        "12.2", "write", "the energy distance", r"""
A measure that sees shares and places: twice the mean distance between a point of `x` and one of `y`, less the mean
distance of two points of `x`, less the mean distance of two points of `y`,
$2\,E|X - Y| - E|X - X'| - E|Y - Y'|$. Each mean runs over *all* pairs, a point with itself included. `x` is `[n, 2]`,
`y` is `[m, 2]`.
""", Function(("x", "y"), ((X, Y), (Y, X + 0.3), (X, 2 * X)), "a number"),
        right=(energy, by_differences),
        wrong=(
            Wrong("between counted once", lambda x, y: apart(x, y) - apart(x, x) - apart(y, y), "The distance "
                  "between the "
                  "two samples counts twice: two means are taken off."),
            Wrong("between alone", lambda x, y: 2 * apart(x, y), "This is large for any two clouds that are "
                  "wide. Take off "
                  "how far each is from itself: the same sample twice must give 0."),
            Wrong("squared distances", lambda x, y: 2 * (x.mean(0) - y.mean(0)).square().sum(), "With squared "
                  "distances "
                  "nothing but the means is left of it. Use the distances themselves."),
            Wrong("the distance of the means", lambda x, y: (x.mean(0) - y.mean(0)).norm(), "Two clouds with one "
                  "mean can "
                  "differ in everything else."),
            Wrong("the nearest neighbour", lambda x, y: torch.cdist(x, y).amin(1).mean(), "This asks how far "
                  "from the data "
                  "a sample is: the other measure of this notebook. It does not see where there are too many."),
            Wrong("the sign", lambda x, y: -energy(x, y), "It is never negative: between minus within."),
            Wrong("half of each", lambda x, y: energy(x, y) / 2, "Some call the half of it the energy distance. Here "
                                                                 "it is 2 E|X - Y| less the two others, each once."),
            Wrong("its root", lambda x, y: energy(x, y) ** 0.5, "The root is a distance, too. Here it is taken "
                  "as it is."),
        ),
        because="It is 0 for the same distribution and only for it, so it sees places, shares and everything else; "
                "what it cannot say is whether a single sample lies on the curve.",
        hints=(
            "torch.cdist(a, b) has the distances of all pairs, [len(a), len(b)].",
            "Three means of torch.cdist: of x and y, of x and x, of y and y.",
        ),
        holds=(
            ("The same sample twice must give 0.", lambda f: abs(f(X, X)) < 1e-9),
            ("It must be what toylab.analysis.energy_distance finds.",
             lambda f: all(abs(f(a, b) - energy_distance(a, b)) < 1e-6 for a, b in ((X, Y), (Y, 2 * X)))),
        ),
    ),
    Exercise(
        "12.3", "explain", "one sees it, one does not", """
With a hundred evaluations DDIM's energy distance is several times that of DDPM; their mean distances to the
manifold are
the same to a few thousandths. Why?
""", Choice({
            "a": "the distance to the manifold is too coarse a measure",
            "b": "the distance asks whether a sample is on the curve, and they all are; the shares and places "
            "are wrong",
            "c": "the mean hides a few samples that are far off",
            "d": "the network's error is too small to see",
            "e": "noise keeps DDPM off the curve as much as the error keeps DDIM",
            "f": "energy distances grow with the number of samples",
        }), right=("b",), derive=unseen,
        wrong=(
            Wrong("a coarse measure", "a", "It is exact to rounding. It answers another question."),
            Wrong("hidden outliers", "c", "There are hardly any: near t = 0 both samplers take every particle to "
                  "the curve."),
            Wrong("too small to see", "d", "The other measure sees it plainly."),
            Wrong("two errors that cancel", "e", "Both end on the curve, DDPM in its last step without noise."),
            Wrong("counted, not averaged", "f", "It is made of means. More samples lower its floor."),
        ),
        because="A constant error shifts particles along the way, and the last steps bring each to the nearest part of "
                "the curve. On the manifold, at wrong places: quality is fine, the distribution is not.",
        hints=("Draw both samples. What is wrong with DDIM's?", "What would a distance say of a thousand copies of one "
                                                                "good sample?"),
    ),
    Exercise(
        "12.4", "write", "how much noise is put back", r"""
DDIM with `eta` puts noise back in each step from `t` to `s`. Its standard deviation is `eta` times that of the
posterior:
$\eta\,\sqrt{\frac{1 - \bar\alpha_s}{1 - \bar\alpha_t}}\,\sqrt{1 - \frac{\bar\alpha_t}{\bar\alpha_s}}$. Write it as
a function of `eta`, `ab_t` and `ab_s`.
""", Function(("eta", "ab_t", "ab_s"), NOISY),
        right=(put_back, lambda eta, ab_t, ab_s: eta * ((1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s)) ** 0.5),
        wrong=(
            Wrong("the variance", lambda eta, ab_t, ab_s: put_back(eta, ab_t, ab_s) ** 2, "This is the variance. "
                  "Noise is "
                  "multiplied by its standard deviation."),
            Wrong("eta forgotten", lambda eta, ab_t, ab_s: put_back(1.0, ab_t, ab_s), "This is DDPM, whatever eta is."),
            Wrong("eta under the root", lambda eta, ab_t, ab_s: put_back(eta**0.5, ab_t, ab_s), "eta multiplies the "
                  "standard deviation itself."),
            Wrong("the first root upside down",
                  lambda eta, ab_t, ab_s: eta * ((1 - ab_t) / (1 - ab_s)) ** 0.5 * (1 - ab_t / ab_s) ** 0.5,
                  "1 - ab_s, the noise that is left at s, stands above: less comes back as the data come near."),
            Wrong("the large variance", lambda eta, ab_t, ab_s: eta * (1 - ab_t / ab_s) ** 0.5, "This is the "
                  "upper bound "
                  "that DDPM's authors tried, too. The posterior has a factor below 1 before it."),
            Wrong("all the noise of s", lambda eta, ab_t, ab_s: eta * (1 - ab_s) ** 0.5, "That would be new noise "
                  "altogether, and nothing that was known at t would be left."),
            Wrong("no roots", lambda eta, ab_t, ab_s: eta * (1 - ab_s) / (1 - ab_t) * (1 - ab_t / ab_s), "The "
                  "formula is "
                  "for a standard deviation: both factors are roots."),
        ),
        because="For eta = 1 it is the posterior of the forward process, DDPM; for 0 nothing, DDIM. In between, a part "
                "of what the network said is forgotten in every step.",
        hints=("Two roots and a factor.", "eta * ((1 - ab_s) / (1 - ab_t)) ** 0.5 * (1 - ab_t / ab_s) ** 0.5"),
        holds=(
            ("With eta = 0 there is no noise.", lambda f: abs(f(0.0, 0.2, 0.5)) < 1e-12),
            ("It must be the standard deviation of the formula.",
             lambda f: all(abs(f(*each) - put_back(*each)) < 1e-6 for each in NOISY)),
        ),
    ),
)
