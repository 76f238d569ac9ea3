"""The second stage of a cascade: an epsilon-network for images, given them at half their size."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, pixel_shuffle, pixel_unshuffle

from toylab._files import finite
from toylab._types import ScheduleLike
from toylab.epsilon.conditioned import Conditioned
from toylab.epsilon.unet import UNet, size_of

HALF = 2  # the small image has half the height and width, and every block of 2x2 pixels is one of the model's
NOISE = 0.05  # std of the noise that small images get in training


class Sharpener(UNet):
    """A `UNet` that is also given the image at half its height and width (Ho et al. 2022, Cascaded Diffusion Models).

    Its model works on blocks of 2x2 pixels: 4 c channels of x and c of the small image in, 4 c out. In training the
    small images get noise of std `NOISE`, so that those of a first stage, which are no photographs, are as good, and
    some are left out, so that ``net(x, t)`` stays an eps of all data.

    Args:
        schedule, prediction: as for a `UNet`.
        **config: arguments of `UNet2DModel`; sample_size is that of the small images, in_channels is 5 c and
            out_channels 4 c.

    Attributes: those of a `UNet`; `shape` is that of the large images, `low` that of the small ones.
    """

    def __init__(self, schedule: ScheduleLike = "linear", *, prediction: str = "v", **config: Any):
        if config.get("num_class_embeds") or config.get("classes"):
            raise ValueError("classes must be left out: the first stage has them")
        super().__init__(schedule, prediction=prediction, **config)
        channels, *size = self.shape
        self.low = (channels, *(side // HALF for side in size))

    def of(self, low: Tensor) -> Sharpened:
        """The network as an eps of what these images [batch, *self.low], from -1 to 1, may be at full size.

        Raises TypeError or ValueError for what are no such images.
        """
        if not isinstance(low, Tensor) or not low.is_floating_point():
            raise TypeError(f"low must be a floating-point tensor [batch, *{self.low}], got {low!r:.60}")
        if low.ndim != 4 or tuple(low.shape[1:]) != self.low or not len(low):
            raise ValueError(f"low must have shape [batch, {', '.join(map(str, self.low))}], got {list(low.shape)}")
        if not low.isfinite().all():
            raise ValueError("low must be finite")
        return Sharpened(self, low.detach().clone())

    def forward(self, x: Tensor, t: Tensor | float, low: Tensor | None = None) -> Tensor:
        """Epsilon at x [batch, *shape] (floating point), t a scalar or [batch] in [0, 1], of any dtype: like x.

        low: the small images [batch, *self.low]; without, epsilon is that of all data.
        """
        return super().forward(x, t, low)

    def _answer(self, x, timestep, labels):
        low = x.new_zeros(len(x), *self.low) if labels is None else labels.to(x)
        if len(low) != len(x):
            raise ValueError(f"low must be one image a particle, got {len(low)} for {len(x)} particles")
        return pixel_shuffle(
            self.model(torch.cat([pixel_unshuffle(x, HALF), low], 1), timestep, return_dict=False)[0], HALF
        )

    @staticmethod
    def _shape_of(config):
        blocks = HALF**2
        channels = config["out_channels"] // blocks
        if channels < 1 or (config["out_channels"], config["in_channels"]) != (
            blocks * channels,
            (blocks + 1) * channels,
        ):
            raise ValueError(
                f"in_channels and out_channels must be {blocks + 1} and {blocks} times the channels of an image, "
                f"got {config['in_channels']} and {config['out_channels']}"
            )
        return channels, *(HALF * side for side in size_of(finite(config["sample_size"])))


class Sharpened(Conditioned):
    """A `Sharpener` with the small images that it is to sharpen, see `Sharpener.of`.

    Attributes:
        low: the small images [batch, *network.low], one a particle. Others: those of a `Conditioned`.
    """

    what, one = "low", " image"


def made_small(x: Tensor) -> Tensor:
    """Images [batch, c, h, w] at half their height and width: the means of blocks of 2x2 pixels."""
    return avg_pool2d(x, HALF)
