"""An exercise: question, right and wrong answers, properties, hints; and how an answer is judged."""

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from toylab._errors import number, positive_int
from toylab.lessons.exercises import progress
from toylab.lessons.exercises.forms import Choice, Function, Method, Number, Numbers
from toylab.lessons.exercises.outcomes import Note, Outcome, Status
from toylab.lessons.exercises.running import Raised, Undone, Unfit, run

SECONDS = 10.0  # that a check may take
KINDS = ("predict", "write", "break", "explain")


@dataclass(frozen=True)
class Wrong:
    """A typical wrong answer: its name, the answer itself, and a sentence that helps."""

    name: str
    answer: Any
    says: str


@dataclass(frozen=True)
class Exercise:
    """A question that checks its answer.

    Attributes:
        id: "03.2", the second one of notebook 3. kind: one of KINDS. title: a few words.
        question: Markdown with formulas, as the notebook shows it.
        form: what an answer is. right: one or more right answers, the first of which `solution` shows.
        wrong: the typical wrong ones.
        because: why the right answer is right.
        hints: from a nudge to nearly all.
        holds: (sentence, property) pairs: a right answer has every property, a function of the answer as the form
            makes it usable; the sentence is what a student reads who lacks it. By default: equal to the right one.
        derive: computes the right answer with the lab; `solution` shows it instead.
    """

    id: str
    kind: str
    title: str
    question: str
    form: Number | Numbers | Choice | Function | Method
    right: tuple
    wrong: tuple[Wrong, ...]
    because: str
    hints: tuple[str, ...]
    holds: tuple[tuple[str, Callable[[Any], bool]], ...] = ()
    derive: Callable[[], Any] | None = None

    def check(self, answer: Any, seconds: float = SECONDS) -> Outcome:
        """Judge an answer: not attempted (``...``), right, wrong with a reason, or what the code raised.

        Args:
            answer: what the question asks for, in any dtype, on any device. seconds: the time it may take.
        """
        outcome = self._judge(answer, number("seconds", seconds, 0, 3600, open_low=True))
        return outcome if outcome.status is Status.NOT_ATTEMPTED else progress.record(outcome)

    def hint(self, stage: int = 1) -> Note:
        """A hint: 1 is a nudge, the last one nearly the answer. ValueError for a stage that there is not."""
        stage = positive_int("stage", stage, 1, len(self.hints))
        progress.seen(self.id, hint=stage)
        return Note(f"{self.id}, hint {stage} of {len(self.hints)}", self.hints[stage - 1])

    def solution(self) -> Note:
        """The right answer, as the source of the function that the tests run, and why it is right."""
        progress.seen(self.id, solution=True)
        return Note(f"{self.id}, solution", self.because, self._source)

    def markdown(self) -> str:
        """The question as a cell of a notebook."""
        head = f"### Exercise {self.id}: {self.title}\n\n**{self.kind.capitalize()}.** {self.question.strip()}"
        options = [f"* `{word!r}`: {says}" for word, says in getattr(self.form, "options", {}).items()]
        return "\n\n".join([head, *(["\n".join(options)] if options else [])])

    def stub(self) -> str:
        """The code cell below the question, not attempted."""
        return f'from toylab.lessons import exercise\n\nq = exercise("{self.id}")\nanswer = ...\nq.check(answer)'

    @property
    def begin(self) -> str:
        """The first lines of an answer that is a function, "" for others."""
        takes = getattr(self.form, "takes", ())
        loop = "\n    for t, s in zip(times[:-1], times[1:]):" if "times" in takes else ""
        return f"def answer({', '.join(takes)}):{loop}" if takes else ""

    def __repr__(self):
        return f"<exercise {self.id}: {self.title}. .check(answer), .hint(1) to .hint({len(self.hints)}), .solution()>"

    @property
    def _source(self):
        source = self.derive or self.right[0]
        if callable(source):
            return textwrap.dedent(inspect.getsource(source))
        return f"answer = {source!r}"

    def _judge(self, answer, seconds):
        if answer is ...:
            return self._undone()
        try:
            (reading, lacking), printed = run(lambda: self._look(answer), seconds)
        except Unfit as unfit:
            return Outcome(self.id, Status.WRONG, str(unfit))
        except Raised as raised:
            if isinstance(raised.__cause__, Undone):
                return self._undone()
            message = f"{raised}. The exercise has not judged the idea, only met the error."
            return Outcome(self.id, Status.RAISED, message, code=raised.code)
        if lacking is None:
            return Outcome(self.id, Status.RIGHT, self.because, printed=printed)
        wrong = self._misconception(reading)
        if wrong:
            return Outcome(self.id, Status.WRONG, wrong.says, wrong.name, printed=printed)
        return Outcome(self.id, Status.WRONG, lacking, printed=printed)

    def _undone(self):
        what = "a function in place of the ..., which may begin as below," if self.begin else "your answer for the ..."
        return Outcome(
            self.id, Status.NOT_ATTEMPTED, f"Put {what} and run the cell again. q.hint(1) helps.", code=self.begin
        )

    def _look(self, answer):
        """(the answer as the form reads it, the first property's sentence that it lacks or None)."""
        reading, usable = self.form.read(answer), self.form.usable(answer)
        for sentence, holds in self.holds or ((self._otherwise(), self._is_right),):
            try:
                if not holds(usable if self.holds else reading):
                    return reading, sentence
            except Unfit as unfit:  # of this property's own questions alone: the answer may still have a name
                return reading, str(unfit)
        return reading, None

    def _is_right(self, reading):
        return any(self.form.same(reading, self.form.read(right)) for right in self.right)

    def _otherwise(self):
        return "That is not it. q.hint(1) helps."

    @cached_property
    def _readings(self):
        return [self.form.read(wrong.answer) for wrong in self.wrong]

    def _misconception(self, reading):
        """The nearest of the wrong answers that equal this one, or None."""
        near = [
            (self.form.distance(reading, known), place)
            for place, known in enumerate(self._readings)
            if self.form.same(reading, known)
        ]
        return self.wrong[min(near)[1]] if near else None
