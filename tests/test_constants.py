"""The predicted first term of the error, held against the samplers and against quadrature in many digits."""

import math
import threading
from functools import cache

import mpmath
import pytest
import torch
from problems import alpha_bar, sigma

import toylab
from toylab import problems
from toylab.analysis._leading_error import gaussian_error, leading_error
from toylab.problems.flow import rms

STEPS = 2560


def plain_eps(schedule, mean, spread):
    """The epsilon of one Gaussian, written out: eps(x, t)."""

    def eps(x, t):
        log_share = schedule.log_alpha_bar(t).item()
        share, noise = math.exp(log_share), -math.expm1(log_share)
        return math.sqrt(noise) / (share * spread**2 + noise) * (x - math.sqrt(share) * mean)

    return eps


@cache
def measured(schedule, method, t_end, steps=STEPS, spacing="t", t_start=None):
    """(x_N - x, x_T) for one Gaussian."""
    problem = problems.gaussian(schedule=schedule)
    eps, x = plain_eps(problem.schedule, problem.eps.points[0], problem.eps.spread), problem.start(4)
    where = {"t_start": t_start, "t_end": t_end, "spacing": spacing}
    run = toylab.sample(eps, schedule, method, steps, x_T=x, record=False, progress=False, **where)
    return run.x - problem.solution(x, t_start, t_end), x


def predicted(schedule, method, t_end, x, **options):
    return gaussian_error(problems.gaussian(schedule=schedule).eps, x, method, t_end=t_end, **options)


def part(error, prediction):
    """How many times `prediction` there is in `error`: the factor of the least-squares fit."""
    return ((error * prediction).sum() / prediction.square().sum()).item()


@pytest.mark.parametrize(
    ("method", "schedule", "t_end"),
    [
        *(("F-PNDM", schedule, t_end) for schedule in ("linear", "cosine") for t_end in (0.05, 0.1, 0.2, 0.5)),
        ("PRK", "linear", 0.05),
        ("PRK", "cosine", 0.2),
    ],
)
def test_the_h_squared_constant_is_that_of_theory(method, schedule, t_end):
    error, x = measured(schedule, method, t_end)
    prediction = predicted(schedule, method, t_end, x)
    assert rms(error) == pytest.approx(prediction.rms(STEPS), rel=0.004)
    assert rms(error - prediction.at(STEPS)) <= 0.004 * rms(error)  # particle by particle, sign and all


def test_where_the_next_term_is_large_the_constant_shows_late_but_is_that_of_theory():
    # schedule "constant": sigma bends like sqrt(t), and the weights' own error of order 4 is large
    parts = []
    for steps in (1280, 2560, 5120):
        error, x = measured("constant", "F-PNDM", 0.05, steps)
        parts.append(part(error, predicted("constant", "F-PNDM", 0.05, x).at(steps)))
    assert 0.84 < parts[0] < 0.86 and 0.955 < parts[1] < 0.965  # more than 2 % below at N = 2560
    assert (1 - parts[0]) / (1 - parts[1]) == pytest.approx(4, abs=0.2)  # of order 2 in 1 / N, beside the first
    assert (1 - parts[1]) / (1 - parts[2]) == pytest.approx(4, abs=0.1)
    assert (4 * parts[1] - parts[0]) / 3 == pytest.approx(1, abs=0.003)  # with that order taken out
    assert (4 * parts[2] - parts[1]) / 3 == pytest.approx(1, abs=0.0005)


@pytest.mark.parametrize("t_end", [0.05, 0.2])
@pytest.mark.parametrize("schedule", toylab.schedules.names())
def test_both_terms_of_f_pndm_give_its_error_on_every_schedule(schedule, t_end):
    error, x = measured(schedule, "F-PNDM", t_end)
    prediction = predicted(schedule, "F-PNDM", t_end, x)
    assert rms(error - prediction.at(STEPS, adams=True)) <= 0.002 * rms(error)
    assert prediction.rms(STEPS, adams=True) == pytest.approx(rms(error), rel=0.002)


@pytest.mark.parametrize("schedule", toylab.schedules.names())
def test_prk_meets_its_constant_on_every_schedule(schedule):
    error, x = measured(schedule, "PRK", 0.05)
    assert rms(error - predicted(schedule, "PRK", 0.05, x).at(STEPS)) <= 0.002 * rms(error)


def test_in_the_sigma_clock_the_term_of_order_4_is_all_there_is():
    limits, parts = {"t_start": 0.6, "spacing": "sigma"}, []
    for steps in (640, 1280):
        error, x = measured("linear", "F-PNDM", 0.2, steps, **limits)
        prediction = predicted("linear", "F-PNDM", 0.2, x, **limits)
        parts.append(part(error, prediction.at(steps, adams=True)))
    assert 2 * parts[1] - parts[0] == pytest.approx(1, abs=0.003)  # the term of order 5 taken out
    assert prediction.turn == math.inf


def test_the_runge_kutta_start_has_no_part_in_the_constants():
    problem = problems.gaussian(schedule="constant")
    eps, x = plain_eps(problem.schedule, problem.eps.points[0], problem.eps.spread), problem.start(4)
    times = torch.linspace(1, 0.05, 641, dtype=torch.float64)
    states = toylab.iterate(eps, "constant", "F-PNDM", x_T=x.clone(), times=times)
    for t, state in zip(times.tolist(), states, strict=True):
        if t in times[1:4].tolist():
            state.copy_(problem.solution(x, None, t))  # the sampler goes on from its own state
    started_exactly = state - problem.solution(x, None, 0.05)
    error, _ = measured("constant", "F-PNDM", 0.05, 640)
    assert 0 < rms(error - started_exactly) < 1e-4 * rms(error)


@pytest.mark.parametrize(("schedule", "t_end"), [("linear", 0.01), ("constant", 0.05)])
def test_f_pndm_looks_of_order_four_before_the_turn_and_of_order_two_beyond(schedule, t_end):
    _, x = measured(schedule, "F-PNDM", t_end, 2560)
    assert 500 < predicted(schedule, "F-PNDM", t_end, x).turn < 600
    before, beyond = (
        math.log2(rms(measured(schedule, "F-PNDM", t_end, n)[0]) / rms(measured(schedule, "F-PNDM", t_end, 2 * n)[0]))
        for n in (160, 2560)
    )
    assert before > 3
    assert beyond == pytest.approx(2, abs=0.2)


@pytest.mark.parametrize("method", ["DDIM", "S-PNDM", "PRK"])
def test_the_term_of_order_4_is_refused_where_it_is_not_known(method):
    prediction = predicted("linear", method, 0.2, problems.gaussian().start(2))
    for ask in (lambda: prediction.at(10, adams=True), lambda: prediction.turn):
        with pytest.raises(ValueError, match=f"only for F-PNDM, by gaussian_error, not for {method}"):
            ask()


@pytest.mark.parametrize("method", ["DDIM", "S-PNDM"])
@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_ddim_and_s_pndm_have_predicted_constants_too(schedule, method):
    error, x = measured(schedule, method, 0.2)
    assert rms(error - predicted(schedule, method, 0.2, x).at(STEPS)) <= 0.01 * rms(error)


@pytest.mark.parametrize("spacing", ["logsnr", "karras", "quad"])
def test_the_constant_holds_in_every_clock(spacing):
    error, x = measured("linear", "F-PNDM", 0.1, spacing=spacing)
    prediction = predicted("linear", "F-PNDM", 0.1, x, spacing=spacing)
    assert rms(error - prediction.at(STEPS)) <= 0.002 * rms(error)


def test_the_constant_vanishes_in_the_sigma_clock():
    _, x = measured("linear", "F-PNDM", 0.1)
    assert predicted("linear", "F-PNDM", 0.1, x, spacing="sigma").constant.abs().max() == 0


def test_prk_and_f_pndm_have_the_same_constant():
    (f_pndm, x), (prk, _) = measured("linear", "F-PNDM", 0.2), measured("linear", "PRK", 0.2)
    assert rms(f_pndm - prk) <= 1e-3 * rms(prk)
    a, b = (predicted("linear", method, 0.2, x).constant for method in ("F-PNDM", "PRK"))
    assert torch.equal(a, b)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "constant"])
def test_the_integral_is_that_of_quadrature_in_many_digits(schedule):
    # in sigma: the integral of e_t sigma_tt / w dt with everything written out, derivatives by mpmath
    spread, mean = mpmath.mpf("0.3"), mpmath.mpf("0.7")
    t_start, t_end = toylab.schedules.get(schedule).t_max, 0.1
    x = torch.tensor([[1.3, 0.0]], dtype=torch.float64)

    def width(t):
        return mpmath.sqrt(spread**2 + sigma(schedule, t) ** 2)

    def integrand(t):
        rate, bend = (mpmath.diff(lambda u: sigma(schedule, u), t, k) for k in (1, 2))
        return spread**2 * rate * bend / width(t) ** 4

    with mpmath.workdps(20):
        integral = mpmath.quad(integrand, mpmath.linspace(t_end, t_start, 9))
        c = (mpmath.mpf("1.3") / mpmath.sqrt(alpha_bar(schedule, t_start)) - mean) / width(t_start)
        expected = mpmath.sqrt(alpha_bar(schedule, t_end)) * width(t_end) * c * integral / 12
    found = predicted(schedule, "F-PNDM", t_end, x).constant[0, 0].item()
    assert found == pytest.approx(float(expected), rel=1e-7)


@pytest.mark.parametrize("method", ["DDIM", "F-PNDM"])
@pytest.mark.parametrize("spacing", ["t", "karras"])
def test_the_linearised_flow_agrees_with_the_closed_form(method, spacing):
    problem = problems.gaussian()
    x = problem.start(2)
    closed = gaussian_error(problem.eps, x, method, t_end=0.1, spacing=spacing)
    solved = leading_error(problem.eps, "linear", x, method, t_end=0.1, spacing=spacing)
    assert rms(solved.constant - closed.constant) <= 1e-5 * rms(closed.constant)
    assert solved.length == closed.length and solved.order == closed.order


@pytest.mark.parametrize("name", ["circle", "spiral"])
def test_errors_on_curves_are_predicted_as_well(name):
    problem = problems.curve(name, 40, 0.05)
    x = problem.start(4)
    prediction = leading_error(problem.eps, "linear", x, "F-PNDM", t_end=0.2)
    run = toylab.sample(problem.eps, "linear", "F-PNDM", 640, x_T=x, t_end=0.2, record=False, progress=False)
    error = run.x - problem.reference(x, None, 0.2, progress=False).x
    assert rms(error - prediction.at(640)) <= 0.01 * rms(error)


def test_the_prediction_falls_with_the_order():
    _, x = measured("linear", "F-PNDM", 0.2)
    for method, order in (("DDIM", 1), ("F-PNDM", 2)):
        prediction = predicted("linear", method, 0.2, x)
        assert prediction.order == order
        assert prediction.rms(100) / prediction.rms(200) == pytest.approx(2**order)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"method": "RK4"}, "unknown method 'RK4'"),
        ({"method": "PRK", "spacing": "karras"}, "spacing must be 't' for PRK"),
        ({"spacing": "snr"}, "unknown spacing 'snr'"),
        ({"t_end": 2.0}, "t_end"),
        ({"eps": problems.two_points().eps}, "single point"),
    ],
)
def test_bad_input_is_named(change, words):
    arguments = {"eps": problems.gaussian().eps, "x_T": problems.gaussian().start(2)} | change
    with pytest.raises(ValueError, match=words):
        gaussian_error(**arguments)


def test_s_pndm_needs_the_closed_form():
    problem = problems.gaussian()
    with pytest.raises(ValueError, match="unknown method 'S-PNDM'"):
        leading_error(problem.eps, "linear", problem.start(2), "S-PNDM")


def test_the_figure_shows_measured_dots_on_predicted_lines():
    from toylab.figures.theory import plot_constants

    ax = plot_constants(problems.gaussian(), ("DDIM", "F-PNDM"), n=2, steps=(160, 320))
    lines, dots = ax.lines[::2], ax.lines[1::2]
    for line, dot in zip(lines, dots, strict=True):
        assert line.get_ydata() == pytest.approx(dot.get_ydata(), rel=0.05)


@pytest.mark.slow
def test_leading_errors_of_a_custom_schedule_are_right_in_every_thread():
    class Mine(toylab.schedules.Schedule):
        def log_alpha_bar(self, t):
            return -5.0 * t**1.5 - 0.1 * t

    problem = problems.gaussian(schedule=Mine())
    x, found = problem.start(2), []
    expected = gaussian_error(problem, x, "DDIM", t_end=0.5).constant

    def work():
        found.append(leading_error(problem, None, x, "DDIM", t_end=0.5, rtol=1e-4).constant)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and all(torch.allclose(each, expected, rtol=1e-3) for each in found)
