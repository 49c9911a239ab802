"""The package as CodeMeta 3.0, the vocabulary of research software, and as Zenodo takes it."""

from collections.abc import Sequence
from typing import Any

from repro.fair.linked import author_entry, licence_url, reference_entry
from repro.fair.software import Software

__all__ = ["codemeta", "zenodo"]

_ZENODO_TYPES = {"article": "publication-article", "dataset": "dataset", "software": "software"}
_SUPPLEMENTED = "isSupplementTo"


def codemeta(
    software: Software, requirements: Sequence[str], pythons: Sequence[str]
) -> dict[str, Any]:
    """Return ``codemeta.json``.

    Args:
        software: The package.
        requirements: What it needs, as ``pyproject.toml`` says it.
        pythons: Versions of Python that it runs on.
    """
    related = software.related()
    authors = [author_entry(name) for name in software.authors]
    return {
        "@context": "https://w3id.org/codemeta/3.0",
        "@type": "SoftwareSourceCode",
        "name": software.title,
        "identifier": software.name,
        "description": software.description,
        "version": software.version,
        "license": licence_url(software.licence),
        "author": authors,
        "copyrightHolder": authors,
        "copyrightYear": software.year,
        "developmentStatus": software.development_status,
        "isAccessibleForFree": True,
        "programmingLanguage": {"@type": "ComputerLanguage", "name": software.programming_language},
        "runtimePlatform": [f"{software.programming_language} {python}" for python in pythons],
        "operatingSystem": list(software.operating_systems),
        "applicationCategory": software.application_category,
        "keywords": list(software.keywords),
        "softwareRequirements": list(requirements),
        "referencePublication": [
            reference_entry(reference)
            for relation, reference in related
            if relation == _SUPPLEMENTED
        ],
        "citation": [
            reference_entry(reference)
            for relation, reference in related
            if relation != _SUPPLEMENTED
        ],
    }


def zenodo(software: Software) -> dict[str, Any]:
    """Return ``.zenodo.json``, which Zenodo reads when a release is archived."""
    return {
        "title": software.title,
        "description": software.description,
        "upload_type": "software",
        "version": software.version,
        "creators": [{"name": name} for name in software.authors],
        "access_right": "open",
        "license": software.licence.lower(),
        "keywords": list(software.keywords),
        "related_identifiers": [
            {
                "identifier": reference.any_doi,
                "scheme": "doi",
                "relation": relation,
                "resource_type": _ZENODO_TYPES[reference.type],
            }
            for relation, reference in software.related()
        ],
    }
