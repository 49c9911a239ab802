"""What is said of the relevance of jets: shares, features, slots, orders, and its instability."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from repro.explain.problem import Explanation
from repro.figures.interaction import CLASSES
from repro.figures.interaction_relevance import JetRelevance
from repro.figures.rankings import order_entry
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval, clopper_pearson
from repro.metrics.means import PanelMeans, draw_means, moments, percentile_intervals
from repro.results.document import named

__all__ = ["instability_values", "ratios_to", "relevance_values", "shares_by_class"]

LEADING = 4
_GRID = np.logspace(-1, 4, 26)
_TRIMMED = 0.01
_LEVEL = 0.95
_KINDS = ("tracks", "vertices")


def relevance_values(found: JetRelevance, seed: int) -> dict[str, Any]:
    """Return means over the jets of each class, with intervals: of features, slots and both kinds.

    Args:
        found: The relevance.
        seed: Of the draws that say how often an order comes out.
    """
    relevance = _means(found, found.features)
    of_tracks, of_vertices = found.features[: found.tracks], found.features[found.tracks :]
    return {
        "share": _shares(found),
        "relevance": {name: named(found.names, means) for name, means in relevance.items()},
        "order": {
            name: {
                "first_four_tracks": _order(found, name, means, of_tracks, seed),
                "first_four_vertices": _order(found, name, means, of_vertices, seed),
            }
            for name, means in relevance.items()
        },
        "track_slots": _by_slot(found, found.slots),
        "vertex_slots": _by_slot(found, found.vertex_slots),
    }


def shares_by_class(found: JetRelevance) -> dict[str, dict[str, Interval]]:
    """Return the share of all tracks and that of all vertices, by class."""
    means = {name: PanelMeans(_LEVEL) for name in CLASSES}
    edges = (found.features[: found.tracks], found.features[found.tracks :])
    for kind, columns in zip(_KINDS, edges, strict=True):
        values = np.zeros(len(found.labels))
        for column in found.each(columns):
            values += column
        for name in CLASSES:
            means[name].add(kind, values[found.of_class(name)])
    return {
        name: {kind: intervals[0] for kind, intervals in of_class.panels().items()}
        for name, of_class in means.items()
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
    values = np.stack(list(found.each(columns)), axis=1)
    ratios = {}
    for name in CLASSES:
        sample = moments([values[found.of_class(name)]])
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
    largest = np.zeros(len(found.labels))
    for column in found.each(found.features):
        np.maximum(largest, np.abs(column), out=largest)
    mine = {name: found.of_class(name) for name in CLASSES}
    kept = {
        name: some & (largest <= np.quantile(largest[some], 1 - _TRIMMED))
        for name, some in mine.items()
    }
    trimmed, medians = PanelMeans(_LEVEL), dict[str, list[float]]()
    for column in found.each(found.features):
        for name in CLASSES:
            trimmed.add(name, column[kept[name]])
            medians.setdefault(name, []).append(float(np.median(column[mine[name]])))
    values = {}
    for name, means in trimmed.panels().items():
        extreme = largest[mine[name]]
        values[name] = {
            "largest": float(extreme.max()),
            "above_one": clopper_pearson(int((extreme > 1).sum()), len(extreme)),
            "tail": {
                "bound": _GRID,
                "fraction": [float((extreme > bound).mean()) for bound in _GRID],
            },
            "trimmed": named(found.names, means),
            "median": dict(zip(found.names, medians[name], strict=True)),
        }
    return values


def _means(found: JetRelevance, columns: Sequence[int]) -> dict[str, Intervals]:
    """Return the means of some columns over the jets of each class."""
    means, mine = PanelMeans(_LEVEL), {name: found.of_class(name) for name in CLASSES}
    for column in found.each(columns):
        for name, some in mine.items():
            means.add(name, column[some])
    return means.panels()


def _shares(found: JetRelevance) -> dict[str, dict[str, Interval]]:
    by_class = shares_by_class(found)
    shares = {kind: {name: by_class[name][kind] for name in CLASSES} for kind in _KINDS}
    for kinds in shares.values():
        kinds["hbb_minus_qcd"] = _difference(kinds["hbb"], kinds["qcd"])
    return shares


def _difference(first: Interval, second: Interval) -> Interval:
    """Return the difference of means of independent jets."""
    margin = float(np.hypot(first.high - first.value, second.high - second.value))
    value = first.value - second.value
    return Interval(value, value - margin, value + margin, first.level)


def _order(
    found: JetRelevance, name: str, means: Intervals, columns: range, seed: int
) -> Mapping[str, Any]:
    names = tuple(found.names[column] for column in columns)
    ranked = Explanation("lrp", "1", names, {name: means.take(list(columns))})
    return order_entry(ranked, name, LEADING, seed)


def _by_slot(found: JetRelevance, slots: range) -> dict[str, dict[str, Any]]:
    names = [str(slot) for slot in range(len(slots))]
    return {name: named(names, means) for name, means in _means(found, slots).items()}
