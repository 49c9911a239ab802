"""What the features of tracks and secondary vertices are: the dictionary in ``features.toml``."""

import functools
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import Any

__all__ = ["TRACK_SLOTS", "VERTEX_SLOTS", "Feature", "track_features", "vertex_features"]

TRACK_SLOTS = 60
"""Places for the tracks of a jet; further tracks, which are the least displaced, are left out."""

VERTEX_SLOTS = 5
"""Places for the secondary vertices of a jet."""


@dataclass(frozen=True)
class Feature:
    """One feature.

    Attributes:
        name: As in the files of the record.
        meaning: What it is.
        unit: Its unit; empty for a pure number.
        low: Its least value, as stored; None if it has no bound.
        high: Its largest value, as stored; None if it has no bound.
        offset: What is added to the quantity before it is clipped and stored.
    """

    name: str
    meaning: str
    unit: str = ""
    low: float | None = None
    high: float | None = None
    offset: float = 0.0


def track_features() -> tuple[Feature, ...]:
    """Return the features of tracks, in the order in which networks see them.

    >>> [feature.name for feature in track_features()][:2], len(track_features())
    (['track_ptrel', 'track_erel'], 30)
    """
    return _load()["tracks"]


def vertex_features() -> tuple[Feature, ...]:
    """Return the features of secondary vertices, in the order in which networks see them.

    >>> next(f for f in vertex_features() if f.name == "sv_deltaR").offset, len(vertex_features())
    (-0.5, 14)
    """
    return _load()["vertices"]


@functools.cache
def _load() -> dict[str, tuple[Feature, ...]]:
    text = resources.files("repro.data.hbb").joinpath("features.toml").read_text("utf-8")
    document: dict[str, list[dict[str, Any]]] = tomllib.loads(text)
    return {kind: tuple(Feature(**entry) for entry in found) for kind, found in document.items()}
