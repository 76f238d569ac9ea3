"""An independent judge of digits: a support vector machine that has seen the real ones only."""

from dataclasses import dataclass

import numpy as np
from sklearn.calibration import CalibratedClassifierCV
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC
from torch import Tensor

from toylab.images import load


@dataclass(frozen=True)
class Verdict:
    """The judgement of a classifier on images.

    Attributes:
        classes: int64 [n], the most probable one of each. confidence: float64 [n], its probability.
        shares: float64 [classes], the share of the images that each class has.
    """

    classes: np.ndarray
    confidence: np.ndarray
    shares: np.ndarray

    @classmethod
    def of(cls, probabilities: np.ndarray) -> "Verdict":
        """The verdict of `probabilities` [n, classes]."""
        classes = probabilities.argmax(1)
        shares = np.bincount(classes, minlength=probabilities.shape[1]) / len(classes)
        return cls(classes, probabilities.max(1), shares)

    @property
    def median_confidence(self) -> float:
        """The median of `confidence`."""
        return float(np.median(self.confidence))


class DigitClassifier:
    """A support vector machine with radial kernel (Cortes and Vapnik 1995), trained on three quarters of
    scikit-learn's digits, its probabilities calibrated after Platt (1999) by cross-validation.

    Attributes:
        accuracy: on the other quarter, drawn evenly from the classes. test: its `Verdict` on that quarter, with which
            that on other images can be compared. kind: what it tells apart, "digit".

    Beware: it must choose one of ten digits and can be sure of an image that is none, of pure noise for one.
    """

    kind = "digit"

    def __init__(self) -> None:
        digits = load("digits")
        x, y = _flat(digits.values(slice(None))), digits.labels.numpy()
        x, test, y, right = train_test_split(x, y, test_size=0.25, random_state=0, stratify=y)
        self._model = CalibratedClassifierCV(SVC(C=10, gamma=0.03), ensemble=False).fit(x, y)
        self.test = Verdict.of(self._model.predict_proba(test))
        self.accuracy = float((self.test.classes == right).mean())

    def __call__(self, images: np.ndarray | Tensor) -> Verdict:
        """The `Verdict` on images [n, 1, 8, 8] around [-1, 1], a tensor or an array. ValueError for another shape."""
        return Verdict.of(self._model.predict_proba(_flat(_checked(images))))

    def features(self, images: np.ndarray | Tensor) -> np.ndarray:
        """The ten values that the probabilities are made of, for the images above: float64 [n, 10]."""
        (calibrated,) = self._model.calibrated_classifiers_
        return calibrated.estimator.decision_function(_flat(_checked(images)))


def _checked(images):
    if tuple(images.shape[1:]) != (1, 8, 8) or len(images) == 0:
        raise ValueError(f"images must be [n, 1, 8, 8] with n of at least 1, got {list(images.shape)}")
    return images


def _flat(images):
    return np.asarray(images, dtype=np.float64).reshape(len(images), -1)
