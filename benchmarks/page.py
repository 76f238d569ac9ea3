"""The speed of the live lab: one page from a file, in headless Chromium, no Python behind it.

    python benchmarks/page.py [--ratio 1] [--presses 60] [--network]

Euler, RK4, DDIM and F-PNDM, 512 particles, about 20 steps, the exact epsilon of 240 points. A key press on the steps
counts as answered when the browser has finished the frame that shows particles of the new runs, a quarter of them at
first; with --network, the trained one of the spiral in place of the exact epsilon, a sixty-fourth. Targets on two
cores: ready in 1 s; p95 of a key press at most 100 ms where the runs are computed, 33 ms where they are remembered; the
order of four methods at 40 to 320 steps in 3 s.
"""

import argparse
import statistics
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import browser, open_page  # noqa: E402

from toylab.pages import write_live_page  # noqa: E402

# A frame that shows new runs changes a panel's counts; a message sent from it arrives after the frame.
WATCH = """
const bench = window.bench = { pressed: 0, first: [], all: [], ready: 0, measured: 0, asked: 0 };
const after = (act) => { const bell = new MessageChannel(); bell.port1.onmessage = act; bell.port2.postMessage(0); };
addEventListener("keydown", (event) => { bench.pressed = event.timeStamp; }, true);
let counts = "", particles = "";
const look = () => {
    const root = document.querySelector(".toylab-live"), text = root?.querySelector(".panel .counts")?.textContent;
    if (!text?.startsWith("N") || (text === counts && root.dataset.particles === particles)) return;
    const first = text !== counts, whole = root.dataset.state === "ready", since = bench.pressed;
    [counts, particles] = [text, root.dataset.particles];
    after(() => {
        bench.ready ||= whole && performance.now();
        if (since && first) bench.first.push(performance.now() - since);
        if (since && whole) { bench.all.push(performance.now() - since); bench.pressed = 0; }
    });
};
const lines = () => {
    if (!bench.measured && document.querySelectorAll("table.heard")[0]?.querySelectorAll("th[scope=row]").length === 4)
        bench.measured = performance.now();
};
const changes = new MutationObserver(() => { look(); lines(); });
changes.observe(document, { subtree: true, childList: true, attributes: true });
"""


def presses(page, key, count):
    """Press a key that often; each waits for all particles of the press before."""
    for _ in range(count):
        done = page.evaluate("bench.all.length")
        page.keyboard.press(key)
        page.wait_for_function("done => bench.all.length > done", arg=done, timeout=20000)
        page.wait_for_timeout(30)


def taken(page):
    """Milliseconds to the first and to all particles since the last call."""
    return page.evaluate("() => [bench.first.splice(0), bench.all.splice(0)].map((all) => all.sort((a, b) => a - b))")


def show(name, found):
    p95 = found[max(0, round(0.95 * len(found)) - 1)]
    print(f"{name:<44}{statistics.median(found):8.1f}{p95:8.1f}{found[-1]:8.1f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ratio", type=float, default=1, help="device pixel ratio (default 1)")
    parser.add_argument("--presses", type=int, default=60, help="key presses (default 60)")
    parser.add_argument(
        "--network", action="store_true", help="the trained network of the spiral in place of the exact epsilon"
    )
    options = parser.parse_args()
    eps = "network" if options.network else "exact"
    look = {"viewport": {"width": 1280, "height": 720}, "device_scale_factor": options.ratio}
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        path = write_live_page(Path(folder) / "lab.html", networks=["spiral"] if options.network else [])
        print(f"page of {path.stat().st_size / 1000:.0f} kB")
        with open_page(started, "about:blank", **look) as page:
            page.add_init_script(WATCH)
            page.goto(f"{path.as_uri()}#steps=20&eps={eps}")
            page.wait_for_function("() => bench.ready && bench.measured", timeout=60000)
            ready, measured = page.evaluate("[bench.ready, bench.measured]")
            print(f"ready with all particles in {ready / 1000:.2f} s; order of four methods in {measured / 1000:.2f} s")
            known = []
            for seed in range(max(1, options.presses // 10)):
                page.evaluate("address => { location.hash = address; }", f"figures=0&steps=15&eps={eps}&seed={seed}")
                page.wait_for_function("() => document.querySelector('.toylab-live').dataset.state === 'ready'")
                page.get_by_role("slider", name="Steps").focus()
                page.wait_for_timeout(300)
                taken(page)
                presses(page, "ArrowRight", 10)
                known.append(taken(page))
                presses(page, "ArrowLeft", 9)
                known[-1] += taken(page)
            print(f"{'key press on Steps':<44}{'p50 ms':>8}{'p95 ms':>8}{'max ms':>8}")
            names = "computed: the first particles", "computed: all particles", "remembered"
            for name, parts in zip(names, zip(*known, strict=True), strict=False):
                show(name, sorted(sum(parts, [])))


if __name__ == "__main__":
    main()
