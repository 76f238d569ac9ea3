"""The judge of photographs: what it sees, what it refuses, and how it is trained."""

import numpy as np
import pytest
import torch
from image_networks import labelled_unet
from torch.nn import functional as F

import toylab
from scripts import classifier as training
from scripts import shares
from toylab.images import Images, ImageSampler, PhotoClassifier
from toylab.images.photographs import ConvNet, as_seen, whitening


def photographs(n, size=32, seed=0):
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.fixture(scope="module")
def untrained(tmp_path_factory):
    """A classifier of three classes with random weights"""
    path = tmp_path_factory.mktemp("classifier") / "net.safetensors"
    torch.manual_seed(0)
    training.write(path, ConvNet(3).eval(), {"classes": ["a", "b", "c"], "accuracy": {"16": 0.3}})
    return PhotoClassifier(path)


def test_a_small_image_is_seen_in_blocks():
    x = photographs(2, 16)
    seen = as_seen(x)
    assert seen.shape == (2, 3, 32, 32) and torch.equal(F.avg_pool2d(seen, 2), x)


@pytest.mark.parametrize("size", [16, 32])
def test_an_image_and_its_mirror_image_are_judged_alike(untrained, size):
    x = photographs(5, size)
    one, other = untrained(x), untrained(x.flip(-1).numpy())
    assert np.array_equal(one.classes, other.classes)
    assert np.allclose(one.confidence, other.confidence, rtol=1e-5)
    assert np.allclose(untrained.features(x), untrained.features(x.flip(-1)), rtol=1e-4, atol=1e-5)
    assert one.shares.sum() == pytest.approx(1) and untrained.features(x).shape == (5, 192)


def test_many_images_are_judged_like_few(untrained):
    x = photographs(300, 16)
    few = untrained(x[-3:])
    assert np.array_equal(untrained(x).classes[-3:], few.classes)


@pytest.mark.parametrize("shape", [(2, 1, 32, 32), (2, 3, 32, 16), (2, 3, 8, 8), (0, 3, 16, 16), (3, 32, 32)])
def test_other_images_are_refused(untrained, shape):
    with pytest.raises(ValueError, match=r"images must be"):
        untrained(torch.zeros(shape))


def test_whitened_blocks_are_uncorrelated():
    x = F.avg_pool2d(photographs(60, 64), 2)
    blocks = F.conv2d(x, whitening(x), stride=3).transpose(0, 1).reshape(48, -1)
    covariance = torch.cov(blocks)
    assert (covariance - covariance.diag().diag()).abs().max() < 0.01 and covariance.diag().max() < 1.01


def coloured(n):
    """Red and blue noise, which anyone tells apart"""
    labels = torch.arange(n) % 2
    pixels = torch.randint(0, 90, (n, 3, 32, 32), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    pixels[torch.arange(n), 2 * labels] += 100
    return Images("coloured", pixels, labels=labels, classes=["red", "blue"])


def test_training_makes_a_classifier_that_is_right_at_both_sizes(tmp_path):
    data = coloured(640)
    training.write(tmp_path / "net.safetensors", training.train(data, 8, 0), {"classes": data.classes, "accuracy": {}})
    found = PhotoClassifier(tmp_path / "net.safetensors")
    assert training.accuracy(found, data) == {16: 1.0, 32: 1.0} and found.classes == ["red", "blue"]


def test_the_share_of_a_class_is_what_the_judge_says(untrained):
    network = labelled_unet(["a", "b", "c"], sample_size=16)
    found = shares.shares(network, untrained, 6)
    asked = torch.arange(6) % 3
    x = ImageSampler(toylab.guided(network.of(asked), network, 4), "S-PNDM", 30).images(6, progress=False).x
    right = untrained(x).classes == asked.numpy()
    assert found["scales"]["4"]["share"] == pytest.approx(right.mean()) and found["real"] == 0.3
    assert found["scales"]["4"]["by_class"]["b"] == pytest.approx(right[[1, 4]].mean())
