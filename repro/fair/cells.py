"""Cells of HEPData tables: values with their errors, as its schema has them."""

import re
from collections.abc import Mapping
from typing import Any

from repro.fair.leaves import Point, Scalar

__all__ = ["Cell", "dependent_cell", "independent_cell", "rank_cell"]

Cell = Mapping[str, Any]

UNDEFINED = "-"
"""What stands for an undefined or infinite value, as HEPData has it."""

_INTERVAL = "95 % interval"
_ESTIMATE = "95 % interval of the whole computation on these jets"
_PLACES = "places that cannot be told apart"
_RANGE = re.compile(r"([+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?\s*)-(\s*[+-]?\d)")


def independent_cell(value: Scalar) -> Cell:
    """Return a cell of an independent variable.

    Words that look like a range of numbers get a dash in place of the minus: HEPData refuses
    them, for it takes them for bins.

    >>> independent_cell("10-20")
    {'value': '10–20'}
    """
    if isinstance(value, str):
        return {"value": _RANGE.sub(r"\1–\2", value)}
    return {"value": _plain(value)}


def dependent_cell(point: Point | None) -> Cell:
    """Return a cell of a dependent variable, with the ends of its intervals as errors.

    Of a number that is only bounded the bound is given in words.

    >>> cell = dependent_cell(Point(("auc",), 97.0, (96.5, 98.0)))
    >>> cell["value"], cell["errors"][0]["asymerror"]
    (97.0, {'minus': -0.5, 'plus': 1.0})
    >>> dependent_cell(Point(("rejection",), None, (350.0, None)))
    {'value': '> 350.0'}
    """
    if point is None:
        return {"value": UNDEFINED}
    if not _is_number(point.value):
        return {"value": _bound(point) if point.value is None else _plain(point.value)}
    errors = [
        error
        for ends, label in ((point.interval, _INTERVAL), (point.estimate, _ESTIMATE))
        if ends is not None and (error := _error(point.value, ends, label))
    ]
    # HEPData refuses a number all of whose errors are zero.
    if not errors or all(set(error["asymerror"].values()) == {0.0} for error in errors):
        return {"value": point.value}
    return {"value": point.value, "errors": errors}


def rank_cell(point: Point | None, key: str) -> Cell:
    """Return a cell of what is said of a number, by key; of a rank with the places it may have."""
    said = point.about.get(key) if point else None
    if said is None:
        return {"value": UNDEFINED}
    places = point.about.get("places") if point else None
    if key != "rank" or not places:
        return {"value": _plain(said)}
    return dependent_cell_of_rank(said, places)


def dependent_cell_of_rank(rank: int, places: list[int]) -> Cell:
    """Return a rank, with the other places that it may have as its error.

    >>> dependent_cell_of_rank(1, [1, 1])
    {'value': 1}
    """
    minus, plus = places[0] - rank, places[1] - rank
    if minus == plus == 0:
        return {"value": rank}
    error = {"asymerror": {"minus": minus, "plus": plus}, "label": _PLACES}
    return {"value": rank, "errors": [error]}


def _error(value: Any, ends: tuple[float | None, float | None], label: str) -> dict[str, Any]:  # noqa: ANN401
    """Return ends of an interval as distances from the value; an end that is infinite is empty."""
    minus, plus = ("" if end is None else _short(end - value, value) for end in ends)
    return {"asymerror": {"minus": minus, "plus": plus}, "label": label}


def _short(distance: float, value: float) -> float:
    """Return a difference without the last bits, which are those of the subtraction."""
    return 0.0 if abs(distance) <= 1e-14 * abs(value) else float(f"{distance:.12g}")


def _bound(point: Point) -> str:
    low, high = point.interval or (None, None)
    if low is not None:
        return f"> {low}"
    return UNDEFINED if high is None else f"< {high}"


def _is_number(value: Scalar) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _plain(value: Scalar) -> float | int | str:
    """Return a value as the schema has it: numbers and words."""
    if value is None:
        return UNDEFINED
    return str(value).lower() if isinstance(value, bool) else value
