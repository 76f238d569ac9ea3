"""``toylab export``: pages that need no Python."""

from typing import Annotated

import typer

export = typer.Typer(name="export", invoke_without_command=True, rich_markup_mode=None)

Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


@export.callback()
def about(context: typer.Context) -> None:
    """Write pages that need no Python.

    \b
    Examples:
      toylab export page lab.html           the live lab, in one file
      toylab export page --folder lab       the same for a host that forbids scripts inside pages
      toylab export site pages              all lessons, the results and the live lab
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@export.command()
def page(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="The page to write (.html).")] = None,
    folder: Annotated[
        str | None, typer.Option("--folder", metavar="DIR", help="Write a folder without inline scripts instead.")
    ] = None,
    force: Force = False,
) -> None:
    """Write the live lab as one file that samples in any browser, without a network.

    All that it shows is in its address, after a #, so that a link is a picture:
    lab.html#data=moons&methods=RK4,F-PNDM,plms+classical&steps=5&t=.3&theme=dark

    A folder works where a host allows scripts from files only (script-src 'self'). It needs a server: browsers load the
    parts of a page from disk no more.

    \b
    Examples:
      toylab export page lab.html
      toylab export page lab.html --force
      toylab export page --folder lab
    """
    from toylab.pages import write_live_folder, write_live_page

    if (file is None) == (folder is None):
        raise ValueError("give either FILE or --folder DIR")
    if file is not None:
        path = write_live_page(file, force)
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB); open it in a browser")
    else:
        path = write_live_folder(folder, force)
        print(f"wrote {path} and what it loads; put the folder {path.parent} on a server")


@export.command()
def site(
    folder: Annotated[str, typer.Argument(metavar="DIR", help="The folder to write.")],
    still: Annotated[
        bool, typer.Option("--still", help="Pictures in place of live players: seconds in place of minutes.")
    ] = False,
    force: Force = False,
) -> None:
    """Write all lessons, the results and the live lab as pages that need no Python and no network.

    The pages hold the notebooks as they are stored. Players and galleries are computed anew and stay alive; labs are
    pictures with a link to the live lab. Open DIR/index.html, or put DIR on any server.

    \b
    Examples:
      toylab export site pages
      toylab export site pages --force --still
    """
    import sys

    from toylab.pages import write_site

    paths = write_site(folder, force, live=not still, say=lambda line: print(f"toylab: {line}", file=sys.stderr))
    size = sum(path.stat().st_size for path in paths)
    print(f"wrote {len(paths)} files ({size / 1e6:.1f} MB); begin with {paths[-1]}")
