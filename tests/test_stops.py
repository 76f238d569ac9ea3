"""Ctrl-C and SIGTERM reach the command line at any moment, as one KeyboardInterrupt."""

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from commands import run

from toylab import _stops

ROOT = Path(__file__).parents[1]
STOPS = pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM], ids=["SIGINT", "SIGTERM"])
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no such signals")


def python(code, stop):
    """(exit code, stdout, stderr) of this code in a process of its own, in which `stop()` sends the signal to it."""
    head = f"""
        import os, signal, sys, time
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background ignores it
        def stop(): os.kill(os.getpid(), {int(stop)})
        def wait(): [time.sleep(0.01) for _ in range(2000)]
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        env=os.environ | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=100,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@STOPS
def test_a_stop_in_an_import_acts_when_that_is_done(stop, tmp_path):
    (tmp_path / "slow.py").write_text("import __main__, time\n__main__.stop()\ntime.sleep(0.1)\nwhole = True")
    code = f"""
        from toylab import _stops
        _stops.listen()
        sys.path.insert(0, {str(tmp_path)!r})
        try:
            import slow
            wait()
        except KeyboardInterrupt:
            print("stopped", slow.whole)
    """
    assert python(code, stop) == (0, "stopped True\n", "")


@STOPS
def test_a_stop_in_a_callback_is_not_lost(stop):
    code = """
        import weakref
        from toylab import _stops
        _stops.listen()
        class Thing: pass
        thing = Thing()
        there = weakref.ref(thing, lambda _: stop())
        try:
            del thing
            wait()
        except KeyboardInterrupt:
            print("stopped")
    """
    assert python(code, stop) == (0, "stopped\n", "")


@STOPS
def test_a_stop_while_the_command_line_is_imported_ends_it_without_a_traceback(stop):
    code = """
        import runpy
        class Finder:
            def find_spec(self, name, *_):
                if name == "typer": stop()
        sys.meta_path.insert(0, Finder())
        sys.argv = ["toylab", "sample", "circle", "--steps", "1000000"]
        runpy.run_module("toylab", run_name="__main__", alter_sys=True)
    """
    code, out, err = python(code, stop)
    assert (code, out) == (130, "") and "Traceback" not in err


@STOPS
def test_a_stop_after_the_command_changes_nothing(stop):
    code = """
        import atexit
        from toylab.__main__ import main
        atexit.register(stop)
        sys.argv = ["toylab", "--version"]
        main()
    """
    assert python(code, stop)[::2] == (0, "")


def test_what_a_library_makes_of_a_stop_is_a_stop(monkeypatch):
    def lost(*_, **__):
        raise TypeError("affine_transform(): incompatible function arguments")

    monkeypatch.setattr("toylab.problems.find", lost)
    monkeypatch.setattr(_stops, "came", True)
    result = run("sample circle --steps 2")
    assert (result.exit_code, result.stderr) == (130, "toylab: stopped by Ctrl-C\n")
