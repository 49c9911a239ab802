"""What two runs may differ in: when they ran, and how long they took.

With the same package, settings, seed and machine, all else that commands write has the same bytes.
A name of a field is a dotted path, in which ``*`` stands for each entry of a list or mapping, and
``*/END`` for each entity of a list whose ``@id`` ends so.
"""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

__all__ = ["FOLLOWING", "TIMES", "without_times"]

TIMES: Mapping[str, Sequence[str]] = {
    "result document": ("seconds",),
    "card.json": ("training.seconds", "training.history.*.seconds"),
    "history.csv": ("seconds",),
    "report.json": ("started", "ended", "items.*.started", "items.*.ended"),
    "ro-crate-metadata.json": (
        "@graph.*.datePublished",
        "@graph.*.startTime",
        "@graph.*.endTime",
        "@graph.*/seconds.value",
    ),
}
"""Fields with times, by the name of the file.

The state of a training, ``checkpoint.pt``, has the times of its card as well, and is no result."""

FOLLOWING: Mapping[str, Sequence[str]] = {
    "report.json": ("items.*.sha256", "plan.results"),
    "ro-crate-metadata.json": ("@graph.*.sha256", "@graph.*.contentSize"),
}
"""Hashes and sizes of files, some of which have times."""


def without_times(name: str, content: bytes) -> bytes:
    """Return what a file holds besides times, and hashes and sizes of files that have some.

    Args:
        name: The file's name; only its last part matters.
        content: Its bytes.

    >>> without_times("fig05.json", b'{"schema": 1, "item": "toptag/fig5", "seconds": 2.5}')
    b'{"schema": 1, "item": "toptag/fig5"}'
    >>> without_times("scores.npy", b"2.5")
    b'2.5'
    """
    file = PurePath(name)
    if file.suffix == ".csv" and file.name in TIMES:
        return _without_columns(content.decode(), TIMES[file.name]).encode()
    if file.suffix != ".json":
        return content
    document = json.loads(content)
    kind = file.name if file.name in TIMES else "result document"
    if kind == "result document" and not _is_result(document):
        return content
    for path in (*TIMES[kind], *FOLLOWING.get(kind, ())):
        _remove(document, path.split("."))
    return json.dumps(document, ensure_ascii=False).encode()


def _is_result(document: Any) -> bool:
    return isinstance(document, dict) and {"schema", "item", "seconds"} <= document.keys()


def _remove(document: Any, path: Sequence[str]) -> None:
    first, *others = path
    if first.startswith("*"):
        entries = document.values() if isinstance(document, dict) else document
        for entry in entries:
            if first == "*" or entry["@id"].endswith(first.removeprefix("*")):
                _remove(entry, others)
    elif isinstance(document, dict) and first in document:
        if others:
            _remove(document[first], others)
        else:
            del document[first]


def _without_columns(text: str, names: Sequence[str]) -> str:
    rows = list(csv.reader(io.StringIO(text)))
    kept = [place for place, name in enumerate(rows[0]) if name not in names]
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([[row[i] for i in kept] for row in rows])
    return written.getvalue()
