"""Pages of model and data cards, with their records for programs beside them."""

import json
from collections.abc import Iterator
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

from repro.data.store import shipped_path
from repro.fair import cards
from repro.fair.croissant import croissant
from repro.fair.datasets import DataSet, dataset_record, load_datasets
from repro.fair.models import FAMILIES, model_record
from repro.models.cards import Card, load_cards
from repro.models.embedded_weights import has_embedded, stem_of

_ABOUT = """\
What each network and each data set is, what it is for, and where it ends. `repro card NAME` prints
the same; beside each lies a record for programs: JSON-LD in the terms of schema.org and FAIR4ML,
and Croissant for the data sets that come with the package."""


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages, the records, and the data sets that the package ships."""
    for source, content in (*pages(), *records()):
        files.append(File.generated(config, f"cards/{source}", content=content))
    for dataset in load_datasets().values():
        if dataset.artifact is not None:
            path = shipped_path(dataset.artifact)
            files.append(File.generated(config, f"cards/{path.name}", abs_src_path=str(path)))
    return files


def pages() -> Iterator[tuple[str, str]]:
    """Yield the names and contents of all pages."""
    yield "index.md", index_page()
    for family in FAMILIES:
        yield f"{family}.md", family_page(family)
    for dataset in load_datasets().values():
        yield f"{dataset.name}.md", data_page(dataset)


def records() -> Iterator[tuple[str, str]]:
    """Yield the names and contents of all records."""
    for family in FAMILIES:
        for card in load_cards(family).values():
            yield f"{stem_of(card)}.jsonld", as_json(model_record(card))
    for dataset in load_datasets().values():
        yield f"{dataset.name}.jsonld", as_json(dataset_record(dataset))
        if dataset.artifact is not None:
            yield f"{dataset.name}.croissant.json", as_json(croissant(dataset))


def index_page() -> str:
    """Return the list of cards."""
    lines = [
        "# Model and data cards",
        "",
        _ABOUT,
        "",
        "| models | variants | the authors' weights | weights of this package |",
        "| --- | --- | --- | --- |",
    ]
    for family in FAMILIES:
        variants = load_cards(family).values()
        published = sum(bool(card.authors) for card in variants)
        own = sum(map(has_embedded, variants))
        lines.append(f"| [`{family}`]({family}.md) | {len(variants)} | {published} | {own} |")
    lines += ["", "| data | |", "| --- | --- |"]
    lines += [f"| [`{d.name}`]({d.name}.md) | {d.title} |" for d in load_datasets().values()]
    return "\n".join([*lines, ""])


def family_page(family: str) -> str:
    """Return the cards of all variants of a family on one page."""
    lines = [f"# Model cards: `{family}`", "", *cards.family_lines(family), ""]
    lines += ["## Inputs", "", *cards.input_lines(family), ""]
    for card in load_cards(family).values():
        lines += variant_part(card)
    return "\n".join(lines)


def variant_part(card: Card) -> list[str]:
    """Return what is said of one variant."""
    return [
        f"## `{card.name}`",
        "",
        *cards.variant_lines(card),
        f"[Record]({stem_of(card)}.jsonld)",
        "",
        *cards.seen_lines(card),
        "### The authors' weights",
        "",
        *cards.authors_lines(card),
        "",
        "### Weights of this package",
        "",
        *cards.own_lines(card),
        "",
    ]


def data_page(dataset: DataSet) -> str:
    """Return the card of a data set, with its record in the page for search engines."""
    links = f"Records: [JSON-LD]({dataset.name}.jsonld)"
    if dataset.artifact is not None:
        links += f", [Croissant]({dataset.name}.croissant.json). "
        links += f"Data: [HDF5]({shipped_path(dataset.artifact).name})"
    record = json.dumps(dataset_record(dataset), ensure_ascii=False).replace("</", "<\\/")
    script = f'<script type="application/ld+json">{record}</script>'
    return "\n".join([cards.data_card(dataset), links, "", script, ""])


def as_json(document: dict[str, Any]) -> str:
    """Return a document as text."""
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"
