"""The transfer part of data prediction: what is averaged is the predicted x0 instead of eps."""


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
        return (x - schedule.noise_std(t) * eps) / schedule.alpha_bar(t).sqrt()

    @staticmethod
    def move(schedule, x, slope, t, s):
        """r x + (sqrt(ab_s) - r sqrt(ab_t)) x0, r = sqrt((1 - ab_s) / (1 - ab_t)); at s = 0, x0 itself."""
        scale = schedule.noise_std(s) / schedule.noise_std(t)
        return scale * x + (schedule.alpha_bar(s).sqrt() - scale * schedule.alpha_bar(t).sqrt()) * slope

    @staticmethod
    def clock(schedule, t):
        """The variable in which a constant slope moves x / sqrt(1 - alpha_bar) evenly: 1 / sigma."""
        return 1 / schedule.sigma(t)
