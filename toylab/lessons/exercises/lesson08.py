"""Exercises of notebook 8: what evaluations buy."""

import statistics

from toylab.lessons.exercises.base import Exercise, Wrong
from toylab.lessons.exercises.forms import Function, Number
from toylab.lessons.exercises.measuring import evaluations

# fmt: off

COSTS = [10.0, 10.0, 20.0, 20.0, 50.0, 100.0, 50.0]
ERRORS = [0.4, 0.3, 0.35, 0.1, 0.12, 0.05, 0.02]
TURNED = COSTS[::-1], ERRORS[::-1]


def affordable():
    """The most steps of RK4 within 50 evaluations, each run counted."""
    return max(steps for steps in range(1, 20) if evaluations("RK4", steps) <= 50)


def cost(steps):
    """The evaluations of F-PNDM."""
    return 4 * steps if steps < 4 else steps + 9


def is_counted(answer):
    """True if it is what runs of F-PNDM count."""
    return all(answer(steps) == evaluations("F-PNDM", steps) for steps in (1, 2, 3, 4, 7, 10))


def front(nfe, error):
    """For each method whether no other is at least as cheap and as near, and better in one of the two."""
    rows = list(zip(nfe, error, strict=True))
    return [not any(n <= m and e <= f and (n, e) != (m, f) for n, e in rows) for m, f in rows]


def front_by_all(nfe, error):
    """The same, asked the other way round."""
    rows = list(zip(nfe, error, strict=True))
    return [all(n > m or e > f or (n, e) == (m, f) for n, e in rows) for m, f in rows]


def best_at_its_price(nfe, error):
    """Only methods of one price compared."""
    rows = list(zip(nfe, error, strict=True))
    return [e == min(f for m, f in rows if m == n) for n, e in rows]


def beaten_by_no_cheaper_one(nfe, error):
    """Only cheaper methods compared."""
    rows = list(zip(nfe, error, strict=True))
    return [not any(m < n and f <= e for m, f in rows) for n, e in rows]


def is_the_front(answer):
    """True if it finds the front of the example."""
    return [bool(each) for each in answer(COSTS, ERRORS)] == front(COSTS, ERRORS)


def has_no_better(answer):
    """True if it is the front, in whatever order the methods come."""
    return [bool(each) for each in answer(*TURNED)] == front(*TURNED) and len(answer([5.0], [1.0])) == 1


EXERCISES = (
    Exercise(
        "08.1", "predict", "a budget of fifty", """
You have 50 evaluations and RK4. How many steps can you take?
""", Number(within=1e-3), right=(12,), derive=affordable,
        wrong=(
            Wrong("a step for each evaluation", 50, "That is what DDIM can do. A step of RK4 costs four."),
            Wrong("rounded up", 13, "Thirteen steps cost 52, two more than you have."),
            Wrong("half a step", 12.5, "There are no half steps: two evaluations are left over."),
            Wrong("multiplied", 200, "Fifty steps would cost two hundred. The other way round: how many steps do fifty "
                  "evaluations pay?"),
            Wrong("Heun's steps", 25, "That is Heun, with two evaluations a step."),
            Wrong("F-PNDM's steps", 41, "N + 9 = 50 is F-PNDM, which pays for a start and then one evaluation a step."),
            Wrong("four less", 46, "Four is the price of every step, not of the start alone."),
        ),
        because="Four evaluations a step, rounded down: 48 are spent.",
        hints=("What does one step cost?", "50 // 4"),
    ),
    Exercise(
        "08.2", "write", "the Pareto front", """
The rings of the figure. You get the costs `nfe` and the errors `error` of some methods, two lists. Return a list of
True and False: True for a method that no other beats, that is, no other is at least as cheap *and* at least as near,
and better in one of the two.
""", Function(("nfe", "error"), ((COSTS, ERRORS),), "True or False for each method"),
        right=(front, front_by_all),
        wrong=(
            Wrong("the best one alone", lambda nfe, error: [e == min(error) for e in error], "The smallest error at "
                  "any price is one end of the front. Cheaper methods that nobody beats at their price belong to it."),
            Wrong("the cheapest alone", lambda nfe, error: [n == min(nfe) for n in nfe], "Cost alone is not enough: of "
                  "two that cost the same the nearer one beats the other."),
            Wrong("the best at each price",
                  best_at_its_price, "Look at cheaper ones too: the last one is best at its price, but a cheaper one "
                  "is nearer."),
            Wrong("those that are beaten", lambda nfe, error: [not each for each in front(nfe, error)], "Exactly the "
                  "others: these are those that somebody beats."),
            Wrong("better than the one before",
                  lambda nfe, error: [k == 0 or error[k] < error[k - 1] for k in range(len(error))], "Compare with all "
                  "of them, not with the neighbour in the list."),
            Wrong("better than average", lambda nfe, error: [e < statistics.mean(error) for e in error], "An average "
                  "knows no price."),
            Wrong("as dear, not cheaper",
                  beaten_by_no_cheaper_one, "Two methods of one price are compared, too: the nearer one beats the "
                  "other."),
        ),
        because="On the front nothing can be had nearer without paying more.",
        hints=("For each method ask: is there any other that costs no more and errs no more?", "not any(n <= m and e "
        "<= f and (n, e) != (m, f) ...)"),
        holds=(("A method is on the front where no other is as cheap and as near, and better in one.",
        is_the_front),
               ("The order in which the methods come must not matter.", has_no_better)),
    ),
    Exercise(
        "08.3", "write", "the cost of F-PNDM", """
Write the number of evaluations that F-PNDM takes for `steps` steps, for *any* `steps` from 1 on. Its first three steps
are Runge–Kutta steps; check yours against `toylab.sample(...).nfe`.
""", Function(("steps",), ((1,), (2,), (3,), (4,), (10,), (50,))),
        right=(cost, lambda steps: steps + 3 * min(steps, 3)),
        wrong=(
            Wrong("steps instead of evaluations", lambda n: n, "A Runge–Kutta step costs four."),
            Wrong("all Runge–Kutta", lambda n: 4 * n, "Right for three steps or fewer. From the fourth on a step costs "
                  "one evaluation."),
            Wrong("the start always complete", lambda n: n + 9, "With one or two steps the start is not even "
                  "completed: they cost 4 and 8."),
            Wrong("the start on top", lambda n: n + 12, "The steps of the start are among the N, and each costs three "
                  "more than usual."),
            Wrong("one more a step of the start", lambda n: n + 3, "A Runge–Kutta step takes four evaluations: three "
                  "more than one, three times."),
            Wrong("S-PNDM's cost", lambda n: n + 1, "That is S-PNDM."),
            Wrong("four steps of start", lambda n: n + 3 * min(n, 4), "Three steps give three slopes to remember; the "
                  "fourth slope is the step's own."),
        ),
        because="Each of the first three steps costs three more than a step with one slope: N + 9, and 4 N as long as "
        "there are no more than three.",
        hints=("How many of the steps are Runge–Kutta steps, if N is 2? And if N is 10?", "steps + 3 * min(steps, 3)"),
        holds=(("It must be what runs count, also for one, two and three steps.", is_counted),),
    ),
)
