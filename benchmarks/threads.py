"""One thread beside two: what a second one gains on an idle machine and loses on a busy one.

    python benchmarks/threads.py [--only digits] [--seconds 2]

Ratios are medians of calls that take turns, two threads to one: below 1 a second thread helps. "alone" leaves the
machine as it is, "busy" runs as many endless loops beside as there are cores. "toylab" is what a call does by itself
where torch has two threads: single_thread in toylab/_threads.py keeps batches of at most SMALL numbers on one.
Networks in training keep the user's threads. Short calls come first; a long one with two threads on a busy machine can
take minutes, which is the point: see each figure as it comes.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from contextlib import contextmanager

import torch

import toylab
from toylab import _threads, analysis, images

T = torch.tensor(0.5)


def tasks():
    """{name: a call without arguments}."""
    moons = toylab.exact_eps(toylab.datasets.get("moons").curve(240), "linear")
    mlp, digits, photographs = map(toylab.load, ("moons", "digits", "cifar10-16"))
    return {
        **{f"network, {n} particles": call(mlp, n) for n in (512, 4096, 32768, 262144)},
        **{f"exact, {n} particles": call(moons, n) for n in (512, 4096, 32768, 262144)},
        **{f"digits, {n} images": call(digits, n) for n in (1, 16, 128, 1024, 2048)},
        "training step, 128 digits": lambda: step(digits, 128),
        "order_table, 32 particles": lambda: analysis.order_table(
            moons, "linear", ["DDIM", "F-PNDM"], (10, 20), n=32, progress=False
        ),
        "sample, network, 512": lambda: toylab.sample(mlp, "linear", n=512, progress=False),
        "image_sweep, 4 digits": lambda: images.image_sweep(
            digits, digits.schedule, ["DDIM"], (2,), (), n=4, progress=False
        ),
        "gallery, 16 photographs, 10 evaluations": lambda: images.image_sweep(
            photographs, photographs.schedule, ["DDIM"], (10,), (), n=16, progress=False
        ),
    }


def call(eps, n):
    x = torch.randn(n, *eps.shape)
    return lambda: eps(x, T)


def step(network, n):
    """Forward and backward, as a training does."""
    network.train().requires_grad_(True)
    network(torch.randn(n, *network.shape), T).square().mean().backward()
    network.eval().requires_grad_(False)


@contextmanager
def beside(loops):
    """So many processes that compute for ever."""
    running = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def medians(work, seconds):
    """Seconds with (one thread, two, two and toylab's choice), each a median of calls in turns."""
    small, settings = _threads.SMALL, ((1, -1), (2, -1), (2, _threads.SMALL))
    taken, end = [[] for _ in settings], time.perf_counter() + seconds
    work()
    while not taken[0] or time.perf_counter() < end:
        for times, (threads, _threads.SMALL) in zip(taken, settings, strict=True):
            torch.set_num_threads(threads)
            begin = time.perf_counter()
            work()
            times.append(time.perf_counter() - begin)
    _threads.SMALL = small
    return [statistics.median(times) for times in taken]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="tasks with this in their name")
    parser.add_argument("--seconds", type=float, default=2, help="for each task and load")
    options = parser.parse_args()
    print(f"torch {torch.__version__}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, SMALL = {_threads.SMALL}")
    print(f"{'':28}{'alone':>12}{'':18}{'busy':>12}")
    print(f"{'':28}{'1 thread':>12}{'2':>8}{'toylab':>8}  {'1 thread':>12}{'2':>8}{'toylab':>8}")
    for name, work in tasks().items():
        if options.only not in name:
            continue
        print(f"{name:28}", end="", flush=True)
        for loops in (0, os.cpu_count()):
            with beside(loops):
                one, two, own = medians(work, options.seconds)
            print(f"{one * 1e3:9.1f} ms{two / one:8.2f}{own / one:8.2f}  ", end="", flush=True)
        print()


if __name__ == "__main__":
    main()
