"""DEIS: exponential multistep methods on eps."""

from dataclasses import dataclass

from toylab.samplers.gradients import adams_weights
from toylab.samplers.multistep import Multistep
from toylab.samplers.quadrature import exponential_weights, log_snr, sigma_weights


@dataclass(frozen=True)
class DEIS(Multistep):
    """Adams-Bashforth DEIS (Zhang and Chen 2023, Fast Sampling of Diffusion Models with Exponential
    Integrator, arXiv 2204.13902, section 3 for tAB, section 4 for rhoAB): DDIM's transfer with eps replaced
    by its interpolating polynomial of degree order - 1 (the number in the name), averaged exactly over sigma.

    In the language of Liu et al. these are pseudo methods whose weights know that phi averages over sigma and
    not over t. That is all that F-PNDM lacks: tAB3 combines the same four slopes and keeps order 4. Nothing
    is evaluated at the end of the last step, so that t_end may be 0.

    Attributes:
        clock: of the polynomial. "t": tAB-DEIS; "sigma": rhoAB-DEIS, Adams-Bashforth with the exact weights
            of the grid on dy/dsigma = eps; "logsnr": the log-rho form, in which a last step to t = 0 has
            order 1.
    """

    clock: str = "t"

    def slopes_used(self, steps_left, s):
        """All there are, but one for a step to t = 0 with clock "logsnr", which is infinite there."""
        return 1 if s == 0 and self.clock == "logsnr" else self.order

    def weights(self, schedule, times, s):
        """Weights of the slopes at `times` (newest first) for the step from times[0] to s, floats."""
        if len(times) == 1:
            return [1.0]
        if self.clock == "t":
            return sigma_weights(schedule, times, s)
        if self.clock == "sigma":
            return adams_weights([schedule.sigma(t).item() for t in times], schedule.sigma(s).item()).tolist()
        return exponential_weights([log_snr(schedule, t) for t in times], log_snr(schedule, s), rate=-1)
