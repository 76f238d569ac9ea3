"""A short part of ``make fuzz``, and what it would overlook."""

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
spec = importlib.util.spec_from_file_location("fuzz", ROOT / "scripts" / "fuzz.py")
fuzz = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fuzz)


@pytest.fixture(scope="module")
def names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("world")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        yield fuzz.world(folder)


def test_three_hundred_cases_find_nothing():
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "fuzz.py", "300"], cwd=ROOT, capture_output=True, text=True, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("function", "good"), fuzz.CALLS, ids=[function for function, _ in fuzz.CALLS])
def test_the_arguments_that_are_spoilt_are_good_before(function, good, names):
    values = {key: eval(value, dict(names)) for key, value in good.items()}
    eval(function, dict(names))(**values)


def test_every_public_function_is_called_or_left_out_for_a_reason():
    assert fuzz.public() == []


@pytest.mark.parametrize(
    ("function", "says"),
    [
        ("lambda steps: [][steps]", "IndexError"),
        ("lambda steps: int('x')", "ValueError that names no argument"),
        ("lambda steps: torch.ones(2) / 0", "a result that is not finite"),
        ("lambda steps: [0 for _ in iter(int, 1)]", "runs for ever"),
    ],
)
def test_a_fault_is_seen(function, says, names, monkeypatch):
    monkeypatch.setattr(fuzz, "PATIENCE", 0.2)
    assert says in fuzz.failure_of_call(f"({function})", {"steps": "3"}, names)


def test_a_call_that_says_which_argument_is_wrong_is_no_fault(names):
    assert fuzz.failure_of_call("toylab.sample", {"eps": "EPS", "steps": "10**30"}, names) is None


def test_the_same_seed_gives_the_same_cases():
    assert [fuzz.spoilt_call(fuzz.random.Random("0")) for _ in range(2)][0] == fuzz.spoilt_call(fuzz.random.Random("0"))


def test_the_page_on_reliability_is_written_whole_by_a_run(tmp_path):
    page = tmp_path / "reliability.md"
    counts = dict.fromkeys(fuzz.PARTS, 1000)
    fuzz.write_report(page, counts, 0, 5.0, [])
    text = page.read_text()
    assert "5,000 cases of seed 0 in 5.0 minutes." in text and "No fault was found." in text
    assert all(f"| {part} | 1,000 | 0 |" in text for part in ("kills", "damaged files", "full disks"))
    fuzz.write_report(page, counts, 0, 5.0, [("calls", "sample: KeyError", "toylab.sample(1)")])
    assert "--case 'toylab.sample(1)'" in page.read_text() and "No fault" not in page.read_text()


def test_the_page_on_reliability_is_that_of_the_script():
    shown, fixed = fuzz.REPORT.read_text(encoding="utf-8"), re.split(r"\{\w+\}", fuzz.PAGE)
    assert [part for part in fixed if part not in shown] == []
