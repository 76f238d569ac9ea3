"""Test problems with closed forms, written without the package: schedules, data, flows, references."""

import math

import mpmath
import numpy as np
import torch
from scipy.integrate import solve_ivp

mpmath.mp.dps = 40

SCHEDULES = ("linear", "cosine", "quad", "sigmoid", "constant")
CLASSICAL = ("Euler", "Heun", "RK4", "AB2", "AB4")
PSEUDO = ("DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS")
PAIRS = CLASSICAL + PSEUDO


def _cosine(t):
    return (
        mpmath.cos((t + OFFSET) / (1 + OFFSET) * mpmath.pi / 2) / mpmath.cos(OFFSET / (1 + OFFSET) * mpmath.pi / 2)
    ) ** 2


def _sigmoid(t):
    return mpmath.exp(-mpmath.quad(lambda u: HALF / 5 + HALF * 199 / 5 / (1 + mpmath.exp(6 - 12 * u)), [0, t]))


OFFSET, HALF = mpmath.mpf("0.008"), mpmath.mpf("0.5")
_BETA_MIN, _BETA_MAX = mpmath.mpf("0.1"), mpmath.mpf(20)
_ROOTS = mpmath.sqrt(_BETA_MIN), mpmath.sqrt(_BETA_MAX) - mpmath.sqrt(_BETA_MIN)
_ALPHA_BAR = {
    "linear": lambda t: mpmath.exp(-(_BETA_MIN * t + (_BETA_MAX - _BETA_MIN) / 2 * t**2)),
    "cosine": _cosine,
    "quad": lambda t: mpmath.exp(-((_ROOTS[0] + _ROOTS[1] * t) ** 3 - _ROOTS[0] ** 3) / (3 * _ROOTS[1])),
    "sigmoid": _sigmoid,
    "constant": lambda t: mpmath.exp(-10 * t),
}


def alpha_bar(name, t):
    """alpha_bar(t) of the named schedule to 40 digits."""
    return _ALPHA_BAR[name](mpmath.mpf(t))


def sigma(name, t):
    """sigma(t) of the named schedule to 40 digits."""
    share = alpha_bar(name, t)
    return mpmath.sqrt((1 - share) / share)


def numpy_schedule(name):
    """(alpha_bar(t), its derivative) of "linear" or "cosine" in numpy, for textbook loops."""
    if name == "linear":
        value = lambda t: np.exp(-(0.1 * t + 9.95 * t**2))  # noqa: E731
        return value, lambda t: -(0.1 + 19.9 * t) * value(t)
    start, rate = np.pi / 2 * 0.008 / 1.008, np.pi / 2 / 1.008
    return (
        lambda t: np.cos(start + rate * t) ** 2 / np.cos(start) ** 2,
        lambda t: -rate * np.sin(2 * (start + rate * t)) / np.cos(start) ** 2,
    )


def flower(petals, k=96):
    """k points on a closed curve with that many petals, of about unit variance: float64 [k, 2]."""
    angle = torch.arange(k, dtype=torch.float64) * (2 * np.pi / k)
    radius = 1.3 + 0.4 * torch.cos(petals * angle)
    return torch.stack([radius * angle.cos(), radius * angle.sin()], 1)


def numpy_eps(points, alpha_bar, spread=0.0):
    """The exact epsilon of points [k, d] in numpy, as eps(x, t)."""
    points = np.asarray(points, dtype=np.float64)

    def eps(x, t):
        share = alpha_bar(t)
        variance = share * spread**2 + 1 - share
        squares = ((x[:, None, :] - np.sqrt(share) * points[None, :, :]) ** 2).sum(2)
        weights = np.exp(-(squares - squares.min(1, keepdims=True)) / (2 * variance))
        mean = weights @ points / weights.sum(1, keepdims=True)
        score = -(x - np.sqrt(share) * mean) / variance
        return -np.sqrt(1 - share) * score

    return eps


class Stack:
    """The exact epsilon of several data sets at once, so that one run of a sampler serves them all.

    x [sets * batch, 2] holds `batch` particles of each set one after the other.
    """

    def __init__(self, sets, schedule, spread):
        self.points = torch.stack(sets)  # [sets, k, 2]
        self.squares = self.points.square().sum(2)[:, None]
        self.schedule, self.spread = schedule, spread

    def __call__(self, x, t):
        log_share = self.schedule.log_alpha_bar(torch.as_tensor(t, dtype=torch.float64))
        share, noise = log_share.exp(), -torch.expm1(log_share)
        variance = share * self.spread**2 + noise
        particles = x.reshape(len(self.points), -1, 2)
        # squared distances but for the particles' own squares, which all weights of a particle have in common
        logits = torch.baddbmm(self.squares, particles, self.points.mT, beta=-share / 2, alpha=share.sqrt())
        mean = torch.softmax(logits / variance, 2) @ self.points
        return (noise.sqrt() / variance * (particles - share.sqrt() * mean)).reshape(x.shape)


def gaussian_flow(schedule, mean, spread, x, t, s):
    """The exact probability flow from t to s for data N(mean, spread^2): y - mean is proportional to
    sqrt(spread^2 + sigma^2)."""
    before, after = schedule.sigma(t), schedule.sigma(s)
    y = x / schedule.alpha_bar(t) ** 0.5
    y = mean + (y - mean) * ((spread**2 + after**2) / (spread**2 + before**2)) ** 0.5
    return y * schedule.alpha_bar(s) ** 0.5


def reference(eps, schedule, x, t_start, t_end, rtol=3e-14, atol=1e-15):
    """The probability flow from t_start to t_end by scipy's DOP853.

    With sigma = tan a, dy/dsigma = eps is dx/da = (eps - x sin a) / cos a. There x keeps its size, while y = x / cos a
    begins at a hundred times that, and so does its round-off.
    """

    def slope(angle, flat):
        t = torch.tensor(schedule.t_of_sigma(math.tan(angle)), dtype=torch.float64)
        state = torch.from_numpy(flat.reshape(x.shape))
        return ((eps(state, t) - math.sin(angle) * state) / math.cos(angle)).numpy().ravel()

    ends = [math.atan(float(schedule.sigma(t))) for t in (t_start, t_end)]
    solution = solve_ivp(slope, ends, x.numpy().ravel(), method="DOP853", rtol=rtol, atol=atol)
    assert solution.success, solution.message
    return torch.from_numpy(solution.y[:, -1].reshape(x.shape))


def normal(*shape, seed=0, dtype=torch.float64):
    """Standard normal numbers of that shape that depend on the seed alone."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def ancestral_noise(sample, like, steps, seed=0):
    """What the steps of DDPM draw for that seed and shape, whatever the schedule: a list of tensors.

    Recovered from a run of `sample` on data N(0, 1), eps = sqrt(1 - alpha_bar) x, whose posterior mean is
    sqrt(alpha) x and whose states stay of unit size, on alpha_bar = exp(-10 t).
    """
    times = np.linspace(1, 0.1, steps + 1)
    run = sample(
        lambda x, t: (1 - torch.exp(-10 * t)).sqrt() * x, "constant", "DDPM", times=times,
        x_T=torch.zeros_like(like), seed=seed,
    )  # fmt: skip
    a, b = np.exp(-10 * times[:-1]), np.exp(-10 * times[1:])
    std = np.sqrt((1 - b) / (1 - a) * (1 - a / b))
    return [
        (after - math.sqrt(u / v) * before) / d
        for before, after, u, v, d in zip(run.states[:-1], run.states[1:], a, b, std, strict=True)
    ]


class SinglePrecision(torch.nn.Module):
    """A network of one float32 weight, 1, whose epsilon is the given one: nothing is wrong with it but round-off."""

    def __init__(self, eps):
        super().__init__()
        self.eps = eps
        self.weight = torch.nn.Parameter(torch.ones(()))

    def forward(self, x, t):
        return self.weight * self.eps(x, t)
