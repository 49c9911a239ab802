"""Entities of what a report was computed from: jets, weights, the authors' arrays."""

from collections.abc import Iterator, Mapping
from typing import Any

from repro.catalogue.references import find_reference
from repro.data.pins import Artifact, find_artifact
from repro.errors import UnknownName
from repro.fair.crate_words import Entity, fragment, refer, words
from repro.fair.linked import licence_url
from repro.results.document import Result

__all__ = ["Inputs", "licence_entity"]

_NAMES = {"hdf5": "h5"}


def licence_entity(licence: str) -> Entity:
    """Return the entity of a licence.

    Args:
        licence: SPDX identifier, or ``none stated``.
    """
    known = words()["licences"].get(licence, {"name": licence, "description": licence})
    stated = licence != "none stated"
    name = licence_url(licence) if stated else "#no-licence-stated"
    return {"@id": name, "@type": "CreativeWork", **known}


class Inputs:
    """The inputs of all items of a report, each once.

    Args:
        sources: By paper, what the plan of the report knows of its jets: of a user's file its
            hash, which result documents do not have.
    """

    def __init__(self, sources: Mapping[str, Any]) -> None:
        self._sources = sources
        self._entities: dict[str, Entity] = {}
        self.files: list[str] = []
        """Ids of those that lie on the web, in the order of their first use."""
        self.all: list[str] = []
        """Ids of all."""

    def of(self, result: Result) -> list[str]:
        """Take in what a result was computed from.

        Returns:
            The ids of its entities.
        """
        found = [
            self._add(entry["id"], entry["checksum"] or self._hash_of(result), entry["identifier"])
            for entry in _data(result.data)
        ]
        found += [
            self._add(entry["id"], f"sha256:{entry['sha256']}", entry["swhid"])
            for entry in result.weights
        ]
        return list(dict.fromkeys(found))

    def entities(self) -> Iterator[Entity]:
        """Yield all inputs, and the licences and citations that they name."""
        yield from self._entities.values()

    def _hash_of(self, result: Result) -> str:
        """Return the hash of a user's file of jets; empty if it is not known."""
        if result.data["source"] != "path":
            return ""
        known = self._sources.get(result.item.partition("/")[0], ())
        found = [known] if isinstance(known, str) else known
        return next((name for name in found if name.startswith("sha256:")), "")

    def _add(self, name: str, checksum: str, identifier: str | None) -> str:
        """Take in a file: the pinned one of this name only if it is the one that was read."""
        artifact = _find(name)
        if artifact is not None and (not checksum or checksum in _checksums(artifact)):
            entity = self._pinned(artifact)
        else:
            entity = _unpinned(name, checksum, identifier)
        if entity["@id"] not in self._entities:
            self._entities[entity["@id"]] = entity
            self.all.append(entity["@id"])
            if entity["@type"] == "File":
                self.files.append(entity["@id"])
        return str(entity["@id"])

    def _pinned(self, artifact: Artifact) -> Entity:
        """Return the entity of a pinned file: on the web where it lies, or of this package."""
        licence, citations = licence_entity(artifact.licence), list(_citations(artifact))
        for entity in (licence, *citations):
            self._entities.setdefault(entity["@id"], entity)
        identifiers = [artifact.swhid, artifact.doi and f"https://doi.org/{artifact.doi}"]
        address = _address(artifact)
        suffix = artifact.name.rpartition(".")[2]
        form = words()["formats"].get(_NAMES.get(artifact.kind, suffix), {})
        return {
            "@id": address or fragment("input", artifact.id),
            "@type": "File" if address else "CreativeWork",
            "name": artifact.id,
            "description": artifact.origin,
            "encodingFormat": form.get("media", "application/octet-stream"),
            "license": {"@id": licence["@id"]},
            "citation": refer(entity["@id"] for entity in citations),
            "identifier": [name for name in identifiers if name],
            **_hash(artifact.checksum),
            **({"contentSize": str(artifact.size)} if artifact.size is not None else {}),
        }


def _data(data: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the files of jets of a result, each with id, checksum and identifier."""
    if data["source"] != "none":
        ids = data["id"] if isinstance(data["id"], list) else [data["id"]]
        known = data["sha256"]
        hashes = known if isinstance(known, list) else [known] * len(ids)
        doi = data["doi"] and f"doi:{data['doi']}"
        for name, sha256 in zip(ids, hashes, strict=False):
            checksum = f"sha256:{sha256}" if sha256 else ""
            if not checksum and data.get("md5"):
                checksum = f"md5:{data['md5']}"
            yield {"id": name, "checksum": checksum, "identifier": doi}
    yield from data.get("files", ())


def _find(name: str) -> Artifact | None:
    try:
        return find_artifact(name)
    except UnknownName:
        return None


def _checksums(artifact: Artifact) -> tuple[str, ...]:
    """Return the hashes of a pinned file, of each kind that is known."""
    return f"sha256:{artifact.sha256}", f"md5:{artifact.md5}"


def _address(artifact: Artifact) -> str | None:
    """Return where a file lies: by its content if an archive has it so, else its first address."""
    content = artifact.swhid.rpartition(":")[2] if artifact.swhid else None
    by_content = (url for url in artifact.urls if content and content in url)
    return next(by_content, artifact.urls[0] if artifact.urls else None)


def _unpinned(name: str, checksum: str, identifier: str | None) -> Entity:
    """Return the entity of a file that is not in the crate and of which no address is known."""
    short = checksum.rpartition(":")[2][:16]
    entity: Entity = {
        "@id": fragment("input", name, *([short] if short else [])),
        "@type": "CreativeWork",
        "name": name,
        "description": "A file that is no part of this crate; its hash says which.",
    }
    return entity | ({"identifier": identifier} if identifier else {}) | _hash(checksum)


def _hash(checksum: str) -> dict[str, str]:
    kind, _, value = checksum.partition(":")
    return {kind: value} if value else {}


def _citations(artifact: Artifact) -> Iterator[Entity]:
    """Yield what to cite for a file: its references, or this package."""
    for key in artifact.references:
        cited = find_reference(key)
        yield {"@id": cited.url, "@type": "CreativeWork", "name": cited.in_words()}
    if not artifact.references:
        yield {"@id": "#citation/repro", "@type": "CreativeWork", "name": artifact.citation}
