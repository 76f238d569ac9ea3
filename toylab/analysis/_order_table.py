"""The convergence orders of several methods, against one reference."""

from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor

from toylab import grids
from toylab._interrupted import Interrupted
from toylab._types import Eps, ScheduleLike
from toylab.analysis._arguments import method_list, start_particles, step_counts
from toylab.analysis._order import (
    OrderEstimate,
    brackets,
    check_deterministic,
    check_method,
    measure_order,
    order_problem,
)
from toylab.analysis._result import Result
from toylab.analysis._table import Table
from toylab.problems.flow import Reference
from toylab.problems.problem import Problem

METHODS = ("Euler", "Heun", "RK4", "AB2", "AB4", "DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS")


@dataclass(frozen=True, repr=False)
class OrderTable(Result):
    """Measured orders of several methods on one problem.

    Attributes:
        estimates: name -> `OrderEstimate`, in the order asked for.
        left_out: name -> reason for each method without an order, or without one that could be fitted.
        reference: the end points that all are compared with.
    """

    drawn_by = "plot_order"
    estimates: dict
    left_out: dict
    reference: Reference

    def __getitem__(self, method: str) -> OrderEstimate:
        return self.estimates[method]

    def as_dict(self) -> dict:
        """All numbers but the errors of single particles."""
        estimates = [estimate.as_dict() for estimate in self.estimates.values()]
        return {"estimates": estimates, "left_out": self.left_out, "uncertainty": self.reference.error}

    def table(self, details: bool = False) -> Table:
        """Orders, intervals and errors, those outside the fit in brackets; with `details` the local orders and the
        floors too."""
        counts: list[int] = max((each.steps.tolist() for each in self.estimates.values()), key=len)
        rows = []
        for estimate in self.estimates.values():
            errors = brackets(estimate.errors, estimate.window)
            errors += [None] * (len(counts) - len(errors))  # of a measurement that was stopped
            local = [", ".join(f"{slope:.2f}" for slope in estimate.local_orders)] * details
            rows.append((estimate.method, *estimate.verdict, *local, *errors, *[f"{estimate.floor:.0e}"] * details))
        parts = [f"end-point errors against a reference known to {self.reference.error:.0e}"]
        if not all(estimate.asymptotic for estimate in self.estimates.values()):
            parts.append("not yet: errors do not fall as a power of N at these step counts")
        parts += [f"{method} left out: {reason}" for method, reason in self.left_out.items()]
        header = ["method", "order", "95 % interval", *["local orders"] * details]
        header += [*(f"error, N = {count}" for count in counts), *["floor"] * details]
        return Table(tuple(header), tuple(rows), "; ".join(parts))


def order_table(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, methods: Iterable = METHODS,
    steps: Iterable[int] = (320, 640), x_T: Tensor | None = None, n: int = 64, shape: tuple | None = None,
    seed: int | None = 0, t_start: float | None = None, t_end: float | None = None, spacing: str = "t",
    reference: Reference | Tensor | None = None, progress: bool = True,
) -> OrderTable:  # fmt: skip
    """Measure the convergence orders of several methods, from the same particles and against one reference.

    Arguments as for `measure_order`. A method that has no order in the step count, or whose errors are at the floor,
    is listed in `left_out`.

    Raises:
        ValueError, TypeError: as `measure_order` does, also when no method is left.
        Interrupted: with the methods that are done.
    """
    methods, steps = method_list(methods), step_counts(steps)
    problem = order_problem(eps, schedule, shape, t_start, t_end)
    x_T = start_particles(problem, n, seed, x_T)
    check_deterministic(problem, x_T)
    grids.nodes(problem.schedule, int(steps[0]), *problem.limits(), spacing)
    if reference is None:
        reference = problem.reference(x_T, progress=progress)
    estimates, left_out = {}, {}
    try:
        for method in methods:
            try:
                check_method(method)
                estimates[method.name] = measure_order(
                    problem, None, method, steps, x_T, spacing=spacing, reference=reference, progress=progress
                )
            except ValueError as error:
                left_out[method.name] = str(error)
    except KeyboardInterrupt as stop:
        if partial := getattr(stop, "done", None):
            estimates[partial.method] = partial
        done = OrderTable(estimates, left_out, next(iter(estimates.values())).reference) if estimates else None
        raise Interrupted(f"interrupted with {len(estimates)} of {len(methods)} methods done", done) from stop
    if not estimates:
        raise ValueError(f"methods must have an order on this problem; none does: {left_out}")
    return OrderTable(estimates, left_out, next(iter(estimates.values())).reference)
