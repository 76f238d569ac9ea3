"""Which tests are slow. seconds.txt says what each takes; `make durations` measures it again.

Counted are seconds of CPU time, those of processes that a test waits for included. A test counts with all its cases,
a fixture that tests share on its own: whoever uses a slow one is slow.
"""

import os
import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

RECORD = Path(__file__).with_name("seconds.txt")
SLOW = 0.2  # seconds; what takes less is not written down


@cache
def recorded():
    """The seconds of every slow test and fixture, by name."""
    lines = RECORD.read_text(encoding="utf-8").splitlines()
    return {name: float(seconds) for seconds, name in map(str.split, lines)}


def cpu():
    """The seconds of CPU time that this process and those that it has waited for have taken."""
    return sum(os.times()[:4])


def name_of(nodeid):
    """The name of a test without those of its case and of its group, which xdist adds."""
    return re.split(r"[\[@]", nodeid, maxsplit=1)[0]


def parts(item):
    """The names under which the seconds of a test are recorded: its own, and those of the fixtures it shares."""
    file = item.nodeid.partition("::")[0]
    return {name_of(item.nodeid), *(f"{file}::{name}" for name in item.fixturenames)} & recorded().keys()


class Recorder:
    """Measures tests and shared fixtures, and updates seconds.txt with those that ran."""

    def __init__(self):
        self.shared, self.found = Counter(), Counter()  # of the phase that runs, of all
        self.start = cpu()

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        start, others = cpu(), self.shared.total()
        try:
            return (yield)
        finally:
            if fixturedef.scope != "function":
                inside = self.shared.total() - others
                self.shared[f"{fixturedef.baseid}::{fixturedef.argname}"] += cpu() - start - inside

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item):
        report = yield
        end = cpu()
        own = {name_of(item.nodeid): end - self.start - self.shared.total()}
        report.seconds = own | self.shared  # travels from a process of xdist to the first one
        self.shared, self.start = Counter(), end
        return report

    def pytest_runtest_logreport(self, report):
        self.found.update(report.seconds)

    def pytest_sessionfinish(self, session):
        if hasattr(session.config, "workerinput"):
            return
        seconds = {name: value for name, value in (recorded() | self.found).items() if value >= SLOW}
        lines = [f"{value:6.1f} {name}\n" for name, value in sorted(seconds.items(), key=lambda pair: -pair[1])]
        RECORD.write_text("".join(lines), encoding="utf-8")
