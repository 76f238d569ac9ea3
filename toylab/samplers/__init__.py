"""Samplers: a gradient part, a transfer part and a weights part, and the methods that are no such three."""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.samplers._methods import aliases as aliases
    from toylab.samplers._methods import get as get
    from toylab.samplers._methods import method as method
    from toylab.samplers._methods import methods as methods
    from toylab.samplers.core import Trajectory as Trajectory
    from toylab.samplers.core import iterate as iterate
    from toylab.samplers.core import sample as sample
    from toylab.samplers.noise import Seeds as Seeds

__getattr__, __dir__, __all__ = attach(__name__)
