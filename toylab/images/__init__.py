"""Images: data to train on, samples, sets of samples, and what is measured of them.

``load("digits")``, ``load("cifar10")``, ``load("npz:PATH")``, ``load("folder:PATH", size=64)``: images are kept as
bytes and given out as float32 in [-1, 1]. Everything is imported on first use.
"""

from typing import TYPE_CHECKING

from toylab._lazy import attach

if TYPE_CHECKING:
    from toylab.images._distances import Distances as Distances
    from toylab.images._distances import distances as distances
    from toylab.images._distances import method_distances as method_distances
    from toylab.images._nearest import Nearest as Nearest
    from toylab.images._nearest import nearest_images as nearest_images
    from toylab.images._paths import ImagePaths as ImagePaths
    from toylab.images._paths import image_paths as image_paths
    from toylab.images.classifier import DigitClassifier as DigitClassifier
    from toylab.images.classifier import Verdict as Verdict
    from toylab.images.comparing import KernelDistance as KernelDistance
    from toylab.images.comparing import frechet_distance as frechet_distance
    from toylab.images.comparing import kernel_distance as kernel_distance
    from toylab.images.comparing import precision_recall as precision_recall
    from toylab.images.data.pixels import Images as Images
    from toylab.images.data.sources import load as load
    from toylab.images.data.sources import names as names
    from toylab.images.features import Inception as Inception
    from toylab.images.photographs import PhotoClassifier as PhotoClassifier
    from toylab.images.plane import Plane as Plane
    from toylab.images.plane import in_plane as in_plane
    from toylab.images.quality import ImageQuality as ImageQuality
    from toylab.images.quality import image_quality as image_quality
    from toylab.images.sampler import ImageSampler as ImageSampler
    from toylab.images.sets import sample_set as sample_set
    from toylab.images.stages import cascade as cascade
    from toylab.images.sweeps import ImageSweep as ImageSweep
    from toylab.images.sweeps import image_sweep as image_sweep
    from toylab.images.yardstick import Yardstick as Yardstick

__getattr__, __dir__, __all__ = attach(__name__)
