"""Measurements of what a solver does; each takes a `Problem`, or an eps with its schedule, and returns a `Result`.

Arguments that many of them share:
    eps, schedule: a `Problem`; or an eps, with its schedule where it does not carry one.
    methods: names, or results of `toylab.method`, all different.
    manifold: a Manifold or its name; by default the data set that eps was made for.
    n, x_T, shape, seed, t_start, t_end, spacing, **options: as for `toylab.sample`. Start noise is float64 unless eps
        is a network of another dtype.
    progress: show bars for work over two seconds.

ValueError and TypeError name the argument that is wrong; `Interrupted`, after Ctrl-C, has what is done.
"""

from typing import TYPE_CHECKING

from toylab._interrupted import Interrupted as Interrupted
from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.analysis._compare import Comparison as Comparison
    from toylab.analysis._compare import compare as compare
    from toylab.analysis._decompose import Decomposition as Decomposition
    from toylab.analysis._decompose import decompose_error as decompose_error
    from toylab.analysis._density import log_density as log_density
    from toylab.analysis._energy_distance import energy_distance as energy_distance
    from toylab.analysis._leading_error import LeadingError as LeadingError
    from toylab.analysis._leading_error import gaussian_error as gaussian_error
    from toylab.analysis._leading_error import leading_error as leading_error
    from toylab.analysis._local_error import LocalError as LocalError
    from toylab.analysis._local_error import local_error as local_error
    from toylab.analysis._log_likelihood import LogLikelihood as LogLikelihood
    from toylab.analysis._log_likelihood import log_likelihood as log_likelihood
    from toylab.analysis._off_manifold import OffManifold as OffManifold
    from toylab.analysis._off_manifold import off_manifold as off_manifold
    from toylab.analysis._off_manifold import unlikely_of_sweep as unlikely_of_sweep
    from toylab.analysis._optimize_grid import OptimizedGrid as OptimizedGrid
    from toylab.analysis._optimize_grid import optimize_grid as optimize_grid
    from toylab.analysis._order import OrderEstimate as OrderEstimate
    from toylab.analysis._order import measure_order as measure_order
    from toylab.analysis._order_table import OrderTable as OrderTable
    from toylab.analysis._order_table import order_table as order_table
    from toylab.analysis._result import Result as Result
    from toylab.analysis._run_sweep import sweep as sweep
    from toylab.analysis._sweep import Sweep as Sweep
    from toylab.analysis._table import Table as Table
    from toylab.analysis._work import WorkPrecision as WorkPrecision
    from toylab.analysis._work_precision import work_precision as work_precision

__getattr__, __dir__, __all__ = attach(__name__)
