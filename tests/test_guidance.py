"""Labels and guidance: one network that is unconditional, conditional and guided, and what guidance costs."""

import copy

import diffusers
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from image_networks import CONFIG, labelled_unet, small_unet

import toylab
from toylab import datasets
from toylab.epsilon import checkpoints
from toylab.epsilon.unet import UNet
from toylab.images.sampler import ImageSampler

NAMES = ["cat", "dog", "horse"]


NET = labelled_unet(NAMES)


def noise(n=4, seed=0, dtype=torch.float32):
    return torch.randn(n, 3, 8, 8, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def plain(network, x, t, labels):
    """v of the same weights in a model as diffusers makes it"""
    config = {key: value for key, value in network.arguments.items() if key not in ("prediction", "classes")}
    model = diffusers.UNet2DModel(**config).eval()
    model.load_state_dict(network.model.state_dict())
    with torch.no_grad():
        return model(x, 1000 * t, class_labels=torch.as_tensor(labels)).sample


def eps_of_v(v, x, t):
    ab = NET.schedule.alpha_bar(t)
    return ab**0.5 * v + (1 - ab) ** 0.5 * x


# ---- labels


@pytest.mark.parametrize("label, number", [("cat", 0), ("Horse", 2), (1, 1), (torch.tensor(2), 2)])
def test_a_label_gives_what_diffusers_gives_for_its_number(label, number):
    expected = eps_of_v(plain(NET, noise(), 0.5, [number] * 4), noise(), 0.5)
    torch.testing.assert_close(NET.of(label)(noise(), 0.5), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("labels", [torch.tensor([2, 0, 1, 1]), ["horse", "cat", "dog", 1]])
def test_each_particle_has_the_label_given_for_it(labels):
    x = noise()
    alone = torch.cat([NET.of(label)(x[i : i + 1], 0.5) for i, label in enumerate([2, 0, 1, 1])])
    torch.testing.assert_close(NET.of(labels)(x, 0.5), alone, rtol=1e-5, atol=1e-6)


def test_without_a_label_the_network_is_that_of_all_data():
    expected = eps_of_v(plain(NET, noise(), 0.5, [len(NAMES)] * 4), noise(), 0.5)
    torch.testing.assert_close(NET(noise(), 0.5), expected, rtol=1e-4, atol=2e-5)


def test_labels_make_a_difference():
    assert not torch.allclose(NET.of("cat")(noise(), 0.5), NET.of("dog")(noise(), 0.5), atol=1e-3)


def test_a_network_with_a_label_carries_schedule_and_shape():
    eps = NET.of("dog")
    assert (eps.schedule, eps.shape, NET.classes) == (NET.schedule, NET.shape, tuple(NAMES))
    assert toylab.sample(eps, steps=2, n=3, progress=False).x.shape == (3, 3, 8, 8)


@pytest.mark.parametrize(
    "label, error, named",
    [
        ("hors", ValueError, "did you mean 'horse'.*cat, dog, horse"),
        (3, ValueError, "from 0 to 2, got 3"),
        (-1, ValueError, "from 0 to 2"),
        (torch.tensor([0, 3]), ValueError, "from 0 to 2"),
        (torch.tensor([], dtype=torch.int64), ValueError, "label"),
        (1.5, TypeError, "label"),
        (torch.tensor([[1]]), TypeError, "label"),
    ],
)
def test_labels_that_do_not_exist_are_named(label, error, named):
    with pytest.raises(error, match=named):
        NET.of(label)


def test_labels_that_do_not_fit_the_batch_are_named():
    with pytest.raises(ValueError, match="labels must be one of all or one a particle, got 3 for 4 particles"):
        NET.of([0, 1, 2])(noise(4), 0.5)


def test_a_network_without_labels_says_so():
    with pytest.raises(ValueError, match="'cat'.*trained without labels"):
        small_unet().of("cat")


@pytest.mark.parametrize("arguments", [{"classes": ["a", "A"]}, {"classes": ["a"], "num_class_embeds": 3}])
def test_classes_that_fit_no_embedding_are_named(arguments):
    with pytest.raises(ValueError, match="classes"):
        UNet("linear", **CONFIG, **arguments)


def test_classes_and_labels_come_back_from_a_file(tmp_path):
    checkpoints.save(NET, tmp_path / "net.safetensors")
    again = toylab.load(tmp_path / "net.safetensors")
    assert again.classes == tuple(NAMES)
    assert torch.equal(again.of("dog")(noise(), 0.5), NET.of("dog")(noise(), 0.5))


def test_published_class_conditional_pipelines_load_with_their_last_label_for_none(tmp_path):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = diffusers.UNet2DModel(**CONFIG, num_class_embeds=4)
    diffusers.DDPMPipeline(unet=model, scheduler=diffusers.DDPMScheduler()).save_pretrained(tmp_path)
    network = toylab.load(tmp_path)
    assert network.classes == ("0", "1", "2")
    for eps, label in ((network.of(1), 1), (network, 3)):
        with torch.no_grad():
            expected = model(noise(), 499, class_labels=torch.full((4,), label)).sample
        torch.testing.assert_close(eps(noise(), 0.5), expected, rtol=1e-4, atol=2e-5)


def test_labels_in_another_form_are_refused(tmp_path):
    model = diffusers.UNet2DModel(**CONFIG, class_embed_type="timestep")
    diffusers.DDPMPipeline(unet=model, scheduler=diffusers.DDPMScheduler()).save_pretrained(tmp_path)
    with pytest.raises(ValueError, match="class_embed_type = 'timestep' in unet/config.json"):
        toylab.load(tmp_path)


# ---- guidance


def gaussians():
    """Two exact epsilons of one schedule: all of some points, and the first of them"""
    points = torch.randn(12, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return toylab.exact_eps(points[:3], "linear", 0.1), toylab.exact_eps(points, "linear", 0.1)


PAIRS = {"exact": gaussians(), "network": (NET.of("cat"), NET), "two networks": (labelled_unet(NAMES, 1).of(0), NET)}


def start(eps, n=5):
    shape = eps.shape
    dtype = torch.float64 if len(shape) == 1 else torch.float32
    return torch.randn(n, *shape, generator=torch.Generator().manual_seed(1), dtype=dtype)


@pytest.mark.parametrize("pair", PAIRS)
@pytest.mark.parametrize("scale, which", [(1, 0), (0, 1)])
def test_scale_one_is_conditional_and_scale_zero_unconditional(pair, scale, which):
    eps = PAIRS[pair]
    x = start(eps[0])
    torch.testing.assert_close(toylab.guided(*eps, scale)(x, 0.4), eps[which](x, 0.4), rtol=1e-5, atol=1e-6)


@given(st.sampled_from(list(PAIRS)), st.floats(-4, 8), st.floats(0.05, 1))
def test_guidance_is_linear_in_its_scale(pair, scale, t):
    (c, u), x = PAIRS[pair], start(PAIRS[pair][0])
    expected = u(x, t) + scale * (c(x, t) - u(x, t))
    torch.testing.assert_close(toylab.guided(c, u, scale)(x, t), expected, rtol=1e-4, atol=2e-4)


def test_guidance_takes_a_time_for_each_particle():
    (c, u), x, t = PAIRS["network"], start(NET), torch.linspace(0.1, 0.9, 5)
    torch.testing.assert_close(toylab.guided(c, u, 2)(x, t), 2 * c(x, t) - u(x, t), rtol=1e-4, atol=2e-4)


@pytest.mark.parametrize("method, calls", [("DDIM", 10), ("RK4", 40), ("F-PNDM", 19), ("DPM-Solver-2", 20)])
def test_each_call_counts_as_two_evaluations(method, calls):
    run = toylab.sample(toylab.guided(*gaussians(), 2), "linear", method, 10, n=3)
    assert run.nfe == 2 * calls and sum(run.nfe_per_step) == run.nfe


def test_guidance_of_guidance_counts_three():
    c, u = gaussians()
    assert toylab.sample(toylab.guided(toylab.guided(c, u, 2), u, 3), "linear", "DDIM", 5, n=2).nfe == 15


def test_one_network_is_called_once_for_both():
    network = copy.deepcopy(NET)
    calls = []
    network.register_forward_hook(lambda module, args, out: calls.append(len(args[0])))
    toylab.guided(network.of("cat"), network, 3)(noise(4), 0.5)
    toylab.guided(network.of([0, 1, 2, 2]), network.of("dog"), 3)(noise(4), 0.5)
    assert calls == [8, 8]


def test_measures_take_guided_epsilons():
    eps = toylab.guided(*gaussians(), 2)
    assert toylab.measure_order(eps, "linear", "DDIM", steps=(160, 320), t_end=0.2).order == pytest.approx(1, abs=0.1)
    row = toylab.compare(eps, "linear", ["DDIM", "RK4"], nfe=20, manifold="spiral", n=8).rows
    assert [(each.method, each.steps, each.nfe) for each in row] == [("DDIM", 10, 20), ("RK4", 2, 16)]
    found = toylab.analysis.work_precision(eps, "linear", ["DDIM"], nfe=(1, 10), manifold="spiral", n=8, seeds=(0,))
    assert [(each.steps, each.nfe) for each in found.rows] == [(5, 10)] and ("DDIM", 1) in found.left_out
    assert toylab.sweep(eps, "linear", methods=["DDIM"], steps=[5], n=4, manifold="spiral").nfe["DDIM", 5] == 10


def test_the_reference_counts_what_it_spends():
    c, u = gaussians()
    costs = [toylab.Problem(eps, "linear").reference(start(c), t_end=0.2).nfe for eps in (c, toylab.guided(c, c, 2))]
    assert costs[1] == 2 * costs[0]


@pytest.mark.parametrize("labels", ["horse", [2, 0, 1, 1, 0]])
def test_images_have_their_labels_whatever_the_batch(labels):
    sampler = ImageSampler(toylab.guided(NET.of(labels), NET, 2), "DDIM", 3)
    whole = sampler.images(5, progress=False)
    parts = sampler.images(5, batch=2, progress=False).x
    torch.testing.assert_close(parts, whole.x, rtol=1e-3, atol=1e-4)
    assert whole.nfe == sampler.nfe == 6
    each = labels if isinstance(labels, list) else [2] * 5
    third = ImageSampler(toylab.guided(NET.of(each[2]), NET, 2), "DDIM", 3).draw(0, [2]).x
    torch.testing.assert_close(whole.x[2:3], third, rtol=1e-3, atol=1e-4)


def test_more_images_than_labels_are_refused():
    with pytest.raises(ValueError, match="labels must be one a particle, got 2 for"):
        ImageSampler(NET.of([0, 1]), "DDIM", 2).images(3, progress=False)


@pytest.mark.parametrize(
    "arguments, error, named",
    [
        ((NET.of(0), NET, float("nan")), ValueError, "scale"),
        ((NET.of(0), NET, "3"), TypeError, "scale"),
        ((NET.of(0), "net", 3), TypeError, "unconditional must be callable"),
        ((NET.of(0), labelled_unet(NAMES, schedule="cosine"), 3), ValueError, "unconditional was made for"),
        ((NET.of(0), gaussians()[1], 3), ValueError, "one shape"),
    ],
)
def test_what_cannot_be_combined_is_named(arguments, error, named):
    with pytest.raises(error, match=named):
        toylab.guided(*arguments)


def test_plain_functions_are_guided_too():
    eps = toylab.guided(lambda x, t: x, lambda x, t: 0 * x, 2)
    assert torch.equal(eps(torch.ones(2, 2), 0.5), torch.full((2, 2), 2.0))
    assert toylab.sample(eps, "linear", "DDIM", 2, n=2).nfe == 4


# ---- labelled data sets of the plane


@pytest.mark.parametrize("name", ["moons", "two-circles", "spiral"])
def test_labelled_points_are_those_of_the_manifold_in_two_classes(name):
    data = datasets.labelled(name, 400)
    assert torch.equal(data.points, datasets.get(name).curve(400)) and len(data.classes) == 2
    for number, label in enumerate(data.classes):
        assert torch.equal(data.of(label), data.points[data.labels == number])


def test_the_classes_are_where_their_names_say():
    radius = {name: datasets.labelled("two-circles").of(name).norm(dim=1) for name in ("inner", "outer")}
    assert radius["inner"].max() < 0.9 * radius["outer"].min()
    moons = datasets.labelled("moons")
    assert moons.of("upper")[:, 1].mean() > 0 > moons.of("lower")[:, 1].mean()
    spiral, pole = datasets.labelled("spiral"), datasets.get("spiral")._normalised(0.0)
    radius = {name: (spiral.of(name) - torch.from_numpy(pole)).norm(dim=1) for name in ("inner", "outer")}
    assert radius["inner"].max() < radius["outer"].min() and len(spiral.of("inner")) == 200


def test_data_sets_and_classes_without_labels_are_named():
    with pytest.raises(ValueError, match="labelled data set 'cat'.*moons"):
        datasets.labelled("cat")
    with pytest.raises(ValueError, match="class 'outre'.*outer"):
        datasets.labelled("spiral").of("outre")


def end_point_error(method, steps, scale):
    """Of the guided spiral, its outer half against all of it: against 2000 DDIM steps on the logsnr grid"""
    data = datasets.labelled("spiral")
    conditional, unconditional = (
        toylab.exact_eps(points, "linear", spread=0.02) for points in (data.of("outer"), data.points)
    )
    eps = toylab.guided(conditional, unconditional, scale)
    how = {"n": 400, "seed": 0, "record": False, "progress": False}
    truth = toylab.sample(eps, None, "DDIM", 2000, spacing="logsnr", **how).x
    return (toylab.sample(eps, None, method, steps, **how).x - truth).norm(dim=1).square().mean().sqrt().item()


def test_a_method_of_high_order_leaves_the_guided_flow_where_ddim_does_not():
    assert end_point_error("F-PNDM", 25, 4) > 4 * end_point_error("DDIM", 25, 4)
