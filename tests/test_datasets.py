"""Data sets: geometry, sampling, and distances against brute force and scikit-learn."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.spatial import cKDTree
from sklearn.datasets import make_circles, make_moons, make_s_curve, make_swiss_roll

from toylab import datasets
from toylab.datasets import Curves, Manifold, Points

NAMES = datasets.names()
POINT_SETS = {"point", "two-points", "gaussians"}
CURVES = [name for name in NAMES if name not in POINT_SETS | {"checkerboard"}]
DEVICES = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]

each_name = pytest.mark.parametrize("name", NAMES)
each_curve = pytest.mark.parametrize("name", CURVES)
any_name = st.sampled_from(NAMES)
coordinate = st.floats(-20, 20, width=64)


def queries(name, seed=3):
    """Places near, on, around and far from a manifold."""
    rng = np.random.default_rng(seed)
    manifold = datasets.get(name)
    ends = np.concatenate([piece[[0, -1]] for piece in manifold.components])
    return np.concatenate(
        [
            1.2 * rng.normal(size=(100, 2)),
            10 * rng.normal(size=(20, 2)),
            manifold.sample(40, seed=seed, noise=0.03).numpy(),
            manifold.curve(20).numpy(),
            ends + 0.05 * rng.normal(size=ends.shape),
            [[0.0, 0.0]],
        ]
    )


def nearest(x, points):
    """Distances of x [m, 2] to the nearest of points [k, 2], by trying all."""
    x, points = x @ (1, 1j), points @ (1, 1j)
    return np.array([np.abs(points - place).min() for place in x])


def fine_points(manifold, n=100_000):
    """Even points and the ends of all strokes."""
    ends = [piece[[0, -1]] for piece in manifold.components]
    return np.concatenate([manifold.curve(n).numpy(), *ends])


def normalised(*polylines):
    """Dense polylines, centred and scaled to the moments of their arc length."""
    starts = np.concatenate([line[:-1] for line in polylines])
    ends = np.concatenate([line[1:] for line in polylines])
    weights = np.linalg.norm(ends - starts, axis=1)
    weights /= weights.sum()
    mean = weights @ (starts + ends) / 2
    second = weights @ (starts**2 + starts * ends + ends**2).mean(1) / 3
    return (np.concatenate(polylines) - mean) / np.sqrt(second - (mean**2).mean())


def formula(name):
    """Points of the plain textbook formulas, in dense polylines."""
    t = np.linspace(0, 2 * np.pi, 50_001)
    if name == "line":
        return [np.stack([t, t], -1)]
    if name == "circle":
        return [np.stack([np.cos(t), np.sin(t)], -1)]
    if name == "spiral":
        r = np.linspace(np.pi / 2, 6.5 * np.pi, 50_001)
        return [np.stack([r * np.cos(r), r * np.sin(r)], -1)]
    if name == "sine":
        return [np.stack([2 * t, 3 * np.sin(2 * t)], -1)]
    if name == "figure-eight":
        angle = np.pi / 4 * np.sin(t[: len(t) // 2 + 1] - np.pi / 2)
        radius = np.sqrt(np.maximum(np.cos(2 * angle), 0))
        lobe = np.stack([radius * np.cos(angle), radius * np.sin(angle)], -1)
        return [lobe, -lobe]
    assert name == "trefoil"
    return [np.stack([np.sin(t) + 2 * np.sin(2 * t), np.cos(t) - 2 * np.cos(2 * t)], -1)]


def from_sklearn(name):
    """Noise-free points of scikit-learn's generators, in order along their curves."""
    if name == "moons":
        points, label = make_moons(20_000, shuffle=False)
        return [points[label == 0], points[label == 1]]
    if name == "two-circles":
        points, label = make_circles(20_000, shuffle=False, factor=0.5)
        return [np.concatenate([ring, ring[:1]]) for ring in (points[label == 0], points[label == 1])]
    make = {"swiss-roll": make_swiss_roll, "s-curve": make_s_curve}[name]
    points, t = make(200_000, noise=0.0, random_state=0)
    return [points[np.argsort(t)][:, [0, 2]]]


# ---- names -------------------------------------------------------------------------------------------


def test_names_start_with_the_simplest_and_include_every_promised_set():
    assert NAMES[0] == "point"
    assert set(NAMES) == {
        "point", "two-points", "line", "circle", "two-circles", "moons", "spiral", "swiss-roll", "s-curve",
        "sine", "figure-eight", "trefoil", "pinwheel", "checkerboard", "gaussians", "cat",
    }  # fmt: skip


@each_name
def test_a_manifold_knows_its_name_and_title(name):
    manifold = datasets.get(name)
    assert manifold.name == name and manifold.title and name in repr(manifold)


@pytest.mark.parametrize("spelling", ["Two-Circles", "two_circles", "TWO CIRCLES", " two-circles "])
def test_lookup_ignores_case_and_kind_of_separator(spelling):
    assert datasets.get(spelling) is datasets.get("two-circles")


def test_changing_the_list_of_names_changes_nothing():
    datasets.names().clear()
    assert datasets.names() == NAMES


def test_an_unknown_name_gets_the_nearest_suggestion():
    with pytest.raises(ValueError, match="unknown data set 'spirl'; did you mean 'spiral'.*from: point"):
        datasets.get("spirl")


@pytest.mark.parametrize("value", [None, 3, ["spiral"], b"spiral"])
def test_a_name_that_is_no_string_is_a_type_error(value):
    with pytest.raises(TypeError, match="data set must be a name"):
        datasets.get(value)


# ---- geometry ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in NAMES if name != "point"])
def test_the_uniform_distribution_has_zero_mean_and_unit_variance(name):
    points = datasets.get(name).curve(20_000)
    assert points.mean(0).abs().max() < 1e-4
    assert points.var(0, correction=0).mean().item() == pytest.approx(1, abs=1e-4)


@each_name
def test_the_mean_square_of_every_set_is_one_the_point_included(name):
    assert (datasets.get(name).curve(20_000) ** 2).mean().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["line", "circle", "spiral", "sine", "figure-eight", "trefoil"])
def test_the_textbook_formula_lies_on_the_curve(name):
    points = normalised(*formula(name))
    assert datasets.get(name).distance(points).max() < 1e-5


@pytest.mark.parametrize("name", ["line", "circle", "spiral", "sine", "figure-eight", "trefoil"])
def test_the_curve_lies_on_the_textbook_formula(name):
    assert nearest(datasets.get(name).curve(300).numpy(), normalised(*formula(name))).max() < 2e-3


@pytest.mark.parametrize("name", ["moons", "two-circles", "swiss-roll", "s-curve"])
def test_points_of_scikit_learn_lie_on_the_curve(name):
    assert datasets.get(name).distance(normalised(*from_sklearn(name))).max() < 1e-4


@pytest.mark.parametrize("name", ["moons", "two-circles", "swiss-roll", "s-curve"])
def test_the_curve_lies_among_points_of_scikit_learn(name):
    assert nearest(datasets.get(name).curve(300).numpy(), normalised(*from_sklearn(name))).max() < 2e-3


def test_eight_points_sit_evenly_on_a_ring():
    points = datasets.get("gaussians").curve(8)
    gaps = (points - points.roll(1, 0)).norm(dim=1)
    assert torch.allclose(points.norm(dim=1), torch.full((8,), 2**0.5, dtype=torch.float64))
    assert torch.allclose(gaps, gaps[:1].expand(8))


def test_the_dark_fields_of_the_checkerboard_alternate():
    side = (3 / 4) ** 0.5
    cells = torch.cartesian_prod(torch.arange(4), torch.arange(4))
    distance = datasets.get("checkerboard").distance((cells - 1.5).double() * side)
    dark = cells.sum(1) % 2 == 0
    assert (distance[dark] == 0).all()
    assert torch.allclose(distance[~dark], torch.tensor(side / 2).double())


# ---- even points -------------------------------------------------------------------------------------


@settings(max_examples=60, deadline=None)
@given(any_name, st.integers(1, 300))
def test_curve_has_exactly_n_rows_on_the_manifold(name, n):
    manifold = datasets.get(name)
    points = manifold.curve(n)
    assert points.shape == (n, 2) and points.dtype == torch.float64
    assert manifold.distance(points).max() < 1e-6


@pytest.mark.parametrize("name", ["line", "spiral", "swiss-roll", "s-curve", "sine"])
def test_points_of_an_open_curve_are_evenly_spaced_and_start_half_a_gap_inside(name):
    manifold = datasets.get(name)
    points = manifold.curve(5_000).numpy()
    gaps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert np.ptp(gaps) < 1e-3 * gaps.mean()
    start = np.linalg.norm(points[0] - manifold.components[0][0])
    assert start == pytest.approx(gaps.mean() / 2, rel=1e-3)


@pytest.mark.parametrize("name", ["circle", "figure-eight", "trefoil"])
def test_points_of_a_closed_curve_are_evenly_spaced_all_around(name):
    points = datasets.get(name).curve(5_000).numpy()
    gaps = np.linalg.norm(points - np.roll(points, 1, axis=0), axis=1)
    assert np.ptp(gaps) < 1e-3 * gaps.mean()


def test_curves_share_the_points_in_proportion_to_their_lengths():
    radius = datasets.get("two-circles").curve(300).norm(dim=1)
    outer = radius > radius.mean()
    assert outer.sum() == 200 and outer[:200].all()


def test_the_grid_in_the_checkerboard_is_even():
    points = datasets.get("checkerboard").curve(8 * 25).numpy()
    gaps = np.array([np.sort(np.abs((points - p) @ (1, 1j)))[1] for p in points])
    assert np.ptp(gaps) < 1e-12


@pytest.mark.parametrize("name, size", [("point", 1), ("two-points", 2), ("gaussians", 8)])
def test_point_sets_are_repeated_in_turn(name, size):
    points = datasets.get(name).curve(3 * size + 1)
    assert torch.equal(points[size:], points[:-size]) and len(points.unique(dim=0)) == size


# ---- random points -----------------------------------------------------------------------------------


@each_name
def test_samples_lie_on_the_manifold_to_float32(name):
    x = datasets.get(name).sample(5_000, seed=1)
    assert x.shape == (5_000, 2) and x.dtype == torch.float32
    assert datasets.get(name).distance(x.double()).max() < 1e-6


@pytest.mark.parametrize("name", ["line", "two-circles", "spiral", "sine", "pinwheel", "checkerboard"])
def test_samples_are_uniform(name):
    """40,000 samples over 40 cells of equal weight: each count within five standard deviations of 1,000."""
    manifold = datasets.get(name)
    fine = manifold.curve(8_000)
    cell = torch.arange(8_000) * 40 // 8_000
    x = manifold.sample(40_000, seed=2).double()
    which = cell[cKDTree(fine).query(x)[1]]
    assert (which.bincount(minlength=40) - 1_000).abs().max() < 5 * 32


def test_all_points_of_a_set_are_equally_likely():
    manifold = datasets.get("gaussians")
    counts = torch.cdist(manifold.sample(40_000).double(), manifold.curve(8)).argmin(1).bincount()
    assert (counts - 5_000).abs().max() < 5 * 67


@each_name
def test_the_same_seed_gives_the_same_bits(name):
    manifold = datasets.get(name)
    assert torch.equal(manifold.sample(50, seed=7, noise=0.1), manifold.sample(50, seed=7, noise=0.1))


def test_another_seed_or_none_gives_other_points():
    manifold = datasets.get("spiral")
    draws = [manifold.sample(50, seed=seed) for seed in (0, 1, None, None)]
    assert all(not torch.equal(a, b) for i, a in enumerate(draws) for b in draws[:i])


def test_zero_is_the_default_seed_and_no_noise_the_default():
    manifold = datasets.get("spiral")
    assert torch.equal(manifold.sample(50), manifold.sample(50, seed=0, noise=0.0))


def test_global_random_state_is_neither_used_nor_changed():
    torch.manual_seed(5)
    np.random.seed(5)
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    first = datasets.get("moons").sample(10, noise=0.1)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert (np.random.get_state()[1] == before[1]).all()
    torch.manual_seed(6)
    assert torch.equal(datasets.get("moons").sample(10, noise=0.1), first)


def test_noise_is_gaussian_jitter_of_that_standard_deviation():
    manifold = datasets.get("spiral")
    jitter = (manifold.sample(100_000, noise=0.3) - manifold.sample(100_000)).double()
    assert jitter.mean(0).abs().max() < 5e-3
    assert torch.allclose(jitter.std(0), torch.full((2,), 0.3, dtype=torch.float64), atol=5e-3)
    assert (jitter.norm(dim=1) > 0.3 * 2**0.5).double().mean().item() == pytest.approx(np.exp(-1), abs=0.01)


def test_jitter_grows_with_noise_along_the_same_directions():
    manifold = datasets.get("cat")
    still, small, large = (manifold.sample(100, noise=noise).double() for noise in (0, 0.1, 0.2))
    assert torch.allclose(large - still, 2 * (small - still), atol=1e-6)


# ---- distance ----------------------------------------------------------------------------------------


@each_curve
def test_distance_is_that_of_brute_force(name):
    """No point of a fine sampling is nearer, and the nearest of them is as near as its spacing allows."""
    manifold = datasets.get(name)
    x = queries(name)
    fine = fine_points(manifold)
    spacing = np.median(np.abs(np.diff(fine @ (1, 1j))))
    distance, tried = manifold.distance(x).numpy(), nearest(x, fine)
    assert (distance <= tried + 1e-6).all()
    assert (tried**2 <= distance**2 + (1 + 10 * distance) * spacing**2 + 1e-6 * distance).all()


@pytest.mark.parametrize("name", sorted(POINT_SETS))
def test_distance_to_points_is_exact(name):
    manifold = datasets.get(name)
    x = queries(name)
    assert np.allclose(manifold.distance(x), nearest(x, manifold.curve(8).numpy()), rtol=1e-14, atol=1e-15)


def test_distance_to_the_checkerboard_is_that_of_brute_force():
    manifold = datasets.get("checkerboard")
    x = queries("checkerboard")
    outline = np.concatenate([
        a + (b - a) * np.linspace(0, 1, 5_001)[:, None]
        for square in manifold.components for a, b in zip(square, square[1:], strict=False)
    ])  # fmt: skip
    distance, tried = manifold.distance(x).numpy(), nearest(x, outline)
    outside = distance > 0
    assert np.allclose(distance[outside], tried[outside], atol=1e-4)
    assert outside.any() and (manifold.distance(manifold.curve(777)) == 0).all()


def test_distance_to_circle_and_line_is_the_closed_form():
    x = torch.from_numpy(queries("circle"))
    to_circle, to_line = datasets.get("circle").distance(x), datasets.get("line").distance(x)
    foot = x.mean(1, keepdim=True).clamp(-(3**0.5), 3**0.5)
    assert torch.allclose(to_circle, (x.norm(dim=1) - 2**0.5).abs(), atol=1e-12, rtol=0)
    assert torch.allclose(to_line, (x - foot).norm(dim=1), atol=1e-12, rtol=0)


def test_the_other_strand_wins_where_it_is_nearer():
    """Beside an open end and at a crossing the nearest sampled point can belong to the wrong strand."""
    cross = Manifold("cross", "Cross", Curves(lambda u: (2 * u - 1, 0 * u), lambda u: (0 * u, 2 * u - 1)))
    arm = np.abs(cross.components[0]).max()
    rng = np.random.default_rng(0)
    x = np.concatenate([1e-3 * rng.normal(size=(500, 2)), rng.normal(size=(500, 2))])
    beyond = np.maximum(np.abs(x) - arm, 0)
    exact = np.minimum(np.hypot(beyond[:, 0], x[:, 1]), np.hypot(x[:, 0], beyond[:, 1]))
    assert np.allclose(cross.distance(x), exact, atol=1e-12)


def test_a_nearer_line_is_found_from_the_centre_of_a_circle():
    """Every arc of the circle has its middle at distance 1, nearer than that of any piece of the line."""
    shape = Curves(lambda u: (np.cos(7 * u), np.sin(7 * u)), lambda u: (2 * u - 1, 0 * u + 0.99), arcs=24)
    x = np.random.default_rng(0).normal(size=(200, 2)) * 0.01
    x[0] = 0
    exact = np.minimum(1 - np.hypot(*x.T), 0.99 - x[:, 1])
    assert np.allclose(shape.distance(x), exact, rtol=0, atol=1e-9)


@settings(max_examples=150, deadline=None)
@given(any_name, st.tuples(coordinate, coordinate), st.tuples(coordinate, coordinate))
def test_distance_changes_no_faster_than_the_place(name, x, y):
    at_x, at_y = datasets.get(name).distance(np.array([x, y])).tolist()
    assert abs(at_x - at_y) <= np.hypot(x[0] - y[0], x[1] - y[1]) + 1e-6


@settings(max_examples=60, deadline=None)
@given(any_name, hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4))
def test_distance_keeps_any_batch_shape(name, shape):
    x = torch.zeros(*shape, 2)
    distance = datasets.get(name).distance(x)
    assert distance.shape == x.shape[:-1] and distance.dtype == x.dtype


@settings(max_examples=100, deadline=None)
@given(any_name, hnp.arrays(float, (5, 2), elements=st.floats(width=64)))
def test_distance_of_anything_is_nan_for_nan_and_else_not_negative(name, x):
    distance = datasets.get(name).distance(x).numpy()
    assert (np.isnan(distance) == np.isnan(x).any(1)).all()
    assert (distance[~np.isnan(distance)] >= 0).all()


@each_name
def test_blown_up_particles_are_at_infinity_and_spoil_no_others(name):
    inf, nan = float("inf"), float("nan")
    x = torch.tensor([[inf, 0], [0, -inf], [-inf, inf], [nan, 0], [inf, nan], [0.3, 0.2]])
    distance = datasets.get(name).distance(x)
    assert distance[:3].tolist() == [inf] * 3 and distance[3:5].isnan().all()
    assert distance[5] == datasets.get(name).distance(x[5])


@each_name
@pytest.mark.parametrize("size", [1e3, 1e6, 1e9, 1e30, 1e200, 1e305])
def test_far_away_the_distance_is_that_of_a_point(name, size):
    x = size * torch.tensor([[1.0, 0.0], [0.6, -0.8], [-0.6, 0.8]], dtype=torch.float64)
    distance = datasets.get(name).distance(x)
    assert ((distance - size).abs() <= 2.5 + 1e-12 * size).all()


@each_curve
def test_far_away_the_distance_is_still_that_of_brute_force(name):
    manifold = datasets.get(name)
    x = 1e7 * np.array([[1.0, 0.0], [0.6, -0.8], [-0.8, -0.6]])
    assert np.allclose(manifold.distance(x), nearest(x, fine_points(manifold)), rtol=0, atol=1e-5)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
@pytest.mark.parametrize("device", DEVICES)
def test_distance_has_the_dtype_and_device_of_x(dtype, device):
    x = torch.tensor([[3.0, 4.0], [0.0, 1.0]], dtype=dtype, device=device)
    distance = datasets.get("circle").distance(x)
    assert distance.dtype == dtype and distance.device == x.device
    exact = torch.tensor([5 - 2**0.5, 2**0.5 - 1], dtype=torch.float64)
    assert torch.allclose(distance.cpu(), exact.to(dtype), rtol=2 * torch.finfo(dtype).eps, atol=1e-12)


def test_distance_takes_arrays_of_any_layout_and_leaves_them_alone():
    x = np.random.default_rng(0).normal(size=(2, 6))
    reference = datasets.get("moons").distance(torch.tensor(x.T.copy()))
    frozen = x.T[::-1]
    frozen.flags.writeable = False
    assert torch.equal(datasets.get("moons").distance(frozen).flip(0), reference)
    assert torch.equal(datasets.get("moons").distance(x.T.tolist()), reference)


def test_distance_of_many_points_does_not_depend_on_their_company():
    x = datasets.get("cat").sample(100_000, noise=0.2).double()
    distance = datasets.get("cat").distance(x)
    assert torch.equal(distance[70_000:70_010], datasets.get("cat").distance(x[70_000:70_010]))


def test_distance_carries_no_gradient():
    x = torch.zeros(3, 2, requires_grad=True)
    assert not datasets.get("circle").distance(x).requires_grad


# ---- coverage and drawing ----------------------------------------------------------------------------


@each_name
def test_a_manifold_covers_itself(name):
    manifold = datasets.get(name)
    assert manifold.coverage(manifold.curve(400)) == 1.0


def test_coverage_is_the_share_that_has_been_reached():
    circle = datasets.get("circle")
    half = circle.curve(2_000)[:1_000]
    assert circle.coverage(half, radius=0.01) == pytest.approx(0.5, abs=0.01)
    assert datasets.get("two-points").coverage(torch.tensor([[2**0.5, 0.1]])) == 0.5


def test_coverage_grows_with_the_radius():
    line, x = datasets.get("line"), torch.zeros(1, 2)
    assert [line.coverage(x, radius=3**0.5 * 2**0.5 * share) for share in (0.25, 0.5, 1)] == [0.25, 0.5, 1.0]


@pytest.mark.parametrize("rows, value", [(0, 0.0), (3, float("nan")), (3, float("inf"))])
def test_nothing_and_what_is_not_finite_cover_nothing(rows, value):
    assert datasets.get("circle").coverage(torch.full((rows, 2), value)) == 0.0


@each_name
def test_components_lie_on_the_manifold(name):
    manifold = datasets.get(name)
    for piece in manifold.components:
        assert piece.ndim == 2 and piece.shape[1] == 2
        assert manifold.distance(piece).max() < 1e-6


@pytest.mark.parametrize(
    "name, pieces, closed",
    [
        ("point", 1, True), ("two-points", 2, True), ("line", 1, False), ("circle", 1, True),
        ("two-circles", 2, True), ("moons", 2, False), ("spiral", 1, False), ("figure-eight", 1, True),
        ("trefoil", 1, True), ("pinwheel", 5, False), ("checkerboard", 8, True), ("gaussians", 8, True),
    ],
)  # fmt: skip
def test_components_are_the_pieces_and_closed_ones_close(name, pieces, closed):
    components = datasets.get(name).components
    assert len(components) == pieces
    assert all(np.allclose(piece[0], piece[-1], atol=1e-9) == closed for piece in components)


@each_curve
def test_components_are_fine_enough_to_look_smooth(name):
    for piece in datasets.get(name).components:
        assert np.linalg.norm(np.diff(piece, axis=0), axis=1).max() < 0.025


def test_the_cat_is_symmetric():
    cat = datasets.get("cat")
    assert cat.distance(cat.curve(2_000) * torch.tensor([-1.0, 1.0])).max() < 1e-6


# ---- new manifolds, bad input ------------------------------------------------------------------------


def test_a_new_manifold_is_one_parametric_function():
    def heart(u):
        t = 2 * np.pi * u
        return 16 * np.sin(t) ** 3, 13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t)

    manifold = Manifold("heart", "Heart", Curves(heart))
    assert manifold.distance(manifold.sample(1_000)).max() < 1e-5
    assert manifold.curve(10_000).var(0, correction=0).mean().item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("n", [0, -1])
@pytest.mark.parametrize("method", ["sample", "curve"])
def test_a_count_below_one_is_a_value_error(method, n):
    with pytest.raises(ValueError, match="n must be an integer of at least 1"):
        getattr(datasets.get("circle"), method)(n)


@pytest.mark.parametrize("n", [1.0, "3", None, True])
@pytest.mark.parametrize("method", ["sample", "curve"])
def test_a_count_that_is_no_integer_is_a_type_error(method, n):
    with pytest.raises(TypeError, match="n must be an integer of at least 1"):
        getattr(datasets.get("circle"), method)(n)


@pytest.mark.parametrize(
    "arguments, error, message",
    [
        ({"seed": -1}, ValueError, "seed must be an integer of at least 0"),
        ({"seed": 0.5}, TypeError, "seed must be an integer of at least 0"),
        ({"seed": "0"}, TypeError, "seed must be an integer of at least 0"),
        ({"noise": -0.1}, ValueError, "noise must be a finite number"),
        ({"noise": float("nan")}, ValueError, "noise must be a finite number"),
        ({"noise": float("inf")}, ValueError, "noise must be a finite number"),
        ({"noise": "0.1"}, TypeError, "noise must be a number"),
        ({"sigma": 0.1}, TypeError, "sigma"),
    ],
)
def test_bad_arguments_of_sample_are_named(arguments, error, message):
    with pytest.raises(error, match=message):
        datasets.get("circle").sample(5, **arguments)


@pytest.mark.parametrize("measure", ["distance", "coverage"])
@pytest.mark.parametrize("x", [torch.zeros(()), torch.zeros(3), torch.zeros(2, 3), np.zeros((2, 1)), 1.0])
def test_places_that_are_not_in_the_plane_are_a_value_error(measure, x):
    with pytest.raises(ValueError, match=r"x must have shape \[\.\.\., 2\]"):
        getattr(datasets.get("circle"), measure)(x)


@pytest.mark.parametrize("measure", ["distance", "coverage"])
@pytest.mark.parametrize("x", [
    torch.zeros(3, 2, dtype=torch.long), torch.zeros(3, 2, dtype=torch.complex64), np.zeros((3, 2), bool),
    [[0, 1]], [[0.0, 1.0], [2.0]], "ab", None, {"x": 1.0}, np.array([["0", "1"]]),
])  # fmt: skip
def test_places_that_are_not_floating_point_are_a_type_error(measure, x):
    with pytest.raises(TypeError, match="x must"):
        getattr(datasets.get("circle"), measure)(x)


@pytest.mark.parametrize("radius", [0, -1.0, float("nan"), float("inf")])
def test_a_radius_that_is_not_positive_is_a_value_error(radius):
    with pytest.raises(ValueError, match="radius must be a finite number"):
        datasets.get("circle").coverage(torch.zeros(1, 2), radius=radius)


@pytest.mark.parametrize(
    "build",
    [lambda: Curves(), lambda: Curves(lambda u: (0 * u, 0 * u)), lambda: Curves(lambda u: (u, np.nan * u)),
     lambda: Curves(lambda u: (u, u, u)), lambda: Points([]), lambda: Points([1.0, 2.0])],
)  # fmt: skip
def test_a_geometry_that_is_none_is_a_value_error(build):
    with pytest.raises(ValueError, match="must"):
        build()


def test_jitter_beyond_what_float32_holds_is_refused():
    assert datasets.get("circle").sample(5, noise=1e30).isfinite().all()
    with pytest.raises(ValueError, match=r"noise must be a finite number in \[0, 1e\+30\], got 1e\+308"):
        datasets.get("circle").sample(5, noise=1e308)
