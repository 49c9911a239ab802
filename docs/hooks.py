"""Pages of the tables and figures, made from the catalogue and the committed results.

A result is the document ``figures/<paper>/<stem>.json`` that ``repro fig`` writes, with its
picture beside it.  An item without one has a page that says so.  In hand-written pages,
``<!-- headline -->``, ``<!-- summary -->`` and ``<!-- closure -->`` stand for numbers from the
results.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from repro.catalogue import PAPERS, Item, load_claims, load_items
from repro.data.pins import find_artifacts
from repro.errors import UnknownName
from repro.results.judge import summarise

RESULTS = Path(__file__).resolve().parent.parent / "figures"
NOT_YET = "Not computed yet."

_PAPER_TITLES = {
    "toptag": "Top taggers (arXiv:2210.04371)",
    "hbb": "H→bb̄ Interaction Network (arXiv:2211.12770, arXiv:2212.05081)",
}
_HEADLINE = ("auc", "accuracy", "rejection_30")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of all items, and the pictures of those that were computed."""
    pages = {"items/index.md": index_page(load_items())}
    pages |= {
        f"items/{path_of(item)}.md": item_page(item, read_result(item)) for item in load_items()
    }
    for source, content in pages.items():
        files.append(File.generated(config, source, content=content))
    for item in load_items():
        picture = RESULTS / f"{path_of(item)}.png"
        if picture.is_file():
            source = f"items/{path_of(item)}.png"
            files.append(File.generated(config, source, abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Fill in the numbers of hand-written pages."""
    del page, config, files
    for name, make in (("headline", headline), ("summary", summary), ("closure", closure)):
        mark = f"<!-- {name} -->"
        if mark in markdown:
            markdown = markdown.replace(mark, make())
    return markdown


def path_of(item: Item) -> str:
    """Return the item's path below ``figures/`` and ``items/``, without suffix."""
    return f"{item.paper}/{item.stem}"


def read_result(item: Item, folder: str = "") -> dict[str, Any] | None:
    """Return the committed result of an item, if there is one.

    Args:
        item: The item.
        folder: ``fixtures`` for that on the authors' stored jets.
    """
    path = RESULTS / folder / f"{path_of(item)}.json"
    return json.loads(path.read_text("utf-8")) if path.is_file() else None


def headline() -> str:
    """Return the baseline's performance, from the result of table 1."""
    (item,) = (item for item in load_items("toptag") if item.id == "toptag/table1")
    result = read_result(item, "fixtures")
    if result is None:
        return f"{NOT_YET} `{command(item)}` does."
    row, columns = result["values"]["rows"]["baseline"], result["values"]["columns"]
    jets = f"{row['jets']:,} test jets"
    lines = [
        f"TopoDNN, the top taggers' baseline, on {jets} ([table 1](items/{path_of(item)}.md)):",
        "",
        "| | value | 95 % interval |",
        "| --- | --- | --- |",
    ]
    for name in _HEADLINE:
        digits, number = columns[name]["digits"], row[name]
        low, high = (f"{end:.{digits}f}" for end in number["interval"])
        lines.append(
            f"| {columns[name]['title']} | {number['value']:.{digits}f} | {low} to {high} |"
        )
    return "\n".join(lines)


def closure() -> str:
    """Return how the authors' networks perform on simulated jets, from the result of table S1."""
    (item,) = (item for item in load_items("toptag") if item.id == "toptag/tableS1")
    result = read_result(item)
    if result is None:
        return f"{NOT_YET} `{command(item)}` does."
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
        row[name]["value"] if isinstance(row[name], dict) else row[name] for name in _HEADLINE
    ]
    return "{:.2f} / {:.2f} / {:.0f}".format(*values)


def summary() -> str:
    """Return the counts of verdicts over all committed results."""
    results = {item.id: result for item in load_items() if (result := read_result(item))}
    if not results:
        return NOT_YET
    claims = [claim for result in results.values() for claim in result["claims"]]
    counts = summarise(claims)
    said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    return f"{len(results)} of {len(load_items())} items, {len(claims)} claimed numbers: {said}."


def index_page(items: Sequence[Item]) -> str:
    """Return the list of all items."""
    lines = [
        "# Tables and figures",
        "",
        "Numbers are the catalogue's own; the publications' are not ",
    ]
    lines[-1] += "confirmed yet. Costs are for two cores and the paper's whole data."
    for paper in PAPERS:
        lines += ["", f"## {_PAPER_TITLES[paper]}", "", "| item | shows | cost | verdicts |"]
        lines.append("| --- | --- | --- | --- |")
        for item in items:
            if item.paper == paper:
                state = item.cost if item.module else "not implemented yet"
                link = f"[{item.id}]({path_of(item)}.md)"
                lines.append(f"| {link} | {cell(item.title)} | {cell(state)} | {tally(item)} |")
    return "\n".join([*lines, ""])


def tally(item: Item) -> str:
    """Return the counts of an item's verdicts that are not zero."""
    result = read_result(item)
    if result is None:
        return "not computed yet" if item.module else ""
    counts = summarise(result["claims"])
    return ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)


def item_page(item: Item, result: Mapping[str, Any] | None) -> str:
    """Return the page of an item."""
    lines = [f"# {item.id}: {item.title}", ""]
    if result is None:
        lines.append(NOT_YET if item.module else f"{NOT_YET} This version does not implement it.")
    else:
        lines += computed(item, result)
    lines += ["", "## How it is made", "", *facts(item)]
    if result is None:
        lines += ["", "## What the paper claims", "", *expectations(item)]
    return "\n".join([*lines, ""])


def computed(item: Item, result: Mapping[str, Any]) -> Iterator[str]:
    """Yield the picture, what it was computed from, and the judged claims."""
    if (RESULTS / f"{path_of(item)}.png").is_file():
        yield from (f"![{cell(item.title)}]({item.stem}.png)", "")
    if "rows" in result["values"] and (RESULTS / f"{path_of(item)}.md").is_file():
        table = (RESULTS / f"{path_of(item)}.md").read_text("utf-8")
        yield from (line for line in table.splitlines() if line.startswith("|"))
        yield ""
    data, made = result["data"], result["environment"]
    yield f"Computed from {data['jets']:,} jets ({data['source']}: {data['selection']}) "
    yield f"in {result['seconds']:.3g} s with torch {made['torch']} on {made['device']}, by "
    yield f"`{made_by(item, data)}`."
    for note in result["notes"]:
        yield from ("", f"Note: {note}")
    yield from ("", "## Claims", "")
    if not result["claims"]:
        yield "The paper states no number that this item tests."
        return
    said = {claim["id"].partition("/")[2].partition(".")[0]: claim for claim in result["claims"]}
    for name, claim in said.items():
        yield f"- {name}: {cell(claim['statement'])} ({cell(claim['source'])})"
    yield ""
    yield "| claim | quantity | expected | got | verdict | reason |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for claim in result["claims"]:
        cells = (
            claim["id"].partition("/")[2],
            claim["quantity"],
            expected(claim["comparison"], claim["expected"], claim["tolerance"], claim["ours"]),
            got(claim),
            claim["verdict"],
            claim["reason"],
        )
        yield f"| {' | '.join(map(cell, cells))} |"


def facts(item: Item) -> Iterator[str]:
    """Yield command, module, and the pinned files."""
    yield from ("| | |", "| --- | --- |")
    if item.module:
        yield f"| command | `{command(item)}` |"
        yield f"| module | `{item.module}` |"
    yield f"| method | {item.method} |"
    yield f"| models | {', '.join(item.models)} |"
    for label, ids in (("data", item.data), ("the authors' arrays", item.fixtures)):
        for artifact_id in ids:
            yield f"| {label} | {pin(artifact_id)} |"
    if item.saved_as:
        yield f"| the authors save it as | {', '.join(f'`{name}`' for name in item.saved_as)} |"


def pin(name: str) -> str:
    """Return a pinned file, or a group of them, with its DOI or SWHID."""
    try:
        first, *others = find_artifacts(name)
    except UnknownName:
        return f"`{name}`, not pinned yet"
    if first.doi:
        return f"`{name}`, [doi:{first.doi}](https://doi.org/{first.doi})"
    return f"`{name}`" if others else f"`{name}`, `{first.identifier}`"


def expectations(item: Item) -> Iterator[str]:
    """Yield the claims of an item that was not computed."""
    claims = [claim for claim in load_claims(item.paper) if claim.item == item.id]
    if not claims:
        yield "No number."
        return
    yield from ("| claim | quantity | expected |", "| --- | --- | --- |")
    for claim in claims:
        allowed = claim.reproduction or claim.replication
        number = isinstance(claim.expected, int | float)
        within = claim.comparison == "within" and allowed is not None and number
        distance = allowed.distance(claim.expected) if within else None
        cells = (
            claim.id.partition("/")[2],
            claim.quantity,
            expected(claim.comparison, claim.expected, distance, claim.ours),
        )
        yield f"| {' | '.join(map(cell, cells))} |"


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


def expected(comparison: str, value: object, tolerance: float | None, ours: bool) -> str:
    """Return what is expected in a few words.

    >>> expected("within", 97.12, 0.002, ours=False), expected("above", 0.5, None, ours=True)
    ('97.12 ± 0.002', 'above 0.5 (our reading)')
    """
    word = {"above": "above ", "below": "below ", "between": "between "}.get(comparison, "")
    joint = " and " if comparison == "between" else ", "
    allowed = f" ± {tolerance:.4g}" if tolerance is not None else ""
    return f"{word}{text(value, joint)}{allowed}{' (our reading)' if ours else ''}"


def got(claim: Mapping[str, Any]) -> str:
    """Return a measured number with its interval."""
    low, high = claim["interval"] or (None, None)
    if claim["got"] is None:
        return "–" if low is None else f"more than {text(low)}"
    ends = [text(end) if end is not None else "no end" for end in (low, high)]
    return text(claim["got"]) + (f" [{', '.join(ends)}]" if claim["interval"] else "")


def text(value: object, joint: str = ", ") -> str:
    """Return a value of a claim as text."""
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list | tuple):
        return joint.join(map(text, value))
    return str(value)


def cell(content: str) -> str:
    """Return text that Markdown leaves alone in a cell of a table."""
    for mark in ("\\", "|", "*", "_", "<", "[", "]"):
        content = content.replace(mark, f"\\{mark}")
    return content
