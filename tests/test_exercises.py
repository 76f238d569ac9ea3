"""Exercises: right answers pass, wrong ones are caught by their name, and whatever else comes gets a kind sentence."""

import inspect
import json
import re
import threading
import time
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from commands import assert_mistake, run, run_json

from toylab.lessons import exercise
from toylab.lessons.exercises import exercises, progress
from toylab.lessons.exercises.base import KINDS
from toylab.lessons.exercises.forms import Choice, Function, Number
from toylab.lessons.exercises.outcomes import Status

ROOT = Path(__file__).parents[1]
EVERY = list(exercises().values())
RIGHT = [pytest.param(each, right, id=f"{each.id}-{n}") for each in EVERY for n, right in enumerate(each.right)]
WRONG = [pytest.param(each, wrong, id=f"{each.id}-{wrong.name}") for each in EVERY for wrong in each.wrong]
NUMBER, FUNCTION, METHOD = exercise("03.1"), exercise("03.2"), exercise("03.3")


@pytest.fixture(autouse=True)
def progress_file(tmp_path, monkeypatch):
    monkeypatch.setenv("TOYLAB_PROGRESS", str(tmp_path / "progress.json"))
    progress._unsaved.clear()
    return tmp_path / "progress.json"


def ids(each):
    return each.id


@pytest.mark.parametrize("each, answer", RIGHT)
def test_right_answers_are_right(each, answer):
    assert each.check(answer).status is Status.RIGHT


@pytest.mark.parametrize("each, wrong", WRONG)
def test_typical_wrong_answers_are_caught_by_name(each, wrong):
    outcome = each.check(wrong.answer)
    assert (outcome.status, outcome.misconception) == (Status.WRONG, wrong.name)
    assert wrong.says == outcome.message


def test_what_an_answer_prints_or_raises_is_no_html():
    outcome = FUNCTION.check(hostile)._repr_html_()
    assert "<script>" not in outcome and outcome.count("&lt;script&gt;") >= 1


def hostile(*arguments):
    print("<script>printed</script>")
    raise ValueError("<script>raised</script>")


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_every_exercise_has_what_it_needs(each):
    assert each.kind in KINDS and each.title and each.because
    assert 2 <= len(each.hints) <= 4
    assert 5 <= len(each.wrong) <= 8
    assert len({wrong.name for wrong in each.wrong}) == len(each.wrong)


@pytest.mark.parametrize("each", [each for each in EVERY if each.derive and each.id < "10"], ids=ids)
def test_right_answers_are_what_the_lab_computes(each):
    assert each.check(each.derive())


@pytest.mark.slow
@pytest.mark.parametrize("each", [each for each in EVERY if each.derive and each.id > "10"], ids=ids)
def test_right_answers_are_what_networks_of_images_show(each):
    assert each.check(each.derive())


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_what_is_not_attempted_is_no_mistake(each, progress_file):
    assert each.check(...).status is Status.NOT_ATTEMPTED
    assert not progress_file.exists()


GARBAGE = (
    None, "banana", b"", {}, object(), float("nan"), float("inf"), 1j, [], [1, 2, 3, 4, 5, 6, 7], [[1], [2, 3]],
    torch.zeros(3, 4, 5), np.array(["a"]), int, print, lambda: 1, lambda *given: None, lambda *given: "x", 10**400,
    torch.zeros(2, device="meta"), lambda *given: torch.zeros(2, device="meta"), np.datetime64("NaT"),
)  # fmt: skip


@pytest.mark.parametrize("each", EVERY, ids=ids)
def test_garbage_gets_a_kind_sentence(each):
    for garbage in GARBAGE:
        outcome = each.check(garbage)
        assert outcome.status in (Status.WRONG, Status.RAISED) and outcome.misconception is None, garbage
        assert len(outcome.message) > 10 and "Traceback" not in outcome.message
        assert "<" not in re.sub(r"</?(div|b|br|pre)\b[^>]*>", "", outcome._repr_html_())


@pytest.mark.parametrize("each", [each for each in EVERY if isinstance(each.form, Number)], ids=ids)
@pytest.mark.parametrize(
    "made", [np.float64, np.asarray, torch.tensor, lambda value: torch.tensor([value], dtype=torch.float64)]
)
def test_numbers_may_be_of_any_kind(each, made):
    assert each.check(made(each.right[0]))


@pytest.mark.parametrize("each", [each for each in EVERY if isinstance(each.form, Choice)], ids=ids)
def test_choices_do_not_mind_case_and_blanks(each):
    assert each.check(f" {each.right[0].upper()} ")


@pytest.mark.parametrize("each", [each for each in EVERY if isinstance(each.form, Function)], ids=ids)
@pytest.mark.parametrize(
    "made", [lambda value: value.numpy(), lambda value: value.tolist(), lambda value: value.float()]
)
def test_functions_may_return_arrays_lists_and_single_precision(each, made):
    def answer(*given):
        value = each.right[0](*given)
        return made(torch.as_tensor(value)) if isinstance(value, (torch.Tensor, float)) else value

    answer.__signature__ = inspect.signature(each.right[0])
    assert each.check(answer)


def test_there_are_enough():
    assert len(EVERY) >= 30 and sum(bool(each.begin) for each in EVERY) >= 15


NOTEBOOKS = {path.stem: nbformat.read(path, 4) for path in sorted(ROOT.glob("notebooks/[0-9]*.ipynb"))}


CELLS = {name: [cell.id for cell in book.cells] for name, book in NOTEBOOKS.items()}


def test_every_notebook_has_two_to_four_but_for_a_case_or_a_measure_each():
    counts = {name: sum(cell.startswith("exercise-") for cell in ids) for name, ids in CELLS.items()}
    more = {name: counts.pop(name) for name in ("10_digits", "14_sampler_court")}
    assert set(counts.values()) <= {2, 3, 4} and more == dict.fromkeys(more, 6)


def test_exercises_are_in_order_and_each_stands_in_its_notebook():
    assert list(exercises()) == sorted(exercises())
    for each in EVERY:
        asks = f"ask-{each.id.replace('.', '-')}"
        (cells,) = (ids for name, ids in CELLS.items() if name[:2] == each.id[:2] and asks in ids)
        place = cells.index(asks)
        assert cells[place + 1] == f"exercise-{each.id.replace('.', '-')}"


@pytest.mark.parametrize("name", CELLS)
def test_a_reader_meets_exercises_in_the_order_of_their_numbers(name):
    met = [cell for cell in CELLS[name] if cell.startswith("ask-")]
    assert met == sorted(met)


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_untouched_notebooks_ask_what_the_package_asks(name):
    cells = {cell.id: cell for cell in NOTEBOOKS[name].cells}
    assert len(cells) == len(NOTEBOOKS[name].cells)
    for place in [each for each in cells if each.startswith(("ask-", "exercise-"))]:
        each = exercise(place.split("-", 1)[1].replace("-", "."))
        asks = place.startswith("ask-")
        assert cells[place].source == (each.markdown() if asks else each.stub())
        if not asks:
            assert "answer = ..." in cells[place].source
            assert cells[place].outputs[0].data["text/plain"] == repr(each.check(...))


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_notebooks_begin_with_what_a_reader_must_know(name):
    title = NOTEBOOKS[name].cells[0].source
    for part in ("**The question:**", "**Time:**", "**You need:**", "**Afterwards you can**", "**Ways:**"):
        assert part in title.split("\n\n")[1]


# code that misbehaves


def endless(x, eps, beta, ab):
    while True:
        pass


def stubborn(x, eps, beta, ab):
    while True:
        try:
            time.sleep(0.01)
        except Exception:
            pass


@pytest.mark.parametrize("answer", [endless, stubborn])
def test_code_that_never_ends_is_stopped(answer):
    before = threading.active_count()
    outcome = FUNCTION.check(answer, seconds=0.2)
    assert outcome.status is Status.WRONG and "still running after 0.2 seconds" in outcome.message
    assert threading.active_count() == before


def test_code_is_stopped_in_any_thread():
    found = []
    thread = threading.Thread(target=lambda: found.append(FUNCTION.check(endless, seconds=0.2)))
    thread.start()
    thread.join(10)
    assert "still running" in found[0].message


def test_megabytes_that_are_printed_are_cut(capsys):
    def answer(x, eps, beta, ab):
        for _ in range(100):
            print("x" * 100_000)
        return FUNCTION.right[0](x, eps, beta, ab)

    outcome = FUNCTION.check(answer)
    assert outcome and "characters more" in outcome.printed and len(repr(outcome)) < 2000
    assert capsys.readouterr().out == ""


def test_an_error_is_told_with_its_line():
    def answer(x, eps, beta, ab):
        return x / 0 + undefined  # noqa: F821

    outcome = FUNCTION.check(answer)
    assert outcome.status is Status.RAISED
    assert "NameError" in outcome.message and "undefined" in outcome.code


def test_exit_ends_no_kernel():
    def answer(x, eps, beta, ab):
        raise SystemExit

    assert FUNCTION.check(answer).status is Status.RAISED


def test_a_missing_return_and_a_missing_argument_are_told():
    assert "Is there a return?" in FUNCTION.check(lambda x, eps, beta, ab: None).message
    assert "(x, eps, beta, ab)" in FUNCTION.check(lambda x, eps: x).message
    assert FUNCTION.check(lambda x, eps, beta, ab: ...).status is Status.NOT_ATTEMPTED


def test_numbers_that_are_not_finite_are_told():
    assert "not finite" in FUNCTION.check(lambda x, eps, beta, ab: x / (beta - beta)).message


def test_a_method_that_returns_its_dots_is_not_attempted():
    assert METHOD.check(lambda eps, schedule, x, t, s: ...).status is Status.NOT_ATTEMPTED


def test_what_a_sampler_says_of_a_method_is_passed_on():
    assert "must return a tensor like x" in METHOD.check(lambda eps, schedule, x, t, s: 3).message
    assert "changed x in place" in METHOD.check(lambda eps, schedule, x, t, s: x.mul_(0.9)).message


def test_answers_that_change_what_they_are_given_change_nothing_else():
    def answer(x, eps, beta, ab):
        x -= eps / (1 - ab) ** 0.5
        return x * (-beta / 2)

    assert FUNCTION.check(answer) and FUNCTION.check(FUNCTION.right[0])


def test_an_exercise_that_does_not_exist_is_told_with_the_list():
    with pytest.raises(ValueError, match="unknown exercise '3.9'.*03.1.*03.2"):
        exercise("3.9")
    with pytest.raises(TypeError, match="exercise must be a name"):
        exercise(3.2)
    assert exercise("3.2") is exercise("03.2")


def test_hints_come_in_stages_and_the_solution_is_the_tested_source():
    assert "hint 1 of 3" in repr(FUNCTION.hint(1))
    with pytest.raises(ValueError, match="stage must be an integer of at most 3, got 4"):
        FUNCTION.hint(4)
    scope = {}
    exec(FUNCTION.solution().code, scope)
    assert FUNCTION.check(scope["drift"])


def test_the_time_of_a_check_must_be_positive():
    with pytest.raises(ValueError, match="seconds must be a finite number"):
        NUMBER.check(1, seconds=-1)


def test_outcomes_show_in_a_terminal_and_in_a_notebook():
    outcome = NUMBER.check(4)
    assert repr(outcome).startswith("03.1 ✗ wrong: the order of the weights. ")
    assert "<b>03.1 ✗ wrong: the order of the weights.</b>" in outcome._repr_html_()


# the progress file


def entry(path, name="03.1"):
    return json.loads(path.read_text(encoding="utf-8"))["exercises"][name]


def test_progress_counts_attempts_and_keeps_what_was_right(progress_file):
    for answer in (4, 4, 1, 2):
        NUMBER.check(answer)
    NUMBER.hint(2)
    found = entry(progress_file)
    assert (found["status"], found["attempts"], found["hints"], found["solution"]) == ("right", 4, 2, False)
    assert found["misconceptions"] == ["the order of the weights", "the order of the method"]


@pytest.mark.parametrize(
    "content, says",
    [(b"{", "damaged"), (b'{"version": 1, "exercises": {"03.1": {"status": "<b>"}}}', "damaged"),
     (b"\xff\xfe", "cannot be read"), (b"[" * 100_000, "damaged"), (b"[]", "damaged"),
     (b'{"version": 1, "exercises": {"03.1": {"attempts": "x"}}}', "damaged"),
     (b'{"version": 1, "exercises": []}', "damaged"), (b'{"version": 2, "exercises": {}}', "of version 2")],
)  # fmt: skip
def test_a_file_that_cannot_be_used_is_left_and_nothing_is_lost(progress_file, content, says):
    progress_file.write_bytes(content)
    outcome = NUMBER.check(1)
    assert outcome and says in outcome.note and progress_file.read_bytes() == content
    progress_file.unlink()
    METHOD.check(1)
    assert entry(progress_file)["status"] == "right"


def test_an_unwritable_place_is_a_note(progress_file):
    progress_file.mkdir()
    outcome = NUMBER.check(1)
    assert outcome and "directory" in outcome.note
    progress_file.rmdir()
    METHOD.check(1)
    assert entry(progress_file)["status"] == "right"


def test_the_report_says_what_was_done_in_markdown_and_json(tmp_path):
    NUMBER.check(4)
    FUNCTION.hint(1)
    text = run("exercises report --name Ada").stdout
    assert text.startswith("# Progress in toylab's exercises of Ada") and "| 03.1 |" in text
    assert "the order of the weights" in text
    assert run("exercises report --out", str(tmp_path / "report.json")).exit_code == 0
    about = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))
    (row,) = (row for row in about["exercises"] if row["id"] == "03.1")
    assert (row["status"], row["attempts"]) == ("wrong", 1)
    assert [row["status"] for row in about["exercises"] if row["id"] == "03.2"] == ["not attempted"]
    assert [row["id"] for row in run_json("exercises list")] == list(exercises())
    assert "not attempted" in run("exercises list").stdout


def test_a_report_of_a_damaged_file_is_a_sentence(progress_file):
    progress_file.write_text("{", encoding="utf-8")
    assert_mistake(run("exercises report"), "is damaged, and left as it is")
