"""The convergence orders of several methods, against one reference."""

from dataclasses import dataclass

from toylab import grids
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab.analysis._compare import method_list
from toylab.analysis._order import check_deterministic, check_method, measure_order, start_particles, step_counts
from toylab.problems.flow import Reference, reference_solution
from toylab.samplers.core import PLANE
from toylab.schedules import as_schedule

METHODS = ("Euler", "Heun", "RK4", "AB2", "AB4", "DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS")


@dataclass(frozen=True)
class OrderTable:
    """Measured orders of several methods on one problem.

    Attributes:
        estimates: name -> `OrderEstimate`, in the order asked for.
        left_out: name -> reason for each method without an order, or without one that could be fitted.
        reference: the end points that all are compared with.
    """

    estimates: dict
    left_out: dict
    reference: Reference

    def __getitem__(self, method):
        return self.estimates[method]

    def table(self):
        """Orders, intervals and errors, as a `toylab.analysis._table.Table`."""
        from toylab.figures.measures import order_table_view

        return order_table_view(self)

    def plot(self, ax=None):
        """All errors in one log-log figure (see `toylab.figures.plot_order`). Returns the matplotlib Axes."""
        from toylab.figures import plot_order

        return plot_order(list(self.estimates.values()), ax=ax)


def order_table(
    eps, schedule, methods=METHODS, steps=(320, 640), x_T=None, n=64, shape=PLANE, seed=0, t_start=None, t_end=0.2,
    spacing="t", reference=None, progress=True,
):  # fmt: skip
    """Measure the convergence orders of several methods, from the same particles and against one reference.

    Args:
        methods: names, or results of `toylab.method`, all different.
        others: as for `measure_order`.

    Returns an `OrderTable`; a method that has no order in the step count, or whose errors are at the floor, is
    listed in `left_out`. Raises ValueError or TypeError as `measure_order` does, also when no method is left.
    Interrupted, it raises `Interrupted` with the methods that are done.
    """
    schedule, methods, steps = as_schedule(schedule), method_list(methods), step_counts(steps)
    t_start, t_end = grids.limits(schedule, t_start, t_end)
    x_T = start_particles(eps, x_T, n, shape, seed)
    check_deterministic(eps, x_T, t_start)
    if reference is None:
        reference = reference_solution(eps, schedule, x_T, t_start, t_end, progress=progress)
    where = {"x_T": x_T, "t_start": t_start, "t_end": t_end, "spacing": spacing, "reference": reference}
    grids.nodes(schedule, int(steps[0]), t_start, t_end, spacing)
    estimates, left_out = {}, {}
    try:
        for method in Bar(methods, desc="orders", unit="method", show=progress):
            try:
                check_method(method)
                estimates[method.name] = measure_order(eps, schedule, method, steps, progress=False, **where)
            except ValueError as error:
                left_out[method.name] = str(error)
    except KeyboardInterrupt as stop:
        done = OrderTable(estimates, left_out, reference) if estimates else None
        raise Interrupted(f"interrupted with {len(estimates)} of {len(methods)} methods done", done) from stop
    if not estimates:
        raise ValueError(f"methods must have an order on this problem; none does: {left_out}")
    return OrderTable(estimates, left_out, next(iter(estimates.values())).reference)
