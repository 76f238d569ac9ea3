"""The time it takes to find the unlikely particles of a player, and how far each method is off the manifold.

    OMP_NUM_THREADS=1 python benchmarks/off_manifold.py [--dataset spiral] [--particles 512]

Target: the default sweep (4 methods, 18 step counts of up to 100 steps, 512 particles) in under 20 s.
"""

import argparse
import time

import toylab
from toylab.analysis import off_manifold, unlikely_of_sweep


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="spiral")
    parser.add_argument("--particles", type=int, default=512)
    options = parser.parse_args()
    manifold, schedule = toylab.datasets.get(options.dataset), toylab.schedules.get("linear")
    eps = toylab.exact_eps(manifold.curve(400), schedule)
    sweep = toylab.sweep(eps, schedule, n=options.particles, manifold=manifold)
    begin, cpu = time.perf_counter(), time.process_time()
    unlikely = unlikely_of_sweep(sweep, manifold, schedule)
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    count = sum(found.size for found in unlikely.values())
    print(f"{count} particles at {sum(map(len, unlikely.values()))} nodes: {seconds:.1f} s ({cpu:.1f} s of CPU time)")
    print(f"\n{'at t_end':<10}" + "".join(f"{f'N = {n}':>18}" for n in (10, 20, 50, 100)))
    print(f"{'':<10}" + f"{'r_t':>10}{'unlikely':>8}" * 4)
    for method in sweep.methods:
        line = f"{method:<10}"
        for n in (10, 20, 50, 100):
            times, states = sweep.times[n][-1:], sweep.states[method, n][-1:]
            ratio = off_manifold((times, states), manifold, schedule).ratio[0]
            line += f"{ratio:10.3g}{unlikely[method, n][-1].mean():8.1%}"
        print(line)


if __name__ == "__main__":
    main()
