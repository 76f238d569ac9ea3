"""Every method gives the states that it gave before methods became rows of three tables."""

from pathlib import Path

import numpy as np
import pytest
from fixtures.make_states import cases, states

KNOWN = np.load(Path(__file__).parent / "fixtures" / "states.npz")
METHODS = sorted({key.split(" ")[0] for key in KNOWN})
CASES = cases()


@pytest.mark.parametrize("method", METHODS)
def test_states_are_those_saved_before_the_methods_became_rows(method):
    for key in (key for key in KNOWN if key.split(" ")[0] == method):
        known, found = KNOWN[key], states(*CASES[key])
        assert np.abs(found - known).max() <= 1e-12 * max(1, np.abs(known).max()), key


def test_every_option_was_saved():
    assert {key for key in CASES if "=" in key} <= set(KNOWN)
