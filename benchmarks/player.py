"""The speed of the player: in headless Chromium, through JupyterLab, with a kernel behind it.

    python benchmarks/player.py [--ratio 1] [--presses 60]

4 panels of 512 particles with 64 tracks and 18 step counts. A key press counts as answered when the
browser has finished the frame in which all panels were drawn anew (targets: p95 of at most 33 ms; a drag
of 60 moves, one per 1/60 s, paints at least 55 times).
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from browser import browser, jupyterlab, notebook, open_notebook, settled  # noqa: E402

import toylab  # noqa: E402

# A frame paints the panels' backgrounds with fillRect; a message sent from it arrives after the frame.
WATCH = """() => {
    const bench = window.bench = { pressed: 0, latencies: [], paints: 0, pending: false };
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
        bench.pending = false;
        bench.paints++;
        if (bench.pressed) bench.latencies.push(performance.now() - bench.pressed);
        bench.pressed = 0;
    };
    const fillRect = CanvasRenderingContext2D.prototype.fillRect;
    CanvasRenderingContext2D.prototype.fillRect = function (x, y, width, height) {
        fillRect.call(this, x, y, width, height);
        if (width > 100 && !bench.pending) { bench.pending = true; channel.port2.postMessage(0); }
    };
    addEventListener("keydown", (event) => { bench.pressed = event.timeStamp; }, true);
}"""


def press(page, name, presses):
    """Milliseconds from each key press on a slider, to and fro, to the end of the frame it caused."""
    page.get_by_role("slider", name=name).focus()
    page.keyboard.press("Home")
    settled(page)
    page.evaluate("() => { bench.latencies = []; }")
    for i in range(presses):
        page.keyboard.press("ArrowRight" if i % 16 < 8 else "ArrowLeft")
        page.wait_for_function("count => bench.latencies.length === count", arg=i + 1, timeout=5000)
        page.wait_for_timeout(30)
    return sorted(page.evaluate("() => bench.latencies"))


def drag(page, name, moves):
    """Paints, and seconds, of a drag of a slider in `moves` moves of the mouse, one each 1/60 s."""
    box = page.get_by_role("slider", name=name).bounding_box()
    y, left, width = box["y"] + box["height"] / 2, box["x"] + 10, box["width"] - 20
    page.mouse.move(left, y)
    page.mouse.down()
    settled(page)
    page.evaluate("() => { bench.paints = 0; }")
    begin = time.perf_counter()
    for i in range(1, moves + 1):
        page.mouse.move(left + width * i / moves, y)
        time.sleep(max(0, begin + i / 60 - time.perf_counter()))
    seconds = time.perf_counter() - begin
    page.wait_for_timeout(200)
    page.mouse.up()
    return page.evaluate("() => bench.paints"), seconds


def spiral():
    """The sweep that is shown: exact epsilon of the spiral, linear schedule."""
    manifold, schedule = toylab.datasets.get("spiral"), toylab.schedules.get("linear")
    eps = toylab.exact_eps(manifold.curve(300), schedule)
    return toylab.sweep(eps, schedule, methods=["Euler", "RK4", "DDIM", "F-PNDM"], manifold=manifold, n=512)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ratio", type=float, default=1, help="device pixel ratio (default 1)")
    parser.add_argument("--presses", type=int, default=60, help="key presses per slider (default 60)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, browser() as started:
        saved, server = spiral().save(Path(folder) / "spiral.npz"), Path(folder) / "server"
        cell = f"from toylab.widgets import Player\nPlayer.from_file({str(saved)!r})"
        source = notebook(Path(folder) / "player.ipynb", cell)
        server.mkdir()
        look = {"viewport": {"width": 1500, "height": 1000}, "device_scale_factor": options.ratio}
        with jupyterlab(server) as lab, open_notebook(started, lab, source, **look) as page:
            settled(page, seconds=60)
            page.evaluate(WATCH)
            ratio = f"device pixel ratio {options.ratio:g}"
            print(f"{ratio:<24}{'p50 ms':>8}{'p95 ms':>8}{'max ms':>8}")
            for name in ("Steps", "Time"):
                page.get_by_role("slider", name="Steps").focus()
                page.keyboard.press("End")
                found = press(page, name, options.presses)
                p95 = found[max(0, round(0.95 * len(found)) - 1)]
                print(f"{'key press on ' + name:<24}{statistics.median(found):8.1f}{p95:8.1f}{found[-1]:8.1f}")
            paints, seconds = drag(page, "Time", 60)
            print(f"{'60-move drag of Time':<24}{paints:5d} paints in {seconds:.2f} s (ideal 1.00)")


if __name__ == "__main__":
    main()
