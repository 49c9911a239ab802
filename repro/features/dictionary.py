"""What the input columns of each family of taggers mean: one dictionary for all of them."""

import functools
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources

from repro.data.hbb.features import (
    TRACK_SLOTS,
    VERTEX_SLOTS,
    Feature,
    track_features,
    vertex_features,
)
from repro.errors import UnknownName

__all__ = ["InputColumns", "input_columns"]

_TRACKS = "in"


@dataclass(frozen=True)
class InputColumns:
    """Input columns of one meaning.

    Attributes:
        feature: What they are: name, with placeholders in angle brackets, meaning, unit, least and
            largest value, offset.
        count: How many there are.
        group: What they belong to: ``constituents``, ``tracks`` or ``vertices``.
    """

    feature: Feature
    count: int
    group: str


def input_columns(family: str) -> tuple[InputColumns, ...]:
    """Return the dictionary of a family's inputs; variants may drop columns.

    Raises:
        UnknownName: If there is no such family.

    >>> [columns.feature.name for columns in input_columns("mbns")]
    ['tau_<N>_<beta>', 'pT_J', 'm_J']
    >>> sum(columns.count for columns in input_columns("in"))
    1870
    """
    if family == _TRACKS:
        return _of_tracks_and_vertices()
    try:
        return _read()[family]
    except KeyError:
        known = ", ".join([*_read(), _TRACKS])
        raise UnknownName(f"unknown model {family!r}: choose from {known}") from None


def _of_tracks_and_vertices() -> tuple[InputColumns, ...]:
    tracks = [InputColumns(each, TRACK_SLOTS, "tracks") for each in track_features()]
    return (
        *tracks,
        *(InputColumns(each, VERTEX_SLOTS, "vertices") for each in vertex_features()),
    )


@functools.cache
def _read() -> Mapping[str, tuple[InputColumns, ...]]:
    text = resources.files("repro.features").joinpath("dictionary.toml").read_text("utf-8")
    found = {}
    for family, entries in tomllib.loads(text).items():
        counts = [entry.pop("count") for entry in entries]
        features = [Feature(**entry) for entry in entries]
        found[family] = tuple(
            InputColumns(feature, count, "constituents")
            for feature, count in zip(features, counts, strict=True)
        )
    return found
