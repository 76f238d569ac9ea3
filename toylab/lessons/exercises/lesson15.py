"""Exercises of notebook 15: what a verdict rests on."""

import torch

from toylab.claims import Setting, get
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function

# fmt: off

LOW, BELOW, WORSE, BETTER = (0.02, 0.06, 0.03), (0.01, 0.02, 0.03), (0.2, 0.05, 0.03), (0.04, 0.3, 0.03)


def fifty():
    """Both numbers of 50 steps of F-PNDM against 1000 of DDIM, on the spiral."""
    samples, solver = get("fifty-steps").measure(Setting("exact", "spiral", n=64))
    return "c" if samples == 1 and solver < 1 else "?"


def nearer(ours, theirs, floor):
    """The ratio of two distances, each at least the floor."""
    return torch.maximum(theirs, floor) / torch.maximum(ours, floor)


def tensors(numbers):
    """Numbers as float64 tensors."""
    return [torch.tensor(number, dtype=torch.float64) for number in numbers]


EXERCISES = (
    Exercise(
        "15.1", "explain", "fifty steps against a thousand", """
On the spiral, with the exact epsilon, F-PNDM in 50 steps and DDIM in 1000 are as far from the data: the ratio is 1.
From the end points of the exact flow F-PNDM is farther. What follows?
""", Choice({
            "a": "the claim holds: 50 steps are as good as 1000",
            "b": "the claim is wrong, also for the paper's images",
            "c": "the samples of both are as good as this many samples can tell; the claim says more and does not "
                 "show here",
            "d": "with more seeds the samples of F-PNDM would turn out better",
            "e": "both make the same samples",
            "f": "the energy distance is useless",
        }), right=("c",), derive=fifty,
        wrong=(
            Wrong("equal is not better", "a", "The sentence says better. What shows is that no difference can be seen, "
                                              "and that is worth knowing: 50 steps are enough here."),
            Wrong("one world for all", "b", "It was measured in the plane. In images the floor, the network and the "
                                            "distance are others: a verdict has a world."),
            Wrong("hope in seeds", "d", "The distances of both are below the floor that real data reach. A difference "
                  "below it is noise, and by the distance to the exact flow DDIM is the nearer one."),
            Wrong("equal distances, equal samples", "e", "Then their end points would be the same, and the second "
                                                         "number says that they are not."),
            Wrong("a measure without resolution", "f", "With ten steps it tells methods apart. It has a floor, as any "
                                                       "measure has that is taken of finitely many samples."),
        ),
        because="A ratio of 1 is the floor on both sides: as many real data are no nearer. A verdict is only as sharp "
                "as its measure, so the floor belongs beside it; what can still be told apart is the solver.",
        hints=("A ratio of exactly 1: what was done with distances below the floor?",
               "Does the sentence say as good, or better?"),
    ),
    Exercise(
        "15.2", "write", "a ratio that knows its floor", """
`ours` and `theirs` are distances of samples to real data, `floor` is the distance that as many real data
reach. Return by which factor `ours` is nearer than `theirs`, where a distance below the floor counts as the floor.
""", Function(("ours", "theirs", "floor"), (LOW, BELOW, WORSE, BETTER), "a number"),
        right=(nearer, lambda ours, theirs, floor: theirs.clamp(min=floor) / ours.clamp(min=floor)),
        wrong=(
            Wrong("no floor", lambda ours, theirs, floor: theirs / ours,
                  "Below the floor this is a ratio of two noises."),
            Wrong("upside down", lambda ours, theirs, floor: nearer(theirs, ours, floor),
                  "It must be above 1 where ours is the nearer one."),
            Wrong("the floor on one side", lambda ours, theirs, floor: theirs / torch.maximum(ours, floor),
                  "Both distances have the same floor: with both below it the ratio must be 1."),
            Wrong("the floor taken off", lambda ours, theirs, floor: (theirs - floor) / (ours - floor),
                  "The difference of two small numbers is noise, and may be negative."),
            Wrong("the smaller one", lambda ours, theirs, floor: torch.minimum(theirs, floor) / torch.minimum(ours,
                  floor), "Here what is above the floor is cut. At least the floor: the larger of the two."),
            Wrong("a difference", lambda ours, theirs, floor: torch.maximum(theirs, floor) - torch.maximum(ours, floor),
                  "A factor is asked for, and it is 1 where nothing can be told apart."),
        ),
        because="max(theirs, floor) / max(ours, floor): exactly 1 where both are as near as real data, so that no "
                "verdict rests on noise.",
        hints=("Replace each distance by the larger of itself and the floor.", "Then theirs over ours."),
        holds=(
            ("With both below the floor the ratio must be 1.",
             lambda f: abs(f(*tensors(BELOW)) - 1) < 1e-12),
            ("It must be above 1 where ours is nearer, and the ratio of what stands above the floor.",
             lambda f: all(abs(f(*call) - nearer(*call)) < 1e-9 for call in map(tensors, (LOW, WORSE, BETTER)))),
        ),
    ),
)
