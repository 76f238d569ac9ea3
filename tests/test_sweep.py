"""Sweeps: the same particles for every method, honest numbers, and a file that needs no torch."""

import errno
import json
import subprocess
import sys
import zipfile

import numpy as np
import pytest
import torch

import toylab
from toylab.analysis import log_density

LINEAR = toylab.schedules.get("linear")


@pytest.fixture(scope="module")
def circle():
    return toylab.datasets.get("circle")


@pytest.fixture(scope="module")
def eps(circle):
    return toylab.exact_eps(torch.as_tensor(circle.curve(60)), LINEAR, 0.02)


@pytest.fixture(scope="module")
def sweep(eps):
    return toylab.sweep(eps, LINEAR, ["ddim", "RK4"], [4, 2, 4], n=16, manifold="circle", density=True)


def test_runs_equal_single_samples(eps, sweep):
    for method in ("DDIM", "RK4"):
        for steps in (2, 4):
            run = toylab.sample(eps, LINEAR, method, steps, n=16)
            np.testing.assert_array_equal(sweep.states[method, steps], run.states.float().numpy())
            assert sweep.nfe[method, steps] == run.nfe
            np.testing.assert_array_equal(sweep.times[steps], run.times.numpy())


def test_step_counts_are_sorted_and_unique_and_methods_canonical(sweep):
    assert sweep.steps == (2, 4)
    assert sweep.methods == ("DDIM", "RK4")


def test_every_run_starts_from_the_same_particles(sweep):
    starts = [states[0] for states in sweep.states.values()]
    assert all(np.array_equal(start, starts[0]) for start in starts)


def test_distances_are_those_of_the_manifold_at_every_node(sweep, circle):
    states = torch.from_numpy(sweep.states["RK4", 4]).double()
    distance = (states.norm(dim=-1) - circle.curve(1).norm()).abs()
    np.testing.assert_allclose(sweep.distance["RK4", 4], distance.mean(1), atol=1e-6)
    np.testing.assert_allclose(sweep.off["RK4", 4], (distance > 0.1).double().mean(1))


def test_a_saved_sweep_keeps_its_unlikely_particles(eps, tmp_path):
    known = toylab.sweep(eps, LINEAR, ["DDIM", "RK4"], [2, 3], n=16, manifold="circle", unlikely=True, progress=False)
    again = toylab.analysis.Sweep.load(known.save(tmp_path / "sweep.npz"))
    assert set(again.unlikely) == set(known.unlikely) == set(known.states)
    for run, bad in known.unlikely.items():
        assert again.unlikely[run].dtype == bool
        np.testing.assert_array_equal(again.unlikely[run], bad)


def test_a_sweep_saved_without_unlikely_particles_has_none(sweep, tmp_path):
    assert sweep.unlikely is None
    assert toylab.analysis.Sweep.load(sweep.save(tmp_path / "sweep.npz")).unlikely is None


@pytest.mark.parametrize("method", ["DDIM", "RK4"])
def test_unlikely_particles_have_a_smaller_exact_density_than_the_forward_samples(method):
    n, line = 64, toylab.datasets.get("two-points")
    points = torch.unique(line.curve(100).double(), dim=0)
    exact = toylab.exact_eps(points, LINEAR)
    run = toylab.sweep(exact, LINEAR, [method], [4], n=n, manifold=line, unlikely=True, progress=False)
    generator = torch.Generator().manual_seed(1)
    x0 = points[torch.randint(len(points), (40000,), generator=generator)]
    noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
    clear = 0
    for node, t in enumerate(run.times[4].tolist()):
        forward = exact.log_prob(LINEAR.alpha_bar(t) ** 0.5 * x0 + LINEAR.noise_std(t) * noise, t)
        log_p = exact.log_prob(torch.from_numpy(run.states[method, 4][node]).double(), t)
        low, high = forward.quantile(0.005), forward.quantile(0.02)  # 2048 samples put the 1 % quantile in between
        sure = ((log_p < low) | (log_p > high)).numpy()
        np.testing.assert_array_equal(run.unlikely[method, 4][node][sure], (log_p < low).numpy()[sure])
        clear += sure.sum()
    assert clear > 0.95 * 5 * n and run.unlikely[method, 4][-1].any() and not run.unlikely[method, 4][0].all()


def test_finding_unlikely_particles_is_half_of_the_progress(eps):
    said = []
    toylab.sweep(eps, LINEAR, ["DDIM"], [2, 4], n=4, manifold="circle", unlikely=True, progress=said.append)
    assert said == sorted(said) and said[-1] == 1 and 0.5 in said
    assert said[0] == pytest.approx(0.5 * 2 / 6)


def test_unlikely_particles_need_a_manifold(eps):
    with pytest.raises(ValueError, match="manifold must be given where unlikely"):
        toylab.sweep(eps, LINEAR, ["DDIM"], [2], n=4, unlikely=True)


def test_manifold_defaults_to_the_data_set_of_eps_and_is_optional(eps):
    def plain(x, t):
        return eps(x.double(), t).to(x)

    bare = toylab.sweep(plain, LINEAR, ["DDIM"], [2], n=4)
    assert np.isnan(bare.distance["DDIM", 2]).all() and len(bare.curve) == 0
    plain.dataset = "circle"
    assert np.isfinite(toylab.sweep(plain, LINEAR, ["DDIM"], [2], n=4).distance["DDIM", 2]).all()


def test_density_is_the_exact_log_density_on_its_grid(circle):
    density = log_density(circle, LINEAR, times=3, size=5, extent=2.0, points=50, spread=0.1)
    exact = toylab.exact_eps(torch.as_tensor(circle.curve(50)), LINEAR, 0.1)
    assert density["log_p"].shape == (3, 5, 5) and density["times"][0] == LINEAR.t_max
    x = torch.tensor([[-1.0, 2.0]], dtype=torch.float64)  # column 1 of 5, top row
    expected = exact.log_prob(x, density["times"][1]).item()
    assert density["log_p"][1, 4, 1] == pytest.approx(expected, abs=1e-4)


@pytest.mark.slow
def test_saved_sweep_comes_back_equal_and_without_torch(sweep, tmp_path):
    path = sweep.save(tmp_path / "sweep.npz")
    back = toylab.Sweep.load(path)
    assert (back.methods, back.steps, back.nfe, back.labels) == (sweep.methods, sweep.steps, sweep.nfe, sweep.labels)
    for key in sweep.states:
        np.testing.assert_array_equal(back.states[key], sweep.states[key])
        np.testing.assert_array_equal(back.distance[key], sweep.distance[key])
    np.testing.assert_array_equal(back.density["log_p"], sweep.density["log_p"])
    code = (
        "import sys; sys.modules['torch'] = None\n"
        f"import toylab; s = toylab.Sweep.load({str(path)!r}); print(s.final('DDIM', 4).shape)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == "(16, 2)", done.stderr


def test_progress_callback_rises_to_one(eps):
    seen = []
    toylab.sweep(eps, LINEAR, ["DDIM", "Euler"], [1, 2], n=2, manifold="circle", progress=seen.append)
    assert seen == sorted(seen) and seen[-1] == 1.0 and len(seen) == 4


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"methods": "DDIM"}, TypeError, "methods must be a list"),
        ({"methods": []}, ValueError, "methods must be a non-empty list"),
        ({"methods": ["DDIM", "ddim"]}, ValueError, "different methods"),
        ({"methods": ["ddmi"]}, ValueError, "did you mean 'DDIM'"),
        ({"steps": 5}, TypeError, "steps must be a list"),
        ({"steps": []}, ValueError, "steps must be a non-empty list"),
        ({"steps": [0]}, ValueError, "steps must be an integer of at least 1"),
        ({"n": 0}, ValueError, "n must be"),
        ({"manifold": "circel"}, ValueError, "did you mean 'circle'"),
        ({"threshold": 0.0}, ValueError, "threshold must be"),
        ({"typo": 1}, TypeError, "unknown argument 'typo'"),
    ],
)
def test_bad_input_is_named(eps, change, error, words):
    arguments = {"methods": ["DDIM"], "steps": [1], "n": 2, "manifold": "circle"} | change
    with pytest.raises(error, match=words):
        toylab.sweep(eps, LINEAR, **arguments)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 torn", b"no zip at all"])
def test_foreign_file_is_refused_by_name(tmp_path, content):
    path = tmp_path / "foreign.npz"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="foreign.npz is not a toylab sweep"):
        toylab.Sweep.load(path)


@pytest.mark.parametrize("head", ["{'descr': (", "if x:\n  y\n z"])  # which Python's tokens end in, or are indented in
def test_an_array_whose_head_is_damaged_is_refused_by_name(sweep, tmp_path, head):
    path = sweep.save(tmp_path / "sweep.npz")
    with zipfile.ZipFile(path) as whole:
        parts = {name: whole.read(name) for name in whole.namelist()}
    parts["curve.npy"] = b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head.encode()
    with zipfile.ZipFile(path, "w") as damaged:
        for name, content in parts.items():
            damaged.writestr(name, content)
    with pytest.raises(ValueError, match="sweep.npz is not a toylab sweep"):
        toylab.Sweep.load(path)


def test_other_npz_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.ones(3))
    with pytest.raises(ValueError, match="not a toylab sweep"):
        toylab.Sweep.load(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError, match="no sweep at"):
        toylab.Sweep.load(tmp_path / "missing.npz")


def rewritten(sweep, path, change_header=lambda header: header, **arrays):
    """The sweep's file with another header or other arrays in it."""
    with np.load(sweep.save(path)) as data:
        held = dict(data)
    header = change_header(json.loads(str(held["header"])))
    np.savez(path, **held | arrays | {"header": np.array(header if isinstance(header, str) else json.dumps(header))})
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda header: [header],
        lambda header: "[" * 100_000,
        lambda header: header | {"nfe": []},
        lambda header: header | {"steps": []},
        lambda header: header | {"methods": []},
        lambda header: header | {"methods": "DDIM"},
        lambda header: header | {"methods": [1, 2]},
        lambda header: header | {"steps": ["2", "4"]},
        lambda header: header | {"threshold": "far"},
        lambda header: header | {"labels": ["circle"]},
        lambda header: header | {"labels": {"dataset": 3}},
        lambda header: header | {"nfe": [[1.5, 2], [3, 4]]},
    ],
)
def test_a_header_that_is_not_one_is_refused_by_name(sweep, tmp_path, change):
    with pytest.raises(ValueError, match="is not a toylab sweep"):
        toylab.Sweep.load(rewritten(sweep, tmp_path / "sweep.npz", change))


@pytest.mark.parametrize(
    ("name", "array"),
    [
        ("states_0_2", np.zeros((3, 16, 3), np.float32)),
        ("states_0_2", np.zeros((3, 15, 2), np.float32)),
        ("states_1_4", np.zeros((5, 16, 2), np.int64)),
        ("times_2", np.array([1.0, 1.0, 0.0])),
        ("times_2", np.array([1.0, np.nan, 0.0])),
        ("distance_0_2", np.zeros(2)),
        ("curve", np.zeros(4, np.float32)),
        ("density_log_p", np.zeros((2, 3, 4), np.float32)),
    ],
)
def test_arrays_that_no_player_could_show_are_refused_by_name(sweep, tmp_path, name, array):
    with pytest.raises(ValueError, match="is not a toylab sweep"):
        toylab.Sweep.load(rewritten(sweep, tmp_path / "sweep.npz", **{name: array}))


def test_a_damaged_file_is_refused_by_name_wherever_the_damage_is(sweep, tmp_path):
    path = sweep.save(tmp_path / "sweep.npz")
    whole = path.read_bytes()
    for at in np.linspace(0, len(whole) - 1, 60).astype(int):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            found = toylab.Sweep.load(path)
        except ValueError as error:
            assert "is not a toylab sweep" in str(error)
        else:  # a byte that says nothing, a date for one
            np.testing.assert_array_equal(found.states["DDIM", 4], sweep.states["DDIM", 4])


def test_a_sweep_that_cannot_be_written_leaves_the_old_one_and_names_the_file(sweep, tmp_path, monkeypatch):
    path = sweep.save(tmp_path / "sweep.npz")
    before = path.read_bytes()

    def full(file, **arrays):
        file.write(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez_compressed", full)
    with pytest.raises(OSError, match="sweep.npz"):
        sweep.save(path)
    assert path.read_bytes() == before and [each.name for each in tmp_path.iterdir()] == ["sweep.npz"]
