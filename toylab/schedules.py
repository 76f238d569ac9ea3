"""Noise schedules in continuous time: t in [0, 1], data at 0, noise at 1.

The forward process is ``x_t = sqrt(alpha_bar) x0 + sqrt(1 - alpha_bar) eps``. A schedule is one
function, ``log_alpha_bar(t)``; everything else follows from it::

    class Mine(Schedule):
        name = "mine"
        def log_alpha_bar(self, t):
            return -5.0 * t**1.5

Everything is written in terms of log alpha_bar so that ``1 - alpha_bar`` keeps its digits near t = 0.
"""

import math
from functools import cache, wraps
from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor

from toylab._errors import number, unknown_name

if TYPE_CHECKING:
    from toylab._types import ScheduleLike

Times = TypeVar("Times", float, Tensor)

ROUND_OFF = 1e-6  # of times in float32


def _elementwise(function):
    """Let a method of tensors also take floats (float64 inside, float out)."""

    def elementwise(self, value, argument, check):
        number_given = not isinstance(value, Tensor)
        if number_given:
            value = torch.tensor(number(argument, value), dtype=torch.float64)
        elif not value.is_floating_point():
            value = value.double()
        if check and value.device.type == "cpu" and not torch.compiler.is_compiling():  # where a look costs nothing
            check(self, value.detach())
        found = function(self, value.clamp(max=_largest(value)) if argument == "sigma" else value)
        return found.item() if number_given else found

    check_time = _in_domain if function.__name__ in ("log_alpha_bar", "beta") else None  # all others are made of these

    @wraps(function)
    def of_t(self, t):
        return elementwise(self, t, "t", check_time)

    @wraps(function)
    def of_sigma(self, sigma):
        return elementwise(self, sigma, "sigma", _large_enough)

    return of_sigma if function.__name__ == "t_of_sigma" else of_t


def _in_domain(schedule, t):
    """ValueError unless all of t [...] lies in [0, 1], or [0, t_max] where that is larger, but for round-off."""
    if t.numel() == 0:
        return
    low, high = (t.item(),) * 2 if t.numel() == 1 else (end.item() for end in t.aminmax())
    top = max(1.0, schedule.t_max)
    if not (low >= -ROUND_OFF and high <= top * (1 + ROUND_OFF)):
        raise ValueError(
            f"t must lie in [0, {top:g}] for the schedule {schedule.name!r}, got {high if low >= 0 else low:g}"
        )


def _large_enough(schedule, sigma):
    """ValueError unless all of sigma [...] is at least the schedule's least, and a number."""
    if not (sigma >= schedule.least_sigma).all():  # false for NaN
        raise ValueError(f"sigma must be at least {schedule.least_sigma:g}, got {sigma.min().item():g}")


def _largest(sigma):
    """The largest sigma whose square is a number."""
    return torch.finfo(sigma.dtype).max ** 0.5 / 2


class Schedule:
    """A noise schedule. Subclasses define `log_alpha_bar`; `beta` and `t_of_sigma` in closed form if they can.

    All methods take floats (and return floats) or tensors of any shape (and return the same dtype
    and shape, differentiable).

    Attributes:
        name: what `get` finds it by.
        t_min, t_max: default integration limits. dx/dt is unbounded at 0, hence t_min = 1e-3.
        least_sigma: the least value of `sigma` that `t_of_sigma` takes.
    """

    name = "custom"
    t_min = 1e-3
    t_max = 1.0
    least_sigma = 0.0

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        for method in ("log_alpha_bar", "alpha_bar", "noise_std", "sigma", "beta", "t_of_sigma"):
            if method in cls.__dict__:
                setattr(cls, method, _elementwise(cls.__dict__[method]))

    def log_alpha_bar(self, t: Times) -> Times:
        """log alpha_bar(t): 0 at t = 0, decreasing. The one method a schedule must define."""
        raise NotImplementedError(f"{type(self).__name__} must define log_alpha_bar(t)")

    @_elementwise
    def alpha_bar(self, t: Times) -> Times:
        """alpha_bar(t) in [0, 1]: the share of the data's variance that is left."""
        return self.log_alpha_bar(t).exp()

    @_elementwise
    def noise_std(self, t: Times) -> Times:
        """sqrt(1 - alpha_bar(t)): the standard deviation of the noise in x_t."""
        return (-torch.expm1(self.log_alpha_bar(t))).sqrt()

    @_elementwise
    def sigma(self, t: Times) -> Times:
        """sqrt((1 - alpha_bar) / alpha_bar): the noise in units of y = x / sqrt(alpha_bar)."""
        return torch.expm1(-self.log_alpha_bar(t)).sqrt()

    @_elementwise
    def beta(self, t: Times) -> Times:
        """-d log alpha_bar / dt, by reverse-mode differentiation unless a subclass knows it."""
        return -torch.func.grad(lambda u: self.log_alpha_bar(u).sum())(t)

    def drift(self, x: Tensor, eps: Tensor, t: Tensor) -> Tensor:
        """dx/dt of the probability flow: -beta / 2 (x - eps / noise_std) for x and eps alike, t a 0-d tensor."""
        return -self.beta(t) / 2 * (x - eps / self.noise_std(t))

    @_elementwise
    def t_of_sigma(self, sigma: Times) -> Times:
        """The inverse of `sigma` on [0, 1] (values beyond sigma(1) give 1), by bisection and one
        Newton step, through which gradients flow. ValueError for a sigma that is negative or NaN."""
        target = torch.log1p(sigma**2)
        low, high = torch.zeros_like(target), torch.ones_like(target)
        for _ in range(60):
            middle = (low + high) / 2
            above = -self.log_alpha_bar(middle) > target
            low, high = torch.where(above, low, middle), torch.where(above, middle, high)
        t = ((low + high) / 2).detach()
        newton = (target + self.log_alpha_bar(t).detach()) / self.beta(t).detach()
        return (t + newton).clamp(max=1.0)

    def __repr__(self):
        return f"<schedule {self.name}>"


class Linear(Schedule):
    """beta(t) = 0.1 + 19.9 t: the continuous form of DDPM's betas (Ho et al. 2020; Song et al. 2021, VP)."""

    name = "linear"
    beta_min, beta_max = 0.1, 20.0

    def log_alpha_bar(self, t: Times) -> Times:
        return -(self.beta_min + 0.5 * (self.beta_max - self.beta_min) * t) * t

    def beta(self, t: Times) -> Times:
        return self.beta_min + (self.beta_max - self.beta_min) * t

    def t_of_sigma(self, sigma: Times) -> Times:
        u = torch.log1p(sigma**2)
        root = (self.beta_min**2 + 2 * (self.beta_max - self.beta_min) * u).sqrt()
        return (2 * u / (self.beta_min + root)).clamp(max=1.0)


class Cosine(Schedule):
    """alpha_bar = (cos a / cos a0)^2, a = (pi / 2) (t + 0.008) / 1.008 (Nichol and Dhariwal 2021), a0 = a(0).

    alpha_bar(1) = 0, so sampling starts at t_max = 0.9946, where sigma is 119.
    """

    name = "cosine"
    t_max = 0.9946
    offset = 0.008
    rate = math.pi / 2 / (1 + offset)
    a0 = rate * offset

    def log_alpha_bar(self, t: Times) -> Times:
        small = torch.sin(self.rate * t) * torch.sin(2 * self.a0 + self.rate * t) / math.cos(self.a0) ** 2
        cosine = torch.sin(self.rate * (1 - t)) / math.cos(self.a0)  # cos a, unrounded by a near pi / 2
        return torch.where(t < 0.5, torch.log1p(-small), 2 * cosine.log())

    def beta(self, t: Times) -> Times:
        near_half_pi = 1 / torch.tan(self.rate * (1 - t))  # tan a, unrounded by a
        return 2 * self.rate * torch.where(t < 0.5, torch.tan(self.a0 + self.rate * t), near_half_pi)

    def t_of_sigma(self, sigma: Times) -> Times:
        cos_a = math.cos(self.a0) / (1 + sigma**2).sqrt()
        sin_a = (math.sin(self.a0) ** 2 + (math.cos(self.a0) * sigma) ** 2 / (1 + sigma**2)).sqrt()
        return ((torch.atan2(sin_a, cos_a) - self.a0) / self.rate).clamp(0.0, 1.0)


class Quad(Schedule):
    """sqrt(beta) linear in t from sqrt(0.1) to sqrt(20): the "quad" table of DDIM code, continuous."""

    name = "quad"
    root_min = math.sqrt(0.1)
    slope = math.sqrt(20.0) - root_min

    def log_alpha_bar(self, t: Times) -> Times:
        return -(self.root_min**2 + self.root_min * self.slope * t + self.slope**2 * t**2 / 3) * t

    def beta(self, t: Times) -> Times:
        return (self.root_min + self.slope * t) ** 2

    def t_of_sigma(self, sigma: Times) -> Times:
        u = 3 * self.slope / self.root_min**3 * torch.log1p(sigma**2)
        return (self.root_min / self.slope * torch.expm1(torch.log1p(u) / 3)).clamp(max=1.0)


class Sigmoid(Schedule):
    """beta(t) = 0.1 + 19.9 / (1 + exp(6 - 12 t)): the "sigmoid" table of DDPM code, continuous."""

    name = "sigmoid"

    def log_alpha_bar(self, t: Times) -> Times:
        return -(0.1 * t + 19.9 / 12 * torch.log1p(torch.expm1(12 * t) / (1 + math.exp(6))))

    def beta(self, t: Times) -> Times:
        return 0.1 + 19.9 * torch.sigmoid(12 * t - 6)


class Constant(Schedule):
    """beta = 10: sigma behaves like sqrt(t) near 0, the hardest end for a method that steps in t."""

    name = "constant"

    def log_alpha_bar(self, t: Times) -> Times:
        return -10.0 * t

    def beta(self, t: Times) -> Times:
        return torch.full_like(t, 10.0)

    def t_of_sigma(self, sigma: Times) -> Times:
        return (torch.log1p(sigma**2) / 10.0).clamp(max=1.0)


class Table(Schedule):
    """A discrete table of K betas: alpha_bar(i / K) = product of the first i of (1 - beta), and
    log alpha_bar linear in between, which caps the order of any method that steps inside an entry."""

    def __init__(self, betas: Tensor, name: str = "table"):
        self.name = name
        try:
            betas = torch.as_tensor(betas, dtype=torch.float64, device="cpu").detach()
        except (TypeError, ValueError, RuntimeError) as error:
            raise TypeError(f"betas must be a list of numbers, got {betas!r}") from error
        if betas.ndim != 1 or len(betas) == 0:
            raise ValueError(f"betas must be a non-empty list of numbers, got shape {tuple(betas.shape)}")
        wrong = (~((betas > 0) & (betas < 1))).nonzero()
        if len(wrong):
            i = int(wrong[0])
            raise ValueError(f"betas must lie strictly between 0 and 1, but betas[{i}] is {betas[i].item()}")
        self.betas = betas
        self.t_min = 1 / len(betas)
        self._log_alpha_bar = torch.cat([betas.new_zeros(1), torch.cumsum(torch.log1p(-betas), 0)])

    def log_alpha_bar(self, t: Times) -> Times:
        position = t.double() * len(self.betas)
        entry = position.detach().floor().clamp(0, len(self.betas) - 1).long()
        values = self._log_alpha_bar.to(t.device)
        return (values[entry] + (position - entry) * (values[entry + 1] - values[entry])).to(t.dtype)

    def beta(self, t: Times) -> Times:
        entry = (t.detach().double() * len(self.betas)).floor().clamp(0, len(self.betas) - 1).long()
        return (-len(self.betas) * torch.log1p(-self.betas.to(t.device)))[entry].to(t.dtype)

    def t_of_sigma(self, sigma: Times) -> Times:
        target = torch.log1p(sigma.double() ** 2)
        values = -self._log_alpha_bar.to(sigma.device)
        entry = torch.searchsorted(values, target.detach().contiguous(), right=True) - 1
        entry = entry.clamp(0, len(self.betas) - 1)
        part = (target - values[entry]) / (values[entry + 1] - values[entry])
        return ((entry + part) / len(self.betas)).clamp(max=1.0).to(sigma.dtype)


_SCHEDULES = {cls.name: cls() for cls in (Linear, Cosine, Quad, Sigmoid, Constant)}


def names() -> list[str]:
    """The names that `get` knows."""
    return list(_SCHEDULES)


def get(name: str) -> Schedule:
    """The schedule called `name`, whatever its case: one of `names()`, or a table such as "linear-1000".

    "linear-K" is the table of K betas from 0.1 / K to 20 / K, with K = 1000 that of Ho et al. (2020); "cosine-K" has
    beta_i = 1 - alpha_bar(i / K) / alpha_bar((i - 1) / K), at most 0.999 (Nichol and Dhariwal 2021). Raises ValueError
    with the nearest known name.
    """
    found = (_SCHEDULES.get(name.lower()) or _table(name.lower())) if isinstance(name, str) else None
    if found is None:
        raise unknown_name("schedule", name, names())
    return found


def is_named(schedule: Schedule) -> bool:
    """True for what `get` gives for its name: a schedule of ours, and not one of a user's that bears such a name."""
    name = schedule.name
    return isinstance(name, str) and (_SCHEDULES.get(name) or _table(name)) is schedule


@cache
def _table(name):
    family, _, size = name.partition("-")
    if not (family in ("linear", "cosine") and size.isdecimal() and 21 <= int(size) <= 10**6):
        return None
    size = int(size)
    if family == "linear":
        betas = torch.linspace(0.1 / size, 20 / size, size, dtype=torch.float64)
    else:
        cosines = ((torch.arange(size + 1, dtype=torch.float64) / size + 0.008) / 1.008 * math.pi / 2).cos() ** 2
        betas = (1 - cosines[1:] / cosines[:-1]).clamp(max=0.999)
    return Table(betas, f"{family}-{size}")


def from_betas(betas: Tensor) -> Table:
    """The schedule of a table of K betas in (0, 1): alpha_bar(i / K) is the product of the first i."""
    return Table(betas)


def as_schedule(value: "ScheduleLike") -> Schedule:
    """`value` if it is a schedule, the named one if it is a name; TypeError or ValueError otherwise."""
    if isinstance(value, Schedule):
        return value
    if isinstance(value, str):
        return get(value)
    raise TypeError(f"schedule must be a Schedule or one of: {', '.join(names())}; got {value!r}")


def check_own_schedule(eps: object, schedule: Schedule, name: str = "eps") -> None:
    """ValueError where `eps` has a `schedule` of its own and it is another one."""
    own = as_schedule(getattr(eps, "schedule", None) or schedule)
    if own is schedule:
        return
    for share in (0.1, 0.3, 0.5, 0.7, 0.9):
        pair = [float(each.log_alpha_bar(share * schedule.t_max)) for each in (own, schedule)]
        if not math.isclose(*pair, rel_tol=1e-6):
            raise ValueError(f"schedule must be the one {name} was made for ({own.name!r}), got {schedule.name!r}")
