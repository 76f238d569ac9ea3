"""The options that the commands that measure share, and how each shows what it found."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from toylab.cli import options
from toylab.cli.output import RESULTS, check_output, deliver

if TYPE_CHECKING:
    from toylab.analysis import Table
    from toylab.problems import Problem


@dataclass
class Asked:
    """The options that these commands share, and the problem that they name."""

    name: options.Name
    particles: options.Particles = 512
    seed: options.Seed = 0
    eps: options.Eps = "network"
    schedule: options.Schedule = None
    spacing: options.Spacing = "t"
    t_start: options.Start = None
    t_end: options.End = None
    points: options.Points = None
    out: options.Out = None
    json: options.Json = False

    def __post_init__(self) -> None:
        self.path = check_output(self.out, RESULTS) if self.out else None  # refused before any work

    def problem(self, **how: Any) -> "Problem":
        """The problem with its limits; `how`: other arguments of `toylab.problems.find` than those asked for."""
        from toylab import problems

        how = {"eps": self.eps, "schedule": self.schedule, "points": self.points} | how
        return replace(problems.find(self.name, **how), t_start=self.t_start, t_end=self.t_end)

    def show(
        self, problem: "Problem", about: dict, draw: Callable[[], object], stop: KeyboardInterrupt | None,
        *shown: "str | Table",
    ) -> None:  # fmt: skip
        """Write and print what was found: `about` as JSON, what `draw` draws, or lines and tables."""
        deliver(problem.labels | about, draw, shown, problem.title, self.path, self.json, stop)
