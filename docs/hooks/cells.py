"""Cells of tables of what was measured: rates with their spread, memory, differences."""

from collections.abc import Iterable, Sequence

from repro.benchmarks.rates import number_of, rate_of

__all__ = ["bytes_of", "difference_of", "number_of", "rate_of", "table_of"]


def table_of(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table in Markdown."""
    lines = [f"| {' | '.join(head)} |", f"|{' --- |' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])


def bytes_of(value: int | None) -> str:
    """Return memory in megabytes."""
    return "not known" if value is None else f"{value / 1e6:,.0f} MB"


def difference_of(value: float | None) -> str:
    """Return the order of a difference."""
    return "not a number" if value is None else f"{value:.0e}"
