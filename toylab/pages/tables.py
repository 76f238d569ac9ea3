"""The tables of toylab that a page computes with, as plain values for JSON: methods, data sets, styles."""

from collections.abc import Iterator
from dataclasses import fields
from functools import cache
from typing import Any

import numpy as np
from matplotlib.colors import to_hex

from toylab import datasets, grids, samplers, schedules
from toylab.datasets.arcs import Arcs
from toylab.datasets.geometry import Curves, Points
from toylab.datasets.manifold import Manifold
from toylab.figures.dark import on_dark
from toylab.figures.style import THEMES, style
from toylab.samplers.adaptive import ProbabilityFlow
from toylab.samplers.adaptive_heun import AdaptiveHeun
from toylab.samplers.ancestral import Ancestral
from toylab.samplers.gradients import GRADIENTS, LATER_GRADIENTS, Gradient
from toylab.samplers.pairs import MIDPOINTS, Pair
from toylab.samplers.rows import look
from toylab.samplers.transfers import LATER_TRANSFERS, TRANSFERS
from toylab.samplers.weights import ADAMS_BASHFORTH, WEIGHTS

# a page has neither noise in its steps nor steps of its own choice
LEFT_OUT = (Ancestral, ProbabilityFlow, AdaptiveHeun)
CLOSE = 2e-5  # how far a page's curve may lie from the data set's
ARCS = (64, 128, 256, 512, 1024)
_PARTS = TRANSFERS | LATER_TRANSFERS


def core_tables() -> dict[str, Any]:
    """The tables of the JavaScript core: gradients, Adams-Bashforth weights, Gauss nodes, rows of methods."""
    nodes, weights = np.polynomial.legendre.leggauss(64)
    return {
        "gauss": {"nodes": nodes.tolist(), "weights": weights.tolist()},
        "adams": {order: list(row) for order, row in ADAMS_BASHFORTH.items()},
        "gradients": {name: _gradient(gradient) for name, gradient in (GRADIENTS | LATER_GRADIENTS).items()},
        "transfers": list(_PARTS),
        "midpoints": list(MIDPOINTS),
        "weights": {name: {"polynomial": part.polynomial, "over": part.over} for name, part in WEIGHTS.items()},
        "methods": {name: row(samplers.get(name)) for name in page_methods()},
        "schedules": schedules.names(),
        "spacings": grids.spacings(),
    }


def page_methods() -> list[str]:
    """The names of the methods that a page runs: all that step on the given grid without noise."""
    return [name for name in samplers.methods() if not isinstance(samplers.get(name), LEFT_OUT)]


def row(method: Any) -> dict[str, Any]:
    """A method as the core reads it: the name of its class as "kind", and its fields."""
    values = {field.name: getattr(method, field.name) for field in fields(method)}
    if isinstance(method, Pair):
        values |= {"gradient": method.gradient.name, "transfer": method.transfer.name}
    finite = {name: value for name, value in values.items() if not isinstance(value, float)}
    return {"kind": type(method).__name__, **finite}


def _gradient(gradient: Gradient) -> dict[str, Any]:
    tableau = gradient.tableau
    parts = tableau and {"a": tableau.a, "b": tableau.b, "c": tableau.c, "through": tableau.through}
    return {"adams": gradient.adams, "tableau": parts}


@cache
def data_sets() -> dict[str, dict[str, Any]]:
    """By name: the title and the geometry of every two-dimensional data set, centred and scaled."""
    found = map(datasets.get, datasets.names())
    return {manifold.name: {"title": manifold.title} | geometry(manifold) for manifold in found}


def geometry(manifold: Manifold, arcs: int | None = None) -> dict[str, Any]:
    """Points, the centres and side of squares, or strokes: even points of which 0, 1, 2, then 2, 3, 4 lie on arcs.

    `arcs`: how many; by default the fewest of ARCS that keep distances within CLOSE.
    """
    shape = manifold._geometry
    if isinstance(shape, Points):
        return {"points": _flat(manifold.components)}
    if not isinstance(shape, Curves):
        corners = np.stack(manifold.components)
        side = float(corners[0, :, 0].max() - corners[0, :, 0].min())
        return {"centres": _flat(corners[:, :4].mean(1)), "side": side}
    if arcs is None:
        arcs = next(count for count in ARCS if _deviation(manifold, count) <= CLOSE)
    return {"strokes": [_flat(manifold._normalised(line)) for line in shape._polylines(arcs, steps=2)]}


def _deviation(manifold, arcs):
    """The largest distance of even points of the curve from so many arcs."""
    shape = manifold._geometry
    lines = [manifold._normalised(line) for line in shape._polylines(arcs, steps=2)]
    return Arcs(lines).distance(manifold.curve(8 * max(ARCS)).numpy()).max()


def _flat(points) -> list[float]:
    return np.concatenate([np.reshape(each, -1) for each in points]).tolist()


def styles() -> dict[str, dict[str, Any]]:
    """By method, and by "gradient+transfer": its family, colours of both themes, dash and marker."""
    return {name: _style(name) for name in (*page_methods(), *_pairs())}


def clock_styles() -> dict[str, dict[str, str]]:
    """By spacing: colours of both themes and marker."""
    return {name: {"light": row.color, "dark": to_hex(on_dark(row.color)), "marker": row.marker}
            for name, row in grids.SPACINGS.items()}  # fmt: skip


def _pairs() -> Iterator[str]:
    return (f"{gradient}+{transfer}" for gradient in GRADIENTS | LATER_GRADIENTS for transfer in _PARTS)


def _style(name):
    found = {theme: style(name, theme) for theme in THEMES}
    light = found["light"]
    colors = {theme: found[theme]["color"] for theme in THEMES}
    return {"family": look(name)[0]} | colors | {"dash": light["dash"], "marker": light["marker"]}
