"""A setting with everything that runs on it share: start noise, converged end points, real data, and what is known."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from math import inf

import numpy as np
import torch
from sklearn.neighbors import NearestNeighbors
from torch import Tensor

from toylab import problems
from toylab._threads import single_thread
from toylab._types import MethodLike
from toylab.analysis import energy_distance, measure_order, off_manifold
from toylab.analysis._arguments import start_particles
from toylab.analysis._budget import steps_within
from toylab.claims.setting import WORLDS, Setting
from toylab.problems import Problem
from toylab.problems.flow import rms
from toylab.samplers import get, sample
from toylab.samplers.core import cost, default_dtype, start_noise

RTOL = 1e-6  # of the converged end points in the plane: errors compared here are 1e-4 and more
CONVERGED = "UniPC-3", 200, "logsnr"  # method, steps and nodes of the images that count as converged
REAL_IMAGES = {"digits": "digits", "cifar10-16": "cifar10:test"}  # sources of the real images
REAL = 1000  # real data that samples are compared with
DRAWS = 20  # of as many real ones, which say what distance means nothing
ORDER_STEPS, IMAGE_STEPS, FINE_STEPS = (160, 320), (40, 80), 120
FEW = 24, 2  # particles and images that orders are measured with


@dataclass(frozen=True)
class Run:
    """The measures of one run; infinite where it blew up.

    Attributes:
        steps, nfe: as counted. error: rms distance from the converged end points (of images: of a pixel).
        samples: energy distance of the samples to real data. distance: mean distance to the manifold (of images: to
            the nearest real image).
    """

    steps: int
    nfe: int
    error: float
    samples: float
    distance: float


class Stage:
    """The runs of one setting, all from the same noise; each is made once.

    Attributes:
        setting: the `Setting`, whose nfe plays no part. problem: a `Problem` that ends at its t_end.
    """

    x_T: Tensor
    noise_seed: object  # of methods with noise of their own
    converged: Tensor  # end points of the exact flow
    real: Tensor  # as they are `seen`
    difference: Callable[[Tensor, Tensor], float]
    seen: Callable[[Tensor], Tensor]  # what energy distances are taken of
    away: Callable[[Tensor], Tensor]  # distances to the manifold
    known: Tensor  # data that the epsilon knows
    draw: Callable[[int], Tensor]  # as many real data as there are samples, another draw for each number
    ratio: Callable[[str, int], np.ndarray]  # r_t at every node of a run, see `off_manifold`

    def __init__(self, setting: Setting, problem: Problem) -> None:
        self.setting, self.problem = setting, replace(problem, t_end=setting.t_end)
        self._runs: dict[tuple, Run] = {}

    def run(self, method: MethodLike, steps: int | None = None, nfe: int | None = None) -> Run:
        """The `Run` of a method in so many steps, or in as many as `nfe` evaluations allow.

        ValueError where these allow none.
        """
        method = get(method)
        if steps is None:
            where = {"t_end": self.setting.t_end}
            steps = steps_within(method, nfe, self.problem.schedule, cost(self.problem), **where)
            if steps == 0:
                raise ValueError(f"nfe must be enough for a step of {method.name}, got {nfe}")
        if (method, steps) not in self._runs:
            self._runs[method, steps] = self._measured(method, steps)
        return self._runs[method, steps]

    def states(self, method: MethodLike, steps: int) -> tuple[Tensor, Tensor]:
        """(times, states) of a run."""
        run = sample(self.problem, None, method, steps, x_T=self.x_T, seed=self.noise_seed, progress=False)
        return run.times, run.states

    def order(self, method: str) -> float:
        """The measured convergence order, float64."""
        raise NotImplementedError

    @cached_property
    def floor(self) -> float:
        """The energy distance that as many real data stay below, 95 times in a hundred."""
        found = [energy_distance(self.seen(self.draw(k)), self.real) for k in range(DRAWS)]
        return float(np.quantile(found, 0.95))

    def _measured(self, method, steps):
        where = {"x_T": self.x_T, "seed": self.noise_seed, "record": False, "progress": False}
        try:
            with single_thread():
                run = sample(self.problem, None, method, steps, **where)
        except ValueError:  # beyond all numbers
            return Run(steps, method.evaluations(steps) or 0, inf, inf, inf)
        x = run.x.double()
        error = inf if method.stochastic else self.difference(x, self.converged)
        return Run(run.steps, run.nfe, error, energy_distance(self.seen(x), self.real), self.away(x).mean().item())


class PlaneStage(Stage):
    """Points in the plane."""

    def __init__(self, setting: Setting) -> None:
        eps = "exact" if setting.world == "exact" else "network"
        super().__init__(setting, problems.find(setting.dataset, eps, setting.schedule))
        self.manifold = self.problem.manifold
        self.x_T, self.noise_seed = start_particles(self.problem, setting.n, setting.seed), setting.seed
        self.real, self.away, self.difference = self.manifold.curve(REAL).double(), self.manifold.distance, _rms_of

    @cached_property
    def converged(self) -> Tensor:
        return self.problem.reference(self.x_T, rtol=RTOL, progress=False).x

    def seen(self, x: Tensor) -> Tensor:
        return x

    def draw(self, number: int) -> Tensor:
        return self.manifold.sample(self.setting.n, seed=2**31 + number)

    def ratio(self, method: str, steps: int) -> np.ndarray:
        return off_manifold(self.states(method, steps), self.problem).ratio

    @property
    def known(self) -> Tensor:
        return self.problem.eps.points if self.setting.world == "exact" else self.draw(0)

    def order(self, method: str) -> float:
        problem, x_T, reference = self._smooth
        return measure_order(problem, None, method, ORDER_STEPS, x_T, reference=reference, progress=False).order

    @cached_property
    def _smooth(self):
        """(problem, start noise, reference) in float64, with an exact epsilon that is smooth near the data."""
        if self.setting.world == "exact":
            problem = problems.curve(self.setting.dataset, 240, 0.05, self.setting.schedule)
        else:
            problem = replace(self.problem, eps=deepcopy(self.problem.eps).double())
        problem = replace(problem, t_end=self.setting.t_end)
        x_T = problem.start(FEW[0], self.setting.seed)
        return problem, x_T, problem.reference(x_T, rtol=1e-11, progress=False)


class ImageStage(Stage):
    """Images."""

    def __init__(self, setting: Setting) -> None:
        from toylab.images import load
        from toylab.images.sampler import image_seeds

        world = WORLDS[setting.world]
        super().__init__(setting, problems.find(world.network, "network", setting.schedule, images=True))
        shape = self.problem.shape
        self.noise_seed = image_seeds(setting.seed, range(setting.n))
        self.x_T = start_noise(setting.n, shape, self.noise_seed, *default_dtype(self.problem.eps))
        pixels = load(REAL_IMAGES[setting.world], size=shape[-1]).values(slice(None)).double()
        order = np.random.default_rng(0).permutation(len(pixels))
        known, self.others = pixels[order[:REAL]], pixels[order[REAL : 2 * REAL]]
        self._neighbours = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(known.flatten(1).numpy())
        self.real = self.seen(known)

    @cached_property
    def converged(self) -> Tensor:
        method, steps, spacing = CONVERGED
        run = sample(self.problem, None, method, steps, x_T=self.x_T, spacing=spacing, record=False, progress=False)
        return run.x.double()

    def difference(self, x: Tensor, y: Tensor) -> float:
        return (x - y).square().mean().sqrt().item()

    def seen(self, x: Tensor) -> Tensor:
        if self.setting.world == "digits":
            return x.flatten(1)
        return torch.from_numpy(_photographs().features(x.clamp(-2, 2)))

    def away(self, x: Tensor) -> Tensor:
        return torch.from_numpy(self._neighbours.kneighbors(x.flatten(1).double().numpy())[0][:, 0])

    @property
    def known(self) -> Tensor:
        return self.draw(0)

    def draw(self, number: int) -> Tensor:
        chosen = np.random.default_rng(number).choice(len(self.others), self.setting.n, replace=False)
        return self.others[chosen]

    def ratio(self, method: str, steps: int) -> np.ndarray:
        times, states = self.states(method, steps)
        noise = torch.randn(self.x_T.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        clean, found = self.draw(0), []
        for t, x in zip(times.tolist(), states, strict=True):
            forward = clean + self.problem.schedule.sigma(t) * noise
            ours = self.away(x.double() / self.problem.schedule.alpha_bar(t) ** 0.5)
            found.append((ours.square().mean() / self.away(forward).square().mean()).sqrt().item())
        return np.array(found)

    def order(self, method: str) -> float:
        problem, where = self._double, {"t_end": self.setting.t_end, "progress": False}
        x_T = self.x_T[: FEW[1]].double()
        fine = get("PRK", midpoint="sigma")
        reference = sample(problem, None, fine, FINE_STEPS, x_T=x_T, record=False, **where).x
        return measure_order(problem, None, method, IMAGE_STEPS, x_T, reference=reference, **where).order

    @cached_property
    def _double(self):
        return replace(self.problem, eps=deepcopy(self.problem.eps).double())


@lru_cache(maxsize=24)
def _stage(setting):
    return ImageStage(setting) if WORLDS[setting.world].network else PlaneStage(setting)


def stage(setting: Setting) -> Stage:
    """The `Stage` of a setting, which those that differ in nfe alone share."""
    return _stage(replace(setting, nfe=1))


@contextmanager
def real_images(source: str | None) -> Iterator[None]:
    """Take CIFAR-10's real images from this source in a block, such as "npz:PATH"; None for the usual one."""
    usual = dict(REAL_IMAGES)
    _stage.cache_clear()
    try:
        if source is not None:
            REAL_IMAGES["cifar10-16"] = source
        yield
    finally:
        REAL_IMAGES.update(usual)
        _stage.cache_clear()


@lru_cache(maxsize=1)
def _photographs():
    from toylab.images import PhotoClassifier

    return PhotoClassifier()


def _rms_of(x, y):
    return rms(x - y)
