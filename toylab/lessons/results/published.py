"""The paper's table of CIFAR-10 with published weights: sets of images of every method, and their distances."""

import os
from collections.abc import Callable, Sequence

from toylab import epsilon
from toylab._errors import positive_int
from toylab._files import user_path
from toylab._processes import place
from toylab.images import Distances, Yardstick, distances, load, sample_set

METHODS = ("DDIM", "S-PNDM", "F-PNDM")
STEPS = (10, 20, 50, 100, 250)
MANY = ("DDIM", 1000), ("DDPM", 1000)


def published_table(
    network: str | os.PathLike, out: str | os.PathLike, real: str = "cifar10", n: int = 50_000,
    methods: Sequence[str] = METHODS, steps: Sequence[int] = STEPS, many: Sequence[tuple[str, int]] = MANY,
    features: str | Callable | None = None, held: str | None = None, note: str = "", progress: bool = True,
) -> Distances | None:  # fmt: skip
    """Make sets of n images with each method and step count, and measure how far they are from all real ones.

    Sets lie in `out`, a folder each; those that are there are kept, and one that was stopped goes on. Started by
    ``accelerate launch`` or torchrun the processes share the work, and the first of them measures.

    Args:
        network: a name of the Hub ("google/ddpm-cifar10-32"), a folder of diffusers, or any other network's name.
        real: source of the real images, of the network's shape. many: further (method, steps).
        features: as for `toylab.images.distances`. held: source of other real images, which say how near one can come;
            by default half of the real ones, which then are the less. note: about the real images.

    Returns `Distances`, None on all processes but the first. Raises ValueError or TypeError naming the argument,
    OSError where the network cannot be loaded.
    """
    out, n = user_path(out, "out"), positive_int("n", n, 2)
    net = epsilon.load(network)
    known, others = (  # before hours of sampling
        source and load(source, size=net.shape[-1], progress=progress) for source in (real, held)
    )
    runs = [(method, count) for method in methods for count in steps] + list(many)
    paths = {
        f"{method}, N = {count}": sample_set(net, out / f"{method}-{count}", n, method, count, progress=progress)
        for method, count in runs
    }  # fmt: skip
    if not place().is_main_process:
        return None
    sets = {name: load(f"npz:{path}") for name, path in paths.items()}
    labels = {"epsilon": str(network), "seeds": "0"} | ({"real images": note} if note else {})
    yardstick = Yardstick(known, features, others, most=len(known), progress=progress)
    return distances(sets, yardstick, labels=labels, progress=progress)
