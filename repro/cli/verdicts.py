"""One line per judged claim, and what goes with it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from repro.results.document import Result

__all__ = ["made_of", "summary_line", "verdict_line"]


def verdict_line(claim: Mapping[str, Any]) -> str:
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
