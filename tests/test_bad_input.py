"""Bad input is refused with the argument's name and what is allowed, whatever the value."""

import math
import re

import numpy as np
import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st
from problems import flower, normal

import toylab
from toylab import grids
from toylab.problems import exact_flow, reference_solution

LINEAR = toylab.schedules.get("linear")
EPS = toylab.exact_eps(flower(5, 8), LINEAR)
words = st.text(max_size=12)
no_words = st.one_of(st.none(), st.integers(), st.floats(), st.lists(st.text(), max_size=2), st.binary(max_size=3))
no_numbers = st.one_of(
    st.none(), st.text(max_size=5), st.lists(st.integers(), max_size=2), st.booleans(), st.complex_numbers()
)
not_finite = st.sampled_from([math.nan, math.inf, -math.inf])


def sample(*args, **kwargs):
    """A run that does not go on if its arguments are accepted."""
    return toylab.iterate(EPS, LINEAR, *args, **kwargs)


# names


@pytest.mark.parametrize(
    "wrong, right",
    [
        ("ddmi", "DDIM"),
        ("ddimm", "DDIM"),
        ("f-pdnm", "F-PNDM"),
        ("hune", "Heun"),
        ("plm", "PLMS"),
        ("rk5", "RK4"),
        ("eular", "Euler"),
    ],
)
def test_a_mistyped_method_gets_the_nearest_name(wrong, right):
    with pytest.raises(ValueError, match=rf"unknown method '{wrong}'; did you mean '{right}'\?"):
        sample(wrong)


@pytest.mark.parametrize(
    "wrong, right", [("liner", "linear"), ("cosin", "cosine"), ("Sigmoyd", "sigmoid"), ("quadratic", "quad")]
)
def test_a_mistyped_schedule_gets_the_nearest_name(wrong, right):
    for call in (
        toylab.schedules.get,
        lambda name: toylab.iterate(EPS, name),
        lambda name: toylab.exact_eps(flower(3), name),
    ):
        with pytest.raises(ValueError, match=rf"unknown schedule '{wrong}'; did you mean '{right}'\?"):
            call(wrong)


@pytest.mark.parametrize("wrong, right", [("sigmas", "sigma"), ("log-snr", "logsnr"), ("karas", "karras")])
def test_a_mistyped_spacing_gets_the_nearest_name(wrong, right):
    with pytest.raises(ValueError, match=rf"unknown spacing '{wrong}'; did you mean '{right}'\?"):
        sample(spacing=wrong)


@pytest.mark.parametrize(
    "argument, wrong, right",
    [
        ("gradient", "rk-4", "rk4"),
        ("transfer", "psuedo", "pseudo"),
        ("midpoint", "sigmas", "sigma"),
        ("weights", "exakt", "exact"),
    ],
)
def test_a_mistyped_part_gets_the_nearest_name(argument, wrong, right):
    parts = {"gradient": "rk4", "transfer": "pseudo"} | {argument: wrong}
    with pytest.raises(ValueError, match=rf"unknown {argument} '{wrong}'; did you mean '{right}'\?"):
        toylab.method(**parts)


def test_a_name_like_nothing_lists_all_names():
    with pytest.raises(ValueError, match="unknown method 'qqqqqqqq'; choose from: Euler, Heun") as error:
        sample("qqqqqqqq")
    assert all(name in str(error.value) for name in toylab.methods())


@pytest.mark.slow
@given(name=words)
def test_any_unknown_text_is_a_value_error_that_names_the_argument(name):
    bare = "".join(letter for letter in name.lower() if letter not in "-_ ")
    known = [
        *toylab.methods(),
        *toylab.samplers.aliases(),
        *toylab.schedules.names(),
        *grids.spacings(),
        "rk4",
        "ab4",
    ]
    assume(bare not in ["".join(letter for letter in k.lower() if letter not in "-_ ") for k in known])
    for argument, call in {
        "method": sample,
        "schedule": toylab.schedules.get,
        "spacing": lambda name: sample(spacing=name),
        "gradient": lambda name: toylab.method(name),
        "midpoint": lambda name: toylab.method("rk4", midpoint=name),
        "transfer": lambda name: toylab.method("rk4", name),
    }.items():
        with pytest.raises(ValueError, match=f"unknown {argument} "):
            call(name)


@given(value=no_words)
def test_what_is_no_text_is_a_type_error_that_names_the_argument(value):
    for argument, call in {
        "method": sample,
        "schedule": toylab.schedules.get,
        "spacing": lambda name: sample(spacing=name),
        "gradient": lambda name: toylab.method(name),
        "transfer": lambda name: toylab.method("rk4", name),
        "weights": lambda name: toylab.method("rk4", weights=name),
        "variance": lambda name: sample("DDPM", variance=name),
    }.items():
        with pytest.raises(TypeError, match=f"{argument} must be a"):
            call(value)


@pytest.mark.parametrize("value", [None, 3, "x", [1]])
def test_a_schedule_that_is_none_is_refused(value):
    with pytest.raises((TypeError, ValueError), match="schedule"):
        toylab.iterate(lambda x, t: x, value)


# counts


@given(value=st.integers(max_value=0))
@pytest.mark.parametrize("argument", ["steps", "n"])
def test_counts_below_one_are_refused(argument, value):
    with pytest.raises(ValueError, match=rf"{argument} must be an integer of at least 1, got {value}"):
        sample(**{argument: value})


@given(value=st.one_of(no_numbers, st.floats()))
@pytest.mark.parametrize("argument", ["steps", "n", "seed"])
def test_counts_that_are_no_integers_are_refused(argument, value):
    assume(not (argument == "seed" and value is None))
    with pytest.raises(TypeError, match=f"{argument} must be an integer of at least"):
        sample(**{argument: value})


@given(value=st.integers(max_value=-1))
@pytest.mark.parametrize("x_T", [None, torch.zeros(2, 2)])
def test_negative_seeds_are_refused_with_or_without_a_start_state(x_T, value):
    with pytest.raises(ValueError, match="seed must be an integer of at least 0"):
        sample(seed=value, x_T=x_T)


def test_a_seed_too_large_for_the_generator_is_refused():
    with pytest.raises(ValueError, match="seed must be an integer of at least 0 and below"):
        sample(seed=2**64)


@given(shape=st.one_of(st.integers(), st.none(), st.just((2.5,)), st.just("ab"), st.just((None,))))
def test_shapes_that_are_no_integers_are_refused(shape):
    with pytest.raises(TypeError, match="shape must be a tuple of positive integers"):
        sample(shape=shape)


@given(size=st.integers(max_value=0))
def test_shapes_with_sizes_below_one_are_refused(size):
    with pytest.raises(ValueError, match="shape must be an integer of at least 1"):
        sample(shape=(2, size))


# limits


@given(value=st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=1.0000001), not_finite))
@pytest.mark.parametrize("argument", ["t_start", "t_end"])
def test_limits_out_of_range_are_refused(argument, value):
    with pytest.raises(ValueError, match=rf"{argument} must be a finite number in \[0, 1\]"):
        sample(**{argument: value})


@given(value=no_numbers)
@pytest.mark.parametrize("argument", ["t_start", "t_end", "eta"])
def test_limits_and_eta_that_are_no_numbers_are_refused(argument, value):
    assume(not (argument != "eta" and value is None))
    with pytest.raises(TypeError, match=f"{argument} must be a number"):
        sample("DDIM", **{argument: value})


@given(ends=st.tuples(st.floats(0, 1), st.floats(0, 1)))
def test_limits_out_of_order_are_refused(ends):
    with pytest.raises(ValueError, match="t_end must be less than t_start"):
        sample(t_start=min(ends), t_end=max(ends))


def test_cosine_cannot_start_where_no_data_is_left():
    with pytest.raises(ValueError, match=r"t_start must be a finite number in \[0, 0.9946\], got 1.0"):
        toylab.iterate(lambda x, t: x, "cosine", t_start=1.0)


def test_limits_too_close_for_that_many_steps_are_refused():
    with pytest.raises(ValueError, match="steps = 1000.*nodes must decrease strictly"):
        sample(steps=1000, t_start=0.5, t_end=math.nextafter(0.5, 0))


@given(value=st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=1.0000001), not_finite))
def test_eta_outside_zero_to_one_is_refused(value):
    with pytest.raises(ValueError, match=r"eta must be a finite number in \[0, 1\]"):
        sample("DDIM", eta=value)


@pytest.mark.parametrize("method", [name for name in toylab.methods() if name != "DDIM"])
def test_eta_on_a_method_that_has_none_is_refused(method):
    with pytest.raises(ValueError, match=re.escape(f"eta must be 0 for {method}, which has no eta")):
        sample(method, eta=0.5)


@given(times=st.lists(st.floats(0, 1), min_size=2, max_size=6))
def test_times_that_go_up_and_down_are_refused(times):
    assume(any(b >= a for a, b in zip(times, times[1:], strict=False)))
    assume(any(b <= a for a, b in zip(times, times[1:], strict=False)))  # all the way up is a way, from data to noise
    with pytest.raises(ValueError, match="times.*: nodes must decrease strictly"):
        sample(times=times)


@given(
    times=st.lists(
        st.one_of(st.floats(max_value=-1e-9), st.floats(min_value=1.0000001), not_finite),
        min_size=2,
        max_size=4,
    )
)
def test_times_out_of_range_are_refused(times):
    with pytest.raises(ValueError, match=r"times must lie in \[0, 1\]"):
        sample(times=times)


@pytest.mark.parametrize("times", [[], [0.5], [[1.0, 0.5]], 0.5])
def test_times_that_are_no_list_of_two_are_refused(times):
    with pytest.raises(ValueError, match="times must be a list of at least two decreasing numbers"):
        sample(times=times)


@pytest.mark.parametrize("times", ["abc", ["a", "b"], [None, 1], {1.0, 0.5}, [[1.0], [0.5, 0.1]]])
def test_times_that_are_no_numbers_are_refused(times):
    with pytest.raises(TypeError, match="times must be a list of decreasing numbers"):
        sample(times=times)


# the start state and eps


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_start_state_that_is_not_finite_is_refused(value):
    x = normal(3, 2)
    x[1, 0] = value
    with pytest.raises(ValueError, match="x_T must be finite"):
        sample(x_T=x)


@pytest.mark.parametrize(
    "x",
    [
        torch.zeros(3, 2, dtype=torch.long),
        torch.zeros(3, 2, dtype=torch.bool),
        torch.zeros(3, 2, dtype=torch.cfloat),
        np.zeros((3, 2)),
        [[0.0, 1.0]],
        "x",
    ],
)
def test_a_start_state_that_is_no_floating_point_tensor_is_refused(x):
    with pytest.raises(TypeError, match="x_T must be a floating-point tensor"):
        sample(x_T=x)


@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (3, 0)])
def test_a_start_state_without_particles_or_coordinates_is_refused(shape):
    with pytest.raises(ValueError, match=r"x_T must be a non-empty tensor \[batch, \*shape\]"):
        sample(x_T=torch.zeros(shape))


@pytest.mark.parametrize("shape", [(3,), (3, 3), (3, 2, 1)])
def test_a_state_of_another_shape_than_the_points_is_refused_by_the_exact_eps(shape):
    with pytest.raises(ValueError, match=r"x must be a tensor \[batch, 2\]"):
        EPS(torch.zeros(shape), 0.5)


@pytest.mark.parametrize("eps", [None, 3, "eps", torch.zeros(2)])
def test_an_eps_that_cannot_be_called_is_refused(eps):
    with pytest.raises(TypeError, match=r"eps must be callable as eps\(x, t\)"):
        toylab.iterate(eps, LINEAR)


@pytest.mark.parametrize("method", ["Euler", "PRK", "PLMS", "DDPM", "PF"])
@pytest.mark.parametrize(
    "eps, got",
    [
        (lambda x, t: x[:1], r"shape \(1, 2\)"),
        (lambda x, t: x.sum(1), r"shape \(4,\)"),
        (lambda x, t: None, "a NoneType"),
        (lambda x, t: x.numpy(), "a ndarray"),
    ],
)
def test_an_eps_of_another_shape_is_reported_with_step_and_time(method, eps, got):
    with pytest.raises(
        ValueError, match=rf"eps must return a tensor like x, \(4, 2\); at step 1, t = 1 it returned {got}"
    ):
        toylab.sample(eps, LINEAR, method, n=4)


@pytest.mark.parametrize(
    "method, step", [("Euler", 4), ("DDIM", 4), ("PRK", 3), ("PLMS", 4), ("DDPM", 4), ("F-PNDM", 3)]
)
def test_an_eps_that_turns_nan_is_reported_with_step_and_time(method, step):
    def eps(x, t):
        return x * (math.nan if t < 0.75 else 1)

    with pytest.raises(ValueError, match=rf"eps returned NaN at step {step}, t = 0\.\d+"):
        toylab.sample(eps, LINEAR, method, n=4, times=torch.linspace(1, 0.1, 10))


def test_a_method_that_has_blown_up_is_told_from_a_network_that_returns_nan():
    with pytest.raises(ValueError, match="x itself was no longer finite: the method has blown up"):
        toylab.sample(lambda x, t: x**9 * 1e9, LINEAR, "RK4", n=4, steps=20)


def test_an_eps_made_for_another_schedule_is_refused():
    with pytest.raises(ValueError, match="schedule must be the one eps was made for .'linear'., got 'cosine'"):
        toylab.iterate(EPS, "cosine")


# options


@pytest.mark.parametrize("method", toylab.methods())
def test_unknown_keyword_arguments_are_refused(method):
    for call in (toylab.sample, toylab.iterate):
        with pytest.raises(TypeError, match="unknown argument 'stepz' for"):
            call(EPS, LINEAR, method, stepz=3)


@pytest.mark.parametrize(
    "method, option", [("PF", "midpoint"), ("DDPM", "rtol"), ("DDIM", "variance"), ("Euler", "atol")]
)
def test_an_option_of_another_method_is_refused_with_the_method_s_own(method, option):
    with pytest.raises(TypeError, match=f"unknown argument '{option}' for {method}; its own options are: "):
        sample(method, **{option: 0.1})


@given(value=st.one_of(st.floats(max_value=0), not_finite))
@pytest.mark.parametrize("option", ["rtol", "atol"])
def test_tolerances_that_are_not_positive_are_refused(option, value):
    with pytest.raises(ValueError, match=rf"{option} must be a finite number in \(0, inf\]"):
        sample("PF", **{option: value})


@pytest.mark.parametrize("method", [object(), 3, None, dict, lambda x: x])
def test_a_method_that_is_no_name_nor_built_nor_a_function_of_five_is_refused(method):
    with pytest.raises(TypeError, match=r"method must be a name, the result of toylab.method\(...\), or a function"):
        sample(method)


# points


@pytest.mark.parametrize("points", [torch.zeros(0, 2), torch.zeros(3, 0), torch.zeros(3), torch.tensor(1.0), []])
def test_an_empty_or_flat_point_set_is_refused(points):
    with pytest.raises(ValueError, match=r"points must be a non-empty tensor \[k, \*shape\]"):
        toylab.exact_eps(points, LINEAR)


@pytest.mark.parametrize(
    "points", [torch.zeros(3, 2, dtype=torch.long), torch.zeros(3, 2, dtype=torch.cfloat), [[1, 2]]]
)
def test_points_that_are_not_floating_point_are_refused(points):
    with pytest.raises(TypeError, match="points must be floating point"):
        toylab.exact_eps(points, LINEAR)


@pytest.mark.parametrize("points", [None, "points", [["a", "b"]], [[1.0], [1.0, 2.0]], object()])
def test_what_is_no_point_set_is_a_type_error(points):
    with pytest.raises(TypeError, match=r"points must be a tensor \[k, \*shape\]"):
        toylab.exact_eps(points, LINEAR)


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_points_that_are_not_finite_are_refused(value):
    with pytest.raises(ValueError, match="points must be finite"):
        toylab.exact_eps(torch.tensor([[0.0, value]]), LINEAR)


@given(spread=st.one_of(st.floats(max_value=-1e-9), not_finite))
def test_a_spread_below_zero_is_refused(spread):
    with pytest.raises(ValueError, match=r"spread must be a finite number in \[0, 1e\+06\]"):
        toylab.exact_eps(flower(3), LINEAR, spread)


@given(spread=no_numbers)
def test_a_spread_that_is_no_number_is_refused(spread):
    with pytest.raises(TypeError, match="spread must be a number"):
        toylab.exact_eps(flower(3), LINEAR, spread)


def test_an_integer_state_is_refused_and_not_rounded():
    with pytest.raises(TypeError, match="x must be floating point"):
        EPS(torch.zeros(3, 2, dtype=torch.long), 0.5)


@pytest.mark.parametrize("t", [torch.zeros(2) + 0.5, torch.zeros(3, 1) + 0.5])
def test_a_time_of_another_batch_is_refused(t):
    with pytest.raises(ValueError, match=r"t must be a scalar or \[batch\] = \[3\]"):
        EPS(torch.zeros(3, 2), t)


@pytest.mark.parametrize("t", [0.0, torch.tensor([0.5, 0.0, 0.1])])
def test_time_zero_without_spread_is_refused(t):
    with pytest.raises(ValueError, match="t must be greater than 0 where spread is 0"):
        EPS(torch.zeros(3, 2), t)


# betas


@given(
    betas=st.lists(st.floats(0.01, 0.9), max_size=5),
    wrong=st.one_of(st.floats(max_value=0), st.floats(min_value=1), not_finite),
    at=st.integers(0, 5),
)
def test_betas_outside_zero_to_one_are_refused_with_their_place(betas, wrong, at):
    at = min(at, len(betas))
    with pytest.raises(ValueError, match=rf"betas must lie strictly between 0 and 1, but betas\[{at}\] is"):
        toylab.schedules.from_betas([*betas[:at], wrong, *betas[at:]])


@pytest.mark.parametrize("betas", [[], [[0.1]], 0.1, torch.zeros(0)])
def test_betas_that_are_no_list_are_refused(betas):
    with pytest.raises(ValueError, match="betas must be a non-empty list of numbers"):
        toylab.schedules.from_betas(betas)


@pytest.mark.parametrize("betas", [None, "abc", ["a"], [None], [[0.1], [0.1, 0.2]], object()])
def test_betas_that_are_no_numbers_are_refused(betas):
    with pytest.raises(TypeError, match="betas must be a list of numbers"):
        toylab.schedules.from_betas(betas)


@given(value=no_numbers)
def test_a_time_that_is_no_number_is_refused_by_a_schedule(value):
    with pytest.raises(TypeError, match="must be a number"):
        LINEAR.alpha_bar(value)


@pytest.mark.parametrize("arguments", [{"x_T": torch.zeros(4, 3)}, {"shape": (3,)}])
def test_particles_of_another_shape_than_the_networks_are_refused_by_argument(arguments):
    (name,) = arguments
    for eps in (toylab.load("circle"), toylab.exact_eps(torch.zeros(1, 2), "linear")):
        with pytest.raises(ValueError, match=rf"{name} must have particles of shape \(2,\)"):
            toylab.sample(eps, "linear", **arguments)


# huge numbers, flags, and what belongs to another argument


@pytest.mark.parametrize("value", (10**13, 10**20, 10**30))
@pytest.mark.parametrize("argument", ("steps", "n"))
def test_counts_that_no_machine_holds_are_refused(argument, value):
    with pytest.raises(ValueError, match=f"^{argument} must be an integer of at most"):
        toylab.sample(EPS, "linear", **{argument: value})


@pytest.mark.parametrize("value", (10**40, 10**400, 1e308))
def test_numbers_beyond_their_range_are_refused_by_name(value):
    with pytest.raises(ValueError, match="^noise must be a finite number"):
        toylab.datasets.get("circle").sample(3, noise=value)


@pytest.mark.parametrize("value", (torch.ones(2), "yes", 1, None))
@pytest.mark.parametrize("argument", ("record", "progress"))
def test_flags_are_true_or_false(argument, value):
    with pytest.raises(TypeError, match=f"^{argument} must be True or False"):
        toylab.sample(EPS, "linear", steps=2, n=2, **{argument: value})


@pytest.mark.parametrize("value", ("circle", None, [1.0], torch.ones(2, 2).int()))
def test_start_states_of_references_are_tensors_of_numbers(value):
    for solve in (reference_solution, lambda *given, **more: exact_flow(*given[:3], [0.6, 0.5], **more)):
        with pytest.raises(TypeError, match="^x_T must be a floating-point tensor"):
            solve(EPS, LINEAR, value, 0.6, 0.5, progress=False)


def test_a_schedule_that_is_none_is_refused_by_grids():
    with pytest.raises(TypeError, match="^schedule must be"):
        toylab.grids.nodes(torch.ones(2), 3)


def test_settings_of_a_training_are_no_dictionary():
    with pytest.raises(TypeError, match="^config must be a TrainConfig"):
        toylab.training.command("circle", "linear", {"steps": 3})


@pytest.mark.parametrize("bad", ({"times": 10**20}, {"extent": 1e308}, {"size": "big"}, {"points": 10**20}))
def test_the_grid_of_a_density_has_bounds(bad):
    with pytest.raises((ValueError, TypeError), match=f"^{next(iter(bad))} must be"):
        toylab.analysis.log_density("circle", "linear", **bad)


@pytest.mark.parametrize(
    ("ask", "argument"),
    [
        (lambda value: toylab.figures.plot_schedules(value), "names"),
        (lambda value: toylab.sweep(EPS, "linear", value, steps=[2], n=2), "methods"),
        (lambda value: toylab.sweep(EPS, "linear", ["DDIM"], steps=value, n=2), "steps"),
        (lambda value: toylab.measure_order(EPS, "linear", "DDIM", steps=value, n=2), "steps"),
    ],
)
def test_a_tensor_of_one_number_is_no_list(ask, argument):
    with pytest.raises(TypeError, match=f"^{argument} must be a list of .*, got tensor"):
        ask(torch.tensor(1))


@pytest.mark.parametrize("rtol", [1e-308, 0.0, 1.0, math.nan])
def test_a_tolerance_that_no_solver_reaches_is_refused_at_once(rtol):
    x = torch.ones(2, 2, dtype=torch.float64)
    with pytest.raises(ValueError, match=r"rtol must be a finite number in \[1e-14, 0.1\]"):
        toylab.analysis.leading_error(EPS, "linear", x, "DDIM", t_start=0.6, t_end=0.4, rtol=rtol)


def test_references_take_a_schedule_by_its_name():
    x_T = torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    named, given = (exact_flow(EPS, schedule, x_T, [0.6, 0.4], 1e-4, False) for schedule in ("linear", LINEAR))
    assert torch.equal(named, given)
    ends = [reference_solution(EPS, schedule, x_T, 0.6, 0.4, 1e-4, False).x for schedule in ("linear", LINEAR)]
    assert torch.equal(*ends)
    with pytest.raises(ValueError, match="unknown schedule 'liner'"):
        exact_flow(EPS, "liner", x_T, [0.6, 0.4])


def test_what_is_being_learnt_is_measured_without_its_gradients():
    """A network with gradients, as in training, and states that have one."""
    x = torch.randn(6, 2, dtype=torch.float64, requires_grad=True)
    net = toylab.load("moons").double().requires_grad_(True)
    images = torch.randn(9, 1, 2, 2, requires_grad=True)
    given = {"schedule": "linear", "x_T": x, "progress": False}
    for found in (
        exact_flow(EPS, times=[0.6, 0.4], rtol=1e-4, **given),
        reference_solution(EPS, t_start=0.6, t_end=0.4, rtol=1e-4, **given).x,
        toylab.analysis.leading_error(net, "linear", x, "DDIM", t_start=0.6, t_end=0.5, rtol=1e-4).constant,
    ):
        assert not found.requires_grad
    assert toylab.images.frechet_distance(images.flatten(1), images.flatten(1)) < 1e-6
    assert toylab.images.Plane(images).points.shape == (9, 2)
