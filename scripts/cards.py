"""The cards of the shipped image networks in data/README.md: what each is, how it was trained, what it makes.

``python -m scripts.cards`` writes them anew; ``python -m scripts.cards FILE NAME`` first ships a trained
network: FILE.safetensors becomes the checkpoint NAME, and what lies beside it in FILE.metrics.csv its training record.
"""

import argparse
import csv
import json
from collections.abc import Callable
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes

from toylab._files import replacing
from toylab.epsilon import Sharpener, checkpoints, guided
from toylab.epsilon.unet import UNet
from toylab.figures.look import in_our_look
from toylab.images import cascade
from toylab.images.sampler import ImageSampler
from toylab.images.tiles import save_picture
from toylab.training import recipe

BEGIN, END = "<!-- image networks: begin -->", "<!-- image networks: end -->"
ROWS = 100  # of a shipped training record
METHOD, STEPS, SAMPLES = "F-PNDM", 40, 64
FIRST = {"cifar10-sharp": "cifar10-16-classes"}  # whose images a network sharpens here
GUIDED, GUIDED_STEPS, SCALE, EACH = "S-PNDM", 30, 4, 8  # of the picture by classes: a row a class


def ship(file: str | Path, name: str) -> None:
    """Make the trained network in `file` the shipped network `name`, with its training record.

    Its data set is called as in its recipe, whatever copy of the data it has seen: the story tells that.
    """
    file = Path(file)
    network = checkpoints.load(file)
    story = network.metadata
    with open(file.with_suffix(".metrics.csv"), newline="") as table:
        header, *rows = csv.reader(table)
    rows = np.array(rows, dtype=float)
    rows = rows[rows[:, 0] <= story.get("steps_done", story["training"]["steps"])]
    lines = [header, *([f"{value:.6g}" for value in row] for row in _thinned(rows, header.index("images_per_second")))]
    network.dataset = recipe(story["configuration"]).data
    checkpoints.save(network, checkpoints.folder() / f"{name}{checkpoints.SUFFIX}", half=True)
    with replacing(_folder() / f"{name}.csv") as table:
        table.write("".join(f"{','.join(line)}\n" for line in lines).encode())


def _thinned(rows, speed):
    """At most `ROWS` means over rows of a record, with the last step and the images of each; the column `speed` is that
    over their whole time."""
    seconds, before = np.diff(rows[:, 1], prepend=0) / rows[:, speed], 0
    parts = [np.array_split(column, min(ROWS, len(rows))) for column in (rows, seconds)]
    for part, took in zip(*parts, strict=True):
        row = [*part[-1, :2], *part[:, 2:].mean(0)]
        row[speed], before = (row[1] - before) / took.sum(), row[1]
        yield row


def names() -> list[str]:
    """The shipped networks for images, sorted."""
    return [name for name in checkpoints.names() if len(checkpoints.load(name).shape) == 3]


def card(name: str) -> str:
    """The card of one network as Markdown; draws its two pictures."""
    network = checkpoints.load(name)
    story = network.metadata
    training, data = story["training"], story["data"]
    steps = story.get("steps_done", training["steps"])
    record = np.atleast_1d(np.genfromtxt(_folder() / f"{name}.csv", delimiter=",", names=True))
    drawn = _drawn(name, network)
    figure = plot_training(record, name).figure
    figure.savefig(_folder() / f"{name}-training.png", dpi=80)
    plt.close(figure)
    hours = _seconds(record) / 3600
    size = (checkpoints.folder() / f"{name}{checkpoints.SUFFIX}").stat().st_size / 1e6
    unfinished = f" (of {training['steps']}: the run was stopped here)" if "steps_done" in story else ""
    facts = [
        f"- {story['architecture']} `{story['configuration']}`: {story['parameters']:,} parameters, {size:.2f} MB in "
        f"float16, for images {' x '.join(map(str, network.shape))}; {story['schedule']} schedule, "
        f"{story['arguments']['prediction']} prediction",
        f"- data: {data['images']:,} images. {data.get('note', '')}".rstrip(),
        f"- training: {steps:,} steps{unfinished} of {training['batch']} images, {steps * training['batch']:,} in all, "
        f"in {hours:.1f} hours ({np.median(record['images_per_second']):.0f} images a second, median); "
        f"{training['precision']}; loss {story['loss']:.4f} (weighting {training['weighting']})",
        f"- command: `{story['command']}`",
    ]
    pictures = f"![{drawn}](cards/{name}-samples.png) ![loss against images seen](cards/{name}-training.png)"
    if "start" in story:
        facts.append(f"- begun from {_told(story['start'])}")
    if network.classes:
        draw_classes(network, _folder() / f"{name}-classes.png")
        pictures += (
            f" ![{EACH} samples a class, {GUIDED}, {GUIDED_STEPS} steps, guidance {SCALE}](cards/{name}-classes.png)"
        )
        facts.append(f"- labels: {', '.join(network.classes)}")
    facts += _shares(name)
    return "\n".join([f"### {name}", "", pictures, "", *facts])


def _told(start):
    """In words, the network that a run began from."""
    story = start["story"]
    training = story["training"]
    steps = story.get("steps_done", training["steps"])
    unfinished = f", stopped after {steps:,} steps" if "steps_done" in story else ""
    seen = f"{steps * training['batch']:,} images, loss {story['loss']:.4f}"
    return f"`{start['network']}`: `{story['command']}`{unfinished} ({seen})"


def _shares(name):
    """The line about what a classifier sees, where that was measured."""
    file = _folder() / f"{name}-shares.json"
    if not file.is_file():
        return []
    found = json.loads(file.read_text())
    parts = [
        f"{each['share']:.0%} {'without guidance' if scale == '1' else f'with guidance {scale}'}"
        for scale, each in found["scales"].items()
    ]
    return [
        f"- the classifier sees the class asked for in {', '.join(parts)} ({found['n']:,} samples, {found['method']}, "
        f"{found['steps']} steps, seed {found['seed']}); in {found['real']:.0%} of the real test images of this size"
    ]


def _drawn(name, network):
    """Draw what the network makes; returns what the picture shows, in words."""
    path = _folder() / f"{name}-samples.png"
    if name not in FIRST:
        draw_samples(network, path)
        return f"{SAMPLES} samples, {METHOD}, {STEPS} steps, seed 0"
    draw_sharpened(checkpoints.load(FIRST[name]), network, path)
    return (
        f"{EACH} samples a class of {FIRST[name]}, {GUIDED}, {GUIDED_STEPS} steps, guidance {SCALE}, seed 0; right: "
        "the same sharpened"
    )


def draw_sharpened(first: UNet, network: Sharpener, path: Path) -> None:
    """Write a picture, a row a class: guided samples of `first` on the left, the same sharpened on the right."""
    labels = torch.arange(len(first.classes)).repeat_interleave(EACH)
    eps = guided(first.of(labels), first, SCALE)
    small, large = cascade(eps, network, GUIDED, GUIDED_STEPS, n=len(labels), progress=False)
    enlarged = small.x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    rows = torch.stack([part.reshape(-1, EACH, *network.shape) for part in (enlarged, large.x)], 1)
    with replacing(path) as file:
        save_picture(rows.flatten(0, 2), file, 2 * EACH, scale=2)


def draw_classes(network: UNet, path: Path) -> None:
    """Write a picture with a row of guided samples for each class."""
    labels = torch.arange(len(network.classes)).repeat_interleave(EACH)
    eps = guided(network.of(labels), network, SCALE)
    x = ImageSampler(eps, GUIDED, GUIDED_STEPS).images(len(labels), progress=False).x
    with replacing(path) as file:
        save_picture(x, file, EACH, scale=max(1, 64 // network.shape[-1]))


def draw_samples(network: UNet, path: Path) -> None:
    """Write a picture of images 0 to `SAMPLES` - 1 of seed 0, those that ``toylab sample`` makes."""
    x = ImageSampler(network, METHOD, STEPS).images(SAMPLES, progress=False).x
    with replacing(path) as file:
        save_picture(x, file, scale=max(1, 64 // network.shape[-1]))


@in_our_look
def plot_training(record: np.ndarray, title: str) -> Axes:
    """Loss against images seen, from the rows of a training record. Returns the Axes."""
    axes = plt.subplots(figsize=(6, 3.6))[1]
    axes.plot(record["images"] / 1e3, record["loss"])
    low, high = np.quantile(record["loss"], [0, 0.95])
    ylim = (low - 0.05 * (high - low), low + 1.3 * (high - low)) if high > low else None
    axes.set(xlabel="images seen (thousands)", ylabel="loss", title=title, ylim=ylim)
    return axes


def write_cards(path: str | Path) -> None:
    """Put the cards of all image networks between the two marks in the file `path`."""
    put_between(path, BEGIN, END, lambda: "\n\n".join(card(name) for name in names()))


def put_between(path: str | Path, begin: str, end: str, write: Callable[[], str]) -> None:
    """Put what `write` returns between two marks in the file `path`."""
    path = Path(path)
    before, mark, rest = path.read_text(encoding="utf-8").partition(begin)
    _, other, after = rest.partition(end)
    if not (mark and other):
        raise ValueError(f"{path} must have the lines {begin} and {end}")
    text = write()
    with replacing(path) as file:
        file.write(f"{before}{begin}\n{text}\n{end}{after}".encode())


def _folder():
    return checkpoints.folder().parent / "cards"


def _seconds(record):
    """Time spent in training: the images of each row over its speed."""
    return float((np.diff(record["images"], prepend=0) / record["images_per_second"]).sum())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("file", nargs="?", help="a trained network to ship (.safetensors)")
    parser.add_argument("name", nargs="?", help="what it is to be called")
    given = parser.parse_args()
    if given.file:
        ship(given.file, given.name or Path(given.file).stem)
    write_cards(checkpoints.folder().parent / "README.md")


if __name__ == "__main__":
    main()
