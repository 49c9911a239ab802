"""The front page's numbers: counts of verdicts, the three headline numbers, and the closure.

``<!-- verdicts -->``, ``<!-- headlines -->`` and ``<!-- closure -->`` stand for them.
"""

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from marks import fill
from results_shown import (
    STORED,
    command,
    count_verdicts,
    find_claim,
    judged,
    path_of,
    read_result,
    title_of,
)
from words import cell, chip, chips, table

from repro.catalogue import find_item, load_items

__all__ = ["MARKS", "closure", "headlines", "on_page_markdown", "verdicts"]

_PERFORMANCE = ("auc", "accuracy", "rejection_30")


@dataclass(frozen=True)
class _Headline:
    """A network's AUC: its name, the claim, the unit of that, and the folder of the result."""

    network: str
    claim: str
    unit: float = 1.0
    folder: str = ""


_HEADLINES = (
    _Headline("TopoDNN", "toptag/T8.topodnn_auc", folder=STORED),
    _Headline("PFN", "toptag/T8.pfn_auc"),
    _Headline("PFIN", "toptag/C12.auc.sum", unit=0.01),
)
_GROUPS = (
    ("toptag", "", "Top taggers, simulated jets"),
    ("toptag", STORED, "Top taggers, jets and outputs that the authors stored"),
    ("hbb", "", "H→bb̄ network, simulated jets"),
)


def verdicts() -> str:
    """Return the counts of verdicts of each group of committed results."""
    return table(("results", "items", "numbers", "verdicts"), _counted())


def _counted() -> Iterator[tuple[str, ...]]:
    for paper, folder, title in _GROUPS:
        items = load_items(paper)
        results = [result for item in items if (result := read_result(item, folder))]
        claims = [claim for result in results for claim in result["claims"]]
        shown = chips(count_verdicts(claims))
        link = f'<a href="claims.html#paper={paper}">{html.escape(title)}</a>'
        yield (
            link,
            f'<span class="count">{len(results)} of {len(items)}</span>',
            f"{len(claims):,}",
            shown,
        )


def headlines() -> str:
    """Return the headline numbers as cards, each with what it rests on."""
    return f'<div class="headlines">\n{"".join(map(_card, _HEADLINES))}</div>'


def _card(headline: _Headline) -> str:
    claim = find_claim(headline.claim)
    if claim.item is None:
        raise LookupError(f"no item computes {headline.claim}")
    item = find_item(claim.item)
    found = judged(item.paper, headline.folder)[headline.claim]
    low, high = (f"{headline.unit * end:.3f}" for end in found["interval"])
    return (
        f'<div class="headline"><p class="network">{headline.network}, ROC-AUC</p>'
        f'<p class="number">{headline.unit * found["got"]:.3f}</p>'
        f"<p>95 % interval {low} to {high}; published: {headline.unit * found['expected']:.3f} "
        f"({html.escape(found['source'])})</p>"
        f"<p>{chip(found['verdict'])} {html.escape(found['reason'])} "
        f'(<a href="items/{path_of(item)}.html">{title_of(item).lower()}</a>)</p></div>\n'
    )


def closure() -> str:
    """Return how the authors' networks perform on simulated jets, from the result of table S1."""
    item = find_item("toptag/tableS1")
    result = read_result(item)
    if result is None:
        return f"Not computed yet. `{command(item)}` does."
    rows = result["values"]["rows"]
    sources = [name for name in ("published", "matched", "documented") if f"{name}_pfn" in rows]
    models = [name.removeprefix("published_") for name in rows if name.startswith("published_")]
    lines = [
        "AUC [%] / accuracy [%] / background rejection at 30 %:",
        "",
        f"| | {' | '.join(sources)} |",
        f"| --- |{' --- |' * len(sources)}",
    ]
    for model in models:
        cells = (performance(rows[f"{source}_{model}"]) for source in sources)
        lines.append(f"| {cell(model)} | {' | '.join(cells)} |")
    return "\n".join(lines)


def performance(row: Mapping[str, Any]) -> str:
    """Return AUC, accuracy and rejection of a row of a table."""
    values = [
        row[name]["value"] if isinstance(row[name], dict) else row[name] for name in _PERFORMANCE
    ]
    return "{:.2f} / {:.2f} / {:.0f}".format(*values)


MARKS = {"verdicts": verdicts, "headlines": headlines, "closure": closure}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the numbers."""
    return fill(markdown, MARKS)
