"""Transfer parts: what is averaged (the slope), and how a slope moves a state from t to s.

The split into a gradient part and a transfer part is that of Liu et al. 2022 (PNDM), section 3.
Times are 0-d float64 tensors, states [batch, *shape]; coefficients are computed in float64.

All that a transfer knows of the problem is what the schedule says: the drift, and the linear part of the
ODE in closed form. So the same transfers serve any ODE dx/dt = a(t) x + b(t) eps(x, t), see
`toylab.problems.semilinear`.

A transfer's clock is the variable in which a constant slope moves the state along a straight line, up to a
factor that depends on the clock alone; `time` is its inverse. A step is as good as the average of the slope
over this clock.
"""

import torch

from toylab.samplers.data_prediction import DataPrediction


class Classical:
    """slope = dx/dt of the probability flow (Liu et al. 2022, eq. 9 as an ODE); move = a straight line in (t, x)."""

    name = "classical"

    @staticmethod
    def slope(schedule, x, eps, t):
        """dx/dt = (alpha_bar' / (2 alpha_bar)) (x - eps / sqrt(1 - alpha_bar)), with alpha_bar' / alpha_bar = -beta."""
        return schedule.drift(x, eps, t)

    @staticmethod
    def move(schedule, x, slope, t, s):
        """x + (s - t) slope."""
        return x + (s - t) * slope

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves the state along a straight line: t."""
        return t

    @staticmethod
    def time(schedule, clock):
        """The time at which the clock shows `clock`."""
        return clock


class Pseudo:
    """slope = eps; move = phi, the DDIM step (Liu et al. 2022, eq. 11): exact whenever eps is."""

    name = "pseudo"

    @staticmethod
    def slope(schedule, x, eps, t):
        """eps itself."""
        return eps

    @staticmethod
    def move(schedule, x, slope, t, s):
        """phi(x, eps, t, s) = sqrt(ab_s / ab_t) x + (sqrt(1 - ab_s) - sqrt(ab_s / ab_t) sqrt(1 - ab_t)) eps."""
        scale = torch.exp((schedule.log_alpha_bar(s) - schedule.log_alpha_bar(t)) / 2)
        return scale * x + (schedule.noise_std(s) - scale * schedule.noise_std(t)) * slope

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves x / sqrt(alpha_bar) along a straight line: sigma."""
        return schedule.sigma(t)

    @staticmethod
    def time(schedule, clock):
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma(clock)


class Frozen:
    """Half of phi: slope = eps; move = the linear part of dx/dt exactly, the factor of eps frozen at t.

    dx/dt = -beta / 2 x + beta / (2 sqrt(1 - alpha_bar)) eps with the root left as it is at the beginning of
    the step, the exponential Euler method of textbooks (Hochbruck and Ostermann 2010, Exponential
    integrators). phi lets the root run too, and that alone makes it exact for an exact eps and makes two
    steps with one eps the same as one. Without it every gradient part is of first order.
    """

    name = "frozen"

    @staticmethod
    def slope(schedule, x, eps, t):
        """eps itself."""
        return eps

    @staticmethod
    def move(schedule, x, slope, t, s):
        """x + (1 - r) 2 / beta dx/dt = r x + (1 - r) eps / sqrt(1 - ab_t), r = sqrt(ab_s / ab_t)."""
        growth = torch.expm1((schedule.log_alpha_bar(s) - schedule.log_alpha_bar(t)) / 2)
        return x - 2 * growth / schedule.beta(t) * schedule.drift(x, slope, t)

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves x along a straight line: sqrt(alpha_bar)."""
        return schedule.alpha_bar(t).sqrt()

    @staticmethod
    def time(schedule, clock):
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma((1 / clock**2 - 1).sqrt())


TRANSFERS = {transfer.name: transfer for transfer in (Classical, Pseudo)}  # the paper's
LATER_TRANSFERS = {transfer.name: transfer for transfer in (DataPrediction, Frozen)}
