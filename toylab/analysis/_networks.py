"""How good a trained network for points in the plane is, and the card of the shipped ones.

``python -m toylab.analysis._networks`` measures all of them and writes the table into data/README.md.
"""

from collections.abc import Iterable
from os import PathLike

import numpy as np
import torch

from toylab import datasets
from toylab._files import replacing, user_path
from toylab._progress import Bar
from toylab._types import Eps
from toylab.epsilon import checkpoints
from toylab.epsilon.exact import exact_eps
from toylab.samplers import sample

POINTS = 4000  # points of the exact epsilon's manifold, evenly spread
TIMES = 20  # times at which epsilon is compared, evenly spread over [0.05, t_max]
PARTICLES = 2000
RADIUS = 0.15
BEGIN, END = "<!-- networks: begin -->", "<!-- networks: end -->"


def eps_error(
    network: Eps, times: int = TIMES, samples: int = 500, points: int = POINTS, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """(t, error), float64 arrays [times]: the rms difference of a network's epsilon from the exact one over
    that one's rms, for `samples` forward-process x_t at each t, evenly spread over [0.05, t_max].

    The exact epsilon is that of `points` points evenly on the network's manifold, without spread.
    """
    schedule, curve = network.schedule, datasets.get(network.dataset).curve(points)
    exact = exact_eps(curve, schedule)
    generator = torch.Generator().manual_seed(seed)
    at, errors = torch.linspace(0.05, schedule.t_max, times, dtype=torch.float64), []
    for t in at:
        x0 = curve[torch.randint(len(curve), (samples,), generator=generator)]
        noise = torch.randn(x0.shape, generator=generator, dtype=torch.float64)
        x_t = schedule.alpha_bar(t).sqrt() * x0 + schedule.noise_std(t) * noise
        truth = exact(x_t, t)
        errors.append(((network(x_t, t) - truth).square().mean() / truth.square().mean()).sqrt().item())
    return at.numpy(), np.array(errors)


def quality(network: Eps, seed: int = 0) -> dict[str, float]:
    """A trained 2D network measured against its data set, as a dict of floats.

    ``distance``, ``coverage``: of 2000 F-PNDM samples in 50 steps, the mean distance to the manifold, and
    the share of the manifold that has one of them within 0.15. ``eps_error``: the rms difference from the
    exact epsilon over that one's rms, averaged over the times of `eps_error`.
    """
    manifold, schedule = datasets.get(network.dataset), network.schedule
    x = sample(network, schedule, method="F-PNDM", steps=50, n=PARTICLES, seed=seed, record=False, progress=False).x
    _, errors = eps_error(network, seed=seed)
    return {
        "distance": manifold.distance(x).mean().item(),
        "coverage": manifold.coverage(x, RADIUS),
        "eps_error": errors.mean().item(),
    }


def table(names: Iterable[str] | None = None) -> str:
    """The card of these networks (default: all for points in the plane that come with toylab), measured now: a
    Markdown table."""
    lines = [
        "| network | parameters | loss | distance | coverage | error of epsilon | command |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
    networks = {name: checkpoints.load(name) for name in (checkpoints.names() if names is None else names)}
    planar = [(name, network) for name, network in networks.items() if network.shape == (2,)]
    for name, network in Bar(planar, desc="networks"):
        story, measured = network.metadata, quality(network)
        lines.append(
            f"| {name} | {story['parameters']} | {story['loss']:.4f} | {measured['distance']:.4f} "
            f"| {measured['coverage']:.1%} | {measured['eps_error']:.1%} | `{story['command']}` |"
        )
    return "\n".join(lines)


def write_card(path: str | PathLike) -> None:
    """Measure all networks anew and put their table between the two marks in the file `path`."""
    path = user_path(path)
    before, mark, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{path} must have the lines {BEGIN} and {END}")
    text = f"{before}{BEGIN}\n{table()}\n{END}{after}"
    with replacing(path) as file:
        file.write(text.encode())


if __name__ == "__main__":
    write_card(checkpoints.folder().parent / "README.md")
