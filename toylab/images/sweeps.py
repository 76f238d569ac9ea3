"""Image grids of several methods at several step counts: x_t and the predicted x0 at every node."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch

from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import Eps, ScheduleLike
from toylab.analysis._arguments import increasing, method_list
from toylab.analysis._budget import evaluations, steps_within
from toylab.images.sampler import image_seeds
from toylab.problems.problem import Problem, as_problem
from toylab.samplers import sample
from toylab.samplers.core import cost, default_dtype, start_noise

METHODS = ("RK4", "DDIM", "S-PNDM", "F-PNDM")
STEPS = (1, 2, 3, 5, 7, 10, 15, 20)
NFE = (5, 10, 15, 20, 30)


@dataclass(frozen=True)
class ImageSweep:
    """Images on their way through several methods, all from the same start noise; plain numpy arrays.

    Attributes:
        methods: canonical names, one panel each.
        steps: step counts that every method has a run of, increasing.
        budgets: budgets of network evaluations, increasing; may be empty.
        times: for each step count N of any run the nodes, float64 [N + 1], decreasing.
        states: for each run (method, N) x_t at every node, float32 [N + 1, n, c, h, w].
        predicted: for each run the data that eps predicts there, float32 as the states:
            x0 = (x_t - sqrt(1 - alpha_bar) eps) / sqrt(alpha_bar).
        nfe: for each run the network evaluations of the method, counted; those for `predicted` alone are not in it.
        labels: names for captions: "dataset", "schedule", "epsilon".
    """

    methods: tuple
    steps: tuple
    budgets: tuple
    times: dict
    states: dict
    predicted: dict
    nfe: dict
    labels: dict = field(default_factory=dict)

    def final(self, method: str, steps: int) -> np.ndarray:
        """The images of one run, float32 [n, c, h, w]."""
        return self.states[method, steps][-1]

    def within(self, method: str, budget: int) -> int | None:
        """The largest step count of the method's runs that spends at most `budget` evaluations, or None."""
        counts = [n for name, n in self.states if name == method and self.nfe[name, n] <= budget]
        return max(counts, default=None)


def image_sweep(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, methods: Iterable = METHODS,
    steps: Iterable[int] = STEPS, nfe: Sequence[int] = NFE, n: int = 36, seed: int = 0, labels: dict | None = None,
    progress: bool | Callable[[float], object] = True, **options: Any,
) -> ImageSweep:  # fmt: skip
    """Run every method at every step count, and at the largest one within each budget, from the same noise.

    Args:
        eps: an image network, anything like one with a `shape` (channels, height, width), or a `Problem` of one.
        methods: on a given grid. steps: step counts, increasing. **options: without times and record.
        nfe: budgets of network evaluations, increasing; () for none. A method that cannot make a single step within a
            budget has no run for it.
        n, seed: images 0 to n - 1 of this seed, those that ``toylab sample`` makes.
        progress: whether to show a bar, or a function that is told the share done, from 0 to 1.
        labels: captions that override "dataset", "schedule", "epsilon".

    Others: see `toylab.analysis`. Every node of every run is kept, twice: with the default methods, steps and budgets
    about 8 MB in all for images of 8x8 in grey, 390 MB for 32x32 in colour. There fewer images (n = 9) and steps do.

    Raises:
        ValueError, TypeError: naming the argument.
        Interrupted: with the methods that are done.
    """
    for argument in ("times", "record"):
        if argument in options:
            raise ValueError(f"{argument} is decided by steps here, got {options[argument]!r}")
    problem, methods = as_problem(eps, schedule), method_list(methods)
    if not isinstance(labels, dict | None):
        raise TypeError(f"labels must be a dictionary, got {labels!r}")
    eps, schedule, shape = problem.eps, problem.schedule, problem.shape
    steps, budgets = increasing("steps", steps), increasing("nfe", nfe) if len(nfe) else ()
    if len(shape) != 3:
        raise ValueError(f"eps must be one for images, with a shape (channels, height, width), got shape {shape}")
    seeds = image_seeds(seed, range(positive_int("n", n)))
    x_T = start_noise(n, shape, seeds, *default_dtype(eps))
    jobs = {method: _counts(method, steps, budgets, schedule, cost(eps)) for method in methods}
    total = sum(evaluations(method, count, schedule, cost(eps)) for method, counts in jobs.items() for count in counts)
    times, states, predicted, spent, done = {}, {}, {}, {}, []
    names = problem.labels | {"dataset": problem.labels["dataset"] or getattr(eps, "dataset", None) or ""}

    def result():
        return ImageSweep(
            methods=tuple(done),
            steps=steps,
            budgets=budgets,
            times=times,
            states={key: found for key, found in states.items() if key[0] in done},
            predicted={key: found for key, found in predicted.items() if key[0] in done},
            nfe={key: found for key, found in spent.items() if key[0] in done},
            labels=names | (labels or {}),
        )

    tell, spent_so_far = progress if callable(progress) else None, 0

    def called():
        nonlocal spent_so_far
        spent_so_far += cost(eps)
        bar.update(cost(eps))
        if tell:
            tell(min(1.0, spent_so_far / total))

    style = {"unit": "evaluation", "show": False if tell else progress}
    try:
        with single_thread(x_T), Bar(total=total, desc="images", **style) as bar:
            for method, counts in jobs.items():
                for count in counts:
                    known = _Known(eps, called)
                    run = sample(known, schedule, method, count, x_T=x_T, seed=seeds, progress=False, **options)
                    key = run.method, count
                    x0 = [_predicted_x0(known, schedule, x, t) for x, t in zip(run.states, run.times, strict=True)]
                    times[count], spent[key] = run.times.numpy(), run.nfe
                    states[key] = run.states.cpu().float().numpy()
                    predicted[key] = torch.stack(x0).cpu().float().numpy()
                done.append(method.name)
    except KeyboardInterrupt as stop:
        what = f"images interrupted with {len(done)} of {len(methods)} methods done"
        raise Interrupted(what, result() if done else None) from stop
    return result()


def _counts(method, steps, budgets, schedule, a_call):
    """All step counts at which a method runs, increasing."""
    if not method.fixed_grid:
        raise ValueError(f"methods must step on the given grid, but {method.name} chooses its own steps")
    within = {steps_within(method, budget, schedule, a_call) for budget in budgets} - {0}
    return sorted({*steps, *within})


class _Known:
    """An eps that keeps what it has answered, by t: most methods evaluate at the nodes anyway. Each call that is not
    `at` is told to `called()`."""

    def __init__(self, eps, called):
        self.eps, self.called, self.answers = eps, called, {}
        for name in ("shape", "schedule", "dtype", "device", "evaluations"):
            if hasattr(eps, name):
                setattr(self, name, getattr(eps, name))

    def __call__(self, x, t):
        answer = self.eps(x, t)
        self.answers.setdefault(float(t), []).append((x, answer))
        self.called()
        return answer

    @torch.inference_mode()
    def at(self, x, t):
        """eps(x, t), from memory where it was asked for exactly this."""
        for asked, answer in self.answers.get(float(t), ()):
            if torch.equal(asked, x):
                return answer
        return self.eps(x, t.to(x.device))


def _predicted_x0(eps, schedule, x, t):
    """The data that eps(x, t) predicts, like x; at t = 0, where nothing is left to predict, x itself."""
    noise = schedule.noise_std(t).item()
    return (x - noise * eps.at(x, t)) / schedule.alpha_bar(t).item() ** 0.5 if noise else x
