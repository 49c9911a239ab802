"""JSON-LD in the terms of schema.org: what models, data sets and citations have in common."""

from collections.abc import Iterable, Iterator
from typing import Any

from repro.catalogue.references import Reference
from repro.data.hbb.features import Feature
from repro.data.pins import Artifact

__all__ = [
    "CONTEXT",
    "author_entry",
    "checksum_entry",
    "file_entry",
    "licence_url",
    "property_entry",
    "reference_entry",
    "terms_of",
    "variable_entry",
]

CONTEXT = {
    "@vocab": "https://schema.org/",
    "fair4ml": "https://w3id.org/fair4ml#",
}
"""Context of the records: schema.org, and FAIR4ML for what it says of models."""

_TYPES = {"article": "ScholarlyArticle", "dataset": "Dataset", "software": "SoftwareSourceCode"}
_FORMATS = {
    "hdf5": "application/x-hdf5",
    "json": "application/json",
    "onnx": "application/octet-stream",
    "safetensors": "application/octet-stream",
}


def reference_entry(reference: Reference) -> dict[str, Any]:
    """Return a citation."""
    entry: dict[str, Any] = {
        "@type": _TYPES[reference.type],
        "@id": reference.url,
        "name": reference.title,
        "author": [author_entry(name) for name in reference.authors],
        "datePublished": str(reference.year),
    }
    if reference.arxiv:
        entry["sameAs"] = f"https://arxiv.org/abs/{reference.arxiv}"
    if reference.licence:
        entry["license"] = licence_url(reference.licence)
    return entry


def author_entry(name: str) -> dict[str, str]:
    """Return an author: a person is written ``Family, Given``.

    >>> author_entry("FAIR4HEP")
    {'@type': 'Organization', 'name': 'FAIR4HEP'}
    """
    family, comma, given = name.partition(", ")
    if comma:
        return {"@type": "Person", "familyName": family, "givenName": given}
    return {"@type": "Organization", "name": name}


def licence_url(licence: str) -> str:
    """Return where an SPDX licence is defined."""
    return f"https://spdx.org/licenses/{licence}"


def property_entry(name: str, value: object, **more: object) -> dict[str, Any]:
    """Return a named value."""
    return {"@type": "PropertyValue", "name": name, "value": value, **more}


def variable_entry(feature: Feature, **more: object) -> dict[str, Any]:
    """Return the entry of a dictionary: meaning, unit, range, and what is added to it."""
    entry: dict[str, Any] = {
        "@type": "PropertyValue",
        "name": feature.name,
        "description": feature.meaning,
        "unitText": feature.unit or "1",
    }
    bounds = {"minValue": feature.low, "maxValue": feature.high}
    entry |= {key: value for key, value in bounds.items() if value is not None}
    if feature.offset:
        entry["additionalProperty"] = property_entry("offset", feature.offset)
    return entry | more


def file_entry(artifact: Artifact) -> dict[str, Any]:
    """Return a pinned file: where it is to be had, what it is, how it is told from others."""
    entry: dict[str, Any] = {
        "@type": "DataDownload",
        "name": artifact.id,
        "encodingFormat": _FORMATS.get(artifact.kind, "application/octet-stream"),
        "identifier": list(_identifiers(artifact)),
    }
    if artifact.urls:
        entry["contentUrl"] = list(artifact.urls)
    if artifact.size is not None:
        entry["contentSize"] = f"{artifact.size} B"
    if artifact.sha256:
        entry["sha256"] = artifact.sha256
    return entry | _terms(artifact)


def checksum_entry(sha256: str, size: int, name: str, kind: str) -> dict[str, Any]:
    """Return a file that is part of the package, or can be made by it."""
    return {
        "@type": "DataDownload",
        "name": name,
        "encodingFormat": _FORMATS[kind],
        "contentSize": f"{size} B",
        "sha256": sha256,
    }


def _identifiers(artifact: Artifact) -> Iterator[str]:
    if artifact.swhid:
        yield artifact.swhid
    if artifact.doi:
        yield f"https://doi.org/{artifact.doi}"
    if artifact.checksum:
        yield artifact.checksum


def _terms(artifact: Artifact) -> dict[str, str]:
    """Return on what terms a file may be used."""
    if artifact.licence == "none stated":
        stated = "No licence is stated: to be fetched from its publisher, not to be passed on."
        return {"conditionsOfAccess": stated}
    return {"license": licence_url(artifact.licence)}


def terms_of(artifacts: Iterable[Artifact]) -> dict[str, str]:
    """Return the terms that some files have in common.

    Raises:
        ValueError: If they have none.
    """
    found = {tuple(_terms(artifact).items()) for artifact in artifacts}
    if len(found) != 1:
        raise ValueError("files of one model are under different licences")
    return dict(found.pop())
