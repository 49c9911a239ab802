"""One line per judged claim, and what goes with it."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.results.document import Result

__all__ = ["item_lines", "made_of", "summary_line", "verdict_lines"]

_FEW = 3


def verdict_lines(claims: Sequence[Mapping[str, Any]], *, each: bool = False) -> Iterator[str]:
    """Yield a line for each claim; more than a few that lack the same thing share one.

    Args:
        claims: Entries of a result.
        each: Whether these have lines of their own as well.
    """
    lacking: dict[str, list[Mapping[str, Any]]] = {}
    for claim in claims:
        if claim["verdict"] == "not tested" and claim["got"] is None and not each:
            lacking.setdefault(claim["reason"], []).append(claim)
    shared = {reason: some for reason, some in lacking.items() if len(some) > _FEW}
    for claim in claims:
        some = shared.get(claim["reason"])
        if some is None or claim not in some:
            yield _verdict_line(claim)
        elif claim is some[0]:
            yield _shared_line(some)


def _shared_line(claims: Sequence[Mapping[str, Any]]) -> str:
    """Return what claims lack, and how many numbers of which they are."""
    counts = Counter(claim["id"].partition(".")[0] for claim in claims)
    of = ", ".join(f"{group} ({count})" for group, count in counts.items())
    return f"not tested   {len(claims)} numbers of {of}: {claims[0]['reason']}"


def _verdict_line(claim: Mapping[str, Any]) -> str:
    """Return id, expected, got, interval, tolerance, verdict and reason in one line."""
    allowed = f" ± {_text(claim['tolerance'])}" if claim["tolerance"] is not None else ""
    words = {"above": "> ", "below": "< ", "between": "in "}.get(claim["comparison"], "")
    ours = " (our reading)" if claim["ours"] else ""
    expected = f"{words}{_text(claim['expected'])}{allowed}{ours}"
    return (
        f"{claim['verdict']:<11}  {claim['id']}: {claim['quantity']}: "
        f"expected {expected}, got {_got(claim['got'], claim['interval'])}: {claim['reason']}"
    )


def made_of(result: "Result") -> list[str]:
    """Return lines that say which jets and whose weights gave a result."""
    from repro.results.document import whose_weights  # noqa: PLC0415 - imports numpy

    data = result.data
    source = data["id"] if data["source"] == "path" else data["source"]
    lines = [f"data: {source}, {data['jets']:,} jets ({data['selection']})"]
    return lines + [f"weights: {whose_weights(result.weights)}"] * bool(result.weights)


def item_lines(
    item_id: str | None, result: "Result | None", entries: Sequence[dict[str, Any]], *, each: bool
) -> Iterator[str]:
    """Yield what is said of an item: what it was made of, its claims, its notes."""
    if result is not None:
        yield f"{item_id}: {'; '.join(made_of(result))}"
    yield from verdict_lines(entries, each=each)
    for note in result.notes if result is not None else ():
        yield f"note: {note}"


def summary_line(summary: Mapping[str, int]) -> str:
    """Return the counts of verdicts.

    >>> summary_line({"reproduced": 2, "deviates": 0})
    '2 reproduced, 0 deviates'
    """
    return ", ".join(f"{count} {verdict}" for verdict, count in summary.items())


def _got(value: Any, interval: list[float | None] | None) -> str:
    low, high = interval or (None, None)
    if value is None and low is not None:
        return f"more than {_text(low)}"
    if value is None and high is not None:
        return f"less than {_text(high)}"
    ends = f" [{_end(low)}, {_end(high)}]" if interval else ""
    return f"{_text(value)}{ends}"


def _end(value: float | None) -> str:
    return "no end" if value is None else _text(value)


def _text(value: Any) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)
