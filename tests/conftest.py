"""What every test runs under: few threads, fixed seeds, no deadlines, and no skip let through on request."""

import ctypes
import math
import os
import random
import signal
import sys
from collections import defaultdict

# Kernels and command lines started by tests inherit it. A second thread gains nothing on networks as small as ours.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# The C library keeps the memory that arrays free: on a virtual machine it takes longer to get pages from the system
# than to compute what goes into them. By these for the processes that tests start, below for this one.
os.environ.setdefault("MALLOC_MMAP_THRESHOLD_", str(2**25))
os.environ.setdefault("MALLOC_TRIM_THRESHOLD_", str(2**29))

import browser
import hypothesis
import matplotlib
import numpy as np
import pytest
import timing
import torch

from toylab.epsilon import ExactEps
from toylab.problems import flow

# With it jsonschema, which nbformat imports, builds 39 grammars of addresses: four seconds in every process.
sys.modules["rfc3987_syntax"] = None

if hasattr(libc := ctypes.CDLL(None), "mallopt"):  # of glibc
    libc.mallopt(-3, 2**25)  # M_MMAP_THRESHOLD
    libc.mallopt(-1, 2**29)  # M_TRIM_THRESHOLD

# What a shell starts in the background ignores Ctrl-C, and so would every process that the tests start and stop.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

NO_SKIP = os.environ.get("TOYLAB_NO_SKIP", "") not in ("", "0")

hypothesis.settings.register_profile(
    "toylab",
    deadline=None,
    derandomize=NO_SKIP,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("toylab")
matplotlib.use("Agg")


WAITING = "notebook", "browser"  # which take longer than their CPU time says
NEEDS = {"ran": "notebook", "started": "browser"}  # fixture: the marker of a test that uses it


def pytest_addoption(parser):
    parser.addoption("--record-seconds", action="store_true", help="measure every test and update tests/seconds.txt")


def pytest_configure(config):
    if config.getoption("record_seconds"):
        config.pluginmanager.register(timing.Recorder())


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """Mark tests by what they need and by their seconds; those of one file share its fixtures, and so go to one process
    of xdist. The longest come first, so that no process waits for another at the end."""
    costs = defaultdict(set)
    for item in items:
        for fixture in NEEDS.keys() & set(item.fixturenames):
            item.add_marker(NEEDS[fixture])
        if timing.parts(item):
            item.add_marker("slow")
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(item.path.stem))
        costs[_group(item)] |= timing.parts(item)
    # fsum, since sets come in another order in each process, whose order of tests must be the same
    seconds = {group: math.fsum(map(timing.recorded().get, names)) for group, names in costs.items()}
    items.sort(key=lambda item: (*(item.get_closest_marker(name) is None for name in WAITING), -seconds[_group(item)]))


def _group(item):
    return item.get_closest_marker("xdist_group").args[0]


@pytest.fixture(autouse=True)
def same_random_numbers_in_any_order():
    """Every test starts from the same global generators, whichever tests ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session", autouse=True)
def flows_are_solved_once():
    """The exact flow of one exact epsilon from the same start to the same times is solved once in a process: half of
    the time that orders and errors take is spent on it, over and over. Any other epsilon is asked as often as ever."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flow, "_solve", _once(flow._solve))
        yield


def _once(solve):
    known = {}

    def solving(eps, schedule, x_T, t_start, times, rtol, progress):
        if type(eps) is not ExactEps:
            return solve(eps, schedule, x_T, t_start, times, rtol, progress)
        tensors = [(each.dtype, each.shape, each.detach().cpu().numpy().tobytes()) for each in (eps.points, x_T)]
        key = (*tensors, eps.schedule, eps.spread, schedule, t_start, *times, rtol)
        if key not in known:
            known[key] = solve(eps, schedule, x_T, t_start, times, rtol, progress)
        states, nfe = known[key]
        return [state.clone() for state in states], nfe

    return solving


@pytest.fixture(scope="session")
def started():
    """A headless Chromium for Playwright: the one that CHROMIUM names, or the system's; skips where there is none."""
    if browser.chromium() is None:
        pytest.skip("no Chromium found: install the system's, or name one in the variable CHROMIUM")
    with browser.browser() as running:
        yield running


@pytest.fixture(scope="session")
def jupyter(tmp_path_factory):
    """A JupyterLab that all notebooks of a worker share; see `browser.open_notebook`."""
    with browser.jupyterlab(tmp_path_factory.mktemp("jupyter")) as server:
        yield server


def _refuse(report, what, reason):
    report.outcome = "failed"
    report.longrepr = f"TOYLAB_NO_SKIP is set, and this {what}: {reason}"


def _reason(report):
    return report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if NO_SKIP and hasattr(report, "wasxfail"):
        _refuse(report, "test is expected to fail", report.wasxfail or "no reason given")
        del report.wasxfail
    elif NO_SKIP and report.skipped:
        _refuse(report, "test was skipped", _reason(report))
    return report


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(collector):
    report = yield
    if NO_SKIP and report.skipped:
        _refuse(report, "whole file was skipped", _reason(report))
    return report
