"""Sweeps: what a player shows, as plain numpy arrays. Reading one back needs no torch."""

import json
import os
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

FORMAT = "toylab-sweep-1"


@dataclass(frozen=True)
class Sweep:
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

    def final(self, method, steps):
        """The samples of one run, float32 [n, 2]."""
        return self.states[method, steps][-1]

    def save(self, path):
        """Write everything to `path` (.npz), atomically. Returns the path."""
        path = Path(path)
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
        temporary = path.with_name(path.name + ".tmp")
        with open(temporary, "wb") as file:
            np.savez_compressed(file, **arrays)
        os.replace(temporary, path)
        return path

    @classmethod
    def load(cls, path):
        """Read a sweep written by `save`. Raises FileNotFoundError, or ValueError for another kind of file."""
        path = Path(path)
        if not path.exists():
            raise FileNotFoundError(f"no sweep at {path}")
        try:
            with np.load(path, allow_pickle=False) as data:
                header = json.loads(str(data["header"]))
                if header.get("format") != FORMAT:
                    raise ValueError(f"format is {header.get('format')!r}, expected {FORMAT!r}")
                methods, steps = tuple(header["methods"]), tuple(header["steps"])
                runs = [(i, m, n) for i, m in enumerate(methods) for n in steps]
                density = {
                    key: data[f"density_{key}"] for key in ("times", "log_p", "extent") if f"density_{key}" in data
                }
                scored = f"unlikely_0_{steps[0]}" in data
                return cls(
                    methods=methods,
                    steps=steps,
                    times={n: data[f"times_{n}"] for n in steps},
                    states={(m, n): data[f"states_{i}_{n}"] for i, m, n in runs},
                    nfe={(m, n): header["nfe"][i][steps.index(n)] for i, m, n in runs},
                    distance={(m, n): data[f"distance_{i}_{n}"] for i, m, n in runs},
                    off={(m, n): data[f"off_{i}_{n}"] for i, m, n in runs},
                    curve=data["curve"],
                    threshold=header["threshold"],
                    labels=header["labels"],
                    density={**density, "extent": float(density["extent"])} if density else None,
                    unlikely={(m, n): data[f"unlikely_{i}_{n}"] for i, m, n in runs} if scored else None,
                )
        except (KeyError, ValueError, OSError, EOFError, zipfile.BadZipFile) as error:
            raise ValueError(f"{path} is not a toylab sweep: {error}") from error
