"""The page of one table or figure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from item_numbers import expectations, numbers
from item_sources import how_it_is_made, made_from
from picture_texts import alternative
from results_shown import PAPERS_SHOWN, RESULTS, STORED, count_verdicts, made_by, path_of, title_of
from words import cell, chips

from repro.catalogue import Item

__all__ = ["item_page"]

_NOT_YET = "Not computed yet."
_FILES = {
    ".pdf": "picture as PDF",
    ".json": "all numbers as JSON",
    ".csv": "CSV",
    ".tex": "LaTeX",
}


def item_page(
    item: Item, result: Mapping[str, Any] | None, stored: Mapping[str, Any] | None
) -> str:
    """Return the page.

    Args:
        item: The item.
        result: The committed result, if there is one.
        stored: The committed result on the jets that the authors stored, if there is one.
    """
    lines = list(_front_matter(item))
    lines += [f"# {title_of(item)}: {cell(item.title)}", ""]
    lines += [f"{PAPERS_SHOWN[item.paper]}, `{item.id}`{_numbering(item)}", ""]
    if result is None:
        lines.append(_NOT_YET if item.module else f"{_NOT_YET} This version does not implement it.")
        lines += ["", "## What the paper claims", "", *expectations(item)]
    else:
        lines += _computed(item, result, "")
    if stored is not None:
        lines += ["", "## On the authors' stored jets", "", *_computed(item, stored, STORED)]
    lines += ["", "## How it is made", "", *how_it_is_made(item)]
    for title, document in (("", result), (" of the authors' stored jets", stored)):
        if document is not None:
            lines += ["", f"## What it is made from{title}", "", *made_from(document)]
    return "\n".join([*lines, ""])


def _front_matter(item: Item) -> Iterator[str]:
    """Yield the title of the window, which tells both papers apart; tables have the whole width."""
    yield from ("---", f"title: {json.dumps(f'{title_of(item)} of {item.paper}')}")
    if item.kind == "table":
        yield "hide: [toc]"
    yield from ("---", "")


def _numbering(item: Item) -> str:
    """Return what the item's number is in the publication, or whose number it is."""
    if item.publication_label is not None:
        return f", {item.publication_label} of the publication"
    return ". Its number is [this catalogue's](../index.md), not yet confirmed as the publication's"


def _computed(item: Item, result: Mapping[str, Any], folder: str) -> Iterator[str]:
    """Yield verdicts, picture, files, what they rest on, and the numbers."""
    if result["claims"]:
        yield from (f'<p class="tally">{chips(count_verdicts(result["claims"]))}</p>', "")
    place = "stored/" if folder else ""
    files = RESULTS / folder / path_of(item)
    if files.with_suffix(".png").is_file():
        text = alternative(item, result)
        picture = f"{place}{item.stem}.png"
        yield from (f"[![{cell(text)}]({picture}){{ loading=lazy }}]({picture})", "")
    if "rows" in result["values"] and files.with_suffix(".md").is_file():
        table = files.with_suffix(".md").read_text("utf-8")
        yield from (line.replace("$", "\\$") for line in table.splitlines() if line.startswith("|"))
        yield ""
    present = {end: name for end, name in _FILES.items() if files.with_suffix(end).is_file()}
    links = (f"[{name}]({place}{item.stem}{end})" for end, name in present.items())
    yield from (f"Files: {', '.join(links)}.", "")
    data, made = result["data"], result["environment"]
    yield f"Computed from {data['jets']:,} jets ({data['source']}: {cell(data['selection'])}) "
    yield f"in {result['seconds']:.3g} s with torch {made['torch']} on {made['device']}, by "
    yield f"`{made_by(item, data)}`."
    for note in result["notes"]:
        yield from ("", f"Note: {cell(note)}")
    heading = "###" if folder else "##"
    yield from (
        "",
        f"{heading} Numbers beside the paper's",
        "",
        *numbers(result, place.replace("/", "-")),
    )
