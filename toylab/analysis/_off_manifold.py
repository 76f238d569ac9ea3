"""Off the manifold at every t: how far a trajectory strays from where the forward process would be."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial import KDTree

from toylab import datasets
from toylab._errors import in_short, number, positive_int
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import ManifoldLike, ScheduleLike
from toylab.analysis._arguments import known_manifold
from toylab.analysis._result import Result, pick
from toylab.analysis._sweep import Sweep
from toylab.analysis._table import Table
from toylab.epsilon.exact import WIDEST
from toylab.problems.problem import Problem
from toylab.samplers import Trajectory
from toylab.schedules import as_schedule

FORWARD_SEED = 20220209
LEVELS = (64, 256, 1024, 4096)  # points that stand for a manifold: the fewer, the more noise there is
FIRST = 1e-6  # there is no noise to compare with at t = 0; earlier nodes are scored as if they were here
ROWS = 2**17  # pairs (particle, point) held at once, small enough for a cache


@dataclass(frozen=True, repr=False)
class OffManifold(Result):
    """The scores of a trajectory at each of its nodes.

    Attributes:
        times: float64 [steps + 1].
        ratio: float64 [steps + 1], r_t: the rms distance of x_t / sqrt(alpha_bar) to the manifold, divided by
            the same for forward-process samples at t. Above 1 is off the manifold, below 1 over-denoised.
        band: float64 [2, steps + 1], the 1 % and 99 % quantiles of r_t for as many forward-process samples.
        unlikely: bool [steps + 1, batch], the particles whose exact log p_t lies below the 1 % quantile of
            forward-process samples, and those that are no longer finite.
        method, nfe: of the trajectory, "" and None for a pair of arrays.
    """

    drawn_by = "plot_scores"
    times: np.ndarray
    ratio: np.ndarray
    band: np.ndarray
    unlikely: np.ndarray
    method: str = ""
    nfe: int | None = None

    @property
    def share(self) -> np.ndarray:
        """The share of unlikely particles at every node, float64 [steps + 1]; about 0.01 on the manifold."""
        return self.unlikely.mean(1)

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.times) - 1

    def as_dict(self) -> dict:
        """All numbers but those of single particles."""
        found = pick(self, "method", "steps", "nfe", "times", "ratio")
        return found | {"forward": self.band, "unlikely": self.share}

    def table(self) -> Table:
        """r_t at every node, where the forward process is, and a word for what is above or below it."""
        rows = []
        for t, ratio, (low, high), share in zip(self.times, self.ratio, self.band.T, self.share, strict=True):
            word = "" if low <= ratio <= high else "over-denoised" if ratio < low else "off"
            shown = f"{ratio:.2f}" if ratio < 100 else ratio
            rows.append((f"{t:.3g}", shown, f"{low:.2f} to {high:.2f}", f"{share:.1%}", word))
        return Table(("t", "r_t", "forward", "unlikely", ""), tuple(rows))


def off_manifold(
    traj: Trajectory | tuple, manifold: ManifoldLike | Problem, schedule: ScheduleLike | None = None,
    spread: float = 0.0, points: int | None = None, forward: int = 2048, quantile: float = 0.01,
) -> OffManifold:  # fmt: skip
    """Score every node of a trajectory against the forward process of the data on `manifold`.

    Args:
        traj: a `Trajectory` with recorded states, or a pair (times [k], states [k, batch, 2]).
        manifold: a Manifold or its name, or a `Problem` that has one.
        schedule: the schedule or its name; by default that of the problem.
        spread: std of the Gaussian around each point of the manifold that the data has, in [0, 1e6].
        points: how many even points stand for the manifold in log p_t; by default as many as it takes for
            their spacing to drown in the noise at t, up to 4096 (where these do not suffice, within squares
            near t = 0, each is blurred by half the spacing).
        forward: how many forward-process samples the scores are compared with, at least 100.
        quantile: of the forward samples' log p_t, below which a particle counts as unlikely.

    Returns an `OffManifold`. Raises ValueError or TypeError naming the argument.
    """
    times, states = _times_and_states(traj)
    ratio, band, unlikely = [], [], []
    with single_thread():
        scale = _Scale(manifold, schedule, spread, points, forward, quantile)
        for t, x in zip(times.tolist(), states, strict=True):
            theirs, ours = scale.squared_distances(t), scale.squared_distances(t, x)
            ratio.append((ours.mean() / theirs.mean()).sqrt().item())
            band.append(_band(theirs, len(x)))
            unlikely.append(scale.unlikely(t, x))
    run = {"method": traj.method, "nfe": traj.nfe} if isinstance(traj, Trajectory) else {}
    return OffManifold(times.numpy(), np.array(ratio), np.array(band).T, np.array(unlikely), **run)


def unlikely_of_sweep(
    sweep: Sweep, manifold: ManifoldLike | Problem, schedule: ScheduleLike | None = None, spread: float = 0.0,
    points: int | None = None, forward: int = 2048, quantile: float = 0.01,
    progress: bool | Callable[[float], object] = True,
) -> dict:  # fmt: skip
    """Which particles of a `Sweep` are unlikely, at every node of every run, for the colours of a player.

    Arguments as for `off_manifold`; progress is True for a bar on work over two seconds, or a callable that gets
    the done part in [0, 1]. The particles of all runs at one t are scored together.

    Returns a dict (method, N) -> bool array [N + 1, n]. Raises ValueError or TypeError naming the argument.
    """
    if not isinstance(sweep, Sweep):
        raise TypeError(f"sweep must be a toylab Sweep, got {in_short(sweep)}")
    scale = _Scale(manifold, schedule, spread, points, forward, quantile)
    where = {}  # t -> the (run, node) that show it
    for run in sweep.states:
        for node, t in enumerate(sweep.times[run[1]].tolist()):
            where.setdefault(t, []).append((run, node))
    found = {run: np.zeros(states.shape[:2], bool) for run, states in sweep.states.items()}
    bar = Bar(where.items(), desc="unlikely particles", show=progress is True)
    with single_thread():
        for done, (t, shown) in enumerate(bar, 1):
            x = torch.from_numpy(np.stack([sweep.states[run][node] for run, node in shown]))
            unlikely = scale.unlikely(t, x.reshape(-1, 2)).reshape(x.shape[:2])
            for (run, node), particles in zip(shown, unlikely, strict=True):
                found[run][node] = particles
            if callable(progress):
                progress(done / len(where))
    return found


class _Scale:
    """The scale for particles: the manifold as points, and samples of its forward process.

    Everything is computed for y = x / sqrt(alpha_bar), where the forward process adds noise of std sigma.
    """

    def __init__(self, manifold, schedule, spread, points, forward, quantile):
        if isinstance(manifold, Problem):
            manifold, schedule = known_manifold(manifold), manifold.schedule if schedule is None else schedule
        self.manifold, self.schedule = datasets.as_manifold(manifold), as_schedule(schedule)
        self.spread = number("spread", spread, 0, WIDEST)
        self.quantile = number("quantile", quantile, 0, 0.5, open_low=True)
        counts = LEVELS if points is None else (positive_int("points", points),)
        self.levels = [_even_points(self.manifold, count) for count in counts]
        n, finest = positive_int("forward", forward, 100), self.levels[-1][0]
        generator = torch.Generator().manual_seed(FORWARD_SEED)
        self.x0 = finest[torch.randint(len(finest), (n,), generator=generator)]
        self.jitter, self.noise = torch.randn(2, n, 2, generator=generator, dtype=torch.float64)

    def squared_distances(self, t, x=None):
        """Of y to the manifold, [batch]; of the forward samples without `x`."""
        t = max(t, FIRST)
        y = self._forward(t, self.spread) if x is None else x.double() / self.schedule.alpha_bar(t) ** 0.5
        return self.manifold.distance(y).double().square()

    def unlikely(self, t, x):
        """Which of x [batch, 2] have a smaller p_t than that quantile of the forward samples: bool [batch]."""
        t = max(t, FIRST)
        sigma = self.schedule.sigma(t)
        points, spacing = next((level for level in self.levels if level[1] <= sigma), self.levels[-1])
        width = self.spread if spacing <= sigma else max(self.spread, spacing / 2)
        y = x.double() / self.schedule.alpha_bar(t) ** 0.5
        rows = torch.cat([y, self._forward(t, width)])
        log_p = _log_density(rows, points, width**2 + sigma**2)
        return (~(log_p[: len(y)] >= log_p[len(y) :].quantile(self.quantile))).numpy()

    def _forward(self, t, width):
        return self.x0 + width * self.jitter + self.schedule.sigma(t) * self.noise


def _even_points(manifold, count):
    """(points, their spacing); a manifold of a few points is these, and has no gaps to drown."""
    points = np.unique(manifold.curve(count).numpy(), axis=0)
    if len(points) < count:
        return torch.from_numpy(points), 0.0
    spacing = np.median(KDTree(points).query(points, 2)[0][:, 1]) if count > 1 else np.inf
    return torch.from_numpy(points), float(spacing)


def _log_density(rows, points, variance):
    """log of the mixture of Gaussians of that variance around points [k, 2], up to a constant, at rows [n, 2]."""
    parts = []
    for y in rows.split(max(1, ROWS // len(points))):
        squares = (y[:, :1] - points[:, 0]).square_()
        squares += (y[:, 1:] - points[:, 1]).square_()
        least = squares.amin(1, keepdim=True)
        weights = squares.sub_(least).mul_(-0.5 / variance).exp_()
        parts.append(weights.sum(1).log_() - least[:, 0] * (0.5 / variance))
    return torch.cat(parts)


def _times_and_states(traj):
    if isinstance(traj, Trajectory):
        traj = traj.times, traj.states
    if not isinstance(traj, tuple) or len(traj) != 2:
        raise TypeError(f"traj must be a Trajectory or a pair (times, states), got {in_short(traj)}")
    times, states = traj
    if states is None:
        raise ValueError("traj must have recorded states; sample with record=True")
    times, states = torch.as_tensor(times).double().cpu(), torch.as_tensor(states).double().cpu()
    if states.ndim != 3 or states.shape[2] != 2 or times.shape != states.shape[:1]:
        got = f"{tuple(states.shape)} and {tuple(times.shape)}"
        raise ValueError(f"traj must have states [k, batch, 2] at times [k], got {got}")
    return times, states


def _band(squares, batch, resamples=1000):
    """1 % and 99 % quantiles of r_t over batches drawn from the forward samples' squared distances."""
    generator = torch.Generator().manual_seed(FORWARD_SEED)
    drawn = squares[torch.randint(len(squares), (resamples, batch), generator=generator)].mean(1)
    return (drawn / squares.mean()).sqrt().quantile(torch.tensor([0.01, 0.99], dtype=torch.float64)).tolist()
