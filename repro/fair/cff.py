"""Citations in the Citation File Format, version 1.2.0."""

from collections.abc import Iterable
from typing import Any

from repro.catalogue.references import Reference
from repro.fair.software import Software

__all__ = ["citation_file", "reference_entry"]

_TYPES = {"article": "article", "dataset": "data", "software": "software"}


def citation_file(software: Software, references: Iterable[Reference]) -> dict[str, Any]:
    """Return the document that cites the package, and with it some references."""
    described = {
        "type": "software",
        "title": software.title,
        "abstract": software.description,
        "version": software.version,
        "license": software.licence,
        "authors": [_author(name) for name in software.authors],
        "keywords": list(software.keywords),
    }
    preferred = {
        "type": "software",
        "title": software.title,
        "version": software.version,
        "year": software.year,
        "license": software.licence,
        "authors": [_author(name) for name in software.authors],
    }
    return {
        "cff-version": "1.2.0",
        "message": software.message,
        **described,
        "preferred-citation": preferred,
        "references": [reference_entry(reference) for reference in references],
    }


def reference_entry(reference: Reference) -> dict[str, Any]:
    """Return a reference as an entry of ``references``."""
    entry: dict[str, Any] = {
        "type": _TYPES[reference.type],
        "title": reference.title,
        "authors": [_author(name) for name in reference.authors],
        "year": reference.year,
    }
    entry |= {
        name: value
        for name, value in (("journal", reference.journal), ("volume", reference.volume))
        if value
    }
    if reference.pages:
        entry["start"] = reference.pages
    if reference.publisher:
        entry["publisher"] = {"name": reference.publisher}
    if reference.doi:
        entry["doi"] = reference.doi
    if reference.arxiv:
        entry["identifiers"] = [{"type": "other", "value": f"arXiv:{reference.arxiv}"}]
    if reference.licence:
        entry["license"] = reference.licence
    return entry


def _author(name: str) -> dict[str, str]:
    family, comma, given = name.partition(", ")
    if comma:
        return {"family-names": family, "given-names": given}
    return {"name": name}
