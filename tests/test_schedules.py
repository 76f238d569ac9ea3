"""Schedules: closed forms in 40 digits, inverses, derivatives, dtypes, tables."""

import math

import diffusers
import mpmath
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import SCHEDULES, alpha_bar, sigma

import toylab
from toylab.schedules import Schedule

times = st.floats(1e-6, 0.99)


class FiveLines(Schedule):
    name = "mine"

    def log_alpha_bar(self, t):
        return -5.0 * t**1.5


def all_schedules():
    table = toylab.schedules.from_betas(np.linspace(1e-4, 0.02, 1000))
    return [*(toylab.schedules.get(name) for name in SCHEDULES), FiveLines(), table]


every_schedule = pytest.mark.parametrize("schedule", all_schedules(), ids=lambda schedule: schedule.name)
every_name = pytest.mark.parametrize("name", SCHEDULES)


def test_names_lists_the_five_schedules_of_the_contract():
    assert set(toylab.schedules.names()) == set(SCHEDULES)


@every_schedule
def test_nothing_is_lost_at_time_zero(schedule):
    assert schedule.alpha_bar(0.0) == 1.0
    assert schedule.sigma(0.0) == 0.0
    assert schedule.noise_std(0.0) == 0.0


@every_name
@given(t=times)
def test_alpha_bar_and_sigma_equal_their_closed_forms_in_forty_digits(name, t):
    schedule = toylab.schedules.get(name)
    assert schedule.alpha_bar(t) == pytest.approx(float(alpha_bar(name, t)), rel=1e-12)
    assert schedule.sigma(t) == pytest.approx(float(sigma(name, t)), rel=1e-12)


@every_name
@pytest.mark.parametrize("t", [1e-8, 1e-7, 1e-6, 1e-5, 1e-4])
def test_the_noise_keeps_its_digits_near_time_zero(name, t):
    schedule = toylab.schedules.get(name)
    noise = mpmath.sqrt(1 - alpha_bar(name, t))
    assert schedule.noise_std(t) == pytest.approx(float(noise), rel=1e-12)
    assert schedule.sigma(t) == pytest.approx(float(sigma(name, t)), rel=1e-12)


@every_schedule
@given(t=times, gap=st.floats(1e-4, 0.5))
def test_sigma_rises_and_alpha_bar_falls(schedule, t, gap):
    later = min(t + gap, 0.9946)
    assert schedule.alpha_bar(later) < schedule.alpha_bar(t)
    assert schedule.sigma(later) > schedule.sigma(t)


@every_schedule
@given(t=times)
def test_t_of_sigma_inverts_sigma_to_ten_digits(schedule, t):
    assert schedule.t_of_sigma(schedule.sigma(t)) == pytest.approx(t, rel=1e-10)


@every_schedule
@given(part=st.floats(1e-6, 1))
def test_sigma_inverts_t_of_sigma_to_ten_digits(schedule, part):
    target = part * schedule.sigma(schedule.t_max)
    assert schedule.sigma(schedule.t_of_sigma(target)) == pytest.approx(target, rel=1e-10)


@every_schedule
def test_t_of_sigma_is_zero_at_zero(schedule):
    assert abs(schedule.t_of_sigma(0.0)) < 1e-15


@every_schedule
def test_the_inverse_holds_at_both_limits(schedule):
    for t in (schedule.t_min, schedule.t_max):
        assert schedule.t_of_sigma(schedule.sigma(t)) == pytest.approx(t, rel=1e-10)


@every_schedule
@given(t=times)
def test_identities_between_alpha_bar_sigma_and_noise(schedule, t):
    share = schedule.alpha_bar(t)
    assert schedule.noise_std(t) ** 2 + share == pytest.approx(1, abs=4e-16)
    assert schedule.sigma(t) == pytest.approx(schedule.noise_std(t) / math.sqrt(share), rel=1e-14)


@every_schedule
@pytest.mark.parametrize("what", ["log_alpha_bar", "alpha_bar", "sigma", "noise_std", "beta", "t_of_sigma"])
def test_floats_in_floats_out_equal_to_tensors_in_tensors_out(schedule, what):
    function = getattr(schedule, what)
    value = function(0.37)
    assert type(value) is float
    for dtype in (torch.float32, torch.float64):
        t = torch.full((2, 1, 3), 0.37, dtype=dtype)
        out = function(t)
        assert out.dtype == dtype and out.shape == t.shape
        assert out[1, 0, 2].item() == pytest.approx(value, rel=1e-5 if dtype == torch.float32 else 1e-15)
    assert function(torch.tensor(0.37)).shape == ()


@every_schedule
def test_ints_and_numpy_scalars_are_numbers(schedule):
    assert schedule.alpha_bar(0) == 1.0
    assert schedule.alpha_bar(np.float64(0.25)) == schedule.alpha_bar(0.25)


@every_schedule
def test_integer_tensors_are_read_as_float64(schedule):
    assert schedule.alpha_bar(torch.tensor([0, 0])).tolist() == [1.0, 1.0]
    assert schedule.alpha_bar(torch.tensor([0])).dtype == torch.float64


@every_schedule
@pytest.mark.parametrize("what", ["log_alpha_bar", "alpha_bar", "sigma", "noise_std"])
def test_functions_of_t_are_differentiable(schedule, what):
    t = torch.tensor([0.0105, 0.3003, 0.7207, 0.9301], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(getattr(schedule, what), (t,), eps=1e-7, rtol=1e-5)


@every_schedule
def test_t_of_sigma_is_differentiable(schedule):
    t = torch.tensor([0.1003, 0.3005, 0.7207], dtype=torch.float64)
    sigmas = schedule.sigma(t).requires_grad_()
    assert torch.autograd.gradcheck(schedule.t_of_sigma, (sigmas,), eps=1e-7, rtol=1e-5)


@every_schedule
@given(t=st.floats(1e-3, 0.99))
def test_beta_is_minus_the_derivative_of_log_alpha_bar_by_autograd(schedule, t):
    t = torch.tensor(t, dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(schedule.log_alpha_bar(t), t)
    assert schedule.beta(t).item() == pytest.approx(-slope.item(), rel=1e-12)


def test_the_five_line_schedule_of_the_docstring_works_through_the_generic_parts():
    mine = FiveLines()
    assert mine.beta(0.25) == pytest.approx(7.5 * 0.5, rel=1e-14)
    assert mine.t_of_sigma(math.sqrt(math.expm1(5 * 0.4**1.5))) == pytest.approx(0.4, rel=1e-12)
    eps = toylab.exact_eps(torch.zeros(1, 2, dtype=torch.float64), mine)
    assert toylab.sample(eps, mine, "DDIM", steps=3, n=4).x.abs().max() < 1e-1


def test_values_beyond_sigma_of_one_give_one_in_the_generic_inverse():
    assert FiveLines().t_of_sigma(1e6) == 1.0
    assert FiveLines().t_of_sigma(FiveLines().sigma(1.0)) == pytest.approx(1, rel=1e-12)


def test_linear_sigma_at_one_is_152():
    schedule = toylab.schedules.get("linear")
    assert schedule.t_max == 1.0
    assert schedule.sigma(1.0) == pytest.approx(152.17, abs=0.005)


def test_cosine_starts_below_one_where_sigma_is_119():
    schedule = toylab.schedules.get("cosine")
    assert schedule.t_max == 0.9946
    assert schedule.sigma(schedule.t_max) == pytest.approx(119, abs=0.5)


def test_cosine_at_one_has_no_data_left():
    assert toylab.schedules.get("cosine").alpha_bar(1.0) < 1e-15


@every_name
def test_default_limits_are_the_contract_s(name):
    schedule = toylab.schedules.get(name)
    assert schedule.t_min == 1e-3
    assert math.isfinite(schedule.sigma(schedule.t_max)) and schedule.sigma(schedule.t_max) > 10


def test_names_are_found_whatever_their_case():
    assert toylab.schedules.get("COSINE") is toylab.schedules.get("cosine")


betas_strategy = st.lists(st.floats(1e-6, 0.9), min_size=1, max_size=40)


@given(betas=betas_strategy)
def test_a_table_s_alpha_bar_at_i_over_k_is_the_product_of_the_first_i(betas):
    table = toylab.schedules.from_betas(betas)
    products = np.cumprod([1.0, *(1 - np.asarray(betas))])
    got = [table.alpha_bar(i / len(betas)) for i in range(len(betas) + 1)]
    np.testing.assert_allclose(got, products, rtol=1e-12)


@given(betas=betas_strategy, part=st.floats(0.001, 1))
def test_a_table_s_t_of_sigma_inverts_its_sigma_between_entries_too(betas, part):
    table = toylab.schedules.from_betas(betas)
    assert table.t_of_sigma(table.sigma(part)) == pytest.approx(part, rel=1e-8)


def test_a_table_of_k_entries_ends_at_one_over_k():
    assert toylab.schedules.from_betas(np.full(50, 0.1)).t_min == 1 / 50


def test_the_thousand_entry_table_is_another_object_than_the_continuous_linear_schedule():
    table = toylab.schedules.from_betas(np.linspace(1e-4, 0.02, 1000))
    linear = toylab.schedules.get("linear")
    gaps = [abs(table.alpha_bar(t) / linear.alpha_bar(t) - 1) for t in np.linspace(0.01, 1, 100)]
    assert 0.05 < max(gaps) < 0.12


@pytest.mark.parametrize("betas", [[0.1, 0.2], (0.1, 0.2), np.array([0.1, 0.2]), torch.tensor([0.1, 0.2]).double()])
def test_a_table_takes_lists_arrays_and_tensors(betas):
    table = toylab.schedules.from_betas(betas)
    assert table.alpha_bar(1.0) == pytest.approx(0.72, rel=1e-7)


@pytest.mark.parametrize(
    ("name", "family"),
    [("linear-1000", "linear"), ("cosine-1000", "squaredcos_cap_v2"), ("cosine-100", "squaredcos_cap_v2")],
)
def test_tables_with_names_are_those_of_diffusers(name, family):
    size = int(name.split("-")[1])
    theirs = diffusers.DDPMScheduler(size, beta_start=1e-4, beta_end=0.02, beta_schedule=family)
    table = toylab.schedules.get(name)
    assert table.name == name and len(table.betas) == size
    np.testing.assert_allclose(table.betas.numpy(), theirs.betas.double().numpy(), rtol=2e-5)


@pytest.mark.parametrize("name", ["linear-", "linear-20", "quad-1000", "linear-1e3", "linear--100", "sigmoid-100"])
def test_tables_that_there_are_not_are_refused_by_name(name):
    with pytest.raises(ValueError, match=name):
        toylab.schedules.get(name)


@pytest.mark.parametrize("name", [*toylab.schedules.names(), "linear-1000"])
def test_methods_take_their_argument_by_name(name):
    schedule = toylab.schedules.get(name)
    for method in ("log_alpha_bar", "alpha_bar", "noise_std", "sigma", "beta"):
        assert getattr(schedule, method)(t=0.5) == getattr(schedule, method)(0.5)
    assert schedule.t_of_sigma(sigma=1.0) == schedule.t_of_sigma(1.0)


def test_a_sigma_that_is_no_number_is_named():
    with pytest.raises(TypeError, match="^sigma must be a number"):
        toylab.schedules.get("linear").t_of_sigma("1")


@every_schedule
@pytest.mark.parametrize("sigma", [-1.0, math.nan, torch.tensor([1.0, -1e-9]), torch.tensor([0.5, math.nan])])
def test_a_sigma_of_no_noise_is_named(schedule, sigma):
    with pytest.raises(ValueError, match="^sigma must be"):
        schedule.t_of_sigma(sigma)


@every_schedule
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_sigmas_whose_square_is_no_number_are_at_the_end(schedule, dtype):
    huge = torch.tensor([0, 1e30, 1e38, math.inf], dtype=dtype)
    torch.testing.assert_close(schedule.t_of_sigma(huge), torch.tensor([0, 1, 1, 1], dtype=dtype))


def test_sigmas_whose_square_is_no_number_are_at_the_end_in_the_generic_inverse():
    assert FiveLines().t_of_sigma(1e300) == 1.0
    assert FiveLines().t_of_sigma(torch.tensor([math.inf])) == 1.0
