"""A sweep as the player draws it: a small header, and all arrays in one run of bytes."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import numpy as np
from numpy.typing import ArrayLike

from toylab._errors import listed, number, unknown_name
from toylab.analysis._sweep import Sweep
from toylab.figures.style import THEMES, YOURS, style
from toylab.samplers.rows import find

if TYPE_CHECKING:
    from toylab.images.sweeps import ImageSweep

INSIDE, OUTSIDE = 32766, 32767  # int16 of the window's edge, and of a particle beyond it
MAX_PANELS = 8
FEW = 8  # tracks that stand out from the rest
WINDOW = 3.3  # half the side of a square that holds the start noise


def clamp(states: ArrayLike, window: float) -> tuple[np.ndarray, np.ndarray]:
    """States moved onto the window [-window, window]^2, and which of them were outside.

    A particle beyond the window goes straight towards the origin until it meets the border, so it
    still shows the direction in which it left; one that is not a number goes to the top.

    states [..., 2], any float -> points float64 [..., 2] in the window, outside bool [...].
    """
    states = np.asarray(states, dtype=np.float64)
    outside = ~(np.abs(states).max(axis=-1) <= window)
    lost = np.where(np.isnan(states), 0.0, np.clip(states[..., :], -1e300, 1e300))
    largest = np.abs(lost).max(axis=-1, keepdims=True)
    up = np.broadcast_to([0.0, window], states.shape)
    known = (largest > 0) & outside[..., None]
    border = np.where(known, lost * (window / np.where(known, largest, 1.0)), up)
    return np.where(outside[..., None], border, lost), outside


def quantise(states: ArrayLike, window: float) -> np.ndarray:
    """`clamp`ed states as int16 [..., 2]. Inside, x = q * window / 32766 to within window / 65532;
    a particle outside has one coordinate of +-32767."""
    points, outside = clamp(states, window)
    scale = np.where(outside, OUTSIDE, INSIDE)[..., None] / window
    return np.rint(points * scale).astype(np.int16)


def budgets(sweep: Sweep, methods: Sequence[str]) -> tuple[list[int], list[list[int]]]:
    """Budgets of the equal-NFE slider (what the cheapest method spends at each step count, increasing),
    and for each method and budget the index of the largest step count within it, or -1."""
    spent = sorted({min(int(sweep.nfe[m, n]) for m in methods) for n in sweep.steps})
    within = [
        [max((j for j, n in enumerate(sweep.steps) if sweep.nfe[m, n] <= budget), default=-1) for budget in spent]
        for m in methods
    ]
    return spent, within


def choose_methods(sweep: Sweep, methods: Iterable[str] | None) -> tuple[str, ...]:
    """The methods to show, in order: all of the sweep's, or those named. Raises TypeError, ValueError."""
    if not isinstance(sweep, Sweep):
        raise TypeError(f"sweep must be a toylab Sweep (toylab.sweep(...) or Sweep.load), got {type(sweep).__name__}")
    return panels_of(sweep.methods, methods)


def panels_of(known: Sequence[str], methods: Iterable[str] | None = None) -> tuple[str, ...]:
    """1 to MAX_PANELS of the names in `known`: all, or those in `methods`. Raises TypeError or ValueError."""
    chosen = tuple(known if methods is None else listed("methods", methods, "names"))
    for method in chosen:
        if not isinstance(method, str) or method not in known:
            raise unknown_name("methods", method, known)
    if not 1 <= len(chosen) <= MAX_PANELS or len(set(chosen)) < len(chosen):
        raise ValueError(f"methods must be 1 to {MAX_PANELS} different names for as many panels, got {list(chosen)}")
    return chosen


def panel_of(method: str, title: str | None = None) -> dict[str, Any]:
    """The name, title, colours and dashes of a method's panel."""
    looks = {theme: style(method, theme) for theme in THEMES}
    color = {theme: look["color"] for theme, look in looks.items()}
    return {"method": method, "title": title or method, "color": color, "dash": list(looks["light"]["dash"])}


def texts(**given: str | None) -> dict[str, str]:
    """Those of the given texts that are not None, by name; TypeError for one that is no str."""
    for name, text in given.items():
        if not isinstance(text, str | None):
            raise TypeError(f"{name} must be a text (str), got {text!r}")
    return {name: text for name, text in given.items() if text is not None}


def heading(sweep: "Sweep | ImageSweep") -> str:
    """The data set, schedule and epsilon of a sweep in one line."""
    label = sweep.labels.get
    schedule = label("schedule") and f"{label('schedule')} schedule"
    eps = label("epsilon") and f"epsilon: {label('epsilon')}"
    return " · ".join(str(part) for part in (label("dataset"), schedule, eps) if part)


def window_of(sweep: Sweep, window: float | None = None, whole: bool = False) -> tuple[float, float]:
    """Half the side of the largest square that is shown, and of the smallest: `window` twice where it is given; else
    WINDOW, and what holds the data (WINDOW too if `whole`)."""
    if window is not None or whole:
        window = number("window", WINDOW if window is None else window, 0.0, open_low=True)
        return window, window
    curve = np.abs(np.asarray(sweep.curve, dtype=np.float64))
    return WINDOW, min(WINDOW, max(1.0, 1.2 * float(curve.max(initial=0.0))) if curve.size else WINDOW)


def reach(states: ArrayLike) -> np.ndarray:
    """Half the side of what holds 98 % of the particles at each node: states [N + 1, n, 2] -> float32 [N + 1]."""
    far = np.abs(np.nan_to_num(np.asarray(states, dtype=np.float64), nan=1e9, posinf=1e9, neginf=-1e9)).max(axis=-1)
    return np.minimum(1.1 * np.quantile(far, 0.98, axis=-1), 1e9).astype(np.float32)


def view_at(sweep: Sweep, nodes: Mapping[tuple[str, int], int], window: float, fit: float) -> float:
    """Half the side of the square shown where panels are at `nodes`, {(method, N): node}: it holds the data, and the
    particles of the method that keeps nearest to them, whose start noise it shows as time goes back."""
    nearest = min((float(reach(sweep.states[run][node : node + 1])[0]) for run, node in nodes.items()), default=fit)
    return min(window, max(fit, nearest))


def caption(sweep: Sweep, window: float, fit: float) -> str:
    """The meaning of the dots, the numbers and the border."""
    square = f"The window is [-{window:g}, {window:g}]²"
    view = square if fit == window else "The view holds the data, and more in the noise"
    particles = sweep.states[sweep.methods[0], sweep.steps[0]].shape[1]
    shared = ", from the same start noise in every panel" if len(sweep.methods) > 1 else ""
    return (
        f"{particles} particles{shared}. Distance: mean distance of the "
        f"particles to the data manifold (grey). Off: share farther than {sweep.threshold:g} from it. "
        f"{view}; squares on its border are particles outside."
    )


UNLIKELY = (
    "Unlikely (red): particles with a smaller exact p_t than 99\u00a0% of the forward process's samples. "
    "On the manifold that is about 1\u00a0% of them."
)
MODES = {
    "equal_steps": "Every method takes the same number of steps, N; NFE counts its network evaluations.",
    "equal_nfe": "Every method takes the most steps N that its budget of network evaluations (NFE) allows, "
    "and shows the last node that it has reached at time t.",
}


def pack(
    sweep: Sweep, methods: Iterable[str] | None = None, *, window: float | None = None, tracks: int = 64,
    titles: Mapping[str, str] | None = None, fields: Mapping[str, Mapping[str, Any]] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """All that the player needs: a dict of plain values, with every array in "data" (bytes).

    "arrays" says where in "data" each array lies: name -> {"kind", "offset", "count"}.
    Arguments as for `Player`; raises TypeError or ValueError.
    """
    methods = choose_methods(sweep, methods)
    titles, fields = by_panel("titles", titles, methods), by_panel("fields", fields, methods)
    window, fit = window_of(sweep, window, bool(fields))
    spent, within = budgets(sweep, methods)
    curve = np.unique(np.asarray(sweep.curve, dtype=np.float32), axis=0)
    arrays: dict[str, np.ndarray] = {"curve": curve}
    for j, n in enumerate(sweep.steps):
        arrays[f"times_{j}"] = np.asarray(sweep.times[n], dtype=np.float64)
        for i, m in enumerate(methods):
            arrays[f"states_{i}_{j}"] = _states(sweep, m, n, window)
            arrays[f"distance_{i}_{j}"] = np.asarray(sweep.distance[m, n], dtype=np.float64)
            arrays[f"reach_{i}_{j}"] = reach(sweep.states[m, n])
            arrays[f"off_{i}_{j}"] = np.asarray(sweep.off[m, n], dtype=np.float64)
            if sweep.unlikely is not None:
                arrays[f"unlikely_{i}_{j}"] = np.packbits(unlikely(sweep, m, n), axis=None, bitorder="little")
    particles = int(arrays["states_0_0"].shape[1])
    scene: dict[str, Any] = {
        "panels": [
            {
                **panel_of(m, titles.get(m)),
                "nfe": [int(sweep.nfe[m, n]) for n in sweep.steps],
                "within": within[i],
                "field": None,
            }
            for i, m in enumerate(methods)
        ],
        "steps": [int(n) for n in sweep.steps],
        "budgets": spent,
        "particles": particles,
        "tracks": min(tracks, particles),
        "window": window,
        "fit": fit,
        "heading": heading(sweep),
        "caption": caption(sweep, window, fit),
        "link": live_link(sweep, methods),
        "modes": MODES,
        "density": None,
        "unlikely": "" if sweep.unlikely is None else UNLIKELY,
    }
    if sweep.density is not None:
        arrays["density"] = _shades(sweep.density["log_p"])
        arrays["density_times"] = np.asarray(sweep.density["times"], dtype=np.float64)
        scene["density"] = {"size": arrays["density"].shape[-1], "extent": float(sweep.density["extent"])}
    for i, m in enumerate(methods):
        if m in fields:
            scene["panels"][i]["field"], parts = _field(m, fields[m])
            arrays |= {f"field_{i}_{name}": part for name, part in parts.items()}
    scene["arrays"], scene["data"] = join(arrays)
    return scene


def live_link(sweep: Sweep, methods: Iterable[str]) -> str:
    """The address after # at which the live page shows the same problem and methods.

    "" where it cannot: it has the named data sets with the exact epsilon, whole runs, and nodes even in t.
    """
    times, names = sweep.times[sweep.steps[-1]], [method.removeprefix(YOURS) for method in methods]
    even = np.allclose(np.diff(times), (times[-1] - times[0]) / sweep.steps[-1], rtol=1e-6)
    exact = sweep.labels.get("epsilon") == "exact" and len(sweep.curve) > 0
    if not exact or not even or times[0] < 0.99 or not all(map(_on_pages, names)):
        return ""
    particles = next(iter(sweep.states.values())).shape[1]
    state = {"data": sweep.labels["dataset"], "schedule": sweep.labels["schedule"], "methods": ",".join(names)}
    return urlencode(state | {"n": particles, "t_end": f"{times[-1]:g}"}, safe=",")


def _on_pages(method):
    """True where a page runs it: a row of the table that steps on a given grid without noise, or two parts."""
    row = find(method)
    family = row.family if row else None
    return bool(row or re.fullmatch(r"[a-z0-9-]+\+[a-z]+", method)) and family not in ("ancestral", "adaptive")


def by_panel(argument: str, value: Mapping[str, Any] | None, methods: Iterable[str]) -> Mapping[str, Any]:
    """`value`, a dict by method, empty for None; TypeError or ValueError where it is none or has other panels."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise TypeError(f"{argument} must be a dict by panel (method name), got {value!r}")
    for panel in value:
        if panel not in methods:
            raise unknown_name(argument, panel, methods)
    if argument == "titles":
        texts(**{f"titles[{panel!r}]": text for panel, text in value.items()})
    return value


def _states(sweep, method, n, window):
    states = np.asarray(sweep.states[method, n])
    if states.ndim != 3 or states.shape[0] != n + 1 or states.shape[2] != 2:
        shape = f"[{n + 1}, particles, 2]"
        raise ValueError(f"sweep.states[{method!r}, {n}] must have the shape {shape}, got {states.shape}")
    return quantise(states, window)


def unlikely(sweep: Sweep, method: str, n: int) -> np.ndarray:
    """Which particles of one run are unlikely: bool [n + 1, particles]. Raises TypeError or ValueError."""
    if not isinstance(sweep.unlikely, Mapping):
        raise TypeError(f"sweep.unlikely must be a dict by (method, N), or None, got {type(sweep.unlikely).__name__}")
    shape = np.asarray(sweep.states[method, n]).shape[:2]
    found = np.asarray(sweep.unlikely.get((method, n)))
    if found.dtype != bool or found.shape != shape:
        got = f"{found.dtype} {list(found.shape)}" if found.dtype != object else "none"
        raise ValueError(f"sweep.unlikely[{method!r}, {n}] must be bool {list(shape)}, got {got}")
    return found


def _shades(log_p):
    """log p [k, g, g] as uint8: the square root of p over its maximum at that time."""
    log_p = np.nan_to_num(np.asarray(log_p, dtype=np.float64), nan=-np.inf, neginf=-1e300)
    peak = log_p.max(axis=(1, 2), keepdims=True)
    return np.rint(255 * np.exp(0.5 * (log_p - peak))).astype(np.uint8)


def _field(panel, field):
    if not isinstance(field, Mapping):
        raise TypeError(f"fields[{panel!r}] must be a dict of 'times', 'vectors' and 'extent', got {field!r}")
    try:
        times, extent = np.asarray(field["times"], dtype=np.float64), float(field["extent"])
        vectors = np.asarray(field["vectors"], dtype=np.float32)
    except (KeyError, TypeError, ValueError) as error:
        parts = "'times' [k], 'vectors' [k, g, g, 2], 'extent'"
        raise ValueError(f"fields[{panel!r}] must have {parts}: {error}") from error
    square = vectors.ndim == 4 and vectors.shape[1] == vectors.shape[2] > 1 and vectors.shape[3] == 2
    if times.ndim != 1 or len(times) == 0 or not square or len(times) != len(vectors):
        raise ValueError(
            f"fields[{panel!r}]: 'times' must be [k] and 'vectors' [k, g, g, 2] with g > 1, "
            f"got {times.shape} and {vectors.shape}"
        )
    if not np.isfinite(vectors).all():
        raise ValueError(f"fields[{panel!r}]: 'vectors' must be finite")
    return {"size": vectors.shape[1], "extent": extent}, {"times": times, "vectors": vectors}


def join(arrays: Mapping[str, np.ndarray]) -> tuple[dict[str, dict[str, Any]], bytes]:
    """Arrays by name -> (where each lies: name -> {"kind", "offset", "count"}, all of them as bytes)."""
    index, parts, offset = {}, [], 0
    for name, array in arrays.items():
        raw = np.ascontiguousarray(array).astype(array.dtype.newbyteorder("<"), copy=False).tobytes()
        index[name] = {"kind": array.dtype.name, "offset": offset, "count": int(array.size)}
        parts.append(raw + bytes(-len(raw) % 8))
        offset += len(parts[-1])
    return index, b"".join(parts)
