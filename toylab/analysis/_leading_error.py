"""The first term of a method's error, predicted: why F-PNDM and PRK have order 2, and with which constant.

Let u be the clock of the grid, d its (signed) step, and e(u) the epsilon along the exact solution. In y and
sigma the exact step is the integral of e sigma_u over the step (subscripts are derivatives). A pseudo method
has an average m of e in place and moves by m times the whole change of sigma, so a step misses by

    d mean(sigma_u) m - d mean(e sigma_u) = d mean(sigma_u) (m - mean(e)) - d Cov(e, sigma_u).

Fourth-order weights make m equal to mean(e) up to O(d^4). The covariance stays. Over one step both e and
sigma_u are nearly straight lines, and two straight lines over an interval of length d have the covariance
d^2 / 12 times the product of their slopes:

    F-PNDM    -(d^3 / 12) e_u sigma_uu.

PRK with its midpoint in t has the same, by another road: seen in sigma it is the classical RK4 with its inner
nodes not at 1/2 but at 1/2 + (d / 8) sigma_uu / sigma_u; they carry 2/3 of the weight and the slope of e in
sigma is e_u / sigma_u, so m is too large by -(d^2 / 12) e_u sigma_uu / sigma_u (a step is measured from its
beginning to its end). Adams-Bashforth of order 2 extrapolates and adds m - mean(e) = -(5 / 12) d^2 e_uu;
DDIM takes e where the step begins, m - mean(e) = -(d / 2) e_u.

What a step misses is carried to the end by the flow, of which it is a small perturbation, with propagator G:
the end-point error in x is sqrt(alpha_bar_end) times the sum over steps of G times the above, that is
d^p times an integral over u. On a grid uniform in sigma, sigma_uu = 0 and the term of order 2 is gone.
For a Gaussian, y - mu = C w with w = sqrt(s0^2 + sigma^2), e = C sigma / w and G = w_end / w: everything is
an integral of a known function.

How many steps it takes until the first term is nearly all there is depends on the next one. F-PNDM has none of
d^3 that shows, and in d^4 what its weights miss, m - mean(e) = -(251 / 720) d^4 e_uuuu. The fourth derivative
grows without bound where sigma behaves like sqrt(t): for a Gaussian of spread 0.3 on the schedule "constant",
down to t_end = 0.05, the constant of d^4 is -3.0e5 times that of d^2, and at N = 2560 the measured error is only
0.961 of the first term, 0.990 at 5120 and 0.997 at 10240. With both terms it is 1.002 at N = 2560, and at most
0.1 % away on the other schedules, for all t_end >= 0.05. The three Runge-Kutta steps of the start, made where e
hardly changes, move the ratio by 2e-6. PRK's next term is of d^3 and small: 1.002 at worst.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from scipy.integrate import solve_ivp
from torch import Tensor

from toylab import grids
from toylab._errors import number, positive_int, unknown_name
from toylab._types import Eps, ScheduleLike
from toylab.analysis._order import order_problem
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.epsilon import ExactEps
from toylab.problems.flow import rms
from toylab.problems.problem import Problem
from toylab.samplers.core import check_start

ORDERS = {"DDIM": 1, "S-PNDM": 2, "F-PNDM": 2, "PRK": 2}
PANELS = 200
SIGN = -1  # of a step in every clock: all fall from noise to data
STEPS = (10, 20, 40, 80, 160, 320, 640)


@dataclass(frozen=True, repr=False)
class LeadingError(Result):
    """x_N - x = constant (length / N)^order + higher terms.

    Attributes:
        method: canonical name. order: of the leading term; `constant` is 0 where the true order is higher.
        constant: float64 [batch, *shape]. length: of the whole run in the clock of the grid.
        adams: constant of the term in (length / N)^4 that F-PNDM's weights leave, like `constant`; None for
            other methods and from `leading_error`.
    """

    drawn_by = "plot_leading_error"
    method: str
    order: int
    constant: Tensor
    length: float
    adams: Tensor | None = None

    def at(self, steps: int, adams: bool = False) -> Tensor:
        """The predicted x_N - x with N = `steps` steps, [batch, *shape]; with `adams`, both terms of F-PNDM."""
        h = self.length / positive_int("steps", steps)
        leading = self.constant * h**self.order
        return leading + self._adams() * h**4 if adams else leading

    def rms(self, steps: int, adams: bool = False) -> float:
        """The predicted rms end-point error with N = `steps` steps; arguments as for `at`."""
        return rms(self.at(steps, adams))

    @property
    def turn(self) -> float:
        """The step count, a float, at which F-PNDM's terms of order 2 and 4 are of one size.

        With many fewer steps it looks like a method of order 4; infinite where the first term is 0. ValueError
        where the second is not known.
        """
        second, first = rms(self._adams()), rms(self.constant)
        return self.length * math.sqrt(second / first) if first else math.inf

    def as_dict(self) -> dict:
        """The term and what it predicts, rms over particles."""
        found = pick(self, "method", "order", "length") | {"constant": rms(self.constant)}
        return found | {"predicted": {count: self.rms(count) for count in STEPS}}

    def table(self) -> Table:
        """The predicted rms end-point error at several step counts."""
        note = f"{self.method}: {rms(self.constant):.3g} h^{self.order}, h = {self.length:.3g} / N"
        return Table(("N", "predicted error"), tuple((str(count), self.rms(count)) for count in STEPS), note)

    def _adams(self):
        if self.adams is None:
            raise ValueError(f"the term of order 4 is known only for F-PNDM, by gaussian_error, not for {self.method}")
        return self.adams


def gaussian_error(
    eps: ExactEps | Problem, x_T: Tensor, method: str = "F-PNDM", t_start: float | None = None,
    t_end: float | None = None, spacing: str = "t",
) -> LeadingError:  # fmt: skip
    """The leading error for data that is one Gaussian, from its closed form by Gauss quadrature.

    Args:
        eps: an `exact_eps` of a single point, the mean, and its spread: `toylab.problems.gaussian` or its eps.
        x_T: start state float64 [batch, *shape].
        method: "DDIM", "S-PNDM", "F-PNDM" or "PRK" (midpoint in t, spacing "t" only).
        t_start, t_end, spacing: as for `toylab.measure_order`.

    Returns a `LeadingError`, for F-PNDM with its `adams`. Raises ValueError or TypeError naming the argument.
    """
    problem = order_problem(eps, None, None, t_start, t_end)
    exact, schedule = problem.eps, problem.schedule
    if not isinstance(exact, ExactEps) or len(exact.points) != 1:
        raise ValueError("eps must be the exact epsilon of a single point; use leading_error for other data")
    spread, order = exact.spread, _order(method, spacing)
    t_start, t_end = problem.limits()
    clock = _Clock(schedule, spacing, t_start, t_end)
    x, weights = np.polynomial.legendre.leggauss(16)
    edges = torch.linspace(clock.start, clock.end, PANELS + 1, dtype=torch.float64)
    half = (edges[1:] - edges[:-1])[:, None] / 2
    u = (edges[:-1, None] + half * torch.from_numpy(1 + x)).flatten()
    sigma, sigma_u, sigma_uu = clock.sigma(u)
    w = (spread**2 + sigma**2).sqrt()
    e_u = spread**2 * sigma_u / w**3  # of C = 1
    e_uu = spread**2 * (sigma_uu / w**3 - 3 * sigma * sigma_u**2 / w**5)

    def unit_epsilon(u):
        return (1 + (spread / clock.value(u)) ** 2).rsqrt()

    def carried(missed):
        return (half * torch.from_numpy(weights) * (missed / w).reshape(half.shape[0], -1)).sum().item()

    def width(t):
        return (spread**2 + schedule.sigma(t) ** 2) ** 0.5

    check_start(exact, x_T)
    c = (x_T.double() / schedule.alpha_bar(t_start) ** 0.5 - exact.points[0].double()) / width(t_start)
    factor = schedule.alpha_bar(t_end) ** 0.5 * width(t_end) * c
    constant = factor * carried(_missed(method, sigma_u, sigma_uu, e_u, e_uu)) * SIGN**order
    adams = None
    if method == "F-PNDM":
        adams = factor * carried(-251 / 720 * sigma_u * _derivative(unit_epsilon, u, 4))
    return LeadingError(method, order, constant, abs(clock.end - clock.start), adams)


def leading_error(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, x_T: Tensor | None = None, method: str = "F-PNDM",
    t_start: float | None = None, t_end: float | None = None, spacing: str = "t", rtol: float = 1e-7,
) -> LeadingError:  # fmt: skip
    """The leading error for any smooth epsilon, by solving the linearised flow beside the flow.

    Along the solution, E_u = sigma_u (d eps / dy) E + what a step misses, by DOP853 with directional
    derivatives of eps; x_T float64 [batch, *shape], by default 64 particles of seed 0. Arguments, result and errors
    as for `gaussian_error`, but not for S-PNDM, whose constant needs second derivatives of eps.
    """
    problem, order = order_problem(eps, schedule, None, t_start, t_end), _order(method, spacing)
    eps, schedule, (t_start, t_end) = problem.eps, problem.schedule, problem.limits()
    x_T = problem.start() if x_T is None else x_T
    check_start(eps, x_T)
    if method == "S-PNDM":
        raise unknown_name("method", method, [name for name in ORDERS if name != "S-PNDM"])
    clock, rtol = _Clock(schedule, spacing, t_start, t_end), number("rtol", rtol, 1e-14, 0.1)

    def derivative(u, flat):
        y, error = torch.from_numpy(flat).reshape(2, *x_T.shape)
        u = torch.tensor(u, dtype=torch.float64)
        sigma, sigma_u, sigma_uu = clock.sigma(u)
        t, root = schedule.t_of_sigma(sigma), (1 + sigma**2).rsqrt()
        along = (schedule.drift(root * y, e := eps(root * y, t), t), torch.ones_like(t))
        e_t = _along(eps, (root * y, t), along)
        e_u = e_t * clock.t_u(t, sigma_u)
        stretched = _along(lambda x: eps(x, t), (root * y,), (root * error,))
        error_u = sigma_u * stretched + _missed(method, sigma_u, sigma_uu, e_u, None)
        return torch.stack([sigma_u * e, error_u]).flatten().detach().numpy()  # eps may be in training

    x_T = x_T.double()
    start = torch.stack([x_T / schedule.alpha_bar(t_start) ** 0.5, torch.zeros_like(x_T)]).flatten().detach().numpy()
    found = solve_ivp(derivative, (clock.start, clock.end), start, method="DOP853", rtol=rtol, atol=rtol)
    if not found.success:
        raise ValueError(f"the linearised flow could not be solved ({found.message}); is eps smooth?")
    error = torch.from_numpy(found.y[:, -1]).reshape(2, *x_T.shape)[1]
    constant = schedule.alpha_bar(t_end) ** 0.5 * error
    return LeadingError(method, order, constant * SIGN**order, abs(clock.end - clock.start))


def _order(method, spacing):
    if method not in ORDERS:
        raise unknown_name("method", method, list(ORDERS))
    if method == "PRK" and spacing != "t":
        raise ValueError(f"spacing must be 't' for PRK, whose midpoint is in t, got {spacing!r}")
    return ORDERS[method]


def _missed(method, sigma_u, sigma_uu, e_u, e_uu):
    """The error in y of a step of signed length d, divided by d^(order + 1)."""
    if method == "DDIM":
        return -sigma_u * e_u / 2
    covariance = -e_u * sigma_uu / 12
    return covariance - 5 / 12 * sigma_u * e_uu if method == "S-PNDM" else covariance


def _along(function, at, direction):
    """The derivative of `function` at `at` in a direction, in reverse mode twice: forward mode is not safe in threads.

    Pulled back to `at`, weights of the result are linear in the weights; to pull that back is to push forward.
    """

    def pulled(weights):
        return torch.func.vjp(function, *at)[1](weights)

    return torch.func.vjp(pulled, torch.zeros_like(at[0]))[1](direction)[0]


def _derivative(function, u, k):
    """The k-th derivative at every element of u, of a function of one element at a time."""
    if k == 0:
        return function(u)
    return torch.func.grad(lambda u: _derivative(function, u, k - 1).sum())(u)


class _Clock:
    """sigma as a function of the clock u of a spacing, with two derivatives."""

    def __init__(self, schedule, spacing, t_start, t_end):
        ends = grids.nodes(schedule, 1, t_start, t_end, spacing)  # refuses what no grid could be
        self.schedule, self.spacing = schedule, grids.SPACINGS[spacing.lower()]
        self.start, self.end = self.spacing.clock(schedule, ends).tolist()

    def value(self, u):
        return self.spacing.sigma(self.schedule, u)

    def sigma(self, u):
        """(sigma, d sigma / du, d^2 sigma / du^2) at u, tensors like u."""
        return tuple(_derivative(self.value, u, k) for k in range(3))

    def t_u(self, t, sigma_u):
        """dt/du, from d sigma / dt = beta (1 + sigma^2) / (2 sigma)."""
        sigma = self.schedule.sigma(t)
        return sigma_u * 2 * sigma / (self.schedule.beta(t) * (1 + sigma**2))
