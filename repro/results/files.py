"""Write results: JSON, CSV, pictures, tables; whole or not at all."""

import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.catalogue import Item, find_item
from repro.data.atomic import check_writable, write_atomically
from repro.results.document import Result
from repro.results.tables import to_latex, to_markdown

__all__ = ["check_place", "write_files", "write_result"]

_HEADER = ["name", "value", "low", "high", "places"]


def write_result(result: Result, pictures: Mapping[str, bytes] | None, out: Path) -> list[Path]:
    """Write an item's files to ``out/<paper>/``.

    Figures get JSON, CSV and their pictures; tables JSON, CSV, Markdown and LaTeX, and pictures
    if they have one.

    Args:
        result: The numbers.
        pictures: By suffix, as they are to be written; None if there are none.
        out: The folder.

    Returns:
        The files written.

    Raises:
        BadInput: If a file cannot be written; nothing is left half-written.
    """
    item = find_item(result.item)
    contents = {"json": result.to_json().encode(), "csv": _csv(result).encode()}
    if item.kind == "table":
        contents["md"] = to_markdown(result).encode()
        contents["tex"] = to_latex(result).encode()
    return write_files(item, contents | dict(pictures or {}), out)


def check_place(item: Item, out: Path) -> None:
    """Refuse a folder that an item's files could not be written to, before they are computed.

    Raises:
        BadInput: As :func:`write_files`.
    """
    check_writable(_path(item, out, "json"))


def write_files(item: Item, contents: Mapping[str, bytes], out: Path) -> list[Path]:
    """Write files of an item to ``out/<paper>/``, by their suffixes.

    Returns:
        The files written.

    Raises:
        BadInput: If a file cannot be written; nothing is left half-written.
    """
    paths = []
    for suffix, content in contents.items():
        path = _path(item, out, suffix)
        write_atomically(path, content)
        paths.append(path)
    return paths


def _path(item: Item, out: Path, suffix: str) -> Path:
    return out / item.paper / f"{item.stem}.{suffix}"


def _csv(result: Result) -> str:
    """Return names, values and ends of intervals; of rankings also the places."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    rows = [_HEADER, *_flat("", result.values)]
    if not any(row[-1] for row in rows[1:]):
        rows = [row[:-1] for row in rows]
    writer.writerows(rows)
    return buffer.getvalue()


def _flat(prefix: str, value: Any) -> Iterator[list[Any]]:
    if isinstance(value, Mapping) and "value" in value and {"interval", "places"} & set(value):
        ends = value.get("interval") or ["", ""]
        yield [prefix, _cell(value["value"]), *ends, _places(value.get("places"))]
    elif isinstance(value, Mapping):
        for key, entry in value.items():
            yield from _flat(f"{prefix}.{key}" if prefix else key, entry)
    elif isinstance(value, list) and any(isinstance(entry, list | dict) for entry in value):
        for position, entry in enumerate(value):
            yield from _flat(f"{prefix}.{position}", entry)
    else:
        yield [prefix, _cell(value), "", "", ""]


def _places(ends: Sequence[int] | None) -> str:
    """Return the places that a number may have, such as ``2-3``."""
    return "-".join(map(str, dict.fromkeys(ends or ())))


def _cell(value: Any) -> Any:
    return " ".join(map(str, value)) if isinstance(value, list) else value
