"""``toylab present``: the live lab as a lecture."""

import tempfile
import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def present(
    scenes: Annotated[
        str | None, typer.Argument(metavar="[SCENES]", help="A file of scenes. [a lecture of two hours]")
    ] = None,
    out: Annotated[str | None, typer.Option(metavar="FILE", help="Write the page there and open nothing.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Open the live lab in lecture mode: large type, all by keys (? lists them), Page Up and Page Down walk the scenes.

    A file of scenes is text: a line "# title", a line with the part of the page's address after #, then lines of
    notes, which N shows in a window of their own; and so on. JSON does as well: a list of objects with title, link
    and notes.

    \b
    Examples:
      toylab present
      toylab present scenes.txt
      toylab present scenes.txt --out lecture.html
    """
    from toylab.pages import write_live_page
    from toylab.pages.scenes import lecture, read

    found = lecture() if scenes is None else read(scenes)
    target = out or str(Path(tempfile.mkdtemp(prefix="toylab-")) / "lecture.html")
    path = write_live_page(target, force, found)
    address = f"{path.resolve().as_uri()}#{found[0].link}&stage=1&scene=1&hide=controls"
    opened = out is None and webbrowser.open(address)
    print(f"{len(found)} scenes in {path}" if opened else f"{len(found)} scenes; open {address}")
