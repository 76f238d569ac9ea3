"""The UNets: the field's architectures behind eps(x, t), with every convention of theirs, and published weights."""

import json
import math
import re
import shutil

import diffusers
import huggingface_hub
import numpy as np
import pytest
import safetensors.torch
import torch
from diffusers.models.embeddings import Timesteps
from hypothesis import given, settings
from hypothesis import strategies as st
from image_networks import small_unet

import toylab
from toylab.epsilon import checkpoints, unet
from toylab.epsilon.configurations import UNETS, unet_config
from toylab.epsilon.unet import UNet
from toylab.problems.flow import reference_solution

TINY = {
    "sample_size": 8, "in_channels": 1, "out_channels": 1, "block_out_channels": [8, 16], "layers_per_block": 1,
    "norm_num_groups": 4, "down_block_types": ["DownBlock2D", "AttnDownBlock2D"],
    "up_block_types": ["AttnUpBlock2D", "UpBlock2D"], "attention_head_dim": None,
}  # fmt: skip


def tiny(schedule="linear", seed=0, **arguments):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return UNet(schedule, **(TINY | arguments)).eval().requires_grad_(False)


def images(n=3, seed=0, dtype=torch.float32):
    return torch.randn(n, 1, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plain(network):
    """The same weights in a model as diffusers makes it."""
    config = {key: value for key, value in network.arguments.items() if key != "prediction"}
    model = diffusers.UNet2DModel(**config).eval()
    model.load_state_dict(network.model.state_dict())
    return model.requires_grad_(False)


def parameters(network):
    return sum(parameter.numel() for parameter in network.parameters())


# Architectures


def test_the_cifar10_network_has_the_parameters_of_the_published_one():
    with torch.device("meta"):
        assert parameters(UNet(**unet_config("cifar10"))) == 35_746_307  # Ho et al. 2020, appendix B: 35.7 million


@pytest.mark.parametrize(
    ("name", "low", "high", "shape"),
    [
        ("digits", 0.8e6, 1.2e6, (1, 8, 8)), ("digits-small", 0.6e6, 0.8e6, (1, 8, 8)),
        ("cifar10-16", 1.5e6, 2e6, (3, 16, 16)),
        ("cifar10-small", 1e6, 2e6, (3, 32, 32)), ("cifar10-medium", 8e6, 10e6, (3, 32, 32)),
        ("cifar10", 35e6, 36e6, (3, 32, 32)),
    ],
)  # fmt: skip
def test_named_configurations_have_the_sizes_they_promise(name, low, high, shape):
    with torch.device("meta"):
        network = UNet(**unet_config(name))
    assert low <= parameters(network) <= high and network.shape == shape


def test_every_configuration_is_listed_above():
    assert set(UNETS) == {"digits", "digits-small", "cifar10-16", "cifar10-small", "cifar10-medium", "cifar10"}


# eps(x, t)


@given(i=st.integers(0, 999))
@settings(max_examples=20, deadline=None)
def test_with_a_table_t_is_the_model_s_timestep(i):
    network = tiny("linear-1000")
    expected = plain(network)(images(), float(i)).sample
    torch.testing.assert_close(network(images(), (i + 1) / 1000), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("t", [1e-3, 0.25, 1.0])
def test_in_continuous_time_the_model_s_timestep_is_1000_t(t):
    network = tiny()
    torch.testing.assert_close(network(images(), t), plain(network)(images(), 1000 * t).sample, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("flip", [False, True])
def test_the_embedding_is_that_of_diffusers_without_its_float32_round_off(flip):
    theirs, t = Timesteps(32, flip, 1), torch.tensor([0.0, 0.5, 30.0, 999.0], dtype=torch.float64)
    ours = tiny(flip_sin_to_cos=flip, freq_shift=1, block_out_channels=[32, 32]).model.time_proj(t)
    torch.testing.assert_close(ours, theirs(t).double(), rtol=0, atol=1e-4)


def test_eps_of_a_float64_network_is_smooth_in_t():
    """Its second difference over a step h falls with h^2 where float32 phases would only jump."""
    network, x = tiny().double(), images(dtype=torch.float64)

    def second(h):
        return (network(x, 0.9 + h) - 2 * network(x, 0.9) + network(x, 0.9 - h)).norm().item()

    assert second(1e-5) / second(1e-6) == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("schedule", ["linear", "cosine", "linear-1000"])
def test_v_prediction_gives_the_eps_that_belongs_to_its_v(schedule):
    """v = sqrt(ab) eps - sqrt(1 - ab) x0 and x = sqrt(ab) x0 + sqrt(1 - ab) eps, solved for eps."""
    network, x = tiny(schedule, prediction="v"), images(dtype=torch.float64)
    for t in (0.02, 0.5, 0.9):
        ab = network.schedule.alpha_bar(t)
        timestep = 1000 * t - (1 if schedule == "linear-1000" else 0)
        v = network.model(x.float(), torch.tensor(timestep, dtype=torch.float64)).sample.double()
        rows = torch.tensor([[ab**0.5, (1 - ab) ** 0.5], [-((1 - ab) ** 0.5), ab**0.5]], dtype=torch.float64)
        eps = torch.linalg.solve(rows, torch.stack([x.flatten(), v.flatten()]))[1].reshape(x.shape)
        torch.testing.assert_close(network(x, t), eps, rtol=1e-6, atol=1e-6)


def test_a_time_for_each_image_gives_what_the_images_give_alone():
    network, x, t = tiny(), images(), torch.tensor([0.1, 0.5, 0.9])
    alone = torch.cat([network(x[i : i + 1], t[i]) for i in range(3)])
    torch.testing.assert_close(network(x, t), alone, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_eps_has_the_type_of_x(dtype):
    assert tiny()(images(dtype=dtype), 0.5).dtype == dtype


@pytest.mark.parametrize(
    ("x", "t", "error", "named"),
    [
        (torch.zeros(2, 1, 8, 9), 0.5, ValueError, "x must be a tensor"),
        (torch.zeros(2, 3, 8, 8), 0.5, ValueError, "x must be a tensor"),
        (torch.zeros(1, 8, 8), 0.5, ValueError, "x must be a tensor"),
        (torch.zeros(2, 1, 8, 8, dtype=torch.uint8), 0.5, TypeError, "uint8"),
        (torch.zeros(2, 1, 8, 8), torch.zeros(3), ValueError, "t must be"),
    ],
)
def test_wrong_images_and_times_are_named(x, t, error, named):
    with pytest.raises(error, match=named):
        tiny()(x, t)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"prediction": "x0"}, "prediction"),
        ({"block_out_channels": [8, 16, 32]}, "UNet2DModel"),
        ({"norm_num_groups": 5}, "UNet2DModel"),
        ({"colour": "red"}, "colour"),
        ({"out_channels": 2}, "out_channels"),
        ({"sample_size": None}, "sample_size"),
    ],
)
def test_arguments_that_make_no_unet_are_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        UNet("linear", **(TINY | arguments))


# Every tool of the lab takes them


@pytest.mark.parametrize("method", ["Euler", "RK4", "DDIM", "F-PNDM", "DDPM", "DPM-Solver++2M"])
def test_every_kind_of_method_samples_images(method):
    network = tiny()
    run = toylab.sample(network, network.schedule, method, 12, n=2, shape=network.shape, progress=False)
    assert run.states.shape == (13, 2, 1, 8, 8) and run.x.isfinite().all()


def test_order_is_measured_on_images_unchanged():
    network = tiny().double()
    network.model.time_embedding.linear_1.weight.mul_(0.01)  # untrained networks waver a thousand times from t = 0 to 1
    x_T = images(2, dtype=torch.float64)
    known = reference_solution(network, network.schedule, x_T, 1.0, 0.2, rtol=1e-7, progress=False)
    est = toylab.measure_order(
        network, network.schedule, "PIE", steps=(20, 40, 80), x_T=x_T, t_end=0.2, reference=known, progress=False
    )
    assert est.order == pytest.approx(2, abs=0.1)


# Files


@pytest.mark.parametrize("schedule", ["linear", "cosine-1000"])
def test_network_comes_back_from_a_file_as_it_was(tmp_path, schedule):
    network = tiny(schedule, prediction="v")
    network.dataset = "digits"
    checkpoints.save(network, tmp_path / "net.safetensors")
    again = toylab.load(tmp_path / "net.safetensors")
    assert torch.equal(again(images(), 0.5), network(images(), 0.5)) and again.dataset == "digits"
    assert json.loads(json.dumps(again.arguments)) == network.arguments and again.schedule.name == schedule


def test_half_precision_file_works_in_single_precision_and_changes_eps_by_a_thousandth_at_most(tmp_path):
    network = tiny()
    checkpoints.save(network, tmp_path / "net.safetensors", half=True)
    again = toylab.load(tmp_path / "net.safetensors")(images(), 0.5)
    assert again.dtype == torch.float32
    before = network(images(), 0.5)
    assert ((again - before).norm() / before.norm()).item() < 1e-3


# Published weights, as diffusers keeps them


@pytest.fixture(scope="module", params=["folders", "flat"])
def published(request, tmp_path_factory):
    """A small random network of the class of google/ddpm-cifar10-32, saved as diffusers does now, and in the older
    layout of that model, with all files in one folder."""
    folder = tmp_path_factory.mktemp("published")
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = diffusers.UNet2DModel(**unet_config("digits"))
    diffusers.DDPMPipeline(unet=model, scheduler=scheduler).save_pretrained(folder)
    if request.param == "flat":
        for part in (folder / "unet", folder / "scheduler"):
            for file in part.iterdir():
                file.rename(folder / file.name)
            part.rmdir()
    return folder


def pipeline_images(published, kind, steps, **options):
    pipeline = diffusers.DDPMPipeline.from_pretrained(published)
    scheduler, model = kind.from_config(pipeline.scheduler.config, **options), pipeline.unet.double()
    scheduler.set_timesteps(steps)
    x = images(2, dtype=torch.float64)
    with torch.no_grad():
        for t in scheduler.timesteps:
            x = scheduler.step(model(x, t).sample, t, x).prev_sample
    return x


@pytest.mark.parametrize("method", ["DDIM", "F-PNDM"])
def test_published_weights_give_the_images_of_diffusers_pipelines(published, method):
    """To 1e-5 relative, with the timesteps that diffusers chooses: 0, 50, 100, ... 950 of 1000 for 20 steps."""
    network = toylab.load(published).double()
    if method == "DDIM":
        theirs = pipeline_images(published, diffusers.DDIMScheduler, 20, clip_sample=False, set_alpha_to_one=True)
    else:
        theirs = pipeline_images(published, diffusers.PNDMScheduler, 20, set_alpha_to_one=True, skip_prk_steps=False)
    times = [(i + 1) / 1000 for i in range(950, -1, -50)] + [0.0]
    ours = toylab.sample(network, network.schedule, method, x_T=images(2, dtype=torch.float64), times=times).x
    assert ((ours - theirs).norm() / theirs.norm()).item() < 1e-5


def test_published_network_brings_its_schedule_shape_and_story(published):
    network = toylab.load(str(published))
    assert network.shape == (1, 8, 8) and network.schedule.name == "linear-1000"
    assert network.metadata["source"] == str(published)
    assert not network.training and not any(p.requires_grad for p in network.parameters())


def test_network_that_is_not_there_offline_says_what_to_do(monkeypatch):
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(OSError, match="no-one/no-such-network.*internet.*folder"):
        toylab.load("no-one/no-such-network")


@pytest.mark.parametrize("missing", ["diffusion_pytorch_model.safetensors", "scheduler_config.json"])
def test_folder_without_one_of_its_parts_is_named(published, tmp_path, missing):
    copy = shutil.copytree(published, tmp_path / "copy")
    next(copy.rglob(missing)).unlink()
    with pytest.raises(ValueError, match=str(copy)):
        toylab.load(copy)


def test_pipeline_that_predicts_x0_is_refused(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "copy")
    file = next(copy.rglob("scheduler_config.json"))
    file.write_text(file.read_text().replace('"epsilon"', '"sample"'))
    with pytest.raises(ValueError, match="sample.*epsilon, v_prediction"):
        toylab.load(copy)


def test_betas_of_their_own_are_kept(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "copy")
    file = next(copy.rglob("scheduler_config.json"))
    file.write_text(file.read_text().replace('"beta_end": 0.02', '"beta_end": 0.03'))
    schedule = toylab.load(copy).schedule
    assert schedule.name == "table" and schedule.betas[-1].item() == pytest.approx(0.03, rel=1e-6)


def with_scheduler(published, folder, kind, **options):
    """A copy of the pipeline with another scheduler."""
    copy = shutil.copytree(published, folder / "copy")
    scheduler = kind(**options)
    scheduler.save_pretrained(next(copy.rglob("scheduler_config.json")).parent)
    index = copy / "model_index.json"
    index.write_text(index.read_text().replace("DDPMScheduler", kind.__name__))
    return copy


def test_a_table_that_ends_without_signal_is_read_up_to_its_last_entry_with_some(published, tmp_path):
    options = {"rescale_betas_zero_snr": True, "timestep_spacing": "trailing"}
    network = toylab.load(with_scheduler(published, tmp_path, diffusers.DDIMScheduler, **options))
    assert len(network.schedule.betas) == 999 and network.metadata["entries_left_out"] == 1
    x, theirs = images(2), diffusers.DDPMPipeline.from_pretrained(published).unet
    with torch.no_grad():
        torch.testing.assert_close(network(x, 999 / 999), theirs(x, 998).sample, rtol=1e-3, atol=1e-4)
    assert toylab.sample(network, network.schedule, "DDIM", 2, n=1, progress=False).x.isfinite().all()


def test_a_scheduler_without_betas_is_named(published, tmp_path):
    copy = with_scheduler(published, tmp_path, diffusers.EDMEulerScheduler)
    with pytest.raises(ValueError, match=f"{copy} has a EDMEulerScheduler, which has no table of betas"):
        toylab.load(copy)


def test_published_weights_in_a_pickle_are_refused_with_the_way_out(published, tmp_path):
    copy = shutil.copytree(published, tmp_path / "copy")
    weights = next(copy.rglob("diffusion_pytorch_model.safetensors"))
    torch.save(safetensors.torch.load_file(weights), weights.with_suffix(".bin"))
    weights.unlink()
    with pytest.raises(ValueError, match=f"{copy} has no weights in safetensors; others .* are pickles"):
        toylab.load(copy)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float64])
def test_torchs_default_dtype_does_not_change_published_weights(published, dtype):
    torch.set_default_dtype(dtype)
    try:
        network = toylab.load(published)
    finally:
        torch.set_default_dtype(torch.float32)
    x = images(2)
    assert torch.equal(network(x, 0.5), toylab.load(published)(x, 0.5))


def test_a_folder_below_home_is_found(published, tmp_path, monkeypatch):
    shutil.copytree(published, tmp_path / "pipe")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert toylab.load("~/pipe").shape == (1, 8, 8)


# Sizes


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"layers_per_block": 100_000}, "layers_per_block must be at most 16, got 100000"),
        ({"layers_per_block": 0}, "layers_per_block must be an integer of at least 1, got 0"),
        ({"block_out_channels": [32] * 100_000}, "block_out_channels must be a list of at most 12 integers"),
        ({"block_out_channels": [32, -64]}, "block_out_channels must be an integer of at least 1, got -64"),
        ({"sample_size": -8}, "sample_size must be an integer of at least 1, got -8"),
        ({"sample_size": 10**6}, "sample_size must be integers from 1 to 16384, got 1000000"),
        ({"sample_size": [8, 8, 8]}, "sample_size must be the height and width of an image"),
        ({"norm_num_groups": -8}, "norm_num_groups must be at least 0, got -8"),
    ],
)
def test_sizes_that_no_unet_has_are_refused_before_a_layer_is_made(monkeypatch, change, message):
    def build(**config):
        if "sample_size must be the height" not in message:
            raise AssertionError("a layer was made")
        return plain(**config)

    plain = unet.UNet2DModel
    monkeypatch.setattr(unet, "UNet2DModel", build)
    with pytest.raises(ValueError, match=re.escape(message)):
        UNet("linear", **unet_config("digits") | change)


def test_scalars_of_numpy_as_arguments_are_kept_as_plain_numbers(tmp_path):
    config = unet_config("digits") | {
        "sample_size": np.int64(8),
        "layers_per_block": np.int32(1),
        "block_out_channels": np.array([32, 64]),
        "norm_eps": np.float32(0.5),
    }
    network = UNet("linear", **config)
    toylab.save(network, tmp_path / "net.safetensors")
    kept = toylab.load(tmp_path / "net.safetensors").arguments
    assert kept == network.arguments and kept["block_out_channels"] == [32, 64]
    assert {type(kept[key]) for key in ("sample_size", "layers_per_block")} == {int} and type(kept["norm_eps"]) is float


@pytest.mark.parametrize("t", [math.nan, -0.01, 1.01, 7])
def test_t_outside_its_domain_is_named(t):
    with pytest.raises(ValueError, match=r"t must lie in \[0, 1\], got"):
        toylab.load("digits")(images(2), t)


@pytest.mark.slow
def test_a_compiler_finds_one_graph_and_nothing_to_break_it():
    found = torch._dynamo.explain(small_unet().train())(torch.randn(4, 3, 8, 8), torch.rand(4))
    assert found.graph_count == 1, found.break_reasons
