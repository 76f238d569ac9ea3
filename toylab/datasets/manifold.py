"""A data set: a set in the plane, centred and scaled, that can be sampled and measured against."""

import numpy as np
import torch
from scipy.spatial import KDTree

from toylab import _errors as errors
from toylab.datasets.geometry import Curves, Points, Squares

EVEN_POINTS = 400
MOST_NOISE = 1e30  # jitter of this size is still finite in float32


class Manifold:
    """A two-dimensional data set with a name.

    The geometry is moved and scaled, equally in both directions so that shapes keep their proportions,
    until its uniform distribution (by arc length along curves, by area in squares, equal weights for
    points) has mean zero and variance one, averaged over the two coordinates. A single point has no
    variance and stays where it is.

    `name`, `title`: for lookup and for people. `geometry`: one of the kinds in `toylab.datasets.geometry`.
    A new one takes four lines::

        def heart(u):
            t = 2 * np.pi * u
            return 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)

        manifold = Manifold("heart", "Heart", Curves(heart))
    """

    def __init__(self, name: str, title: str, geometry: Points | Squares | Curves) -> None:
        self.name = name
        self.title = title
        self._geometry = geometry
        mean, variance = geometry.moments()
        self._centre, self._scale = (mean, variance**-0.5) if variance > 0 else (np.zeros(2), 1.0)

    def __repr__(self):
        return f"Manifold({self.name!r})"

    def _normalised(self, points):
        return (points - self._centre) * self._scale

    def sample(self, n: int, seed: int | None = 0, noise: float = 0.0) -> torch.Tensor:
        """`n` random points as a float32 tensor [n, 2] on the CPU.

        They are uniform on the manifold, plus Gaussian jitter of standard deviation `noise` (0 to 1e30) in both
        coordinates. A `seed` (an integer >= 0) gives the same points every time, and the same jitter
        directions whatever its size; None gives fresh ones. ValueError or TypeError for other arguments.
        """
        n = errors.positive_int("n", n)
        noise = errors.number("noise", noise, low=0, high=MOST_NOISE)
        if seed is not None:
            seed = errors.seed_number("seed", seed)
        for_place, for_jitter = np.random.default_rng(seed).spawn(2)
        points = self._normalised(self._geometry.draw(for_place, n))
        points = points + noise * for_jitter.standard_normal((n, 2))
        return torch.from_numpy(points.astype(np.float32))

    def curve(self, n: int) -> torch.Tensor:
        """`n` points spread evenly over the noise-free manifold, as a float64 tensor [n, 2] on the CPU.

        Along curves they are equally spaced in arc length, in order, and half a spacing away from open
        ends; several curves share them in proportion to their lengths. Squares are filled with an even
        grid. Point sets are repeated in turn. Equal weights on them stand for the uniform distribution.
        """
        return torch.from_numpy(self._normalised(self._geometry.even(errors.positive_int("n", n))))

    def distance(self, x: torch.Tensor | np.ndarray) -> torch.Tensor:
        """Euclidean distance of each x [..., 2] to the noise-free manifold: a tensor [...].

        `x` is a tensor or array of floating-point numbers; the result has its dtype and device and no
        gradient. Computed in float64: exact for points, squares, lines and arcs of circles, within 1e-6 for
        other curves. A row with NaN has distance NaN, any other row that is not finite has distance
        infinity: particles that have blown up are measured, not refused. TypeError for values that are
        not floating point, ValueError when the last dimension is not 2.
        """
        x = _plane_points(x)
        flat = x.detach().cpu().double().reshape(-1, 2).numpy()
        with np.errstate(over="ignore"):
            flat = flat / self._scale + self._centre
            finite = np.isfinite(flat).all(-1)
            result = np.where(np.isnan(flat).any(-1), np.nan, np.inf)
            result[finite] = self._scale * self._geometry.distance(flat[finite])
        return torch.from_numpy(result).to(x.dtype).to(x.device).reshape(x.shape[:-1])

    def coverage(self, x: torch.Tensor | np.ndarray, radius: float = 0.15) -> float:
        """The share, in [0, 1], of 400 even points of the manifold that have some x [..., 2] within `radius`.

        Rows of `x` that are not finite cover nothing. Errors as in `distance`; `radius` > 0.
        """
        radius = errors.number("radius", radius, low=0, open_low=True)
        flat = _plane_points(x).detach().cpu().double().reshape(-1, 2).numpy()
        flat = flat[np.isfinite(flat).all(-1)]
        if len(flat) == 0:
            return 0.0
        return float((KDTree(flat).query(self.curve(EVEN_POINTS).numpy())[0] <= radius).mean())

    @property
    def components(self) -> list[np.ndarray]:
        """The strokes, points or squares for drawing: a list of float64 arrays [m_i, 2], not to be joined.

        A closed curve ends where it starts, a point is a single row, a square is its outline.
        """
        return [self._normalised(outline) for outline in self._geometry.outlines()]


def _plane_points(x):
    """`x` as a floating-point tensor whose last dimension is 2."""
    if not isinstance(x, torch.Tensor):
        try:
            x = torch.from_numpy(np.array(x, order="C"))
        except (TypeError, ValueError):
            raise TypeError(f"x must be a tensor or array of points, got {type(x).__name__}") from None
    if not x.is_floating_point():
        raise TypeError(f"x must hold floating-point numbers, got {x.dtype}")
    if x.ndim == 0 or x.shape[-1] != 2:
        raise ValueError(f"x must have shape [..., 2], got {list(x.shape)}")
    return x
