"""A problem, and finding one by the name of its data set."""

from collections.abc import Callable
from dataclasses import dataclass

POINTS = 400


@dataclass(frozen=True)
class Problem:
    """What a sampler is given, and what is known of its samples.

    Attributes:
        eps, schedule: for `toylab.sample`.
        manifold: what samples should end on; None where there is none, or a network does not know it.
        labels: "dataset", "schedule", "epsilon" for captions and JSON.
        shape: of one particle.
        closed_form: ``closed_form(x, t, s) -> x at s``, the exact flow of the particles x [batch, *shape],
            or None.
    """

    eps: object
    schedule: object
    manifold: object
    labels: dict
    shape: tuple = (2,)
    closed_form: Callable | None = None

    @property
    def title(self):
        """The problem in one line."""
        dataset = self.labels["dataset"] or "no data set"
        return f"{dataset}, {self.labels['schedule']} schedule, {self.labels['epsilon']}"

    def start(self, n=64, seed=0):
        """Start noise of n particles, float64 [n, *shape], that depends on n, shape and seed alone."""
        import torch

        from toylab.samplers.core import start_noise

        return start_noise(n, self.shape, seed, torch.float64)

    def solution(self, x_T, t_start=None, t_end=None):
        """The exact end points of x_T [batch, *shape]; limits as for `toylab.sample`.

        Raises ValueError where there is no closed form; `reference` always knows an answer.
        """
        from toylab import grids

        limits = grids.limits(self.schedule, t_start, t_end)
        if self.closed_form is None:
            raise ValueError(f"there is no closed form for {self.title}; use reference(...) instead")
        return self.closed_form(x_T, *limits)

    def reference(self, x_T, t_start=None, t_end=None, progress=True):
        """What `toylab.measure_order(reference=...)` takes: the closed form, else by DOP853."""
        from toylab import grids
        from toylab.problems.flow import Reference, reference_solution

        if self.closed_form is not None:
            return Reference(x=self.solution(x_T, t_start, t_end), error=0.0, nfe=0)
        limits = grids.limits(self.schedule, t_start, t_end)
        return reference_solution(self.eps, self.schedule, x_T, *limits, progress=progress)


def find(name, eps="network", schedule=None, points=None, spread=None, images=False):
    """The problem that a command line names.

    Args:
        name: a data set; with eps "network" also a shipped network or a file.
        eps: "network" or "exact". schedule: a name, or None for linear or the network's own.
        points, spread: of the exact epsilon, 400 and 0 by default; must be None with a network.
        images: whether a network for images will do; `manifold` is None then.

    Raises ValueError or TypeError naming the argument, FileNotFoundError where there is no such network.
    """
    from toylab._errors import unknown_name

    if eps not in ("network", "exact"):
        raise unknown_name("eps", eps, ["network", "exact"])
    if eps == "exact":
        return _exact(name, schedule or "linear", POINTS if points is None else points, spread or 0.0)
    for argument, value in (("points", points), ("spread", spread)):
        if value is not None:
            raise ValueError(f"{argument} is for --eps exact, got {value} with a network")
    return _network(name, schedule, images)


def _exact(name, schedule, points, spread):
    from toylab import datasets, schedules
    from toylab._errors import positive_int
    from toylab.epsilon import exact_eps

    manifold, schedule = datasets.get(name), schedules.get(schedule)
    points = positive_int("points", points)
    eps = exact_eps(manifold.curve(points), schedule, spread)
    return Problem(eps, schedule, manifold, _labels(manifold, schedule, "exact"))


def _network(name, schedule, images):
    from toylab import datasets, epsilon, schedules

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
    if net.shape != (2,):
        if not images:
            raise ValueError(
                f"name must be a data set or a network of points in the plane, got {name!r}, which makes images of "
                f"{'x'.join(map(str, net.shape))} (for toylab sample and samples)"
            )
        labels = {"dataset": net.dataset or "", "schedule": net.schedule.name, "epsilon": f"network {name}"}
        return Problem(net, net.schedule, None, labels, net.shape)
    manifold = datasets.get(net.dataset) if net.dataset else None
    return Problem(net, net.schedule, manifold, _labels(manifold, net.schedule, f"network {name}"))


def _labels(manifold, schedule, epsilon):
    return {"dataset": getattr(manifold, "name", ""), "schedule": schedule.name, "epsilon": epsilon}
