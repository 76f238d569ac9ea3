"""The card of the shipped networks for points in the plane: how good each of them is.

``python -m scripts.networks`` measures all of them and writes the table into data/README.md.
"""

from collections.abc import Iterable
from pathlib import Path

from scripts.cards import put_between
from toylab import datasets
from toylab._progress import Bar
from toylab._types import Eps
from toylab.analysis._eps_error import eps_error
from toylab.epsilon import checkpoints
from toylab.samplers import sample

PARTICLES = 2000
RADIUS = 0.15
BEGIN, END = "<!-- networks: begin -->", "<!-- networks: end -->"


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


def write_card(path: str | Path) -> None:
    """Measure all networks anew and put their table between the two marks in the file `path`."""
    put_between(path, BEGIN, END, table)


if __name__ == "__main__":
    write_card(checkpoints.folder().parent / "README.md")
