"""What notebook 9 quotes: solver error and network error."""

from toylab import load
from toylab.analysis import decompose_error
from toylab.lessons.results.section import Found, Section, figure, settings

QUOTED = "notebook 9"


def spiral() -> Found:
    """The spiral's network with three methods."""
    return _parts("spiral", ("DDIM", "S-PNDM", "F-PNDM"))


def circle() -> Found:
    """The circle's network with two methods."""
    return _parts("circle", ("DDIM", "S-PNDM"))


def _parts(name, methods):
    how = {"n": 128, "seed": 0}
    found = decompose_error(load(name), methods=methods, progress=False, **how)
    return Found(settings(f"{name}, linear schedule, network against exact", **how), (found.table(),),
                 {f"fault-{name}": figure(found.plot())})  # fmt: skip


SECTIONS = (
    Section("fault-spiral", QUOTED, "The spiral's network", spiral, 5),
    Section("fault-circle", QUOTED, "The circle's network", circle, 4),
)
