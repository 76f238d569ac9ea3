"""The share of samples in which a classifier, of photographs or of digits, sees the class that was asked for.

``python -m scripts.shares NAME`` writes it to data/cards/NAME-shares.json, which the network's card quotes;
``python -m scripts.shares NAME --sharpen OTHER`` that of its images sharpened by OTHER to data/cards/OTHER-shares.json.
"""

import argparse
import json

import torch

from toylab import guided, load
from toylab._files import replacing
from toylab.epsilon import Sharpener, checkpoints
from toylab.epsilon.unet import UNet
from toylab.images import DigitClassifier, ImageSampler, PhotoClassifier, cascade
from toylab.images.features import classifier_for

METHOD, STEPS, SCALES = "S-PNDM", 30, (1, 4)


def shares(
    network: UNet, judge: PhotoClassifier | DigitClassifier, n: int, seed: int = 0, sharpener: Sharpener | None = None
) -> dict:
    """For each of `SCALES` the share of n samples, equally many of each class, that `judge` gives the class asked for;
    and those of each class. With a `sharpener` the samples are those of both stages."""
    asked = torch.arange(n) % len(network.classes)
    found = {}
    for scale in SCALES:
        eps = network.of(asked) if scale == 1 else guided(network.of(asked), network, scale)
        if sharpener:
            run = cascade(eps, sharpener, METHOD, STEPS, n=n, seed=seed)[1]
        else:
            run = ImageSampler(eps, METHOD, STEPS).images(n, seed)
        right = torch.from_numpy(judge(run.x).classes) == asked
        by_class = {name: right[asked == number].double().mean().item() for number, name in enumerate(network.classes)}
        found[str(scale)] = {"share": right.double().mean().item(), "by_class": by_class}
    real = judge.accuracy[(sharpener or network).shape[-1]] if isinstance(judge, PhotoClassifier) else judge.accuracy
    return {"n": n, "seed": seed, "method": METHOD, "steps": STEPS, "scales": found, "real": real}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("name")
    parser.add_argument("--sharpen", metavar="OTHER")
    parser.add_argument("-n", type=int, default=1000)
    given = parser.parse_args()
    network = load(given.name)
    found = shares(network, classifier_for(network.shape), given.n, sharpener=given.sharpen and load(given.sharpen))
    print(json.dumps(found, indent=2))
    with replacing(checkpoints.folder().parent / "cards" / f"{given.sharpen or given.name}-shares.json") as file:
        file.write(f"{json.dumps(found, indent=2)}\n".encode())


if __name__ == "__main__":
    main()
