"""The problem that a command line or a notebook names."""

from toylab import datasets, epsilon, schedules
from toylab._errors import unknown_name
from toylab.problems.closed_forms import curve
from toylab.problems.problem import Problem

POINTS = 400


def find(
    name: str, eps: str = "network", schedule: str | None = None, points: int | None = None,
    spread: float | None = None, images: bool = False,
) -> Problem:  # fmt: skip
    """The problem of a data set with its network or the exact epsilon.

    Args:
        name: a data set; with eps "network" also a shipped network or a file.
        eps: "network" or "exact". schedule: a name, or None for linear or the network's own.
        points, spread: of the exact epsilon, 400 and 0 by default; must be None with a network.
        images: whether a network for images will do; `manifold` is None then.

    Raises ValueError or TypeError naming the argument, FileNotFoundError where there is no such network.
    """
    if not isinstance(eps, str) or eps not in ("network", "exact"):
        raise unknown_name("eps", eps, ["network", "exact"])
    if eps == "exact":
        return curve(
            name,
            POINTS if points is None else points,
            0.0 if spread is None else spread,
            "linear" if schedule is None else schedule,
        )
    for argument, value in (("points", points), ("spread", spread)):
        if value is not None:
            raise ValueError(f"{argument} is for --eps exact, got {value} with a network")
    return _network(name, schedule, images)


def _network(name, schedule, images):
    wanted = schedules.get(schedule) if schedule else None
    own = epsilon.checkpoint_name(name, wanted.name) if wanted else name
    if name in datasets.names() or own in epsilon.names():
        name = own
    try:
        net = epsilon.load(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; --eps exact needs no network") from error
    if wanted and net.schedule.name != wanted.name:
        raise ValueError(f"schedule must be that of the network, {net.schedule.name!r}, got {wanted.name!r}")
    labels = {"epsilon": f"network {name}"}
    if net.shape == (2,):
        return Problem(net, manifold=net.dataset or None, labels=labels)
    if images:
        return Problem(net, labels=labels | {"dataset": net.dataset or ""})
    raise ValueError(
        f"name must be a data set or a network of points in the plane, got {name!r}, which makes images of "
        f"{'x'.join(map(str, net.shape))} (for toylab sample and samples)"
    )
