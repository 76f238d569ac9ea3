"""The transfer part of data prediction: what is averaged is the predicted x0 instead of eps."""

import torch


class DataPrediction:
    """slope = x0, the data that eps predicts; move = the DDIM step with x0 held instead of eps.

    With z = x / sqrt(1 - alpha_bar) the probability flow is dz / d(1 / sigma) = x0, of which `move` is an
    Euler step (Lu et al. 2022b, DPM-Solver++, section 4.1). A single slope moves the state as the pseudo
    transfer does; two or more do not.
    """

    name = "data"

    @staticmethod
    def slope(schedule, x, eps, t):
        """x0 = (x - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar)."""
        root, noise_std = _shares(schedule, t)
        return (x - noise_std * eps) / root

    @staticmethod
    def move(schedule, x, slope, t, s):
        """r x + (sqrt(ab_s) - r sqrt(ab_t)) x0, r = sqrt((1 - ab_s) / (1 - ab_t)); at s = 0, x0 itself."""
        (root_t, std_t), (root_s, std_s) = _shares(schedule, t), _shares(schedule, s)
        scale = std_s / std_t
        return scale * x + (root_s - scale * root_t) * slope

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves x / sqrt(1 - alpha_bar) evenly: 1 / sigma."""
        return 1 / schedule.sigma(t)

    @staticmethod
    def time(schedule, clock):
        """The time at which the clock shows `clock`."""
        return schedule.t_of_sigma(1 / clock)


def _shares(schedule, t):
    """(sqrt(alpha_bar), sqrt(1 - alpha_bar)) at t."""
    log_alpha_bar = schedule.log_alpha_bar(t)
    return (log_alpha_bar / 2).exp(), (-torch.expm1(log_alpha_bar)).sqrt()
