"""Running toylab's command line within the test: what it prints, its exit code, and networks that it can find."""

import json
import os
import pty
import subprocess
import termios
import time

from typer.testing import CliRunner

from toylab.cli import app
from toylab.epsilon import MLP, checkpoints

QUICK = "--eps exact --points 40 -n 20".split()
PNG = b"\x89PNG\r\n\x1a\n"


def run(*arguments):
    """The result of ``toylab`` with these arguments: strings of words, or lists of them."""
    words = [word for argument in arguments for word in (argument.split() if isinstance(argument, str) else argument)]
    return CliRunner().invoke(app, words)


def run_json(*arguments):
    """What the same prints with --json, read."""
    result = run(*arguments, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def assert_mistake(result, *says):
    """Exit code 2, nothing on stdout, and one line on stderr that begins with the program's name."""
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("toylab: ") and result.stderr.count("\n") == 1, result.stderr
    for part in says:
        assert part in result.stderr


def save_networks(folder):
    """Put untrained networks for the circle into a data folder, one for each of two schedules."""
    for name, schedule in (("circle", "linear"), ("circle-cosine", "cosine")):
        network = MLP(schedule, hidden=8, layers=1, fourier=2)
        network.dataset = "circle"
        checkpoints.save(network, folder / "checkpoints" / f"{name}.safetensors")


class OnTerminal:
    """A process whose stderr is a terminal, so that its progress bars show after two seconds."""

    def __init__(self, *words, **how):
        self._terminal, inside = pty.openpty()
        termios.tcsetwinsize(inside, (24, 100))
        self.process = subprocess.Popen(words, stderr=inside, stdout=subprocess.PIPE, text=True, **how)
        os.close(inside)
        self.seen = ""

    def until(self, text, seconds=120):
        """Wait until it has written this."""
        end = time.monotonic() + seconds
        while text not in self.seen:
            assert time.monotonic() < end and self._read(), self.seen
        return self

    def stop(self, how):
        """Send it a signal; (its exit code, what it has written on stdout, on stderr)."""
        self.process.send_signal(how)
        while self._read():
            pass
        out, _ = self.process.communicate(timeout=60)
        os.close(self._terminal)
        return self.process.returncode, out, self.seen.replace("\r", "\n")

    def _read(self):
        try:
            new = os.read(self._terminal, 4096).decode(errors="replace")
        except OSError:  # nobody holds the other end any more
            return ""
        self.seen += new
        return new
