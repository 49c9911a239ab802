"""Artificial tracks and vertices in realistic numbers: speed depends on those alone."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from repro.data.hbb.branches import find_group
from repro.data.hbb.features import TRACK_SLOTS, VERTEX_SLOTS
from repro.features.interaction import interaction_features, interaction_inputs
from repro.models.tagger import Tagger

__all__ = ["ARTIFICIAL", "artificial_jets", "iter_artificial_inputs"]

ARTIFICIAL = "artificial tracks, 30 ± 10 a jet, and vertices, 2.5 ± 1.1"

# Of the authors' jets QCD jets have 34 tracks and Higgs jets 26 (dossier, section 1.11).
_TRACKS, _SPREAD = 30.0, 10.0
_PART = 4096


def artificial_jets(jets: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return tracks (n, 30, 60) and vertices (n, 14, 5) of jets; random numbers.

    The number of tracks is normal, between 1 and 60; each vertex slot is filled or not.

    >>> tracks, vertices = artificial_jets(500)
    >>> tracks.shape, vertices.shape, tracks.dtype
    ((500, 30, 60), (500, 14, 5), dtype('float32'))
    """
    rng = np.random.default_rng(seed)
    counts = (
        rng.normal(_TRACKS, _SPREAD, jets).round().clip(1, TRACK_SLOTS),
        rng.binomial(VERTEX_SLOTS, 0.5, jets),
    )
    sizes = find_group("tracks").shape, find_group("vertices").shape
    tracks, vertices = (
        rng.standard_normal((jets, *size), np.float32) * (np.arange(size[1]) < count[:, None, None])
        for size, count in zip(sizes, counts, strict=True)
    )
    return tracks, vertices


def iter_artificial_inputs(
    tagger: Tagger, jets: int, seed: int = 0
) -> Iterator[NDArray[np.floating]]:
    """Yield what an Interaction Network gets for artificial jets, some at a time."""
    for start in range(0, jets, _PART):
        parts = artificial_jets(min(_PART, jets - start), seed + start)
        yield tagger.prepare(interaction_inputs(*parts), interaction_features())
