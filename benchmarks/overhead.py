"""Time of whole runs over the time of their network calls alone: toylab's methods and diffusers' schedulers.

    python benchmarks/overhead.py [--steps 50] [--rounds 15] [--particles 1 512 4096] [--sweep]

All call the same shipped network of points in the plane, in float32 on one thread. Rounds are interleaved, raw calls
right beside each run, and medians of process time are shown, so that other work on the machine disturbs all alike.
With --sweep: a default player sweep (4 methods x 18 step counts x 512 particles) over its bare evaluations.
"""

import argparse
import statistics
import time

import diffusers
import torch

import toylab
from toylab.samplers import get, methods

PEERS = {
    "DDIM": lambda: diffusers.DDIMScheduler(clip_sample=False),
    "PNDM": lambda: diffusers.PNDMScheduler(),
    "PNDM, no Runge-Kutta": lambda: diffusers.PNDMScheduler(skip_prk_steps=True),
    "DEIS": lambda: diffusers.DEISMultistepScheduler(solver_order=3),
    "DPM-Solver++": lambda: diffusers.DPMSolverMultistepScheduler(),
    "UniPC": lambda: diffusers.UniPCMultistepScheduler(),
}


def seconds(call):
    """Process time of a call."""
    start = time.process_time()
    call()
    return time.process_time() - start


@torch.no_grad()
def raw(net, x, count):
    """`count` bare evaluations."""
    t = torch.tensor(0.5, dtype=torch.float64)
    for _ in range(count):
        net(x, t)


@torch.no_grad()
def peer(net, scheduler, x, steps):
    """A run of diffusers; returns its evaluations."""
    scheduler.set_timesteps(steps)
    for t in scheduler.timesteps:
        x = scheduler.step(net(x, t / 1000), t, x).prev_sample
    return len(scheduler.timesteps)


def ratios(net, x, runs, rounds):
    """{name: median over rounds of run time / time of as many bare evaluations}; runs: name -> (call, evaluations)."""
    found = {name: [] for name in runs}
    for _ in range(rounds):
        for name, (call, count) in runs.items():
            bare = seconds(lambda count=count: raw(net, x, count))
            whole = seconds(call)
            again = seconds(lambda count=count: raw(net, x, count))
            found[name].append(2 * whole / (bare + again))
    return {name: statistics.median(values) for name, values in found.items()}


def compare(net, n, steps, rounds):
    """Ratios of all fixed-grid methods and of the peers at n particles."""
    x, runs = torch.randn(n, 2, generator=torch.Generator().manual_seed(0)), {}
    for name in methods():
        if get(name).fixed_grid:
            runs[name] = (
                lambda name=name: toylab.sample(net, net.schedule, name, steps, x_T=x, progress=False),
                get(name).evaluations(steps),
            )
    for name, make in PEERS.items():
        runs[f"diffusers {name}"] = (
            lambda make=make: peer(net, make(), x, steps),
            peer(net, make(), x, steps),
        )
    return ratios(net, x, runs, rounds)


def sweep(net, rounds):
    """A player's sweep over its bare evaluations."""
    call = lambda: toylab.sweep(net, net.schedule, n=512, progress=False)  # noqa: E731
    nfe = sum(call().nfe.values())
    return nfe, ratios(net, torch.randn(512, 2), {"sweep": (call, nfe)}, rounds)["sweep"]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--particles", type=int, nargs="+", default=[1, 512, 4096])
    parser.add_argument("--sweep", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    net = toylab.load("spiral")
    if given.sweep:
        print("sweep of {} evaluations: {:.2f}".format(*sweep(net, given.rounds)))
    else:
        table = {n: compare(net, n, given.steps, given.rounds) for n in given.particles}
        print(f"{given.steps} steps".ljust(32) + "".join(f"{n:>8}" for n in table))
        for name in table[given.particles[0]]:
            print(name.ljust(32) + "".join(f"{column[name]:8.2f}" for column in table.values()))
