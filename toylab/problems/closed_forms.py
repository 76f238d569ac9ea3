"""Data of which something is known exactly: a Gaussian, one point, two points, a curve.

The exact epsilon knows the right answer at every state. For a Gaussian and for one point so does the flow:
in y = x / sqrt(alpha_bar) and sigma the probability flow of N(mu, s0^2) is dy/dsigma = sigma (y - mu) /
(s0^2 + sigma^2), so that y - mu stays in proportion to sqrt(s0^2 + sigma^2). One point is the case s0 = 0:
straight lines to mu.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from toylab import datasets, schedules
from toylab._errors import number, positive_int, unknown_name
from toylab._types import ManifoldLike, ScheduleLike
from toylab.epsilon import exact_eps, guided
from toylab.problems.problem import Problem

MEAN = (0.7, -0.4)
MANIFOLD_POINTS = 4000  # that distances to a class are measured to


def gaussian(mean: Sequence[float] | Tensor = MEAN, spread: float = 0.3, schedule: ScheduleLike = "linear") -> Problem:
    """One Gaussian of that mean (a list of numbers) and standard deviation (>= 0), its flow in closed form.

    Its `eps.points` and `eps.spread` are what `toylab.analysis._leading_error` predicts errors from.
    Raises ValueError or TypeError naming the argument.
    """
    schedule = schedules.as_schedule(schedule)
    try:
        mean = torch.as_tensor(mean, dtype=torch.float64)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"mean must be a list of numbers, got {mean!r}") from error
    if mean.ndim != 1:
        raise ValueError(f"mean must be a list of numbers, got shape {tuple(mean.shape)}")
    spread = number("spread", spread, 0)

    def flow(x, t, s):
        y = x / schedule.alpha_bar(t) ** 0.5 - mean.to(x)
        wide, narrow = ((spread**2 + schedule.sigma(u) ** 2) ** 0.5 for u in (t, s))
        return schedule.alpha_bar(s) ** 0.5 * (mean.to(x) + narrow / wide * y)

    eps = exact_eps(mean[None], schedule, spread)
    name = f"Gaussian of spread {spread:g}" if spread else "one point"
    return Problem(eps, labels={"dataset": name, "epsilon": "exact"}, closed_form=flow)


def guided_class(
    data: "str | datasets.Drawing", label: str, scale: float = 4, points: int = 400, spread: float = 0.02,
    schedule: ScheduleLike = "linear",
) -> Problem:  # fmt: skip
    """One class with guidance from all data, both epsilons exact, and the class as the manifold.

    Args:
        data: a data set with classes, see `toylab.datasets.labelled`, or a drawing of two pens. label: of its classes.
        scale: of the guidance; 1 is the class alone, 0 all data, see `toylab.guided`.
        points: of all data, in both epsilons. spread: of each. schedule: or its name.

    Raises ValueError or TypeError naming the argument.
    """
    known = datasets.labelled(data, positive_int("points", points, 2))
    if label not in known.classes:
        raise unknown_name("label", label, known.classes)
    one, all_ = (exact_eps(each, schedule, spread) for each in (known.of(label), known.points))
    manifold = datasets.labelled(data, MANIFOLD_POINTS).manifold(label)
    name = data if isinstance(data, str) else data.name
    labels = {"dataset": f"{name}, {label}", "epsilon": f"exact, guidance {scale:g}"}
    return Problem(guided(one, all_, scale), manifold=manifold, labels=labels)


def one_point(mean: Sequence[float] | Tensor = MEAN, schedule: ScheduleLike = "linear") -> Problem:
    """One data point: every pseudo method is exact, whatever its steps."""
    return gaussian(mean, 0.0, schedule)


def two_points(spread: float = 0.0, schedule: ScheduleLike = "linear") -> Problem:
    """Two data points: the simplest data whose flow has to decide. No closed form."""
    return curve("two-points", 2, spread, schedule)


def curve(
    name: ManifoldLike = "circle", points: int = 400, spread: float = 0.0, schedule: ScheduleLike = "linear"
) -> Problem:
    """A data set, a Manifold or its name, with the exact epsilon of `points` even points, each spread by a Gaussian.

    There is no closed form of its flow. Raises ValueError or TypeError naming the argument.
    """
    manifold = datasets.as_manifold(name)
    eps = exact_eps(manifold.curve(positive_int("points", points)), schedule, spread)
    return Problem(eps, manifold=manifold, labels={"epsilon": "exact"})
