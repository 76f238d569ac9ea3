"""Measured numbers in files, one a world, so that what takes long is measured once and goes on where it stopped."""

import json
import os
from contextlib import suppress
from dataclasses import asdict
from functools import cache, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from toylab import _shipped, epsilon
from toylab._files import finite, owned, replacing, strict_json, user_path
from toylab.claims.claim import Claim
from toylab.claims.setting import WORLDS, Setting

FORMAT = "toylab-claims-1"
VERSION = 1  # of the measurements: one more whenever the same setting may give other numbers
AGAIN = "toylab reproduce images measures it anew"


class Notes:
    """The numbers of claims in settings, in a folder: WORLD.json.

    An entry counts only for the network, the classifier, the version and the numbers that it was measured with.

    Args:
        folder: is made when something is written. By default "claims" in the data folder.
        anew: what is known already is measured once more when it is asked for.

    Raises ValueError for a file that holds something else.
    """

    def __init__(self, folder: str | os.PathLike | None = None, anew: bool = False) -> None:
        self.folder = _shipped.data() / "claims" if folder is None else user_path(folder, "folder")
        self._worlds: dict[str, dict[str, Any]] = {}
        self._anew, self._fresh = anew, set()

    def known(self, claim: Claim, setting: Setting) -> tuple[float, ...]:
        """The numbers as they were measured; never measures.

        Raises ValueError, which says what to do, where there are none, or only those of another network.
        """
        entry = self._world(setting.world).get(_key(claim, setting))
        if entry is None:
            raise ValueError(f"{claim.name} has not been measured with {setting.words}: {AGAIN}")
        if entry["made_with"] != _made_with(claim, setting):
            raise ValueError(f"{claim.name} was measured with another network or by another version: {AGAIN}")
        return tuple(float(value) if value is not None else float("inf") for value in entry["values"])

    def measured(self, claim: Claim, setting: Setting) -> tuple[float, ...]:
        """The numbers, which are measured and written where they are not known. As `measured` of `check`."""
        key = _key(claim, setting)
        if not self._anew or key in self._fresh:
            with suppress(ValueError):
                return self.known(claim, setting)
        values = claim.measure(setting)
        self._world(setting.world)[key] = {"made_with": _made_with(claim, setting), "values": values}
        self._fresh.add(key)
        self._write(setting.world)
        return self.known(claim, setting)

    def lock(self, world: str) -> Any:
        """A context in which nobody else writes the file of `world`; FileExistsError where somebody does."""
        return owned(self._path(world), "folder")

    def _path(self, world: str) -> Path:
        return self.folder / f"{world}.json"

    def _world(self, world):
        if world not in self._worlds:
            path = self._path(world)
            self._worlds[world] = _read(path) if path.exists() else {}
        return self._worlds[world]

    def _write(self, world):
        rows = [{"key": json.loads(key), **entry} for key, entry in self._worlds[world].items()]
        lines = ",\n".join(strict_json(row) for row in rows)
        with replacing(self._path(world)) as file:
            file.write(f'{{"format": "{FORMAT}", "entries": [\n{lines}\n]}}\n'.encode())


def _read(path):
    try:
        found = finite(json.loads(path.read_bytes()))
        if found["format"] != FORMAT:
            raise ValueError(f"its format is {found['format']!r}, not {FORMAT!r}")
        return {_text(row["key"]): {key: row[key] for key in ("made_with", "values")} for row in found["entries"]}
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path} does not hold the numbers of claims ({error}); remove it: {AGAIN}") from None


def _key(claim, setting):
    return _text({"claim": claim.name, **asdict(setting)})


def _text(key):
    return json.dumps(key, sort_keys=True)


def _made_with(claim, setting):
    """The version, the networks and the judge of photographs by their digests, and the numbers that were asked for."""
    schedules = ("linear", "cosine") if claim.name == "schedules" else (setting.schedule,)
    world = WORLDS[setting.world]
    names = [epsilon.checkpoint_name(world.network or setting.dataset, schedule) for schedule in schedules]
    networks = [] if setting.world == "exact" else [_digest(name) for name in names]
    judge = _judge() if setting.world == "cifar10-16" else None
    numbers = [number.name for number in claim.numbers]
    return {"version": VERSION, "networks": networks, "judge": judge, "numbers": numbers}


@cache
def _judge():
    return sha256((_shipped.data() / "classifiers/cifar10.safetensors").read_bytes()).hexdigest()[:16]


@lru_cache(maxsize=32)
def _digest(name):
    network = epsilon.load(name)
    weights = {key: value.contiguous() for key, value in network.state_dict().items()}
    return epsilon.checkpoints.digest({}, weights)[:16]
