"""The views of the first notebooks: what they show is what the samplers and the forward process give."""

import numpy as np
import pytest
import torch

import toylab
from toylab import problems
from toylab.analysis import Table, unlikely_of_sweep
from toylab.figures import plot_eps_error, plot_schedules, plot_straight_lines
from toylab.lessons import build, explore, explore_forward, twin_table, twins
from toylab.lessons.forward import DIFFERENCE, EXACT, FORWARD, NETWORK, forward_sweep
from toylab.lessons.players import TWINS

LINEAR = toylab.schedules.get("linear")
SMALL = {"n": 16, "methods": ("Euler", "DDIM")}


@pytest.mark.slow
def test_forward_sweep_mixes_data_and_noise_by_the_schedule():
    sweep, _ = forward_sweep("circle", "cosine", n=64, nodes=8)
    (nodes,) = sweep.steps
    t, x = sweep.times[nodes], torch.from_numpy(sweep.states[FORWARD, nodes]).double()
    cosine = toylab.schedules.get("cosine")
    x0 = toylab.datasets.get("circle").sample(64).double()
    noise = (x[-1] - cosine.alpha_bar(t[-1]) ** 0.5 * x0) / cosine.noise_std(t[-1])
    for k, u in enumerate(t):
        mix = cosine.alpha_bar(u) ** 0.5 * x0 + cosine.noise_std(u) * noise
        torch.testing.assert_close(x[k], mix, atol=2e-6, rtol=0)
    assert (t[0], t[-1]) == (cosine.t_min, cosine.t_max)


@pytest.mark.slow
def test_difference_field_is_network_minus_exact_in_the_same_scale():
    def network(x, t):
        return 2 * x

    _, fields = forward_sweep("circle", "linear", network, n=4, nodes=2)
    exact, theirs, difference = (fields[name]["vectors"] for name in (EXACT, NETWORK, DIFFERENCE))
    np.testing.assert_allclose(difference, theirs - exact, atol=1e-6)
    x = np.stack(np.meshgrid(*[np.linspace(-2.7, 2.7, 13)] * 2), -1)
    scale = theirs[:, 0, 0, 0] / x[0, 0, 0]  # at each time one number
    np.testing.assert_allclose(theirs, scale[:, None, None, None] * x, atol=1e-6)
    assert np.quantile(np.linalg.norm(exact, axis=-1), 0.98, axis=(1, 2)) == pytest.approx(1.0, abs=0.02)


@pytest.mark.slow
def test_explore_shows_the_trained_network_and_swaps_to_the_exact_epsilon_in_place():
    player = explore("circle", **SMALL)
    net = toylab.load("circle")
    run = toylab.sample(net, LINEAR, "DDIM", 50, n=16)
    np.testing.assert_array_equal(player.sweep.final("DDIM", 50), run.x.numpy())
    player.chosen = {"Data set": "moons", "Epsilon": "exact"}
    assert player.error == ""
    assert (player.sweep.labels["dataset"], player.sweep.labels["epsilon"]) == ("moons", "exact")
    eps = toylab.exact_eps(toylab.datasets.get("moons").curve(400), LINEAR)
    run = toylab.sample(eps, LINEAR, "Euler", 10, n=16)
    np.testing.assert_array_equal(player.sweep.final("Euler", 10), run.x.float().numpy())


def test_explore_finds_unlikely_particles_for_the_data_set_on_show():
    player = explore("circle", n=16, methods=("DDIM",), unlikely=True, show_unlikely=True)
    assert player.sweep.unlikely["DDIM", 50].shape == (51, 16)
    player.chosen = {"Data set": "moons", "Epsilon": "exact"}
    assert player.error == "" and player.show_unlikely
    known = unlikely_of_sweep(player.sweep, "moons", "linear", progress=False)
    for run, bad in player.sweep.unlikely.items():
        np.testing.assert_array_equal(bad, known[run])


def test_explore_forward_shows_a_network_only_where_one_is_shipped():
    player = explore_forward("spiral", n=8)
    assert player.sweep.methods == (FORWARD, EXACT, NETWORK, DIFFERENCE)
    player.chosen = {"Data set": "spiral", "Schedule": "sigmoid"}
    assert player.error == "" and player.sweep.methods == (FORWARD, EXACT)
    player.chosen = {"Data set": "spiral", "Schedule": "cosine"}
    assert player.error == "" and player.sweep.methods == (FORWARD, EXACT, NETWORK, DIFFERENCE)


def test_twins_stand_beneath_each_other_and_the_pseudo_ones_hit_a_single_point():
    player = twins("point", steps=(1, 5), start=5, n=8, t_end=1e-5)
    flow = LINEAR.noise_std(1e-5) * 4  # where the exact flow is: not yet on the point
    assert player.sweep.methods[:4] == tuple(TWINS) and player.sweep.methods[4:] == tuple(TWINS.values())
    for classical, pseudo in TWINS.items():
        assert player.sweep.distance[pseudo, 5][-1] < flow < 0.02 < player.sweep.distance[classical, 5][-1]


def test_twin_table_holds_the_ratio_of_the_mean_distances():
    table = twin_table("circle", "constant", steps=20, n=32, seeds=(0, 1), t_end=1e-4)
    assert [row[0] for row in table.rows] == [f"{a} / {b}" for a, b in TWINS.items()]
    for _, classical, pseudo, least, largest in table.rows:
        assert least <= largest
        assert least * 0.99 <= classical / pseudo <= largest * 1.01


def test_table_reads_in_a_terminal_and_in_a_notebook():
    table = Table(("method", "d"), (("DDIM", 0.123456), ("<PRK>", None)), "a note")
    assert str(table).splitlines() == ["method      d", "DDIM    0.123", "<PRK>       –", "a note"]
    assert "&lt;PRK&gt;" in table._repr_html_() and "0.123" in table._repr_html_()


def test_schedules_are_drawn_with_their_own_values():
    left, right = plot_schedules(["cosine"])
    t, alpha_bar = left.lines[0].get_data()
    np.testing.assert_allclose(alpha_bar, toylab.schedules.get("cosine").alpha_bar(torch.from_numpy(np.asarray(t))))
    assert right.get_yscale() == "log"


def test_error_of_epsilon_is_zero_for_the_exact_one_and_drawn_in_per_cent():
    class Scaled:
        """The exact epsilon times a factor, dressed as a network."""

        dataset, schedule = "circle", LINEAR

        def __init__(self, factor):
            self.factor = factor
            self.eps = toylab.exact_eps(toylab.datasets.get("circle").curve(4000), LINEAR)

        def __call__(self, x, t):
            return self.factor * self.eps(x, t)

    ax = plot_eps_error([Scaled(1.0), Scaled(1.05)])
    np.testing.assert_allclose(ax.lines[0].get_ydata(), 0, atol=1e-10)
    np.testing.assert_allclose(ax.lines[1].get_ydata(), 5, rtol=1e-9)


def test_built_methods_run_between_euler_and_ddim_from_the_same_particles():
    player = build("circle", "ab2", "pseudo", n=16)
    assert player.sweep.methods == ("Euler", "yours: S-PNDM", "DDIM")
    assert player.sweep.nfe["yours: S-PNDM", 10] == 11
    player.chosen = {"Data set": "circle", "Gradient": "euler", "Transfer": "pseudo"}
    assert player.error == ""
    np.testing.assert_array_equal(player.sweep.final("yours: DDIM", 10), player.sweep.final("DDIM", 10))


def test_a_picture_of_less_than_one_particle_is_refused_by_name():
    with pytest.raises(ValueError, match="particles must be an integer of at least 1, got -1"):
        plot_straight_lines(problems.one_point(), particles=-1)


def test_straight_lines_of_one_point_are_straight_for_the_pseudo_method_alone():
    problem = problems.one_point()
    left, right = plot_straight_lines(problem, steps=5, particles=1)
    assert left.get_legend() is not None
    bends = []
    for drawn in right.lines[1:]:
        sigma, y = drawn.get_data()
        chord = np.interp(sigma[::-1], [sigma[-1], sigma[0]], [y[-1], y[0]])[::-1]
        bends.append(np.abs(y - chord).max())
    euler, ddim = bends
    assert ddim < 1e-12 < 1e-2 < euler
