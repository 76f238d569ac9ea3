"""Images out of networks: those of ``toylab sample``, and ``toylab samples``, which makes large sets."""

import json as json_module
from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import file_stem, print_json, write_run

SCALED_TO = 64  # pixels of a picture that an image's side has at least


def sample_images(found, method, grid, n, seed, batch, precision, record, path, picture, json):
    """The part of ``toylab sample`` that is for an image network, `found`."""
    from toylab.images.sampler import ImageSampler
    from toylab.images.tiles import save_picture, to_bytes

    sampler = ImageSampler(found.eps, method, **grid, precision=precision or "float32")
    run = sampler.images(n, seed, batch, record)
    about = {**found.labels, **sampler.settings, "nfe": run.nfe, "n": n, "seed": seed}
    arrays = {"images": to_bytes(run.x).permute(0, 2, 3, 1).numpy()}
    if record:
        arrays["states"] = run.states.numpy()
    scale = max(1, SCALED_TO // found.shape[-1])
    write_run(path, picture, run, about, arrays, lambda file: save_picture(run.x, file, scale=scale))
    _tell(found, about, [path, picture], json)


def samples(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A shipped image network or a network's file.")],
    method: options.Method = "F-PNDM",
    steps: options.Steps = 20,
    n: Annotated[int, typer.Option("-n", "--images", help="Number of images.")] = 50_000,
    seed: options.Seed = 0,
    schedule: options.Schedule = None,
    spacing: options.Spacing = "t",
    t_start: options.Start = None,
    t_end: options.End = None,
    times: options.Times = None,
    eta: options.Eta = 0.0,
    option: options.Extra = None,
    batch: options.Batch = None,
    precision: options.Precision = None,
    shard: Annotated[
        int | None, typer.Option(help="Images a file [500]; a stop costs each process one file at most.")
    ] = None,
    out: Annotated[str | None, typer.Option(help="The folder to write [NAME-METHOD-STEPS].")] = None,
    json: options.Json = False,
):
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

    chosen = options.one_method(method, eta, option)
    if times is not None:
        times = options.comma_separated("times", times, float, "numbers")
    found = problems.find(name, "network", schedule, images=True)
    out = out or f"{file_stem(name)}-{chosen.name}-{len(times) - 1 if times else steps}"
    result = sample_set(
        found.eps, out, n, chosen, steps, seed=seed, batch=BATCH if batch is None else batch,
        shard=SHARD if shard is None else shard, precision=precision or "float32", times=times, t_start=t_start,
        t_end=t_end, spacing=spacing,
    )  # fmt: skip
    if place().is_main_process:
        with np.load(result) as data:
            about = found.labels | json_module.loads(str(data["metadata"]))
        _tell(found, about, [result], json)
    place().destroy_process_group()


def _tell(found, about, files, json):
    if json:
        print_json({**about, "files": [str(file) for file in files]})
        return
    print(f"{found.title}: {about['method']}, N = {about['steps']}, NFE {about['nfe']}, {about['n']} images")
    print(f"wrote {' and '.join(map(str, files))}")
