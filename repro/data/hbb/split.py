"""Which files of record 12102 are for training, validation and testing: ``split.json``.

The authors took the first five of an unsorted list of processed files for validation, so their
split cannot be repeated (dossier, 4.7, quirk 3).  Here it is named: tests on the record's test
files, 0 to 8, validation on the last eight of its train files, 83 to 90, about a tenth as theirs,
and training on the others, 9 to 82.  Sizes and hashes are those of files that were fetched, as the
record's indices state none: :func:`complete_manifest` adds them, and a manifest that has them pins
the files for whoever gets it.
"""

import dataclasses
import hashlib
import json
from collections.abc import Collection, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from repro.data.atomic import write_atomically
from repro.data.pins import Artifact
from repro.data.record import GROUP, SPLITS, SUFFIXES, RecordFile, index_of, list_record_files
from repro.data.regular import parse_json, read_json
from repro.data.store import Store
from repro.errors import BadInput, MissingData, UnknownName

__all__ = [
    "PARTS",
    "VALIDATION",
    "complete_manifest",
    "files_of",
    "load_manifest",
    "make_manifest",
    "write_manifest",
]

PARTS = ("train", "validation", "test")
VALIDATION = tuple(range(83, 91))
"""Numbers of the train files that are for validation."""

Manifest = Mapping[str, Any]


def make_manifest(store: Store, validation: Collection[int] = VALIDATION) -> Manifest:
    """Return the split of the record's files, sorted, with a hash of the whole list.

    Args:
        store: Where the pinned indices are, or are fetched to.
        validation: Numbers of the train files that are for validation.

    Raises:
        BadInput: If one of them is no train file, or none is left for training.
    """
    indices = [index_of(split, suffix) for split in SPLITS for suffix in SUFFIXES]
    files = sorted(
        file
        for split in SPLITS
        for suffix in SUFFIXES
        for file in list_record_files(split, suffix, store=store)
    )
    train = {file.number for file in files if file.split == "train"}
    if not set(validation) < train:
        raise BadInput(f"validation needs some train files, {min(train)} to {max(train)}, not all")
    parts: dict[str, list[dict[str, Any]]] = {part: [] for part in PARTS}
    for file in files:
        held_out = file.split == "train" and file.number in validation
        parts["validation" if held_out else file.split].append(_entry(file))
    return _hashed(
        {
            "doi": indices[0].doi,
            "indices": {index.id: index.checksum for index in indices},
            "parts": parts,
        }
    )


def load_manifest(path: Path | None = None) -> Manifest:
    """Return a split from a file, or the package's own.

    Raises:
        MissingData: If the file is not there.
        BadInput: If it is no manifest, or was changed since it was written.
    """
    place = resources.files("repro.data.hbb").joinpath("split.json") if path is None else path
    try:
        manifest = parse_json(place.read_text("utf-8")) if path is None else read_json(path)
        good = set(manifest["parts"]) == set(PARTS) and manifest == _hashed(manifest)
    except FileNotFoundError as error:
        raise MissingData(f"{place} is not there: check the path") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{place} is no manifest of record 12102: write it again") from error
    if not good:
        raise BadInput(f"{place} differs from its own hash: it was changed, write it again")
    return dict(manifest)


def complete_manifest(manifest: Manifest, store: Store) -> Manifest:
    """Return a manifest with size and hash of each file that the cache holds or has held."""
    parts = {
        part: [
            {**entry, "size": settled.size, "sha256": settled.sha256}
            for entry in manifest["parts"][part]
            for settled in [store.settle(_artifact(entry))]
        ]
        for part in PARTS
    }
    return _hashed({**manifest, "parts": parts})


def write_manifest(manifest: Manifest, path: Path) -> None:
    """Write a manifest, whole or not at all.

    Raises:
        BadInput: If it cannot be written.
    """
    write_atomically(path, (json.dumps(manifest, indent=1) + "\n").encode())


def files_of(manifest: Manifest, part: str, suffix: str = "h5") -> list[Artifact]:
    """Return the files of a part, as the store takes them, in the order of their numbers.

    Args:
        manifest: The split.
        part: ``train``, ``validation`` or ``test``.
        suffix: ``h5`` or ``root``.

    Raises:
        UnknownName: If there is no such part or kind of file.

    >>> [file.id for file in files_of(load_manifest(), "validation")][:2]
    ['hbb/record/train/ntuple_merged_83.h5', 'hbb/record/train/ntuple_merged_84.h5']
    """
    if part not in PARTS or suffix not in SUFFIXES:
        raise UnknownName(
            f"the split has no part {part!r} with files that end in {suffix!r}: "
            f"choose from {', '.join(PARTS)} and {', '.join(SUFFIXES)}"
        )
    entries = manifest["parts"][part]
    return [_artifact(entry) for entry in entries if entry["id"].endswith(f".{suffix}")]


def _entry(file: RecordFile) -> dict[str, Any]:
    return {"id": file.id, "url": file.url, "size": None, "sha256": None}


def _artifact(entry: Mapping[str, Any]) -> Artifact:
    folder, _, name = entry["id"].removeprefix(f"{GROUP}/").partition("/")
    number = int(name.partition(".")[0].rpartition("_")[2])
    artifact = RecordFile(folder, number, entry["url"]).artifact()
    return dataclasses.replace(artifact, size=entry["size"], sha256=entry["sha256"])


def _hashed(manifest: Manifest) -> dict[str, Any]:
    """Return the manifest with the hash of all else that is in it."""
    content = {name: value for name, value in manifest.items() if name != "sha256"}
    text = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return {**content, "sha256": hashlib.sha256(text.encode()).hexdigest()}
