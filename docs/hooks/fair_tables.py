"""Tables for the pages on FAIR principles and on licences.

``<!-- checklist -->`` and ``<!-- licences -->`` stand for them.
"""

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from marks import fill
from mkdocs.exceptions import PluginError

from repro.data.pins import Artifact, load_registry
from repro.fair.checklist import load_checklist, missing

ROOT = Path(__file__).resolve().parents[2]


def checklist() -> str:
    """Return the checklist.

    Raises:
        PluginError: If evidence is missing: then the page would not be true.
    """
    rows = ["| | asked for | state | how | evidence |", "| --- | --- | --- | --- | --- |"]
    for line in load_checklist():
        if problems := list(missing(line, ROOT)):
            raise PluginError("; ".join(problems))
        shown = ", ".join(f"`{evidence.file}`" for evidence in line.evidence)
        rows.append(f"| {line.id} | {line.principle} | {line.state} | {line.said} | {shown} |")
    return "\n".join(rows)


def licences() -> str:
    """Return the licences of pinned files, group by group."""
    groups: dict[tuple[str, str, str], list[Artifact]] = defaultdict(list)
    for artifact in load_registry():
        group = "/".join(artifact.id.split("/")[:2])
        groups[group, artifact.licence, artifact.citation].append(artifact)
    rows = ["| files | number | licence | passed on | cite |", "| --- | --- | --- | --- | --- |"]
    for (group, licence, citation), members in groups.items():
        rows.append(
            f"| `{group}` | {len(members)} | {licence} | {passed_on(members)} | {citation} |"
        )
    return "\n".join(rows)


def passed_on(members: Iterable[Artifact]) -> str:
    """Return whether files come with the package."""
    return "yes" if all(artifact.shipped for artifact in members) else "no, fetched"


MARKS = {"checklist": checklist, "licences": licences}


def on_page_markdown(markdown: str, **_: object) -> str:
    """Fill in the tables."""
    return fill(markdown, MARKS)
