"""Problems: an epsilon, its schedule, and what is known of its samples.

`find` takes a data set by name, with a network or the exact epsilon. The others are made for measuring:
a Gaussian with its flow in closed form, one point, two points, curves, and ODEs outside diffusion.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.problems.closed_forms import curve as curve
    from toylab.problems.closed_forms import gaussian as gaussian
    from toylab.problems.closed_forms import guided_class as guided_class
    from toylab.problems.closed_forms import one_point as one_point
    from toylab.problems.closed_forms import two_points as two_points
    from toylab.problems.finding import find as find
    from toylab.problems.flow import Reference as Reference
    from toylab.problems.flow import exact_flow as exact_flow
    from toylab.problems.flow import reference_solution as reference_solution
    from toylab.problems.neural import neural_ode as neural_ode
    from toylab.problems.problem import Problem as Problem
    from toylab.problems.problem import as_problem as as_problem
    from toylab.problems.semilinear import linear_part as linear_part
    from toylab.problems.semilinear import prothero_robinson as prothero_robinson

__getattr__, __dir__, __all__ = attach(__name__)
