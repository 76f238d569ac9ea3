"""toylab: see and measure how diffusion samplers work as numerical methods.

Everything below is imported on first use, so that ``import toylab`` is quick and a
saved sweep can be shown where torch is not installed.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach

__version__ = "0.1.0"

if TYPE_CHECKING:
    from toylab import analysis as analysis
    from toylab import datasets as datasets
    from toylab import epsilon as epsilon
    from toylab import figures as figures
    from toylab import grids as grids
    from toylab import images as images
    from toylab import lessons as lessons
    from toylab import problems as problems
    from toylab import samplers as samplers
    from toylab import schedules as schedules
    from toylab import training as training
    from toylab import widgets as widgets
    from toylab.analysis import compare as compare
    from toylab.analysis import log_likelihood as log_likelihood
    from toylab.analysis import measure_order as measure_order
    from toylab.analysis import sweep as sweep
    from toylab.analysis._sweep import Sweep as Sweep
    from toylab.epsilon import exact_eps as exact_eps
    from toylab.epsilon import guided as guided
    from toylab.epsilon import load as load
    from toylab.epsilon import save as save
    from toylab.problems import Problem as Problem
    from toylab.samplers import Trajectory as Trajectory
    from toylab.samplers import iterate as iterate
    from toylab.samplers import method as method
    from toylab.samplers import methods as methods
    from toylab.samplers import sample as sample

__getattr__, __dir__, __all__ = attach(__name__)
