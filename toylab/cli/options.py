"""Options that several commands share, and how their values are read."""

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import wraps
from inspect import signature
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from toylab import images
    from toylab.samplers import base

Item = TypeVar("Item")

Name = Annotated[
    str,
    typer.Argument(metavar="NAME", help="A data set (see: toylab datasets), a shipped network or a network's file."),
]
Eps = Annotated[str, typer.Option("--eps", help="network (trained) or exact (closed form).")]
Schedule = Annotated[str | None, typer.Option(help="Noise schedule; by default linear, or that of the network named.")]
Points = Annotated[int | None, typer.Option(help="Points of the data set in the exact epsilon [400].")]
Particles = Annotated[int, typer.Option("-n", "--particles", help="Number of particles.")]
Seed = Annotated[int, typer.Option(help="Seed of the start noise.")]
Spacing = Annotated[str, typer.Option(help="Clock of the grid: t, sigma, logsnr, karras or quad.")]
Start = Annotated[float | None, typer.Option("--t-start", help="Where to start; by default the schedule's largest t.")]
End = Annotated[
    float | None, typer.Option("--t-end", help="Where to stop; by default the schedule's smallest t (0.001).")
]
Extra = Annotated[
    list[str] | None,
    typer.Option("--option", "-o", metavar="KEY=VALUE", help="An option of the method, for example midpoint=sigma."),
]
Methods = Annotated[
    list[str] | None,
    typer.Option("--method", metavar="METHODS", help="Separated by commas or one by one; by default eight."),
]
Out = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Also write the figure (.png, .pdf, .svg) or the numbers (.json). A file that is there is replaced.",
    ),
]
Method = Annotated[str, typer.Option(help="A method (see: toylab methods) or gradient+transfer.")]
Steps = Annotated[int, typer.Option(help="Number of steps.")]
Times = Annotated[
    str | None,
    typer.Option(help="The nodes themselves, decreasing: 1,0.5,0.1,0.001. In place of steps and limits."),
]
Eta = Annotated[float, typer.Option(help="DDIM's share of DDPM's noise, 0 to 1.")]
Batch = Annotated[int | None, typer.Option(help="Images at once [64]; more need more memory.")]
Precision = Annotated[
    str | None,
    typer.Option(
        help="Of an image network: float32, bfloat16 (coarse; faster where there is hardware for it) or float64 "
        "[float32]."
    ),
]
Inception = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="FID and KID: torch-fidelity's Inception weights, or the word download (needs toylab[inception]).",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else on stdout.")]


def sharing(kind: type, without: Sequence[str] = (), **defaults: Any) -> Callable[[Callable], Callable]:
    """Make a command of a function whose first argument is a `kind`, a dataclass of options that commands share.

    The command's options are the function's own and the fields of `kind`, but those in `without`. Where the function
    has an option of a field's name, that one counts, and both get its value. `defaults`: other ones of the fields.
    """
    fields = {name: each for name, each in signature(kind).parameters.items() if name not in without}
    fields |= {name: fields[name].replace(default=value) for name, value in defaults.items()}
    first = next(iter(fields))

    def command_of(function):
        own = dict([*signature(function).parameters.items()][1:])

        @wraps(function)
        def command(**given):
            shared = kind(**{name: value for name, value in given.items() if name in fields})
            return function(shared, **{name: given[name] for name in own})

        parameters = {first: fields[first]} | own | {name: fields[name] for name in fields if name not in own}
        command.__signature__ = signature(function).replace(parameters=[*parameters.values()])
        return command

    return command_of


def comma_separated(argument: str, text: str, kind: Callable[[str], Item], what: str) -> list[Item]:
    """The items of "a,b,c" turned into `kind`; ValueError naming the argument for one that does not turn."""
    try:
        return [kind(item) for item in text.split(",") if item.strip()]
    except ValueError as error:
        raise ValueError(f"{argument} must be {what} separated by commas, got {text!r}") from error


def some_of(argument: str, text: str, known: Collection[str]) -> list[str]:
    """The items of "a,b", each of them one of `known`; ValueError naming the argument otherwise."""
    from toylab._errors import unknown_name

    items = method_names([text])
    for wrong in [item for item in items or [text] if item not in known]:
        raise unknown_name(argument, wrong, known)
    return items


def method_names(texts: Iterable[str]) -> list[str]:
    """The method names in ["DDIM,PRK", "RK4"]."""
    return [name.strip() for text in texts for name in text.split(",") if name.strip()]


def some_methods(argument: str, texts: Sequence[str], extra: Sequence[str] | None = None) -> "list[base.Method]":
    """The methods named in ["DDIM,PRK", "RK4"], at least one, each with options from ["key=value"]."""
    names = method_names(texts)
    if not names:
        raise ValueError(f"{argument} must name at least one method, got {','.join(texts)!r}")
    return [one_method(name, extra=extra) for name in names]


def one_method(name: str, eta: float = 0.0, extra: Sequence[str] | None = None) -> "base.Method":
    """The method called `name`, given by parts as "gradient+transfer" or, a function of the user's own, as
    "module:function", with options from ["key=value"]."""
    from toylab.samplers import get, method
    from toylab.samplers.gradients import GRADIENTS, LATER_GRADIENTS

    gradient, plus, transfer = name.partition("+")
    by_parts = plus and gradient.lower() in GRADIENTS | LATER_GRADIENTS
    chosen = get(method(gradient, transfer) if by_parts else _function(name) if ":" in name else name, eta)
    return get(chosen, **_options(chosen, extra or []))


def inception(where: str | None) -> "images.Inception | None":
    """The features of FID and KID, of weights in this file or downloaded; None for None."""
    if where is None:
        return None
    from toylab.images import Inception as Features

    return Features(download=True) if where == "download" else Features(where)


def of(method: "base.Method") -> dict[str, Any]:
    """The options of a method with their values."""
    return {key: getattr(method, key) for key in method.options}


def _function(name):
    """The function that "module:function" names; modules are also looked for in the working directory."""
    import sys
    from importlib import import_module

    module, _, function = name.partition(":")
    sys.path.insert(0, "")
    try:
        return getattr(import_module(module), function)
    except (ImportError, AttributeError, ValueError) as error:
        raise ValueError(f"method must be a name or module:function, got {name!r}: {error}") from error
    finally:
        sys.path.remove("")


def _options(method, extra):
    options = {}
    for text in extra:
        key, equals, value = text.partition("=")
        if not equals:
            raise ValueError(f"option must look like key=value, got {text!r}")
        if key not in method.options:
            known = ", ".join(method.options) or "none"
            raise ValueError(f"unknown option {key!r} for {method.name}; its own options are: {known}")
        options[key] = _value(value)
    return options


def _value(text):
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            pass
    return {"true": True, "false": False}.get(text.lower(), text)
