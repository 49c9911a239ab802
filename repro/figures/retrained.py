"""The networks that were trained again on fewer features: their labels, and pairs of them."""

from collections.abc import Callable, Container, Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import binomtest

from repro.figures.record_scores import RecordScores
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval, auc_interval, difference_interval, placements
from repro.metrics.means import mean_intervals
from repro.metrics.percent import in_points
from repro.metrics.ranks import smallest
from repro.metrics.roc import rank_jets
from repro.models.cards import BASELINE

__all__ = [
    "SERIES",
    "THRESHOLDS",
    "Pairs",
    "compare_pairs",
    "labels_of",
    "pairs_of_labels",
    "performance_values",
]

THRESHOLDS = {"0001": 0.001, "0005": 0.005, "001": 0.01, "005": 0.05, "100": 1.0}
"""Per cent of AUC below which features were dropped, by what labels call it."""

_WORST = "100"

SERIES = {
    "retrained_tracks": "pfeaturesdropped_{}",
    "preloaded_tracks": "pfeaturesdropped_{}_preload",
    "preloaded_both": "psvfeaturesdropped_{}_preload",
}
"""Labels of networks with track features dropped, or those of vertices as well."""

Pairs = dict[str, tuple[str, str]]


def labels_of(series: str, known: Container[str]) -> dict[str, str]:
    """Return the labels of a series of networks by threshold, those that are known.

    >>> labels_of("preloaded_both", ["psvfeaturesdropped_001_preload"])
    {'001': 'psvfeaturesdropped_001_preload'}
    """
    named = {key: SERIES[series].format(key) for key in THRESHOLDS}
    return {key: label for key, label in named.items() if label in known}


def pairs_of_labels(known: Container[str]) -> Pairs:
    """Return by threshold the label with random and that with preloaded initial weights."""
    first, second = (labels_of(name, known) for name in ("retrained_tracks", "preloaded_tracks"))
    return {key: (first[key], second[key]) for key in first if key in second}


def compare_pairs(scored: RecordScores, pairs: Pairs) -> dict[str, dict[str, Interval]]:
    """Return how much better the preloaded network of each pair is, paired, in points.

    The intervals of each kind hold together at 95 %: a count of them needs no more.

    Args:
        scored: Has the scores of all.
        pairs: Labels by threshold.

    Returns:
        ``fidelity`` and ``auc``, each by threshold: preloaded minus random.
    """
    level = 1 - 0.05 / max(1, len(pairs))
    baseline, labels = scored.scores[BASELINE].astype(np.float64), scored.labels
    found: Mapping[str, dict[str, Interval]] = {"fidelity": {}, "auc": {}}
    for key, names in pairs.items():
        random, preloaded = (scored.scores[name].astype(np.float64) for name in names)
        gain = 100 * (np.abs(random - baseline) - np.abs(preloaded - baseline))
        found["fidelity"][key] = mean_intervals(gain[:, None], level)[0]
        places = [placements(scores, labels) for scores in (preloaded, random)]
        found["auc"][key] = in_points(difference_interval(places[0], places[1], level))
    return dict(found)


def performance_values(scored: RecordScores) -> dict[str, Any]:
    """Return AUCs by threshold, which network of each pair is better, and what is not recovered.

    Args:
        scored: Has the scores of all networks.
    """
    known = scored.scores
    areas = {
        series: {
            key: in_points(auc_interval(rank_jets(known[label], scored.labels)))
            for key, label in labels_of(series, known).items()
        }
        for series in SERIES
    }
    gains = compare_pairs(scored, pairs_of_labels(known))
    worst = [labels_of(series, known).get(_WORST) for series in SERIES]
    lost = {label: scored.auc_difference(BASELINE, label) for label in worst if label}
    found: dict[str, Any] = {
        **areas,
        "gains": gains,
        # No lower AUC is claimed, but a higher fidelity.
        "preloaded_wins": {
            "fidelity": _count(gains["fidelity"], lambda gain: gain > 0),
            "auc": _count(gains["auc"], lambda gain: gain >= 0),
        },
        "loss": lost,
    }
    if lost:
        found["smallest_loss_at_100"] = smallest(_together(list(lost.values())))
    return found


def _count(gains: Mapping[str, Interval], wins: Callable[[float], bool]) -> dict[str, Any]:
    """Return how many gains are such, and the fewest and most of which that may be true.

    With the p-value of a sign test: that so many or more are, if each were as likely as not.
    """
    value, least, most = (
        sum(wins(getattr(gain, end)) for gain in gains.values()) for end in ("value", "low", "high")
    )
    p = float(binomtest(value, len(gains), alternative="greater").pvalue) if gains else None
    return {"value": value, "interval": [least, most], "of": len(gains), "p": p}


def _together(intervals: Sequence[Interval]) -> Intervals:
    value, low, high = (
        np.array([getattr(one, end) for one in intervals]) for end in ("value", "low", "high")
    )
    return Intervals(value, low, high, intervals[0].level)
