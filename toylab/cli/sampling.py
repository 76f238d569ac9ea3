"""``toylab sample``: one run, as numbers and as a picture."""

import json as json_module
from typing import Annotated

import typer

from . import options
from .output import check_output, figure, print_json

THRESHOLD = 0.1  # distance beyond which a particle counts as off the manifold


def sample(
    name: options.Name,
    method: Annotated[
        str, typer.Option(help="A method (see: toylab methods) or gradient+transfer.")
    ] = "F-PNDM",
    steps: Annotated[int, typer.Option(help="Number of steps.")] = 20,
    particles: options.Particles = 512,
    seed: options.Seed = 0,
    eps: options.Eps = "network",
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    times: Annotated[
        str | None,
        typer.Option(help="The nodes themselves, decreasing: 1,0.5,0.1,0.001. In place of steps and limits."),
    ] = None,
    eta: Annotated[float, typer.Option(help="DDIM's share of DDPM's noise, 0 to 1.")] = 0.0,
    option: options.Extra = None,
    points: options.Points = None,
    out: Annotated[
        str | None,
        typer.Option(help="File for the numbers (.npz); the picture gets the same name. [NAME-METHOD.npz]"),
    ] = None,
    json: options.Json = False,
):
    """Run one method and write every state (.npz) and a picture of the tracks (.png).

    The .npz holds states [steps + 1, n, 2], times [steps + 1], nfe, nfe_per_step and metadata (JSON). Files
    that are there already are replaced.

    \b
    Examples:
      toylab sample spiral
      toylab sample spiral --method DDIM --steps 10 --out ddim.npz
      toylab sample circle --eps exact --method PRK -o midpoint=sigma
      toylab sample moons --method DDIM --eta 0.5 --seed 3 --json
    """
    from .. import problems
    from .. import sample as run

    chosen = options.one_method(method, eta, option)
    path = check_output(out or f"{_file_stem(name)}-{chosen.name}.npz", [".npz"])
    picture = check_output(path.with_suffix(".png"), [".png"])
    found = problems.find(name, eps, schedule, points)
    if times is not None:
        times = options.comma_separated("times", times, float, "numbers")
    trajectory = run(
        found.eps, found.schedule, chosen, steps, n=particles, seed=seed, times=times, t_start=t_start,
        t_end=t_end, spacing=spacing,
    )  # fmt: skip
    sweep = _as_sweep(trajectory, found)
    last = sweep.distance[trajectory.method, trajectory.steps][-1]
    about = {
        **found.labels,
        "method": trajectory.method,
        "options": {key: getattr(chosen, key) for key in chosen.options},
        "eta": eta,
        "steps": trajectory.steps,
        "nfe": trajectory.nfe,
        "particles": particles,
        "seed": seed,
        "spacing": spacing if times is None else None,
        "distance": float(last),
        "off": float(sweep.off[trajectory.method, trajectory.steps][-1]),
    }
    _write(path, picture, trajectory, about, sweep)
    if json:
        print_json({**about, "files": [str(path), str(picture)]})
        return
    print(f"{found.title}: {trajectory.method}, N = {trajectory.steps}, NFE {trajectory.nfe}")
    if found.manifold:
        print(f"mean distance {figure(last)}, {about['off']:.0%} off the manifold (beyond {THRESHOLD:g})")
    print(f"wrote {path} and {picture}")


def _file_stem(name):
    from pathlib import Path

    return Path(name).name.removesuffix(".safetensors")


def _as_sweep(trajectory, found):
    """The run as a `Sweep` of one method and one step count, which the views can draw."""
    import numpy as np

    from ..analysis import Sweep

    key = trajectory.method, trajectory.steps
    if found.manifold is None:
        distance = np.full((trajectory.steps + 1, 1), np.nan)
        curve = np.zeros((0, 2), np.float32)
    else:
        distance = found.manifold.distance(trajectory.states.double()).numpy()
        curve = found.manifold.curve(800).float().numpy()
    return Sweep(
        methods=(trajectory.method,),
        steps=(trajectory.steps,),
        times={trajectory.steps: trajectory.times.numpy()},
        states={key: trajectory.states.float().numpy()},
        nfe={key: trajectory.nfe},
        distance={key: distance.mean(1)},
        off={key: np.where(np.isnan(distance), np.nan, distance > THRESHOLD).mean(1)},
        curve=curve,
        threshold=THRESHOLD,
        labels=found.labels,
    )


def _write(path, picture, trajectory, about, sweep):
    import numpy as np
    import torch

    from .. import __version__, views
    from ..epsilon.checkpoints import replacing

    about = {**about, "toylab": __version__, "torch": torch.__version__}
    drawing = views.still(sweep)
    with replacing(path) as file:
        np.savez_compressed(
            file,
            states=trajectory.states.numpy(),
            times=trajectory.times.numpy(),
            nfe=trajectory.nfe,
            nfe_per_step=trajectory.nfe_per_step,
            metadata=json_module.dumps(about),
        )
    with replacing(picture) as file:
        drawing.savefig(file, format="png", dpi=120)
