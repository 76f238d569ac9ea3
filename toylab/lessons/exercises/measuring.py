"""The measures of a student's method: evaluations, order, exactness, on data with a flow in closed form."""

from math import log2

import torch
from torch import Tensor

from toylab import problems
from toylab._types import MethodLike
from toylab.lessons.exercises.running import Undone, Unfit
from toylab.samplers import Trajectory, sample

STEPS = 6  # of the run that two methods are compared by
LIMITS = {"t_start": 0.8, "t_end": 0.2}


def run(method: MethodLike, steps: int, spread: float = 0.3, n: int = 4) -> tuple[Trajectory, Tensor]:
    """(trajectory, exact end points) of n particles to one Gaussian; Unfit with what `sample` says of the method."""
    problem = problems.gaussian(spread=spread)
    x_T = problem.start(n, seed=1)
    try:
        found = sample(problem, None, method, steps, x_T=x_T, progress=False, **LIMITS)
    except (ValueError, TypeError) as error:
        if "got a ellipsis" in str(error):
            raise Undone from None
        if _says_sample(error):
            raise Unfit(f"Your function cannot be used as a method: {error}.") from None
        raise
    return found, problem.solution(x_T, **LIMITS)


def method_facts(method: MethodLike) -> tuple[Tensor, Tensor]:
    """(states at every node, evaluations a step) of a short run."""
    found, _ = run(method, STEPS)
    return found.states, torch.tensor(found.nfe_per_step, dtype=torch.float64)


def evaluations(method: MethodLike, steps: int = 10) -> int:
    """Evaluations that `steps` steps take, counted."""
    return run(method, steps)[0].nfe


def error(method: MethodLike, steps: int, spread: float = 0.3) -> float:
    """The largest error of a coordinate at the end."""
    found, exact = run(method, steps, spread)
    return (found.x - exact).abs().max().item()


def is_of_order(method: MethodLike, expected: float, within: float = 0.25, steps: int = 40) -> bool:
    """True if the order seen is within so much of the expected one."""
    few, many = error(method, steps), error(method, 2 * steps)
    return few > 0 and many > 0 and abs(log2(few / many) - expected) <= within


def is_exact_on_one_point(method: MethodLike, steps: int = 5) -> bool:
    """True if a run to a single data point ends where the exact flow does, to rounding."""
    return error(method, steps, spread=0.0) < 1e-5


def same_states(method: MethodLike, name: str) -> bool:
    """True if it goes through the states of the method of that name."""
    (one, _), (other, _) = method_facts(method), method_facts(name)
    return bool((one - other).abs().max() < 1e-5)


def _says_sample(error):
    """True if `toylab` raised this about the method, and not the method itself."""
    last = error.__traceback__
    while last.tb_next:
        last = last.tb_next
    return last.tb_frame.f_globals.get("__name__", "").startswith("toylab.samplers.")
