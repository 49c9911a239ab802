"""Sets of features that are masked together: those below a threshold, published and found.

The published sets are read off the models that were trained without them.  The features found are
those whose drop in AUC on the jets at hand is below the threshold; how sure that is, repeated
samples of jets say.

Source: arXiv:2211.12770; dossier, sections 1.6 and 4.3.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from repro.data.hbb.features import track_features, vertex_features
from repro.explain.drop_sets import below
from repro.explain.problem import Explanation
from repro.features.interaction import interaction_features, interaction_groups
from repro.figures.interaction import FAMILY
from repro.metrics.correlated import draw_numbers
from repro.models.cards import find_card
from repro.models.interaction import kept_features

__all__ = [
    "KINDS",
    "THRESHOLDS",
    "FoundSets",
    "columns_of",
    "features_of",
    "find_sets",
    "flat",
    "published_sets",
]

THRESHOLDS = {"0001": 0.001, "0005": 0.005, "001": 0.01, "005": 0.05, "100": 1.0}
"""Percentage points of AUC by their names in the labels of models."""

KINDS = ("tracks", "vertices", "both")

Sets = Mapping[str, Mapping[str, tuple[str, ...]]]
"""Names of features by threshold and by kind."""

_DRAWS = 2000
# Of all sets that come out of repeated samples, so many are named.
_NAMED = 20


@dataclass(frozen=True, eq=False)
class FoundSets:
    """The features below each threshold, and how repeated samples would have it.

    Attributes:
        sets: By threshold and kind, their names.
        counts: Likewise, their number with its interval, as results have it.
        indices: Likewise, their places among the features of the kind, with the share of samples
            that give these.
    """

    sets: dict[str, dict[str, tuple[str, ...]]]
    counts: dict[str, dict[str, Any]]
    indices: dict[str, dict[str, Any]]


def features_of(kind: str) -> tuple[str, ...]:
    """Return the names of the features of tracks, of vertices, or of both.

    >>> [len(features_of(kind)) for kind in KINDS]
    [30, 14, 44]
    """
    names = {
        "tracks": tuple(feature.name for feature in track_features()),
        "vertices": tuple(feature.name for feature in vertex_features()),
    }
    return names[kind] if kind in names else (*names["tracks"], *names["vertices"])


def columns_of(features: tuple[str, ...]) -> tuple[int, ...]:
    """Return the columns of some features, in all of their slots.

    >>> columns_of(("sv_ptrel",))
    (1800, 1801, 1802, 1803, 1804)
    """
    groups = interaction_groups(interaction_features())
    return tuple(column for name in features for column in groups[name])


def published_sets() -> dict[str, dict[str, tuple[str, ...]]]:
    """Return the features that the study found below each threshold: those that its models lack.

    >>> published_sets()["001"]["vertices"]
    ('sv_phirel', 'sv_etarel', 'sv_normchi2')
    """
    found = {}
    for threshold in THRESHOLDS:
        kept = kept_features(find_card(f"{FAMILY}:psvfeaturesdropped_{threshold}_preload"))
        tracks, vertices = (
            tuple(name for i, name in enumerate(features_of(kind)) if i not in set(left))
            for kind, left in zip(KINDS[:2], kept, strict=True)
        )
        found[threshold] = {"tracks": tracks, "vertices": vertices, "both": tracks + vertices}
    return found


def find_sets(drops: Explanation, seed: int) -> FoundSets:
    """Return the features whose drop in AUC is strictly below each threshold.

    Args:
        drops: Of all features, tracks' first, in percentage points.
        seed: Of the repeated samples.
    """
    drawn = draw_numbers(drops.panels["all"], np.random.default_rng(seed), _DRAWS)
    sets: dict[str, dict[str, tuple[str, ...]]] = {}
    counts: dict[str, dict[str, Any]] = {}
    indices: dict[str, dict[str, Any]] = {}
    for threshold, points in THRESHOLDS.items():
        under, seen = below(drops, points), drawn < points
        sets[threshold], counts[threshold], indices[threshold] = {}, {}, {}
        for kind in KINDS:
            names = features_of(kind)
            mine = seen[:, [drops.names.index(name) for name in names]]
            found = tuple(name for name in names if name in under)
            low, high = np.quantile(mine.sum(axis=1), [0.025, 0.975], method="nearest")
            sets[threshold][kind] = found
            counts[threshold][kind] = {
                "value": len(found),
                "interval": [int(min(low, len(found))), int(max(high, len(found)))],
            }
            indices[threshold][kind] = {
                "value": [names.index(name) for name in found],
                "shares": _shares(mine),
            }
    return FoundSets(sets, counts, indices)


def flat(sets: Sets) -> dict[str, tuple[str, ...]]:
    """Return sets by ``threshold.kind``.

    >>> list(flat({"001": {"tracks": ("track_dz",), "both": ("track_dz",)}}))
    ['001.tracks', '001.both']
    """
    return {
        f"{threshold}.{kind}": features
        for threshold, kinds in sets.items()
        for kind, features in kinds.items()
    }


def _shares(chosen: np.ndarray[tuple[int, ...], np.dtype[np.bool_]]) -> dict[str, float]:
    """Return how often each set of places comes out, those that do most often."""
    sets, counts = np.unique(chosen, axis=0, return_counts=True)
    order = np.argsort(-counts, kind="stable")[:_NAMED]
    return {
        ", ".join(map(str, np.flatnonzero(sets[i]))): float(counts[i] / len(chosen)) for i in order
    }
