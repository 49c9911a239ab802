"""Tables of a result's numbers, as HEPData has them: independent and dependent variables.

All numbers of a result are in some table, and stand there with the keys that lead to them, one
independent variable for each level of keys.  Classes of jets become columns of their own, and so
do a few quantities that are known of the same things.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from repro.fair.axes import Axes, vocabulary
from repro.fair.cells import Cell, dependent_cell, independent_cell, rank_cell
from repro.fair.leaves import Curve, Leaf, Path, Point, find_leaves

__all__ = ["DataTable", "Variable", "make_tables"]

# More are entries of one column, with a variable that says which.
_MOST_COLUMNS = 12
_NUMBERS = "numbers"


@dataclass(frozen=True)
class Variable:
    """One column.

    Attributes:
        name: Heading.
        values: Cells, in HEPData's form.
        units: Of its numbers; empty if they have none or it is not stated.
        qualifiers: What holds for all of the column, by name.
    """

    name: str
    values: Sequence[Cell]
    units: str = ""
    qualifiers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class DataTable:
    """Numbers that go together.

    Attributes:
        key: The key of the result's values that they are from; ``numbers`` for single ones.
        independent: What the numbers are of.
        dependent: The numbers.
    """

    key: str
    independent: Sequence[Variable]
    dependent: Sequence[Variable]


def make_tables(
    values: Mapping[str, Any], units: Mapping[str, str] | None = None
) -> list[DataTable]:
    """Return the tables of a result's values; every number and word of them is in one.

    Args:
        values: As in :class:`repro.results.document.Result`.
        units: By dotted path, the units of numbers whose results do not state them.
    """
    headings = {key: column["title"] for key, column in values.get("columns", {}).items()}
    # Lists of one length side by side are a curve, but not what an item says of all.
    shown = _without_lists_in_rows(values).items()
    groups = _group(leaf for key, entry in shown for leaf in find_leaves(entry, (key,)))
    single = {key for key, group in groups.items() if len(group) == 1 and key.curve is None}
    tables = _numbers([groups[key][0] for key in groups if key in single], units or {})
    for key, group in groups.items():
        if key not in single:
            axes = Axes.of(group, values)
            if key.curve:
                tables.append(_curves(key, group, axes))
            else:
                tables.append(_points(key, group, axes, headings, units or {}))
    return tables


@dataclass(frozen=True)
class _Key:
    """What leaves of one table have in common."""

    first: str
    depth: int
    unit: str = ""
    words: bool = False
    curve: tuple[str, ...] | None = None


def _group(leaves: Iterable[Leaf]) -> dict[_Key, list[Any]]:
    groups: dict[_Key, list[Any]] = {}
    for leaf in leaves:
        first, depth = str(leaf.path[0]), len(leaf.path)
        if isinstance(leaf, Curve):
            key = _Key(first, depth, curve=tuple(leaf.columns))
        else:
            # A row of a table has words and numbers, with units in its headings.
            key = _Key(first, depth)
            if first != "rows":
                key = _Key(first, depth, leaf.unit, words=leaf.is_text)
        groups.setdefault(key, []).append(leaf)
    return groups


def _without_lists_in_rows(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values with lists in table rows as words, as the table shows them."""
    others = {key: entry for key, entry in values.items() if key != "columns"}
    if "columns" not in values:
        return others
    rows = {
        name: {key: _in_words(cell) for key, cell in row.items()}
        for name, row in values["rows"].items()
    }
    return others | {"rows": rows}


def _in_words(cell: Any) -> Any:  # noqa: ANN401 - JSON
    if isinstance(cell, list):
        return ", ".join(map(str, cell))
    if isinstance(cell, Mapping) and isinstance(cell.get("value"), list):
        return {**cell, "value": ", ".join(map(str, cell["value"]))}
    return cell


def _numbers(points: Sequence[Point], units: Mapping[str, str]) -> list[DataTable]:
    """Return tables of numbers that stand alone, one for each unit."""
    by_unit: dict[str, list[Point]] = {}
    for point in points:
        unit = point.unit or units.get(_dotted(point.path), "")
        by_unit.setdefault(unit, []).append(point)
    tables = []
    for unit, some in by_unit.items():
        names = Variable("quantity", [independent_cell(_dotted(point.path)) for point in some])
        tables.append(DataTable(_NUMBERS, [names], list(_columns("value", some, unit, {}))))
    return tables


def _points(
    key: _Key,
    points: Sequence[Point],
    axes: Axes,
    headings: Mapping[str, str],
    units: Mapping[str, str],
) -> DataTable:
    """Return the table of points; classes, or few quantities of the same things, are columns."""
    pivot = _pivot(key, points, axes)
    cells = {point.path[1:]: point for point in points}
    if len(cells) != len(points):
        raise ValueError(f"{key.first}: several numbers have one path")
    rows = list(dict.fromkeys(_but(path, pivot) for path in cells))
    names = [name for level, name in enumerate(axes.names) if level != pivot]
    independent = [
        Variable(name, [axes.cell(name, row[level]) for row in rows])
        for level, name in enumerate(names)
    ]
    dependent: list[Variable] = []
    columns = dict.fromkeys(path[pivot] for path in cells) if pivot is not None else {"": None}
    for column in columns:
        found = [cells.get(_with(row, pivot, column)) for row in rows]
        name, qualifiers, unit = _column_name(key.first, column, pivot, axes, headings)
        unit = (
            unit or key.unit or _unit_of([p for p in found if p], units, whole=len(axes.names) == 1)
        )
        dependent += _columns(name, found, unit, qualifiers)
    return DataTable(key.first, independent, dependent)


def _column_name(
    first: str, column: str | int, pivot: int | None, axes: Axes, headings: Mapping[str, str]
) -> tuple[str, dict[str, str], str]:
    """Return the heading of a column, its qualifiers, and its unit if the heading states it."""
    if pivot is None:
        return first, {}, ""
    if first != "rows":
        return first, {axes.names[pivot]: str(column)}, ""
    heading, _, unit = headings.get(str(column), str(column)).partition(" [")
    return heading, {}, unit.rstrip("]")


def _unit_of(points: Sequence[Point], units: Mapping[str, str], *, whole: bool) -> str:
    """Return the unit that is known of some numbers of a column, if it is that of all.

    Args:
        points: The numbers.
        units: By dotted path.
        whole: Whether they are one quantity, so that one of them speaks for all.
    """
    known = [units[path] for point in points if (path := _dotted(point.path)) in units]
    agreed = len(set(known)) == 1 and (whole or 2 * len(known) >= len(points))
    return known[0] if agreed else ""


def _pivot(key: _Key, points: Sequence[Point], axes: Axes) -> int | None:
    """Return the level of keys that become columns, if one is to."""
    levels = list(zip(*(point.path[1:] for point in points), strict=True))
    if len(levels) < 2:
        return None
    if key.first == "rows" and len(levels) == 2:
        return 1
    for level, name in enumerate(axes.names):
        if name == "class" and len(set(levels[level])) > 1:
            return level
    last = set(levels[-1])
    rows = len({point.path[1:-1] for point in points})
    few = 1 < len(last) <= _MOST_COLUMNS and all(isinstance(entry, str) for entry in last)
    return len(levels) - 1 if few and 2 * len(points) >= rows * len(last) else None


def _but(path: Path, level: int | None) -> Path:
    return path if level is None else (*path[:level], *path[level + 1 :])


def _with(row: Path, level: int | None, key: str | int) -> Path:
    return row if level is None else (*row[:level], key, *row[level:])


def _columns(
    name: str, points: Sequence[Point | None], unit: str, qualifiers: Mapping[str, str]
) -> Iterator[Variable]:
    """Yield the column of the numbers, and one for each thing that is said of them."""
    units = unit if unit != "1" else ""
    yield Variable(name, [dependent_cell(point) for point in points], units, qualifiers)
    said = dict.fromkeys(key for point in points if point for key in point.about)
    for key in said:
        if key == "places":
            continue
        what = vocabulary()["about"].get(key, key)
        cells = [rank_cell(point, key) for point in points]
        yield Variable(f"{name}, {what}", cells, "", qualifiers)


def _curves(key: _Key, curves: Sequence[Curve], axes: Axes) -> DataTable:
    """Return the table of curves, point by point, one after the other."""
    columns = key.curve or ()
    along = next((name for name in columns if name in vocabulary()["along"]), None)
    paths = [(curve, place) for curve in curves for place in range(len(curve.columns[columns[0]]))]
    independent = [
        Variable(name, [independent_cell(curve.path[1 + level]) for curve, _ in paths])
        for level, name in enumerate(axes.names)
    ]
    if all(curve.edges for curve in curves):
        bins = [{"low": c.edges[place], "high": c.edges[place + 1]} for c, place in paths]
        independent.append(Variable("bin", bins))
    elif along:
        cells = [independent_cell(curve.columns[along][place]) for curve, place in paths]
        independent.append(Variable(along, cells))
    else:
        places = [independent_cell(place) for _, place in paths]
        independent.append(Variable("position, from 0", places))
    dependent = [
        Variable(name, [dependent_cell(Point((), c.columns[name][place])) for c, place in paths])
        for name in columns
        if name != along
    ]
    return DataTable(key.first, independent, dependent)


def _dotted(path: Path) -> str:
    return ".".join(map(str, path))
