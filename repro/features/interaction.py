"""Inputs of the Interaction Network: tracks and secondary vertices as one row per jet.

A row is the first feature of all 60 track slots, then the second, and so on, then likewise the
features of the 5 vertex slots: (n, 30 · 60 + 14 · 5).  Nothing is scaled; slots without a track or
vertex hold zero.
"""

import math
from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import check_shape
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS, track_features, vertex_features
from repro.errors import BadInput

__all__ = [
    "filled_by_slot",
    "interaction_features",
    "interaction_groups",
    "interaction_inputs",
    "slots_of_tracks",
    "sort_tracks",
]

_VERTEX = "sv_"


def interaction_features() -> tuple[str, ...]:
    """Return the names of the columns: a feature and the number of a slot.

    >>> interaction_features()[:2], interaction_features()[-1], len(interaction_features())
    (('track_ptrel_0', 'track_ptrel_1'), 'sv_costhetasvpv_4', 1870)
    """
    kinds = (track_features(), TRACK_SLOTS), (vertex_features(), VERTEX_SLOTS)
    return tuple(
        f"{feature.name}_{slot}"
        for features, slots in kinds
        for feature in features
        for slot in range(slots)
    )


def interaction_inputs(
    tracks: NDArray[np.floating], vertices: NDArray[np.floating]
) -> NDArray[np.float32]:
    """Return the rows of jets.

    Args:
        tracks: (n, 30, 60), features as in :func:`repro.data.hbb.features.track_features`.
        vertices: (n, 14, 5), likewise.

    Returns:
        (n, 1870), float32.

    Raises:
        BadInput: If the arrays have other shapes.

    >>> interaction_inputs(np.zeros((2, 30, 60)), np.ones((2, 14, 5))).sum(axis=1)
    array([70., 70.], dtype=float32)
    """
    rows = []
    for name, array in (("tracks", tracks), ("vertices", vertices)):
        check_shape(name, array, len(tracks))
        rows.append(array.reshape(len(tracks), math.prod(array.shape[1:])))
    return np.concatenate(rows, axis=1, dtype=np.float32)


def interaction_groups(columns: Sequence[str]) -> dict[str, tuple[int, ...]]:
    """Return the places of each feature's columns, among columns named as above.

    >>> interaction_groups(("track_ptrel_0", "track_ptrel_1", "sv_pt_0"))
    {'track_ptrel': (0, 1), 'sv_pt': (2,)}
    """
    groups: dict[str, list[int]] = {}
    for place, column in enumerate(columns):
        groups.setdefault(column.rpartition("_")[0], []).append(place)
    return {name: tuple(places) for name, places in groups.items()}


def slots_of_tracks(columns: Sequence[str], slots: Iterable[int]) -> tuple[int, ...]:
    """Return the places of all track features of some slots, among columns named as above.

    >>> slots_of_tracks(("track_dz_0", "track_dz_1", "trackBTag_EtaRel_1", "sv_pt_1"), [1])
    (1, 2)
    """
    wanted = set(slots)
    return tuple(
        place
        for place, column in enumerate(columns)
        if not column.startswith(_VERTEX) and int(column.rpartition("_")[2]) in wanted
    )


def filled_by_slot(columns: Sequence[str]) -> tuple[tuple[int, ...], ...]:
    """Return for each column those of its slot: a slot is padding where all of them are zero.

    >>> filled_by_slot(("track_dz_0", "track_dz_1", "track_dxy_0", "sv_pt_0"))
    ((0, 2), (1,), (0, 2), (3,))
    """
    slots: dict[tuple[bool, str], list[int]] = {}
    keys = [(name.startswith(_VERTEX), name.rpartition("_")[2]) for name in columns]
    for place, key in enumerate(keys):
        slots.setdefault(key, []).append(place)
    return tuple(tuple(slots[key]) for key in keys)


def sort_tracks(tracks: NDArray[np.floating], by: str = "track_erel") -> NDArray[np.floating]:
    """Return the tracks of each jet in descending order of a feature, empty slots last.

    Args:
        tracks: (n, 30, 60), all features.
        by: Name of the feature, ``track_erel`` as published.

    Raises:
        BadInput: If the array has another shape, or there is no such feature.

    >>> tracks = np.zeros((1, 30, 60), np.float32)
    >>> tracks[0, 1, :3] = 0.2, 0.5, 0.3
    >>> sort_tracks(tracks)[0, 1, :4].round(1).tolist() == np.float32([0.5, 0.3, 0.2, 0]).tolist()
    True
    """
    check_shape("tracks", tracks, len(tracks))
    names = [feature.name for feature in track_features()]
    if by not in names:
        raise BadInput(f"tracks have no feature {by!r}: take one such as track_erel")
    values = np.where((tracks != 0).any(axis=1), tracks[:, names.index(by)], -np.inf)
    order = np.argsort(-values, axis=1, kind="stable")
    return np.take_along_axis(tracks, order[:, None, :], axis=2)
