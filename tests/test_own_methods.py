"""Plain functions as methods: accepted where a method's name is, counted, and looked at."""

from functools import partial

import pytest
import torch
from commands import run_json
from problems import flower, normal

import toylab
from toylab import analysis, problems

LINEAR = toylab.schedules.get("linear")
EPS = toylab.exact_eps(flower(5, 24), LINEAR, 0.1)
PROBLEM = problems.Problem(EPS, LINEAR, None, {})
X = normal(8, 2)


def ddim(eps, schedule, x, t, s):
    r = (schedule.alpha_bar(s) / schedule.alpha_bar(t)) ** 0.5
    return r * x + (schedule.noise_std(s) - r * schedule.noise_std(t)) * eps(x, t)


def ab2(eps, schedule, x, times):
    last = None
    for t, s in zip(times[:-1], times[1:], strict=True):
        slope = schedule.drift(x, eps(x, t), t)
        x = x + (s - t) * (slope if last is None else (3 * slope - last) / 2)
        last = slope
        yield x


def sample(method, steps=6, **arguments):
    return toylab.sample(EPS, LINEAR, method, steps, x_T=X, progress=False, **arguments)


def test_ddim_written_as_a_function_is_ddim():
    run, known = sample(ddim), sample("DDIM")
    assert (run.method, run.nfe_per_step) == ("ddim", known.nfe_per_step)
    torch.testing.assert_close(run.states, known.states, rtol=0, atol=1e-13 * known.states.abs().max())


def test_ab2_written_as_a_generator_is_ab2_from_order_1():
    known = sample(toylab.method("rising-ab2", "classical"))
    torch.testing.assert_close(sample(ab2).states, known.states, rtol=0, atol=1e-12 * known.states.abs().max())


def test_iterate_takes_a_function():
    *_, last = toylab.iterate(EPS, LINEAR, ab2, 6, x_T=X)
    assert torch.equal(last, sample(ab2).x)


def test_a_partial_function_and_an_object_are_named():
    class Half:
        def __call__(self, eps, schedule, x, t, s):
            return x / 2

    assert sample(partial(ddim)).method == "ddim"
    assert (sample(Half()).method, sample(Half()).nfe) == ("Half", 0)


@pytest.mark.parametrize(("method", "order"), [(ddim, 1), (ab2, 2)])
def test_the_order_of_a_function_is_measured(method, order):
    found = toylab.measure_order(PROBLEM, method=method, steps=(160, 320), t_start=0.6, n=8, progress=False)
    assert found.order == pytest.approx(order, abs=0.1)


def test_a_function_takes_part_in_sweeps_and_comparisons():
    circle = toylab.datasets.get("circle")
    swept = toylab.sweep(EPS, LINEAR, methods=("DDIM", ddim), steps=(3, 5), n=8, manifold=circle, progress=False)
    assert swept.methods == ("DDIM", "ddim") and swept.nfe["ddim", 5] == 5
    found = analysis.compare(EPS, LINEAR, ("DDIM", ddim), nfe=7, manifold=circle, n=16, progress=False)
    assert [(row.method, row.steps, row.nfe) for row in found.rows] == [("DDIM", 7, 7), ("ddim", 7, 7)]


def test_the_command_line_takes_module_and_function(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "own_half.py").write_text("def half(eps, schedule, x, t, s):\n    return x / 2 + 0 * eps(x, t)\n")
    found = run_json("sample", "circle", "--eps", "exact", "--method", "own_half:half", "--steps", "3", "--json")
    assert (found["method"], found["nfe"]) == ("half", 3)


def stops(eps, schedule, x, times):
    yield x


@pytest.mark.parametrize(
    ("method", "error", "message"),
    [
        (lambda eps, schedule, x, t, s: x[:2], ValueError, r"\(8, 2\), at step 1, from t = 1 to 0.8335, got \(2, 2\)"),
        (lambda eps, schedule, x, t, s: x * float("nan"), ValueError, "not finite at step 1"),
        (lambda eps, schedule, x, t, s: 3, TypeError, "at step 1, .* got a int"),
        (lambda eps, schedule, x, t, s: x.mul_(2), ValueError, "changed x in place at step 1"),
        (stops, ValueError, "stops must yield a state for each of 6 steps, but it ended before step 2"),
        (3, TypeError, "method must be a name, .* or a function, got 3"),
    ],
)
def test_what_a_function_does_wrong_is_said_with_step_and_time(method, error, message):
    before = X.clone()
    with pytest.raises(error, match=message):
        sample(method)
    assert torch.equal(X, before)
