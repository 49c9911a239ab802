"""The numbers of a result, one by one or as curves, whatever their shape in its values."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Curve", "Leaf", "Path", "Point", "find_leaves"]

Path = tuple[str | int, ...]
"""Keys that lead to a leaf; whole numbers are places in lists, from 0."""

Scalar = float | int | str | bool | None

_INTERVALS = frozenset({"value", "low", "high"})
_HISTOGRAM = frozenset({"counts", "edges"})
# What stands beside a value and is said of it.
_ABOUT = frozenset({"interval", "estimate", "places", "rank", "unit", "of", "p", "about"})


@dataclass(frozen=True)
class Point:
    """One number or word.

    Attributes:
        path: Where it stands.
        value: None where it is undefined or infinite.
        interval: Ends of its 95 % interval; an end that is None is infinite.
        estimate: Ends of the interval of what the whole computation gives on the same jets.
        unit: Its unit; empty if its result states none.
        about: What else is said of it, by name: rank, places, p and the like.
    """

    path: Path
    value: Scalar
    interval: tuple[float | None, float | None] | None = None
    estimate: tuple[float | None, float | None] | None = None
    unit: str = ""
    about: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_text(self) -> bool:
        """Whether it is words."""
        return isinstance(self.value, str)


@dataclass(frozen=True)
class Curve:
    """Lists of numbers that belong together, point by point.

    Attributes:
        path: Where they stand.
        columns: By name, each of the same length.
        edges: Edges of bins, one more than there are points; empty if they are no histogram.
    """

    path: Path
    columns: Mapping[str, Sequence[Scalar]]
    edges: Sequence[float] = ()


Leaf = Point | Curve


def find_leaves(value: Any, path: Path = ()) -> Iterator[Leaf]:  # noqa: ANN401 - JSON
    """Yield all numbers and words of a result's values, in their order; none is left out.

    >>> list(find_leaves({"auc": {"value": 97.1, "interval": [97.0, 97.2]}}))
    [Point(path=('auc',), value=97.1, interval=(97.0, 97.2), estimate=None, unit='', about={})]
    >>> list(find_leaves({"roc": {"x": [0.0, 1.0], "y": [0.5, 0.9]}}))
    [Curve(path=('roc',), columns={'x': [0.0, 1.0], 'y': [0.5, 0.9]}, edges=())]
    """
    if isinstance(value, Mapping):
        yield from _in_mapping(value, path)
    elif isinstance(value, list):
        for place, entry in enumerate(value):
            yield from find_leaves(entry, (*path, place))
    else:
        yield Point(path, value)


def _in_mapping(node: Mapping[str, Any], path: Path) -> Iterator[Leaf]:
    if "value" in node and not isinstance(node["value"], list | Mapping):
        yield _point(node, path)
        rest = {key: entry for key, entry in node.items() if key not in _ABOUT | {"value"}}
        yield from _in_mapping(rest, path)
        return
    if node.keys() == _INTERVALS and _lengths(node) == {len(node["value"])}:
        for place, ends in enumerate(zip(node["low"], node["high"], strict=True)):
            yield Point((*path, place), node["value"][place], _known(ends))
        return
    unit = {"unit": node["unit"]} if isinstance(node.get("unit"), str) else {}
    taken = _HISTOGRAM if node.keys() >= _HISTOGRAM else _arrays(node)
    if taken == _HISTOGRAM:
        yield Curve(path, {"counts": node["counts"]}, node["edges"])
    elif taken:
        yield Curve(path, {key: node[key] for key in node if key in taken})
    for key, entry in node.items():
        if key not in taken | unit.keys():
            said = unit if isinstance(entry, int | float) else {}
            yield from find_leaves({"value": entry, **said} if said else entry, (*path, key))


def _arrays(node: Mapping[str, Any]) -> frozenset[str]:
    """Return the keys of several lists of numbers that are of one length, if all lists are."""
    lists = {key: entry for key, entry in node.items() if isinstance(entry, list)}
    numbers = all(
        entry is None or (isinstance(entry, int | float) and not isinstance(entry, bool))
        for entries in lists.values()
        for entry in entries
    )
    lengths = _lengths(lists)
    if len(lists) > 1 and len(lengths) == 1 and min(lengths) > 1 and numbers:
        return frozenset(lists)
    return frozenset()


def _lengths(node: Mapping[str, Any]) -> set[int]:
    return {len(entry) if isinstance(entry, list) else -1 for entry in node.values()}


def _point(node: Mapping[str, Any], path: Path) -> Point:
    about = {key: node[key] for key in ("rank", "places", "of", "p", "about") if key in node}
    return Point(
        path=path,
        value=node["value"],
        interval=_known(node.get("interval")),
        estimate=_known(node.get("estimate")),
        unit=node.get("unit", ""),
        about=about,
    )


def _known(ends: Sequence[float | None] | None) -> tuple[float | None, float | None] | None:
    if ends is None or all(end is None for end in ends):
        return None
    return ends[0], ends[1]
