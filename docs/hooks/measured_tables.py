"""What was measured by scripts, for the pages on performance and benchmarks.

``<!-- growth -->`` stands for what ``docs/measured/growth.json`` has, which
``scripts/measure_growth.py`` wrote: items on more and more jets.  ``<!-- authors -->`` stands for
``docs/measured/authors.json``, by ``scripts/time_authors.py``: the authors' own networks.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cells import bytes_of, difference_of, rate_of, table_of
from marks import fill

__all__ = ["MARKS", "on_page_markdown"]

FOLDER = Path(__file__).resolve().parents[1] / "measured"

_NOTHING = "Nothing has been measured yet."


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables."""
    return fill(markdown, MARKS)


def growth() -> str:
    """Return peak memory and time of each item, by the number of jets, and the machine."""
    found = _read("growth")
    if found is None:
        return _NOTHING
    measured = {(entry["item"], entry["jets"]): entry for entry in found["measured"]}
    counts = sorted({jets for _, jets in measured})
    rows = []
    for item in dict.fromkeys(item for item, _ in measured):
        entries = [measured.get((item, jets)) for jets in counts]
        weights = next(entry["weights"] for entry in entries if entry)
        cells = [_cell(entry) if entry else "not measured" for entry in entries]
        rows.append([f"`{item}`", weights, *cells])
    head = ("item", "weights", *(f"{jets:,} jets" for jets in counts))
    said = f"{_machine(found['machine'], _commits(found['measured']))}{_grown(measured, counts)}"
    return f"{table_of(head, rows)}\n\n{said}"


def _grown(measured: Mapping[tuple[str, int], Mapping[str, Any]], counts: Sequence[int]) -> str:
    """Return in words by how much memory grows at most between the two largest numbers of jets."""
    if len(counts) < 2:
        return ""
    fewer, more = counts[-2:]
    peaks = [
        (entry["peak_memory_bytes"], measured[item, fewer]["peak_memory_bytes"])
        for (item, jets), entry in measured.items()
        if jets == more and measured.get((item, fewer), {}).get("commit") == entry["commit"]
    ]
    most = max((there - here for there, here in peaks), default=0)
    return f" From {fewer:,} to {more:,} jets memory grows by {bytes_of(max(most, 0))} at most."


def authors() -> str:
    """Return the rates of networks beside those of the authors' files."""
    found = _read("authors")
    if found is None:
        return _NOTHING
    head = ("model", "scored/s", "theirs", "times", "trained/s", "theirs", "times", "difference")
    rows = []
    for entry in found["networks"]:
        cells = [f"`{entry['model']}`, batches of {entry['batch']}"]
        for kind in ("scored", "trained"):
            ours, theirs = entry[f"{kind}_per_second"], entry[f"authors_{kind}_per_second"]
            ratio = ours["median"] / theirs["median"]
            cells += [rate_of(ours), rate_of(theirs), f"{ratio:.1f}"]
        rows.append([*cells, difference_of(entry["largest_difference"])])
    files = sorted({(entry["file"], entry["sha256"]) for entry in found["networks"]})
    machine = found["machine"]
    named = "; ".join(f"`{name}` (sha256 `{digest[:12]}…`)" for name, digest in files)
    measured_on = _machine(machine, _commit(machine["commit"]))
    return f"{table_of(head, rows)}\n\n{measured_on} Their files: {named}."


MARKS = {"growth": growth, "authors": authors}


def _read(name: str) -> Mapping[str, Any] | None:
    path = FOLDER / f"{name}.json"
    if not path.is_file():
        return None
    found: Mapping[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def _cell(entry: Mapping[str, Any]) -> str:
    return f"{bytes_of(entry['peak_memory_bytes'])}, {entry['processor_seconds']:,.0f} s"


def _commits(measured: Sequence[Mapping[str, Any]]) -> str:
    """Return in words which commits were measured; all items but those of the first by name."""
    items: dict[str | None, list[str]] = {}
    for entry in measured:
        items.setdefault(entry["commit"], []).append(f"`{entry['item']}`")
    first, *others = items
    named = [f"{_commit(one)} for {', '.join(dict.fromkeys(items[one]))}" for one in others]
    return ", ".join([_commit(first), *named])


def _commit(commit: str | None) -> str:
    return f"commit `{commit}`" if commit else "no commit"


def _machine(machine: Mapping[str, Any], commits: str) -> str:
    return (
        f"Measured on {machine['device']}, {machine['threads']} threads, "
        f"torch {machine['torch']}, {commits}; load when it began: "
        f"{machine['load']}."
    )
