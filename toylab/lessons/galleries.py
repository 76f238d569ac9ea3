"""The gallery of a network that samples anew for every choice."""

from collections.abc import Iterable
from typing import Any

from toylab import epsilon
from toylab._errors import unknown_name
from toylab.images import Images, image_sweep
from toylab.widgets.gallery import Gallery

ANY, GUIDANCE = "any", (1, 1.5, 2, 3, 4, 6)
SEEDS = 10


def explore_images(
    network: Any = "cifar10-16-classes", methods: Iterable[str] = ("DDIM", "S-PNDM"), n: int = 16,
    steps: Iterable[int] = (5, 10, 20), seed: int = 0, label: str = ANY, guidance: float = 1, real: Any = None,
    nfe: Iterable[int] = (), **look: Any,
) -> Gallery:  # fmt: skip
    """A gallery of an image network (or its name) that samples anew for every class, guidance and seed chosen.

    Class, guidance and seed are those shown first; class and guidance are there for a network with labels, and guidance
    acts once a class is chosen (1: none). real: real images, `toylab.images.Images` or a tensor, the nearest of which
    stand beside an image's film. nfe: budgets, to compare at equal evaluations, too. **look: further arguments of
    `Gallery`.
    """
    network: Any = epsilon.load(network) if isinstance(network, str) else network
    classes = getattr(network, "classes", ())
    choices = {"Class": [ANY, *classes], "Guidance": [f"{scale:g}" for scale in GUIDANCE]} if classes else {}
    choices["Seed"] = [str(number) for number in range(SEEDS)]
    chosen = {"Class": label, "Guidance": f"{guidance:g}"} if classes else {}

    def compute(chosen, progress=True):
        eps: Any = network
        label, scale = chosen.get("Class", ANY), float(chosen.get("Guidance", 1))
        labels = {}
        if label != ANY:
            labels["epsilon"] = f"{label}, guidance {scale:g}"
            eps = network.of(label) if scale == 1 else epsilon.guided(network.of(label), network, scale)
        return image_sweep(eps, network.schedule, methods, steps, nfe, n, int(chosen["Seed"]), labels, progress)

    chosen |= {"Seed": str(seed)}
    real = real.values(slice(None)) if isinstance(real, Images) else real
    for name, value in chosen.items():  # before anything is computed
        if value not in choices[name]:
            raise unknown_name(name.lower(), value, choices[name])
    return Gallery(compute(chosen), choices=choices, chosen=chosen, compute=compute, real=real, **look)
