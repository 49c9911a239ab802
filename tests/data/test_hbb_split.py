"""The split of the record's files."""

import json

import pytest
from toys import make_pin

from repro.data.hbb.split import (
    PARTS,
    VALIDATION,
    complete_manifest,
    files_of,
    load_manifest,
    make_manifest,
    write_manifest,
)
from repro.data.integrity import stamp
from repro.data.store import Store
from repro.errors import BadInput, IntegrityError, MissingData, UnknownName


def numbers(manifest, part, suffix="h5"):
    return [int(a.name.split("_")[-1].split(".")[0]) for a in files_of(manifest, part, suffix)]


@pytest.mark.parametrize("suffix", ["h5", "root"])
def test_parts(suffix):
    manifest = load_manifest()
    assert numbers(manifest, "test", suffix) == [*range(9)]
    assert numbers(manifest, "train", suffix) == [*range(9, 83)]
    assert numbers(manifest, "validation", suffix) == [*range(83, 91)] == [*VALIDATION]
    ids = [entry["id"] for part in PARTS for entry in manifest["parts"][part]]
    assert len(set(ids)) == len(ids) == 182


@pytest.mark.mirror
def test_the_shipped_manifest_is_what_the_function_makes(mirror):
    store = Store(mirrors=[str(mirror)], offline=True)
    assert make_manifest(store) == load_manifest()
    other = make_manifest(store, validation=(9, 20))
    assert numbers(other, "validation") == [9, 20]
    assert other["sha256"] != load_manifest()["sha256"]
    for wrong in ((5,), range(9, 91), (91,)):
        with pytest.raises(BadInput, match="validation needs some train files, 9 to 90, not all"):
            make_manifest(store, wrong)


def test_fetched_files_get_their_hashes(tmp_path):
    store = Store()
    file = files_of(load_manifest(), "validation")[0]
    path = store.path_of(file)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"\x89HDF\r\n\x1a\nof tests")
    stamp(path, file)
    complete = complete_manifest(load_manifest(), store)
    first, second, *_ = files_of(complete, "validation")
    assert (first.size, first.sha256) == (16, make_pin(path.read_bytes()).sha256)
    assert not second.pinned
    assert complete["sha256"] != load_manifest()["sha256"]
    write_manifest(complete, tmp_path / "split.json")
    assert load_manifest(tmp_path / "split.json") == complete


def test_a_manifest_with_hashes_pins_the_files(server, policy, tmp_path):
    """Whoever gets it gets the same files, or is told."""
    manifest = json.loads(json.dumps(load_manifest()))
    body = b"\x89HDF\r\n\x1a\nof tests"
    pin = make_pin(body)
    entry = manifest["parts"]["test"][0]
    entry |= {"url": f"{server.base}/0.h5", "size": pin.size, "sha256": pin.sha256}
    file = files_of(manifest, "test", "h5" if entry["id"].endswith("h5") else "root")[0]
    server.files["0.h5"] = body[:-1] + b"S"
    store = Store(tmp_path / "cache", policy=policy, mirrors=[])
    with pytest.raises(IntegrityError, match="where the pin says"):
        store.fetch(file)


def test_changed_manifests_are_refused(tmp_path):
    path = tmp_path / "split.json"
    manifest = json.loads(json.dumps(load_manifest()))
    moved = manifest["parts"]["test"].pop()
    manifest["parts"]["train"].append(moved)
    write_manifest(manifest, path)
    with pytest.raises(BadInput, match=r"split\.json differs from its own hash"):
        load_manifest(path)
    for text in ("{", "[]", '{"parts": 1}', "\x00"):
        path.write_text(text)
        with pytest.raises(BadInput, match=r"split\.json is no manifest"):
            load_manifest(path)
    with pytest.raises(MissingData, match="is not there"):
        load_manifest(tmp_path / "absent.json")


def test_unknown_parts():
    for part, suffix in [("valid", "h5"), ("test", "npy")]:
        with pytest.raises(UnknownName, match="choose from train, validation, test and root, h5"):
            files_of(load_manifest(), part, suffix)
