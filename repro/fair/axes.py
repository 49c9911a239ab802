"""What the keys that lead to numbers stand for: classes, features, layers, places in lists."""

import functools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.fair.cells import Cell, independent_cell
from repro.fair.leaves import Leaf

__all__ = ["Axes", "vocabulary"]


@functools.cache
def vocabulary() -> Mapping[str, Any]:
    """Return what this room knows of names, from ``hepdata.toml``."""
    return tomllib.loads(resources.files("repro.fair").joinpath("hepdata.toml").read_text("utf-8"))


@dataclass(frozen=True)
class Axes:
    """Names of the levels of keys below the first, and what places in lists stand for.

    Attributes:
        names: One for each level.
        places: What places of the last level stand for, if the result says so.
        place_name: The name of that level; empty if places are places.
    """

    names: tuple[str, ...]
    places: Mapping[int, float]
    place_name: str = ""

    @classmethod
    def of(cls, group: Sequence[Leaf], values: Mapping[str, Any]) -> "Axes":
        """Return the axes of leaves of one depth, of these values."""
        levels = list(zip(*(leaf.path[1:] for leaf in group), strict=True))
        names = _distinct([_level_name(set(level)) for level in levels])
        for key in vocabulary()["positions"]:
            along = values.get(key)
            if along and levels and set(levels[-1]) == set(range(len(along))):
                names = (*names[:-1], key.replace("_", " "))
                return cls(names, dict(enumerate(along)), names[-1])
        return cls(names, {})

    def cell(self, name: str, key: str | int) -> Cell:
        """Return the cell of a key, on the level of this name."""
        if name == self.place_name and isinstance(key, int):
            return independent_cell(self.places[key])
        return independent_cell(key)


def _level_name(keys: set[str | int]) -> str:
    if all(isinstance(key, int) for key in keys):
        return "position, from 0"
    for name, pattern in vocabulary()["levels"].items():
        # One plain word, such as "mean", has many meanings; of several the company tells it.
        told = len(keys) > 1 or name == "class" or not "".join(map(str, keys)).isalpha()
        if told and all(re.fullmatch(pattern, str(key)) for key in keys):
            return str(name)
    return "name"


def _distinct(names: Sequence[str]) -> tuple[str, ...]:
    seen: dict[str, int] = {}
    found = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        found.append(name if seen[name] == 1 else f"{name} {seen[name]}")
    return tuple(found)
