"""The training loop: what it learns, that it is reproducible and resumable, and how it stops."""

import json
import os
import pickle
import re
import signal
import subprocess
import sys
import threading
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

import toylab
from toylab import schedules, training
from toylab.epsilon import checkpoints
from toylab.epsilon.mlp import MLP
from toylab.training import TrainConfig, examples, fit, loop
from toylab.training.planar import rows_of
from toylab.training.stopping import Interrupted, StopRequest

HERE = Path(__file__).parent
TINY = {"hidden": 8, "layers": 2, "fourier": 2, "time_features": 1}
CONFIG = TrainConfig(steps=120, batch=16)
POINTS = toylab.datasets.get("moons").sample(500)


def tiny(seed=0):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return MLP("linear", **TINY)


def run(config=CONFIG, batches=None, network=None, **kwargs):
    return fit(network or tiny(), batches or rows_of(POINTS), "linear", config, progress=False, **kwargs)


def same(a, b):
    a, b = a.state_dict(), b.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def at_step(step, action, points=POINTS):
    """Batches of `points` that call `action` when those of `step` (0, 1, ...) of this call are drawn."""
    drawn, plain = [], rows_of(points)

    def batches(n, generator):
        if len(drawn) == step:
            action()
        drawn.append(n)
        return plain(n, generator)

    return batches


class Convolution(torch.nn.Module):
    """A small network for images that remembers the types of what its layer gave."""

    def __init__(self, dropout=0.0):
        super().__init__()
        self.layer = torch.nn.Conv2d(3, 3, 3, padding=1)
        self.dropout = torch.nn.Dropout(dropout)
        self.types = set()

    def forward(self, x, t):
        out = self.dropout(self.layer(x))
        self.types.add(out.dtype)
        return out * t.to(out.dtype)[:, None, None, None]


def convolution(dropout=0.0):
    torch.manual_seed(0)
    return Convolution(dropout)


IMAGES = torch.rand(20, 3, 4, 4, generator=torch.Generator().manual_seed(0)) * 2 - 1


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


# Learning


@pytest.mark.slow
def test_one_point_is_learnt():
    schedule, point = schedules.get("linear"), torch.tensor([[1.0, -0.5]])
    network = MLP(schedule, hidden=64, layers=3, fourier=2)
    net = fit(network, rows_of(point), schedule, TrainConfig(steps=500, batch=64, lr=1e-2), progress=False)
    exact = toylab.exact_eps(point.double(), schedule)
    for t in (0.1, 0.4, 0.8):
        noise = torch.randn(200, 2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
        x = schedule.alpha_bar(t) ** 0.5 * point + schedule.noise_std(t) * noise
        assert (net(x, t) - exact(x, t)).norm() / exact(x, t).norm() < 0.1


@pytest.mark.slow
def test_images_train_in_the_same_loop():
    net = fit(convolution(), rows_of(IMAGES), "cosine", replace(CONFIG, steps=200), progress=False)
    curve = net.metadata["loss_curve"]
    assert sum(curve[-10:]) < 0.95 * sum(curve[:10])


def test_result_is_the_moving_average_of_the_weights():
    """Against the recursion written out, from the weights that plain training passes through."""
    seen, net = [], tiny()

    class Watched(MLP):
        def forward(self, x, t):
            seen.append(self.last.weight.detach().clone())
            return super().forward(x, t)

    watched = Watched("linear", **TINY)
    watched.load_state_dict(net.state_dict())
    result = run(replace(CONFIG, steps=60, ema=0.8), network=watched)
    seen = [*seen[1:], watched.last.weight.detach()]
    average = seen[0]
    for n, weight in enumerate(seen[1:], start=1):
        decay = min(0.8, (1 + n) / (10 + n))
        average = decay * average + (1 - decay) * weight
    torch.testing.assert_close(result.last.weight, average, rtol=1e-5, atol=1e-7)


def test_learning_rate_warms_up_and_falls_to_zero():
    config = TrainConfig(steps=1000, lr=0.01, warmup=0.1)
    rates = [config.lr_at(step) for step in range(1000)]
    assert max(rates) == rates[99] == pytest.approx(0.01)
    assert rates[49] == pytest.approx(0.005) and rates[550] == pytest.approx(0.005)
    assert 0 < rates[-1] < 1e-7
    assert rates[:100] == sorted(rates[:100]) and rates[100:] == sorted(rates[100:], reverse=True)


@pytest.mark.parametrize("schedule", ["linear", "cosine"])
@pytest.mark.parametrize("sampling", ["uniform", "log-sigma"])
def test_times_are_even_on_their_clock(schedule, sampling):
    schedule = schedules.get(schedule)
    config = TrainConfig(batch=1000, t_sampling=sampling)
    t = examples._times(schedule, config, torch.Generator().manual_seed(0)).sort().values
    clock = schedule.sigma(t).log() if sampling == "log-sigma" else t
    ends = torch.tensor([schedule.t_min, schedule.t_max], dtype=torch.float64)
    low, high = schedule.sigma(ends).log() if sampling == "log-sigma" else ends
    cells = (clock - low) / (high - low) * 1000
    assert torch.equal(cells.floor(), torch.arange(1000.0, dtype=torch.float64))


def test_weighting_v_divides_the_error_by_alpha_bar():
    config = TrainConfig(batch=50, weighting="v", t_sampling="uniform")
    _, t, _, weight = examples.draw(rows_of(POINTS), schedules.get("linear"), config, 0, 0, 1)
    torch.testing.assert_close(
        weight.double(), 1 / schedules.get("linear").alpha_bar(t).clamp(min=1e-3), rtol=1e-6, atol=0
    )


def test_weighting_eps_is_the_plain_mean_squared_error():
    prediction, noise = torch.randn(6, 2), torch.randn(6, 2)
    _, _, _, weight = examples.draw(
        rows_of(POINTS), schedules.get("linear"), TrainConfig(batch=6, weighting="eps"), 0, 0, 1
    )
    torch.testing.assert_close(loop._loss(prediction, noise, weight), torch.nn.functional.mse_loss(prediction, noise))


def test_examples_are_the_forward_process():
    x_t, t, noise, _ = examples.draw(rows_of(torch.tensor([[0.3, -2.0]])), schedules.get("cosine"), CONFIG, 5, 0, 1)
    schedule = schedules.get("cosine")
    expected = (
        schedule.alpha_bar(t).sqrt()[:, None] * torch.tensor([[0.3, -2.0]]) + schedule.noise_std(t)[:, None] * noise
    )
    torch.testing.assert_close(x_t.double(), expected, rtol=0, atol=1e-6)


@pytest.mark.parametrize("parts", [2, 3, 7, 16])
def test_accumulated_gradients_are_those_of_the_whole_batch_also_where_parts_are_uneven(parts):
    def curve(accumulate):
        looks = []
        run(
            replace(CONFIG, steps=20, accumulate=accumulate), rows_of(POINTS.double()), tiny().double(), look_every=1,
            watch=lambda look: looks.append((look.loss, look.grad_norm)),
        )  # fmt: skip
        return torch.tensor(looks, dtype=torch.float64)

    torch.testing.assert_close(curve(parts), curve(1), rtol=1e-9, atol=1e-12)


@pytest.mark.slow
def test_bfloat16_computes_in_bfloat16_keeps_float32_weights_and_learns():
    network = convolution()
    net = run(replace(CONFIG, steps=200, precision="bfloat16"), rows_of(IMAGES), network)
    assert network.types == {torch.bfloat16} and {p.dtype for p in net.parameters()} == {torch.float32}
    curve = net.metadata["loss_curve"]
    assert sum(curve[-10:]) < 0.95 * sum(curve[:10])


def test_precision_can_change_from_run_to_run():
    for precision in ("bfloat16", "float32", "bfloat16"):
        network = convolution()
        run(replace(CONFIG, steps=2, precision=precision), rows_of(IMAGES), network)
        assert network.types == {getattr(torch, precision)}


@pytest.mark.slow
def test_compiled_network_learns_the_same(monkeypatch):
    """With the compiler's front half; its back half, which makes machine code, would take minutes."""
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="eager"))
    whole, compiled = run(replace(CONFIG, steps=10)), run(replace(CONFIG, steps=10), compile=True)
    assert same(compiled, whole)


def test_network_that_cannot_be_compiled_is_named(monkeypatch):
    def broken(graph, inputs, **options):
        raise RuntimeError("no compiler here")

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=broken))
    with pytest.raises(ValueError, match="compile does not work .*no compiler here.* leave it out"):
        run(compile=True)


class Stopped(torch.nn.Module):
    """A network as a bad compiler makes it: the right values, and a gradient that ends before the first layer."""

    def __init__(self, network, options):
        super().__init__()
        self.network = network

    def forward(self, x, t):
        first = next(self.network.parameters())
        value = first.detach().clone()
        return torch.func.functional_call(self.network, {"first.weight": value}, (x, t))


def test_compiler_that_loses_gradients_is_found_out(monkeypatch):
    monkeypatch.setattr(torch, "compile", Stopped)
    with pytest.raises(ValueError, match=r"compile gives this network gradients that are wrong by [\d.]+% with torch"):
        run(compile=True)


def test_a_look_tells_what_was_done_since_the_last():
    looks = []
    run(replace(CONFIG, steps=25), look_every=10, watch=looks.append)
    told = [(look.step, look.images, look.last) for look in looks]
    assert told == [(10, 160, False), (20, 320, False), (25, 400, True)]
    assert [look.lr for look in looks] == [replace(CONFIG, steps=25).lr_at(step) for step in (9, 19, 24)]
    assert all(look.images_per_second > 0 and look.memory_gb > 0 for look in looks)
    whole = run(replace(CONFIG, steps=25), look_every=1).metadata["loss_curve"]
    assert looks[1].loss == pytest.approx(sum(whole[10:20]) / 10, abs=1e-5)


def test_a_look_has_the_averaged_network_so_far():
    found = []

    def watch(look):
        network = look.network()
        found.append((network.last.weight.clone(), network.metadata.get("steps_done")))

    net = run(replace(CONFIG, steps=30), look_every=10, watch=watch)
    assert [done for _, done in found] == [10, 20, None]
    assert not torch.equal(found[0][0], found[1][0]) and torch.equal(found[2][0], net.last.weight)


def test_processes_share_the_batch_of_one():
    whole = examples.draw(rows_of(POINTS), schedules.get("linear"), CONFIG, 3, 0, 1)
    shares = [examples.draw(rows_of(POINTS), schedules.get("linear"), CONFIG, 3, rank, 2) for rank in range(2)]
    for i, part in enumerate(whole):
        assert torch.equal(part[0::2], shares[0][i]) and torch.equal(part[1::2], shares[1][i])


# Nothing but the arguments decides


@pytest.mark.slow
def test_a_launchers_settings_and_the_users_own_accelerator_change_nothing():
    """In a process of its own, since accelerate reads the environment once."""
    code = """
import json, accelerate, torch
from toylab.epsilon.mlp import MLP
accelerate.Accelerator()
from test_training import run, tiny
compiled = []
class Watched(MLP):
    def forward(self, x, t):
        compiled.append(torch.compiler.is_compiling())
        return super().forward(x, t)
network = tiny()
network.__class__ = Watched
print(json.dumps([run(network=network).first.weight.tolist(), sum(compiled)]))
"""
    settings = {
        "ACCELERATE_DYNAMO_BACKEND": "EAGER",
        "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "4",
        "ACCELERATE_MIXED_PRECISION": "bf16",
        "ACCELERATE_GRADIENT_CLIPPING": "0.01",
        "ACCELERATE_USE_PARALLELISM_CONFIG": "true",
    }
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=HERE, capture_output=True, text=True, timeout=200,
        env=os.environ | settings | {"PYTHONPATH": str(HERE.parent)},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == [run().first.weight.tolist(), 0]


def test_a_network_made_for_another_schedule_is_refused():
    with pytest.raises(ValueError, match=r"the one network was made for \('linear'\), got 'cosine'"):
        fit(tiny(), rows_of(POINTS), "cosine", CONFIG, progress=False)


def test_a_loaded_network_is_trained_further():
    network = toylab.load("spiral")
    before = network.first.weight.clone()
    assert not torch.equal(run(replace(CONFIG, steps=3), network=network).first.weight, before)


def test_layers_that_are_frozen_while_others_are_not_stay_as_they_are():
    network = tiny()
    network.first.requires_grad_(False)
    before = network.first.weight.clone()
    net = run(replace(CONFIG, steps=3), network=network)
    assert torch.equal(net.first.weight, before) and not torch.equal(net.last.weight, tiny().last.weight)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_where_gradients_are_off_training_does_the_same(mode):
    plain = training.train_2d("moons", steps=3, batch=8, arguments=TINY, progress=False)
    with mode():
        net = training.train_2d("moons", steps=3, batch=8, arguments=TINY, progress=False)
        assert torch.is_grad_enabled() is False
    assert same(plain, net)


def test_torchs_default_dtype_does_not_change_what_is_trained():
    plain = training.train_2d("moons", steps=3, batch=8, arguments=TINY, progress=False)
    torch.set_default_dtype(torch.float64)
    try:
        net = training.train_2d("moons", steps=3, batch=8, arguments=TINY, progress=False)
    finally:
        torch.set_default_dtype(torch.float32)
    assert same(plain, net) and plain.metadata == net.metadata


def test_threads_that_train_at_once_get_the_network_of_one_alone():
    def work():
        found.append(training.train_2d("moons", steps=10, batch=8, seed=3, arguments=TINY, progress=False))

    found, threads = [], [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    assert len(found) == 7 and all(same(net, found[-1]) for net in found)


def test_threads_that_train_at_once_drop_out_what_one_alone_does():
    def work():
        net = run(replace(CONFIG, steps=20), network=networks.pop(), batches=rows_of(IMAGES))
        found.append(net.layer.weight)

    found, networks = [], [convolution(dropout=0.5) for _ in range(5)]
    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    work()
    assert len(found) == 5 and all(torch.equal(weight, found[-1]) for weight in found)


def test_initial_weights_are_those_of_the_seed_in_torchs_own_generator():
    """With which the networks that come with toylab were trained."""
    net = training.train_2d("moons", steps=1, lr=1e-12, batch=8, seed=7, arguments=TINY, progress=False)
    torch.testing.assert_close(net.state_dict(), tiny(seed=7).state_dict(), rtol=0, atol=1e-9)


def test_a_seed_in_the_config_is_kept():
    options = {"arguments": TINY, "progress": False}
    net = training.train_2d("moons", config=TrainConfig(steps=3, batch=8, seed=5), **options)
    assert same(net, training.train_2d("moons", steps=3, batch=8, seed=5, **options))


def test_scalars_of_numpy_are_kept_as_plain_numbers(tmp_path):
    config = TrainConfig(
        steps=np.int64(20), batch=np.int32(8), lr=np.float32(0.5), ema=np.float64(0.5), seed=np.uint8(1)
    )
    assert {type(value) for value in asdict(config).values()} == {int, float, str}
    out = tmp_path / "net.safetensors"
    training.train_2d("moons", steps=np.int64(3), lr=np.float32(5e-3), batch=np.int64(8), out=out, progress=False)
    assert toylab.load(out).metadata["training"]["lr"] == float(np.float32(5e-3))


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"network": lambda x, t: x}, TypeError, "network must be a torch module"),
        ({"network": torch.nn.Identity()}, ValueError, "network must be a module with weights, got a Identity"),
        ({"batches": 1}, TypeError, "batches must be a function batches(n, generator), got 1"),
        ({"batches": lambda n: n}, TypeError, "batches must be a function batches"),
        ({"watch": lambda step, loss: None}, TypeError, "watch must be a function watch(look)"),
        ({"config": {"steps": 3}}, TypeError, "config must be a TrainConfig, got {'steps': 3}"),
        ({"state": 3}, TypeError, "state must be a path"),
        ({"state": torch.ones(2)}, TypeError, "state must be a path"),
        ({"watch": torch.ones(2)}, TypeError, "watch must be a function"),
    ],
)
def test_what_cannot_be_trained_is_named(change, error, message):
    arguments = {"network": tiny(), "batches": rows_of(POINTS), "schedule": "linear", "config": CONFIG} | change
    with pytest.raises(error, match=re.escape(message)):
        fit(**arguments, progress=False)


def test_a_tensor_is_no_answer_to_whether_there_is_a_bar():
    with pytest.raises(TypeError, match="progress must be True or False"):
        fit(tiny(), rows_of(POINTS), "linear", CONFIG, progress=torch.ones(2))


@pytest.mark.parametrize("train", [partial(training.train_2d, "moons"), partial(training.train_images, "digits")])
def test_a_dict_as_config_is_named(train):
    with pytest.raises(TypeError, match="config must be a TrainConfig"):
        train(config={"steps": 3})


@pytest.mark.parametrize("setting", ["steps", "batch", "seed"])
def test_numbers_that_no_machine_holds_are_refused(setting):
    with pytest.raises(ValueError, match=f"{setting} must be an integer of"):
        TrainConfig(**{setting: 10**30})


def test_weights_made_in_inference_mode_are_named():
    with torch.inference_mode():
        network = tiny()
    with pytest.raises(ValueError, match=r"made outside of torch.inference_mode\(\)"):
        run(network=network)


# Reproducibility and resuming


def test_same_seed_same_weights_whatever_the_global_generator():
    torch.manual_seed(1)
    first = training.train_2d("moons", steps=30, batch=8, seed=5, arguments=TINY, progress=False)
    torch.manual_seed(2)
    assert same(first, training.train_2d("moons", steps=30, batch=8, seed=5, arguments=TINY, progress=False))


def test_other_seed_other_weights():
    a, b = (training.train_2d("moons", steps=3, batch=8, seed=s, arguments=TINY, progress=False) for s in (0, 1))
    assert not same(a, b)


def test_global_generator_and_threads_are_left_alone():
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    training.train_2d("moons", steps=3, batch=8, arguments=TINY, progress=False)
    assert torch.equal(before, torch.get_rng_state()) and torch.get_num_threads() == threads


@pytest.mark.slow
@pytest.mark.parametrize("step", [0, 49, 50, 77])
def test_stopped_and_resumed_run_ends_bit_for_bit_like_an_uninterrupted_one(tmp_path, step):
    state, whole = tmp_path / "state.pt", run()
    with pytest.raises(training.Interrupted):
        run(batches=at_step(step, ctrl_c), state=state)
    resumed = run(network=tiny(seed=9), state=state, resume=True)
    assert same(whole, resumed) and whole.metadata == resumed.metadata


@pytest.mark.slow
def test_run_that_is_stopped_twice_ends_the_same(tmp_path):
    state = tmp_path / "state.pt"
    for step, resume in ((20, False), (45, True)):
        with pytest.raises(training.Interrupted):
            run(batches=at_step(step, ctrl_c), state=state, resume=resume)
    assert same(run(), run(state=state, resume=True))


@pytest.mark.slow
def test_killed_run_resumes_from_its_last_periodic_save(tmp_path):
    def killed():
        raise SystemExit

    state = tmp_path / "state.pt"
    with pytest.raises(SystemExit):
        run(batches=at_step(110, killed), state=state, save_every=0)
    assert torch.load(state, weights_only=True)["step"] == 100
    assert same(run(), run(state=state, resume=True))


@pytest.mark.slow
def test_layers_that_draw_random_numbers_resume_bit_for_bit(tmp_path):
    def dropping(**options):
        return run(network=convolution(dropout=0.5), **options)

    whole, state = dropping(batches=rows_of(IMAGES)), tmp_path / "state.pt"
    with pytest.raises(training.Interrupted):
        dropping(batches=at_step(30, ctrl_c, IMAGES), state=state)
    torch.rand(3)
    assert same(whole, dropping(batches=rows_of(IMAGES), state=state, resume=True))
    assert not same(whole, run(batches=rows_of(IMAGES), network=convolution(dropout=0.0)))


@pytest.mark.slow
def test_more_parts_can_be_chosen_when_resuming(tmp_path):
    state = tmp_path / "state.pt"
    with pytest.raises(training.Interrupted):
        run(batches=at_step(30, ctrl_c), state=state)
    resumed = run(replace(CONFIG, accumulate=4), state=state, resume=True)
    torch.testing.assert_close(resumed.state_dict(), run().state_dict(), rtol=1e-3, atol=1e-4)


def test_finished_state_gives_the_result_again(tmp_path):
    whole = run(state=tmp_path / "state.pt")
    assert same(whole, run(network=tiny(seed=9), state=tmp_path / "state.pt", resume=True))


@pytest.mark.slow
def test_train_2d_resumes_bit_for_bit_and_cleans_up(tmp_path, monkeypatch):
    arguments = {"steps": 80, "batch": 8, "progress": False}
    whole, out = training.train_2d("moons", **arguments), tmp_path / "moons.safetensors"
    monkeypatch.setattr("toylab.training.planar.rows_of", lambda points: at_step(30, ctrl_c, points))
    with pytest.raises(
        training.Interrupted, match=r"step 31 of 80.*toylab train moons .*--steps 80 .*--out .*--resume"
    ):
        training.train_2d("moons", out=out, **arguments)
    monkeypatch.undo()
    assert [path.name for path in tmp_path.iterdir()] == ["moons.resume.pt"]
    resumed = training.train_2d("moons", out=out, resume=True, **arguments)
    assert same(whole, resumed) and resumed.metadata == whole.metadata
    assert [path.name for path in tmp_path.iterdir()] == ["moons.safetensors"]


@pytest.mark.parametrize("change", [{"arguments": TINY}, {"config": replace(CONFIG, ema=0.5)}])
def test_train_2d_offers_no_command_line_that_would_be_refused(tmp_path, monkeypatch, change):
    monkeypatch.setattr("toylab.training.planar.rows_of", lambda points: at_step(3, ctrl_c, points))
    with pytest.raises(training.Interrupted, match=r"continue with resume=True$"):
        training.train_2d("moons", out=tmp_path / "moons.safetensors", batch=8, progress=False, **change)


# Stopping


@pytest.mark.slow
def test_time_that_is_up_stops_after_a_whole_step_and_the_run_goes_on_bit_for_bit(tmp_path):
    state = tmp_path / "state.pt"
    with pytest.raises(training.TimeUp, match=r"stopped after step 1 of 120: saved in .*state.pt; continue with"):
        run(state=state, max_minutes=1e-9)
    assert torch.load(state, weights_only=True)["step"] == 1
    assert same(run(), run(state=state, resume=True, max_minutes=60))


@pytest.fixture
def ordinary_ctrl_c():
    """Python's own handler, which a process started in the background of a shell does not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_second_ctrl_c_is_an_ordinary_one(tmp_path, ordinary_ctrl_c):
    def twice():
        ctrl_c()
        ctrl_c()

    with pytest.raises(KeyboardInterrupt) as error:
        run(batches=at_step(3, twice), state=tmp_path / "state.pt")
    assert not isinstance(error.value, training.Interrupted)


def test_ctrl_c_without_a_file_says_that_nothing_is_saved():
    with pytest.raises(training.Interrupted, match="stopped after step 4 of 120: nothing is saved"):
        run(batches=at_step(3, ctrl_c))


@pytest.mark.parametrize("ends", ["well", "stopped", "badly"])
def test_signal_handler_is_put_back(ends):
    before = signal.getsignal(signal.SIGINT)
    actions = {"well": lambda: None, "stopped": ctrl_c, "badly": lambda: 1 / 0}
    try:
        run(replace(CONFIG, steps=5), batches=at_step(3, actions[ends]))
    except (training.Interrupted, ZeroDivisionError):
        pass
    assert signal.getsignal(signal.SIGINT) is before


def test_trains_outside_the_main_thread():
    results = []
    thread = threading.Thread(target=lambda: results.append(run(replace(CONFIG, steps=5))))
    thread.start()
    thread.join()
    assert same(results[0], run(replace(CONFIG, steps=5)))


class Spoilt(MLP):
    """A network whose output, or only its gradient, is no longer finite after `good` calls."""

    def __init__(self, good, what):
        super().__init__("linear", **TINY)
        self.good, self.what = good, what

    def forward(self, x, t):
        self.good -= 1
        eps = super().forward(x, t)
        if self.good >= 0:
            return eps
        return eps * float("nan") if self.what == "loss" else eps + (eps - eps.detach()).abs().sqrt()


@pytest.mark.parametrize("what", ["loss", "gradient"])
def test_run_that_diverges_names_the_step_and_keeps_the_last_good_state(tmp_path, what):
    state = tmp_path / "state.pt"
    with pytest.raises(
        training.Diverged, match=f"the {what} became .* at step 74: .*step 50 is kept in .*state.pt.*lr"
    ):
        run(network=Spoilt(73, what), state=state, save_every=0)
    kept = torch.load(state, weights_only=True)
    assert kept["step"] == 50 and all(value.isfinite().all() for value in kept["average"].values())


def test_run_that_diverges_without_a_file_speaks_of_none():
    with pytest.raises(training.Diverged, match="nan at step 74: train again"):
        run(network=Spoilt(73, "loss"), save_every=0)


def test_run_that_diverges_at_once_says_so():
    with pytest.raises(training.Diverged, match="loss became nan at step 1: train again"):
        run(network=Spoilt(0, "loss"))


def exhausted_gpu(x, t):
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


def exhausted_cpu(x, t):
    return x + torch.empty(2**60).sum()


def exhausted_library(x, t):
    raise RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED")


def exhausted_pinned_memory(x, t):
    raise RuntimeError("CUDA error: out of memory")


@pytest.mark.parametrize("exhausted", [exhausted_gpu, exhausted_cpu, exhausted_library, exhausted_pinned_memory])
def test_running_out_of_memory_says_what_to_change(exhausted, monkeypatch):
    monkeypatch.setattr(MLP, "forward", lambda self, x, t: exhausted(x, t))
    with pytest.raises(MemoryError, match="batch of 16 in 2 part.*double accumulate.*lower batch.*bfloat16"):
        run(replace(CONFIG, accumulate=2))


def test_running_out_of_memory_while_resuming_advises_only_what_may_change(stopped, monkeypatch):
    monkeypatch.setattr(MLP, "forward", lambda self, x, t: exhausted_gpu(x, t))
    with pytest.raises(MemoryError, match="double accumulate") as error:
        run(state=stopped, resume=True)
    assert "batch," not in str(error.value) and "bfloat16" not in str(error.value)


def test_network_that_is_too_large_from_the_start_gets_the_same_advice(monkeypatch):
    monkeypatch.setattr(MLP, "to", lambda self, device: exhausted_gpu(None, None))
    with pytest.raises(MemoryError, match="batch of 16"):
        run()


def test_network_that_diverges_is_not_written_over_an_older_one(tmp_path, monkeypatch):
    out = tmp_path / "net.safetensors"
    training.train_2d("moons", out=out, steps=3, batch=8, arguments=TINY, progress=False)
    before = out.read_bytes()
    monkeypatch.setattr("toylab.training.planar.MLP", lambda schedule, **arguments: Spoilt(1, "loss"))
    with pytest.raises(training.Diverged):
        training.train_2d("moons", out=out, steps=3, batch=8, progress=False)
    assert out.read_bytes() == before


# The story


@pytest.mark.slow
def test_metadata_tells_the_whole_story(tmp_path):
    out = tmp_path / "net.safetensors"
    net = training.train_2d(
        "moons", "cosine", out=out, steps=230, batch=8, lr=0.002, seed=3, arguments=TINY, progress=False
    )
    story = net.metadata
    assert story["command"] == "toylab train moons --schedule cosine --steps 230 --batch 8 --lr 0.002 --seed 3"
    assert TrainConfig(**story["training"]) == TrainConfig(steps=230, batch=8, lr=0.002, seed=3)
    assert (story["dataset"], story["schedule"], story["arguments"]["hidden"]) == ("moons", "cosine", 8)
    assert len(story["loss_curve"]) == 100 and story["loss"] == story["loss_curve"][-1]
    assert set(story["versions"]) == {"toylab", "torch", "python"}
    assert json.loads(json.dumps(story)) == story


def test_saved_and_unsaved_networks_are_the_same(tmp_path):
    arguments = {"steps": 3, "batch": 8, "arguments": TINY, "progress": False}
    saved = training.train_2d("moons", out=tmp_path / "a.safetensors", **arguments)
    plain = training.train_2d("moons", **arguments)
    assert same(saved, plain) and saved.metadata == plain.metadata
    assert not plain.training and not any(p.requires_grad for p in plain.parameters())


def test_command_line_of_a_config_gives_that_config():
    text = training.command("moons", "cosine", TrainConfig(steps=7, batch=9, lr=1e-5, seed=2)).split()
    given = dict(zip(text[3::2], text[4::2], strict=True))
    assert text[:3] == ["toylab", "train", "moons"] and given["--schedule"] == "cosine"
    assert (int(given["--steps"]), int(given["--batch"]), float(given["--lr"]), int(given["--seed"])) == (
        7,
        9,
        1e-5,
        2,
    )


def test_data_set_of_ones_own():
    class Mine:
        name = "mine"

        def sample(self, n, seed=0):
            return torch.ones(n, 2)

    assert training.train_2d(Mine(), steps=3, batch=8, arguments=TINY, progress=False).dataset == "mine"


def test_train_all_makes_what_is_missing(tmp_path, monkeypatch):
    made = []

    def pretend(dataset, schedule, *, out, progress):
        made.append((dataset, schedule))
        out.touch()

    monkeypatch.setattr("toylab.training.planar.train_2d", pretend)
    (tmp_path / "circle.safetensors").touch()
    paths = training.train_all(tmp_path)
    assert made == [pair for pair in training.SHIPPED if pair != ("circle", "linear")]
    assert {path.stem for path in paths} == {checkpoints.checkpoint_name(*pair) for pair in training.SHIPPED}
    assert training.train_all(tmp_path) == paths and len(made) == len(paths) - 1


# Bad input


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("steps", 0, ValueError),
        ("steps", 10.0, TypeError),
        ("batch", -1, ValueError),
        ("lr", 0, ValueError),
        ("lr", float("nan"), ValueError),
        ("lr", "fast", TypeError),
        ("warmup", 1.5, ValueError),
        ("weight_decay", -0.1, ValueError),
        ("clip", 0, ValueError),
        ("ema", 1.0, ValueError),
        ("ema", -0.1, ValueError),
        ("t_sampling", "unifrom", ValueError),
        ("weighting", None, TypeError),
        ("weighting", "min_snr", ValueError),
        ("precision", "float16", ValueError),
        ("precision", 16, TypeError),
        ("accumulate", 0, ValueError),
        ("accumulate", 1025, ValueError),
        ("seed", -1, ValueError),
        ("seed", True, TypeError),
    ],
)
def test_bad_settings_are_named(field, value, error):
    with pytest.raises(error, match=field):
        TrainConfig(**{field: value})


@pytest.mark.parametrize(
    ("batch", "error"),
    [
        (torch.zeros(3, 2), "batches must give"),
        (torch.zeros(16), "batches must give"),
        (torch.zeros(16, 2, dtype=torch.long), "batches must give"),
        ([[0.0, 0.0]], "batches must give"),
        (torch.full((16, 2), float("inf")), "not finite at step 0"),
    ],
)
def test_bad_batches_are_refused(batch, error):
    with pytest.raises(ValueError, match=error):
        run(batches=lambda n, generator: batch)


def test_network_with_another_output_shape_is_refused():
    class Wrong(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Linear(2, 3)

        def forward(self, x, t):
            return self.layer(x)

    with pytest.raises(ValueError, match=r"network must give .*\[16, 2\], got \[16, 3\]"):
        run(network=Wrong())


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"dataset": "spirl"}, ValueError, "did you mean 'spiral'"),
        ({"dataset": 3}, TypeError, "dataset"),
        ({"schedule": "liner"}, ValueError, "did you mean 'linear'"),
        ({"steps": 0}, ValueError, "steps"),
        ({"out": "net.pt"}, ValueError, "safetensors"),
        ({"resume": True}, ValueError, "out"),
        ({"arguments": {"depth": 3}}, TypeError, "depth"),
    ],
)
def test_bad_arguments_of_train_2d_are_named(arguments, error, named):
    with pytest.raises(error, match=named):
        training.train_2d(**{"dataset": "spiral", "progress": False} | arguments)


def test_schedule_that_cannot_be_saved_is_refused_before_training(tmp_path):
    class Own(schedules.Constant):
        name = "own"

    with pytest.raises(ValueError, match="schedule"):
        training.train_2d("spiral", Own(), out=tmp_path / "net.safetensors", progress=False)


def test_folder_that_cannot_be_written_is_refused_before_training(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        training.train_2d("spiral", out=tmp_path / "file/net.safetensors", progress=False)


def test_stopped_run_is_not_overwritten(tmp_path):
    state = tmp_path / "net.resume.pt"
    state.write_bytes(b"hours of work")
    with pytest.raises(FileExistsError, match="net.resume.pt is that of a stopped run: continue it with .*--resume"):
        training.train_2d("spiral", out=tmp_path / "net.safetensors", progress=False)
    assert state.read_bytes() == b"hours of work"


def test_nothing_to_resume_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match="net.resume.pt"):
        training.train_2d("spiral", out=tmp_path / "net.safetensors", resume=True, progress=False)


@pytest.mark.parametrize(
    ("arguments", "error", "named"),
    [
        ({"resume": True}, ValueError, "state must be given"),
        ({"max_minutes": 0}, ValueError, "max_minutes"),
        ({"max_minutes": "long"}, TypeError, "max_minutes"),
        ({"save_every": -1}, ValueError, "save_every"),
        ({"look_every": 0}, ValueError, "look_every"),
    ],
)
def test_bad_arguments_of_fit_are_named(arguments, error, named):
    with pytest.raises(error, match=named):
        run(**arguments)


@pytest.fixture
def stopped(tmp_path):
    path = tmp_path / "state.pt"
    with pytest.raises(training.Interrupted):
        run(batches=at_step(10, ctrl_c), state=path)
    return path


def test_resuming_with_other_settings_names_them(stopped):
    with pytest.raises(ValueError, match="lr = 0.005, not 0.1"):
        run(replace(CONFIG, lr=0.1), state=stopped, resume=True)


def test_resuming_another_network_is_refused(stopped):
    with pytest.raises(ValueError, match="another run"):
        run(network=MLP("linear", **TINY | {"hidden": 9}), state=stopped, resume=True)


def test_resuming_another_schedule_is_refused(stopped):
    with pytest.raises(ValueError, match="another run"):
        fit(MLP("cosine", **TINY), rows_of(POINTS), "cosine", CONFIG, state=stopped, resume=True, progress=False)


@pytest.mark.parametrize("share", [0, 0.3, 0.9, 0.999])
def test_truncated_resume_state_is_refused(stopped, share):
    raw = stopped.read_bytes()
    stopped.write_bytes(raw[: int(share * len(raw))])
    with pytest.raises(ValueError, match="state.pt"):
        run(state=stopped, resume=True)


def test_resume_state_that_is_a_pickle_with_code_is_refused_and_never_run(stopped, tmp_path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "ran"),)

    for write in (
        lambda: stopped.write_bytes(pickle.dumps(Bomb(), protocol=2)),
        lambda: torch.save({"step": Bomb()}, stopped),
    ):
        write()
        with pytest.raises(ValueError, match="state.pt"):
            run(state=stopped, resume=True)
        assert not (tmp_path / "ran").exists()


def test_foreign_state_is_refused(stopped):
    torch.save({"step": 3}, stopped)
    with pytest.raises(ValueError, match="not a resume state"):
        run(state=stopped, resume=True)


@pytest.mark.slow
def test_full_disk_keeps_the_previous_state(stopped, monkeypatch):
    def full(descriptor):
        raise OSError(28, "No space left on device")

    before = stopped.read_bytes()
    monkeypatch.setattr(os, "fsync", full)
    says = "state after step 120 cannot be saved in .*: No space left on device; the state after step 11 is still there"
    with pytest.raises(OSError, match=says):
        run(state=stopped, resume=True)
    assert stopped.read_bytes() == before and [path.name for path in stopped.parent.iterdir()] == ["state.pt"]


def test_config_is_plain_data():
    assert TrainConfig(**json.loads(json.dumps(asdict(CONFIG)))) == CONFIG


def test_checkpoint_of_a_trained_network_loads_by_path(tmp_path):
    net = training.train_2d("moons", out=tmp_path / "net.safetensors", steps=3, batch=8, arguments=TINY, progress=False)
    assert same(net, checkpoints.load(tmp_path / "net.safetensors"))


def test_processes_that_resume_slow_steps_vote_after_each(monkeypatch):
    """Wherever the run begins: its former steps took no time of this one."""
    now = iter(range(0, 1000, 2))
    monkeypatch.setattr("toylab.training.stopping.time.monotonic", lambda: float(next(now)))
    monkeypatch.setattr("toylab.training.stopping.reduce", lambda ballot, how: ballot)
    stop = StopRequest()
    assert stop.agreed(5001, torch.device("cpu")) is None
    stop.interrupted = True
    assert stop.agreed(5002, torch.device("cpu")) is Interrupted
