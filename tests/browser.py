"""Chromium and JupyterLab for tests and benchmarks: start them, wait until ready, look at canvases."""

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-accelerated-2d-canvas", "--disable-dev-shm-usage"]
CANVASES = ".toylab-player .stage canvas"
_HASH = """selector => [...document.querySelectorAll(selector)].map((canvas) => {
    const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
    let hash = 2166136261;
    for (const value of pixels) hash = Math.imul(hash ^ value, 16777619);
    return `${canvas.width}x${canvas.height}:${hash >>> 0}`;
})"""
VIEWPORT = {"width": 1200, "height": 900}
_CURRENT = "window.jupyterapp?.shell?.currentWidget"
_OPEN = """async (path) => {
    await window.jupyterapp.restored;  // or the launcher comes to lie above it
    const tab = await window.jupyterapp.commands.execute("docmanager:open", { path });
    window.jupyterapp.shell.activateById(tab.id);
}"""
_CLOSE = f"async () => {{ const tab = {_CURRENT}; await tab.sessionContext.shutdown(); tab.dispose(); }}"
_READY = f"""() => {{
    const panel = {_CURRENT}, session = panel?.sessionContext;
    return Boolean(panel?.context?.isReady && session?.isReady && session.session?.kernel);
}}"""

_RUN = """() => {
    window.errors = null;
    const cells = window.jupyterapp.shell.currentWidget.content.widgets;
    const outputs = () => [...cells].flatMap((cell) => cell.model.outputs?.toJSON() ?? []);
    const failed = () => outputs().filter((output) => output.output_type === "error");
    const collect = () => { window.errors = failed().map((output) => `${output.ename}: ${output.evalue}`); };
    window.jupyterapp.commands.execute("notebook:run-all-cells").then(collect, collect);
}"""


def chromium():
    """The path of a Chromium: $CHROMIUM, or the system's. None where there is none."""
    named = os.environ.get("CHROMIUM")
    names = [named] if named else ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
    return next((path for path in map(shutil.which, names) if path), None)


@contextmanager
def browser():
    """A headless Chromium. Raises FileNotFoundError where none is installed."""
    from playwright.sync_api import sync_playwright

    path = chromium()
    if path is None:
        raise FileNotFoundError("no Chromium: install the system's, or name one in the variable CHROMIUM")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=FLAGS)
        try:
            yield started
        finally:
            started.close()


@contextmanager
def open_page(started, url, **context):
    """A page at `url`, in which nothing may raise an error that is not caught, but for JupyterLab's own code.

    Further arguments (viewport, device_scale_factor, color_scheme) as for Playwright's new_context.
    """
    session = started.new_context(**({"viewport": VIEWPORT} | context))
    page = session.new_page()
    errors = watched(page)
    try:
        page.goto(url)
        yield page
        assert errors == []
    finally:
        session.close()


def watched(page):
    """The list of the errors of a page that are not caught and not JupyterLab's own, which grows with them."""
    errors = []

    def keep(error):
        stack = error.stack or str(error)
        errors.extend([stack] if _is_ours(stack) else [])

    page.on("pageerror", keep)
    return errors


def _is_ours(stack):
    """Whether an error did not come from files of JupyterLab and ipywidgets alone, where some races end in errors."""
    places = re.findall(r"(?:https?|blob|data|file):[^\s)]+", stack)
    return not places or not all(re.search("/static/lab/|/extensions/@jupyter-widgets/", place) for place in places)


def hashes(page, selector=CANVASES):
    """One string per canvas, of its size and every pixel."""
    return page.evaluate(_HASH, selector)


def settled(page, selector=CANVASES, different_from=None, seconds=20):
    """`hashes` once two reads 100 ms apart agree and, if asked, differ from an earlier reading.
    Raises TimeoutError."""
    return steady(page, lambda: hashes(page, selector), different_from, seconds)


def steady(page, look, different_from=None, seconds=20):
    """The value of `look()`, a picture of a page or frame, once two 100 ms apart agree; as `settled`."""
    end, last = time.monotonic() + seconds, None
    while time.monotonic() < end:
        now = look()
        if now and now == last and now != different_from:
            return now
        last = now
        page.wait_for_timeout(100)
    raise TimeoutError(f"no new, steady picture within {seconds} s; last read: {last}")


def swipe(page, *points):
    """A finger put down at the first of these points (x, y) of the page, moved over the others, and lifted."""
    session = page.context.new_cdp_session(page)
    for kind, point in zip(("touchStart", *("touchMove" for _ in points[1:])), points, strict=True):
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [dict(zip("xy", point, strict=True))]})
    session.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    session.detach()


class Lab:
    """A JupyterLab server of its own: `root` with the notebooks, and one page for all that are opened in turn."""

    def __init__(self, root, port, token):
        self.root, self.port, self.token = Path(root), port, token
        self._page = None

    def url(self, notebook=""):
        """The address that opens `notebook` alone, in a workspace of its own, reset."""
        tree = f"/tree/{notebook}" if notebook else ""
        return f"http://127.0.0.1:{self.port}/lab/workspaces/w{secrets.token_hex(4)}{tree}?token={self.token}&reset"

    def page(self, started, **context):
        """JupyterLab in a page that stays open; `errors` grows with what raises in it."""
        if self._page is None or self._page.is_closed():
            self._page = started.new_context(**context).new_page()
            self.errors = watched(self._page)
            self._page.goto(self.url())
            self._page.wait_for_function(
                "() => window.jupyterapp?.commands?.hasCommand('docmanager:open')", timeout=90_000
            )
        return self._page


@contextmanager
def jupyterlab(folder, seconds=90):
    """A running JupyterLab whose settings, runtime files and root all lie in `folder`, an empty directory.

    Yields a `Lab`; the server is ended afterwards. Raises TimeoutError with its log if it does not start.
    """
    folder = Path(folder)
    places = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTER_DATA_DIR": "data",
        "IPYTHONDIR": "ipython",
    }
    places |= {
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "JUPYTERLAB_SETTINGS_DIR": "config/lab/user-settings",
    }
    environment = dict(os.environ)
    for variable, name in places.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        environment[variable] = str(folder / name)
    repository = str(Path(__file__).resolve().parents[1])
    environment["TOYLAB_PROGRESS"] = str(folder / "progress.json")
    environment["PYTHONPATH"] = os.pathsep.join(filter(None, [repository, os.environ.get("PYTHONPATH")]))
    quiet = folder / "config/lab/user-settings/@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    quiet.parent.mkdir(parents=True)
    quiet.write_text(json.dumps({"fetchNews": "false", "checkForUpdates": False}))
    root = folder / "root"
    root.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    command = [
        sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", f"--ServerApp.root_dir={root}",
        f"--ServerApp.port={port}", "--ServerApp.port_retries=0", "--ServerApp.ip=127.0.0.1",
        f"--IdentityProvider.token={token}", "--LabApp.expose_app_in_browser=True",
    ]  # fmt: skip
    log = folder / "server.log"
    with open(log, "w") as out:
        server = subprocess.Popen(command, env=environment, stdout=out, stderr=subprocess.STDOUT)
    try:
        _wait_until_up(server, f"http://127.0.0.1:{port}/api/status?token={token}", log, seconds)
        yield Lab(root, port, token)
    finally:
        server.terminate()
        try:
            server.wait(15)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait_until_up(server, address, log, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"JupyterLab did not start within {seconds} s:\n{log.read_text()[-3000:]}")


def notebook(path, *cells):
    """Write a notebook of these code cells to `path`. Returns the path."""
    import nbformat

    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(cell) for cell in cells], metadata={"kernelspec": kernel}
    )
    nbformat.write(book, path)
    return Path(path)


@contextmanager
def open_notebook(started, server, source, seconds=240, viewport=VIEWPORT, **context):
    """The page of `server` with a copy of the notebook at `source`, whose cells have all run. Its kernel ends with it.

    All notebooks of a server are tabs of one page, one after the other, since to load JupyterLab takes longer than to
    open a notebook. The first one decides its `context` (see `open_page`).
    """
    shutil.copy(source, server.root)
    page = server.page(started, **context)
    page.set_viewport_size(viewport)
    try:
        open_tab(page, source.name, seconds)
        run_all(page, seconds)
        yield page
        assert server.errors == [], "\n".join(server.errors)
        page.evaluate(_CLOSE)
    except BaseException:
        page.context.close()  # the next one starts afresh
        raise


def open_tab(page, name, seconds=120):
    """Wait for the notebook of this name in a tab of JupyterLab's page, and for its kernel."""
    page.evaluate(_OPEN, name)
    page.wait_for_function(f"path => ({_CURRENT})?.context?.path === path", arg=name, timeout=1000 * seconds)
    page.wait_for_function(_READY, timeout=1000 * seconds)


def run_all(page, seconds=120):
    """Wait for the open notebook and its kernel, run all its cells, wait for the last one.
    Raises AssertionError with the message of a cell that failed."""
    page.wait_for_function(_READY, timeout=1000 * seconds)
    page.evaluate(_RUN)
    page.wait_for_function("() => window.errors !== null", timeout=1000 * seconds)
    errors = page.evaluate("() => window.errors")
    assert errors == [], "\n".join(errors)
