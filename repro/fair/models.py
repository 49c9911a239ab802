"""Records of the networks as JSON-LD: schema.org with FAIR4ML 0.1.0, the vocabulary for models.

A variant is one architecture; each set of weights of it is a model of its own.
"""

import functools
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from repro.catalogue import load_claims
from repro.catalogue.references import find_reference, references_of
from repro.data.pins import Artifact, find_artifact
from repro.fair.datasets import DataSet, dataset_entry, find_dataset, original_data
from repro.fair.linked import (
    CONTEXT,
    author_entry,
    checksum_entry,
    file_entry,
    licence_url,
    property_entry,
    reference_entry,
    terms_of,
    variable_entry,
)
from repro.fair.software import load_software
from repro.features.dictionary import input_columns
from repro.models.cards import Card, load_cards
from repro.models.embedded_weights import embedded_card, has_embedded, stem_of

__all__ = ["FAMILIES", "Family", "all_cards", "find_family", "model_record", "published_auc"]

_PERFORMANCE = {
    "topodnn": "toptag/table1",
    "mbns": "toptag/table2",
    "pfn": "toptag/table3",
    "augpfn": "toptag/table5",
    "leakypfn": "toptag/table6",
    "pfin": "toptag/table4",
    "in": "hbb/table1",
}
FAMILIES = tuple(_PERFORMANCE)
_WHOSE = {
    "authors": ", the authors' weights",
    "embedded": ", weights of this package",
    "none": ", an architecture without weights",
}


@dataclass(frozen=True)
class Family:
    """What networks of a kind are for, and where they end.

    Attributes:
        name: Name of the family.
        category: What kind of network it is.
        task: What it tells from what.
        intended_use: What it is for.
        limits: Where it ends.
    """

    name: str
    category: tuple[str, ...]
    task: str
    intended_use: str
    limits: tuple[str, ...]

    @property
    def paper(self) -> str:
        """The paper that it belongs to."""
        return _PERFORMANCE[self.name].partition("/")[0]

    @property
    def item(self) -> str:
        """The table with the performance of its variants."""
        return _PERFORMANCE[self.name]


def find_family(name: str) -> Family:
    """Return what a family is for; its name is that of a card."""
    return _families()[name]


def all_cards() -> Iterator[Card]:
    """Yield the cards of all variants of all families."""
    for family in FAMILIES:
        yield from load_cards(family).values()


def published_auc(card: Card) -> float | None:
    """Return the AUC of a variant in per cent that its paper states; None if it states none."""
    item = find_family(card.family).item
    wanted = (item, f"rows.{card.variant}.auc")
    for claim in load_claims(item.partition("/")[0]):
        if (claim.item, claim.value) == wanted and claim.comparison == "within":
            return float(claim.expected) if isinstance(claim.expected, int | float) else None
    return None


def model_record(card: Card) -> dict[str, Any]:
    """Return the record of a variant: a graph with a model for each set of weights at hand."""
    models = []
    if card.authors:
        models.append(_of_authors(card))
    if has_embedded(card):
        models.append(_of_package(card))
    return {"@context": CONTEXT, "@graph": models or [_common(card, "none")]}


def _common(card: Card, origin: str) -> dict[str, Any]:
    """Return what does not depend on the weights."""
    family = find_family(card.family)
    keys = (*references_of("papers", [family.paper]), *references_of("models", [card.family]))
    return {
        "@type": "fair4ml:MLModel",
        "@id": f"#{card.name}/{origin}",
        "name": f"{card.name}{_WHOSE[origin]}",
        "description": card.description,
        "keywords": list(load_software().keywords),
        "fair4ml:mlTask": family.task,
        "fair4ml:modelCategory": list(family.category),
        "fair4ml:intendedUse": family.intended_use,
        "fair4ml:modelRisksBiasLimitations": " ".join(family.limits),
        "citation": [reference_entry(find_reference(key)) for key in dict.fromkeys(keys)],
        "additionalProperty": list(_architecture(card)),
        "variableMeasured": [
            variable_entry(columns.feature, alternateName=columns.group)
            for columns in input_columns(card.family)
        ],
    }


def _architecture(card: Card) -> Iterator[dict[str, Any]]:
    yield property_entry("parameters", card.parameters)
    yield property_entry("inputs", card.inputs)
    for name in ("phi", "phi_pair", "hidden"):
        if sizes := getattr(card, name):
            yield property_entry(f"layers of {name}", list(sizes))
    for name in ("mode", "edge_features", "node_features", "first"):
        if (value := getattr(card, name)) is not None:
            yield property_entry(name, value)
    for name in ("drop", "standardise"):
        if patterns := getattr(card, name):
            yield property_entry(f"columns: {name}", list(patterns))


def _of_authors(card: Card) -> dict[str, Any]:
    files = [find_artifact(name) for name in card.authors]
    paper = find_family(card.family).paper
    record = _common(card, "authors")
    keys = [key for file in files for key in file.references]
    cited = [find_reference(key) for key in dict.fromkeys(keys)]
    record |= {
        "fair4ml:usageInstructions": _usage(card, "authors"),
        "author": [author_entry(name) for name in cited[0].authors],
        "identifier": _identifiers(files),
        "distribution": [file_entry(file) for file in files],
        "fair4ml:trainedOn": dataset_entry(original_data(paper)),
        **terms_of(files),
    }
    auc = published_auc(card)
    if auc is not None:
        found = property_entry("auc", round(auc / 100, 8), description="as published")
        record["fair4ml:hasEvaluation"] = [_evaluation(original_data(paper), [found])]
    return record


def _of_package(card: Card) -> dict[str, Any]:
    document, software = embedded_card(card), load_software()
    training, weights = document["training"], document["weights"]
    record = _common(card, "embedded")
    paper = find_family(card.family).paper
    file = f"{stem_of(card)}.safetensors"
    learned = _dataset_of(training["data"]["simulation"], paper)
    record |= {
        "fair4ml:usageInstructions": _usage(card, "embedded"),
        "author": [author_entry(name) for name in software.authors],
        "version": software.version,
        "license": licence_url(software.licence),
        "identifier": [f"sha256:{weights['sha256']}"],
        "distribution": [checksum_entry(weights["sha256"], weights["bytes"], file, "safetensors")],
        "fair4ml:trainedOn": _with_hash(learned, training["data"]["sha256"]),
        "fair4ml:validatedOn": {"@id": learned.identifier},
        "fair4ml:hasEvaluation": [
            _evaluation(
                _dataset_of(entry["jets"]["simulation"], paper),
                list(_metrics(entry)),
                part=entry["jets"].get("part"),
            )
            for entry in document["metrics"].values()
        ],
    }
    record["additionalProperty"] += [
        property_entry("recipe", json.dumps(training["recipe"], ensure_ascii=False)),
        property_entry("seed", training["recipe"]["seed"]),
        property_entry("jets learned from", training["data"]["jets"]),
        property_entry("epochs", training["epochs"]),
        property_entry("chosen epoch", training["chosen_epoch"]),
        property_entry("seconds of training", training["seconds"]),
        property_entry("environment", json.dumps(document["environment"])),
    ]
    if begun := training["begun_with"]:
        record["fair4ml:fineTunedFrom"] = {
            "@type": "fair4ml:MLModel",
            "@id": f"#sha256:{begun['sha256']}",
            "identifier": f"sha256:{begun['sha256']}",
        }
    return record


def _usage(card: Card, weights: str) -> str:
    """Return a command that applies a model."""
    return f"repro score {card.name} FILE --out scores.npy --weights {weights}"


def _metrics(entry: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for name, number in entry.items():
        if name == "jets":
            continue
        low, high = number["interval"]
        bounds = {"minValue": low, "maxValue": high, "description": "95 % interval: min to max"}
        yield property_entry(name, number["value"], **bounds)


def _evaluation(
    dataset: DataSet, results: list[dict[str, Any]], part: str | None = None
) -> dict[str, Any]:
    entry: dict[str, Any] = {
        "@type": "fair4ml:MLModelEvaluation",
        "fair4ml:evaluationDataset": {"@id": dataset.identifier},
        "fair4ml:evaluationMetrics": results,
        "fair4ml:evaluationResults": ", ".join(
            f"{result['name']} {result['value']:g}" for result in results
        ),
    }
    return entry | ({"description": f"{part} jets"} if part else {})


def _dataset_of(simulation: Mapping[str, Any], paper: str) -> DataSet:
    """Return the data set that a simulation with this preset and seed is.

    Raises:
        UnknownName: If it is none of those that the package describes.
    """
    return find_dataset(f"{paper}-{simulation['preset']}-{simulation['seed']}")


def _with_hash(dataset: DataSet, sha256: str) -> dict[str, Any]:
    return dataset_entry(dataset) | {"sha256": sha256}


def _identifiers(files: list[Artifact]) -> list[str]:
    return list(dict.fromkeys(file.identifier for file in files))


@functools.cache
def _families() -> Mapping[str, Family]:
    text = resources.files("repro.fair").joinpath("models.toml").read_text("utf-8")
    return {
        name: Family(name, tuple(entry.pop("category")), limits=tuple(entry.pop("limits")), **entry)
        for name, entry in tomllib.loads(text).items()
    }
