"""The claims of Liu et al. 2022, "Pseudo Numerical Methods for Diffusion Models on Manifolds" (ICLR).

"Better" has two meanings here, and a claim is held against both where both make sense: *samples*, the energy distance
to real data, which is the nearest to what the paper measures, and *solver*, the distance from the end points of the
exact flow of the same epsilon. Two distances below the floor that as many real data reach count as equal.
"""

from dataclasses import replace
from math import log10

import torch

from toylab._errors import unknown_name
from toylab.claims.claim import Claim, Number
from toylab.claims.setting import Setting
from toylab.claims.stages import Stage, stage
from toylab.samplers import method, sample

CLEARLY = 1.1  # a ratio from which one is called better than the other
SAMPLES = Number("samples: ratio of distances to real data", CLEARLY, slack=CLEARLY**2)
SOLVER = Number("solver: ratio of end-point errors", CLEARLY, slack=CLEARLY**2)
NETWORKS = "network", "digits", "cifar10-16"
MANY = 1000  # steps of the methods that are accelerated
PNDM = 50  # steps that are said to be enough


def _better(here: Stage, ours, theirs) -> tuple[float, float]:
    """The factor by which `ours` is nearer than `theirs`: (samples, solver)."""
    return _nearer(here, ours, theirs), _ratio(theirs.error, ours.error)


def _nearer(here, ours, theirs):
    """The ratio of the distances to real data, each at least the floor."""
    return max(theirs.samples, here.floor) / max(ours.samples, here.floor)


def _ratio(theirs, ours):
    """theirs / ours; 1 where both blew up."""
    return 1.0 if theirs == ours else theirs / ours


def _few_against_many(steps):
    def measure(setting: Setting) -> tuple[float, float]:
        here = stage(setting)
        return _better(here, here.run("F-PNDM", PNDM), here.run("DDIM", steps))

    return measure


def _at_equal_nfe(ours, *others):
    """Against the others at equal evaluations; each of them makes a number, of samples only against the first."""

    def measure(setting: Setting) -> tuple[float, ...]:
        here = stage(setting)
        own, *rest = (here.run(name, nfe=setting.nfe) for name in (ours, *others))
        return _nearer(here, own, rest[0]), *(_ratio(each.error, own.error) for each in rest)

    return measure


def _orders(setting: Setting) -> tuple[float, ...]:
    here = stage(setting)
    return tuple(here.order(name) for name in ("F-PNDM", "S-PNDM", "DDIM"))


def _leaving(setting: Setting) -> tuple[float, ...]:
    """Distances of classical methods over those of their pseudo twins, and r_t around the last step of RK4."""
    here, ratios = stage(setting), []
    for classical, pseudo in (("AB4", "F-PNDM"), ("RK4", "PRK")):
        one, other = (here.run(name, nfe=setting.nfe).distance for name in (classical, pseudo))
        ratios.append(_ratio(one, other))
    steps = here.run("RK4", nfe=setting.nfe).steps
    off = here.ratio("RK4", steps)
    return *ratios, float(off[-1] / off[:-1].max())


def _growth(setting: Setting) -> tuple[float]:
    """The exponent g of rms dx/dt ~ t^-g between 10 t_end and t_end, on noised data."""
    here, sizes = stage(setting), []
    schedule, clean = here.problem.schedule, here.known.to(here.x_T)
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(setting.seed), dtype=torch.float64)
    for t in (torch.tensor(10 * setting.t_end), torch.tensor(setting.t_end)):
        t = t.double()
        x = schedule.alpha_bar(t) ** 0.5 * clean + schedule.noise_std(t) * noise.to(clean)
        with torch.no_grad():
            slope = schedule.drift(x.double(), here.problem.eps(x, t).double(), t)
        sizes.append(slope.square().mean().sqrt().item())
    return (log10(sizes[1] / sizes[0]),)


def _both_schedules(setting: Setting) -> tuple[float, float]:
    found = []
    for schedule in ("linear", "cosine"):
        here = stage(replace(setting, schedule=schedule))
        ours, theirs = (here.run(name, nfe=setting.nfe) for name in ("S-PNDM", "DDIM"))
        found.append(_ratio(theirs.error, ours.error))
    return tuple(found)


def _without_training(setting: Setting) -> tuple[float, float]:
    here = stage(setting)
    ours = here.run("F-PNDM", PNDM)
    return _nearer(here, ours, here.run("DDPM", MANY)), _nearer(here, ours, here.run("DDPM", ours.nfe))


def _best(setting: Setting) -> tuple[float]:
    here = stage(setting)
    ours = min((here.run(name, steps) for name in ("S-PNDM", "F-PNDM") for steps in (50, 100)), key=lambda r: r.samples)
    return (_nearer(here, ours, here.run("DDPM", MANY)),)


def _simple_case(setting: Setting) -> tuple[float]:
    """The largest difference between DDIM, written down, and a pseudo method with one slope a step."""
    here = stage(setting)

    def ddim(eps, schedule, x, t, s):
        e, a, b = eps(x, t), schedule.alpha_bar(t), schedule.alpha_bar(s)
        return b.sqrt() * (x - (1 - a).sqrt() * e) / a.sqrt() + (1 - b).sqrt() * e

    where = {"x_T": here.x_T, "record": False, "progress": False}
    pair = (sample(here.problem, None, each, setting.nfe, **where).x for each in (ddim, method("euler", "pseudo")))
    first, second = pair
    return ((first - second).abs().max().item(),)


_CLAIMS = (
    Claim(
        "fifty-steps", "PNDM with 50 steps makes better samples than DDIM with 1000.", "abstract; section 4",
        (SAMPLES, SOLVER), _few_against_many(MANY),
    ),
    Claim(
        "quarter-steps", "PNDM with 50 steps is clearly better than DDIM with 250.", "abstract; section 4",
        (SAMPLES, SOLVER), _few_against_many(250),
    ),
    Claim(
        "s-equal-nfe", "S-PNDM is better than DDIM at equal network evaluations.", "section 4",
        (SAMPLES, SOLVER), _at_equal_nfe("S-PNDM", "DDIM"), budgets=(10, 20, 50),
    ),
    Claim(
        "f-equal-nfe", "F-PNDM is better than DDIM at equal network evaluations.", "section 4",
        (SAMPLES, SOLVER), _at_equal_nfe("F-PNDM", "DDIM"), budgets=(20, 50, 100),
    ),
    Claim(
        "orders", "DDIM is of first order, S-PNDM and F-PNDM are of second order.", "section 3",
        (Number("order of F-PNDM", 1.75, 2.25, 1.1), Number("order of S-PNDM", 1.75, 2.25, 1.1),
         Number("order of DDIM", 0.75, 1.25, 1.1)), _orders, t_end=0.2,
    ),
    Claim(
        "classical-leaves", "Classical methods leave the manifold, and do so in their last steps.",
        "section 3, equation 9; figure 1",
        (Number("FON / F-PNDM: ratio of distances to the manifold", CLEARLY, slack=CLEARLY**2),
         Number("RK4 / PRK: ratio of distances to the manifold", CLEARLY, slack=CLEARLY**2),
         Number("RK4: r_t after its last step over the largest before", 1.5, slack=1.5)), _leaving, budgets=(20, 52),
    ),
    Claim(
        "unbounded", "The slope dx/dt is unbounded as t goes to 0.", "section 3, equation 9",
        (Number("exponent g of dx/dt ~ t^-g", 0.1, slack=2.0),), _growth,
    ),
    Claim(
        "schedules", "The gain over DDIM is there with the linear and with the cosine schedule.", "abstract; section 4",
        (Number("linear: ratio of end-point errors", CLEARLY, slack=CLEARLY**2),
         Number("cosine: ratio of end-point errors", CLEARLY, slack=CLEARLY**2)), _both_schedules,
        worlds=("exact", "network", "digits"), budgets=(10, 20, 50),
    ),
    Claim(
        "pre-trained", "A network trained for DDPM is sampled in 50 steps as it is, without training it again.",
        "abstract; section 4",
        (Number("samples: DDPM in 1000 steps over F-PNDM in 50", 1 / CLEARLY, slack=CLEARLY),
         Number("samples: DDPM over F-PNDM at equal evaluations", CLEARLY, slack=CLEARLY**2)), _without_training,
        worlds=NETWORKS,
    ),
    Claim(
        "linear-multistep", "Of the pseudo methods the linear multistep one, F-PNDM, is the best in most situations.",
        "abstract; section 4",
        (Number("samples: S-PNDM over F-PNDM", CLEARLY, slack=CLEARLY**2),
         Number("solver: S-PNDM over F-PNDM", CLEARLY, slack=CLEARLY**2),
         Number("solver: PRK over F-PNDM", CLEARLY, slack=CLEARLY**2)),
        _at_equal_nfe("F-PNDM", "S-PNDM", "PRK"), budgets=(20, 52, 100),
    ),
    Claim(
        "best-of-all", "The best samples of PNDM are better than those of DDPM in 1000 steps.", "section 4",
        (Number("samples: DDPM in 1000 steps over the best PNDM", CLEARLY, slack=CLEARLY**2),), _best,
    ),
    Claim(
        "ddim-is-pseudo", "DDIM is the pseudo method with one slope a step.", "abstract; section 3, equation 11",
        (Number("largest difference", 0.0, 1e-4, 10.0),), _simple_case,
    ),
)  # fmt: skip
CLAIMS = {claim.name: claim for claim in _CLAIMS}


def names() -> list[str]:
    """The names of all claims."""
    return list(CLAIMS)


def get(name: str | Claim) -> Claim:
    """The claim of this name; a `Claim` is its own. ValueError or TypeError for anything else."""
    if isinstance(name, Claim):
        return name
    if not isinstance(name, str) or name.lower() not in CLAIMS:
        raise unknown_name("claim", name, names())
    return CLAIMS[name.lower()]
