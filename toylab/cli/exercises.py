"""``toylab exercises``: the course's exercises, and a report of one's progress for a lecturer."""

from typing import Annotated

import typer

from toylab.cli import options
from toylab.cli.output import check_output, print_json, print_view

exercises = typer.Typer(name="exercises", invoke_without_command=True, rich_markup_mode=None)


@exercises.callback()
def about(context: typer.Context) -> None:
    """The notebooks' exercises and your progress. Nothing of it leaves this machine.

    \b
    Examples:
      toylab exercises list
      toylab exercises report --out report.md
    """
    if context.invoked_subcommand is None:
        print(context.get_help())


@exercises.command("list")
def list_(json: options.Json = False) -> None:
    """List all exercises with what you have done of them.

    \b
    Examples:
      toylab exercises list
      toylab exercises list --json
    """
    from toylab.lessons.exercises.report import progress_table, rows

    if json:
        print_json(rows())
    else:
        print_view(progress_table())


@exercises.command()
def report(
    out: Annotated[
        str | None, typer.Option(metavar="FILE", help="Where to write it (.md or .json). [printed as Markdown]")
    ] = None,
    name: Annotated[str, typer.Option(help="Your name, as the report shall have it.")] = "",
) -> None:
    """Write a report of your progress that you can hand to a lecturer.

    It has each exercise's status, attempts, hints used and misconceptions met, and the first guess of each prediction;
    no answers, and no name unless --name gives one.

    \b
    Examples:
      toylab exercises report
      toylab exercises report --out report.md --name "Ada"
      toylab exercises report --out report.json
    """
    from toylab import __version__
    from toylab._files import replacing, strict_json
    from toylab.lessons.exercises.progress import VERSION
    from toylab.lessons.exercises.report import guess_table, guesses, progress_table, rows

    path = check_output(out, (".md", ".json")) if out else None
    guessed = guesses()
    about = {"name": name, "toylab": __version__, "version": VERSION, "exercises": rows(), "predictions": guessed}
    head = " ".join(f"Progress in toylab's exercises {name and f'of {name}'}".split())
    text = f"# {head}\n\n{progress_table().markdown()}\n"
    if guessed:
        text += f"\n## Predictions\n\n{guess_table().markdown()}\n"
    if path is None:
        print(text, end="")
        return
    with replacing(path) as file:
        file.write((strict_json(about, indent=2) + "\n" if path.suffix == ".json" else text).encode())
    print(f"wrote {path}")
