"""Rules of tests/conftest.py: continuous integration lets no skip through, and slow tests are on record."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import timing
import torch

TESTS = Path(__file__).resolve().parent

# kind: (reason, code)
SKIPS = {
    "mark": ("apple", "@pytest.mark.skip(reason='apple')\ndef test(): pass"),
    "call": ("banana", "def test(): pytest.skip('banana')"),
    "fixture": ("cherry", "@pytest.fixture\ndef f(): pytest.skip('cherry')\ndef test(f): pass"),
    "module": ("date", "pytest.importorskip('no_such_module', reason='date')"),
    "expected failure": ("elder", "@pytest.mark.xfail(reason='elder')\ndef test(): assert False"),
    "expected failure that passes": ("fig", "@pytest.mark.xfail(reason='fig')\ndef test(): pass"),
    "expected failure by call": ("grape", "def test(): pytest.xfail('grape')"),
}


def run_all(folder, no_skip):
    """pytest over one file for each kind of skip and one without any, each with a passing test: its output"""
    for kind, (_, code) in {**SKIPS, "none": ("", "")}.items():
        text = f"import pytest\n{code}\ndef test_beside_it(): pass\n"
        (folder / f"test_{kind.replace(' ', '_')}.py").write_text(text, encoding="utf-8")
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "conftest",
            "-p",
            "no:cacheprovider",
            "--color=no",
            "-rA",
            "--continue-on-collection-errors",
            str(folder),
        ],
        cwd=folder,
        env={**environment, "PYTHONPATH": str(TESTS), "TOYLAB_NO_SKIP": no_skip},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stdout


@pytest.fixture(scope="module")
def strict(tmp_path_factory):
    return run_all(tmp_path_factory.mktemp("strict"), no_skip="1")


@pytest.fixture(scope="module")
def lenient(tmp_path_factory):
    return run_all(tmp_path_factory.mktemp("lenient"), no_skip="0")


@pytest.mark.slow
@pytest.mark.parametrize("kind", SKIPS)
def test_a_skip_is_a_failure_with_its_reason_when_none_is_allowed(strict, kind):
    _, output = strict
    file, reason = f"test_{kind.replace(' ', '_')}.py", SKIPS[kind][0]
    assert re.search(rf"^(FAILED|ERROR) {file}.* - TOYLAB_NO_SKIP is set", output, re.MULTILINE), output
    assert re.search(rf"^TOYLAB_NO_SKIP is set, and this .*: .*\b{reason}$", output, re.MULTILINE), output


@pytest.mark.slow
def test_no_skip_is_left_and_the_run_fails_when_none_is_allowed(strict):
    status, output = strict
    closing = output.strip().splitlines()[-1]
    assert status == 1
    counts = {word.rstrip("s"): int(count) for count, word in re.findall(r"(\d+) ([a-z]+)", closing)}
    assert counts["failed"] + counts["error"] == len(SKIPS)
    assert counts["passed"] == len(SKIPS)  # one beside each but the skipped file, and "none"
    assert not {"skipped", "xfailed", "xpassed"} & counts.keys()


@pytest.mark.slow
def test_skips_are_allowed_by_default(lenient):
    status, output = lenient
    assert status == 0
    assert "7 passed, 4 skipped, 2 xfailed, 1 xpassed" in output.strip().splitlines()[-1]


def test_tests_run_on_the_threads_that_the_environment_allows():
    assert torch.get_num_threads() == int(os.environ["OMP_NUM_THREADS"])


# The record of slow tests


def test_every_slow_test_on_record_is_there():
    for name in timing.recorded():
        file, _, function = name.partition("::")
        assert re.search(rf"^def {function}\(", (TESTS.parent / file).read_text(encoding="utf-8"), re.MULTILINE), name


def test_tests_of_one_file_go_to_one_process(request):
    if "PYTEST_XDIST_WORKER" in os.environ:  # or fixtures that they share are made once in each
        assert request.node.nodeid.endswith("@test_no_skip")
