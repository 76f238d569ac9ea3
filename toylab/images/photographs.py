"""An independent judge of small photographs: a convolutional network that has seen CIFAR-10's real ones only."""

import json
import os

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from toylab import _shipped
from toylab._files import user_path
from toylab._threads import single_thread
from toylab.images.classifier import Verdict

SIZES = (16, 32)
WIDTHS = (64, 128, 192)
CHUNK = 256  # images at once


class ConvNet(nn.Module):
    """Logits [n, classes] of images [n, 3, 32, 32]: fixed filters on blocks of 4x4 pixels, two apart, that whiten them,
    then in each width two convolutions with a pooling between them, and the largest value of each channel."""

    def __init__(self, classes: int):
        super().__init__()
        first = 2 * 3 * 4 * 4
        self.whiten = nn.Conv2d(3, first // 2, 4, stride=2, padding=1, bias=False).requires_grad_(False)
        layers = []
        for before, width in zip((first, *WIDTHS[:-1]), WIDTHS, strict=True):
            layers += [*_layer(before, width, nn.MaxPool2d(2)), *_layer(width, width)]
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(WIDTHS[-1], classes)

    def features(self, x: Tensor) -> Tensor:
        """The input of the last layer for images [n, 3, 32, 32]: [n, 192]."""
        x = self.whiten(x)
        return self.body(torch.cat([x, -x], 1).relu()).amax((2, 3))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


def _layer(before, width, *pooling):
    return nn.Conv2d(before, width, 3, padding=1, bias=False), *pooling, nn.BatchNorm2d(width), nn.GELU("tanh")


def whitening(images: Tensor) -> Tensor:
    """Filters [48, 3, 4, 4] that give the blocks of `images` [n, 3, h, w] uncorrelated values of variance one."""
    blocks = F.unfold(images, 4, stride=3).transpose(1, 2).reshape(-1, 48)
    values, vectors = torch.linalg.eigh(torch.cov(blocks.T))
    return (vectors / (values + 1e-2).sqrt()).T.reshape(48, 3, 4, 4)


def as_seen(images: np.ndarray | Tensor) -> Tensor:
    """Images [n, 3, 16 or 32, the same] as [n, 3, 32, 32] float32: each pixel of a smaller one becomes a block."""
    images = torch.as_tensor(images)
    if images.ndim != 4 or images.shape[1] != 3 or images.shape[2] != images.shape[3] or not len(images):
        raise ValueError(f"images must be [n, 3, size, size] with n of at least 1, got {list(images.shape)}")
    if images.shape[2] not in SIZES:
        raise ValueError(f"images must be of size {' or '.join(map(str, SIZES))}, got {images.shape[2]}")
    times = SIZES[-1] // images.shape[2]
    return images.cpu().float().repeat_interleave(times, 2).repeat_interleave(times, 3)


class PhotoClassifier:
    """The `ConvNet` in a file; by default the one that comes with toylab, trained by ``python -m scripts.classifier``.

    Attributes:
        classes: names, in order. accuracy: on CIFAR-10's test images, a dict: size -> share. story: how it was trained.
            kind: what it tells apart, "class".

    Beware: it must choose one of its classes and can be sure of an image that is none.
    """

    kind = "class"

    def __init__(self, path: str | os.PathLike | None = None):
        path = _shipped.shipped("data") / "classifiers" / "cifar10.safetensors" if path is None else user_path(path)
        with safe_open(path, framework="pt") as file:
            self.story = json.loads(file.metadata()["toylab"])
            weights = {key: file.get_tensor(key) for key in file.keys()}
        self.classes = self.story["classes"]
        self.accuracy = {int(size): share for size, share in self.story["accuracy"].items()}
        self._network = ConvNet(len(self.classes)).eval().requires_grad_(False)
        self._network.load_state_dict(weights)

    def __call__(self, images: np.ndarray | Tensor) -> Verdict:
        """The `Verdict` on images [n, 3, size, size] around [-1, 1], of size 16 or 32: the mean of what the network
        says of each and of its mirror image. ValueError for another shape."""
        return Verdict.of(self._mean(images, lambda x: self._network(x).softmax(1)))

    def features(self, images: np.ndarray | Tensor) -> np.ndarray:
        """The input of the last layer, mean over the images as above and their mirror images: float64 [n, 192]."""
        return self._mean(images, self._network.features)

    def _mean(self, images, answer):
        with single_thread():
            parts = as_seen(images).split(CHUNK)
            return torch.cat([(answer(part) + answer(part.flip(-1))) / 2 for part in parts]).double().numpy()
