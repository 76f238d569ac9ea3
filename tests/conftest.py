"""What every test runs under: few threads, fixed seeds, no deadlines, and no skip let through on request."""

import os
import random

# Kernels and command lines started by tests inherit it. A second thread gains nothing on networks as small as ours.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import browser
import hypothesis
import matplotlib
import numpy as np
import pytest
import torch

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


@pytest.fixture(autouse=True)
def same_random_numbers_in_any_order():
    """Every test starts from the same global generators, whichever tests ran before it."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


@pytest.fixture(scope="session")
def started():
    """A headless Chromium for Playwright: the one that CHROMIUM names, or the system's; skips where there is none."""
    if browser.chromium() is None:
        pytest.skip("no Chromium found: install the system's, or name one in the variable CHROMIUM")
    with browser.browser() as running:
        yield running


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
