"""Values that the ranking figures share: bars, orders and ranks, ready for judging."""

from collections.abc import Mapping
from typing import Any

from repro.explain.problem import Explanation
from repro.metrics.intervals import Interval
from repro.metrics.ranks import place_interval, places_of, ratio_of_leading
from repro.results.document import named
from repro.results.evidence import SURE, order_stability

__all__ = ["bars_of", "order_entry", "placed", "rank_entry", "ratio_entry", "top"]


def bars_of(explanation: Explanation, panel: str) -> dict[str, Any]:
    """Return the numbers of a panel by name, with their unit and their places."""
    bars = placed(explanation, panel)
    return {name: {**entry, "unit": explanation.unit} for name, entry in bars.items()}


def placed(explanation: Explanation, panel: str) -> dict[str, Any]:
    """Return the numbers of a panel by name, each with its place.

    ``rank`` is the place by the numbers alone, ``places`` the first and the last place that it may
    have.  Where the errors had to be taken as independent, ``independent`` says so.
    """
    numbers = named(explanation.names, explanation.panels[panel])
    found = explanation.places(panel)
    assumed = {} if found.paired else {"independent": True}
    return {
        name: {
            **entry,
            "rank": int(found.rank[i]),
            "places": [int(found.first[i]), int(found.last[i])],
            **assumed,
        }
        for i, (name, entry) in enumerate(numbers.items())
    }


def order_entry(explanation: Explanation, panel: str, first: int, seed: int) -> dict[str, Any]:
    """Return the leading names, how often draws within the errors give each order, and which can.

    ``shares`` are of all orders that came out.  ``candidates`` are the names that may be among the
    leading ones, each with those candidates than which it is known to be larger.
    """
    numbers = explanation.panels[panel]
    shares = order_stability(explanation.names, numbers, first, seed)
    found = places_of(numbers, SURE)
    candidates = [i for i in range(len(numbers)) if found.first[i] <= first]
    return {
        "value": list(explanation.order(panel)[:first]),
        "shares": {", ".join(names): share for names, share in shares.items()},
        "candidates": {
            explanation.names[i]: [explanation.names[j] for j in candidates if found.larger[i, j]]
            for i in candidates
        },
    }


def rank_entry(explanation: Explanation, panel: str, name: str) -> Interval:
    """Return the place of a name, 1 for the largest value, with the places that it may have."""
    return place_interval(explanation.panels[panel], explanation.names.index(name))


def ratio_entry(explanation: Explanation, panel: str) -> Interval | None:
    """Return the largest value over the second largest; None if that is not positive."""
    return ratio_of_leading(explanation.panels[panel])


def top(entries: Mapping[str, Any], count: int | None = None) -> list[tuple[str, dict[str, Any]]]:
    """Return the entries with the largest values, largest first; by default all with a value.

    >>> top({"a": {"value": 1.0}, "b": {"value": None}, "c": {"value": 2.0}})
    [('c', {'value': 2.0}), ('a', {'value': 1.0})]
    """
    known = [(name, entry) for name, entry in entries.items() if entry["value"] is not None]
    return sorted(known, key=lambda pair: -pair[1]["value"])[:count]
