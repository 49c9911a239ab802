"""Cells of tables of what was measured: rates with their spread, memory, differences."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

__all__ = ["bytes_of", "difference_of", "number_of", "rate_of", "table_of"]


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def rate_of(rates: Mapping[str, Any]) -> str:
    """Return a median with its quartiles."""
    return f"{number_of(rates['median'])} [{number_of(rates['low'])}, {number_of(rates['high'])}]"


def number_of(value: float) -> str:
    """Return three digits of a number, or all before its point."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def bytes_of(value: int | None) -> str:
    """Return memory in megabytes."""
    return "not known" if value is None else f"{value / 1e6:,.0f} MB"


def difference_of(value: float | None) -> str:
    """Return the order of a difference."""
    return "not a number" if value is None else f"{value:.0e}"
