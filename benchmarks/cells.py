"""The code cells of the notebooks with torch's own threads beside one thread, on a busy machine.

    python benchmarks/cells.py [NAME ...] [--loops 1] [--rounds 1] [--all]

Every notebook runs from top to bottom in processes of its own, in turns with one thread and with as many as torch
takes, beside endless loops. Shown are the cells that take at least a second with one thread and 1.3 times as long with
more, the least of all rounds; with --all every cell. A load that changes between the two changes their seconds, but not
"helpers": the share of the CPU time that threads beside the main one took, less that with one thread.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import nbformat
from threads import beside

NOTEBOOKS = Path(__file__).resolve().parents[1] / "notebooks"
VARIABLES = "OMP_NUM_THREADS", "MKL_NUM_THREADS"
CLOCKS = time.perf_counter, time.process_time, time.thread_time
SECONDS, RATIO = 1.0, 1.3


def cells(name):
    """The code of the cells of a notebook."""
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def run(name):
    """(seconds, share of the CPU time that was not the main thread's) of each cell, run here."""
    from IPython.core.interactiveshell import InteractiveShell

    shell, taken = InteractiveShell.instance(), []
    for source in cells(name):
        begin = [clock() for clock in CLOCKS]
        shell.run_cell(source).raise_error()
        wall, cpu, main = (clock() - before for clock, before in zip(CLOCKS, begin, strict=True))
        taken.append((wall, 1 - main / cpu))
    return taken


def elsewhere(name, threads):
    """The same in a process of its own, with so many threads; None leaves them to torch."""
    environment = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    if threads:
        environment |= dict.fromkeys(VARIABLES, str(threads))
    command = [sys.executable, __file__, "--run", name]
    done = subprocess.run(command, env=environment, cwd=NOTEBOOKS, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def least(rounds):
    """The least of each number over rounds of [cells, 2]."""
    return [[min(values) for values in zip(*cell, strict=True)] for cell in zip(*rounds, strict=True)]


def main():
    names = sorted(path.stem for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", choices=[*names, []], help="by default all")
    parser.add_argument("--loops", type=int, default=1, help="endless loops beside (default 1)")
    parser.add_argument("--rounds", type=int, default=1, help="of each notebook (default 1)")
    parser.add_argument("--all", action="store_true", help="show every cell")
    parser.add_argument("--run", metavar="NAME", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.run:
        print(f"\n{json.dumps(run(options.run))}")
        return
    print(f"{'notebook and cell':40}{'1 thread':>10}{'more':>8}{'helpers':>9}")
    for name in options.names or names:
        with beside(options.loops):
            rounds = [[elsewhere(name, 1), elsewhere(name, None)] for _ in range(options.rounds)]
        one, more = (least(each) for each in zip(*rounds, strict=True))
        for i, ((wall, own), (wall_more, helpers)) in enumerate(zip(one, more, strict=True), 1):
            if options.all or (wall >= SECONDS and wall_more > RATIO * wall):
                print(f"{name} {i:<3}".ljust(40) + f"{wall:8.2f} s{wall_more / wall:8.2f}{helpers - own:9.0%}")
        total = sum(wall for wall, _ in one), sum(wall for wall, _ in more)
        print(f"{name}, all".ljust(40) + f"{total[0]:8.2f} s{total[1] / total[0]:8.2f}", flush=True)


if __name__ == "__main__":
    main()
