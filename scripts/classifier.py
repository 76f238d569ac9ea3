"""The classifier of photographs in data/classifiers: trains, tests and writes it.

``python -m scripts.classifier`` takes CIFAR-10's own images, ``--train npz:FILE --test npz:FILE`` copies of them. Half
of every batch is seen at 16x16, so that one network judges both sizes.
"""

import argparse
import json
import time

import numpy as np
import torch
from safetensors.torch import save
from torch import nn
from torch.nn import functional as F

from toylab import __version__, _shipped, images
from toylab._files import replacing, user_path
from toylab.images.data.pixels import Images
from toylab.images.photographs import SIZES, ConvNet, PhotoClassifier, as_seen, whitening

BATCH, PEAK, DECAY, SMOOTHING, SHIFT = 128, 0.15, 5e-4, 0.1, 2


def train(data: Images, epochs: int, seed: int) -> ConvNet:
    """A `ConvNet` trained by stochastic gradients with Nesterov's momentum, its rate up for a fifth and down again."""
    torch.manual_seed(seed)
    generator = torch.Generator().manual_seed(seed)
    network = ConvNet(len(data.classes)).to(memory_format=torch.channels_last)
    network.whiten.weight.copy_(whitening(data.values(torch.randperm(len(data), generator=generator)[:2000])))
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    optimizer = torch.optim.SGD(weights, PEAK, momentum=0.9, weight_decay=DECAY, nesterov=True)
    steps = epochs * (len(data) // BATCH)
    rate = torch.optim.lr_scheduler.OneCycleLR(optimizer, PEAK, steps, pct_start=0.2, cycle_momentum=False)
    began = time.monotonic()
    for step in range(steps):
        if step % (len(data) // BATCH) == 0:
            order = torch.randperm(len(data), generator=generator)
        rows = order[step % (len(data) // BATCH) * BATCH :][:BATCH]
        x = _changed(data.values(rows), generator).contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", torch.bfloat16):
            logits = network(x)
        loss = F.cross_entropy(logits.float(), data.labels[rows], label_smoothing=SMOOTHING)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        rate.step()
        if step % 50 == 49:
            print(f"step {step + 1} of {steps}, loss {loss:.3f}, {time.monotonic() - began:.0f} s", flush=True)
    return network.eval()


def _changed(x, generator):
    """A batch [n, 3, 32, 32], half of it as seen at 16x16, half mirrored, all moved by up to `SHIFT` pixels."""
    half = torch.rand(len(x), generator=generator) < 0.5
    x[half] = as_seen(F.avg_pool2d(x[half], 2))
    mirrored = torch.rand(len(x), generator=generator) < 0.5
    x[mirrored] = x[mirrored].flip(-1)
    down, right = torch.randint(-SHIFT // 2, SHIFT // 2 + 1, (2,), generator=generator).tolist()  # whole blocks of two
    x = F.pad(x, (SHIFT,) * 4, mode="reflect")
    return x[:, :, SHIFT + 2 * down :, SHIFT + 2 * right :][:, :, : SIZES[-1], : SIZES[-1]]


def accuracy(classifier: PhotoClassifier, data: Images) -> dict[int, float]:
    """The share of `data` that it gives the right class, at each size."""
    x, right = data.values(slice(None)), data.labels.numpy()
    views = {SIZES[0]: F.avg_pool2d(x, 2), SIZES[1]: x}
    return {size: float(np.mean(classifier(view).classes == right)) for size, view in views.items()}


def write(path: str, network: nn.Module, story: dict) -> None:
    """Write the weights in float16, and their story."""
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    weights = {key: value.half() if value.is_floating_point() else value for key, value in weights.items()}
    path = user_path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacing(path) as file:
        file.write(save(weights, {"toylab": json.dumps(story, sort_keys=True)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", default="cifar10")
    parser.add_argument("--test", default="cifar10:test")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", default=str(_shipped.shipped("data") / "classifiers" / "cifar10.safetensors"))
    given = parser.parse_args()
    data, test = images.load(given.train), images.load(given.test)
    classes = data.classes or [str(number) for number in range(int(data.labels.max()) + 1)]
    data.classes = classes
    network = train(data, given.epochs, given.seed)
    short = [text.rpartition("/")[2] if "/" in text else text for text in (given.train, given.test)]
    prefixes = [f"npz:{name}" if name.endswith(".npz") and ":" not in name else name for name in short]
    story = {
        "classes": classes,
        "command": f"python -m scripts.classifier --train {prefixes[0]} --test {prefixes[1]} --epochs {given.epochs} "
        f"--seed {given.seed}",
        "accuracy": {},
        "parameters": sum(weight.numel() for weight in network.parameters()),
        "versions": {"toylab": __version__, "torch": str(torch.__version__)},
    }
    write(given.out, network, story)
    story["accuracy"] = accuracy(PhotoClassifier(given.out), test)
    write(given.out, network, story)
    print(f"wrote {given.out}: {story['parameters']} parameters, accuracy {story['accuracy']}")


if __name__ == "__main__":
    main()
