"""What each part of a transfer buys: dx/dt (classical), half of phi (frozen), phi (pseudo), x0 held (data).

phi is exact for an exact eps, and two phis with one eps are one. Any transfer of eps that is exact must be
phi, because every pair (x, eps) is on some ray of one data point; so the two properties come and go together.
"""

import pytest
import torch
from problems import SCHEDULES, flower, normal

import toylab
from toylab import problems
from toylab.samplers.gradients import GRADIENTS, Gradient
from toylab.samplers.pairs import Pair
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS, DataPrediction, Frozen, Pseudo

LINEAR = toylab.schedules.get("linear")
ALL = TRANSFERS | LATER_TRANSFERS
SLOPES = [name for name in GRADIENTS if name != "euler"]  # those that combine several


@pytest.fixture(scope="module")
def curve():
    eps = toylab.exact_eps(flower(5, 48), LINEAR, 0.05)
    problem, x = problems.Problem(eps, LINEAR, None, {}), normal(4, 2, seed=1)
    return eps, x, {t_start: problem.reference(x, t_start, 0.2) for t_start in (1.0, 0.6)}


def order(curve, method, steps=(160, 320), t_start=1.0, **options):
    eps, x, references = curve
    limits = {"t_start": t_start, "t_end": 0.2, "reference": references[t_start], "x_T": x}
    return toylab.measure_order(eps, LINEAR, method, steps, progress=False, **limits, **options).order


def time(value):
    return torch.tensor(value, dtype=torch.float64)


def move(transfer, x, slope, t, s, schedule=LINEAR):
    return transfer.move(schedule, x, slope, time(t), time(s))


# what phi can do that half of it cannot


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_only_whole_transfers_are_exact_with_one_data_point(gradient):
    problem = problems.one_point()
    x = problem.start(16)
    exact = problem.solution(x)

    def error(transfer):
        method = toylab.method(gradient, transfer)
        return (toylab.sample(problem.eps, LINEAR, method, 10, x_T=x, progress=False).x - exact).abs().max()

    assert max(error("pseudo"), error("data")) < 1e-12
    assert min(error("classical"), error("frozen")) > 0.01


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("transfer", ["pseudo", "data"])
def test_two_moves_with_one_slope_are_one(name, transfer):
    schedule, transfer = toylab.schedules.get(name), ALL[transfer]
    x, slope = normal(4, 2), normal(4, 2, seed=1)
    halfway = move(transfer, x, slope, 0.8, 0.5, schedule)
    two = move(transfer, halfway, slope, 0.5, 0.1, schedule)
    once = move(transfer, x, slope, 0.8, 0.1, schedule)
    torch.testing.assert_close(two, once, rtol=0, atol=1e-13 * two.abs().max().item())


@pytest.mark.parametrize("transfer", [Frozen, TRANSFERS["classical"]])
def test_without_whole_phi_two_moves_with_one_eps_are_not_one(transfer):
    x, eps = normal(4, 2), normal(4, 2, seed=1)

    def step(x, t, s):
        return move(transfer, x, transfer.slope(LINEAR, x, eps, time(t)), t, s)

    assert (step(step(x, 0.8, 0.5), 0.5, 0.1) - step(x, 0.8, 0.1)).abs().max() > 0.1


@pytest.mark.slow
@pytest.mark.parametrize("gradient", GRADIENTS)
def test_with_half_of_phi_every_gradient_part_is_of_first_order(curve, gradient):
    assert order(curve, toylab.method(gradient, "frozen"), (320, 640)) == pytest.approx(1, abs=0.03)


def test_half_of_phi_is_phi_to_first_order():
    x, eps = normal(4, 2), normal(4, 2, seed=1)
    gaps = [(move(Frozen, x, eps, 0.5, 0.5 - h) - move(Pseudo, x, eps, 0.5, 0.5 - h)).norm() for h in (2e-3, 1e-3)]
    assert gaps[0] / gaps[1] == pytest.approx(4, rel=0.01)


# the transfer of data prediction


def test_with_one_slope_data_prediction_is_ddim(curve):
    eps, x, _ = curve
    one, two = (
        toylab.sample(eps, LINEAR, m, 10, x_T=x, progress=False).x for m in ("DDIM", toylab.method("euler", "data"))
    )
    torch.testing.assert_close(one, two, rtol=0, atol=1e-13)


@pytest.mark.parametrize("gradient", SLOPES)
def test_with_several_slopes_data_prediction_is_another_method(curve, gradient):
    eps, x, _ = curve
    one, two = (
        toylab.sample(eps, LINEAR, toylab.method(gradient, transfer), 10, x_T=x, progress=False).x
        for transfer in ("pseudo", "data")
    )
    assert (one - two).abs().max() > 1e-3


@pytest.mark.slow
@pytest.mark.parametrize(
    ("gradient", "options", "theory"),
    [
        ("euler", {}, 1),
        ("improved-euler", {}, 2),
        ("rk4", {}, 2),
        ("rk4", {"midpoint": "sigma"}, 2),
        ("rk4", {"midpoint": "own"}, 4),
        ("ab2", {}, 2),
        ("ab4", {}, 2),
        ("plms", {}, 2),
    ],
)
def test_orders_of_data_prediction_are_those_of_its_own_clock(curve, gradient, options, theory):
    assert order(curve, toylab.method(gradient, "data", **options)) == pytest.approx(theory, abs=0.08 * theory)


@pytest.mark.parametrize("transfer", ["classical", "pseudo", "data"])
@pytest.mark.parametrize("spacing", ["t", "logsnr"])
def test_exact_weights_make_ab4_fourth_order_with_every_whole_transfer(curve, transfer, spacing):
    method = toylab.method("ab4", transfer, midpoint="own", weights="exact")
    assert order(curve, method, t_start=0.6, spacing=spacing) == pytest.approx(4, abs=0.25)


def test_ab2_on_data_prediction_is_dpm_solver_plus_plus_on_its_own_grid(curve):
    eps, x, _ = curve
    rising = Pair("AB2 from order 1", Gradient("ab2-rising", adams=2), DataPrediction)
    one, two = (
        toylab.sample(eps, LINEAR, method, 12, x_T=x, spacing="logsnr", progress=False).states
        for method in (rising, "DPM-Solver++2M")
    )
    torch.testing.assert_close(one, two, rtol=0, atol=1e-13)


@pytest.mark.parametrize("gradient", ["ab2", "ab4", "plms"])
@pytest.mark.parametrize("weights", ["exact", "equispaced"])
def test_data_prediction_may_end_at_time_zero_where_its_clock_is_infinite(curve, gradient, weights):
    eps, x, _ = curve
    method = toylab.method(gradient, "data", weights=weights)
    run = toylab.sample(eps, LINEAR, method, 12, x_T=x, t_end=0.0, progress=False)
    assert run.x.isfinite().all()


# clocks


@pytest.mark.parametrize("transfer", ALL.values(), ids=ALL)
@pytest.mark.parametrize("name", SCHEDULES)
def test_every_transfer_can_read_its_clock_backwards(transfer, name):
    schedule = toylab.schedules.get(name)
    for t in (0.05, 0.3, 0.7):
        assert transfer.time(schedule, transfer.clock(schedule, time(t))) == pytest.approx(t, rel=1e-9)


@pytest.mark.parametrize("transfer", ALL.values(), ids=ALL)
def test_a_constant_slope_moves_straight_in_the_transfer_s_clock(transfer):
    # x(s) / factor(s) is a straight line in the clock: three points of it are
    x, slope = normal(3, 2), normal(3, 2, seed=1)
    times = [time(u) for u in (0.6, 0.45, 0.3)]
    factor = {"classical": lambda s: 1.0, "pseudo": lambda s: LINEAR.alpha_bar(s) ** 0.5,
              "data": LINEAR.noise_std, "frozen": lambda s: 1.0}[transfer.name]  # fmt: skip
    points = [transfer.move(LINEAR, x, slope, times[0], s) / factor(s) for s in times]
    a, b, c = (transfer.clock(LINEAR, s) for s in times)
    torch.testing.assert_close(
        (points[1] - points[0]) / (b - a), (points[2] - points[0]) / (c - a), rtol=1e-10, atol=1e-12
    )


def test_the_later_transfers_are_found_by_name():
    assert toylab.method("ab2", "data").name == "ab2+data"
    assert toylab.method("ab4", "frozen").transfer is Frozen
    with pytest.raises(ValueError, match="did you mean 'data'"):
        toylab.method("ab2", "dta")


def test_the_transfer_table_holds_the_errors_of_separate_runs():
    from toylab.figures import transfer_table
    from toylab.problems.flow import rms

    problem = problems.gaussian()
    table = transfer_table(problem, ("ab2", "ab4"), nfe=(10, 20), t_end=0.01, n=8)
    assert table.header == ("gradient part", "NFE", "classical", "frozen", "pseudo", "data")
    x = problem.start(8)
    run = toylab.sample(problem.eps, LINEAR, "S-PNDM", 19, x_T=x, t_end=0.01, progress=False)
    assert table.rows[1][:2] == ("ab2", 20) and run.nfe == 20
    assert table.rows[1][4] == pytest.approx(rms(run.x - problem.solution(x, None, 0.01)))
    assert table.rows[2] == ("ab4", 10, None, None, None, None) and None not in table.rows[3]
