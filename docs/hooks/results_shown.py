"""The committed results that the pages show, and where they lie.

A result is the document ``figures/<paper>/<stem>.json`` that ``repro fig`` writes, with its
picture beside it; those below ``figures/fixtures/`` are of the jets that the authors stored.
"""

import functools
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from repro.catalogue import Claim, Item, find_item, load_claims
from repro.results.judge import VERDICTS

__all__ = [
    "PAPERS_SHOWN",
    "RESULTS",
    "STORED",
    "all_claims",
    "command",
    "count_verdicts",
    "find_claim",
    "judged",
    "made_by",
    "path_of",
    "read_result",
    "title_of",
]

RESULTS = Path(__file__).resolve().parents[2] / "figures"
STORED = "fixtures"
PAPERS_SHOWN = {
    "toptag": "Top taggers (arXiv:2210.04371)",
    "hbb": "H→bb̄ Interaction Network (arXiv:2211.12770, arXiv:2212.05081)",
}
_KINDS = {"fig": "Figure", "table": "Table"}


def path_of(item: Item) -> str:
    """Return the item's path below ``figures/`` and ``items/``, without suffix."""
    return f"{item.paper}/{item.stem}"


def title_of(item: Item) -> str:
    """Return the item's short title, such as ``Figure 5``."""
    return f"{_KINDS[item.kind]} {item.label}"


@functools.cache
def _read(path: Path) -> dict[str, Any] | None:
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def read_result(item: Item, folder: str = "") -> dict[str, Any] | None:
    """Return the committed result of an item, if there is one.

    Args:
        item: The item.
        folder: :data:`STORED` for that on the authors' stored jets.
    """
    return _read(RESULTS / folder / f"{path_of(item)}.json")


@functools.cache
def judged(paper: str, folder: str = "") -> dict[str, dict[str, Any]]:
    """Return the judged claims of a paper's results by their ids."""
    items = {claim.item for claim in load_claims(paper) if claim.item}
    results = [read_result(find_item(item), folder) for item in sorted(items)]
    return {claim["id"]: claim for result in results if result for claim in result["claims"]}


@functools.cache
def all_claims(paper: str) -> dict[str, Claim]:
    """Return a paper's claims by their ids, also of what no committed result computes."""
    return {claim.id: claim for claim in load_claims(paper)}


def find_claim(name: str) -> Claim:
    """Return a claim.

    Raises:
        LookupError: If the catalogue has none of that name.
    """
    paper = name.partition("/")[0]
    if paper not in PAPERS_SHOWN or name not in all_claims(paper):
        raise LookupError(f"the catalogue has no claim {name}")
    return all_claims(paper)[name]


def count_verdicts(claims: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many claims have each verdict, verdicts without any left out."""
    said = [claim["verdict"] for claim in claims]
    return {verdict: said.count(verdict) for verdict in VERDICTS if verdict in said}


def command(item: Item) -> str:
    """Return the command that computes an item."""
    paper = "" if item.paper == "toptag" else f" --paper {item.paper}"
    return f"python3 run.py {item.kind} {item.label}{paper}"


def made_by(item: Item, data: Mapping[str, Any]) -> str:
    """Return the command that gave a result, with its jets."""
    if data["source"] == "none":
        return command(item)
    first = re.search(r"first ([\d,]+)", data["selection"])
    some = f" --jets {first[1].replace(',', '')}" if first and data["source"] == "embedded" else ""
    return f"{command(item)} --data {data['source']}{some}"
