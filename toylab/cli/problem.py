"""What is sampled: an epsilon, its schedule, and the manifold that samples should end on."""

from dataclasses import dataclass

POINTS = 400


@dataclass(frozen=True)
class Problem:
    """eps and schedule for `toylab.sample`; manifold, or None where a network does not know its data set;
    labels: "dataset", "schedule", "epsilon" for captions and JSON."""

    eps: object
    schedule: object
    manifold: object
    labels: dict

    @property
    def title(self):
        """The problem in one line."""
        dataset = self.labels["dataset"] or "no data set"
        return f"{dataset}, {self.labels['schedule']} schedule, {self.labels['epsilon']}"


def find(name, eps="network", schedule=None, points=None, spread=None):
    """The problem that a command line names.

    Args:
        name: a data set; with eps "network" also a shipped network or a file.
        eps: "network" or "exact". schedule: a name, or None for linear or the network's own.
        points, spread: of the exact epsilon, 400 and 0 by default; must be None with a network.

    Raises ValueError or TypeError naming the argument, FileNotFoundError where there is no such network.
    """
    from ..errors import unknown_name

    if eps not in ("network", "exact"):
        raise unknown_name("eps", eps, ["network", "exact"])
    if eps == "exact":
        return _exact(name, schedule or "linear", POINTS if points is None else points, spread or 0.0)
    for argument, value in (("points", points), ("spread", spread)):
        if value is not None:
            raise ValueError(f"{argument} is for --eps exact, got {value} with a network")
    return _network(name, schedule)


def _exact(name, schedule, points, spread):
    from .. import datasets, schedules
    from ..epsilon import exact_eps
    from ..errors import positive_int

    manifold, schedule = datasets.get(name), schedules.get(schedule)
    points = positive_int("points", points)
    eps = exact_eps(manifold.curve(points), schedule, spread)
    return Problem(eps, schedule, manifold, _labels(manifold, schedule, "exact"))


def _network(name, schedule):
    from .. import datasets, epsilon, schedules

    wanted = schedules.get(schedule) if schedule else None
    if wanted and name in datasets.names() and wanted.name != "linear":
        name = f"{name}-{wanted.name}"
    try:
        net = epsilon.load(name)
    except FileNotFoundError as error:
        raise FileNotFoundError(f"{error}; --eps exact needs no network") from error
    if wanted and net.schedule.name != wanted.name:
        raise ValueError(f"schedule must be that of the network, {net.schedule.name!r}, got {wanted.name!r}")
    manifold = datasets.get(net.dataset) if net.dataset else None
    return Problem(net, net.schedule, manifold, _labels(manifold, net.schedule, f"network {name}"))


def _labels(manifold, schedule, epsilon):
    return {"dataset": getattr(manifold, "name", ""), "schedule": schedule.name, "epsilon": epsilon}
