"""``toylab sample``, one run as numbers and a picture, and ``toylab samples``, large sets of images."""

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from toylab.cli import options
from toylab.cli.output import check_output, figure, file_stem, print_json, write_run

if TYPE_CHECKING:
    from toylab import problems

Label = Annotated[
    str | None,
    typer.Option("--class", metavar="CLASS", help="Of an image network that knows labels: a class, by name or number."),
]
Guidance = Annotated[
    float | None,
    typer.Option(
        help="With --class: the scale of guidance, 1 for none, 2 to 4 for clearer images; costs twice as much."
    ),
]
Sharpen = Annotated[
    str | None,
    typer.Option(metavar="NETWORK", help="Of an image network: a network that doubles the size of its images."),
]
STAGES = {"cifar10": ("cifar10-16-classes", "cifar10-sharp")}  # what makes a class of it: small images, sharpened
THRESHOLD = 0.1  # distance beyond which a particle counts as off the manifold


@dataclass
class Asked:
    """The options of both commands."""

    name: options.Name
    method: options.Method = "F-PNDM"
    steps: options.Steps = 20
    seed: options.Seed = 0
    schedule: options.Schedule = None
    spacing: options.Spacing = "t"
    t_start: options.Start = None
    t_end: options.End = None
    times: options.Times = None
    eta: options.Eta = 0.0
    option: options.Extra = None
    label: Label = None
    guidance: Guidance = None
    batch: options.Batch = None
    precision: options.Precision = None
    json: options.Json = False

    def __post_init__(self) -> None:
        self.chosen = options.one_method(self.method, self.eta, self.option)

    def grid(self) -> dict[str, Any]:
        """The keywords of `toylab.sample` that say where the nodes are."""
        times = None if self.times is None else options.comma_separated("times", self.times, float, "numbers")
        limits = {"t_start": self.t_start, "t_end": self.t_end, "spacing": self.spacing}
        return {"steps": self.steps, "times": times, **limits}

    def stem(self, name: str) -> str:
        """The beginning of the names of files of these samples."""
        return "-".join([file_stem(name), *([self.label] if self.label else []), self.chosen.name])

    def of(self, found: "problems.Problem") -> "problems.Problem":
        """The problem with the epsilon of the class that is asked for, guided."""
        if self.label is None and self.guidance is None:
            return found
        from toylab import guided

        network = found.eps
        told = [f"class {self.label}"] if self.label else []
        told += [] if self.guidance is None else [f"guidance {self.guidance:g}"]
        if not getattr(network, "classes", ()):
            raise ValueError(f"{told[0]} needs a network that was trained with labels, but {found.title} knows none")
        if self.label is None:
            raise ValueError(f"guidance needs a class, one of: {', '.join(network.classes)}")
        eps, labels = network.of(self.label), {"class": self.label}
        if self.guidance is not None:
            eps, labels = guided(eps, network, self.guidance), labels | {"guidance": self.guidance}
        labels |= {"epsilon": ", ".join([found.labels["epsilon"], *told])}
        return replace(found, eps=eps, labels=found.labels | labels)


@options.sharing(Asked)
def sample(
    asked: Asked,
    n: Annotated[
        int | None, typer.Option("-n", "--particles", "--images", help="Number of particles [512] or images [64].")
    ] = None,
    eps: options.Eps = "network",
    points: options.Points = None,
    sharpen: Sharpen = None,
    record: Annotated[
        bool, typer.Option("--record", help="Also write the states of images; those of particles always are.")
    ] = False,
    out: Annotated[
        str | None,
        typer.Option(help="File of the numbers (.npz) or the picture (.png); the other gets the same name "
                     "[NAME-METHOD.npz]."),
    ] = None,
) -> None:  # fmt: skip
    """Run one method, and write the numbers (.npz) and a picture (.png).

    Of points in the plane, the picture shows their tracks, and the .npz holds states [steps + 1, n, 2]. Of an image
    network it is a grid of images, and the .npz holds images, bytes [n, height, width, channels]: the first n of the
    set that toylab samples makes from this seed. Both hold times [steps + 1], nfe, nfe_per_step and metadata (JSON).
    Files that are there already are replaced.

    \b
    Examples:
      toylab sample spiral
      toylab sample spiral --method DDIM --steps 10 --out ddim.npz
      toylab sample circle --eps exact --method PRK -o midpoint=sigma
      toylab sample moons --method DDIM --eta 0.5 --seed 3 --json
      toylab sample digits --steps 10 -n 100
      toylab sample cifar10 --method F-PNDM --steps 20 -n 64 --out grid.png
      toylab sample cifar10-16-classes --class ship --guidance 4 --method S-PNDM --steps 30 -n 16
      toylab sample cifar10 --class horse --guidance 3
      toylab sample cifar10-16 --sharpen cifar10-sharp
    """
    from toylab import problems
    from toylab import sample as run
    from toylab.widgets import still

    path = check_output(out or f"{asked.stem(asked.name)}.npz", [".npz", ".png"])
    path, picture = (check_output(path.with_suffix(suffix), [suffix]) for suffix in (".npz", ".png"))
    if asked.label is not None and sharpen is None:
        asked.name, sharpen = STAGES.get(asked.name, (asked.name, None))
    found = asked.of(problems.find(asked.name, eps, asked.schedule, points, images=True))
    if len(found.shape) == 3:
        _sample_images(found, asked, 64 if n is None else n, record, path, picture, sharpen)
        return
    image_options = {"batch": asked.batch, "precision": asked.precision, "sharpen": sharpen, "record": record or None}
    for argument, value in image_options.items():
        if value is not None:
            raise ValueError(f"{argument} is for image networks, got {value!r} with points in the plane")
    trajectory = run(found, None, asked.chosen, n=512 if n is None else n, seed=asked.seed, **asked.grid())
    sweep = _as_sweep(trajectory, found)
    last = sweep.distance[trajectory.method, trajectory.steps][-1]
    about = {
        **found.labels,
        "method": trajectory.method,
        "options": options.of(asked.chosen),
        "eta": asked.eta,
        "steps": trajectory.steps,
        "nfe": trajectory.nfe,
        "particles": len(trajectory.x),
        "seed": asked.seed,
        "spacing": asked.spacing if asked.times is None else None,
        "distance": float(last),
        "off": float(sweep.off[trajectory.method, trajectory.steps][-1]),
    }
    drawing = still(sweep)
    write_run(
        path, picture, trajectory, about, {"states": trajectory.states.numpy()},
        lambda file: drawing.savefig(file, format="png", dpi=120),
    )  # fmt: skip
    if asked.json:
        print_json({**about, "files": [str(path), str(picture)]})
        return
    print(f"{found.title}: {trajectory.method}, N = {trajectory.steps}, NFE {trajectory.nfe}")
    if found.manifold:
        print(f"mean distance {figure(last)}, {about['off']:.0%} off the manifold (beyond {THRESHOLD:g})")
    print(f"wrote {path} and {picture}")


def _as_sweep(trajectory, found):
    """The run as a `Sweep` of one method and one step count, which the views can draw."""
    from toylab.analysis import Sweep
    from toylab.analysis._run_sweep import curve_of, distances

    run = trajectory.method, trajectory.steps
    mean, share = distances(found.manifold, trajectory.states, THRESHOLD)
    times, states = {run[1]: trajectory.times.numpy()}, {run: trajectory.states.float().numpy()}
    known = {run: trajectory.nfe}, {run: mean}, {run: share}, curve_of(found.manifold)
    return Sweep((run[0],), (run[1],), times, states, *known, THRESHOLD, found.labels)


SCALED_TO = 64  # pixels of a picture that an image's side has at least


def _sample_images(found, asked, n, record, path, picture, sharpen):
    """The part of ``toylab sample`` that is for an image network, `found`."""
    from toylab import load
    from toylab.images import ImageSampler, cascade
    from toylab.images.tiles import save_picture, to_bytes

    given = {**asked.grid(), "precision": asked.precision or "float32"}
    sampler, stages = ImageSampler(found.eps, asked.chosen, **given), {}
    if sharpen is None:
        run = sampler.images(n, asked.seed, asked.batch, record)
    else:
        how = {"n": n, "seed": asked.seed, "batch": asked.batch, "record": record}
        small, run = cascade(found.eps, load(sharpen), asked.chosen, **given, **how)
        stages = {"sharpened by": sharpen, "nfe of the small images": small.nfe}
    about = {**found.labels, **sampler.settings, **stages, "nfe": run.nfe, "n": n, "seed": asked.seed}
    arrays = {"images": to_bytes(run.x).permute(0, 2, 3, 1).numpy()}
    if record:
        arrays["states"] = run.states.numpy()
    scale = max(1, SCALED_TO // run.x.shape[-1])
    write_run(path, picture, run, about, arrays, lambda file: save_picture(run.x, file, scale=scale))
    _tell(found, about, [path, picture], asked.json)


@options.sharing(Asked)
def samples(
    asked: Asked,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped image network or a network's file.")],
    n: Annotated[int, typer.Option("-n", "--images", help="Number of images.")] = 50_000,
    shard: Annotated[
        int | None, typer.Option(help="Images a file [500]; a stop costs each process one file at most.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The folder to write [NAME-METHOD-STEPS].")] = None,
) -> None:
    """Make a large set of images, alone or with several processes.

    Image i depends on the seed and on i alone, whatever the number of processes and the batch. The folder gets
    finished shards, and at the end images.npz with all images, bytes [n, height, width, channels]. A set that was
    stopped goes on with the same command; with a larger -n a finished one grows. Several GPUs or machines:
    accelerate launch -m toylab samples ..., with a folder that all of them see.

    \b
    Examples:
      toylab samples digits -n 2000 --method DDIM --steps 50
      toylab samples cifar10 --out cifar10-f-pndm --batch 256
      toylab samples cifar10 --method DDPM --steps 1000 --seed 1
    """
    import numpy as np

    from toylab import problems
    from toylab._processes import place
    from toylab.images.sets import BATCH, SHARD, sample_set

    grid, found = asked.grid(), asked.of(problems.find(name, "network", asked.schedule, images=True))
    steps = len(grid["times"]) - 1 if grid["times"] else asked.steps
    result = sample_set(
        found.eps, out or f"{asked.stem(name)}-{steps}", n, asked.chosen, seed=asked.seed, **grid,
        batch=BATCH if asked.batch is None else asked.batch, shard=SHARD if shard is None else shard,
        precision=asked.precision or "float32",
    )  # fmt: skip
    if place().is_main_process:
        with np.load(result) as data:
            about = found.labels | json.loads(str(data["metadata"]))
        _tell(found, about, [result], asked.json)
    place().destroy_process_group()


def _tell(found, about, files, json):
    if json:
        print_json({**about, "files": [str(file) for file in files]})
        return
    nfe, title = f"{about['nfe']}", found.title
    if "sharpened by" in about:
        nfe = f"{about['nfe of the small images']}, and {nfe} to sharpen"
        title += f", sharpened by network {about['sharpened by']}"
    print(f"{title}: {about['method']}, N = {about['steps']}, NFE {nfe}, {about['n']} images")
    print(f"wrote {' and '.join(map(str, files))}")
