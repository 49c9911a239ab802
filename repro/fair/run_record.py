"""``report.json``: what a report is of, and when each of its items was computed."""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from repro.data.atomic import write_atomically
from repro.data.regular import read_json
from repro.errors import BadInput

__all__ = ["NAME", "ItemRun", "RunRecord", "now"]

NAME = "report.json"
SCHEMA = 1


@dataclass(frozen=True)
class ItemRun:
    """How a report came by one item.

    Attributes:
        sha256: Of its result document; empty if it could not be computed.
        started: When its computation began, in UTC; empty if it was not computed for the report.
        ended: When it ended.
        error: Why it could not be computed; empty if it could.
    """

    sha256: str = ""
    started: str = ""
    ended: str = ""
    error: str = ""


@dataclass(frozen=True)
class RunRecord:
    """What a report is of.

    Attributes:
        plan: Items, settings, software: a report goes on only with the same.
        command: What was typed, without the folder.
        started: When the report was begun, in UTC.
        ended: When it was last made whole; empty if it never was.
        items: How each came, by id.
    """

    plan: Mapping[str, Any]
    command: str
    started: str
    ended: str = ""
    items: Mapping[str, ItemRun] = field(default_factory=dict)

    def with_item(self, item_id: str, run: ItemRun) -> "RunRecord":
        """Return the record with one item more."""
        return dataclasses.replace(self, items={**self.items, item_id: run})

    def write(self, folder: Path) -> None:
        """Write it into the folder of its report.

        Raises:
            BadInput: If that cannot be written.
        """
        document = {"schema": SCHEMA, **dataclasses.asdict(self)}
        text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
        write_atomically(folder / NAME, f"{text}\n".encode())

    @classmethod
    def read(cls, folder: Path) -> "RunRecord":
        """Read it back.

        Raises:
            BadInput: If there is none, or it is none of this version.
        """
        path = folder / NAME
        try:
            document = read_json(path)
            schema = document.pop("schema")
            items = {name: ItemRun(**entry) for name, entry in document.pop("items").items()}
            record = cls(**document, items=items)
            _check_texts(record)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise BadInput(f"{path} is no record of a report: choose another folder") from error
        if schema != SCHEMA:
            raise BadInput(f"{path} is of another version of repro: choose another folder")
        return record


def _check_texts(record: RunRecord) -> None:
    """Raise TypeError if something is of another type than it should be."""
    if not isinstance(record.plan, dict):
        raise TypeError("the plan is no object")
    texts: list[Any] = [record.command, record.started, record.ended]
    texts += [text for run in record.items.values() for text in dataclasses.astuple(run)]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError("a text is none")


def now() -> str:
    """Return the time, in UTC and to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")
