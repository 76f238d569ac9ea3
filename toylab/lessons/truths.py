"""The answers to the first questions of the notebooks, measured."""

import numpy as np
import torch
from torch import Tensor

from toylab import datasets, epsilon, grids, images, problems, schedules
from toylab.analysis import decompose_error, order_table, sweep, work_precision
from toylab.analysis._budget import steps_within
from toylab.claims import check
from toylab.claims.judging import HOLDS
from toylab.lessons.court import CASES, ruling
from toylab.lessons.forgiving import forgiveness
from toylab.lessons.guiding import METHODS as GUIDED
from toylab.lessons.guiding import leaving
from toylab.lessons.labs import FAULT_BUDGETS, FLOW_POINTS, FLOW_RTOL, POINTS
from toylab.lessons.memory import COPY, SAMPLES, by_formula, nearest, training_points
from toylab.lessons.written import ddim, euler, two_slopes
from toylab.problems.flow import rms
from toylab.samplers import get, sample
from toylab.samplers.core import start_noise
from toylab.widgets.predict import Truth

NEAR = 0.2  # the arms of the spiral are about twice that apart
CLOSE = 0.001  # of the exact flow
LETTER = "-2,2 2,2; 0,2 0,-2"  # a T
COUNTS = tuple(2**k for k in range(14))
CLOCKS = ("t", "sigma", "logsnr", "karras", "quad")
RIVALS = ("DDIM", "S-PNDM", "F-PNDM", "PLMS", "RK4", "DEIS-tAB3", "DPM-Solver++2M", "UniPC-2")
YOURS = {"your Euler": euler, "your Euler in y and σ": ddim, "yours with a memory": two_slopes, "F-PNDM": "F-PNDM",
         "UniPC-2": "UniPC-2", "DPM-Solver++2M": "DPM-Solver++2M"}  # fmt: skip
FIRST_FIGURE = ("DDIM", "AB4", "RK4", "S-PNDM", "F-PNDM")
FEW_TO_MANY = {"1": 1, "2 to 10": 10, "11 to 100": 100, "101 to 1000": 1000, "more": float("inf")}


def first_to_break() -> Truth:
    """The most steps with which more than half of a method's particles are off the spiral."""
    steps = (5, 6, 8, 10, 13, 16, 20, 25)
    found = sweep(problems.find("spiral", "network"), n=512, steps=steps, progress=False)
    off = {at: shares[-1] for at, shares in found.off.items()}
    broken = {name: max((n for n in steps if off[name, n] > 0.5), default=0) for name in found.methods}
    first = max(broken, key=broken.get)
    n = broken[first]
    others = max(off[name, n] for name in found.methods if name != first)
    return Truth(first, f"{first} is the first to have most of its particles off the spiral, at {n} steps: "
                 f"{off[first, n]:.0%}, and no other method more than {others:.0%}.", broken)  # fmt: skip


def off_a_letter() -> Truth:
    """The share of DDIM's samples that are off a drawn letter, with ten steps and the exact epsilon."""
    letter = problems.curve(datasets.drawing(LETTER), POINTS)
    x = sample(letter, None, "DDIM", 10, n=512, record=False, progress=False).x
    off = 100 * (letter.manifold.distance(x) > 0.1).double().mean().item()
    return Truth(off, f"{off:.0f} per cent are farther than 0.1 from the letter. Epsilon is exact: all of this is the "
                 "solver's.")  # fmt: skip


def when_seen(n: int = 512) -> Truth:
    """The t from which on half of the noisy data, scaled to its own size, is near the spiral."""
    spiral, schedule = datasets.get("spiral"), schedules.get("linear")
    x0, noise = spiral.sample(n, 0).double(), start_noise(n, (2,), 0, torch.float64)
    times = np.linspace(schedule.t_max, schedule.t_min, 200)
    medians = [spiral.distance(x0 + schedule.sigma(t) * noise).median() for t in times]
    t = next(t for t, median in zip(times, medians, strict=True) if median < NEAR)
    return Truth(float(t), f"At t = {t:.2f} half of the particles are nearer than {NEAR} to the spiral. Most of the "
                 "way nothing is to be seen.")  # fmt: skip


def steps_to_a_point() -> Truth:
    """The least steps, doubled, with which a method comes near the exact flow to one data point."""
    point = problems.one_point()
    x_T = point.start(16)
    end = point.solution(x_T)

    def near(method, n):
        return rms(sample(point, None, method, n, x_T=x_T, record=False, progress=False).x - end) < CLOSE

    needed = {method: next(n for n in COUNTS if near(method, n)) for method in ("RK4", "Euler", "DDIM", "F-PNDM")}
    answer = next(text for text, most in FEW_TO_MANY.items() if needed["RK4"] <= most)
    return Truth(answer, f"{needed['RK4']} steps of RK4 come within {CLOSE} of the exact flow, {needed['Euler']} of "
                 f"Euler, and {needed['DDIM']} of DDIM.", needed)  # fmt: skip


def straight_paths() -> Truth:
    """The bends of the exact paths to one data point, in two pairs of coordinates."""
    point = problems.one_point()
    times = grids.nodes(point.schedule, 200)
    x_T = point.start(64)
    run = sample(point, None, "DDIM", times=times, x_T=x_T, progress=False)  # exact for one point
    paths, sigma, root = run.states, point.schedule.sigma(times), point.schedule.alpha_bar(times) ** 0.5
    assert paths is not None
    bends = {
        "x against t": bend(times, paths),
        "y against σ": bend(sigma, paths / root[:, None, None]),
    }
    straight = [name for name, each in bends.items() if each < 0.01]
    answer = {0: "neither", 1: (straight or [""])[0], 2: "both"}[len(straight)]
    return Truth(answer, f"The paths leave their chords by {bends['x against t']:.0%} of their length in x against t, "
                 f"and by {bends['y against σ']:.2%} in y against σ.", bends)  # fmt: skip


def bend(clock: Tensor, paths: Tensor) -> float:
    """The largest distance of paths [N + 1, n, 2] to their chords, as a share of the mean way."""
    share = ((clock - clock[0]) / (clock[-1] - clock[0]))[:, None, None]
    chord = paths[0] + share * (paths[-1] - paths[0])
    return ((paths - chord).norm(dim=-1).amax(0).mean() / (paths[-1] - paths[0]).norm(dim=-1).mean()).item()


def half_to_keep() -> Truth:
    """The errors of F-PNDM's two halves, each with the simplest other half."""
    halves = {"the gradient part": "AB4", "the transfer part": "DDIM"}
    circle = problems.find("circle", "exact")
    x_T = circle.start(128)
    end = circle.reference(x_T, rtol=FLOW_RTOL, progress=False).x
    found, kept = {}, []
    for steps in (10, 50):
        errors = {half: rms(sample(circle, None, name, steps, x_T=x_T, record=False, progress=False).x - end)
                  for half, name in halves.items()}  # fmt: skip
        kept.append(min(errors, key=errors.get))
        found |= {f"error with {half}, {steps} steps": error for half, error in errors.items()}
    answer = f"{kept[0]}, with 10 steps and with 50"
    if kept[0] != kept[1]:
        answer = f"{kept[0]} with 10 steps, {kept[1].removeprefix('the ')} with 50"
    return Truth(answer, "AB4 keeps the gradient part and moves straight; DDIM keeps the transfer part and has one "
                 "slope. At equal steps, on the circle.", found)  # fmt: skip


def order_seen() -> Truth:
    """The order of F-PNDM, as the first figure of notebook 6 measures it."""
    steps = (40, 80, 160, 320)
    circle = problems.curve("circle", POINTS, 0.05)
    found = order_table(circle, None, ["F-PNDM"], steps, n=24, t_end=0.2, progress=False).estimates["F-PNDM"]
    return Truth(found.order, f"F-PNDM is of order {found.order:.2f} here.", steps=steps, errors=tuple(found.errors))


def best_clock() -> Truth:
    """The error of F-PNDM on the circle with 20 evaluations, for the nodes of each clock."""
    return nearest_to_flow({f"even in {name}": {"methods": ["F-PNDM"], "spacing": name} for name in CLOCKS}, 20)


def best_at_ten() -> Truth:
    """The error of each method on the circle with ten evaluations."""
    return nearest_to_flow({name: {"methods": [name]} for name in RIVALS}, 10)


def best_of_yours() -> Truth:
    """The same for the three methods to be written, and published ones."""
    return nearest_to_flow({name: {"methods": [method]} for name, method in YOURS.items()}, 10)


def nearest_to_flow(asked: dict[str, dict], nfe: int) -> Truth:
    """The nearest, by least end-point error on the circle; asked: {option: arguments of `work_precision`}."""
    circle, common = problems.find("circle", "exact"), {"nfe": (nfe,), "n": 128, "seeds": (0,), "progress": False}
    errors = {text: work_precision(circle, **common, **more).rows[0].error.middle for text, more in asked.items()}
    best, second, *_ = sorted(errors, key=errors.get)
    return Truth(best, f"Nearest to the exact flow with {nfe} evaluations: {best} ({errors[best]:.3g}), then {second} "
                 f"({errors[second]:.3g}).", errors)  # fmt: skip


def whose_fault() -> Truth:
    """The evaluations from which on DDIM errs less than the spiral's network."""
    net = epsilon.load("spiral")
    exact = epsilon.exact_eps(datasets.get("spiral").curve(FLOW_POINTS), net.schedule)
    found = decompose_error(net, exact, methods=["DDIM"], nfe=FAULT_BUDGETS, n=128, rtol=FLOW_RTOL, progress=False)
    at = found.crossover("DDIM")
    return Truth(at, f"DDIM's error falls below the network's at {at:.0f} evaluations.")


def nearest_digits() -> Truth:
    """The difference of digits of ten evaluations from those of many, from the same noise."""
    net = epsilon.load("digits")
    real = images.load("digits").values(slice(None))
    found = images.image_quality(net, net.schedule, real, nfe=(10,), seeds=(0,), n=16, progress=False)
    return nearest_images({row.method: row.error.middle for row in found.rows})


def who_is_forgiven() -> Truth:
    """The energy distances of DDIM and DDPM to the data, with a network that errs by a constant."""
    rows = {row.sampler: row for row in forgiveness("spiral", error=0.1, nfe=(100,)).rows}
    energy = {name: rows[name].energy for name in ("DDIM", "DDPM")}
    best = min(energy, key=energy.get)
    far = [rows[name].distance for name in energy]
    return Truth(best, f"Energy distance to the data: DDIM {energy['DDIM']:.3g}, DDPM {energy['DDPM']:.3g}. Mean "
                 f"distance to the spiral: {far[0]:.3g} and {far[1]:.3g}.", energy)  # fmt: skip


def copied() -> Truth:
    """The number of samples of the exact epsilon of thirty points that are copies of these."""
    near = nearest(by_formula("spiral", 30, 0.0), training_points("spiral", 30)) < COPY
    return Truth(int(near.sum()), f"{int(near.sum())} of {SAMPLES} samples are nearer than {COPY} to a training point.")


def bugs() -> Truth:
    """The number of cases that lose a property."""
    count = sum(ruling(*case) == "bug" for case in CASES.values())
    return Truth(count, f"{count} of {len(CASES)} lose an order, or are no longer exact on one data point. Which ones?")


def claims_that_hold() -> Truth:
    """The number of claims that hold in all their numbers, on the spiral with the exact epsilon."""
    found = check(None, ["exact"], datasets=("spiral",), seeds=(0,), n=64, progress=False)
    count = sum(row.word == HOLDS for row in found.rows)
    names = ", ".join(row.claim.name for row in found.rows if row.word == HOLDS)
    return Truth(count, f"{count} of {len(found.rows)} hold in all their numbers: {names}.")


def first_to_leave() -> Truth:
    """The share of guided particles that each method takes off the class with fifty evaluations."""
    found = leaving("spiral", GUIDED, (4,), (50,))
    off = dict(zip(found.methods, found.off.ravel().tolist(), strict=True))
    told = ", ".join(f"{name} {share:.0%}" for name, share in off.items())
    return Truth(max(off, key=off.get), f"Off the class: {told}; with many steps {found.flow[0]:.0%}.", off)


def nearest_photographs() -> Truth:
    """The difference of photographs of ten evaluations from those of many, from the same noise."""
    net = epsilon.load("cifar10-16")
    many = images.ImageSampler(net, "PLMS", 60).images(16, progress=False).x
    errors = {}
    for name in FIRST_FIGURE:
        steps = steps_within(get(name), 10, net.schedule, 1)
        errors[name] = rms_of_pixel(images.ImageSampler(net, name, steps).images(16, progress=False).x, many)
    return nearest_images(errors)


def nearest_images(errors: dict[str, float]) -> Truth:
    """The method of ten evaluations with the least rms difference from images of many steps; errors: of each method."""
    best, worst = min(errors, key=errors.get), max(errors, key=errors.get)
    return Truth(best, f"With ten evaluations a pixel of {best} differs by {errors[best]:.2g} (rms) from that of many "
                 f"steps, one of {worst} by {errors[worst]:.2g}.", errors)  # fmt: skip


def rms_of_pixel(x: Tensor, y: Tensor) -> float:
    """The rms difference of two sets of images."""
    return (x - y).double().square().mean().sqrt().item()
