"""The images a second that the image networks train on, and the share of this machine's peak.

    OMP_NUM_THREADS=2 python benchmarks/training.py [--recipes digits,cifar10-16] [--precision bfloat16] [--compile]

The peak is the FLOP/s of a large matrix product or convolution, measured in the same run and precision. The FLOPs of a
network are those that torch counts in its convolutions and products, forwards and backwards. On a GPU batch and
precision are those of the recipe. On a CPU they are 32 and float32, since bfloat16 pays only on processors that
calculate in it, and the seconds are of CPU time, divided by the threads, so that whatever else runs on the machine
counts little.
"""

import argparse
import time
from dataclasses import replace

import torch
from torch.utils.flop_counter import FlopCounterMode

from toylab import _processes as processes
from toylab import training
from toylab.images import Images
from toylab.schedules import get
from toylab.training import RECIPES, examples, fit
from toylab.training.config import PRECISION
from toylab.training.images import memory_format


def clock():
    """Seconds: of CPU time for each thread on a CPU, by the clock on a GPU."""
    cpu = processes.device().type == "cpu"
    return time.process_time() / torch.get_num_threads() if cpu else time.perf_counter()


def peak(device, precision, seconds=1.0):
    """FLOP/s of the best of many products of two matrices, and of many convolutions: libraries differ in what they do
    best."""
    cpu, dtype = device.type == "cpu", getattr(torch, precision)
    n, images, channels, size = (2048, 16, 256, 32) if cpu else (8192, 256, 512, 32)
    a, b = torch.randn(2, n, n, device=device, dtype=dtype)
    x = torch.randn(images, channels, size, size, device=device, dtype=dtype)
    x = x.to(memory_format=torch.channels_last)
    conv = torch.nn.Conv2d(channels, channels, 3, padding=1, device=device, dtype=dtype)
    conv = conv.to(memory_format=torch.channels_last)
    with torch.inference_mode():
        product = 2 * n**3 / best(lambda: (a @ b)[0, 0].item(), seconds)
        convolution = 2 * 9 * x.numel() * channels / best(lambda: conv(x)[0, 0, 0, 0].item(), seconds)
    return max(product, convolution)


def best(work, seconds):
    """The least time that `work()` took within `seconds`."""
    least, end = float("inf"), clock() + seconds
    while clock() < end:
        begin = clock()
        work()
        least = min(least, clock() - begin)
    return least


def flops(recipe):
    """FLOPs of one image, forwards and backwards."""
    network = recipe.network()
    x = torch.randn(1, *network.shape)
    with FlopCounterMode(display=False) as counter:
        network(x, 0.5).square().mean().backward()
    return counter.get_total_flops()


def drawn(images, config):
    """Examples a second that one process draws with nothing else to do."""
    schedule, count, begin = get("linear"), 0, clock()
    while clock() - begin < 2:
        examples.draw(images.batch, schedule, config, count)
        count += 1
    return count * config.batch / (clock() - begin)


def speed(recipe, images, config, seconds, compiled):
    """Images a second after the first look of the loop, over `seconds`."""
    network = recipe.network()
    network, looks = network.to(memory_format=memory_format(config.precision, processes.device())), []

    def watch(look):
        looks.append((clock(), look.images))
        if looks[-1][0] - looks[0][0] > seconds:
            raise StopIteration

    try:
        fit(
            network, images.batch, recipe.schedule, config, progress=False, compile=compiled, watch=watch,
            look_every=1 if processes.device().type == "cpu" else 10,
        )  # fmt: skip
    except StopIteration:
        pass
    return (looks[-1][1] - looks[0][1]) / (looks[-1][0] - looks[0][0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--recipes", default=",".join(RECIPES))
    parser.add_argument("--seconds", type=float, default=20, help="for each recipe")
    parser.add_argument("--batch", type=int)
    parser.add_argument("--precision", choices=PRECISION)
    parser.add_argument("--compile", action="store_true")
    options = parser.parse_args()
    device = processes.device()
    cpu = device.type == "cpu"
    print(
        f"{torch.get_num_threads()} threads" if cpu else torch.cuda.get_device_name(device),
        f"torch {torch.__version__}",
    )
    titles = {"recipe": -16, "batch": 6, "precision": 10, "images/s": 10, "GFLOP": 8, "GFLOP/s": 9, "of peak": 9}
    titles |= {"drawn/s": 10}
    print("".join(title.rjust(width) if width > 0 else title.ljust(-width) for title, width in titles.items()))
    for recipe in map(training.recipe, options.recipes.split(",")):
        config = replace(recipe.config, batch=options.batch or (32 if cpu else recipe.config.batch), accumulate=1)
        config = replace(config, precision=options.precision or ("float32" if cpu else config.precision))
        shape = (2000, recipe.network().shape[0], recipe.size, recipe.size)
        images = Images("random", torch.randint(0, 256, shape, dtype=torch.uint8), flip=recipe.flip)
        each, most = flops(recipe), peak(device, config.precision)
        rate = speed(recipe, images, config, options.seconds, options.compile)
        print(
            f"{recipe.name:<16}{config.batch:>6}{config.precision:>10}{rate:>10.1f}{each / 1e9:>8.3f}"
            f"{rate * each / 1e9:>9.1f}{rate * each / most:>9.1%}{drawn(images, config):>10.0f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
