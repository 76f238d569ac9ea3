"""The distance of sets of images from real ones: in features, with precision and recall, each with its floor."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from toylab._errors import positive_int
from toylab._interrupted import Interrupted
from toylab.analysis._arguments import increasing, integers, method_list
from toylab.analysis._budget import plans
from toylab.analysis._result import Result, pick
from toylab.analysis._table import Table
from toylab.analysis._work import Spread
from toylab.images.comparing import KernelDistance
from toylab.images.data.pixels import Images
from toylab.images.features import Inception
from toylab.images.sampler import ImageSampler
from toylab.images.yardstick import Yardstick
from toylab.samplers.core import cost

METHODS = ("DDIM", "S-PNDM", "F-PNDM")
NFE = (10, 20, 50)
OTHERS = (
    "Numbers of others differ by the split and the number of the real images, the number of samples, JPEG copies, "
    "resizing, and weights without a moving average (EMA)."
)


@dataclass(frozen=True)
class DistanceRow:
    """One kind of images against the real ones; a `Spread` has a value for each of its sets.

    Attributes:
        name: in words. n: images a set. method, steps, nfe: that made them, or None.
        frechet, limit, precision, recall: as of `Measured`; limit is None where a half has too few images.
        kernel: the `KernelDistance` with the blocks of all sets.
        parts: (number of images, Fréchet distance), means over the sets.
    """

    name: str
    n: int
    method: str | None
    steps: int | None
    nfe: int | None
    frechet: Spread
    limit: Spread | None
    kernel: KernelDistance
    precision: Spread
    recall: Spread
    parts: tuple


@dataclass(frozen=True, repr=False)
class Distances(Result):
    """The findings of `distances` and `method_distances`.

    Attributes:
        rows: a `DistanceRow` for each kind of images. floor: that of as many real images, not among the others.
        features, about, width: name of the features, what they are, and their number.
        real, held: the real images, and those of the floor, in words.
        labels: what else decides the numbers, by name: "epsilon", "EMA", "seeds".
        left_out: (method, budget) -> reason for what cannot run.
    """

    drawn_by = "plot_distances"
    rows: tuple
    floor: DistanceRow
    features: str
    about: str
    width: int
    real: str
    held: str
    labels: dict
    left_out: dict

    @property
    def title(self) -> str:
        """The name of the Fréchet distance, which is FID with the features of that name alone."""
        return "FID" if self.features == Inception.name else f"Fréchet distance (features: {self.features})"

    def as_dict(self) -> dict:
        """All numbers."""
        found = pick(self, "features", "about", "width", "real", "held", "labels")
        left = [{"method": name, "budget": at, "reason": why} for (name, at), why in self.left_out.items()]
        return found | {"rows": [_values(row) for row in (*self.rows, self.floor)], "left_out": left}

    def table(self) -> Table:
        """All measures of all rows, the floor last."""
        with_nfe = any(row.nfe for row in self.rows)
        rows = []
        for row in (*self.rows, self.floor):
            low, high = row.kernel.interval
            rows.append(
                (row.name, *((row.nfe and str(row.nfe),) if with_nfe else ()), str(row.n), row.frechet.middle,
                 row.limit and row.limit.middle, f"{row.kernel.value:.3g} [{low:.2g}, {high:.2g}]",
                 f"{row.precision.middle:.0%}", f"{row.recall.middle:.0%}")
            )  # fmt: skip
        kernel = "KID" if self.title == "FID" else "kernel distance"
        header = (
            "images", *(("NFE",) if with_nfe else ()), "n", self.title, "n → ∞", f"{kernel} [95 %]", "precision",
            "recall",
        )  # fmt: skip
        return Table(header, tuple(rows), self.note)

    @property
    def note(self) -> str:
        """All that the numbers depend on, in sentences."""
        sets = len(self.rows[0].frechet.values) if self.rows else 1
        said = "; ".join(f"{name}: {value}" for name, value in self.labels.items() if value not in (None, ""))
        left = ", ".join(f"{name} at {at}" for name, at in self.left_out)
        return " ".join(part for part in (
            f"Against {self.real}; floor: {self.held}.",
            f"Features {self.features!r}, {self.width}: {self.about}." if self.about else "",
            f"Medians of {sets} sets." if sets > 1 else "",
            f"{said}." if said else "",
            f"Left out: {left}." if left else "",
            "n → ∞: extrapolated in 1/n from all images and from halves; the bias of the real images' number stays.",
            OTHERS,
        ) if part)  # fmt: skip


def distances(
    sets: Tensor | Images | Mapping[str, Any], real: Yardstick | Images | Tensor,
    features: str | Callable | None = None, held: Images | Tensor | None = None, *, labels: dict | None = None,
    progress: bool = True,
) -> Distances:  # fmt: skip
    """Measure how far sets of images are from real ones.

    Args:
        sets: images [n, c, h, w] in [-1, 1], as a tensor or `Images`, or a dict {name: images}, where a list of such
            (one a seed, say) counts as several sets of one kind.
        real: real images, or a `Yardstick` of them, which is quicker for several calls.
        features, held: as for `Yardstick`, where `real` is none.
        labels: what else decides the numbers, for the note: "epsilon", "EMA", "seeds".

    Raises ValueError or TypeError naming the argument: for images of another shape, and for fewer than the features
    need for a covariance.
    """
    labels = _known(labels)
    yardstick = _yardstick(real, features, held, progress)
    named = dict(sets) if isinstance(sets, Mapping) else {"images": sets}
    lists = {name: list(each) if isinstance(each, list | tuple) else [each] for name, each in named.items()}
    if not lists or not all(lists.values()):
        raise ValueError("sets must have at least one set of images, got none")
    rows = [_row(name, [yardstick.measure(each, progress) for each in found]) for name, found in lists.items()]
    return _result(yardstick, rows, labels, {}, max(row.n for row in rows))


def method_distances(
    network: torch.nn.Module, real: Yardstick | Images | Tensor, methods: Iterable = METHODS,
    nfe: Iterable[int] = NFE, n: int = 1000, seeds: Sequence[int] = (0,), features: str | Callable | None = None,
    held: Images | Tensor | None = None, *, labels: dict | None = None, progress: bool = True, **options: Any,
) -> Distances:  # fmt: skip
    """Measure how far the images of several methods are from real ones, each at its largest step count within budgets.

    Args:
        network: an image network, as for `ImageSampler`. methods: names, or results of `toylab.method`.
        real, features, held: as for `distances`.
        nfe: budgets of network evaluations, increasing. n: images a seed, those that ``toylab sample`` makes.
        **options: precision, t_start, t_end and spacing, as for `ImageSampler`.

    Raises:
        ValueError, TypeError: naming the argument.
        Interrupted: with the rows that are done.
    """
    labels = _known(labels)
    methods, budgets, seeds = method_list(methods), increasing("nfe", nfe), integers("seeds", seeds, 0)
    yardstick, n = _yardstick(real, features, held, progress), positive_int("n", n)
    yardstick.enough("n", n)
    if tuple(getattr(network, "shape", ())) != yardstick.shape:
        raise ValueError(f"real must be images like those of the network, got {yardstick.shape}")
    jobs, left_out = plans(methods, budgets, network.schedule, cost(network))
    metadata = getattr(network, "metadata", None) or {}
    said = {
        "network": getattr(network, "dataset", None),
        "EMA": metadata.get("training", {}).get("ema", "none known"),
        "seeds": ", ".join(map(str, seeds)),
    } | labels
    rows = []

    def result():
        return _result(yardstick, rows, said, left_out, n)

    try:
        for (method, _), steps in sorted(jobs.items(), key=lambda job: methods.index(job[0][0])):
            sampler = ImageSampler(network, method, steps, **options)
            found = [yardstick.measure(sampler.images(n, seed, progress=progress).x, progress=False) for seed in seeds]
            rows.append(_row(f"{method.name}, N = {steps}", found, method.name, steps, sampler.nfe))
    except KeyboardInterrupt as stop:
        what = f"distances interrupted with {len(rows)} of {len(jobs)} rows done"
        raise Interrupted(what, result() if rows else None) from stop
    return result()


def _yardstick(real, features, held, progress):
    if not isinstance(real, Yardstick):
        return Yardstick(real, features, held, progress=progress)
    if features is not None or held is not None:
        raise ValueError("features and held must be None where real is a Yardstick, which has its own")
    return real


def _known(labels):
    if not isinstance(labels, Mapping | None):
        raise TypeError(f"labels must be a dict {{name: value}}, got {type(labels).__name__}")
    return dict(labels or {})


def _result(yardstick, rows, labels, left_out, n):
    real, held = yardstick.names
    return Distances(
        rows=tuple(rows),
        floor=_row("real images", yardstick.floor(n)),
        features=yardstick.name,
        about=yardstick.about,
        width=yardstick.width,
        real=real,
        held=held,
        labels=labels,
        left_out=left_out,
    )


def _row(name, sets, method=None, steps=None, nfe=None):
    sizes = [size for size, _ in sets[0].parts]
    means = np.mean([[value for _, value in each.parts] for each in sets], 0)
    return DistanceRow(
        name=name,
        n=sets[0].n,
        method=method,
        steps=steps,
        nfe=nfe,
        **{key: Spread(tuple(getattr(each, key) for each in sets)) for key in ("frechet", "precision", "recall")},
        limit=None if sets[0].limit is None else Spread(tuple(each.limit for each in sets)),
        kernel=KernelDistance(tuple(block for each in sets for block in each.kernel.blocks)),
        parts=tuple(zip(sizes, means.tolist(), strict=True)),
    )


def _values(row):
    found = {key: value.values if isinstance(value, Spread) else value for key, value in vars(row).items()}
    low, high = row.kernel.interval
    return found | {"kernel": {"value": row.kernel.value, "low": low, "high": high, "blocks": row.kernel.blocks}}
