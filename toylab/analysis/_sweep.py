"""Sweeps: what a player shows, as plain numpy arrays. Reading one back needs no torch."""

import json
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path

import numpy as np

from toylab._files import replacing, user_path
from toylab.analysis._result import Result
from toylab.analysis._table import Table

FORMAT = "toylab-sweep-1"


@dataclass(frozen=True, repr=False)
class Sweep(Result):
    """Trajectories of several methods at several step counts, all from the same particles.

    Attributes:
        methods: canonical names, one panel each.
        steps: step counts, increasing.
        times: for each step count N the nodes, float64 [N + 1], decreasing.
        states: for each (method, N) the states, float32 [N + 1, n, 2].
        nfe: for each (method, N) the network evaluations, counted.
        distance: for each (method, N) the mean distance of x_t to the data manifold at every
            node, float64 [N + 1]; computed from the full-precision states.
        off: for each (method, N) the share of particles farther than `threshold`, float64 [N + 1].
        curve: points of the noise-free manifold, float32 [m, 2].
        threshold: distance beyond which a particle counts as off the manifold.
        labels: names for captions: "dataset", "schedule", "epsilon".
        density: log p_t for a background, or None: a dict of "times" float64 [k] (decreasing),
            "log_p" float32 [k, g, g] (row 0 at the lowest y), "extent" float: covers [-extent, extent]^2.
        unlikely: for each (method, N) which particles are unlikely at every node, bool [N + 1, n], as
            `toylab.analysis.unlikely_of_sweep` finds them; or None.
    """

    drawn_by = "plot_sweep"
    methods: tuple
    steps: tuple
    times: dict
    states: dict
    nfe: dict
    distance: dict
    off: dict
    curve: np.ndarray
    threshold: float
    labels: dict = field(default_factory=dict)
    density: dict | None = None
    unlikely: dict | None = None

    def as_dict(self) -> dict:
        """All numbers but the states: a row a run, with distance and share beyond the threshold at every node."""
        rows = [
            {"method": method, "steps": count, "nfe": self.nfe[method, count], "times": self.times[count],
             "distance": self.distance[method, count], "off": self.off[method, count]}
            for method in self.methods for count in self.steps
        ]  # fmt: skip
        return {"labels": self.labels, "threshold": self.threshold, "rows": rows}

    def table(self) -> Table:
        """The mean distance to the manifold where each run ends, step counts by methods."""
        rows = tuple((str(count), *(self.distance[m, count][-1] for m in self.methods)) for count in self.steps)
        return Table(("N", *self.methods), rows, "mean distance to the manifold at the end")

    def final(self, method: str, steps: int) -> np.ndarray:
        """The samples of one run, float32 [n, 2]."""
        return self.states[method, steps][-1]

    def save(self, path: str | PathLike) -> Path:
        """Write everything to `path` (.npz), whole or not at all. Returns the path."""
        path = user_path(path)
        header = {
            "format": FORMAT,
            "methods": self.methods,
            "steps": self.steps,
            "nfe": [[self.nfe[m, n] for n in self.steps] for m in self.methods],
            "threshold": self.threshold,
            "labels": self.labels,
        }
        arrays = {"header": np.array(json.dumps(header)), "curve": self.curve}
        for n in self.steps:
            arrays[f"times_{n}"] = self.times[n]
            for i, m in enumerate(self.methods):
                arrays[f"states_{i}_{n}"] = self.states[m, n]
                arrays[f"distance_{i}_{n}"] = self.distance[m, n]
                arrays[f"off_{i}_{n}"] = self.off[m, n]
                if self.unlikely is not None:
                    arrays[f"unlikely_{i}_{n}"] = self.unlikely[m, n]
        if self.density is not None:
            arrays |= {f"density_{key}": np.asarray(value) for key, value in self.density.items()}
        with replacing(path) as file:
            np.savez_compressed(file, **arrays)
        return path

    @classmethod
    def load(cls, path: str | PathLike) -> "Sweep":
        """Read a sweep written by `save`. Raises FileNotFoundError, or ValueError for another kind of file."""
        path = user_path(path)
        if not path.exists():
            raise FileNotFoundError(f"no sweep at {path}")
        try:
            with np.load(path, allow_pickle=False) as data:
                return _checked(cls(**_fields(data, json.loads(str(data["header"])))))
        except Exception as error:  # a damaged archive can go wrong in any way
            raise ValueError(f"{path} is not a toylab sweep: {error}") from error


def _fields(data, header):
    """The arguments of a `Sweep`."""
    if header.get("format") != FORMAT:
        raise ValueError(f"format is {header.get('format')!r}, expected {FORMAT!r}")
    methods, steps = tuple(header["methods"]), tuple(header["steps"])
    runs = [(i, m, n) for i, m in enumerate(methods) for n in steps]
    density = {key: data[f"density_{key}"] for key in ("times", "log_p", "extent") if f"density_{key}" in data}
    scored = f"unlikely_0_{steps[0]}" in data
    return {
        "methods": methods,
        "steps": steps,
        "times": {n: data[f"times_{n}"] for n in steps},
        "nfe": {(m, n): header["nfe"][i][steps.index(n)] for i, m, n in runs},
        **{name: {(m, n): data[f"{name}_{i}_{n}"] for i, m, n in runs} for name in ("states", "distance", "off")},
        "curve": data["curve"],
        "threshold": header["threshold"],
        "labels": header["labels"],
        "density": {**density, "extent": float(density["extent"])} if density else None,
        "unlikely": {(m, n): data[f"unlikely_{i}_{n}"] for i, m, n in runs} if scored else None,
    }


def _checked(found):
    """A `Sweep` as it came from a file, if a player can show it; ValueError otherwise."""
    methods, steps, curve = found.methods, found.steps, found.curve
    number = isinstance(found.threshold, int | float) and not isinstance(found.threshold, bool)
    _must(methods and all(isinstance(name, str) and name for name in methods), "methods must be names")
    _must(len(set(methods)) == len(methods), "methods must be different")
    whole = all(isinstance(count, int) and not isinstance(count, bool) and count > 0 for count in steps)
    _must(steps and whole and list(steps) == sorted(set(steps)), "steps must be increasing positive integers")
    _must(number and found.threshold > 0, "threshold must be a positive number")
    labels = found.labels.items() if isinstance(found.labels, dict) else [(None, None)]
    _must(all(isinstance(part, str) for label in labels for part in label), "labels must be strings by strings")
    _must(all(type(nfe) is int and nfe >= 0 for nfe in found.nfe.values()), "nfe must be integers")
    _array("curve", curve, (len(curve), 2))
    n = len(found.states[methods[0], steps[0]][0])
    _must(n, "states must have particles")
    for (method, count), states in found.states.items():
        shape, times = (count + 1, n, 2), found.times[count]
        _array(f"states of {method}, N = {count}", states, shape)
        _array(f"times of N = {count}", times, shape[:1])
        _must(np.isfinite(times).all() and len(set(np.sign(np.diff(times)))) == 1, "times must be in order")
        for name in ("distance", "off"):
            _array(f"{name} of {method}, N = {count}", getattr(found, name)[method, count], shape[:1])
        if found.unlikely is not None:
            _array(f"unlikely of {method}, N = {count}", found.unlikely[method, count], shape[:2], "b")
    if found.density is not None:
        times, log_p = found.density["times"], found.density["log_p"]
        square = log_p.ndim == 3 and log_p.shape[0] == len(times) > 0 and log_p.shape[1] == log_p.shape[2] > 0
        _must(square and found.density["extent"] > 0, "density must be log_p [k, g, g] at times [k] over an extent")
    return found


def _array(name, values, shape, kind="f"):
    _must(values.shape == shape and values.dtype.kind == kind, f"{name} must be {kind}{list(shape)}")


def _must(holds, says):
    if not holds:
        raise ValueError(says)
