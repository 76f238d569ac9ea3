"""Running the sections of the results page."""

import time
from collections.abc import Iterable
from importlib import import_module

from toylab._errors import unknown_name
from toylab._progress import Bar
from toylab._threads import single_thread
from toylab.lessons.results.report import Entry, Report
from toylab.lessons.results.section import Section

TOPICS = ("start", "denoiser", "twins", "halves", "orders", "clocks", "work", "fault", "later")  # in the page's order


def sections() -> tuple[Section, ...]:
    """All sections, in the order of the page."""
    modules = [import_module(f"toylab.lessons.results.{topic}") for topic in TOPICS]
    return tuple(each for module in modules for each in vars(module).values() if isinstance(each, Section))


def choose(names: Iterable[str]) -> tuple[Section, ...]:
    """The sections called `names`, or quoted by "readme" or "notebook-3", in the order of the page.

    Raises ValueError for a name that is neither.
    """
    every = sections()
    known = dict.fromkeys(name for each in every for name in _answers_to(each))
    for name in names:
        if name.lower() not in known:
            raise unknown_name("only", name, list(known))
    wanted = {name.lower() for name in names}
    return tuple(each for each in every if wanted.intersection(_answers_to(each)))


def _answers_to(section):
    return section.quoted_by.lower().replace(" ", "-"), section.name


def reproduce(chosen: Iterable[Section] | None = None, progress: bool = True) -> Report:
    """Compute sections, by default all, on one thread.

    Args:
        chosen: `Section`s, see `choose`. progress: show a bar with the time that is left.

    Returns a `Report`.
    """
    chosen = sections() if chosen is None else tuple(chosen)
    show = {"unit": "s", "miniters": 0, "smoothing": 0, "show": progress}
    form = "{l_bar}{bar}| {elapsed}, {remaining} left"
    entries, done, wall, cpu = [], 0, time.monotonic(), time.process_time()
    with single_thread(), Bar(total=sum(each.seconds for each in chosen), bar_format=form, **show) as bar:
        for each in chosen:
            bar.set_description(each.name, refresh=False)
            bar.update(done)
            before = time.process_time()
            entries.append(Entry(each, each.compute(), time.process_time() - before))
            done = each.seconds
        bar.update(done)
    return Report(tuple(entries), time.monotonic() - wall, time.process_time() - cpu)
