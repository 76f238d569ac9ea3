"""Running toylab's command line within the test: what it prints, its exit code, and networks that it can find."""

import json

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
