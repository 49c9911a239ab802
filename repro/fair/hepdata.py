"""A submission to HEPData: all numbers of the results of one paper, and what became of claims."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from repro.catalogue import Item, find_item, load_claims
from repro.catalogue.references import find_reference, references_of
from repro.fair.axes import vocabulary
from repro.fair.cells import Cell, dependent_cell, independent_cell
from repro.fair.data_tables import DataTable, Variable, make_tables
from repro.fair.leaves import Point
from repro.fair.linked import licence_url
from repro.fair.software import load_software
from repro.fair.yaml_text import to_yaml
from repro.results.document import Result, whose_weights

__all__ = ["claim_units", "make_submission"]

_CLAIMS = "claims"
_LONGEST_NAME = 64
_KNOWN_JETS = ("paper", "fixtures", "embedded")
_KINDS = {"fig": "Figure", "table": "Table"}
_UNIT = re.compile(r"\((%|percentage points|GeV|GeV/c²)\)$")


def make_submission(
    paper: str, results: Sequence[Result], pictures: Mapping[str, Mapping[str, bytes]]
) -> dict[str, bytes]:
    """Return the files of a submission by their names, all of one folder as HEPData asks.

    Args:
        paper: ``toptag`` or ``hbb``.
        results: Of this paper, at least one.
        pictures: By item id and suffix; those ending in ``png`` are taken.
    """
    files: dict[str, bytes] = {}
    documents = [_about(paper)]
    names: set[str] = set()
    for result in results:
        item = find_item(result.item)
        picture = pictures.get(item.id, {}).get("png")
        if picture is not None:
            files[f"{item.stem}.png"] = picture
        for table in [*make_tables(result.values, claim_units(item.id)), *_claims(result)]:
            name = _unused(_heading(item, table), names)
            stem = _unused(f"{item.stem}_{re.sub(r'[^A-Za-z0-9]+', '_', table.key)}", names)
            files[f"{stem}.yaml"] = to_yaml(_data(table)).encode()
            documents.append(
                {
                    "name": name,
                    **_entry(item, result, table, has_picture=picture is not None),
                    "data_file": f"{stem}.yaml",
                }
            )
    files["submission.yaml"] = "---\n".join(map(to_yaml, documents)).encode()
    return dict(sorted(files.items()))


def claim_units(item_id: str) -> dict[str, str]:
    """Return the units that the catalogue's claims state of an item's numbers, by dotted path.

    >>> claim_units("toptag/table1")["rows.baseline.auc"]
    '%'
    """
    found = {}
    for claim in load_claims(item_id.split("/", maxsplit=1)[0]):
        stated = _UNIT.search(claim.quantity)
        if claim.item == item_id and claim.value and stated:
            found[claim.value] = stated[1]
    return found


def _about(paper: str) -> dict[str, Any]:
    published = [find_reference(key) for key in references_of("papers", [paper])]
    numbers = [reference.arxiv for reference in published if reference.arxiv]
    addresses = [f"https://arxiv.org/abs/{name}" for name in numbers]
    addresses += [f"https://doi.org/{reference.doi}" for reference in published if reference.doi]
    return {
        "comment": (
            f"{'; '.join(reference.title for reference in published)}: "
            "numbers recomputed by the package repro, item by item of its catalogue, "
            "with two-sided 95 % intervals as errors. They are not the publication's "
            "own numbers. A dash stands for an undefined or infinite value."
        ),
        "record_ids": [{"type": "arxiv", "id": name} for name in numbers],
        "additional_resources": [
            {"location": address, "description": "The publication whose items are recomputed."}
            for address in addresses
        ],
    }


def _heading(item: Item, table: DataTable) -> str:
    return f"{_KINDS[item.kind]} {item.label}: {table.key.replace('_', ' ')}"


def _unused(name: str, taken: set[str]) -> str:
    """Return the name, or the name with the first number that makes it new; and take it."""
    found, number = name[:_LONGEST_NAME], 1
    while found in taken:
        number += 1
        found = f"{name[: _LONGEST_NAME - 4]} {number}" if " " in name else f"{name}_{number}"
    taken.add(found)
    return found


def _entry(item: Item, result: Result, table: DataTable, *, has_picture: bool) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "location": f"Item {item.id} of the catalogue of repro",
        "description": " ".join(_description(result, table)),
        "keywords": list(_keywords(item, result, table)),
    }
    # What was computed on a user's own jets is the user's to license.
    if result.data["source"] != "path":
        licence = load_software().licence
        entry["data_license"] = {
            "name": licence,
            "url": licence_url(licence),
            "description": vocabulary()["licence"]["description"],
        }
    if has_picture:
        described = f"The picture of {item.id}, drawn from these numbers."
        entry["additional_resources"] = [
            {"location": f"{item.stem}.png", "description": described, "type": "image"}
        ]
    return entry


def _description(result: Result, table: DataTable) -> Iterator[str]:
    yield f"{result.title}."
    if table.key == _CLAIMS:
        yield "What the publication claims, what was computed, and the verdict with its reason."
    else:
        yield f"Values {table.key!r} of the result document."
    evidence = result.evidence_for("" if table.key == _CLAIMS else table.key)
    yield f"Computed on: {evidence.description}."
    if result.weights:
        yield f"Weights: {whose_weights(result.weights)}."
    yield from result.notes


def _keywords(item: Item, result: Result, table: DataTable) -> Iterator[dict[str, Any]]:
    known = vocabulary()["papers"][item.paper]
    # Of the jets of a user's file nothing is known.
    if result.data["source"] in _KNOWN_JETS:
        yield {"name": "reactions", "values": known["reactions"]}
        yield {"name": "cmenergies", "values": known["cmenergies"]}
    if table.key not in vocabulary()["no_observables"]:
        yield {"name": "observables", "values": [table.key.replace("_", " ").upper()]}
    yield {"name": "phrases", "values": [*known["phrases"], item.method.replace("_", " ")]}


def _data(table: DataTable) -> dict[str, Any]:
    return {
        "independent_variables": [_variable(column) for column in table.independent],
        "dependent_variables": [_variable(column) for column in table.dependent],
    }


def _variable(column: Variable) -> dict[str, Any]:
    header = {"name": column.name} | ({"units": column.units} if column.units else {})
    said = [{"name": name, "value": value} for name, value in column.qualifiers.items()]
    qualifiers = {"qualifiers": said} if said else {}
    return {"header": header, **qualifiers, "values": list(column.values)}


def _claims(result: Result) -> Iterator[DataTable]:
    """Yield the table of an item's claims, if there are any."""
    claims = result.claims
    if not claims:
        return
    independent = [
        Variable("claim", [independent_cell(claim["id"]) for claim in claims]),
        Variable("quantity", [independent_cell(claim["quantity"]) for claim in claims]),
    ]
    dependent = [
        Variable("expected", [_listed(claim["expected"]) for claim in claims]),
        Variable("got", [_got(claim) for claim in claims]),
        Variable("tolerance", [_listed(claim["tolerance"]) for claim in claims]),
        *(
            Variable(name, [_listed(claim[name]) for claim in claims])
            for name in ("comparison", "verdict", "reason", "source")
        ),
    ]
    yield DataTable(_CLAIMS, independent, dependent)


def _got(claim: Mapping[str, Any]) -> Cell:
    interval = claim["interval"]
    if isinstance(claim["got"], list):
        return _listed(claim["got"])
    return dependent_cell(Point((), claim["got"], tuple(interval) if interval else None))


def _listed(value: Any) -> Cell:  # noqa: ANN401 - JSON
    """Return a cell of a value, or of several in words."""
    value = ", ".join(map(str, value)) if isinstance(value, list) else value
    return dependent_cell(Point((), value))
