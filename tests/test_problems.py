"""Problems: the closed forms against an independent reference, and what plugs into the measurements."""

import pytest
import torch
from problems import normal, reference

import toylab
from toylab import problems

every_schedule = pytest.mark.parametrize("schedule", toylab.schedules.names())


@every_schedule
@pytest.mark.parametrize("spread", [0.0, 0.3, 2.0])
def test_the_closed_form_of_a_gaussian_is_what_dop853_finds(schedule, spread):
    problem = problems.gaussian((0.3, -0.8, 0.1), spread, schedule)
    x = problem.start(4)
    found = reference(problem.eps, problem.schedule, x, problem.schedule.t_max, 0.01)
    assert (problem.solution(x, None, 0.01) - found).abs().max() <= 1e-13 * (1 + found.abs().max())


@every_schedule
def test_closed_forms_compose(schedule):
    problem, x = problems.gaussian(schedule=schedule), normal(6, 2)
    halfway = problem.solution(x, 0.9, 0.4)
    torch.testing.assert_close(
        problem.solution(halfway, 0.4, 0.1), problem.solution(x, 0.9, 0.1), rtol=1e-12, atol=1e-13
    )


def test_one_point_is_a_gaussian_of_no_width():
    problem = problems.one_point((0.5, 1.0))
    x = problem.start(8)
    end = problem.solution(x, None, 1e-9)
    assert (end - torch.tensor([0.5, 1.0], dtype=torch.float64)).abs().max() < 1e-4
    assert problem.eps.spread == 0 and "one point" in problem.title


def test_a_problem_plugs_into_measure_order():
    problem = problems.gaussian()
    x = problem.start(8)
    known = problem.reference(x, None, 0.2)
    estimate = toylab.measure_order(
        problem.eps, problem.schedule, "Heun", (160, 320), x_T=x, reference=known, progress=False
    )
    assert estimate.order == pytest.approx(2, abs=0.05) and known.nfe == 0


def test_without_a_closed_form_the_reference_is_solved():
    problem = problems.two_points(spread=0.2)
    x = problem.start(4)
    found = problem.reference(x, None, 0.1, progress=False)
    independent = reference(problem.eps, problem.schedule, x, 1.0, 0.1)
    assert (found.x - independent).abs().max() < 1e-11 and found.nfe > 0
    with pytest.raises(ValueError, match="no closed form for two-points"):
        problem.solution(x)


def test_two_points_are_two():
    problem = problems.two_points()
    assert len(problem.eps.points) == 2 and problem.manifold.name == "two-points"
    run = toylab.sample(problem.eps, problem.schedule, "DDIM", 50, n=64, progress=False)
    assert (torch.cdist(run.x.double(), problem.eps.points).min(1).values < 0.05).all()


def test_curves_know_their_manifold():
    problem = problems.curve("spiral", 120, 0.05, "cosine")
    assert problem.manifold.name == "spiral" and problem.schedule.name == "cosine"
    assert problem.eps.points.shape == (120, 2) and problem.eps.spread == 0.05
    assert problem.title == "spiral, cosine schedule, exact"


def test_start_noise_depends_on_the_seed_alone():
    problem = problems.gaussian((0.0, 0.0, 0.0))
    x = problem.start(5, seed=3)
    assert x.shape == (5, 3) and x.dtype == torch.float64
    assert torch.equal(x, problem.start(5, seed=3)) and not torch.equal(x, problem.start(5, seed=4))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: problems.gaussian(mean="middle"), TypeError, "mean must be a list"),
        (lambda: problems.gaussian(mean=1.0), ValueError, "mean must be a list"),
        (lambda: problems.gaussian(spread=-1), ValueError, "spread"),
        (lambda: problems.gaussian(schedule="linaer"), ValueError, "did you mean 'linear'"),
        (lambda: problems.curve("sprial"), ValueError, "did you mean 'spiral'"),
        (lambda: problems.curve("circle", points=0), ValueError, "points"),
        (lambda: problems.gaussian().start(-1), ValueError, "n must be an integer of at least 1, got -1"),
        (lambda: problems.gaussian().solution(normal(2, 2), 0.1, 0.5), ValueError, "t_end must be less"),
        (lambda: problems.find("circle", "exakt"), ValueError, "did you mean 'exact'"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
