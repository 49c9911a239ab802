"""Files whose publisher states no hash: what is fetched first counts from then on."""

import argparse
import dataclasses
import json
import struct

import h5py
import numpy as np
import pytest
from faulty_server import answer, cut, other
from toys import make_pin

from repro.cli import fetch as command
from repro.data import record
from repro.data.completeness import check_whole
from repro.data.download import HTTPDownloader
from repro.data.integrity import hash_file
from repro.data.store import Store
from repro.errors import BadInput, DownloadFailed, IntegrityError, MissingData


@pytest.fixture
def whole(tmp_path):
    """The bytes of an HDF5 file."""
    with h5py.File(tmp_path / "whole.h5", "w") as file:
        file["x"] = np.arange(3000)
    return (tmp_path / "whole.h5").read_bytes()


@pytest.fixture
def unpinned(server, whole):
    server.files["toy/data.h5"] = whole
    pin = make_pin(whole, urls=(f"{server.base}/toy/data.h5",))
    return dataclasses.replace(pin, size=None, sha256=None)


@pytest.fixture
def store(policy):
    return Store(policy=policy)


def test_the_first_fetch_makes_the_pin(store, unpinned, whole, server):
    assert store.settle(unpinned) == unpinned
    assert store.state_of(unpinned) == "missing"
    path = store.fetch(unpinned)
    assert path.read_bytes() == whole
    settled = store.settle(unpinned)
    assert (settled.size, settled.checksum) == (len(whole), f"sha256:{hash_file(path)}")
    assert store.state_of(unpinned) == "cached"
    store.fetch(unpinned)
    assert len(server.seen) == 1


def test_another_file_is_refused_later(store, unpinned, whole, server):
    path = store.fetch(unpinned)
    path.unlink()
    changed = bytearray(whole)
    changed[-10] ^= 1
    server.files["toy/data.h5"] = bytes(changed)
    with pytest.raises(IntegrityError, match=r"has sha256 .* where the pin says"):
        store.fetch(unpinned)
    server.files["toy/data.h5"] = whole
    assert store.fetch(unpinned).read_bytes() == whole


def test_a_damaged_file_is_fetched_again(store, unpinned, whole):
    path = store.fetch(unpinned)
    path.write_bytes(whole[:-100])
    assert store.fetch(unpinned).read_bytes() == whole
    path.write_bytes(b"x" * len(whole))
    assert store.fetch(unpinned).read_bytes() == whole


def test_a_file_that_was_put_there_is_taken_if_it_is_whole(store, unpinned, whole, server):
    path = store.path_of(unpinned)
    path.parent.mkdir(parents=True)
    path.write_bytes(whole)
    assert store.state_of(unpinned) == "cached"
    assert store.settle(unpinned).pinned
    path.with_name("data.h5.ok").write_text("{")
    path.write_bytes(whole[:-1])
    store.fetch(unpinned)
    assert path.read_bytes() == whole
    assert len(server.seen) == 1


def test_an_interrupted_download_goes_on(store, unpinned, whole, server):
    server.faults.extend([cut(5000), answer(404)])
    with pytest.raises(DownloadFailed):
        store.fetch(unpinned)
    assert store.fetch(unpinned).read_bytes() == whole
    assert server.ranges == [None, "bytes=5000-", "bytes=5000-"]


def test_a_whole_part_needs_no_second_download(server, tmp_path, body, policy):
    server.files["f"] = body
    part = tmp_path / "f.part"
    part.write_bytes(body)
    HTTPDownloader(None, policy)(f"{server.base}/f", part)
    assert part.read_bytes() == body
    assert (server.ranges, server.seen[0].sent) == ([f"bytes={len(body)}-"], 0)


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        (lambda whole: whole[:-1], "is truncated: it has"),
        (lambda _: b"<!DOCTYPE html><html>Not found", "web page"),
        (lambda _: b"root" + bytes(100), "is no hdf5 file"),
    ],
)
def test_what_is_not_such_a_file_never_gets_into_the_cache(store, unpinned, server, sent, said):
    server.always = other(sent(server.files["toy/data.h5"]))
    with pytest.raises(IntegrityError, match=said):
        store.fetch(unpinned)
    assert not store.path_of(unpinned).exists()
    assert not store.settle(unpinned).pinned


def test_mirror_directories_serve(unpinned, whole, tmp_path):
    (tmp_path / "mirror/toy").mkdir(parents=True)
    (tmp_path / "mirror/toy/data.h5").write_bytes(whole)
    store = Store(mirrors=[str(tmp_path / "mirror")], offline=True)
    assert store.state_of(unpinned) == "mirror"
    assert store.fetch(unpinned).read_bytes() == whole
    empty = Store(tmp_path / "empty", offline=True, mirrors=[])
    with pytest.raises(MissingData, match="REPRO_OFFLINE is set"):
        empty.fetch(unpinned)


@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_hdf5_files_tell_where_they_end(tmp_path, libver):
    path = tmp_path / "f.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file["x"] = np.arange(1000)
    check_whole(path)
    body = path.read_bytes()
    for kept in (20, 47, len(body) // 2, len(body) - 1):
        path.write_bytes(body[:kept])
        with pytest.raises(IntegrityError, match=rf"is truncated: it has {kept} of "):
            check_whole(path)


def test_root_files_tell_where_they_end(tmp_path):
    path = tmp_path / "f.root"
    for head in (struct.pack(">iii", 62400, 100, 500), struct.pack(">iiq", 1062400, 100, 500)):
        path.write_bytes(b"root" + head + bytes(496 - len(head)))
        check_whole(path)
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(IntegrityError, match="is truncated: it has 499 of 500 bytes"):
            check_whole(path)
    path.write_bytes(b"anything")
    check_whole(path)


@pytest.fixture
def call(capsys):
    parser = argparse.ArgumentParser()
    command.add_parser(parser.add_subparsers())

    def run(*words):
        args = parser.parse_args(["fetch", *words])
        assert args.run(args) == 0
        return capsys.readouterr().out

    return run


@pytest.fixture
def listed(monkeypatch, server, whole):
    """A record of two files of each split and kind, all on our server."""

    def list_files(split, suffix, *, store=None):
        del store
        return tuple(
            record.RecordFile(
                split, number, f"{server.base}/{split}/ntuple_merged_{number}.{suffix}"
            )
            for number in ((0, 1) if split == "test" else (9, 10))
        )

    monkeypatch.setattr(record, "list_record_files", list_files)
    for number in (0, 1):
        server.files[f"test/ntuple_merged_{number}.h5"] = whole


@pytest.mark.usefixtures("listed")
def test_fetch_so_many_files_of_the_record(call, cache, server, whole):
    out = call("hbb/record", "--files", "2", "-q")
    paths = [cache / f"hbb/record/test/ntuple_merged_{n}.h5" for n in (0, 1)]
    assert out.splitlines() == list(map(str, paths))
    assert [path.read_bytes() for path in paths] == [whole] * 2
    facts = json.loads(call("hbb/record", "--files", "1", "--json"))
    assert facts[0]["checksum"] == f"sha256:{hash_file(paths[0])}"
    assert len(server.seen) == 2
    assert call("hbb/record/test/ntuple_merged_1.h5") == f"{paths[1]}\n"
    with pytest.raises(DownloadFailed, match="hbb/record/train/ntuple_merged_9"):
        call("hbb/record", "--files", "1", "--split", "train", "--format", "root")


@pytest.mark.usefixtures("listed")
def test_list_of_the_record(call):
    call("hbb/record/test/ntuple_merged_0.h5")
    facts = json.loads(call("hbb/record", "--list", "--json"))
    assert len(facts) == 8
    assert (facts[0]["state"], facts[1]["state"]) == ("cached", "missing")
    assert facts[0]["checksum"].startswith("sha256:")
    assert (facts[1]["size"], facts[1]["checksum"]) == (None, None)
    lines = call("hbb/record", "--list", "--split", "test").splitlines()
    assert [line.split()[3] for line in lines[1:]] == ["unknown"] * 3
    urls = call("hbb/record/test", "--urls", "--format", "h5").splitlines()
    assert [line.strip() for line in urls[1::2]] == [
        f"out=hbb/record/test/ntuple_merged_{n}.h5" for n in (0, 1)
    ]


@pytest.mark.usefixtures("listed")
def test_wrong_requests(call):
    with pytest.raises(BadInput, match="has 8 large files: say how many with --files N"):
        call("hbb/record")
    with pytest.raises(BadInput, match="has 8 such files: 9 cannot be taken"):
        call("hbb/record", "--files", "9")
    with pytest.raises(BadInput, match="--files, --split and --format are for hbb/record"):
        call("toptag/data/test.h5", "--files", "2")
    with pytest.raises(BadInput, match="are for hbb/record"):
        call("--all", "--split", "test")
