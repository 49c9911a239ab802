"""What tests of reports share: running them quickly, and reading their folders."""

import hashlib
import json
from pathlib import Path

from repro.cli import main
from repro.figures import report as making

FIGURES = Path(__file__).resolve().parent.parent / "figures"
COMPUTING = ["--data", "embedded", "--weights", "embedded", "--jets", "300", "--device", "cpu"]
FAST = ["toptag/fig5", "toptag/fig7"]


def graph_of(folder):
    document = json.loads((folder / "ro-crate-metadata.json").read_text("utf-8"))
    return {entity["@id"]: entity for entity in document["@graph"]}


def files_of(folder):
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return found - {"ro-crate-metadata.json"}


def contents(folder):
    return {name: (folder / name).read_bytes() for name in sorted(files_of(folder))}


def entries(value):
    """All references of an entity."""
    if isinstance(value, dict):
        if value.keys() == {"@id"}:
            yield value["@id"]
        for entry in value.values():
            yield from entries(entry)
    elif isinstance(value, list):
        for entry in value:
            yield from entries(entry)


def run(arguments, folder):
    return main(["report", *arguments, *COMPUTING, "--out", str(folder), "-q"])


def check_structure(folder):
    graph = graph_of(folder)
    for entity in graph.values():
        missing = [name for name in entries(entity) if name not in graph]
        allowed = [name for name in missing if name.startswith("https://w3id.org/ro/crate/1.1")]
        assert missing == allowed, entity["@id"]
    listed = {name for name in entries(graph["./"]["hasPart"]) if ":" not in name}
    assert listed == files_of(folder)
    for name in listed:
        content = (folder / name).read_bytes()
        assert graph[name]["sha256"] == hashlib.sha256(content).hexdigest(), name
        assert graph[name]["contentSize"] == str(len(content)), name
    return graph


def metadata_of(folder):
    return (folder / "ro-crate-metadata.json").read_bytes()


class Counting:
    """Computes as ever, and counts; stops at an item if it is told to."""

    def __init__(self, stop_at=None, error=KeyboardInterrupt):
        self.items, self.stop_at, self.error = [], stop_at, error
        self.compute = making.compute_item

    def __call__(self, item, context):
        self.items.append(item.id)
        if item.id == self.stop_at:
            raise self.error
        return self.compute(item, context)


def broken_document(folder, **changes):
    document = json.loads((FIGURES / "toptag" / "fig05.json").read_text("utf-8"))
    path = folder / "from" / "toptag" / "fig05.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({**document, **changes}))
    return ["toptag/fig5", "--from", str(folder / "from")]
