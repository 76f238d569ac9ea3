"""Exercises of notebook 16: guidance, what it costs, and what leaves the class."""

import torch

from toylab.epsilon import exact_eps, guided
from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Choice, Function
from toylab.lessons.guiding import leaving

# fmt: off

ONE = torch.tensor([[0.9, -0.4], [-1.2, 0.3]], dtype=torch.float64)
ALL = torch.tensor([[0.5, 0.1], [-0.7, 0.8]], dtype=torch.float64)
CALLS = ((ONE, ALL, 4.0), (ONE, ALL, 0.5), (ALL, ONE, 1.0))
COSTS = ((4, 1), (10, 0), (13, 9), (24, 1))


def combined(eps_c, eps_u, scale):
    """Classifier-free guidance (Ho and Salimans 2022)."""
    return eps_u + scale * (eps_c - eps_u)


def by_shares(eps_c, eps_u, scale):
    """The same as a weighted sum, whose weights add up to one."""
    return scale * eps_c + (1 - scale) * eps_u


def price(steps, start):
    """The evaluations of guided steps: two a call, and a call for each step and each one that the start costs more."""
    return 2 * (steps + start)


def shipped():
    """Both forms are what `toylab.guided` computes."""
    x, t = ONE + ALL, torch.tensor(0.3, dtype=torch.float64)
    one, every = (exact_eps(points, "linear") for points in (ONE[:1], torch.cat([ONE, ALL])))
    return torch.equal(guided(one, every, 4)(x, t), torch.lerp(every(x, t), one(x, t), 4.0)) and combined


def narrowed():
    """The guided flow on moons: nothing off, less of the class covered."""
    found = leaving("moons", ("DDIM",), (1, 8), (20,))
    return "b" if found.flow.max() < 0.01 and found.price[1] < 0.8 * found.price[0] else "?"


def at_fault():
    """With guidance 4 on the spiral and 50 evaluations F-PNDM leaves, and DDIM and many steps stay."""
    found = leaving("spiral", ("DDIM", "F-PNDM"), (1, 4), (50,))
    (_, ddim), (before, after) = found.off[..., 0]
    return "d" if after > 5 * max(ddim, found.flow[1], 0.01) and after > 3 * before else "?"


EXERCISES = (
    Exercise(
        "16.1", "write", "guidance", r"""
Two epsilons of the same $x$ and $t$: `eps_c` knows the class, `eps_u` does not. Return the guided one: at `scale` 0 it
is `eps_u`, at 1 it is `eps_c`, and beyond it goes on along the same straight line.
""", Function(("eps_c", "eps_u", "scale"), CALLS, "a tensor like eps_c"),
        right=(combined, by_shares), derive=shipped,
        wrong=(
            Wrong("scale counted from the class", lambda c, u, scale: c + scale * (c - u), "This is the other "
                  "convention: its w is one less, so that 0 gives eps_c. Here 0 gives eps_u."),
            Wrong("the two exchanged", lambda c, u, scale: c + scale * (u - c), "At scale 1 this gives eps_u: the way "
                  "leads from what knows no class to what knows it."),
            Wrong("away from the class", lambda c, u, scale: u - scale * (c - u), "The sign: this pushes the particles "
                  "away from the class."),
            Wrong("the difference forgotten", lambda c, u, scale: u + scale * c, "At scale 1 this is the sum of both, "
                  "about twice as much noise as there is."),
            Wrong("eps_c made longer", lambda c, u, scale: scale * c, "Noise of another size is not guidance, and "
                  "eps_u has no say in it."),
            Wrong("only the difference", lambda c, u, scale: scale * (c - u), "This is what guidance adds. To what?"),
            Wrong("never beyond the class", lambda c, u, scale: u + min(float(scale), 1.0) * (c - u), "The scale may "
                  "be beyond 1, and that is what it is for."),
        ),
        because="eps_u + scale (eps_c - eps_u): a straight line through two epsilons. Beyond 1 it is the epsilon of no "
                "data at all, and that is why one must measure where it leads.",
        hints=("A straight line through two points: where it begins, and a direction.",
               "It begins at eps_u, and the direction is eps_c - eps_u."),
        holds=(
            ("At scale 0 it is eps_u, at 1 it is eps_c.",
             lambda f: torch.allclose(f(ONE, ALL, 0.0), ALL) and torch.allclose(f(ONE, ALL, 1.0), ONE)),
            ("At scale 4 it is as far beyond eps_c as three times the way from eps_u.",
             lambda f: torch.allclose(f(ONE, ALL, 4.0) - ONE, 3 * (ONE - ALL))),
            ("Where both epsilons agree, guidance changes nothing.", lambda f: torch.allclose(f(ONE, ONE, 7.0), ONE)),
        ),
    ),
    Exercise(
        "16.2", "explain", "what guidance does", """
Moons, both epsilons exact, guidance 8, and so many steps that the solver has no say. What becomes of the samples?

```python
from toylab.lessons import leaving

leaving("moons", methods=("DDIM",), scales=(1, 2, 4, 8), nfe=(50,))  # its last two rows
```
""", Choice({
            "a": "they leave the class: beyond scale 1 there are no data whose epsilon it is",
            "b": "they stay on the class, and cover less of it",
            "c": "they stay on the class and cover all of it, each point more surely",
            "d": "they blow up: eight times the difference is eight times the speed",
            "e": "half of them go to the other class",
            "f": "nothing: with exact epsilons guidance has nothing to correct",
        }), right=("b",), derive=narrowed,
        wrong=(
            Wrong("the flow leaves", "a", "There are no such data, true. Still the flow ends on the class: near "
                  "t = 0 both epsilons agree there."),
            Wrong("nothing given up", "c", "Look at the last row: what is covered falls from all to about a half."),
            Wrong("faster, so it blows up", "d", "Far from the data the two epsilons hardly differ, and at the class "
                                                 "they agree. With enough steps nothing blows up."),
            Wrong("pushed to the others", "e", "Guidance pushes away from them: no particle is off the class."),
            Wrong("a correction", "f", "It corrects nothing. It changes what is sampled, whoever computes epsilon."),
        ),
        because="The guided flow stays on the class and gives up diversity: it leans to the parts that are farthest "
                "from the other class. It samples no tilted density either; it is a flow of its own.",
        hints=("Read the row of many steps first, then the one below.",
               "Which part of a moon is farthest from the other?"),
    ),
    Exercise(
        "16.3", "explain", "solver or guidance", """
On the spiral, with guidance 4 and 50 evaluations, F-PNDM has more than a third of its particles off the class; without
guidance it has a twentieth. Whose fault is it?
""", Choice({
            "a": "guidance: without it there are hardly any",
            "b": "epsilon: it is no longer exact",
            "c": "nobody: two errors that add up",
            "d": "the solver: with the same guidance DDIM stays, and so do many steps",
            "e": "the evaluations: guidance counts each twice, and without that all would be well",
            "f": "the order: a method of order one would leave as well, only later",
        }), right=("d",), derive=at_fault,
        wrong=(
            Wrong("what was changed last", "a", "Guidance made the problem harder, and its own flow stays on the "
                  "class. It is the method that does not follow it."),
            Wrong("an error of epsilon", "b", "Both epsilons are exact. The guided one belongs to no data, but its "
                  "flow is known as well as any."),
            Wrong("errors that add up", "c", "What guidance changes is along the class, not off it. Only one of the "
                  "two takes particles off."),
            Wrong("half of the steps", "e", "DDIM pays the same price and stays."),
            Wrong("order alone", "f", "DDIM has hardly any off at any scale with these evaluations."),
        ),
        because="The guided epsilon turns quickly. Four slopes, three of them old, extrapolated over steps that are "
                "longer than the turn, point off the class. With more steps F-PNDM returns; with few, a short memory "
                "is safer.",
        hints=("Keep guidance and change the method. Then keep the method and change the steps.",
               "decompose_error tells the two apart."),
    ),
    Exercise(
        "16.4", "write", "the price of guidance", """
A multistep method takes one call of epsilon a step, and its start costs `start` calls more (1 for S-PNDM, 9 for
F-PNDM). Return the network evaluations of `steps` guided steps.
""", Function(("steps", "start"), COSTS),
        right=(price, lambda steps, start: 2 * steps + 2 * start),
        wrong=(
            Wrong("guidance for free", lambda steps, start: steps + start, "Each call asks the network twice, with the "
                  "class and without. In one batch, but it is twice the work."),
            Wrong("a start for free", lambda steps, start: 2 * steps, "The start costs calls, too."),
            Wrong("a start without guidance", lambda steps, start: 2 * steps + start, "The calls of the start are "
                  "guided as well."),
            Wrong("squared", lambda steps, start: (steps + start) ** 2, "Two times, not to the power of two."),
            Wrong("the start in every step", lambda steps, start: 2 * steps * (1 + start), "It is paid once."),
            Wrong("one call too many", lambda steps, start: 2 * (steps + start + 1), "N steps need no evaluation at "
                  "the end of the last one."),
        ),
        because="2 (N + 9) for F-PNDM: of 50 evaluations 16 steps are left. So compare methods at equal evaluations, "
                "guidance included.",
        hints=("How many calls of epsilon are there in all?", "And each of them is two evaluations."),
        holds=(("It must be what toylab.sample counts.", lambda f: all(f(*call) == price(*call) for call in COSTS)),),
    ),
)
