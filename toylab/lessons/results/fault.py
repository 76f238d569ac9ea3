"""Notebook 9: solver error and network error."""

from toylab import load
from toylab.analysis import decompose_error
from toylab.lessons.results.section import Found, figure, section, settings

QUOTED = "notebook 9"


@section("fault-spiral", QUOTED, "The spiral's network", 5)
def spiral() -> Found:
    return _parts("spiral", ("DDIM", "S-PNDM", "F-PNDM"))


@section("fault-circle", QUOTED, "The circle's network", 4)
def circle() -> Found:
    return _parts("circle", ("DDIM", "S-PNDM"))


def _parts(name, methods):
    how = {"n": 128, "seed": 0}
    found = decompose_error(load(name), methods=methods, progress=False, **how)
    return Found(settings(f"{name}, linear schedule, network against exact", **how), (found.table(),),
                 {f"fault-{name}": figure(found.plot())})  # fmt: skip
