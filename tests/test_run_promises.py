"""What a run promises, whatever eps does: its dtype, the caller's tensors, finite states, both directions."""

import threading
import tracemalloc
from itertools import islice

import pytest
import torch
from problems import flower, normal

import toylab
from toylab import grids
from toylab.samplers import get, methods
from toylab.samplers.steps import PIECE

LINEAR = toylab.schedules.get("linear")
EPS = toylab.exact_eps(flower(5, 24), LINEAR, 0.1)
X = normal(8, 2)
DETERMINISTIC = [name for name in methods() if not get(name).stochastic]


def sample(eps, method, steps=6, **arguments):
    return toylab.sample(eps, LINEAR, method, steps, progress=False, **arguments)


@pytest.mark.parametrize("method", methods())
def test_states_keep_the_dtype_of_the_start_whatever_eps_returns(method):
    x = X.float()
    assert sample(lambda x, t: torch.tanh(x).double(), method, x_T=x).states.dtype == torch.float32


@pytest.mark.parametrize("method", methods())
def test_eps_cannot_reach_the_run_or_the_callers_tensors(method):
    x = X.clone()
    honest = sample(lambda x, t: x * 0.5, method, x_T=x).states
    buffer = torch.empty_like(x)
    assert torch.equal(sample(lambda x, t: x.mul_(0.5), method, x_T=x).states, honest)
    assert torch.equal(sample(lambda x, t: torch.mul(x, 0.5, out=buffer), method, x_T=x).states, honest)
    assert torch.equal(x, X)


@pytest.mark.parametrize(
    ("method", "steps"),
    [("Heun", 10), ("RK4", 10), ("PIE", 3), ("PRK", 3), ("AB2", 1), ("F-PNDM", 3), ("PF", 2), ("Adaptive-Heun", 2)],
)
def test_a_stage_at_time_zero_is_refused_before_the_first_evaluation(method, steps):
    def eps(x, t):
        pytest.fail("eps was evaluated")

    with pytest.raises(ValueError, match=f"{method} evaluates eps at t = 0.* t_end"):
        sample(eps, method, steps, x_T=X, t_end=0)


def test_a_last_state_that_is_not_finite_is_said():
    with pytest.raises(ValueError, match="Euler has blown up"):
        sample(lambda x, t: torch.full_like(x, 1e308), "Euler", 10, x_T=X)


@pytest.mark.parametrize("method", DETERMINISTIC)
def test_a_run_from_data_to_noise_is_undone_by_the_way_back(method):
    there = toylab.grids.nodes(LINEAR, 400, 0.6, 0.1)
    noise = sample(EPS, method, x_T=X, times=there.flip(0)).x
    back = sample(EPS, method, x_T=noise, times=there).x
    assert (back - X).abs().max() < (0.1 if get(method).order == 1 else 0.02)


@pytest.mark.parametrize(
    ("method", "arguments"), [("DDPM", {"x_T": X}), ("DDIM", {"x_T": X, "eta": 0.5}), ("DDIM", {})]
)
def test_increasing_times_need_data_and_a_method_without_noise(method, arguments):
    with pytest.raises(ValueError, match="times must decrease|x_T must be given"):
        sample(EPS, method, times=[0.1, 0.5], **arguments)


def test_beta_of_a_custom_schedule_is_right_in_every_thread():
    class Mine(toylab.schedules.Schedule):
        def log_alpha_bar(self, t):
            return -5.0 * t**1.5 - 0.1 * t

    t, wrong = torch.linspace(0.1, 1, 10, dtype=torch.float64), []

    def work():
        for _ in range(100):
            wrong.extend([] if torch.allclose(Mine().beta(t), 7.5 * t**0.5 + 0.1, rtol=1e-13) else [1])

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize("name", [*toylab.schedules.names(), "linear-1000", "cosine-1000"])
def test_more_noise_than_the_schedule_has_is_at_time_one(name):
    schedule = toylab.schedules.get(name)
    assert schedule.t_of_sigma(1e16) == pytest.approx(1, abs=1e-12)
    assert schedule.t_of_sigma(torch.tensor([1e3, 1e6])).max() <= 1


@pytest.mark.parametrize("name", [*toylab.schedules.names(), "linear-1000"])
@pytest.mark.parametrize("t", [-0.5, 1.5, float("nan")])
@pytest.mark.parametrize("function", ["alpha_bar", "sigma", "beta", "noise_std"])
def test_a_schedule_says_where_it_ends(name, t, function):
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\]"):
        getattr(toylab.schedules.get(name), function)(torch.tensor([0.5, t]))


def test_more_steps_than_a_run_can_have_are_refused():
    with pytest.raises(ValueError, match="steps must be an integer of at most"):
        grids.nodes(LINEAR, 10**30)


def one_step(eps, schedule, x, t, s):
    return x


def all_states(eps, schedule, x, times):
    for _ in range(len(times) - 1):
        yield x


@pytest.mark.parametrize("method", [*(name for name in methods() if get(name).fixed_grid), one_step, all_states])
def test_a_long_run_holds_the_numbers_of_a_piece_of_it_alone(method):
    times = toylab.grids.nodes(LINEAR, 100_000)
    tracemalloc.start()
    try:
        states = toylab.iterate(lambda x, t: x, LINEAR, method, x_T=X[:1], times=times)
        for _ in islice(states, PIECE + 10):
            pass
        held = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert held < 8e6  # a plan of all would be more than 50 MB, and one object for each of the times 9
