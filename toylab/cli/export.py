"""``toylab export``: pages that need no Python."""

from typing import Annotated

import typer

export = typer.Typer(name="export", invoke_without_command=True, rich_markup_mode=None)


@export.callback()
def about(context: typer.Context) -> None:
    """Write pages that need no Python.

    \b
    Examples:
      toylab export page lab.html    the live lab, in one file
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@export.command()
def page(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The page to write (.html).")],
    force: Annotated[bool, typer.Option("--force", help="Replace a file that is there.")] = False,
) -> None:
    """Write the live lab as one file that samples in any browser, without a network.

    All that it shows is in its address, after a #, so that a link is a picture:
    lab.html#data=moons&methods=RK4,F-PNDM,plms+classical&steps=5&t=.3&theme=dark

    \b
    Examples:
      toylab export page lab.html
      toylab export page lab.html --force
    """
    from toylab.pages import write_live_page

    path = write_live_page(file, force)
    print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB); open it in a browser")
