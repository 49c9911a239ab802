"""Single numbers of committed results, wherever a text needs one.

``<!-- value ITEM PATH FORMAT -->`` stands for the number at a dotted path of a committed result,
such as ``<!-- value toptag/fig5 values.relevance.pt_0 .3f -->``; ``<!-- interval … -->`` for its
95 % interval. ``ITEM`` begins with ``fixtures/`` for results on the authors' stored jets.
``<!-- expected CLAIM FORMAT -->`` stands for the paper's number, ``<!-- got CLAIM FORMAT -->`` for
ours, ``<!-- beside CLAIM FORMAT -->`` for both, ``<!-- verdict CLAIM -->`` for the verdict.  The
format is Python's, and may be left out.
"""

from typing import Any

from marks import BadMark, fill
from results_shown import STORED, find_claim, judged, read_result
from words import chip

from repro.catalogue import Claim, find_item
from repro.errors import UnknownName
from repro.results.document import look_up

__all__ = ["MARKS", "expected_value", "got_value", "interval", "on_page_markdown", "value"]


def value(item: str, path: str, form: str = "") -> str:
    """Return the number at a path of a result as text.

    Raises:
        BadMark: If there is no such result or number.
    """
    found = _look_up(item, path)
    found = found.get("value") if isinstance(found, dict) else found
    if found is None:
        raise BadMark(f"{item} has no {path}")
    return _formatted(found, form)


def interval(item: str, path: str, form: str = "") -> str:
    """Return the interval of the number at a path of a result.

    Raises:
        BadMark: If there is no such result or number, or no interval.
    """
    found = _look_up(item, path)
    ends = found.get("interval") if isinstance(found, dict) else None
    if not ends or None in ends:
        raise BadMark(f"{item} has no interval of {path}")
    return " to ".join(_formatted(end, form) for end in ends)


def expected_value(name: str, form: str = "") -> str:
    """Return what a claim expects."""
    return _formatted(_claim(name).expected, form)


def got_value(name: str, form: str = "") -> str:
    """Return what the committed result has for a claim."""
    found = _judged(name)["got"]
    if found is None:
        raise BadMark(f"{name} was not measured")
    return _formatted(found, form)


def beside(name: str, form: str = "") -> str:
    """Return our number of a claim with the paper's in brackets."""
    measured = _judged(name)["got"]
    ours = "not measured" if measured is None else _formatted(measured, form)
    return f"{ours} (paper: {expected_value(_split(name)[1], form)})"


def verdict(name: str) -> str:
    """Return the verdict on a claim as a chip."""
    return chip(_judged(name)["verdict"])


MARKS = {
    "value": value,
    "interval": interval,
    "expected": expected_value,
    "got": got_value,
    "beside": beside,
    "verdict": verdict,
}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the numbers."""
    return fill(markdown, MARKS)


def _split(name: str) -> tuple[str, str]:
    """Return the folder of results and the rest of a name."""
    prefix = f"{STORED}/"
    return (STORED if name.startswith(prefix) else "", name.removeprefix(prefix))


def _look_up(name: str, path: str) -> object:
    folder, item = _split(name)
    try:
        result = read_result(find_item(item), folder)
    except UnknownName as error:
        raise BadMark(str(error)) from error
    if result is None:
        raise BadMark(f"{name} has no committed result")
    return look_up(result, path)


def _claim(name: str) -> Claim:
    try:
        return find_claim(name)
    except LookupError as error:
        raise BadMark(str(error)) from error


def _judged(name: str) -> dict[str, Any]:
    folder, claim = _split(name)
    found = judged(_claim(claim).id.partition("/")[0], folder)
    if claim not in found:
        raise BadMark(f"no committed result judges {name}")
    return found[claim]


def _formatted(found: object, form: str) -> str:
    try:
        return (
            ", ".join(map(str, found)) if isinstance(found, list | tuple) else format(found, form)
        )
    except (TypeError, ValueError) as error:
        raise BadMark(f"{found!r} cannot be written as {form!r}") from error
