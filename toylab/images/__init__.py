"""Images: data to train on, samples, sets of samples, and what is measured of them.

``load("digits")``, ``load("cifar10")``, ``load("npz:PATH")``, ``load("folder:PATH", size=64)``: images are kept as
bytes and given out as float32 in [-1, 1]. Everything is imported on first use.
"""

from toylab._lazy import attach

_OBJECTS = {
    "DigitClassifier": "classifier",
    "ImageQuality": "quality",
    "ImageSampler": "sampler",
    "ImageSweep": "sweeps",
    "Images": "data.pixels",
    "Plane": "plane",
    "Verdict": "classifier",
    "frechet_distance": "quality",
    "image_quality": "quality",
    "image_sweep": "sweeps",
    "in_plane": "plane",
    "load": "data.sources",
    "names": "data.sources",
    "sample_set": "sets",
}

__all__ = list(_OBJECTS)
__getattr__, __dir__ = attach(__name__, _OBJECTS)
