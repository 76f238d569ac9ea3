"""The command line: ``toylab COMMAND``. Heavy imports happen inside the commands, so that help is quick."""

import os
import re
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from toylab import __version__, _stops
from toylab.cli import claims, images, lab, measure, present, sample, show, train
from toylab.cli.exercises import exercises
from toylab.cli.export import export

OK, FAILED, MISTAKE, INTERRUPTED = 0, 1, 2, 130


class Group(TyperGroup):
    """Turns errors into one line and an exit code: 1 failed, 2 a user's mistake, 130 stopped by Ctrl-C or SIGTERM."""

    def main(
        self, args: Sequence[str] | None = None, prog_name: str | None = None, standalone_mode: bool = True,
        **extra: Any,
    ) -> NoReturn:  # fmt: skip
        args = sys.argv[1:] if args is None else list(args)
        debug = "--debug" in args or os.environ.get("TOYLAB_DEBUG", "") not in ("", "0")
        try:
            args = [arg for arg in args if arg != "--debug"]  # wherever it stands, it means the same
            args = [re.sub("^--methods(?==|$)", "--method", arg) for arg in args]  # its old name
            code = super().main(args, prog_name or "toylab", standalone_mode=False, **extra)
        except (KeyboardInterrupt, typer.Abort):
            code = INTERRUPTED
        except Exception as error:
            if debug:
                traceback.print_exc()
            code = _explain(error)
        sys.exit(code if isinstance(code, int) else OK)

    def invoke(self, ctx: Any) -> Any:  # typer's Context, or that of click
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            _say(str(stop) or "stopped by Ctrl-C")
            raise typer.Exit(INTERRUPTED) from stop
        except Exception as error:
            if not _came_of_a_stop(error):
                raise
            _say("stopped by Ctrl-C")
            raise typer.Exit(INTERRUPTED) from error


def _came_of_a_stop(error):
    """True if a library met a stop with an error of its own, as zipfile does while it closes a half-written file."""
    if _stops.came:
        return True
    while error := error.__context__:
        if isinstance(error, KeyboardInterrupt):
            return True
    return False


def _explain(error):
    """Say what went wrong in one line on stderr; returns the exit code."""
    if hasattr(error, "format_message"):  # typer's own: wrong usage
        context = getattr(error, "ctx", None)
        _say(error.format_message() + (f" (see {context.command_path} --help)" if context else ""))
        return MISTAKE
    mistakes = ValueError, TypeError, FileNotFoundError, FileExistsError, PermissionError, IsADirectoryError
    if isinstance(error, (*mistakes, NotADirectoryError)):
        _say(str(error))
        return MISTAKE
    _say(f"failed: {type(error).__name__}: {error} (--debug shows where)")
    return FAILED


def _say(message):
    print("toylab:", " ".join(message.split()), file=sys.stderr)


app = typer.Typer(
    cls=Group,
    add_completion=False,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked):
    if asked:
        print("toylab", __version__)
        raise typer.Exit


@app.callback()
def toylab(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show the traceback of an error (TOYLAB_DEBUG=1 does too).")
    ] = False,
) -> None:
    """See and measure how diffusion samplers work as numerical methods.

    \b
    Examples:
      toylab lab                            open the notebooks
      toylab sample spiral --method DDIM    one run, as numbers and a picture
      toylab compare spiral --nfe 20        several methods at the same cost
      toylab work spiral --out work.png     the same at several costs, drawn
      toylab order circle --method RK4,PRK  measured convergence orders
      toylab present                        a lecture in the browser

    Exit codes: 0 done, 1 failed, 2 a mistake in the command, 130 stopped by Ctrl-C or SIGTERM.
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


for command in (
    lab.lab, show.datasets, show.methods, sample.sample, sample.samples, measure.compare, measure.work, measure.order,
    measure.decompose, measure.grid, measure.off, images.distance, train.train, claims.claims, show.reproduce,
    present.present,
):  # fmt: skip
    app.command()(command)
app.add_typer(export)
app.add_typer(exercises)
