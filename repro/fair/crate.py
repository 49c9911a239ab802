"""A report as a Workflow Run RO-Crate: what each file is, and what it was made of.

The document is plain JSON-LD: entities in a flat list, each with an ``@id``.  The same report
gives the same document.  Nothing is said that is not known: no person, no address, and no time of
what was computed earlier.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from repro.catalogue import find_item
from repro.data.integrity import hash_file
from repro.fair.crate_claims import claim_entities
from repro.fair.crate_inputs import Inputs, licence_entity
from repro.fair.crate_runs import item_action, report_action, software_entity
from repro.fair.crate_words import METADATA, README, WORKFLOW, Entity, refer, words
from repro.fair.run_record import RunRecord
from repro.fair.software import load_software
from repro.results.document import Result
from repro.results.judge import summarise

__all__ = ["make_crate"]

_WFRUN = "https://w3id.org/ro/terms/workflow-run#"
_CONTEXT = [
    "https://w3id.org/ro/crate/1.1/context",
    # Terms of the Process Run Crate, which that context lacks.
    {"sha256": f"{_WFRUN}sha256", "md5": f"{_WFRUN}md5"},
]
_SHELL = "#sh"


def make_crate(
    record: RunRecord,
    results: Sequence[Result],
    claims: Sequence[Mapping[str, Any]],
    files: Mapping[str, Path],
) -> str:
    """Return the metadata document.

    Args:
        record: What the report is of.
        results: In their order.
        claims: Judged, each with the id of its ``item``.
        files: Every file of the report by its name, but the document itself.
    """
    inputs = Inputs(record.plan.get("sources", {}))
    actions, software = [], [software_entity(record.plan["software"])]
    for item_id in record.plan["items"]:
        result = next((found for found in results if found.item == item_id), None)
        if result is not None:
            software.append(software_entity(result.environment))
        actions += item_action(item_id, record.items[item_id], result, inputs, sorted(files))
    named = {name: _file(name, path) for name, path in sorted(files.items())}
    report = report_action(record, inputs, list(named))
    judged = list(claim_entities(claims, set(named)))
    for claim in (entity for entity in judged if entity["@type"][0] == "Claim"):
        document = named.get(claim.pop("document", ""))
        if document is not None:
            document.setdefault("about", []).append({"@id": claim["@id"]})
    graph = [
        _descriptor(),
        _root(record, results, claims, [*named, *inputs.files], [report[0], *actions]),
        *_profiles(),
        _workflow(named[WORKFLOW], record, report[1:]),
        *(entity for name, entity in named.items() if name != WORKFLOW),
        *report,
        *actions,
        *software,
        *inputs.entities(),
        *judged,
        *_formats(named.values()),
        {"@id": _SHELL, "@type": "ComputerLanguage", "name": "POSIX shell"},
    ]
    return (
        json.dumps(
            {"@context": _CONTEXT, "@graph": [_compact(entity) for entity in _once(graph)]},
            indent=1,
            ensure_ascii=False,
        )
        + "\n"
    )


def _once(graph: Sequence[Entity]) -> list[Entity]:
    """Return the entities, each once.

    Raises:
        ValueError: If two of one name say different things.
    """
    found: dict[str, Entity] = {}
    for entity in graph:
        if found.setdefault(entity["@id"], entity) != entity:
            raise ValueError(f"two entities are called {entity['@id']}")
    return list(found.values())


def _compact(entity: Entity) -> Entity:
    """Return an entity with single values in place of lists of one, as RO-Crate asks for."""
    return {
        key: value[0] if isinstance(value, list) and len(value) == 1 else value
        for key, value in entity.items()
        if value != []
    }


def _descriptor() -> Entity:
    profiles = (
        "https://w3id.org/ro/crate/1.1",
        "https://w3id.org/workflowhub/workflow-ro-crate/1.0",
    )
    return {
        "@id": METADATA,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": refer(profiles),
    }


def _root(
    record: RunRecord,
    results: Sequence[Result],
    claims: Sequence[Mapping[str, Any]],
    parts: Sequence[str],
    actions: Sequence[Entity],
) -> Entity:
    papers = " and ".join(dict.fromkeys(find_item(result.item).paper for result in results))
    counts = ", ".join(f"{count} {verdict}" for verdict, count in summarise(claims).items())
    mentioned = [action["@id"] for action in actions if action["@type"] == "CreateAction"]
    return {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Report of repro on {len(results)} tables and figures of {papers}",
        "description": (
            "Tables and figures of papers on explaining jet classifiers, recomputed, and their "
            f"claims, judged: {counts}. The numbers are facts. The licence is that of the "
            "package's own words and code in it; inputs are no part of it and keep their own "
            "licences."
        ),
        "datePublished": record.ended,
        "license": {"@id": _licence()["@id"]},
        "conformsTo": refer(profile["id"] for profile in words()["profile"]),
        "mainEntity": {"@id": WORKFLOW},
        "hasPart": refer(parts),
        "mentions": refer(mentioned),
    }


def _profiles() -> Iterator[Entity]:
    for profile in words()["profile"]:
        yield {
            "@id": profile["id"],
            "@type": "CreativeWork",
            "name": profile["name"],
            "version": profile["version"],
        }
    yield _licence()


def _licence() -> Entity:
    """Return the package's licence, under which what it writes of its own is."""
    return licence_entity(load_software().licence)


def _workflow(file: Entity, record: RunRecord, parameters: Sequence[Entity]) -> Entity:
    formal = [entity["@id"] for entity in parameters if entity["@type"] == "FormalParameter"]
    return {
        **file,
        "@type": ["File", "SoftwareSourceCode", "ComputationalWorkflow"],
        "programmingLanguage": {"@id": _SHELL},
        "version": record.plan["software"]["repro"],
        "license": {"@id": _licence()["@id"]},
        **({"input": refer(formal)} if formal else {}),
    }


def _file(name: str, path: Path) -> Entity:
    suffix = name.rpartition(".")[2]
    return {
        "@id": name,
        "@type": "File",
        "name": _title(name, suffix),
        "encodingFormat": _encoding(suffix),
        "contentSize": str(path.stat().st_size),
        "sha256": hash_file(path),
        **({"about": {"@id": "./"}} if name == README else {}),
    }


def _title(name: str, suffix: str) -> str:
    known = words()["files"].get(name)
    if known is not None:
        return str(known)
    if name.endswith("/submission.yaml"):
        return f"Submission to HEPData: {name.split('/')[1]}"
    return f"{name.rpartition('.')[0]}: {words()['suffixes'][suffix]}"


def _encoding(suffix: str) -> Any:  # noqa: ANN401 - JSON-LD
    form = words()["formats"][suffix]
    return [form["media"], {"@id": _pronom(form)}] if "pronom" in form else form["media"]


def _pronom(form: Mapping[str, str]) -> str:
    return f"https://www.nationalarchives.gov.uk/PRONOM/{form['pronom']}"


def _formats(files: Iterable[Entity]) -> Iterator[Entity]:
    suffixes = dict.fromkeys(entity["@id"].rpartition(".")[2] for entity in files)
    for form in (words()["formats"][suffix] for suffix in suffixes):
        if "pronom" in form:
            yield {"@id": _pronom(form), "@type": "WebSite", "name": form["name"]}
