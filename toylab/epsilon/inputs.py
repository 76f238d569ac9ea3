"""What every epsilon asks of its arguments."""

import torch


def checked_times(x, t, shape):
    """`t`, a scalar or [batch], as a float64 tensor on the device of `x`.

    Raises ValueError unless x is a tensor [batch, *shape] and t fits its batch, TypeError unless x is floating point.
    """
    if not isinstance(x, torch.Tensor) or tuple(x.shape[1:]) != shape or x.ndim != 1 + len(shape):
        got = tuple(x.shape) if isinstance(x, torch.Tensor) else repr(x)
        raise ValueError(f"x must be a tensor [batch, {', '.join(map(str, shape))}], got {got}")
    if not x.is_floating_point():
        raise TypeError(f"x must be floating point, got {x.dtype}")
    t = torch.as_tensor(t, dtype=torch.float64, device=x.device)
    if t.ndim and t.shape != x.shape[:1]:
        raise ValueError(f"t must be a scalar or [batch] = [{len(x)}], got shape {tuple(t.shape)}")
    return t
