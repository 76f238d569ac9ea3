"""The JavaScript core of the pages computes what toylab computes: in Chromium, against Python's own numbers."""

import base64
import itertools

import numpy as np
import pytest
import torch
from browser import open_page
from problems import PAIRS

import toylab
from toylab import datasets, epsilon, grids, samplers, schedules
from toylab.analysis._budget import steps_within
from toylab.analysis._order import _estimate, asymptotic_window
from toylab.epsilon.mlp import MLP
from toylab.pages import source, tables
from toylab.pages.networks import packed
from toylab.problems.flow import Reference, reference_solution, rms
from toylab.samplers.gradients import GRADIENTS, LATER_GRADIENTS
from toylab.samplers.noise import start_noise
from toylab.samplers.pairs import MIDPOINTS
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS
from toylab.samplers.weights import WEIGHTS

TOLERANCE = 1e-10
ALL_GRADIENTS = GRADIENTS | LATER_GRADIENTS
COUNTS = (1, 2, 5)
EVERYWHERE = list(itertools.product(schedules.names(), grids.spacings(), COUNTS))
LATER = tables.page_methods()[len(PAIRS) :]

RUN = """([jobs, data]) => jobs.map(([row, name, spacing, steps, tEnd, x]) => {
    const schedule = SCHEDULES[name], exact = data && exactEps(Float64Array.from(data), schedule, 0.1);
    const eps = exact || ((x, t) => x.map((value) => Math.sin(value) * (0.5 + t)));
    const times = nodesOf(schedule, steps, schedule.tMax, tEnd, spacing);
    const { states, nfe } = runMethod(row, tables, schedule, times, Float64Array.from(x), eps);
    return [[...times], states.map((state) => [...state]), nfe];
})"""


@pytest.fixture(scope="module")
def page(started):
    """An empty page with the core, and `tables` as pages have them."""
    with open_page(started, "about:blank") as page:
        page.add_script_tag(content=source.core())
        page.evaluate("found => { window.tables = found; }", tables.core_tables())
        yield page


def smooth(x, t):
    """An eps that costs next to nothing, the same as in RUN."""
    return x.sin() * (0.5 + t)


def last_digit(eps):
    """`eps` with its last digit wrong, up and down in turn."""
    sign = itertools.cycle((1, -1))
    return lambda x, t: eps(x, t) * (1 + next(sign) * torch.finfo(torch.float64).eps)


def compare(page, jobs, points=None):
    """Run (method, schedule, spacing, steps, t_end) in Python and in the page: states agree at all nodes.

    Where a method extrapolates so far that the last digit of eps is worth more than the tolerance, as much is allowed.
    """
    x = start_noise(3, (2,), 0, torch.float64)
    asked = [(tables.row(job[0]), *job[1:], x.flatten().tolist()) for job in jobs]
    found = page.evaluate(RUN, [asked, None if points is None else points.flatten().tolist()])
    for (method, name, spacing, steps, t_end), (times, states, nfe) in zip(jobs, found, strict=True):
        eps = smooth if points is None else toylab.exact_eps(points, name, 0.1)
        where = {"x_T": x, "spacing": spacing, "t_end": t_end, "progress": False}
        run = samplers.sample(eps, name, method, steps, **where)
        what = f"{method}, {name}, {spacing}, {steps} steps"
        np.testing.assert_allclose(times, run.times.numpy(), rtol=TOLERANCE, err_msg=what)
        assert np.diff(nfe).tolist() == run.nfe_per_step, what
        theirs = run.states.numpy().reshape(steps + 1, -1)
        difference, allowed = np.abs(theirs - states).max(1), TOLERANCE * np.abs(theirs).max(1)
        if not (difference <= allowed).all():
            rounded = samplers.sample(last_digit(eps), name, method, steps, **where).states.numpy()
            allowed += 20 * np.abs(theirs - rounded.reshape(theirs.shape)).max(1)
        assert (difference <= allowed).all(), (what, difference, allowed)


def variants(gradient, transfer):
    """The pair with every option that makes a difference to it."""
    adams, tableau = ALL_GRADIENTS[gradient].adams, ALL_GRADIENTS[gradient].tableau
    midpoints = MIDPOINTS if tableau else ("t",)
    weights = tuple(WEIGHTS) if (adams or 1) > 1 or (tableau and tableau.through) else ("equispaced",)
    return [samplers.method(gradient, transfer, *options) for options in itertools.product(midpoints, weights)]


@pytest.mark.parametrize("transfer", TRANSFERS | LATER_TRANSFERS)
@pytest.mark.parametrize("gradient", ALL_GRADIENTS)
def test_every_pair_has_pythons_states_at_every_node(page, gradient, transfer):
    turns = itertools.cycle(variants(gradient, transfer))
    compare(page, [(next(turns), *where, 1e-2) for where in EVERYWHERE])


@pytest.mark.parametrize("name", LATER)
def test_every_later_method_has_pythons_states_at_every_node(page, name):
    compare(page, [(samplers.get(name), *where, 1e-2) for where in EVERYWHERE])


def test_every_option_of_every_method_has_pythons_states(page):
    pairs = [pair for gradient in ALL_GRADIENTS for transfer in TRANSFERS for pair in variants(gradient, transfer)]
    later = [
        samplers.get(name, **{option: value})
        for name in LATER
        for option, allowed in samplers.get(name).options.items()
        if isinstance(allowed, tuple)
        for value in allowed
    ]
    compare(page, [(method, "linear", "t", 5, 0.05) for method in (*pairs, *later)])


@pytest.mark.parametrize("name", ["Euler", "F-PNDM", "PLMS", "DEIS-tAB3", "DEIS-rhoAB2", "DPM-Solver-3", "UniPC-3"])
def test_steps_to_the_data_itself_are_pythons(page, name):
    t_end = 0.0 if samplers.get(name).name in ("DDIM", "PLMS", *LATER) else 1e-3
    compare(page, [(samplers.get(name), schedule, "quad", 6, t_end) for schedule in ("linear", "cosine")])


def test_with_the_exact_epsilon_every_method_has_pythons_states(page):
    points = datasets.get("moons").curve(40)
    compare(page, [(samplers.get(name), "linear", "t", 6, 1e-3) for name in tables.page_methods()], points)


def test_exact_epsilon_and_density_are_pythons_at_every_time(page):
    points, x = datasets.get("spiral").curve(60), 2 * start_noise(40, (2,), 1, torch.float64)
    found = page.evaluate(
        """([points, x, names, times, spread]) => names.map((name) => times.map((t) => [
            [...exactEps(Float64Array.from(points), SCHEDULES[name], spread)(Float64Array.from(x), t)],
            [...logDensity(Float64Array.from(points), SCHEDULES[name], spread, Float64Array.from(x), t)],
        ]))""",
        [points.flatten().tolist(), x.flatten().tolist(), schedules.names(), [1e-3, 0.01, 0.2, 0.9], 0.02],
    )
    for name, rows in zip(schedules.names(), found, strict=True):
        eps = toylab.exact_eps(points, name, 0.02)
        for t, (value, density) in zip([1e-3, 0.01, 0.2, 0.9], rows, strict=True):
            np.testing.assert_allclose(
                value, eps(x, torch.tensor(t, dtype=torch.float64)).flatten(), rtol=TOLERANCE, atol=1e-12
            )
            np.testing.assert_allclose(density, eps.log_prob(x, torch.tensor(t, dtype=torch.float64)), rtol=TOLERANCE)


def in_float16(net):
    """The network with its weights rounded as a page has them, in float64."""
    return net.half().double()


@pytest.mark.parametrize("name", [name for name in epsilon.names() if isinstance(toylab.load(name), MLP)])
def test_a_trained_network_has_pythons_epsilon_at_every_time(page, name):
    net, x = in_float16(toylab.load(name)), 2 * start_noise(18, (2,), 1, torch.float64)
    times = [net.schedule.t_min, 0.01, 0.2, 0.9, net.schedule.t_max]
    found = page.evaluate(
        "([net, name, x, times]) => times.map((t) => [...networkEps(net, SCHEDULES[name])(Float64Array.from(x), t)])",
        [packed(toylab.load(name)), net.schedule.name, x.flatten().tolist(), times],
    )
    for t, value in zip(times, found, strict=True):
        np.testing.assert_allclose(
            value, net(x, torch.tensor(t, dtype=torch.float64)).flatten().detach(), rtol=0, atol=TOLERANCE
        )


@pytest.mark.parametrize(
    "sizes", [{"hidden": 1, "layers": 1, "fourier": 2}, {"hidden": 13, "layers": 3, "time_features": 3}]
)
@pytest.mark.parametrize("particles", [1, 4, 7])
def test_a_network_of_any_size_has_pythons_epsilon(page, sizes, particles):
    torch.manual_seed(0)
    net = MLP("cosine", **sizes)
    for value in net.parameters():
        torch.nn.init.normal_(value, std=0.3)
    x = start_noise(particles, (2,), 1, torch.float64)
    found = page.evaluate(
        "([net, x]) => [...networkEps(net, SCHEDULES.cosine)(Float64Array.from(x), 0.3)]",
        [packed(net), x.flatten().tolist()],
    )
    np.testing.assert_allclose(found, in_float16(net)(x, 0.3).flatten().detach(), rtol=0, atol=TOLERANCE)


def test_float16_is_decoded_bit_by_bit(page):
    values = np.arange(2**16).astype("<u2").view("<f2")
    values = values[np.isfinite(values)]
    text = base64.b64encode(values.tobytes()).decode()
    assert page.evaluate("text => [...fromHalves(text)]", text) == values.astype(float).tolist()


@pytest.mark.parametrize("n", [16, 60, 512])
def test_start_noise_is_that_of_the_same_seed_in_python(page, n):
    for seed in (0, 7, 2**31):
        found = page.evaluate("([n, seed]) => [...startNoise(n, seed)]", [n, seed])
        theirs = start_noise(n, (2,), seed, torch.float64).flatten()
        np.testing.assert_allclose(found, theirs, rtol=TOLERANCE, atol=1e-15)


@pytest.mark.parametrize("name", datasets.names())
def test_distances_and_even_points_are_pythons(page, name):
    manifold = datasets.get(name)
    x = torch.cat([2 * start_noise(60, (2,), 2, torch.float64), torch.tensor([[50.0, -3.0], [1e4, 1e4]])])
    found, even = page.evaluate(
        "([shape, x]) => [[...distancesTo(shape)(Float64Array.from(x))], [...evenPoints(shape, 240)]]",
        [tables.data_sets()[name], x.flatten().tolist()],
    )
    np.testing.assert_allclose(found, manifold.distance(x), atol=2 * tables.CLOSE)
    np.testing.assert_allclose(even, manifold.curve(240).flatten(), atol=10 * tables.CLOSE)


def test_distances_to_the_same_arcs_are_pythons(page):
    manifold = datasets.get("figure-eight")
    x = start_noise(100, (2,), 2, torch.float64)
    shape = tables.geometry(manifold, arcs=manifold._geometry._arc_count)
    found = page.evaluate(
        "([shape, x]) => [...distancesTo(shape)(Float64Array.from(x))]", [shape, x.flatten().tolist()]
    )
    np.testing.assert_allclose(found, manifold.distance(x), rtol=TOLERANCE)


def test_a_particle_that_is_no_longer_finite_is_infinitely_far(page):
    found = page.evaluate(
        "shape => [...distancesTo(shape)(Float64Array.from([Infinity, 0, NaN, 1]))].map(String)",
        tables.data_sets()["spiral"],
    )
    assert found == ["Infinity", "NaN"]


def test_equal_budgets_buy_the_steps_that_python_counts(page):
    for name in tables.page_methods():
        method = samplers.get(name)
        found = page.evaluate(
            "row => [5, 10, 29, 50].map((budget) => stepsWithin(row, tables, SCHEDULES.linear, budget, 1, 0.001))",
            tables.row(method),
        )
        assert found == [steps_within(method, budget, "linear") for budget in (5, 10, 29, 50)], name


@pytest.mark.parametrize("errors", [[1e-1, 1e-2, 2.5e-3, 6e-4], [1e-3, 6e-5, 4e-6, 1e-14], [5.0, 1e-3, 9e-4, 1e-4]])
def test_the_fitted_order_is_pythons(page, errors):
    steps, floor = [40, 80, 160, 320], 1e-14
    found = page.evaluate(
        """([steps, errors, floor]) => {
            const { order, window } = fitOrder(steps, errors.map((one) => [one]), floor);
            return [order, window];
        }""",
        [steps, errors, floor],
    )
    local = -np.diff(np.log(errors)) / np.diff(np.log(steps))
    window = asymptotic_window(np.array(errors), local, floor)
    order = -np.polyfit(np.log(steps)[window], np.log(errors)[window], 1)[0]
    assert found[1] == window.tolist()
    assert found[0] == pytest.approx(order, rel=TOLERANCE)


@pytest.mark.parametrize("slopes", [(1.9, 2, 2), (2, 2.15, 2.4), (2.6, 2.2, 2.05), (4, 3.9, 1)])
@pytest.mark.parametrize("spread", [0.0, 0.1, 1.0])  # of the particles' own slopes
def test_an_order_is_asymptotic_where_python_says_so(page, slopes, spread):
    steps, own = np.array([40, 80, 160, 320]), spread * np.random.default_rng(1).standard_normal(24)
    factors = np.cumprod([np.ones(24), *(2.0 ** -(slope + own) for slope in slopes)], axis=0)
    reference = Reference(x=torch.zeros(24, 2), error=0.0, nfe=0)
    expected = _estimate("DDIM", steps, steps, 1e-2 * factors, 1e-14, reference)
    found = page.evaluate(
        """([steps, errors]) => {
            const { order, asymptotic } = fitOrder(steps, errors, 1e-14);
            return [order, asymptotic];
        }""",
        [steps.tolist(), (1e-2 * factors).tolist()],
    )
    assert found == [pytest.approx(expected.order, rel=TOLERANCE), expected.asymptotic]


def test_the_exact_flow_is_as_near_to_pythons_as_it_says(page):
    points, x = datasets.get("spiral").curve(60), start_noise(8, (2,), 0, torch.float64)
    eps = toylab.exact_eps(points, "linear", 0.05)
    reference = reference_solution(eps, schedules.get("linear"), x, 1.0, 0.2)
    end, error = page.evaluate(
        """([points, x]) => {
            const schedule = SCHEDULES.linear, eps = exactEps(Float64Array.from(points), schedule, 0.05);
            const found = exactFlow(tables, schedule, Float64Array.from(x), eps, 1, 0.2, 400);
            return [[...found.x], found.error];
        }""",
        [points.flatten().tolist(), x.flatten().tolist()],
    )
    assert rms(torch.tensor(end, dtype=torch.float64).reshape(8, 2) - reference.x) < error < 1e-6


def test_pages_lack_no_row_that_python_has(page):
    known = page.evaluate(
        "() => ({ kinds: Object.keys(KINDS), transfers: Object.keys(TRANSFERS), schedules: Object.keys(SCHEDULES),"
        " spacings: Object.keys(SPACINGS) })"
    )
    missing = [name for name in tables.page_methods() if tables.row(samplers.get(name))["kind"] not in known["kinds"]]
    assert missing == []
    assert known["transfers"] == [*TRANSFERS, *LATER_TRANSFERS]
    assert known["schedules"] == schedules.names()
    assert known["spacings"] == grids.spacings()


def test_methods_that_pages_leave_out_step_by_themselves_or_add_noise():
    left_out = [name for name in samplers.methods() if name not in tables.page_methods()]
    assert left_out
    assert all(samplers.get(name).stochastic or not samplers.get(name).fixed_grid for name in left_out)
