"""Verdicts of many claims as one table, for programs and for readers."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any

from repro.results.judge import summarise

__all__ = ["as_csv", "as_markdown", "in_words"]

_COLUMNS = (
    *("id", "item", "quantity", "comparison", "expected", "got", "low", "high", "tolerance"),
    *("verdict", "reason", "ours", "source", "statement"),
)
_SIGNS = {"above": "> ", "below": "< ", "between": "in "}


def as_csv(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return claims with their verdicts as CSV, numbers in full.

    Args:
        entries: Claims of results, each with the id of its ``item``, or None.
    """
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    for entry in entries:
        low, high = entry["interval"] or (None, None)
        row = {**entry, "low": low, "high": high}
        writer.writerow({key: _cell(row[key]) for key in _COLUMNS})
    return buffer.getvalue()


def as_markdown(entries: Sequence[Mapping[str, Any]]) -> str:
    """Return the counts of verdicts, and claims with their verdicts, as Markdown."""
    counts = ", ".join(f"{count} {verdict}" for verdict, count in summarise(entries).items())
    lines = ["# Verdicts", "", f"{counts}.", ""]
    lines += ["| claim | quantity | expected | got | verdict | reason |", "| --- " * 6 + "|"]
    lines += [f"| {' | '.join(map(_escaped, _row(entry)))} |" for entry in entries]
    return "\n".join([*lines, ""])


def _row(entry: Mapping[str, Any]) -> tuple[str, ...]:
    expected, got = in_words(entry)
    return entry["id"], entry["quantity"], expected, got, entry["verdict"], entry["reason"]


def in_words(entry: Mapping[str, Any]) -> tuple[str, str]:
    """Return what a claim expects, with the tolerance, and what was got, with its interval.

    >>> in_words({"comparison": "within", "expected": 97.1, "tolerance": 0.5, "got": 97.3,
    ...           "interval": [97.0, 97.6], "ours": False})
    ('97.1 ± 0.5', '97.3 [97, 97.6]')
    """
    allowed = "" if entry["tolerance"] is None else f" ± {_short(entry['tolerance'])}"
    ours = " (our reading)" if entry["ours"] else ""
    expected = f"{_SIGNS.get(entry['comparison'], '')}{_short(entry['expected'])}{allowed}{ours}"
    low, high = entry["interval"] or (None, None)
    if entry["got"] is None and (low is not None or high is not None):
        return expected, f"> {_short(low)}" if low is not None else f"< {_short(high)}"
    ends = f" [{_short(low, '−∞')}, {_short(high, '∞')}]" if entry["interval"] else ""
    return expected, f"{_short(entry['got'])}{ends}"


def _short(value: Any, missing: str = "–") -> str:
    if value is None:
        return missing
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(_short, value)) if isinstance(value, list | tuple) else str(value)


def _cell(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return " ".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def _escaped(text: str) -> str:
    return text.replace("|", r"\|")
