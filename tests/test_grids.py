"""Grids: N steps, N + 1 decreasing nodes, equispaced in the clock they name."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from problems import SCHEDULES, sigma

import toylab
from toylab import grids

CLOCKS = {
    "t": lambda name, t: t,
    "sigma": lambda name, t: float(sigma(name, t)),
    "logsnr": lambda name, t: -2 * np.log(float(sigma(name, t))),
    "karras": lambda name, t: float(sigma(name, t)) ** (1 / 7),
    "quad": lambda name, t: t**0.5,
}


def test_the_spacings_are_those_of_the_contract():
    assert set(grids.spacings()) == set(CLOCKS)


@pytest.mark.parametrize("spacing", CLOCKS)
@pytest.mark.parametrize("name", SCHEDULES)
def test_nodes_are_equispaced_in_their_clock(name, spacing):
    times = grids.nodes(toylab.schedules.get(name), 7, spacing=spacing)
    clock = np.array([CLOCKS[spacing](name, t) for t in times.tolist()])
    steps = np.diff(clock)
    np.testing.assert_allclose(steps, steps.mean(), rtol=0, atol=1e-11 * np.abs(clock).max())


@given(
    name=st.sampled_from(SCHEDULES),
    spacing=st.sampled_from(list(CLOCKS)),
    steps=st.integers(1, 300),
    ends=st.tuples(st.floats(1e-5, 0.5), st.floats(0.51, 0.99)),
)
def test_n_steps_have_n_plus_one_strictly_decreasing_nodes_and_exact_ends(name, spacing, steps, ends):
    times = grids.nodes(toylab.schedules.get(name), steps, ends[1], ends[0], spacing)
    assert times.dtype == torch.float64 and times.shape == (steps + 1,)
    assert (times.diff() < 0).all()
    assert (times[0].item(), times[-1].item()) == (ends[1], ends[0])


def test_limits_default_to_the_schedule_s():
    for name in SCHEDULES:
        schedule = toylab.schedules.get(name)
        times = grids.nodes(schedule, 3)
        assert (times[0].item(), times[-1].item()) == (schedule.t_max, schedule.t_min)


@pytest.mark.parametrize("spacing", ["t", "sigma", "karras", "quad"])
def test_the_end_may_be_zero(spacing):
    assert grids.nodes(toylab.schedules.get("linear"), 4, t_end=0, spacing=spacing)[-1] == 0


def test_log_snr_cannot_end_at_zero():
    with pytest.raises(ValueError, match=r"t_end must be greater than 0 with spacing 'logsnr'"):
        grids.nodes(toylab.schedules.get("linear"), 4, t_end=0, spacing="logsnr")


def test_spacing_is_found_whatever_its_case():
    schedule = toylab.schedules.get("linear")
    assert torch.equal(grids.nodes(schedule, 4, spacing="LogSNR"), grids.nodes(schedule, 4, spacing="logsnr"))


@given(times=st.lists(st.floats(0, 1), min_size=2, max_size=20, unique=True))
def test_explicit_nodes_are_kept_as_they_are(times):
    times = sorted(times, reverse=True)
    assert grids.explicit(toylab.schedules.get("linear"), times).tolist() == times


def test_explicit_nodes_are_a_copy():
    mine = torch.tensor([1.0, 0.5], dtype=torch.float64)
    grids.explicit(toylab.schedules.get("linear"), mine)[0] = 0.9
    assert mine[0] == 1


def test_nodes_of_a_table_can_be_its_entries():
    table = toylab.schedules.from_betas(np.linspace(1e-4, 0.02, 1000))
    times = grids.nodes(table, 999)
    np.testing.assert_allclose(times.numpy(), np.arange(1000, 0, -1) / 1000, rtol=1e-13)
