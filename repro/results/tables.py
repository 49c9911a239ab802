"""Rows of a result as Markdown and LaTeX."""

from collections.abc import Iterable, Mapping
from typing import Any

from repro.results.document import Result

__all__ = ["to_latex", "to_markdown"]

_ESCAPES = str.maketrans(
    {"_": r"\_", "%": r"\%", "&": r"\&", "#": r"\#", "–": "--", "Φ": r"$\Phi$"}
)


def to_markdown(result: Result) -> str:
    """Return the table ``values["rows"]`` with the headings ``values["columns"]``.

    A column has a ``title``, and decimal ``digits`` or ``significant`` ones if its numbers are
    rounded.  Numbers with an interval are followed by it.
    """
    header, *rows = _cells(result)
    lines = [f"# {result.title}", "", _piped(header), _piped("---" for _ in header)]
    notes = [line for note in result.notes for line in ("", note)]
    return "\n".join([*lines, *map(_piped, rows), *notes, ""])


def to_latex(result: Result) -> str:
    """Return the same table as a LaTeX ``tabular``."""
    header, *rows = ([cell.translate(_ESCAPES) for cell in row] for row in _cells(result))
    body = [" & ".join(row) + r" \\" for row in rows]
    return "\n".join(
        [
            rf"\begin{{tabular}}{{l{'r' * (len(header) - 1)}}}",
            r"\hline",
            " & ".join(header) + r" \\",
            r"\hline",
            *body,
            r"\hline",
            r"\end{tabular}",
            *(f"% {note.translate(_ESCAPES)}" for note in result.notes),
            "",
        ]
    )


def _cells(result: Result) -> list[list[str]]:
    columns: Mapping[str, Mapping[str, Any]] = result.values["columns"]
    rows: Mapping[str, Mapping[str, Any]] = result.values["rows"]
    header = ["", *(column["title"] for column in columns.values())]
    return [header] + [
        [name, *(_cell(row.get(key), _format(column)) for key, column in columns.items())]
        for name, row in rows.items()
    ]


def _format(column: Mapping[str, Any]) -> str | None:
    if "digits" in column:
        return f".{column['digits']}f"
    return f".{column['significant']}g" if "significant" in column else None


def _cell(value: Any, spec: str | None) -> str:
    if isinstance(value, Mapping):
        ends = value.get("interval")
        shown = _number(value.get("value"), spec)
        return f"{shown} [{_number(ends[0], spec)}, {_number(ends[1], spec)}]" if ends else shown
    if isinstance(value, list):
        return "-".join(map(str, value))
    return _number(value, spec)


def _number(value: Any, spec: str | None) -> str:
    if value is None:
        return "–"
    if isinstance(value, float) and spec is not None:
        return format(value, spec)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _piped(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
