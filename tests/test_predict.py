"""Predictions: a guess is locked before anything is measured, kept in the progress file, and found in the report."""

import json

import pytest
from commands import run
from test_exercises import NOTEBOOKS, progress_file  # noqa: F401 (a fixture)
from traitlets import TraitError

from toylab import claims
from toylab.lessons import predict
from toylab.lessons.exercises import progress
from toylab.lessons.exercises.report import guesses
from toylab.lessons.predictions import PREDICTIONS
from toylab.widgets.predict import Amount, Options, Predict, Prediction, Slope, Truth

AMOUNT, SLOPE = Amount(0, 10, 0.5, "steps"), Slope((10, 80))


def asked(form=None, measure=None):
    form = form or Options(("one", "two"))
    return Prediction(
        "a title", "How many < three?", form, measure or (lambda: Truth("two", "It is two.", {"two": 2.0}))
    )


def commit(widget, guess):
    widget.set_state({"guess": guess, "committed": True})  # as the browser does it
    return widget


def test_nothing_is_measured_before_a_guess_is_committed():
    calls = []
    widget = Predict(asked(measure=lambda: calls.append(1) or Truth("two", "It is two.")))
    widget.guess = "one"
    assert not calls and not widget.truth and widget.note == ""
    commit(widget, "one")
    assert calls == [1] and widget.truth["answer"] == "two" and widget.note == "It is two."


def test_the_guess_of_claims_goes_up_to_those_that_its_world_has():
    """The question has the number in words."""
    count = sum("exact" in claims.get(name).worlds for name in claims.names())
    question, form = PREDICTIONS["15"].question, PREDICTIONS["15"].form
    assert form.high == count == 11 and question.startswith("Eleven claims")


def test_a_committed_guess_is_locked():
    widget = commit(Predict(asked()), "one")
    with pytest.raises(TraitError, match="committed"):
        widget.guess = "two"
    with pytest.raises(TraitError, match="committed"):
        widget.committed = False
    assert widget.guess == "one" and widget.truth["answer"] == "two"


@pytest.mark.parametrize(
    "form, guess", [(None, "three"), (None, 1), (AMOUNT, 11), (AMOUNT, float("nan")), (AMOUNT, "one"), (SLOPE, -1)]
)
def test_a_guess_that_is_none_is_refused_by_name(form, guess):
    widget = Predict(asked(form))
    with pytest.raises((ValueError, TypeError), match="guess must be"):
        widget.guess = guess
    with pytest.raises(TraitError, match="until there is a guess"):
        widget.committed = True


def test_a_class_votes_without_a_guess_of_its_own_and_nothing_is_kept():
    kept = []
    widget = Predict(asked(), lambda *given: kept.append(given) or "")
    widget.set_state({"votes": [3, 4]})
    widget.committed = True
    assert widget.truth["answer"] == "two" and widget.votes == [3, 4] and not kept


def test_a_measurement_that_fails_loses_no_guess():
    kept = []

    def broken():
        raise RuntimeError("no network")

    widget = commit(Predict(asked(measure=broken), lambda *given: kept.append(given) or ""), "one")
    assert kept == [("one",)] and "no network" in widget.error and not widget.truth


@pytest.mark.parametrize(
    "form, bins",
    [(Amount(0, 5, 1, "bugs"), ["0", "1", "2", "3", "4", "5"]), (Slope((10, 80), 2), ["order 0", "order 1", "order 2"]),
     (Options(("a", "b")), ["a", "b"])],
)  # fmt: skip
def test_a_class_is_counted_by_at_most_nine_keys(form, bins):
    assert form.sent()["bins"] == bins
    assert all(2 <= len(each.form.sent()["bins"]) <= 9 for each in PREDICTIONS.values())


def test_an_output_has_the_question_in_words_and_no_answer():
    data, _, words = Predict(asked()).in_output()
    assert list(data) == ["text/html"] and "How many &lt; three?" in words and "Run this cell" in words
    assert "It is two" not in words


def test_the_first_guess_is_what_the_report_has(progress_file, monkeypatch, tmp_path):  # noqa: F811
    commit(predict("13"), 100)
    commit(predict("13"), 500)
    (row,) = guesses()
    assert (row["id"], row["guess"], row["measured"], row["guesses"]) == ("13", "copies 100", "copies 500", 2)
    text = run("exercises report").stdout
    assert "## Predictions" in text and "| copies 100" in text
    assert run("exercises report --out", str(tmp_path / "report.json")).exit_code == 0
    assert json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["predictions"] == guesses()


def test_a_damaged_progress_file_is_left_and_the_guess_is_told_to_be_in_memory(progress_file):  # noqa: F811
    progress_file.write_text("{", encoding="utf-8")
    widget = commit(predict("13"), 100)
    assert "is damaged" in widget.note and progress_file.read_text(encoding="utf-8") == "{"
    progress_file.unlink()
    assert progress.read("predictions")["13"]["guess"] == "copies 100"


def test_a_file_of_before_there_were_predictions_is_read(progress_file):  # noqa: F811
    progress_file.write_text('{"version": 1, "exercises": {}}', encoding="utf-8")
    assert progress.read("predictions") == {}


def test_a_notebook_without_a_prediction_is_told_with_the_list():
    with pytest.raises(ValueError, match="unknown notebook '99'.*01"):
        predict("99")
    with pytest.raises(TypeError, match="notebook must be"):
        predict(1)


@pytest.mark.slow
@pytest.mark.parametrize("name", PREDICTIONS)
def test_every_answer_is_one_that_could_have_been_guessed(name):
    form = PREDICTIONS[name].form
    found = PREDICTIONS[name].measure()
    assert form.check(found.answer) == found.answer
    assert len(found.steps) == len(found.errors) and (not found.steps or found.steps[0] == form.steps[0])


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_each_notebook_asks_before_anything_is_shown(name):
    colab, *cells = [cell for cell in NOTEBOOKS[name].cells if cell.cell_type == "code"]
    assert colab.id == "colab"
    number = name.split("_")[0]
    assert f'predict("{number}")' in cells[0].source
    (output,) = cells[0].outputs
    assert output.data["text/html"] == predict(number).in_output()[2]
    assert "image/png" not in output.data
