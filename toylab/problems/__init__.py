"""What is sampled: an epsilon, its schedule, and what is known of its samples.

`find` takes a data set by name, with a network or the exact epsilon. The others are made for measuring:
a Gaussian with its flow in closed form, one point, two points, curves, and ODEs outside diffusion.
"""

from toylab._lazy import attach
from toylab.problems.problem import Problem, find

_OBJECTS = {
    "Reference": "flow",
    "curve": "closed_forms",
    "exact_flow": "flow",
    "gaussian": "closed_forms",
    "linear_part": "semilinear",
    "neural_ode": "neural",
    "one_point": "closed_forms",
    "prothero_robinson": "semilinear",
    "reference_solution": "flow",
    "two_points": "closed_forms",
}

__all__ = ["Problem", "find", *_OBJECTS]
__getattr__, __dir__ = attach(__name__, _OBJECTS)
