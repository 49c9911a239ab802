"""What is said of the relevance of jets: shares, features, slots, orders, and its instability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repro.data.arrays import FloatArray
from repro.explain.problem import Explanation
from repro.figures.interaction import CLASSES
from repro.figures.interaction_relevance import JetRelevance
from repro.figures.rankings import order_entry
from repro.metrics.intervals import Interval, clopper_pearson
from repro.metrics.means import draw_means, mean_intervals, moments, percentile_intervals
from repro.results.document import named

__all__ = ["instability_values", "ratios_to", "relevance_values", "shares_by_class"]

LEADING = 4
_GRID = np.logspace(-1, 4, 26)
_TRIMMED = 0.01


def relevance_values(found: JetRelevance, seed: int) -> dict[str, Any]:
    """Return means over the jets of each class, with intervals: of features, slots and both kinds.

    Args:
        found: The relevance.
        seed: Of the draws that say how often an order comes out.
    """
    return {
        "share": _shares(found),
        "relevance": {
            name: named(found.names, mean_intervals(found.features[found.of_class(name)]))
            for name in CLASSES
        },
        "order": {
            name: {
                "first_four_tracks": _order(found, name, slice(0, found.tracks), seed),
                "first_four_vertices": _order(found, name, slice(found.tracks, None), seed),
            }
            for name in CLASSES
        },
        "track_slots": _by_slot(found, found.slots),
        "vertex_slots": _by_slot(found, found.vertex_slots),
    }


def shares_by_class(found: JetRelevance) -> dict[str, dict[str, Interval]]:
    """Return the share of all tracks and that of all vertices, by class."""
    kinds = _kinds(found)
    return {
        name: {kind: mean_intervals(values[found.of_class(name)])[0] for kind, values in kinds}
        for name in CLASSES
    }


def ratios_to(
    found: JetRelevance, reference: str, names: Sequence[str], seed: int
) -> dict[str, dict[str, Any]]:
    """Return the mean relevance of features divided by that of another one, by class.

    Args:
        found: The relevance.
        reference: What is divided by.
        names: Of the features.
        seed: Of the draws; the means of one class are correlated, and drawn together.
    """
    columns = [found.names.index(name) for name in (reference, *names)]
    ratios = {}
    for name in CLASSES:
        sample = moments([found.features[found.of_class(name)][:, columns]])
        drawn = draw_means(sample, seed)
        value = sample[1][1:] / sample[1][0]
        ratios[name] = named(names, percentile_intervals(value, drawn[:, 1:] / drawn[:, :1]))
    return ratios


def instability_values(found: JetRelevance) -> dict[str, Any]:
    """Return how much of the means a few jets make, by class.

    A feature that gets more than the whole logit is a denominator near zero.

    Returns:
        ``largest``: the largest share of a feature in any jet; ``above_one``: the fraction of jets
        in which some feature has a share beyond 1 or -1; ``tail``: that fraction for other bounds;
        ``trimmed``: means without the hundredth of the jets with the largest shares; ``median``.
    """
    largest = np.abs(found.features).max(axis=1)
    values = {}
    for name in CLASSES:
        mine = found.of_class(name)
        extreme, features = largest[mine], found.features[mine]
        kept = features[extreme <= np.quantile(extreme, 1 - _TRIMMED)]
        values[name] = {
            "largest": float(extreme.max()),
            "above_one": clopper_pearson(int((extreme > 1).sum()), len(extreme)),
            "tail": {
                "bound": _GRID,
                "fraction": [float((extreme > bound).mean()) for bound in _GRID],
            },
            "trimmed": named(found.names, mean_intervals(kept)),
            "median": dict(zip(found.names, np.median(features, axis=0).tolist(), strict=True)),
        }
    return values


def _kinds(found: JetRelevance) -> list[tuple[str, FloatArray]]:
    """Return the sums over all features of tracks and of vertices, (n, 1) each."""
    edges = {"tracks": slice(0, found.tracks), "vertices": slice(found.tracks, None)}
    return [
        (kind, found.features[:, columns].sum(axis=1, keepdims=True))
        for kind, columns in edges.items()
    ]


def _shares(found: JetRelevance) -> dict[str, dict[str, Interval]]:
    by_class = shares_by_class(found)
    shares = {kind: {name: by_class[name][kind] for name in CLASSES} for kind, _ in _kinds(found)}
    for kinds in shares.values():
        kinds["hbb_minus_qcd"] = _difference(kinds["hbb"], kinds["qcd"])
    return shares


def _difference(first: Interval, second: Interval) -> Interval:
    """Return the difference of means of independent jets."""
    margin = float(np.hypot(first.high - first.value, second.high - second.value))
    value = first.value - second.value
    return Interval(value, value - margin, value + margin, first.level)


def _order(found: JetRelevance, name: str, columns: slice, seed: int) -> Mapping[str, Any]:
    numbers = mean_intervals(found.features[found.of_class(name)][:, columns])
    ranked = Explanation("lrp", "1", found.names[columns], {name: numbers})
    return order_entry(ranked, name, LEADING, seed)


def _by_slot(found: JetRelevance, slots: FloatArray) -> dict[str, dict[str, Any]]:
    names = [str(slot) for slot in range(slots.shape[1])]
    return {name: named(names, mean_intervals(slots[found.of_class(name)])) for name in CLASSES}
