"""`toylab export` writes whole files, never over what is there, and says in a sentence what it cannot do."""

import errno
import os
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from browser import open_page
from typer.testing import CliRunner

from toylab import _files, datasets, exact_eps, sweep
from toylab.cli import app
from toylab.pages.build import live_files

pytestmark = pytest.mark.slow

STRICT = "default-src 'none'; script-src 'self'; style-src 'self'; worker-src 'self'; img-src data:"
READY = "() => document.querySelector('.toylab-live')?.dataset.state === 'ready'"


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def sentence(result):
    assert result.exit_code == 2 or "No space left" in result.output
    assert "Traceback" not in result.output and result.output.startswith("toylab: ")
    return result.output


def forms(folder):
    return ("page", folder / "lab.html"), ("page", "--folder", folder)


@pytest.mark.parametrize("form", [0, 1], ids=["file", "folder"])
def test_what_is_there_is_kept_unless_forced(tmp_path, form):
    there, command = tmp_path / ("lab.html", "core.js")[form], forms(tmp_path)[form]
    there.write_text("mine")
    assert f"{there} is there already; --force" in sentence(run("export", *command))
    assert [path.name for path in tmp_path.iterdir()] == [there.name] and there.read_text() == "mine"
    assert run("export", *command, "--force").exit_code == 0
    assert "mine" not in there.read_text()


@pytest.mark.parametrize("form", [0, 1], ids=["file", "folder"])
def test_a_path_below_a_file_is_named(tmp_path, form):
    (tmp_path / "file").write_text("mine")
    assert "file" in sentence(run("export", *forms(tmp_path / "file")[form]))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("form", [0, 1], ids=["file", "folder"])
def test_a_full_disk_leaves_what_was_there_and_nothing_half_written(tmp_path, monkeypatch, form):
    there = tmp_path / ("lab.html", "core.js")[form]
    there.write_text("mine")

    def full(_number):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_files.os, "fsync", full)
    assert "No space left on device" in sentence(run("export", *forms(tmp_path)[form], "--force"))
    assert [path.name for path in tmp_path.iterdir()] == [there.name] and there.read_text() == "mine"


EVERY = {
    "page": ("export", "page", "a.html"),
    "folder": ("export", "page", "--folder", "."),
    "site": ("export", "site", "--still", "."),
    "present": ("present", "--out", "a.html"),
    "figure": ("export", "figure", "a.pdf", "sweep.npz"),
    "movie": ("export", "movie", "a.gif", "sweep.npz"),
    "frames": ("export", "movie", "frames", "sweep.npz"),
}


@pytest.mark.parametrize("wrong", [errno.EACCES, errno.EROFS, errno.ENOSPC], ids=["denied", "read-only", "full"])
@pytest.mark.parametrize("what", EVERY)
def test_where_nothing_can_be_written_a_sentence_says_so_and_nothing_is_left(tmp_path, monkeypatch, what, wrong):
    monkeypatch.chdir(tmp_path)
    eps = exact_eps(datasets.get("moons").curve(20), "linear")
    sweep(eps, "linear", methods=["DDIM"], steps=[2], n=16, manifold="moons", progress=False).save("sweep.npz")
    monkeypatch.setattr("toylab.pages.site.site_files", lambda *_: {"index.html": "mine"})  # or it takes seconds
    before = sorted(tmp_path.rglob("*"))

    def fail(_number):
        raise OSError(wrong, os.strerror(wrong))

    monkeypatch.setattr(_files.os, "fsync", fail)
    arguments = [*EVERY[what], *(["--force"] if what in ("folder", "site") else [])]
    result = run(*arguments)
    assert result.exit_code in (1, 2) and os.strerror(wrong) in result.output, result.output
    assert "Traceback" not in result.output and result.output.count("\n") == 1
    assert [path for path in sorted(tmp_path.rglob("*")) if path.is_file()] == [
        path for path in before if path.is_file()
    ]


@pytest.mark.parametrize("arguments", [(), ("lab.html", "--folder", "lab")])
def test_a_page_is_a_file_or_a_folder(tmp_path, monkeypatch, arguments):
    monkeypatch.chdir(tmp_path)
    assert "either FILE or --folder" in sentence(run("export", "page", *arguments))
    assert list(tmp_path.iterdir()) == []


def test_the_folder_has_no_script_inside_its_page():
    page = live_files()["index.html"]
    scripts = [part.split(">")[0] for part in page.split("<script")[1:]]
    assert all("src=" in script or "application/json" in script for script in scripts)
    assert "<style" not in page and " style=" not in page and "'sha256" not in page


def test_the_folder_samples_on_a_host_that_allows_scripts_from_files_alone(started, tmp_path):
    assert run("export", "page", "--folder", tmp_path).exit_code == 0
    said = []
    with served(tmp_path) as address, open_page(started, "about:blank") as page:
        page.on("console", lambda message: said.append(message.text))
        page.goto(f"{address}/index.html#n=64&figures=0&methods=DDIM")
        page.wait_for_function(READY)
        assert page.locator(".panel .score").inner_text().startswith("distance")
    assert said == []


class served:
    """A server of a folder that sends the strict policy with every file; gives its address."""

    def __init__(self, folder: Path):
        class Strict(SimpleHTTPRequestHandler):
            def end_headers(self):
                self.send_header("Content-Security-Policy", STRICT)
                super().end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Strict, directory=str(folder)))

    def __enter__(self):
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return f"http://127.0.0.1:{self.server.server_port}"

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()
