"""Exercises that check their answers by properties and name the misconception: one module a notebook."""

from functools import cache
from importlib import import_module

from toylab._errors import unknown_name
from toylab.lessons.exercises.base import Exercise as Exercise
from toylab.lessons.exercises.outcomes import Outcome as Outcome
from toylab.lessons.exercises.outcomes import Status as Status

LESSONS = ("lesson01", "lesson01b", *(f"lesson{number:02}" for number in range(2, 18)))


@cache
def exercises() -> dict[str, Exercise]:
    """All exercises by id, in the order of the notebooks."""
    modules = [import_module(f"{__name__}.{lesson}") for lesson in LESSONS]
    return {each.id: each for module in modules for each in module.EXERCISES}


def exercise(name: str) -> Exercise:
    """The exercise of this name, "03.2" for the second one of notebook 3; ValueError with the list for another."""
    if isinstance(name, str) and name.strip().zfill(4) in exercises():
        return exercises()[name.strip().zfill(4)]
    raise unknown_name("exercise", name, exercises())
