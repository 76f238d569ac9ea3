"""Images out of a network, batch by batch, each with a seed of its own."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import replace
from typing import Any

import torch

from toylab import _processes as processes
from toylab._errors import positive_int, seed_number, unknown_name
from toylab._progress import Bar
from toylab.epsilon.conditioned import rows_of
from toylab.samplers import Seeds, Trajectory, get, sample
from toylab.samplers.core import cost

PRECISIONS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float64": torch.float64}
BATCH = 64
NUMBERS = 2**32  # images that one seed has
LEAST, MOST = 16, 32  # images in a call on a CPU: beyond, other kernels round differently, and more gain nothing


def image_seeds(seed: int, images: Sequence[int]) -> Seeds:
    """The `Seeds` of the images of these numbers: with them `toylab.sample` draws the same images, wherever it is.

    Different pairs of seed and number have nothing in common. TypeError or ValueError unless 0 <= seed < 2**63 and
    0 <= number < 2**32.
    """
    seed = seed_number("seed", seed)
    if max(images) >= NUMBERS:
        raise ValueError(f"images must be numbers below 2**32, got {max(images)}")
    return Seeds(seed * NUMBERS + i for i in images)


class ImageSampler:
    """A network, a method and a grid: what draws images.

    Args:
        network: an image network, such as `toylab.load` gives, or one with labels or guided: where each
            particle has a label, image i has that at i. It is copied, to the device that accelerate chooses.
        method, eta, **options, steps, times, t_start, t_end, spacing: as for `toylab.sample`.
        precision: of the network's arithmetic, a key of PRECISIONS; the states are float32, or float64 with "float64".

    Attributes:
        shape: of an image, (channels, height, width). method: the method, resolved.
        nfe: evaluations of an image, None for an adaptive method. limits: the first and the last t.
        settings: what decides an image, apart from the network and the seed; JSON-able.
        eps: the copy of the network, for `toylab.sample`.

    Raises ValueError or TypeError naming the argument.
    """

    def __init__(
        self, network: torch.nn.Module, method: str | Callable = "F-PNDM", steps: int = 20, *,
        times: Sequence[float] | None = None, t_start: float | None = None, t_end: float | None = None,
        spacing: str = "t", eta: float = 0.0, precision: str = "float32", **options: Any,
    ):  # fmt: skip
        self.shape = getattr(network, "shape", None)
        if not isinstance(network, torch.nn.Module) or len(self.shape or ()) != 3:
            got = f"one for {self.shape}" if self.shape else type(network).__name__
            raise ValueError(f"network must be one for images (channels, height, width), got {got}")
        if not isinstance(precision, str) or precision not in PRECISIONS:
            raise unknown_name("precision", precision, list(PRECISIONS))
        self.method = get(method, eta, **options)
        self._grid = {"steps": steps, "times": times, "t_start": t_start, "t_end": t_end, "spacing": spacing}
        rehearsal = self._run(lambda x, t: torch.zeros_like(x), network.schedule, x_T=torch.zeros(1, 1))
        self.nfe = rehearsal.nfe * cost(network) if self.method.fixed_grid else None
        nodes = rehearsal.times.tolist()
        if nodes[0] < nodes[-1]:
            raise ValueError(f"times: nodes must decrease, from noise to images, got {nodes[0]:g} to {nodes[-1]:g}")
        self.limits = nodes[0], nodes[-1]
        self.settings = {
            "method": self.method.name,
            "options": {key: getattr(self.method, key) for key in self.method.options},
            "eta": getattr(self.method, "eta", 0.0),
            "steps": rehearsal.steps,
            **({"spacing": spacing, "t_start": nodes[0], "t_end": nodes[-1]} if times is None else {"times": nodes}),
            "precision": precision,
        }
        self.eps = _Epsilon(network, PRECISIONS[precision], processes.device())

    def images(
        self, n: int, seed: int = 0, batch: int | None = None, record: bool = False, progress: bool = True
    ) -> Trajectory:
        """The `Trajectory`, on the CPU, of images 0 to n - 1 of this seed.

        batch: images at once [64]; the images do not depend on it beyond rounding. Adaptive methods step all images as
        one system, in one batch. record: keep the states at all nodes, [steps + 1, n, c, h, w].
        Raises ValueError or TypeError naming the argument, MemoryError with advice.
        """
        n = positive_int("n", n)
        if self.nfe is None and batch is not None and positive_int("batch", batch) < n:
            raise ValueError(f"batch must be all {n} images with {self.method.name}, whose steps depend on them all")
        whole = n if self.nfe is None else BATCH
        parts = batches(range(n), whole if batch is None else positive_int("batch", batch))
        with ImageBar(self, n, progress) as bar:
            runs = [self.draw(seed, part, record, bar.called, pad=n >= LEAST) for part in parts]
        x, states = torch.cat([run.x for run in runs]), torch.cat([run.states for run in runs], 1) if record else None
        return replace(runs[0], x=x, states=states)

    def draw(
        self, seed: int, images: Sequence[int], record: bool = False,
        called: Callable[[int, float], object] | None = None, pad: bool = True,
    ) -> Trajectory:  # fmt: skip
        """The `Trajectory`, on the CPU, of the images of this seed that have these numbers, as one batch.

        called: told the number of images and t after each call of the network. pad: on a CPU, call the network with
        LEAST images where there are fewer, so that they come out as in a large batch. MemoryError, with advice, where
        the batch is too large.
        """
        self.eps.called, self.eps.least = called, LEAST if pad and self.eps.most else 1
        self.eps.images = torch.as_tensor(images)
        seeds = image_seeds(seed, images)
        try:
            run = self._run(self.eps, self.eps.schedule, seed=seeds, shape=self.shape, record=record)
        except (torch.OutOfMemoryError, MemoryError, RuntimeError) as error:
            if isinstance(error, (torch.OutOfMemoryError, MemoryError)) or "can't allocate memory" in str(error):
                raise MemoryError(f"no memory for {len(seeds)} images at once: make batch smaller") from error
            raise
        states = run.states.cpu() if record else None
        return replace(run, x=run.x.cpu(), states=states)

    def _run(self, eps, schedule, **start):
        return sample(eps, schedule, self.method, **self._grid, **start, progress=False)


def batches(images: range, batch: int) -> list[range]:
    """The range `images` in ranges of `batch`, the last of them maybe shorter."""
    return [images[first : first + batch] for first in range(0, len(images), batch)]


class _Epsilon:
    """A copy of a network in the layout that suits it, for sampling: ``eps(x, t)`` with t a scalar."""

    def __init__(self, network, dtype, device):
        on_cpu = device.type == "cpu"
        # Measured on a CPU, 8 to 64 images: contiguous is 2 to 7 % faster below 32 pixels, channels_last about 10 %
        # from there on; bfloat16 in channels_last takes 1.2 to 2.5 times as long.
        contiguous = on_cpu and (dtype == torch.bfloat16 or max(network.shape[1:]) < 32)
        layout = torch.contiguous_format if contiguous else torch.channels_last
        self.network = deepcopy(network).eval().to(device=device, dtype=dtype, memory_format=layout)
        self.schedule, self.shape, self.device = network.schedule, network.shape, device
        self.dtype = torch.float64 if dtype == torch.float64 else torch.float32
        self.most = MOST if on_cpu else None
        self.least, self.evaluations = 1, cost(network)
        self.called: Callable[[int, float], object] | None = None
        self.images: torch.Tensor | None = None

    @torch.inference_mode()
    def __call__(self, x, t):
        count = -(-len(x) // self.most) if self.most else 1
        parts = zip(x.chunk(count), self.images.chunk(count), strict=True)
        return torch.cat([self._part(part, images, t) for part, images in parts])

    def _part(self, x, images, t):
        padding = [0] * max(0, self.least - len(x))
        padded, images = (torch.cat([part, part[padding]]) for part in (x, images))
        out = rows_of(self.network, images)(padded, t)[: len(x)]
        if self.called:
            self.called(len(x), float(t))
        return out


class ImageBar(Bar):
    """A bar of n images, which goes on with every call of the network; for an adaptive method, as t does."""

    def __init__(self, sampler: ImageSampler, n: int, show: bool = True, initial: int = 0):
        style = {"unit": "image", "unit_scale": True}
        super().__init__(total=n, initial=initial, desc=sampler.method.name, show=show, **style)
        self.nfe, self.limits, self.cost = sampler.nfe, sampler.limits, sampler.eps.evaluations
        self.reached(initial)

    def reached(self, images: int) -> None:
        """Tell it that so many images are finished."""
        self.before, self.calls = images, 0

    def called(self, images: int, t: float) -> None:
        """Tell it that the network was called with so many images at t."""
        self.calls += self.cost * images
        first, last = self.limits
        done = self.before + self.calls / self.nfe if self.nfe else self.total * (first - t) / (first - last)
        self.update(max(0, done - self.n))
