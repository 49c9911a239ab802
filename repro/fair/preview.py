"""A report as a page: needs nothing but the files beside it, and no script."""

import html
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from repro.catalogue import find_item
from repro.fair.run_record import RunRecord
from repro.results.document import Result, whose_weights
from repro.results.judge import VERDICTS, summarise
from repro.results.verdict_table import in_words

__all__ = ["make_preview"]

_STYLE = """
body { font: 16px/1.5 sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; }
img { max-width: 100%; height: auto; background: white; }
table { border-collapse: collapse; font-size: 0.85rem; }
td, th { border: 1px solid #8888; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; }
.table { overflow-x: auto; }
.deviates { font-weight: bold; }
"""
_HEADINGS = ("claim", "quantity", "expected", "got", "verdict", "reason")


def make_preview(
    results: Sequence[Result],
    claims: Sequence[Mapping[str, Any]],
    record: RunRecord,
    files: Collection[str],
) -> str:
    """Return the page.

    Args:
        results: In their order.
        claims: Judged, each with the id of its ``item``.
        record: What the report is of.
        files: Names of the items' files.
    """
    return "\n".join([*_page(results, claims, record, files), ""])


def _page(
    results: Sequence[Result],
    claims: Sequence[Mapping[str, Any]],
    record: RunRecord,
    files: Collection[str],
) -> Iterator[str]:
    yield "<!doctype html>"
    yield '<html lang="en"><head><meta charset="utf-8">'
    yield '<meta name="viewport" content="width=device-width, initial-scale=1">'
    yield "<title>Report of repro</title>"
    yield f"<style>{_STYLE}</style></head><body>"
    yield "<h1>Report</h1>"
    yield f"<p><code>{html.escape(record.command)}</code></p>"
    counts = summarise(claims)
    yield f"<p>{', '.join(f'{counts[verdict]} {verdict}' for verdict in VERDICTS)}.</p>"
    whole = ("verdicts.csv", "verdicts.md", "ro-crate-metadata.json", "report.json")
    yield f"<p>{' · '.join(_link(name, name) for name in whole)}</p>"
    yield "<ul>"
    for result in results:
        yield f"<li>{_link(f'#{result.item}', result.item)}: {html.escape(result.title)}</li>"
    yield "</ul>"
    for result in results:
        yield from _section(result, [c for c in claims if c["item"] == result.item], files)
    computed = {result.item for result in results}
    others = [claim for claim in claims if claim["item"] not in computed]
    if others:
        yield "<h2>Claims without a result</h2>"
        yield from _table(others)
    yield "</body></html>"


def _section(
    result: Result, claims: Sequence[Mapping[str, Any]], files: Collection[str]
) -> Iterator[str]:
    item = find_item(result.item)
    stem = f"{item.paper}/{item.stem}."
    title = html.escape(result.title)
    yield f'<h2 id="{item.id}">{item.id}: {title}</h2>'
    data, weights = result.data, whose_weights(result.weights) if result.weights else "none"
    about = f"{data['jets']:,} jets ({data['source']}, {data['selection']}); weights: {weights}"
    yield f"<p>{html.escape(about)}</p>"
    if f"{stem}png" in files:
        yield f'<p><img src="{stem}png" alt="{title}" loading="lazy"></p>'
    own = [name for name in files if name.startswith(stem)]
    yield f"<p>{' · '.join(_link(name, name.removeprefix(stem)) for name in own)}</p>"
    if claims:
        yield f"<details><summary>{len(claims)} numbers of claims</summary>"
        yield from _table(claims)
        yield "</details>"
    for note in result.notes:
        yield f"<p>{html.escape(note)}</p>"


def _table(claims: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield '<div class="table"><table>'
    yield f"<tr>{''.join(f'<th>{name}</th>' for name in _HEADINGS)}</tr>"
    for claim in claims:
        verdict = claim["verdict"]
        cells = (claim["id"], claim["quantity"], *in_words(claim), verdict, claim["reason"])
        row = "".join(f"<td>{html.escape(cell)}</td>" for cell in cells)
        yield f'<tr class="{verdict.replace(" ", "-")}">{row}</tr>'
    yield "</table></div>"


def _link(address: str, text: str) -> str:
    return f'<a href="{html.escape(address)}">{html.escape(text)}</a>'
