"""The Makefile's promises, on a machine whose Python only writes down how it is called."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

FAKE_PYTHON = """\
#!/bin/sh
echo "$*" >> {log}
case "$*" in
    --version) echo "Python {version}" ;;
    *"sys.version_info <"*) exit {too_old} ;;
    *"import venv"*) exit {no_venv} ;;
    "-m venv"*)
        for folder; do :; done
        rm -rf "$folder"
        mkdir -p "$folder/bin"
        cp "$0" "$folder/bin/python" ;;
esac
"""


VERBS = "compile", "install"


class FakeMachine:
    """`make` in a copy of the packaging files, with a Python that only writes down how it is called."""

    def __init__(self, folder, *, version="3.12.0", too_old=0, no_venv=0):
        self.folder, self.log = folder, folder / "calls"
        for name in ("Makefile", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, folder)
        self.python = folder / "fake-python"
        script = FAKE_PYTHON.format(log=self.log, version=version, too_old=too_old, no_venv=no_venv)
        self.python.write_text(script, encoding="utf-8")
        self.python.chmod(0o755)

    def make(self, *arguments):
        """The finished process, and the calls of Python that it made"""
        self.log.write_text("", encoding="utf-8")
        outer = {"ARGS", "MAKEFLAGS", "MAKELEVEL", "MFLAGS", "PIP_ARGS", "PORT"}
        environment = {name: value for name, value in os.environ.items() if name not in outer}
        done = subprocess.run(
            ["make", *arguments],
            cwd=self.folder,
            env={**environment, "PYTHON": str(self.python)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )
        return done, self.log.read_text(encoding="utf-8").splitlines()


@pytest.fixture
def machine(tmp_path):
    if not shutil.which("make"):
        pytest.skip("no make on this machine")
    return lambda **python: FakeMachine(tmp_path, **python)


def installations(calls):
    return [call for call in calls if " install " in call]


def test_make_alone_lists_every_target(machine):
    done, _ = machine().make()
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)[1].split()) - {"same-python"}
    assert done.returncode == 0
    assert set(re.findall(r"^  make (\S+)", done.stdout, re.MULTILINE)) == targets


@pytest.mark.parametrize("target, package", [("lab", "-e .[images,lab]"), ("test", "-e .[test]")])
def test_make_installs_once(machine, target, package):
    fresh = machine()
    (first,) = installations(fresh.make(target)[1])
    assert first.endswith(package) and "-c constraints.txt" in first
    assert installations(fresh.make(target)[1]) == []


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_make_installs_again_when_the_declared_packages_change(machine, name):
    fresh = machine()
    fresh.make("test")
    stamp = fresh.folder / ".venv" / ".installed-test"
    os.utime(fresh.folder / name, (stamp.stat().st_mtime + 10,) * 2)
    assert len(installations(fresh.make("test")[1])) == 1


def test_make_lab_after_make_test_installs_nothing(machine):
    fresh = machine()
    fresh.make("test")
    assert installations(fresh.make("lab")[1]) == []


def test_make_mends_an_environment_whose_python_is_gone(machine):
    fresh = machine()
    fresh.make("test")
    python = fresh.folder / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to(fresh.folder / "uninstalled")
    done, calls = fresh.make("test")
    assert done.returncode == 0 and len(installations(calls)) == 1


def test_make_passes_arguments_on_to_pytest_and_pip(machine):
    _, calls = machine().make("test", "ARGS=-k word", "PIP_ARGS=--extra-index-url https://example.org")
    assert "--extra-index-url https://example.org" in installations(calls)[0]
    assert calls[-1].startswith("-m pytest -n logical ") and calls[-1].endswith(" -k word")


def test_make_check_looks_at_format_style_and_types_and_then_runs_the_quick_tests(machine):
    _, calls = machine().make("check")
    *_, form, style, types, tests = calls
    assert form.startswith("-m ruff format --check") and style.startswith("-m ruff check")
    assert types.startswith("-m pyrefly check")
    assert tests.startswith("-m pytest -q -n logical ")
    assert tests.endswith("-m not slow and not browser and not notebook")


def test_make_check_stops_at_the_first_complaint(machine):
    fresh = machine()
    fresh.make("test")
    python = fresh.folder / ".venv" / "bin" / "python"
    python.write_text(python.read_text().replace('case "$*" in', 'case "$*" in\n    *"ruff check"*) exit 1 ;;'))
    done, calls = fresh.make("check")
    assert done.returncode != 0 and calls[-1].startswith("-m ruff check")


def test_make_check_oldest_resolves_the_lowest_versions_and_keeps_the_torch_that_is_there(machine):
    fresh = machine()
    fresh.make("test")
    oldest = fresh.folder / ".venv" / "oldest" / "bin" / "python"
    oldest.parent.mkdir(parents=True)
    oldest.write_bytes((fresh.folder / ".venv" / "bin" / "python").read_bytes())
    oldest.chmod(0o755)
    done, calls = fresh.make("check-oldest")
    compiled, installed = (next(call for call in calls if call.startswith(f"-m uv pip {verb}")) for verb in VERBS)
    assert "--resolution lowest-direct" in compiled and "--override .venv/oldest/without-torch" in compiled
    assert "--no-deps --python .venv/oldest/bin/python" in installed
    assert (oldest.parents[1] / "without-torch").read_text().startswith("torch ;")
    assert calls[-1].startswith("-m pytest")


def test_make_lab_serves_notebooks_on_this_machine_only_with_the_token_on(machine):
    _, calls = machine().make("lab", "PORT=9999", "ARGS=--no-browser")
    words = calls[-1].split()
    server = {"ip=127.0.0.1", "port=9999", "root_dir=notebooks"}
    assert words[:2] == ["-m", "jupyterlab"]
    assert {f"--ServerApp.{setting}" for setting in server} <= set(words)
    assert ("--allow-root" in words) == (os.geteuid() == 0)
    assert "token" not in calls[-1] and words[-1] == "--no-browser"


def test_a_python_that_is_too_old_is_refused_by_name(machine):
    done, calls = machine(version="3.10.9", too_old=1).make("lab")
    assert done.returncode != 0 and installations(calls) == []
    assert "needs Python 3.11 to 3.14" in done.stderr and "Python 3.10.9" in done.stderr


def test_a_missing_venv_module_is_explained_and_leaves_nothing_behind(machine):
    fresh = machine(no_venv=1)
    done, calls = fresh.make("test")
    assert done.returncode != 0 and installations(calls) == []
    assert "python3-venv" in done.stderr
    assert not (fresh.folder / ".venv").exists()


def test_asking_for_another_python_than_that_of_the_environment_is_refused(machine):
    fresh = machine()
    fresh.make("lab")
    done, calls = FakeMachine(fresh.folder, version="3.14.1").make("lab")
    assert done.returncode != 0 and calls[-1] == "--version"
    assert "make clean" in done.stderr


# .ci/run

FAKE_MAKE = """\
#!/bin/sh
echo "called: make $1, CI=$CI, TOYLAB_NO_SKIP=$TOYLAB_NO_SKIP, input: $(cat)"
echo "=================== 1 failed, 2 passed in 0.10s ==================="
echo "make: *** [Makefile:1: test] Error 1"
exit 2
"""


def test_ci_runs_make_test_without_skips_or_input_and_ends_with_its_closing_line_and_status(tmp_path):
    (tmp_path / ".ci").mkdir()
    run = shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    fake = tmp_path / "bin" / "make"
    fake.parent.mkdir()
    fake.write_text(FAKE_MAKE, encoding="utf-8")
    fake.chmod(0o755)
    environment = {"PATH": f"{fake.parent}{os.pathsep}{os.environ['PATH']}", "CHROMIUM": str(fake)}
    done = subprocess.run([run], input="typed", env=environment, capture_output=True, text=True)
    first, *_, last = done.stdout.splitlines()
    assert first == "called: make test, CI=true, TOYLAB_NO_SKIP=1, input: "
    assert last == "=================== 1 failed, 2 passed in 0.10s ==================="
    assert done.returncode == 2
