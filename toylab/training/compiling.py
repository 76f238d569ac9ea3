"""torch.compile, trusted only after a look at its gradients."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from toylab._extras import extra

ROUND_OFF = {"float32": 1e-2, "bfloat16": 0.1}  # of a gradient, in proportion, far above what is seen


def compiled(network: nn.Module, loss: Callable[[nn.Module], Tensor], precision: str) -> nn.Module:
    """`network` compiled, with its upsampling changed in place (see `Doubled`). ``loss(network)`` is a loss, of which
    both must have the same gradient: ValueError otherwise, and where it cannot be compiled."""
    _double(network)
    # Layers that draw random numbers must draw those of the uncompiled network, to be compared with it.
    fast, weights = torch.compile(network, options={"fallback_random": True}), list(network.parameters())
    kept = [weight.detach().clone() for weight in weights]
    try:
        _stir(weights)  # layers that start at 0 hide all that lies before them
        slow_gradient, fast_gradient = (_gradient(model, weights, loss) for model in (network, fast))
    except torch._dynamo.exc.TorchDynamoException as error:
        lines = [line.strip() for line in str(error).splitlines() if line.strip()]
        reason = " ".join(lines[: 2 if lines[0].endswith(":") else 1])
        raise ValueError(f"compile does not work for this network here ({reason}); leave it out") from error
    finally:
        _set(weights, kept)
    difference = ((fast_gradient - slow_gradient).norm() / slow_gradient.norm()).item()
    if not difference <= ROUND_OFF[precision]:
        raise ValueError(
            f"compile gives this network gradients that are wrong by {difference:.1%} with torch {torch.__version__}; "
            "leave it out"
        )
    return fast


def _gradient(model, weights, loss):
    torch.manual_seed(0)
    found = torch.autograd.grad(loss(model), weights, allow_unused=True, materialize_grads=True)
    return torch.cat([part.reshape(-1) for part in found])


@torch.no_grad()
def _stir(weights):
    torch.manual_seed(0)
    for weight in weights:
        weight.add_(0.02 * torch.randn_like(weight))


@torch.no_grad()
def _set(weights, values):
    for weight, value in zip(weights, values, strict=True):
        weight.copy_(value)


class Doubled(nn.Module):
    """diffusers' `Upsample2D` with the same values from repetition rather than interpolation: torch 2.13 compiles the
    gradient of the latter wrongly, to 0, without a word."""

    def __init__(self, conv: nn.Module):
        super().__init__()
        self.conv = conv

    def forward(self, x: Tensor, output_size: tuple[int, int] | None = None) -> Tensor:
        """x [n, c, h, w] -> [n, c, 2 h, 2 w]; another size is refused."""
        n, c, h, w = x.shape
        if output_size is not None and tuple(output_size) != (2 * h, 2 * w):
            raise ValueError(f"output_size must be {(2 * h, 2 * w)}, got {tuple(output_size)}")
        return self.conv(x[:, :, :, None, :, None].expand(n, c, h, 2, w, 2).reshape(n, c, 2 * h, 2 * w))


def _double(network):
    with extra("images"):
        from diffusers.models.upsampling import Upsample2D

    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Upsample2D) and child.use_conv and child.interpolate and child.name == "conv":
                setattr(parent, name, Doubled(child.conv))
