"""Notebook 14: the cases of the sampler court, the rule it judges by, and the evidence that its verdicts name."""

import re

import pytest
import torch

import toylab
from toylab import problems
from toylab.lessons import exercise
from toylab.lessons.court import CASES, facts, other_direction, ruling, trial, two_data

VERDICTS = {"a": "neither", "b": "bug", "c": "feature", "d": "bug", "e": "neither"}


def run(method, **how):
    return toylab.sample(problems.two_points(0.1), method=method, steps=7, n=8, progress=False, **how)


def test_the_formula_with_nothing_changed_is_the_published_one():
    torch.testing.assert_close(run(two_data).states, run("DPM-Solver++2M").states, rtol=1e-9, atol=1e-9)


def test_the_repeated_node_is_paid_for_once():
    assert run(CASES["a"][0]).nfe_per_step == [2, *[1] * 6]


def test_the_averaged_step_is_right_on_nodes_even_in_log_snr_alone():
    case, original = CASES["b"]
    same = run(case, spacing="logsnr").states - run(original, spacing="logsnr").states
    assert same.abs().max() < 1e-9 < 1e-3 < (run(case).states - run(original).states).abs().max()


def test_the_other_direction_is_that_of_ddim_with_eta_1_without_its_noise():
    step = toylab.sample(problems.two_points(0.1), method=other_direction, steps=1, n=2000, t_start=0.6, t_end=0.3)
    noisy = toylab.sample(problems.two_points(0.1), method="DDIM", eta=1.0, steps=1, n=2000, t_start=0.6, t_end=0.3)
    added = noisy.x - step.x
    schedule = toylab.schedules.get("linear")
    var = schedule.noise_std(0.3) ** 2 / schedule.noise_std(0.6) ** 2
    var *= 1 - schedule.alpha_bar(0.6) / schedule.alpha_bar(0.3)
    assert added.mean().abs() < 0.03 and added.var().item() == pytest.approx(var, rel=0.05)


@pytest.mark.slow
@pytest.mark.parametrize("letter, verdict", VERDICTS.items())
def test_the_court_rules_by_what_is_measured(letter, verdict):
    assert ruling(*CASES[letter]) == verdict


@pytest.mark.slow
@pytest.mark.parametrize("letter, number", list(zip("abcde", (1, 2, 4, 5, 6), strict=True)))
def test_the_evidence_of_a_verdict_is_in_the_table_of_its_trial(letter, number):
    each, table = exercise(f"14.{number}"), str(trial(*CASES[letter]))
    named = re.findall(r"(?<![\w.^])\d+\.\d+", each.because)
    assert all(re.search(rf"(?<![\d.]){re.escape(value)}(?!\d)", table) for value in named), (named, table)
    assert each.check(each.derive())


@pytest.mark.slow
def test_nearer_to_the_circle_than_the_exact_flow_is_no_acquittal():
    wrong, right = facts(other_direction), facts("DDIM")
    distance, error = "distance, even in logsnr, N = 20", "error, even in logsnr, N = 20"
    assert wrong[distance] < right[distance] / 2 and wrong[error] > 2 * right[error]
