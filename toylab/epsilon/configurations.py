"""The image networks that have names: what each is built of."""

from toylab._errors import unknown_name


def _ddpm(size, channels, widths, layers, attention):
    """The UNet of Ho et al. (2020) for `size` x `size` images: `widths` a level from fine to coarse, `layers` residual
    blocks a level, one-headed attention at the resolutions in `attention`."""
    attends = [size >> level in attention for level in range(len(widths))]
    return {
        "sample_size": size,
        "in_channels": channels,
        "out_channels": channels,
        "block_out_channels": list(widths),
        "layers_per_block": layers,
        "down_block_types": ["AttnDownBlock2D" if here else "DownBlock2D" for here in attends],
        "up_block_types": ["AttnUpBlock2D" if here else "UpBlock2D" for here in reversed(attends)],
        "attention_head_dim": None,
        "downsample_padding": 0,
        "flip_sin_to_cos": False,
        "freq_shift": 1,
        "norm_eps": 1e-6,
    }


def _sharp(size, channels, widths, layers):
    """A `Sharpener`'s UNet for `size` x `size` images: on blocks of 2x2 pixels, with the small image, no attention."""
    inner = _ddpm(size // 2, 4 * channels, widths, layers, ())
    return inner | {"in_channels": 5 * channels}


UNETS = {
    "digits": _ddpm(8, 1, (32, 64), 2, (4,)),
    "digits-small": _ddpm(8, 1, (32, 64), 1, (4,)),
    "cifar10-16": _ddpm(16, 3, (32, 64, 96), 1, (8,)),
    "cifar10-small": _ddpm(32, 3, (32, 64, 96), 1, (8,)),
    "cifar10-medium": _ddpm(32, 3, (64, 128, 128, 128), 2, (16,)),
    "cifar10": _ddpm(32, 3, (128, 256, 256, 256), 2, (16,)),
}
SHARPENERS = {"cifar10-sharp": _sharp(32, 3, (64, 96), 1)}


def unet_config(name: str) -> dict:
    """The `UNet2DModel` arguments of a named configuration, as a new dict. ValueError for an unknown name."""
    if not isinstance(name, str) or name not in UNETS | SHARPENERS:
        raise unknown_name("configuration", name, [*UNETS, *SHARPENERS])
    return dict((UNETS | SHARPENERS)[name])
