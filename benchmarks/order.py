"""The time it takes to measure convergence orders, one method and a whole table.

    OMP_NUM_THREADS=1 python benchmarks/order.py [--dataset spiral]

64 particles, 240 points spread by 0.05, N = 320 and 640, t_end = 0.2. Targets on 2 idle cores: one method in
under 3 s, the table of 11 in under 60 s. With more threads than idle cores, tensors this small are many
times slower: hence OMP_NUM_THREADS=1.
"""

import argparse
import time

import toylab
from toylab.analysis import order_table


def timed(what, work):
    """Run `work` and print how long it took; returns its result."""
    begin, cpu = time.perf_counter(), time.process_time()
    result = work()
    seconds, cpu = time.perf_counter() - begin, time.process_time() - cpu
    print(f"{what:<24}{seconds:7.1f} s ({cpu:.1f} s of CPU time)")
    return result


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset", default="spiral")
    options = parser.parse_args()
    schedule = toylab.schedules.get("linear")
    eps = toylab.exact_eps(toylab.datasets.get(options.dataset).curve(240), schedule, 0.05)
    for method in ("DDIM", "F-PNDM", "RK4"):
        timed(method, lambda method=method: toylab.measure_order(eps, schedule, method, progress=False))
    table = timed("table of 11 methods", lambda: order_table(eps, schedule, progress=False))
    print()
    print(table.table())


if __name__ == "__main__":
    main()
