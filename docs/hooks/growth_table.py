"""What items take on more and more jets, for the page on performance.

``<!-- growth -->`` stands for what ``docs/measured/growth.json`` has, which
``scripts/measure_growth.py`` wrote.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from marks import fill

__all__ = ["MARKS", "on_page_markdown"]

FILE = Path(__file__).resolve().parents[1] / "measured" / "growth.json"


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the table."""
    return fill(markdown, MARKS)


def growth() -> str:
    """Return peak memory and seconds of each item, by the number of jets, and the machine."""
    if not FILE.is_file():
        return "Nothing has been measured yet."
    found = json.loads(FILE.read_text("utf-8"))
    measured = {(entry["item"], entry["jets"]): entry for entry in found["measured"]}
    counts = sorted({jets for _, jets in measured})
    lines = [
        "".join(["| item | weights |", *(f" {jets:,} jets |" for jets in counts)]),
        "".join(["| --- | --- |", *(" --- |" for _ in counts)]),
    ]
    for item in dict.fromkeys(item for item, _ in measured):
        entries = [measured.get((item, jets)) for jets in counts]
        weights = next(entry["weights"] for entry in entries if entry)
        cells = "".join(f" {_cell(entry) if entry else 'not measured'} |" for entry in entries)
        lines.append(f"| `{item}` | {weights} |{cells}")
    return "\n".join([*lines, "", _machine(found["machine"])])


MARKS = {"growth": growth}


def _cell(entry: Mapping[str, Any]) -> str:
    return f"{entry['peak_memory_bytes'] / 1e6:,.0f} MB, {entry['seconds']:,.0f} s"


def _machine(machine: Mapping[str, Any]) -> str:
    return (
        f"Measured on {machine['device']}, {machine['threads']} threads, "
        f"torch {machine['torch']}, commit `{machine['commit']}`; load when it began: "
        f"{machine['load']}."
    )
