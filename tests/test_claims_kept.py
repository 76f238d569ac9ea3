"""Measured numbers of claims are kept, found to be stale, and written to a page; the table of published weights."""

import math
from dataclasses import replace
from functools import partial
from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch
from commands import assert_mistake, run, run_json
from image_networks import CONFIG, pretend_inception

from toylab import claims
from toylab.claims import Notes, Setting, check, notes
from toylab.claims.claim import Claim, Number
from toylab.epsilon.configurations import unet_config
from toylab.lessons.results import images
from toylab.lessons.results import published as tables
from toylab.lessons.results.published import published_table

HERE = Setting("network", "circle", n=8)


def counted(values=(1.0, math.inf)):
    """A claim that counts how often it is measured, and the list of the settings."""
    seen = []

    def measure(setting):
        seen.append(setting)
        return values

    return Claim("mine", "It counts.", "nowhere", (Number("a", 1.0), Number("b", 2.0)), measure), seen


def test_what_is_known_is_not_measured_again(tmp_path):
    claim, seen = counted()
    assert Notes(tmp_path).measured(claim, HERE) == (1.0, math.inf)
    assert Notes(tmp_path).measured(claim, HERE) == (1.0, math.inf) and seen == [HERE]
    assert Notes(tmp_path).known(claim, HERE) == (1.0, math.inf)


def test_a_stopped_run_goes_on_where_it_stopped(tmp_path):
    claim, seen = counted()

    def stops(claim, setting):
        if len(seen) == 2:
            raise KeyboardInterrupt
        return Notes(tmp_path).measured(claim, setting)

    how = {"seeds": (0, 1, 2), "datasets": ("circle",), "progress": False}
    with pytest.raises(KeyboardInterrupt):
        check([claim], ["exact"], measured=stops, **how)
    check([claim], ["exact"], measured=Notes(tmp_path).measured, **how)
    assert [setting.seed for setting in seen] == [0, 1, 2]


IMAGES_HERE = Setting("cifar10-16", "cifar10-16", n=8)


@pytest.mark.parametrize(
    ("name", "other", "setting"),
    [("_digest", lambda name: "another", HERE), ("VERSION", 2, HERE), ("_judge", lambda: "another", IMAGES_HERE)],
    ids=["network", "version", "judge"],
)
def test_numbers_made_with_something_else_are_found_out_and_measured_anew(name, other, setting, tmp_path, monkeypatch):
    claim, seen = counted()
    Notes(tmp_path).measured(claim, setting)
    monkeypatch.setattr(notes, name, other)
    with pytest.raises(ValueError, match="measured with another network .* toylab reproduce images measures it anew"):
        Notes(tmp_path).known(claim, setting)
    Notes(tmp_path).measured(claim, setting)
    assert len(seen) == 2


def test_on_request_everything_is_measured_once_more(tmp_path):
    claim, seen = counted()
    Notes(tmp_path).measured(claim, HERE)
    again = Notes(tmp_path, anew=True)
    assert again.measured(claim, HERE) == again.measured(claim, HERE) == again.known(claim, HERE)
    assert len(seen) == 2


def test_what_has_not_been_measured_says_how_to(tmp_path):
    verdict = check(["orders"], ["digits"], measured=Notes(tmp_path).known, progress=False)["orders", "digits"]
    assert verdict.word == "–" and "toylab reproduce images" in verdict.reason


@pytest.mark.parametrize("content", ["{", "[]", '{"format": "older"}', '{"format": "toylab-claims-1", "entries": [1]}'])
def test_a_damaged_file_is_named(tmp_path, content):
    (tmp_path / "network.json").write_text(content)
    with pytest.raises(ValueError, match="network.json does not hold the numbers of claims"):
        Notes(tmp_path).known(counted()[0], HERE)


def test_two_runs_do_not_write_the_same_world(tmp_path):
    with Notes(tmp_path).lock("digits"):
        with pytest.raises(FileExistsError, match="being written by another run"):
            with Notes(tmp_path).lock("digits"):
                pass


def test_the_page_has_every_claim_its_verdicts_and_what_breaks_it(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "SETTINGS", {"exact": 2})
    monkeypatch.setattr(images, "names", lambda: ["orders", "unbounded"])
    every = {name: (1.0,) * len(claims.get(name).numbers) for name in images.names()}
    kept = Notes(tmp_path / "kept")
    monkeypatch.setattr(kept, "measured", lambda claim, setting: every[claim.name])
    monkeypatch.setattr(kept, "known", lambda claim, setting: every[claim.name])
    files = images.reproduce_images(tmp_path / "docs", ["exact"], kept, "Copies of photographs.", progress=False)
    page = files[-1].read_text()
    assert all(f"## {name}\n" in page for name in images.names()) and "Copies of photographs." in page
    assert "breaks in 2 of 2 settings" in page and "toylab claims orders --world exact" in page
    assert "survives 2 settings" in page
    assert page.count("No search was made in the plane, trained network; digits, 8x8; CIFAR-10, 16x16, or none") == 2
    assert all(path.exists() for path in files) and len(files) == 4


def test_the_page_says_where_nothing_was_searched_and_is_silent_where_all_was():
    claim = claims.get("pre-trained")
    assert images._not_searched(claim, ["digits"]).startswith(
        "* No search was made in the plane, trained network; CIFAR-10, 16x16, or none"
    )
    assert images._not_searched(claim, list(claim.worlds)) == ""


def test_the_settings_on_the_page_are_those_of_the_verdicts(monkeypatch):
    """Of a world that is changed, so that nothing in the table can be typed."""
    monkeypatch.setitem(images.WORLDS, "digits", replace(images.WORLDS["digits"], title="x", seeds=(4, 7), n=99))
    seen = []
    how = {"measured": lambda claim, setting: seen.append(setting) or (1.0,) * len(claim.numbers), "progress": False}
    found = check(claims.names(), ["digits"], **how)
    (row,) = [row for row in images.settings_table().rows if row[0] == "x"]
    assert row[1:4] == ("digits", "4, 7", "99")
    assert [float(each) for each in row[4].split(", ")] == sorted({setting.nfe for setting in seen})
    assert [float(each) for each in row[5].split(", ")] == sorted({setting.t_end for setting in seen})
    page = images.page(found, ())
    assert images.settings_table().markdown() in page and page.count("Evaluations: 10, 20, 50.") == 2


@pytest.mark.slow
def test_the_page_is_that_of_the_numbers_that_come_with_toylab(tmp_path):
    """But for what it was made with, and the sentence about the real images; and its pictures are there."""
    kept = Path(__file__).parents[1] / "docs" / images.PAGE
    files = images.write_page(tmp_path, Notes())
    texts = [path.read_text(encoding="utf-8") for path in (kept, files[-1])]
    assert all(text.startswith(images.HEAD) for text in texts)
    assert texts[0].partition("## Settings")[2] == texts[1].partition("## Settings")[2] != ""
    assert all((kept.parent / path.relative_to(tmp_path)).is_file() for path in files)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("reproduce image", "did you mean 'images'"),
        ("reproduce images --world plane", "unknown world"),
        ("reproduce images --only spiral", "only is for the plane"),
        ("reproduce --keep here", "keep is for images"),
        ("reproduce images --published no-such-folder/none/x -n 1", "n must be an integer of at least 2"),
        ("reproduce images --published x --inception none.pth", "none.pth"),
        ("reproduce images --inception download", "give published, too"),
        ("reproduce --inception download", "inception is for images"),
    ],
)
def test_mistakes_are_named(words, says):
    assert_mistake(run(words), says)


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """A small random network of the class of google/ddpm-cifar10-32, in a folder of diffusers."""
    folder = tmp_path_factory.mktemp("published")
    scheduler = diffusers.DDPMScheduler(num_train_timesteps=1000, beta_start=1e-4, beta_end=0.02, clip_sample=False)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        small = unet_config("digits") | {"block_out_channels": (8, 16), "norm_num_groups": 4, "attention_head_dim": 4}
        model = diffusers.UNet2DModel(**small)
    diffusers.DDPMPipeline(unet=model, scheduler=scheduler).save_pretrained(folder)
    return folder


def test_the_table_of_published_weights_goes_on_where_it_stopped(published, tmp_path):
    how = {"n": 40, "methods": ("DDIM",), "many": (("DDPM", 2),), "features": "pixels", "progress": False}
    found = published_table(published, tmp_path / "sets", "digits", steps=(1,), **how)
    assert [row.name for row in found.rows] == ["DDIM, N = 1", "DDPM, N = 2"] and found.rows[0].n == 40
    made = {path: path.stat().st_mtime_ns for path in (tmp_path / "sets").glob("*/shards/*")}
    more = published_table(published, tmp_path / "sets", "digits", steps=(1, 2), **how)
    assert [row.name for row in more.rows] == ["DDIM, N = 1", "DDIM, N = 2", "DDPM, N = 2"]
    assert all(path.stat().st_mtime_ns == when for path, when in made.items())
    assert more.rows[0].frechet == found.rows[0].frechet


@pytest.fixture
def few_runs(monkeypatch):
    """The command's table, of two short runs."""
    short = partial(published_table, methods=("DDIM",), steps=(2,), many=(("DDPM", 3),), progress=False)
    monkeypatch.setattr(tables, "published_table", short)


@pytest.fixture
def colours(tmp_path):
    """A small random network for 3x8x8 images in a folder of diffusers, and real images of that size."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = diffusers.UNet2DModel(**CONFIG)
    scheduler = diffusers.DDPMScheduler(clip_sample=False)
    diffusers.DDPMPipeline(unet=model, scheduler=scheduler).save_pretrained(tmp_path / "network")
    real = np.random.default_rng(0).integers(0, 256, (90, 8, 8, 3), dtype=np.uint8)
    np.savez(tmp_path / "real.npz", images=real)


@pytest.mark.slow
def test_one_command_makes_the_table_of_published_weights_with_inceptions_features(
    few_runs, colours, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    weights, given = pretend_inception(monkeypatch, tmp_path)
    words = f"reproduce images --published ./network --inception {weights} --real npz:real.npz -n 40 --out sets"
    told = run_json(words)
    assert given == [(["2048"], str(weights))] and told["features"] == "inception"
    assert [row["name"] for row in told["rows"]] == ["DDIM, N = 2", "DDPM, N = 3", "real images"]
    shown = run(words).stdout
    assert "FID" in shown and "KID" in shown and "torch-fidelity" in shown


@pytest.mark.slow
def test_the_published_table_uses_all_real_images(few_runs, colours, tmp_path):
    """As the paper's FID does; other distances take 5000 of them at most."""
    np.savez(tmp_path / "many.npz", images=np.random.default_rng(1).integers(0, 256, (5001, 8, 8, 3), dtype=np.uint8))
    many, held = (f"npz:{tmp_path / name}.npz" for name in ("many", "real"))
    how = {"n": 40, "features": "pixels", "held": held}
    found = tables.published_table(tmp_path / "network", tmp_path / "sets", many, **how)
    assert found.real.startswith("5001 of") and found.held.startswith("90 of")


def test_real_images_of_another_shape_are_refused_before_sampling(published, tmp_path):
    with pytest.raises((ValueError, OSError)):
        published_table(published, tmp_path / "sets", "npz:missing.npz", n=40, progress=False)
    assert not (tmp_path / "sets").exists()
