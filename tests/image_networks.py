"""Untrained networks for images, small enough for tests."""

import sys
from types import SimpleNamespace

import torch

from toylab.epsilon import checkpoints
from toylab.epsilon.unet import UNet
from toylab.schedules import as_schedule

CONFIG = {
    "sample_size": 8, "in_channels": 3, "out_channels": 3, "block_out_channels": [8, 16], "layers_per_block": 1,
    "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"], "attention_head_dim": None,
}  # fmt: skip
TINY = {
    "sample_size": 8, "in_channels": 1, "out_channels": 1, "block_out_channels": [8, 16], "layers_per_block": 1,
    "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "DownBlock2D"],
    "up_block_types": ["UpBlock2D", "UpBlock2D"],
}  # fmt: skip


def make_training_tiny(monkeypatch, folder):
    """Networks and sample grids so small that a run takes a second or two, in this empty folder."""
    monkeypatch.setattr("toylab.training.recipes.unet_config", lambda name: TINY)
    monkeypatch.setattr("toylab.training.record.GRID", 4)
    monkeypatch.setattr("toylab.training.record.GRID_STEPS", 2)
    monkeypatch.chdir(folder)


def small_unet(schedule="linear", seed=0):
    """A UNet for 3x8x8 images with weights drawn from this seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(schedule, prediction="v", **CONFIG).eval().requires_grad_(False)
    network.dataset = "noise"
    return network


def labelled_unet(classes, seed=0, schedule="linear", **changes):
    """A UNet for 3x8x8 images that knows these classes, with weights drawn from this seed."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        arguments = {**CONFIG, "prediction": "v", **changes}
        return UNet(schedule, classes=classes, **arguments).eval().requires_grad_(False)


def save_small_unet(folder, name, schedule="linear", seed=0):
    """Save it where `toylab.load` finds it by name if `folder` is the data folder; returns the path."""
    path = folder / "checkpoints" / f"{name}.safetensors"
    checkpoints.save(small_unet(schedule, seed), path)
    return path


class Shrinking(torch.nn.Module):
    """eps = scale x: a network whose answer for one image cannot depend on the others, not by rounding either."""

    shape, dataset = (1, 4, 4), None

    def __init__(self, schedule="linear", scale=0.75):
        super().__init__()
        self.schedule = as_schedule(schedule)
        self.scale = torch.nn.Parameter(torch.tensor(scale))

    def forward(self, x, t):
        return self.scale * x


def pretend_inception(monkeypatch, folder):
    """A network of torch-fidelity's form in place of its own: bytes in, a tuple of features out, three an image.

    Returns the path of its weights, and a list of (features, path) that grows with each network.
    """
    given = []

    class Network:
        def __init__(self, name, features, path):
            given.append((features, path))

        def __call__(self, x):
            assert x.dtype == torch.uint8 and x.shape[1] == 3
            return (x.float().mean((2, 3)) / 127.5 - 1,)

    module = SimpleNamespace(FeatureExtractorInceptionV3=Network)
    monkeypatch.setitem(sys.modules, "torch_fidelity", SimpleNamespace())
    monkeypatch.setitem(sys.modules, "torch_fidelity.feature_extractor_inceptionv3", module)
    torch.save({"w": torch.zeros(1)}, folder / "weights.pth")
    return folder / "weights.pth", given
