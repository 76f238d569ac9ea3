"""The demands of every epsilon on its arguments."""

import torch
from torch import Tensor


def checked_times(x: Tensor, t: Tensor | float, shape: tuple[int, ...], training: bool = False) -> Tensor:
    """`t` in [0, 1], a scalar or [batch], as a float64 tensor on the device of `x`.

    training: whether a network is trained, and a GPU should not be waited for, as it is to look at the values of t.

    Raises ValueError unless x is a tensor [batch, *shape] and t lies in [0, 1] and fits its batch, TypeError unless x
    is floating point and t a number or a tensor.
    """
    if not isinstance(x, Tensor) or tuple(x.shape[1:]) != shape or x.ndim != 1 + len(shape):
        got = tuple(x.shape) if isinstance(x, Tensor) else repr(x)
        raise ValueError(f"x must be a tensor [batch, {', '.join(map(str, shape))}], got {got}")
    if not x.is_floating_point():
        raise TypeError(f"x must be floating point, got {x.dtype}")
    try:
        t = torch.as_tensor(t, dtype=torch.float64, device=x.device)
    except (TypeError, ValueError, RuntimeError) as error:
        raise TypeError(f"t must be a number or a tensor of numbers, got {t!r}") from error
    if t.ndim and t.shape != x.shape[:1]:
        raise ValueError(f"t must be a scalar or [batch] = [{len(x)}], got shape {tuple(t.shape)}")
    unseen = t.is_meta or (training and t.device.type != "cpu") or torch.compiler.is_compiling()
    if not unseen and t.numel():
        low, high = (value.item() for value in t.aminmax())
        if not 0 <= low <= high <= 1:  # false for NaN
            raise ValueError(f"t must lie in [0, 1], got {low:g}" + (f" to {high:g}" if high != low else ""))
    return t
