"""The output of commands: tables, JSON, figures and the places of files; nothing measured is lost at Ctrl-C."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TypeVar

from toylab._files import check_writable, replacing, replacing_together, strict_json, user_path

if TYPE_CHECKING:
    from toylab.analysis import Interrupted, Table
    from toylab.samplers import Trajectory
    from toylab.samplers.base import Method

Found = TypeVar("Found")

PIPED_WIDTH = 240
RESULTS = (".png", ".pdf", ".svg", ".json")


def print_json(value: object) -> None:
    """`value` as JSON on stdout; numbers that are not finite, which JSON does not have, become null."""
    print(strict_json(value, indent=2))


def print_table(columns: Mapping[str, Literal["left", "right"]], rows: Iterable[Iterable[str]]) -> None:
    """An aligned table on stdout. `columns`: title -> "left" or "right"; cells are strings."""
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False)
    for title, side in columns.items():
        table.add_column(title, justify=side, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    Console(width=None if sys.stdout.isatty() else PIPED_WIDTH, highlight=False).print(table)


def print_view(table: Table) -> None:
    """A `toylab.analysis._table.Table` on stdout, with its note below."""
    columns = {title: "right" if place else "left" for place, title in enumerate(table.header)}
    print_table(columns, ([cell if isinstance(cell, str) else figure(cell) for cell in row] for row in table.rows))
    if table.note:
        print(f"\n{table.note}")


def deliver(
    about: dict[str, Any], draw: Callable[[], object], shown: Iterable[str | Table], title: str,
    path: Path | None = None, json: bool = False, stop: KeyboardInterrupt | None = None,
) -> None:  # fmt: skip
    """Write a result to its file, then to stdout.

    Args:
        about: the result as JSON will have it; it is printed instead of `shown` where `json` asks for it.
        draw: returns the matplotlib Axes. title: of the figure, where it has none of its own.
        path: None, or the file, whose suffix (one of RESULTS) says what is written.
        stop: the KeyboardInterrupt that made it only a part of what was asked for; it is raised again at the end.
    """
    about = about | {"complete": stop is None}
    if path and path.suffix.lower() == ".json":
        with replacing(path) as file:
            file.write(f"{strict_json(about, indent=2)}\n".encode())
    elif path:
        write_figure(path, draw, title)
    if json:
        print_json(about | {"files": [str(path)] if path else []})
    else:
        for part in shown:
            print(part) if isinstance(part, str) else print_view(part)
        if path:
            print(f"\nwrote {path}")
    if stop:
        raise KeyboardInterrupt("stopped by Ctrl-C: only a part was done, and is kept above") from stop


def figure(value: float | None) -> str:
    """A number in three digits, or a dash for None."""
    return "-" if value is None else f"{value:.3g}"


def check_output(path: str | PathLike[str], suffixes: Sequence[str]) -> Path:
    """`path` as a Path that can be written, with the first of `suffixes` if it has none.

    Raises ValueError for another suffix, FileNotFoundError, NotADirectoryError or IsADirectoryError for a
    wrong place, PermissionError where no file can be made.
    """
    path = user_path(path, "out")
    if path.is_dir():
        raise IsADirectoryError(f"out must be a file, but {path} is a folder")
    if not path.suffix:
        path = path.with_name(path.name + suffixes[0])
    if path.suffix.lower() not in suffixes:
        raise ValueError(f"out must end in {' or '.join(suffixes)}, got {str(path)!r}")
    if not path.parent.exists():
        raise FileNotFoundError(f"out must be in a folder that exists, and {path.parent} does not")
    if not path.parent.is_dir():
        raise NotADirectoryError(f"out must be in a folder, but {path.parent} is a file")
    try:
        check_writable(path)
    except OSError as error:
        reason = error.strerror or error
        raise PermissionError(
            f"out must be in a folder that can be written to; {path.parent} cannot ({reason})"
        ) from error
    return path


def file_stem(name: str) -> str:
    """The name of files made from the network or data set of this name."""
    return Path(name).name.removesuffix(".safetensors")


def write_run(
    path: Path, picture: Path, trajectory: Trajectory, about: Mapping[str, Any], arrays: Mapping[str, Any],
    draw: Callable[[BinaryIO], object],
) -> None:  # fmt: skip
    """Write a run to `path` (.npz), with `arrays` by name, and what `draw(file)` draws to `picture`."""
    import numpy as np
    import torch

    from toylab import __version__

    about = {**about, "toylab": __version__, "torch": torch.__version__}
    with replacing_together(path, picture) as (numbers, drawing):
        np.savez_compressed(
            numbers,
            **arrays,
            times=trajectory.times.numpy(),
            nfe=trajectory.nfe,
            nfe_per_step=trajectory.nfe_per_step,
            metadata=strict_json(about),
        )
        draw(drawing)


def write_figure(path: Path, draw: Callable[[], object], title: str) -> None:
    """Write the figure whose Axes `draw()` returns to `path`, in one piece or not at all. Opens no window.

    `title` goes above a figure that has none of its own.
    """
    import matplotlib
    import matplotlib.pyplot as plt
    import numpy as np

    from toylab.figures.printing import save

    matplotlib.use("agg")
    drawing = np.ravel(draw())[0].figure
    if not drawing.get_suptitle():
        drawing.suptitle(title, fontsize=15)
    try:
        save(drawing, path)
    finally:
        plt.close(drawing)


def kept(measure: Callable[[], Found]) -> tuple[Found, Interrupted | None]:
    """(what `measure()` returns, None), or (what an interrupted one has kept, its exception) for `deliver`."""
    from toylab._threads import single_thread
    from toylab.analysis import Interrupted

    try:
        with single_thread():
            return measure(), None
    except Interrupted as stop:
        if stop.done is None:
            raise
        return stop.done, stop


def one_by_one(
    measure: Callable[[Method], Found], methods: Iterable[Method]
) -> tuple[list[Found], KeyboardInterrupt | None]:
    """([`measure(method)` of all methods], None); at Ctrl-C (those that are done, with what the last one has kept, the
    KeyboardInterrupt), and the exception itself where nothing is done."""
    from toylab._threads import single_thread

    results = []
    try:
        with single_thread():
            for method in methods:
                results.append(measure(method))
    except KeyboardInterrupt as stop:
        partial = getattr(stop, "done", None)
        results += [partial] if partial else []
        if not results:
            raise
        return results, stop
    return results, None
