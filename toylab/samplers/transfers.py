"""Transfer parts: what is averaged (the slope), and how a slope moves a state from t to s.

The split into a gradient part and a transfer part is that of Liu et al. 2022 (PNDM), section 3. Both halves of a
transfer are linear, so that a transfer is four numbers at given times::

    slope          = a x + b eps                 (a, b)         = slope_parts(schedule, t)
    state at s     = scale x + gain slope        (scale, gain)  = move_parts(schedule, t, s)

All that a transfer knows of the problem is what the schedule says: the drift, and the linear part of the ODE in closed
form. So the same transfers serve any ODE dx/dt = a(t) x + b(t) eps(x, t), see `toylab.problems.semilinear`.

A transfer's clock is the variable in which a constant slope moves the state along a straight line, up to a factor that
depends on the clock alone; `time` is its inverse. A step is as good as the average of the slope over this clock.
"""

import torch
from torch import Tensor

from toylab.schedules import Schedule


class Transfer:
    """A transfer part. Subclasses define `name`, `slope_parts`, `move_parts`, `clock` and `time`.

    Times are float64 tensors of any shape, and so is what the four functions return. `slope` and `move` put the
    numbers to use on states [batch, *shape], with times that are 0-d.
    """

    name = ""

    @staticmethod
    def slope_parts(schedule: Schedule, t: Tensor) -> tuple[Tensor, Tensor]:
        """(a, b): the slope at t is a x + b eps."""
        raise NotImplementedError("a transfer must define slope_parts(schedule, t)")

    @staticmethod
    def move_parts(schedule: Schedule, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """(scale, gain): the state at s is scale x + gain slope."""
        raise NotImplementedError("a transfer must define move_parts(schedule, t, s)")

    @classmethod
    def slope(cls, schedule: Schedule, x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """The slope that is averaged, like x."""
        a, b = cls.slope_parts(schedule, t)
        return a * x + b * eps

    @classmethod
    def move(cls, schedule: Schedule, x: Tensor, slope: Tensor, t: Tensor, s: Tensor) -> Tensor:
        """The state at s that a constant slope leads to from x at t."""
        scale, gain = cls.move_parts(schedule, t, s)
        return scale * x + gain * slope


class Classical(Transfer):
    """slope = dx/dt of the probability flow (Liu et al. 2022, eq. 9 as an ODE); move = a straight line in (t, x)."""

    name = "classical"

    @staticmethod
    def slope_parts(schedule: Schedule, t: Tensor) -> tuple[Tensor, Tensor]:
        """dx/dt = (alpha_bar' / (2 alpha_bar)) (x - eps / sqrt(1 - alpha_bar)), with alpha_bar' / alpha_bar = -beta."""
        x, eps = torch.eye(2, dtype=t.dtype).reshape(2, 2, *[1] * t.ndim)
        a, b = schedule.drift(x, eps, t)
        return a, b

    @classmethod
    def slope(cls, schedule: Schedule, x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """dx/dt, to the last bit as the schedule has it."""
        return schedule.drift(x, eps, t)

    @staticmethod
    def move_parts(schedule: Schedule, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """x + (s - t) slope."""
        return torch.ones_like(t), s - t

    @staticmethod
    def clock(schedule: Schedule, t: Tensor) -> Tensor:
        """The variable in which a constant slope moves the state along a straight line: t."""
        return t

    @staticmethod
    def time(schedule: Schedule, clock: Tensor) -> Tensor:
        """The time at which the clock shows `clock`."""
        return clock


class Pseudo(Transfer):
    """slope = eps; move = phi, the DDIM step (Liu et al. 2022, eq. 11): exact whenever eps is."""

    name = "pseudo"

    @staticmethod
    def slope_parts(schedule: Schedule, t: Tensor) -> tuple[Tensor, Tensor]:
        """eps itself."""
        return torch.zeros_like(t), torch.ones_like(t)

    @staticmethod
    def move_parts(schedule: Schedule, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """phi(x, eps, t, s) = sqrt(ab_s / ab_t) x + (sqrt(1 - ab_s) - sqrt(ab_s / ab_t) sqrt(1 - ab_t)) eps."""
        both = torch.stack(torch.broadcast_tensors(t, s))
        (log_t, log_s), (std_t, std_s) = schedule.log_alpha_bar(both), schedule.noise_std(both)
        scale = torch.exp((log_s - log_t) / 2)
        return scale, std_s - scale * std_t

    @staticmethod
    def clock(schedule: Schedule, t: Tensor) -> Tensor:
        """The variable in which a constant slope moves x / sqrt(alpha_bar) along a straight line: sigma."""
        return schedule.sigma(t)

    @staticmethod
    def time(schedule: Schedule, clock: Tensor) -> Tensor:
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma(clock)


class DataPrediction(Transfer):
    """slope = x0, the data that eps predicts; move = the DDIM step with x0 held instead of eps.

    With z = x / sqrt(1 - alpha_bar) the probability flow is dz / d(1 / sigma) = x0, of which `move` is an Euler step
    (Lu et al. 2022b, DPM-Solver++, section 4.1). A single slope moves the state as the pseudo transfer does; two or
    more do not.
    """

    name = "data"

    @staticmethod
    def slope_parts(schedule: Schedule, t: Tensor) -> tuple[Tensor, Tensor]:
        """x0 = (x - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar)."""
        root = torch.exp(schedule.log_alpha_bar(t) / 2)
        return 1 / root, -schedule.noise_std(t) / root

    @staticmethod
    def move_parts(schedule: Schedule, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """r x + (sqrt(ab_s) - r sqrt(ab_t)) x0, r = sqrt((1 - ab_s) / (1 - ab_t)); at s = 0, x0 itself."""
        both = torch.stack(torch.broadcast_tensors(t, s))
        (root_t, root_s), (std_t, std_s) = torch.exp(schedule.log_alpha_bar(both) / 2), schedule.noise_std(both)
        scale = std_s / std_t
        return scale, root_s - scale * root_t

    @staticmethod
    def clock(schedule: Schedule, t: Tensor) -> Tensor:
        """The variable in which a constant slope moves x / sqrt(1 - alpha_bar) evenly: 1 / sigma."""
        return 1 / schedule.sigma(t)

    @staticmethod
    def time(schedule: Schedule, clock: Tensor) -> Tensor:
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma(1 / clock)


class Frozen(Transfer):
    """Half of phi: slope = eps; move = the linear part of dx/dt exactly, the factor of eps frozen at t.

    dx/dt = -beta / 2 x + beta / (2 sqrt(1 - alpha_bar)) eps with the root left as it is at the beginning of the step,
    the exponential Euler method of textbooks (Hochbruck and Ostermann 2010, Exponential integrators). phi lets the
    root run too, and that alone makes it exact for an exact eps and makes two steps with one eps the same as one.
    Without it every gradient part is of first order.
    """

    name = "frozen"

    slope_parts = Pseudo.slope_parts

    @staticmethod
    def move_parts(schedule: Schedule, t: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
        """x + (1 - r) 2 / beta dx/dt = r x + (1 - r) eps / sqrt(1 - ab_t), r = sqrt(ab_s / ab_t)."""
        growth = torch.expm1((schedule.log_alpha_bar(s) - schedule.log_alpha_bar(t)) / 2)
        a, b = Classical.slope_parts(schedule, t)
        return 1 - 2 * growth / schedule.beta(t) * a, -2 * growth / schedule.beta(t) * b

    @staticmethod
    def clock(schedule: Schedule, t: Tensor) -> Tensor:
        """The variable in which a constant slope moves x along a straight line: sqrt(alpha_bar)."""
        return schedule.alpha_bar(t).sqrt()

    @staticmethod
    def time(schedule: Schedule, clock: Tensor) -> Tensor:
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma((1 / clock**2 - 1).sqrt())


TRANSFERS = {transfer.name: transfer for transfer in (Classical, Pseudo)}  # the paper's
LATER_TRANSFERS = {transfer.name: transfer for transfer in (DataPrediction, Frozen)}
