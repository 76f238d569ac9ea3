"""The predicted first term of the error, held against the samplers and against quadrature in many digits."""

import math
from functools import cache

import mpmath
import pytest
import torch
from problems import alpha_bar, sigma

import toylab
from toylab import problems
from toylab.analysis.constants import gaussian_error, leading_error
from toylab.analysis.reference import rms

STEPS = 2560


def plain_eps(schedule, mean, spread):
    """The epsilon of one Gaussian, written out: eps(x, t)."""

    def eps(x, t):
        log_share = schedule.log_alpha_bar(t).item()
        share, noise = math.exp(log_share), -math.expm1(log_share)
        return math.sqrt(noise) / (share * spread**2 + noise) * (x - math.sqrt(share) * mean)

    return eps


@cache
def measured(schedule, method, t_end, steps=STEPS, spacing="t"):
    """(x_N - x, x_T) for one Gaussian."""
    problem = problems.gaussian(schedule=schedule)
    eps, x = plain_eps(problem.schedule, problem.eps.points[0], problem.eps.spread), problem.start(4)
    where = {"t_end": t_end, "spacing": spacing}
    run = toylab.sample(eps, schedule, method, steps, x_T=x, record=False, progress=False, **where)
    return run.x - problem.solution(x, None, t_end), x


def predicted(schedule, method, t_end, x, **options):
    return gaussian_error(problems.gaussian(schedule=schedule).eps, x, method, t_end=t_end, **options)


@pytest.mark.parametrize(
    ("method", "schedule", "t_end"),
    [
        *(
            ("F-PNDM", schedule, t_end)
            for schedule in ("linear", "cosine")
            for t_end in (0.05, 0.1, 0.2, 0.5)
        ),
        ("PRK", "linear", 0.05),
        ("PRK", "cosine", 0.2),
    ],
)
def test_the_h_squared_constant_is_that_of_theory(method, schedule, t_end):
    error, x = measured(schedule, method, t_end)
    prediction = predicted(schedule, method, t_end, x)
    assert rms(error) == pytest.approx(prediction.rms(STEPS), rel=0.004)
    assert rms(error - prediction.at(STEPS)) <= 0.004 * rms(error)  # particle by particle, sign and all


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
    from toylab.views.theory import plot_constants

    ax = plot_constants(problems.gaussian(), ("DDIM", "F-PNDM"), n=2, steps=(160, 320))
    lines, dots = ax.lines[::2], ax.lines[1::2]
    for line, dot in zip(lines, dots, strict=True):
        assert line.get_ydata() == pytest.approx(dot.get_ydata(), rel=0.05)
