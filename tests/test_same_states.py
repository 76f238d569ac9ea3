"""Every method gives the states that it gave before methods became rows of three tables."""

from pathlib import Path

import numpy as np
import pytest
from fixtures.make_states import SCHEDULES, SPACINGS, STEPS, states

KNOWN = np.load(Path(__file__).parent / "fixtures" / "states.npz")
METHODS = sorted({key.split(" ")[0] for key in KNOWN})


@pytest.mark.parametrize("method", METHODS)
def test_states_are_those_saved_before_the_methods_became_rows(method):
    for case in ((schedule, spacing, steps) for schedule in SCHEDULES for spacing in SPACINGS for steps in STEPS):
        known, found = KNOWN[" ".join(map(str, (method, *case)))], states(method, *case)
        assert np.abs(found - known).max() <= 1e-12 * max(1, np.abs(known).max()), case
