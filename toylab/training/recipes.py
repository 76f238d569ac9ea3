"""The image networks that can be trained by name, and what each needs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from toylab._errors import unknown_name
from toylab.epsilon.configurations import SHARPENERS, UNETS, unet_config
from toylab.training.config import TrainConfig

if TYPE_CHECKING:
    from toylab._types import ScheduleLike
    from toylab.epsilon.unet import UNet


@dataclass(frozen=True)
class Recipe:
    """The recipe of one image network.

    name: also that of its UNet or Sharpener in `toylab.epsilon.configurations`. data: what `toylab.images.load` takes.
    flip: whether images are mirrored at random. schedule, prediction: defaults. config: the `TrainConfig`.
    time: what people should expect, in words.
    """

    name: str
    data: str
    flip: bool
    config: TrainConfig
    time: str
    schedule: str = "linear"
    prediction: str = "eps"

    @property
    def size(self) -> int:
        """Height and width of the images."""
        return 2 * SHARPENERS[self.name]["sample_size"] if self.sharpens else UNETS[self.name]["sample_size"]

    @property
    def sharpens(self) -> bool:
        """True for a `toylab.epsilon.Sharpener`."""
        return self.name in SHARPENERS

    def network(
        self, schedule: ScheduleLike | None = None, prediction: str | None = None, classes: Sequence[str] | None = None
    ) -> UNet:
        """The network with random weights; schedule, prediction: in place of the recipe's. classes: see `UNet`."""
        from toylab.epsilon.sharpener import Sharpener  # and with it diffusers, which takes seconds
        from toylab.epsilon.unet import UNet

        about = {"prediction": self.prediction if prediction is None else prediction, **unet_config(self.name)}
        schedule = self.schedule if schedule is None else schedule
        return Sharpener(schedule, **about) if self.sharpens else UNet(schedule, classes=classes, **about)

    def about(self) -> dict:
        """The facts to know before training, as a JSON-able dict; the parameters are counted."""
        import torch

        with torch.device("meta"):
            network = self.network()
        return {
            "name": self.name,
            "shape": list(network.shape),
            "parameters": sum(p.numel() for p in network.parameters()),
            "data": self.data,
            "flip": self.flip,
            "schedule": self.schedule,
            "prediction": self.prediction,
            "time": self.time,
            **asdict(self.config),
        }


_PLAIN = {"t_sampling": "uniform", "weighting": "eps", "warmup": 0.02}
_V = {**_PLAIN, "weighting": "v"}  # natural colours after 125,000 images; predicting eps, saturated ones after 203,000

RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(
            "digits", "digits", False, TrainConfig(4000, 128, 1e-3, ema=0.999, **_PLAIN),
            "half an hour, 2 cores", prediction="v",
        ),
        Recipe(
            "digits-small", "digits", False, TrainConfig(4000, 128, 1e-3, ema=0.999, **_V),
            "a quarter of an hour, 2 cores", prediction="v",
        ),
        Recipe(
            "cifar10-16", "cifar10-16", True, TrainConfig(20000, 128, 1e-3, ema=0.9995, **_V),
            "2 hours, 2 cores", prediction="v",
        ),
        Recipe(
            "cifar10-sharp", "cifar10", True, TrainConfig(4000, 128, 1e-3, ema=0.999, **_V),
            "half an hour, 2 cores", prediction="v",
        ),
        Recipe(
            "cifar10-small", "cifar10", True, TrainConfig(12000, 128, 1e-3, ema=0.999, **_V),
            "4 to 8 hours, 2 cores", prediction="v",
        ),
        Recipe(
            "cifar10-medium", "cifar10", True,
            TrainConfig(40000, 512, 6e-4, ema=0.9995, precision="bfloat16", **_V),
            "1 to 2 hours, large GPU", prediction="v",
        ),
        Recipe(
            "cifar10", "cifar10", True,
            TrainConfig(800000, 128, 2e-4, ema=0.9999, precision="bfloat16", **{**_PLAIN, "warmup": 0.00625}),
            "days, large GPU",
        ),
    )
}  # fmt: skip


def recipe(name: str) -> Recipe:
    """The `Recipe` of this name. ValueError, with the nearest one, for an unknown name."""
    if not isinstance(name, str) or name.lower() not in RECIPES:
        raise unknown_name("configuration", name, list(RECIPES))
    return RECIPES[name.lower()]
