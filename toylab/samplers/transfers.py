"""Transfer parts: what is averaged (the slope), and how a slope moves a state from t to s.

The split into a gradient part and a transfer part is that of Liu et al. 2022 (PNDM), section 3.
Times are 0-d float64 tensors, states [batch, *shape]; coefficients are computed in float64.
"""

import torch


class Classical:
    """slope = dx/dt of the probability flow (Liu et al. 2022, eq. 9 as an ODE); move = a straight line in (t, x)."""

    name = "classical"

    @staticmethod
    def slope(schedule, x, eps, t):
        """dx/dt = (alpha_bar' / (2 alpha_bar)) (x - eps / sqrt(1 - alpha_bar)), with alpha_bar' / alpha_bar = -beta."""
        return -schedule.beta(t) / 2 * (x - eps / schedule.noise_std(t))

    @staticmethod
    def move(schedule, x, slope, t, s):
        """x + (s - t) slope."""
        return x + (s - t) * slope

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves the state along a straight line: t."""
        return t


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


TRANSFERS = {transfer.name: transfer for transfer in (Classical, Pseudo)}
