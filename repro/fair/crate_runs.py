"""Entities of what was done: the report, each item, and the software that did it."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from repro.catalogue import find_item
from repro.fair.crate_inputs import Inputs
from repro.fair.crate_words import WORKFLOW, Entity, fragment, refer
from repro.fair.run_record import ItemRun, RunRecord
from repro.results.document import Result

__all__ = ["item_action", "report_action", "software_entity"]

_COMPLETED = "http://schema.org/CompletedActionStatus"
_FAILED = "http://schema.org/FailedActionStatus"
_COMMIT = re.compile(r"[0-9a-f]{40}")
_TYPES = ((bool, "Boolean"), (int, "Integer"), (float, "Float"))
# What is said of the machine, and the names of what computes; all others are versions.
_MACHINE = ("repro", "python", "platform", "machine", "device", "commit")


def software_entity(environment: Mapping[str, Any]) -> Entity:
    """Return the package as it ran: its version and commit, what it ran on and with."""
    versions = {"Python": environment["python"], **_versions(environment)}
    entity: Entity = {
        "@id": _software_id(environment),
        "@type": "SoftwareApplication",
        "name": "repro",
        "softwareVersion": environment["repro"],
        "softwareRequirements": [f"{name} {version}" for name, version in versions.items()],
    }
    where = [environment.get(key) for key in ("machine", "device")]
    said = {
        "identifier": environment.get("commit") and f"commit {environment['commit']}",
        "operatingSystem": environment.get("platform"),
        "processorRequirements": ", ".join(part for part in where if part),
    }
    return entity | {key: value for key, value in said.items() if value}


def item_action(
    item_id: str, run: ItemRun, result: Result | None, inputs: Inputs, files: Sequence[str]
) -> list[Entity]:
    """Return the action that computed an item, and the values of its settings.

    Args:
        item_id: The item.
        run: How the report came by it.
        result: Its result; None if it could not be computed.
        inputs: Takes in what it was computed from.
        files: Names of all files of the report.
    """
    item = find_item(item_id)
    times = {"startTime": run.started, "endTime": run.ended}
    action: Entity = {
        "@id": f"#item/{item_id}",
        "@type": "CreateAction",
        "name": f"repro {item.kind} {item.label} --paper {item.paper}",
        "description": item.title,
        "actionStatus": _FAILED if result is None else _COMPLETED,
        **{key: time for key, time in times.items() if time},
    }
    if result is None:
        return [{**action, "error": run.error, "instrument": {"@id": WORKFLOW}}]
    settings = [
        _setting(fragment("item", item_id, "settings", name), name, value)
        for name, value in result.settings.items()
    ]
    settings.append(_setting(f"#item/{item_id}/seconds", "seconds", result.seconds))
    stem = f"{item.paper}/{item.stem}."
    action |= {
        "instrument": {"@id": _software_id(result.environment)},
        "object": refer([*inputs.of(result), *(entity["@id"] for entity in settings)]),
        "result": refer(name for name in files if name.startswith(stem)),
    }
    return [action, *settings]


def report_action(record: RunRecord, inputs: Inputs, files: Sequence[str]) -> list[Entity]:
    """Return the action that made the report, its parameters and their values."""
    parameters: list[Entity] = []
    values: list[Entity] = []
    for name, value in record.plan.get("settings", {}).items():
        if value is None:
            continue
        formal, actual = f"#parameter/{name}", f"#value/{name}"
        kind = next((word for kind, word in _TYPES if isinstance(value, kind)), "Text")
        parameters.append(
            {
                "@id": formal,
                "@type": "FormalParameter",
                "additionalType": kind,
                "name": name,
                "workExample": {"@id": actual},
            }
        )
        values.append(_setting(actual, name, value) | {"exampleOfWork": {"@id": formal}})
    action = {
        "@id": "#report",
        "@type": "CreateAction",
        "name": record.command,
        "description": "Computed or collected the items, judged their claims, wrote the report.",
        "startTime": record.started,
        "endTime": record.ended,
        "actionStatus": _COMPLETED,
        "instrument": {"@id": WORKFLOW},
        "object": refer([*inputs.all, *(value["@id"] for value in values)]),
        "result": refer(name for name in files if name != WORKFLOW),
    }
    return [action, *parameters, *values]


def _setting(entity_id: str, name: str, value: Any) -> Entity:  # noqa: ANN401 - JSON
    plain = value if isinstance(value, int | float | str) else json.dumps(value, ensure_ascii=False)
    return {"@id": entity_id, "@type": "PropertyValue", "name": name, "value": plain}


def _versions(environment: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: version
        for name, version in environment.items()
        if name not in _MACHINE and version and version != "absent"
    }


def _software_id(environment: Mapping[str, Any]) -> str:
    """Return the id of the package as it ran: by its commit, and by where it ran."""
    text = json.dumps(environment, sort_keys=True)
    where = hashlib.sha256(text.encode()).hexdigest()[:12]
    commit = environment.get("commit") or ""
    if _COMMIT.fullmatch(commit):
        return f"swh:1:rev:{commit}#{where}"
    return f"urn:repro:software:{environment['repro']}#{where}"
