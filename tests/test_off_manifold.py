"""The off-manifold score: one on the exact flow, right by hand, and loud where samplers leave the manifold."""

import math

import numpy as np
import pytest
import torch
from problems import gaussian_flow, normal

import toylab
from toylab.analysis import off_manifold, unlikely_of_sweep
from toylab.problems import exact_flow

LINEAR, CONSTANT = toylab.schedules.get("linear"), toylab.schedules.get("constant")
RADIUS = math.sqrt(2)  # of the circle, whose coordinates have variance one


def forward(manifold, schedule, t, n, seed=5):
    """n forward-process samples at t."""
    share = schedule.alpha_bar(t)
    return share**0.5 * manifold.sample(n, seed=seed).double() + (1 - share) ** 0.5 * normal(n, 2, seed=seed)


@pytest.mark.parametrize("name", ["circle", "moons", "spiral", "two-points", "figure-eight"])
@pytest.mark.parametrize("schedule", [LINEAR, CONSTANT], ids=["linear", "constant"])
def test_the_exact_flow_stays_on_the_manifold_at_every_t(name, schedule):
    manifold = toylab.datasets.get(name)
    eps = toylab.exact_eps(manifold.curve(300), schedule)
    times = torch.linspace(1, 0.03, 12).double()
    states = exact_flow(eps, schedule, normal(400, 2), times, rtol=1e-7, progress=False)
    score = off_manifold((times, states), manifold, schedule)
    assert 0.88 < score.ratio.min() and score.ratio.max() < 1.12
    assert score.share.max() < 0.05


def test_of_forward_samples_one_in_a_hundred_is_unlikely_and_the_ratio_is_in_its_band():
    manifold, times = toylab.datasets.get("trefoil"), torch.tensor([1.0, 0.5, 0.1, 0.01, 1e-3]).double()
    states = torch.stack([forward(manifold, LINEAR, t, 8000) for t in times.tolist()])
    score = off_manifold((times, states), manifold, LINEAR, forward=8000)
    assert score.share == pytest.approx(0.01, abs=0.004)
    assert score.ratio == pytest.approx(1, abs=0.02)


def test_the_band_holds_the_ratio_of_forward_samples_in_98_of_100_batches():
    manifold, t = toylab.datasets.get("circle"), 0.3
    states = forward(manifold, LINEAR, t, 200 * 64).reshape(200, 64, 2)
    score = off_manifold(([t] * 200, states), manifold, LINEAR, forward=3000)
    inside = (score.band[0] <= score.ratio) & (score.ratio <= score.band[1])
    assert inside.mean() == pytest.approx(0.98, abs=0.02)


def test_the_ratio_is_that_of_distances_by_hand():
    t, manifold = 0.4, toylab.datasets.get("circle")
    share = LINEAR.alpha_bar(t)
    sigma = ((1 - share) / share) ** 0.5
    y = torch.tensor([[3.0, 0.0], [0.0, -2.0]], dtype=torch.float64)
    distances = (y.norm(dim=1) - RADIUS).abs()
    generator = np.random.default_rng(0)
    angle = generator.uniform(0, 2 * np.pi, 400_000)
    noisy = RADIUS * np.stack([np.cos(angle), np.sin(angle)]) + sigma * generator.normal(size=(2, 400_000))
    theirs = (np.hypot(*noisy) - RADIUS) ** 2
    score = off_manifold(([t], (y * share**0.5)[None]), manifold, "linear", forward=200_000)
    assert score.ratio[0] == pytest.approx((distances.square().mean().item() / theirs.mean()) ** 0.5, rel=0.01)


@pytest.mark.parametrize("t", [0.9, 0.2, 1e-3])
def test_around_one_point_the_unlikely_lie_beyond_the_radius_of_the_quantile(t):
    # p_t is a Gaussian: 1 % of the forward process is farther than sqrt(2 log 100) standard deviations
    point = toylab.datasets.get("point")
    share = LINEAR.alpha_bar(t)
    centre, limit = share**0.5 * point.curve(1), (2 * math.log(100) * (1 - share)) ** 0.5
    radii = limit * torch.linspace(0.5, 1.5, 201).double()
    x = centre + radii[:, None] * torch.tensor([[0.6, -0.8]], dtype=torch.float64)
    unlikely = off_manifold(([t], x[None]), point, LINEAR, forward=100_000).unlikely[0]
    first = radii[np.flatnonzero(unlikely)[0]].item()
    assert first == pytest.approx(limit, rel=0.02)
    assert unlikely[radii.numpy() > first].all()


@pytest.mark.parametrize("name", ["circle", "spiral", "checkerboard"])
def test_unlikely_particles_are_those_of_the_exact_log_p_of_the_same_points(name):
    manifold, t = toylab.datasets.get(name), 0.15
    x = 1.3 * forward(manifold, LINEAR, t, 2000)
    score = off_manifold(([t], x[None]), manifold, LINEAR, spread=0.05, points=240, forward=50_000)
    eps = toylab.exact_eps(manifold.curve(240), LINEAR, spread=0.05)
    x0 = manifold.curve(240)[torch.arange(48_000) % 240] + 0.05 * normal(48_000, 2, seed=8)
    share = LINEAR.alpha_bar(t)
    theirs = eps.log_prob(share**0.5 * x0 + (1 - share) ** 0.5 * normal(48_000, 2, seed=9), t)
    expected = (eps.log_prob(x, t) < theirs.quantile(0.01)).numpy()
    assert 0.02 < expected.mean() < 0.5
    assert (score.unlikely[0] != expected).mean() < 0.01


@pytest.mark.parametrize("t", [0.5, 0.05, 0.004])
def test_as_many_points_as_the_noise_asks_for_are_as_good_as_very_many(t):
    manifold = toylab.datasets.get("spiral")
    x = 1.02 * forward(manifold, LINEAR, t, 1000)
    chosen = off_manifold(([t], x[None]), manifold, LINEAR, forward=5000).unlikely
    many = off_manifold(([t], x[None]), manifold, LINEAR, points=5000, forward=5000).unlikely
    assert (chosen != many).mean() < 0.01


def test_points_of_the_manifold_are_likely_wherever_they_lie_between_those_that_stand_for_it():
    manifold = toylab.datasets.get("checkerboard")  # no 4096 points are as close as the noise at 1e-4 is wide
    x = LINEAR.alpha_bar(1e-4) ** 0.5 * manifold.sample(2000, seed=3).double()
    assert off_manifold(([1e-4], x[None]), manifold, LINEAR).share[0] < 0.02


def test_particles_that_are_no_longer_finite_are_unlikely():
    x = torch.tensor([[[0.1, 0.2], [math.inf, 0.0], [math.nan, 0.0], [1e200, 0.0]]], dtype=torch.float64)
    score = off_manifold(([0.5], x), "circle", LINEAR)
    assert score.unlikely[0].tolist() == [False, True, True, True]


def test_a_sweep_is_scored_as_its_runs_are():
    manifold = toylab.datasets.get("moons")
    eps = toylab.exact_eps(manifold.curve(100).float(), LINEAR)
    sweep = toylab.sweep(eps, LINEAR, ["RK4", "DDIM"], [2, 7], n=60, manifold=manifold, progress=False)
    found = unlikely_of_sweep(sweep, manifold, LINEAR, progress=False)
    assert list(found) == list(sweep.states)
    for (method, steps), unlikely in found.items():
        alone = off_manifold((sweep.times[steps], sweep.states[method, steps]), manifold, LINEAR)
        assert unlikely.dtype == bool and unlikely.shape == (steps + 1, 60)
        np.testing.assert_array_equal(unlikely, alone.unlikely)
    assert found["RK4", 2][-1].mean() > 0.9


def test_the_score_of_a_trajectory_is_that_of_its_times_and_states():
    run = toylab.sample(toylab.exact_eps(normal(5, 2), LINEAR), LINEAR, "DDIM", 4, n=30)
    score, again = off_manifold(run, "circle", LINEAR), off_manifold((run.times, run.states), "circle", "linear")
    np.testing.assert_array_equal(score.times, run.times)
    for name in ("ratio", "band", "unlikely"):
        np.testing.assert_array_equal(getattr(score, name), getattr(again, name))


# The demonstrations: where classical methods leave the manifold


def distances(name, schedule, methods, steps, n=200, **options):
    manifold = toylab.datasets.get(name)
    eps = toylab.exact_eps(manifold.curve(240), schedule)
    return [
        manifold.distance(
            toylab.sample(eps, schedule, method, steps, n=n, record=False, progress=False, **options).x
        ).mean()
        for method in methods
    ]


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_on_one_data_point_every_pseudo_method_is_exact_and_the_classical_ones_are_not(seed):
    point, x = torch.tensor([[0.7, -0.4]], dtype=torch.float64), normal(100, 2, seed=seed)
    end = gaussian_flow(LINEAR, point, 0, x, 1.0, 1e-3)
    eps = toylab.exact_eps(point, LINEAR)

    def error(method):
        return (toylab.sample(eps, LINEAR, method, 10, x_T=x).x - end).norm(dim=1).max().item()

    assert max(map(error, ["DDIM", "PIE", "PRK", "S-PNDM", "F-PNDM", "PLMS"])) < 1e-11
    assert error("RK4") > 0.4
    assert error("Euler") > 0.05
    assert error("AB4") > 0.005


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", ["circle", "moons"])
def test_with_constant_beta_runge_kutta_leaves_the_manifold_and_its_pseudo_twin_ten_times_less(name, seed):
    methods = ["Heun", "PIE", "RK4", "PRK"]
    heun, pie, rk4, prk = distances(name, CONSTANT, methods, 50, seed=seed, t_end=1e-4)
    assert heun > 9.5 * pie and heun > 6
    assert rk4 > 9.5 * prk and rk4 > 1


@pytest.mark.parametrize(
    "steps, rk4, prk, ddim", [(10, 29, 3.2, 0.082), (20, 6.2, 0.38, 0.017), (50, 1.5, 0.032, 0.003)]
)
def test_near_the_data_rk4_blows_up_prk_less_and_ddim_not(steps, rk4, prk, ddim):
    found = distances("circle", LINEAR, ["RK4", "PRK", "DDIM"], steps, t_end=1e-5)
    assert found[0] == pytest.approx(rk4, rel=0.15)
    assert found[1] == pytest.approx(prk, rel=0.35)  # these two depend on the circle's radius
    assert found[2] == pytest.approx(ddim, rel=0.4)


def test_the_score_tells_over_denoised_samples_from_those_off_the_manifold():
    manifold = toylab.datasets.get("circle")
    eps = toylab.exact_eps(manifold.curve(400), LINEAR)
    ratio = [
        off_manifold(toylab.sample(eps, LINEAR, method, steps, n=200), manifold, LINEAR).ratio[-1]
        for method, steps in (("RK4", 62), ("RK4", 12), ("S-PNDM", 49))
    ]
    assert ratio[0] < 0.5
    assert ratio[1] > 10
    assert ratio[2] == pytest.approx(1, abs=0.12)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"manifold": "circl"}, ValueError, "did you mean 'circle'"),
        ({"schedule": "linaer"}, ValueError, "did you mean 'linear'"),
        ({"points": 0}, ValueError, "points must be an integer"),
        ({"forward": 50}, ValueError, "forward must be an integer of at least 100"),
        ({"quantile": 0.0}, ValueError, "quantile must be"),
        ({"spread": -1.0}, ValueError, "spread must be"),
        ({"spread": 1e308}, ValueError, r"spread must be a finite number in \[0, 1e\+06\]"),
        ({"traj": ([0.5, 0.4], torch.zeros(1, 3, 2))}, ValueError, "traj must have states"),
        ({"traj": 2.5}, TypeError, "traj must be a Trajectory or a pair"),
        ({"traj": ()}, TypeError, "traj must be a Trajectory or a pair"),
        ({"traj": ([0.5], torch.zeros(1, 3, 3))}, ValueError, "traj must have states"),
    ],
)
def test_bad_arguments_are_named(change, error, says):
    arguments = {"traj": ([0.5], torch.zeros(1, 3, 2)), "manifold": "circle", "schedule": LINEAR} | change
    with pytest.raises(error, match=says):
        off_manifold(**arguments)


def test_something_that_is_no_sweep_has_no_unlikely_particles():
    with pytest.raises(TypeError, match="sweep must be a toylab Sweep, got 'nonsense'"):
        unlikely_of_sweep("nonsense", "circle", LINEAR, progress=False)


def test_a_trajectory_without_states_is_refused():
    run = toylab.sample(toylab.exact_eps(normal(5, 2), LINEAR), LINEAR, "DDIM", 4, n=3, record=False)
    with pytest.raises(ValueError, match="record=True"):
        off_manifold(run, "circle", LINEAR)
