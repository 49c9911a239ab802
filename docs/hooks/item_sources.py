"""What an item is made by and from: command, code, data, weights and environment."""

import html
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from results_shown import RESULTS, command
from words import folded, table

from repro.catalogue import Item
from repro.data.pins import find_artifacts
from repro.errors import UnknownName

__all__ = ["how_it_is_made", "made_from"]

_SHOWN_OPEN = 12
# Not pinned one by one: the record's index files, which are pinned, list them.
_INDICES = {"hbb/record": "hbb/index"}
_ARCHIVE = "https://archive.softwareheritage.org"


def how_it_is_made(item: Item) -> Iterator[str]:
    """Yield the command, the method, the quirks, the pinned files and the code."""
    if item.module:
        yield from ("```console", command(item), "```", "")
    yield from ("| | |", "| --- | --- |", f"| method | {item.method.replace('_', ' ')} |")
    if item.models:
        cards = (f"[`{name}`](../../cards/{name}.md)" for name in item.models)
        yield f"| models, with their cards | {', '.join(cards)} |"
    if item.quirks:
        links = (f"[{quirk}](../../quirks.md#{quirk.lower()})" for quirk in item.quirks)
        yield f"| quirks of the originals that enter | {', '.join(links)} |"
    for label, names in (("the paper's data", item.data), ("the authors' arrays", item.fixtures)):
        for name in names:
            yield f"| {label} | {_pin(name)} |"
    yield f"| what to cite | `python3 run.py cite {item.id}` |"
    if item.saved_as:
        yield f"| the authors save it as | {', '.join(f'`{name}`' for name in item.saved_as)} |"
    if item.module:
        path = Path(*item.module.split(".")).with_suffix(".py")
        source = (RESULTS.parent / path).read_text("utf-8").rstrip()
        yield from ("", f'??? note "The code: `{path.as_posix()}`"', "    ````python")
        yield from (f"    {line}" for line in source.splitlines())
        yield from ("    ````", "")


def made_from(result: Mapping[str, Any]) -> Iterator[str]:
    """Yield tables of the data and weights of a result, with hashes, and of its environment."""
    files = [*_data(result["data"]), *map(_weights, result["weights"])]
    if files:
        rows = table(
            ("what", "file", "identifier", "SHA-256 or MD5"), files, ' data-search-exclude=""'
        )
        yield rows if len(files) <= _SHOWN_OPEN else folded(f"{len(files)} files", rows)
    environment = {name: value for name, value in result["environment"].items() if value}
    settings = {f"setting: {name}": str(value) for name, value in result["settings"].items()}
    rows = table(("", ""), [*environment.items(), *settings.items()], ' data-search-exclude=""')
    yield from ("", folded("Versions and settings", rows))


def _data(data: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    if data["source"] == "none":
        return
    for entry in data["files"]:
        yield ("jets", entry["id"], _link(entry["identifier"]), _code(entry["checksum"]))
    if not data["files"]:
        yield ("jets", data["id"], _link(_doi(data["doi"])), _code(data["sha256"]))


def _weights(entry: Mapping[str, Any]) -> tuple[str, ...]:
    what = f"weights of {entry['model']} ({entry['source']})"
    return (what, entry["id"], _link(entry.get("swhid")), _code(entry.get("sha256")))


def _code(checksum: str | None) -> str:
    return f"<code>{checksum.removeprefix('sha256:')}</code>" if checksum else "–"


def _link(identifier: str | None) -> str:
    """Return an identifier with its link: a SWHID, a DOI, or what says how a file was made."""
    if not identifier:
        return "comes with the package"
    name = html.escape(identifier)
    if identifier.startswith("swh:"):
        return f'<a href="{_ARCHIVE}/{name}"><code>{name}</code></a>'
    if identifier.startswith("doi:"):
        return f'<a href="https://doi.org/{name.removeprefix("doi:")}">{name}</a>'
    return name


def _doi(number: str | None) -> str | None:
    return f"doi:{number}" if number else None


def _pin(name: str) -> str:
    """Return a pinned file, or a group of them, with its DOI or SWHID."""
    try:
        first, *others = find_artifacts(_INDICES.get(name, name))
    except UnknownName:
        return f"`{name}`, not pinned yet"
    if first.doi:
        return f"`{name}`, [doi:{first.doi}](https://doi.org/{first.doi})"
    if others or not first.swhid:
        return f"`{name}`"
    return f"`{name}`, [`{first.swhid}`]({_ARCHIVE}/{first.swhid})"
