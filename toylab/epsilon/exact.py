"""The exact epsilon of a finite set of points, in closed form."""

import math

import torch
from torch import Tensor

from toylab._errors import number
from toylab._threads import small_on_one_thread
from toylab._types import ScheduleLike
from toylab.epsilon.inputs import checked_times
from toylab.schedules import as_schedule

WIDEST = 1e6  # spread, whose square must be a number in float32
CHUNK = 2**23  # pairs (particle, point) held at once: 64 MiB a float64 table
DIRECT = 16  # up to this dimension squared distances are summed directly: a matrix product cancels digits


def exact_eps(points: Tensor, schedule: ScheduleLike, spread: float = 0.0) -> "ExactEps":
    """The epsilon of data that is one of `points` [k, *shape], each spread by a Gaussian of that std.

    Returns an `ExactEps`: ``eps(x, t) -> like x`` and ``eps.log_prob(x, t) -> [batch]``.
    Raises TypeError or ValueError for a point set that is empty, not finite or not floating point, and for
    a negative spread.
    """
    return ExactEps(points, schedule, spread)


class ExactEps:
    """``eps*(x, t) = -sqrt(1 - alpha_bar) grad log p_t(x)`` with ``p_t`` the mixture of Gaussians of
    means ``sqrt(alpha_bar) points`` and variance ``alpha_bar spread^2 + 1 - alpha_bar``.

    Works in the dtype of `x`, float32 at least, in chunks, so that many points and many particles fit into memory.

    Attributes:
        points: tensor [k, *shape]. schedule: the noise schedule. spread: std of each point.
        shape, dtype, device: those of one point; samplers start from them.
    """

    def __init__(self, points: Tensor, schedule: ScheduleLike, spread: float = 0.0):
        try:
            points = torch.as_tensor(points)
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"points must be a tensor [k, *shape], got a {type(points).__name__}") from error
        if points.ndim < 2 or points.numel() == 0:
            got = tuple(points.shape)
            raise ValueError(f"points must be a non-empty tensor [k, *shape], got shape {got}")
        if not points.is_floating_point():
            raise TypeError(f"points must be floating point, got {points.dtype}")
        if not points.isfinite().all():
            raise ValueError("points must be finite, but some are infinite or NaN")
        self.points = points.detach()
        self.schedule = as_schedule(schedule)
        self.spread = number("spread", spread, 0, WIDEST)

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.points.shape[1:])

    @property
    def dtype(self) -> torch.dtype:
        return self.points.dtype

    @property
    def device(self) -> torch.device:
        return self.points.device

    @small_on_one_thread
    def __call__(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Exact epsilon at x [batch, *shape], t a scalar or [batch] in (0, 1] (0 too where spread > 0)."""
        rows, log_ab, variance = self._prepare(x, t)
        scale, noise_std = (log_ab / 2).exp(), (-torch.expm1(log_ab)).sqrt()
        means = [self._mean(torch.softmax(logits, 1)) for logits in self._logits(rows, scale, variance)]
        return (noise_std / variance * (rows - scale * torch.cat(means))).reshape(x.shape).to(x.dtype)

    @small_on_one_thread
    def log_prob(self, x: Tensor, t: Tensor | float) -> Tensor:
        """Exact log p_t(x) of x [batch, *shape]: [batch], in the dtype of x, float32 at least."""
        rows, log_ab, variance = self._prepare(x, t)
        parts = [torch.logsumexp(logits, 1) for logits in self._logits(rows, (log_ab / 2).exp(), variance)]
        dimension = rows.shape[1]
        log_norm = math.log(len(self.points)) + dimension / 2 * torch.log(2 * math.pi * variance[:, 0])
        return torch.cat(parts) - log_norm

    def _prepare(self, x, t):
        """x as rows [batch, d]; log alpha_bar and the variance of a point's Gaussian, [batch, 1]; in float32 at least,
        since squared distances in proportion to that variance soon pass the largest number of float16."""
        t = checked_times(x, t, self.shape)
        log_ab = self.schedule.log_alpha_bar(t)
        variance = log_ab.exp() * self.spread**2 - torch.expm1(log_ab)
        rows = x.flatten(1).to(torch.promote_types(x.dtype, torch.float32))
        least = torch.finfo(rows.dtype).tiny ** 0.5  # below, squared distances in proportion to it are no numbers
        if not (variance >= least).all():
            raise ValueError(
                f"t must be greater than 0 where spread is 0, so that the variance of p_t around a point is at least "
                f"{least:.1e} in {rows.dtype}; got t = {t.min().item():g} with spread {self.spread:g}"
            )
        log_ab, variance = (value.to(rows.dtype).expand(len(x))[:, None] for value in (log_ab, variance))
        return rows, log_ab, variance

    def _logits(self, rows, scale, variance):
        """Yields log-weights [chunk, k] of the points, up to a constant, by chunks of rows."""
        points = self.points.reshape(len(self.points), -1).to(rows.device)
        size = max(1, CHUNK // len(points))
        chunks = zip((rows / scale).split(size), (scale**2 / (-2 * variance)).split(size), strict=True)
        for places, precision in chunks:
            yield _squared_distances(places, points).mul_(precision)

    def _mean(self, weights):
        """The mean of the points under weights [chunk, k]: [chunk, d] in the dtype of weights."""
        blocks = _blocks(self.points.reshape(len(self.points), -1).to(weights.device))
        parts = weights.split([len(block) for block in blocks], 1)
        return sum(part @ block.to(part.dtype) for part, block in zip(parts, blocks, strict=True))


def _squared_distances(rows, points):
    """Squared Euclidean distances [n, k] of rows [n, d] and points [k, d], in the dtype of rows."""
    if rows.shape[1] <= DIRECT:  # in place and along contiguous points: a new table takes longer than its numbers
        columns = zip(rows.T[..., None], points.to(rows.dtype).T.contiguous(), strict=True)
        squares = ((a - b).square_() for a, b in columns)
        total = next(squares)
        for square in squares:
            total += square
        return total
    dtype, rows = rows.dtype, rows.double()
    norms = (rows**2).sum(1, keepdim=True)
    blocks = map(torch.Tensor.double, _blocks(points))
    squares = [norms + (block**2).sum(1) - 2 * rows @ block.T for block in blocks]
    return torch.cat(squares, 1).clamp(min=0).to(dtype)


def _blocks(points):
    """points [k, d] in parts small enough to be copied to another dtype."""
    return points.split(max(1, CHUNK // points.shape[1]))
