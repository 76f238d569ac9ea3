"""Cards of image networks: what they say is in the file and in the record of the training."""

import csv
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image

from scripts import cards, networks
from toylab import training
from toylab.epsilon import checkpoints
from toylab.images.sampler import ImageSampler
from toylab.images.tiles import save_picture

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The folder of a digits network of three steps."""
    folder = tmp_path_factory.mktemp("trained")
    out = folder / "run.safetensors"
    training.train_images("digits", out=out, steps=3, batch=16, note="A note.", labels=False, progress=False)
    return folder


@pytest.fixture
def shipped(trained, tmp_path, monkeypatch):
    """A data folder of one's own in which that network has been shipped; a copy of its run lies in `tmp_path`."""
    monkeypatch.setenv("TOYLAB_DATA", str(tmp_path / "data"))
    monkeypatch.setattr(cards, "STEPS", 4)
    monkeypatch.setattr(cards, "GUIDED_STEPS", 2)
    shutil.copytree(trained, tmp_path, dirs_exist_ok=True)
    cards.ship(tmp_path / "run.safetensors", "digits")
    return tmp_path / "data"


def test_a_card_says_what_the_file_and_the_record_say(shipped):
    network, text = checkpoints.load("digits"), cards.card("digits")
    with open(shipped / "cards/digits.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    speed = float(np.median([float(row["images_per_second"]) for row in rows]))
    assert f"{sum(p.numel() for p in network.parameters()):,} parameters" in text
    assert "1,797 images. A note." in text and "3 steps of 16 images, 48 in all" in text
    assert f"({speed:.0f} images a second, median)" in text
    assert f"`{network.metadata['command']}`" in text


def test_the_pictures_of_a_card_are_there(shipped):
    text = cards.card("digits")
    shown = re.findall(r"\((cards/.*?\.png)\)", text)
    assert len(shown) == 2
    for name in shown:
        assert len(Image.open(shipped / name).convert("L").getcolors(256)) > 10


def test_cards_replace_what_lies_between_the_marks_and_nothing_else(shipped):
    readme = shipped / "README.md"
    readme.write_text(f"before\n{cards.BEGIN}\nold\n{cards.END}\nafter\n")
    cards.write_cards(readme)
    text = readme.read_text()
    assert text.startswith("before\n") and text.endswith("after\n") and "old" not in text and "### digits" in text


def test_a_file_without_marks_is_left_alone(shipped):
    readme = shipped / "README.md"
    readme.write_text("nothing here\n")
    with pytest.raises(ValueError, match="must have the lines"):
        cards.write_cards(readme)
    assert readme.read_text() == "nothing here\n"


def test_a_long_record_is_thinned_to_means(tmp_path, monkeypatch, shipped):
    table = tmp_path / "run.metrics.csv"
    header = table.read_text().splitlines()[0]
    speeds = np.random.default_rng(0).uniform(10, 400, 1000)
    lines = [f"{3 * i / 1000},{1280 * i},{float(i)},1,1e-3,{speed},1" for i, speed in enumerate(speeds, 1)]
    table.write_text("\n".join([header, *lines]) + "\n")
    cards.ship(tmp_path / "run.safetensors", "digits")
    with open(shipped / "cards/digits.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == cards.ROWS
    assert cards._seconds(np.genfromtxt(shipped / "cards/digits.csv", delimiter=",", names=True)) == pytest.approx(
        sum(1280 / speed for speed in speeds)
    )
    assert float(rows[0]["loss"]) == pytest.approx(5.5) and float(rows[-1]["images"]) == 1280000


def test_a_record_ends_where_the_shipped_network_does(tmp_path, shipped):
    table = tmp_path / "run.metrics.csv"
    lines = [f"{step},{16 * step},1.0,1,1e-3,100,1" for step in (1, 2, 3, 4, 5)]  # of a run that goes on
    table.write_text("\n".join([table.read_text().splitlines()[0], *lines]) + "\n")
    cards.ship(tmp_path / "run.safetensors", "digits")
    with open(shipped / "cards/digits.csv", newline="") as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["1", "2", "3"]


def test_what_cannot_be_shipped_leaves_the_shipped_network_as_it_is(tmp_path, shipped):
    before = (shipped / "checkpoints/digits.safetensors").read_bytes()
    training.train_images("digits", out=tmp_path / "b.safetensors", steps=1, batch=4, progress=False)
    (tmp_path / "b.metrics.csv").unlink()
    with pytest.raises(FileNotFoundError, match="b.metrics.csv"):
        cards.ship(tmp_path / "b.safetensors", "digits")
    assert (shipped / "checkpoints/digits.safetensors").read_bytes() == before


def test_a_shipped_network_is_the_trained_one_under_the_name_of_its_data(tmp_path, shipped):
    images = np.random.default_rng(0).integers(0, 256, (5, 8, 8, 1), dtype=np.uint8)
    np.savez(tmp_path / "copies.npz", images=images)
    out, data = tmp_path / "c.safetensors", f"npz:{tmp_path}/copies.npz"
    trained = training.train_images("digits", out=out, data=data, steps=2, batch=4, progress=False)
    cards.ship(out, "c")
    network = checkpoints.load("c")
    assert (trained.dataset, network.dataset) == ("npz:copies.npz", "digits")
    assert network.metadata == {**trained.metadata, "dataset": "digits"}
    for key, weight in network.state_dict().items():
        assert weight.equal(trained.state_dict()[key])


def test_the_picture_of_a_card_is_what_toylab_sample_makes(tmp_path, shipped):
    network = checkpoints.load("digits")
    cards.draw_samples(network, tmp_path / "card.png")
    save_picture(ImageSampler(network, cards.METHOD, 4).images(cards.SAMPLES).x, tmp_path / "sample.png", scale=8)
    assert (tmp_path / "card.png").read_bytes() == (tmp_path / "sample.png").read_bytes()


def test_a_card_of_a_network_with_labels_shows_them_and_where_it_began(tmp_path, shipped):
    out, start = tmp_path / "l.safetensors", str(tmp_path / "run.safetensors")
    training.train_images("digits", out=out, steps=2, batch=4, start=start, progress=False)
    cards.ship(out, "labelled")
    told = {"n": 50, "seed": 0, "method": "DDIM", "steps": 9, "real": 0.8}
    shares = told | {"scales": {"1": {"share": 0.4}, "3": {"share": 0.6}}}
    (shipped / "cards/labelled-shares.json").write_text(json.dumps(shares))
    text = cards.card("labelled")
    assert (
        "- labels: 0, 1, 2" in text and "begun from `run.safetensors`: `toylab train digits --schedule linear" in text
    )
    assert "class asked for in 40% without guidance, 60% with guidance 3 (50 samples" in text
    assert "in 80% of the real test images" in text
    picture = Image.open(shipped / re.findall(r"\((cards/\S*-classes.png)\)", text)[0])
    assert picture.size == (8 * (8 * 9 - 1), 8 * (10 * 9 - 1))


def test_the_table_of_planar_networks_leaves_image_networks_out(shipped):
    assert "digits" not in networks.table()
