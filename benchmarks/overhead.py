"""Time of whole runs over the time of their network calls alone: toylab's methods and diffusers' schedulers.

    python benchmarks/overhead.py [--steps 50] [--rounds 15] [--particles 1 512 4096] [--sweep]

All call the same shipped network of points in the plane, in float32 on one thread. Raw calls are right beside each run,
and medians of process time are shown, so that other work on the machine disturbs both alike.
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


def ratio(net, x, call, count, rounds):
    """Median over rounds of the time of a call over that of `count` bare evaluations, just before and just after."""
    found = []
    for _ in range(rounds):
        bare = seconds(lambda: raw(net, x, count))
        whole = seconds(call)
        found.append(2 * whole / (bare + seconds(lambda: raw(net, x, count))))
    return statistics.median(found)


def runs(net, x, steps):
    """{name: (call, evaluations)} of all fixed-grid methods and of the peers."""
    found = {
        name: (lambda name=name: toylab.sample(net, net.schedule, name, steps, x_T=x, progress=False),
               get(name).evaluations(steps))
        for name in methods() if get(name).fixed_grid
    }  # fmt: skip
    for name, make in PEERS.items():
        found[f"diffusers {name}"] = lambda make=make: peer(net, make(), x, steps), peer(net, make(), x, steps)
    return found


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
        call = lambda: toylab.sweep(net, net.schedule, n=512, progress=False)  # noqa: E731
        nfe = sum(call().nfe.values())
        print(f"sweep of {nfe} evaluations: {ratio(net, torch.randn(512, 2), call, nfe, given.rounds):.2f}")
    else:
        seed = torch.Generator().manual_seed(0)
        starts = [torch.randn(n, 2, generator=seed) for n in given.particles]
        columns = [runs(net, x, given.steps) for x in starts]
        print(f"{given.steps} steps".ljust(32) + "".join(f"{n:>8}" for n in given.particles), flush=True)
        for name in columns[0]:
            cells = [ratio(net, x, *column[name], given.rounds) for x, column in zip(starts, columns, strict=True)]
            print(name.ljust(32) + "".join(f"{cell:8.2f}" for cell in cells), flush=True)
