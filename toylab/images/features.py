"""The features that images are compared in: those of networks that know real images, or of the pixels alone."""

import os
import pickle
from collections.abc import Callable

import numpy as np
import torch
from sklearn.decomposition import PCA
from torch import Tensor

from toylab._errors import flag, function_of, unknown_name
from toylab._extras import extra
from toylab._files import user_path
from toylab.images.classifier import DigitClassifier
from toylab.images.photographs import SIZES, PhotoClassifier
from toylab.images.tiles import as_array, to_bytes

COMPONENTS = 16  # of the pixels: few images fill no more
SEEN_AT_ONCE = 64  # images of 299x299


class Components:
    """Images in the first principal components of real ones, [m, c, h, w]: at most `COMPONENTS` of them."""

    name = "pixels"

    def __init__(self, real: np.ndarray | Tensor):
        flat = _flat(real)
        self._pca = PCA(min(COMPONENTS, *flat.shape), svd_solver="covariance_eigh").fit(flat)
        self.about = f"the first {self._pca.n_components_} principal components of the real images' pixels"

    def __call__(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Images [n, c, h, w] as float64 [n, d]."""
        return self._pca.transform(_flat(images))


class Photographs:
    """Images as the classifier of photographs sees them: the input of its last layer."""

    name = "photographs"

    def __init__(self) -> None:
        self._classifier = PhotoClassifier()
        right = self._classifier.accuracy
        shares = " and ".join(f"{right[size]:.0%} at {size}x{size}" for size in SIZES)
        self.about = (
            f"the input of the last layer of a classifier of CIFAR-10 (right on {shares} of the test images), which "
            f"sees images of {SIZES[0]}x{SIZES[0]} in blocks of 2x2 pixels"
        )

    def __call__(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Images [n, 3, 16 or 32, the same] as float64 [n, 192]."""
        return self._classifier.features(images)


class Digits:
    """Digits as their classifier sees them: the ten values of its decision."""

    name = "digits"

    def __init__(self) -> None:
        self._classifier = DigitClassifier()
        self.about = f"the decisions of a classifier of digits (right on {self._classifier.accuracy:.1%} of others)"

    def __call__(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Images [n, 1, 8, 8] as float64 [n, 10]."""
        return self._classifier.features(images)


class Inception:
    """Images as the Inception network of FID and KID sees them: the 2048 averages before its last layer.

    The network is torch-fidelity's (``pip install 'toylab[inception]'``), which gives what TensorFlow's original does;
    torchmetrics asks torch-fidelity for it, too, but resizes otherwise. With it a Fréchet distance is FID, and a kernel
    distance KID.

    Args:
        weights: the file ``weights-inception-2015-12-05-6726825d.pth`` of torch-fidelity's releases.
        download: True, in place of weights, lets torch-fidelity fetch that file (91 MB) where it has not yet.

    Raises ValueError unless one of them is given, and for a file without such weights.
    """

    name = "inception"
    about = "the pool3 layer of the Inception network of 2015, which sees images resized to 299x299 by torch-fidelity"

    def __init__(self, weights: str | os.PathLike | None = None, *, download: bool = False):
        if flag("download", download) == (weights is not None):
            raise ValueError(f"weights must be a file, or download True instead, got {weights!r} and {download}")
        path = None if weights is None else user_path(weights, "weights")
        if path is not None:
            try:
                torch.load(path, weights_only=True)  # torch-fidelity reads whatever the file says
            except (pickle.UnpicklingError, RuntimeError, EOFError) as error:
                raise ValueError(f"weights must be a file of torch-fidelity's Inception weights, got {path}") from error
        try:
            with extra("inception"):
                from torch_fidelity.feature_extractor_inceptionv3 import FeatureExtractorInceptionV3
        except RuntimeError as error:
            raise ImportError(f"torch-fidelity needs the torchvision that was built for this torch: {error}") from error
        self._network = FeatureExtractorInceptionV3("inception", ["2048"], path and str(path))

    def __call__(self, images: np.ndarray | Tensor) -> np.ndarray:
        """Images [n, 3, h, w] as float64 [n, 2048]."""
        if images.ndim != 4 or images.shape[1] != 3:
            raise ValueError(f"images must be [n, 3, h, w], got {list(images.shape)}")
        parts = to_bytes(torch.as_tensor(images)).split(SEEN_AT_ONCE)
        return torch.cat([self._network(part)[0] for part in parts]).double().numpy()


NAMES = ("photographs", "digits", "pixels")


def classifier_for(shape: tuple[int, ...]) -> PhotoClassifier | DigitClassifier:
    """The classifier for images of this shape, (channels, height, width), which refuses sizes that it does not know."""
    return PhotoClassifier() if shape[0] == 3 else DigitClassifier()


def features_for(real: Tensor, features: str | Callable | None = None) -> Callable:
    """The features of this name for images like the real ones [m, c, h, w], by default of the classifier that knows
    such images. A function from images to [n, d], which may have a `name` and say what it is in `about`, is one, too.

    ValueError or TypeError for an unknown name.
    """
    if callable(features):
        return function_of("features", features, "images")
    shape = tuple(real.shape[1:])
    if features is None:
        known = {(1, 8, 8): "digits"} | {(3, size, size): "photographs" for size in SIZES}
        features = known.get(shape, "pixels")
    if features not in NAMES:
        raise unknown_name("features", features, NAMES)
    return {"photographs": Photographs, "digits": Digits, "pixels": lambda: Components(real)}[features]()


def _flat(images):
    return as_array(images).astype(np.float64).reshape(len(images), -1)
