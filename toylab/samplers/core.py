"""`sample` and `iterate`: one call for every method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple

import torch
from torch import Tensor

from toylab import grids
from toylab._errors import flag, positive_int
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab._types import Eps, MethodLike, ScheduleLike
from toylab.samplers import _methods as registry
from toylab.samplers.base import Method
from toylab.samplers.noise import Seeds, start_noise, step_noise
from toylab.schedules import Schedule, as_schedule, check_own_schedule

if TYPE_CHECKING:
    from toylab.problems import Problem

PLANE = (2,)  # the default of `shape`; see `particle_shape`


@dataclass(frozen=True)
class Trajectory:
    """A finished run.

    Attributes:
        x: final samples [batch, *shape].
        states: [steps + 1, batch, *shape] from noise to data, or None if not recorded.
        times: float64 [steps + 1], decreasing.
        nfe_per_step: network evaluations of each step, counted.
        method: canonical name.
    """

    x: Tensor
    states: Tensor | None
    times: Tensor
    nfe_per_step: list[int]
    method: str

    def __repr__(self):
        return f"Trajectory({self.method}, steps={self.steps}, nfe={self.nfe}, x={list(self.x.shape)})"

    @property
    def nfe(self) -> int:
        """Network evaluations in all, counted."""
        return sum(self.nfe_per_step)

    @property
    def steps(self) -> int:
        """The number of steps."""
        return len(self.nfe_per_step)


class _Checked:
    """An eps that counts its evaluations and looks at what comes back. The run's own tensors stay out of its reach."""

    def __init__(self, eps):
        self.eps, self.cost, self.nfe, self.step = eps, cost(eps), 0, 1

    def __call__(self, x, t):
        self.nfe += self.cost
        out = self.eps(x.clone(), t.clone() if x.is_cpu else t.to(x.device))
        if not isinstance(out, Tensor) or out.shape != x.shape:
            got = f"shape {tuple(out.shape)}" if isinstance(out, Tensor) else f"a {type(out).__name__}"
            raise ValueError(
                f"eps must return a tensor like x, {tuple(x.shape)}; at {self._where(t)} it returned {got}"
            )
        copy = out.clone() if out.dtype == x.dtype else out.to(x.dtype)
        if not torch.equal(out, copy) and out.isnan().any():  # NaN is not equal to itself
            cause = "" if x.isfinite().all() else " (x itself was no longer finite: the method has blown up)"
            raise ValueError(f"eps returned NaN at {self._where(t)}{cause}")
        return copy

    def _where(self, t):
        return f"step {self.step}, t = {t.item():.6g}"


def _finite(x):
    """True if the sum of x is finite: one cheap look, that a single NaN or infinity does not pass."""
    return isfinite(x.sum().item())


def sample(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, method: MethodLike = "F-PNDM", steps: int = 20,
    x_T: Tensor | None = None, n: int = 512, shape: Sequence[int] = PLANE, seed: int | Seeds | None = 0,
    times: Sequence[float] | Tensor | None = None, t_start: float | None = None, t_end: float | None = None,
    spacing: str = "t", eta: float = 0.0, record: bool = True, progress: bool = True, **options: Any,
) -> Trajectory:  # fmt: skip
    """Run a sampler from noise to data.

    Args:
        eps: any callable ``eps(x, t) -> like x`` with t a scalar tensor; or a `toylab.problems.Problem`. A call counts
            as one evaluation, or as `eps.evaluations`.
        schedule: a schedule or its name; may be left out where eps says which it was made for, and must be that one.
        method: a name out of `methods()`, the result of `method(...)`, or a plain function of your own (below).
        steps: N >= 1 steps, hence N + 1 nodes.
        x_T: start state [batch, *shape], floating point; decides device and dtype. None draws
            standard normal noise [n, *shape] that depends on `seed` alone, in the dtype of eps.
        n, shape: of the start noise; used where x_T is None. An eps that says what shape it is made for, as networks
            do, needs no `shape`.
        seed: an integer >= 0, None for fresh noise, or `Seeds`, one for each particle (n is then their number).
        times: explicit nodes; overrides steps, t_start, t_end and spacing.
        t_start, t_end: limits, by default the schedule's t_max and t_min. t_end = 0 is for methods
            that never evaluate eps at the end.
        spacing: the clock in which nodes are equispaced: "t", "sigma", "logsnr", "karras", "quad".
        eta: DDIM only, in [0, 1]: the share of DDPM's noise that each step puts back.
        record: keep the states at all nodes.
        progress: show a bar for runs over two seconds.
        **options: those of the method, as `toylab methods` lists them: midpoint and weights for pairs, variance for
            DDPM and DDIM with eta, rtol and atol for PF, and so on.

    Returns a `Trajectory`. Raises ValueError or TypeError naming the argument; an eps that returns NaN or
    another shape is reported with step and t.

    A plain function is a method, wherever a method's name is. DDIM is::

        def ddim(eps, schedule, x, t, s):
            r = (schedule.alpha_bar(s) / schedule.alpha_bar(t)) ** 0.5
            return r * x + (schedule.noise_std(s) - r * schedule.noise_std(t)) * eps(x, t)

    and a method with a memory a generator of the states at all nodes after the first, as AB2 on dx/dt::

        def ab2(eps, schedule, x, times):
            last = None
            for t, s in zip(times[:-1], times[1:]):
                slope = schedule.drift(x, eps(x, t), t)
                x = x + (s - t) * (slope if last is None else (3 * slope - last) / 2)
                last = slope
                yield x
    """
    record = flag("record", record)
    run = _prepare(eps, schedule, method, steps, x_T, n, shape, seed, times, t_start, t_end, spacing, eta, options)
    states = run.x.new_empty(len(run.times), *run.x.shape) if record else None  # at once: a list would be held twice
    x, nfe = run.x, []
    shown = Bar(run, total=len(run.times), desc=run.method.name, unit="node") if flag("progress", progress) else run
    with torch.no_grad(), single_thread(run.x):
        for node, (x, evaluations) in enumerate(shown):
            if states is not None:
                states[node] = x
            nfe.append(evaluations)
    return Trajectory(
        x=x,
        states=states,
        times=run.times,
        nfe_per_step=nfe[1:],
        method=run.method.name,
    )


def iterate(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, method: MethodLike = "F-PNDM", steps: int = 20,
    x_T: Tensor | None = None, n: int = 512, shape: Sequence[int] = PLANE, seed: int | Seeds | None = 0,
    times: Sequence[float] | Tensor | None = None, t_start: float | None = None, t_end: float | None = None,
    spacing: str = "t", eta: float = 0.0, **options: Any,
) -> Iterator[Tensor]:  # fmt: skip
    """The states of `sample` one by one, start noise first, for your own loops; arguments as for `sample`.

    Arguments are checked at the call, not at the first state.
    """
    run = _prepare(eps, schedule, method, steps, x_T, n, shape, seed, times, t_start, t_end, spacing, eta, options)

    def states():
        nodes = iter(run)
        for _ in range(len(run.times)):
            with torch.no_grad(), single_thread(run.x):
                x, _ = next(nodes)
            yield x

    return states()


@dataclass
class _Run:
    """Checked arguments; iterating yields (state, evaluations since the last) at every node."""

    eps: _Checked
    method: Method
    times: Tensor
    x: Tensor
    states: Iterator[Tensor]

    def __iter__(self):
        yield self.x, 0
        last = len(self.times) - 1
        for step in range(1, last + 1):
            self.eps.step, self.eps.nfe = step, 0
            x = next(self.states)
            if step == last and not _finite(x) and not x.isfinite().all():
                raise ValueError(
                    f"{self.method.name} has blown up: its last state, at t = {self.times[-1]:g}, is not finite"
                )
            yield x, self.eps.nfe


def _prepare(eps, schedule, method, steps, x_T, n, shape, seed, times, t_start, t_end, spacing, eta, options):
    problem, (eps, schedule, t_start, t_end) = eps, resolve(eps, schedule, t_start, t_end)
    method = registry.get(method, eta, **options)
    if times is None:
        times = grids.nodes(schedule, steps, t_start, t_end, spacing)
    else:
        times = grids.explicit(schedule, times)
    if times[0] < times[-1]:
        if method.stochastic:
            raise ValueError(f"times must decrease for {method.name}, whose noise has no way back")
        if x_T is None:
            raise ValueError("x_T must be given where times increase: a run from data to noise starts from data")
    if x_T is None:
        n = len(seed) if isinstance(seed, Seeds) else positive_int("n", n)
        x_T = start_noise(n, particle_shape(problem, shape), seed, *default_dtype(eps))
    else:
        check_start(eps, x_T)
    x, eps = x_T.detach().clone(), _Checked(eps)
    states = method.run(eps, schedule, times.clone(), x, step_noise(len(x), seed))
    return _Run(eps, method, times, x, states)


class Given(NamedTuple):
    """The arguments of a run, with nothing left out but the limits that the schedule decides."""

    eps: Eps
    schedule: Schedule
    t_start: float | None
    t_end: float | None


def resolve(
    eps: Eps | Problem, schedule: ScheduleLike | None = None, t_start: float | None = None, t_end: float | None = None
) -> Given:
    """The epsilon, its schedule and the limits, from an eps (with or without a schedule of its own) or a Problem.

    A Problem holds its epsilon as `eps`, and `t_start` and `t_end` where it has limits of its own; what the caller
    gives comes first. Raises TypeError where eps cannot be called or nobody says which schedule, ValueError where
    the schedule is not the one eps was made for.
    """
    problem = eps if not callable(eps) and hasattr(eps, "eps") else None
    if problem is not None:
        eps, schedule = problem.eps, problem.schedule if schedule is None else schedule
        t_start = getattr(problem, "t_start", None) if t_start is None else t_start
        t_end = getattr(problem, "t_end", None) if t_end is None else t_end
    if not callable(eps):
        raise TypeError(f"eps must be callable as eps(x, t), or a Problem, got {eps!r}")
    own = getattr(problem or eps, "schedule", None)
    if schedule is None and own is None:
        raise TypeError("schedule must be given for an eps that does not carry its own as eps.schedule")
    schedule = as_schedule(own if schedule is None else schedule)
    check_own_schedule(problem or eps, schedule)
    return Given(eps, schedule, t_start, t_end)


def cost(eps: Eps | Problem) -> int:
    """Network evaluations that one call of eps counts as: its `evaluations` if it says so, else 1."""
    return getattr(getattr(eps, "eps", eps), "evaluations", 1)


def default_dtype(eps: Eps, otherwise: torch.dtype | None = None) -> tuple[torch.dtype, torch.device]:
    """(dtype, device) that eps works in: its own attributes, else its parameters', else `otherwise` on the CPU."""
    if hasattr(eps, "dtype") and hasattr(eps, "device"):
        return eps.dtype, eps.device
    if isinstance(eps, torch.nn.Module):
        for parameter in eps.parameters():
            return parameter.dtype, parameter.device
    return otherwise or torch.get_default_dtype(), torch.device("cpu")


def particle_shape(eps: Eps | Problem, shape: Sequence[int]) -> tuple[int, ...]:
    """`shape` of one particle, checked; where it was left at its default PLANE, that of eps if eps says one."""
    if shape is PLANE:
        return tuple(getattr(eps, "shape", None) or PLANE)
    return _fitting("shape", _shape(shape), eps)


def _shape(shape):
    try:
        return tuple(positive_int("shape", size) for size in shape)
    except TypeError as error:
        raise TypeError(f"shape must be a tuple of positive integers, got {shape!r}") from error


def _fitting(argument, shape, eps):
    """`shape` of one particle if it is the one eps is made for, where eps says which."""
    own = getattr(eps, "shape", None)
    if own is not None and tuple(own) != tuple(shape):
        raise ValueError(f"{argument} must have particles of shape {tuple(own)} for this eps, got {tuple(shape)}")
    return shape


def check_start(eps: Eps, x_T: Tensor, argument: str = "x_T") -> None:
    """TypeError or ValueError unless x_T is a finite floating-point tensor [batch, *shape] that fits eps."""
    check_samples(argument, x_T)
    _fitting(argument, x_T.shape[1:], eps)


def check_samples(argument: str, x: Tensor) -> None:
    """TypeError or ValueError unless x is a finite floating-point tensor [batch, *shape]."""
    if not isinstance(x, Tensor) or not x.is_floating_point():
        got = x.dtype if isinstance(x, Tensor) else type(x).__name__
        raise TypeError(f"{argument} must be a floating-point tensor [batch, *shape], got {got}")
    if x.ndim < 2 or x.numel() == 0:
        raise ValueError(f"{argument} must be a non-empty tensor [batch, *shape], got shape {tuple(x.shape)}")
    if not x.isfinite().all():
        raise ValueError(f"{argument} must be finite, but some of it is infinite or NaN")
