"""``toylab reproduce``: every quoted number, computed again."""

from pathlib import Path
from typing import Annotated

import typer

from toylab import _shipped
from toylab.cli import options
from toylab.cli.output import check_output, print_json


def reproduce(
    out: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Where to write results.md and results/*.png. [docs]")
    ] = None,
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="SECTIONS", help="Sections, readme or notebook-1 to notebook-9, separated by commas."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Recompute every number that the README and the notebooks quote.

    Writes docs/results.md with tables and figures, the commit, versions, seeds and the run time. A part of
    it (--only) is printed instead, unless --out says where to write it.

    \b
    Examples:
      toylab reproduce
      toylab reproduce --only notebook-3
      toylab reproduce --only orders,starts --json
      toylab reproduce --out results-here
    """
    import matplotlib

    from toylab.lessons.results import choose, sections
    from toylab.lessons.results import reproduce as run

    names = options.method_names(only or [])
    chosen = choose(names) if only else sections()
    folder = _folder(out) if out or not only else None
    matplotlib.use("Agg")
    report = run(chosen)
    files = [str(path) for path in report.write(folder)] if folder else []
    if json:
        print_json(report.as_dict() | {"files": files})
    elif folder:
        print(f"{len(report.entries)} sections in {report.cpu:.0f} s of one core, {report.wall:.0f} s by the clock")
        print(f"wrote {files[-1]}" + (f" and {len(files) - 1} figures" if files[1:] else ""))
    else:
        print(report.markdown(figures=False), end="")


def _folder(out):
    """The folder to write into, made if need be: it is better to fail now than after minutes of work."""
    from toylab.lessons.results.report import PAGE

    folder = Path(out) if out else (_shipped.clone() or Path.cwd()) / "docs"
    if folder.exists() and not folder.is_dir():
        raise NotADirectoryError(f"out must be a folder, but {folder} is a file")
    folder.mkdir(parents=True, exist_ok=True)
    return check_output(folder / PAGE, [".md"]).parent
