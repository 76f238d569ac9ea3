"""``toylab export``: pages that need no Python, figures for print, movies."""

from typing import Annotated, Any

import typer

from toylab.cli import options

export = typer.Typer(name="export", invoke_without_command=True, rich_markup_mode=None)

MEASURING = "compare", "work", "order", "decompose", "grid", "off"  # the commands that draw
Source = Annotated[
    str, typer.Argument(metavar="SOURCE", help="A sweep's file (.npz), a data set, or a network of points or images.")
]
Methods = Annotated[
    list[str] | None, typer.Option("--method", metavar="METHODS", help="Separated by commas or one by one.")
]
Steps = Annotated[int | None, typer.Option(help="Number of steps. [the largest up to 10]")]
Theme = Annotated[str, typer.Option(help="light or dark.")]
Force = Annotated[bool, typer.Option("--force", help="Replace files that are there.")]


@export.callback()
def about(context: typer.Context) -> None:
    """Write pages that need no Python, figures for print, movies.

    \b
    Examples:
      toylab export page lab.html           the live lab, in one file
      toylab export page --folder lab       the same for a host that forbids scripts inside pages
      toylab export site pages              all lessons, the results and the live lab
      toylab export figure order.pdf order moons --method DDIM      any measurement, as wide as a column
      toylab export movie spiral.gif spiral                         the way of the particles
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@export.command()
def page(
    file: Annotated[str | None, typer.Argument(metavar="FILE", help="The page to write (.html).")] = None,
    folder: Annotated[
        str | None, typer.Option("--folder", metavar="DIR", help="Write a folder without inline scripts instead.")
    ] = None,
    networks: Annotated[
        list[str] | None,
        typer.Option("--network", metavar="NETWORK", help="A trained network to put in, by name or path; repeatable."),
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
      toylab export page lab.html --network spiral --network moons
    """
    from toylab.pages import write_live_folder, write_live_page

    if (file is None) == (folder is None):
        raise ValueError("give either FILE or --folder DIR")
    if file is not None:
        path = write_live_page(file, force, networks=networks or ())
        print(f"wrote {path} ({path.stat().st_size / 1000:.0f} kB); open it in a browser")
    else:
        path = write_live_folder(folder, force, networks or ())
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

    The pages hold the notebooks as they are stored. Players and galleries are computed anew and stay alive, and the
    live lab stands in the place of the notebooks' own. Open DIR/index.html, or put DIR on any server.

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


@export.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
def figure(
    context: typer.Context,
    file: Annotated[str, typer.Argument(metavar="FILE", help="The figure to write (.pdf, .svg or .png).")],
    what: Annotated[
        list[str],
        typer.Argument(metavar="WHAT", help="A command that measures, or a sweep's file (.npz) and its options."),
    ],
    columns: Annotated[int, typer.Option(help="As wide as 1 or 2 columns of a paper.")] = 1,
    force: Force = False,
) -> None:
    """Write a figure for print: as wide as one or two columns, its fonts in the file.

    WHAT is a command of toylab with its options, which measures and draws; or the file of a sweep, drawn as a player
    shows it, with --steps, --nfe, --time, --method and --theme. Options of the export stand before FILE.

    \b
    Examples:
      toylab export figure order.pdf order moons --method DDIM,S-PNDM
      toylab export figure --columns 2 work.svg work circle --eps exact
      toylab export figure --columns 2 player.pdf sweep.npz --steps 5
    """
    from toylab._files import check_new
    from toylab.cli.output import check_output
    from toylab.figures.printing import SUFFIXES, check_font, columns_wide

    check_font()
    path = check_output(file, SUFFIXES)
    check_new(path, force)
    command, *arguments = what
    with columns_wide(columns):
        if command.endswith(".npz"):
            _state.main([command, str(path), *arguments], "toylab export figure", standalone_mode=False)
            return
        if command not in MEASURING:
            raise ValueError(f"WHAT must be a sweep's file (.npz) or one of {', '.join(MEASURING)}, got {command!r}")
        context.find_root().command.commands[command].main(
            [*arguments, "--out", str(path)], f"toylab {command}", standalone_mode=False
        )


def _draw_state(
    sweep: Annotated[str, typer.Argument()],
    path: Annotated[str, typer.Argument()],
    steps: Annotated[int | None, typer.Option()] = None,
    nfe: Annotated[int | None, typer.Option()] = None,
    time: Annotated[float | None, typer.Option()] = None,
    methods: Methods = None,
    density: Annotated[bool, typer.Option("--density")] = False,
    theme: Theme = "light",
) -> None:
    """Draw a sweep as a player shows it."""
    from toylab.analysis import Sweep
    from toylab.figures.printing import save
    from toylab.widgets.stills import still

    names = options.method_names(methods) if methods else None
    drawn = still(Sweep.load(sweep), steps, time, names, budget=nfe, density=density, theme=theme)
    print(f"wrote {save(drawn, path)}")


_drawing = typer.Typer(add_completion=False)
_drawing.command()(_draw_state)
_state = typer.main.get_command(_drawing)


@export.command()
def movie(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The movie (.mp4, .gif), or a folder for PNG frames.")],
    source: Source,
    methods: Methods = None,
    steps: Steps = None,
    over: Annotated[str, typer.Option(help="What passes: time, or steps (the end, with every step count).")] = "time",
    eps: Annotated[str, typer.Option(help="network (trained) or exact, where SOURCE is a name.")] = "network",
    fps: Annotated[float, typer.Option(help="Frames a second.")] = 8,
    theme: Theme = "light",
    force: Force = False,
) -> None:
    """Write a movie of several methods side by side: from noise to data, or from few steps to many.

    An .mp4 needs ffmpeg; a .gif and PNG frames need nothing.

    \b
    Examples:
      toylab export movie spiral.gif spiral --method Euler,RK4,DDIM,F-PNDM --steps 10
      toylab export movie spiral.mp4 spiral --over steps
      toylab export movie frames sweep.npz --steps 20
      toylab export movie digits.gif digits --steps 10
    """
    from toylab import problems
    from toylab.analysis import Sweep, sweep
    from toylab.widgets.movie import checked_place, write_movie

    checked_place(file, over=over, fps=fps, force=force)  # before anything is computed
    names = options.method_names(methods) if methods else None
    how: dict[str, Any] = {"over": over, "fps": fps, "force": force}
    look = {"methods": names, "steps": steps, "theme": theme}
    more = ({} if names is None else {"methods": names}) | ({"steps": [steps]} if steps else {})
    problem = None if source.endswith(".npz") else problems.find(source, eps, images=True)
    if problem is None:
        path = write_movie(Sweep.load(source), file, **how, **look)
    elif problem.manifold:
        path = write_movie(sweep(problem, progress=False, **more), file, **how, **look)
    else:
        path = write_movie(_gallery(problem, theme, more), file, **how)
    print(f"wrote {path}")


def _gallery(problem, theme, more):
    """A gallery of a network of images: 36 small ones, or 9."""
    from toylab.images import image_sweep
    from toylab.widgets import Gallery

    n = 36 if problem.shape[-1] <= 8 else 9
    return Gallery(image_sweep(problem, nfe=(), n=n, progress=False, **more), theme=theme)
