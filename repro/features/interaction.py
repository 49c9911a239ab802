"""Inputs of the Interaction Network: tracks and secondary vertices as one row per jet.

A row is the first feature of all 60 track slots, then the second, and so on, then likewise the
features of the 5 vertex slots: (n, 30 · 60 + 14 · 5).  Nothing is scaled; slots without a track or
vertex hold zero.
"""

import math

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import check_shape
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS, track_features, vertex_features

__all__ = ["interaction_features", "interaction_inputs"]


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
