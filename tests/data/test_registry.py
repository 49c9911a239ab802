import dataclasses
import re
import tomllib
from importlib import resources

import pytest
from toys import make_pin

from repro.data import record
from repro.data.integrity import verify
from repro.data.pins import MAGIC, find_artifact, find_artifacts, load_registry
from repro.data.store import Store
from repro.errors import BadInput, UnknownName


def test_every_pin_is_complete():
    artifacts = load_registry()
    assert len(artifacts) == 173
    for artifact in artifacts:
        assert artifact.size > 0
        assert artifact.licence
        assert artifact.origin
        assert artifact.citation
        assert artifact.identifier
        assert all(url.startswith("https://") for url in artifact.urls)
        assert artifact.urls or artifact.shipped
        assert artifact.sha256 is None or re.fullmatch("[0-9a-f]{64}", artifact.sha256)
        assert artifact.md5 is None or re.fullmatch("[0-9a-f]{32}", artifact.md5)
        if artifact.swhid:
            assert re.fullmatch("swh:1:cnt:[0-9a-f]{40}", artifact.swhid)


def test_no_two_pins_share_a_path():
    ids = {artifact.id for artifact in load_registry()}
    assert len({id_.lower() for id_ in ids}) == len(ids)  # disks that ignore case
    folders = {"/".join(id_.split("/")[:n]) for id_ in ids for n in range(1, id_.count("/") + 1)}
    assert not ids & folders


def test_unverified_addresses_are_those_of_the_record():
    assert {a.id for a in load_registry() if not a.verified} == {
        a.id for a in find_artifacts("hbb/index")
    }


def test_data_set():
    test = find_artifact("toptag/data/test.h5")
    assert test.urls == ("https://zenodo.org/records/2603256/files/test.h5?download=1",)
    assert test.checksum == "md5:13163479dee30a5fe546e4536cc3d04d"
    assert test.identifier == "doi:10.5281/zenodo.2603256"
    assert test.zenodo_record == "2603256"
    assert find_artifact("hbb/weights/gnn_baseline_best.pth").zenodo_record is None


@pytest.mark.parametrize(
    ("name", "count"), [("toptag/weights", 82), ("toptag/fixtures/", 19), ("hbb", 68)]
)
def test_groups(name, count):
    assert len(find_artifacts(name)) == count


@pytest.mark.parametrize("name", ["toptag/weight", "hbb/weights/gnn", "", "/", "../x"])
def test_a_group_ends_at_a_slash(name):
    with pytest.raises(UnknownName):
        find_artifacts(name)


def test_unknown_names_get_a_hint():
    with pytest.raises(UnknownName, match=r"did you mean .*toptag/data/test\.h5"):
        find_artifact("toptag/data/tests.h5")
    with pytest.raises(UnknownName, match="repro fetch --list"):
        find_artifact("zzz")


@pytest.mark.parametrize(
    "id_",
    ["../x", "a/../b", "/etc/passwd", "a//b", "a/", "", ".hidden", "a\\b", "C:/x", "a b", "a.part"],
)
def test_ids_stay_within_the_cache(id_):
    with pytest.raises(ValueError, match="cannot be an artifact id"):
        make_pin(b"x", artifact_id=id_)


def test_a_pin_needs_a_hash_and_a_known_kind():
    pin = make_pin(b"x")
    with pytest.raises(ValueError, match="needs a hash"):
        dataclasses.replace(pin, sha256=None)
    with pytest.raises(ValueError, match="needs a hash and a size, or neither"):
        dataclasses.replace(pin, size=None)
    assert not dataclasses.replace(pin, size=None, sha256=None).pinned
    with pytest.raises(ValueError, match="unknown kind"):
        dataclasses.replace(pin, kind="exe")


def test_registry_names_no_local_path():
    for file in resources.files("repro.data").joinpath("registry").iterdir():
        assert not re.search(r'"(/|file:|\.\.)', file.read_text("utf-8"))


def test_index_lines():
    base = "datascience/Tool/Set/train/ntuple_merged_"
    text = "\n".join(
        f"{scheme}/eos/opendata/cms/{base}{number}.root"
        for scheme in ("root://eospublic.cern.ch/", "http://opendata.cern.ch")
        for number in (10, 9)
    )
    files = record.parse_index(text)
    assert [file.number for file in files] == [9, 9, 10, 10]
    assert {file.url for file in files} == {
        f"https://opendata.cern.ch/eos/opendata/cms/{base}{number}.root" for number in (9, 10)
    }
    assert files[0].split == "train"
    assert files[0].name == "ntuple_merged_9.root"


@pytest.mark.parametrize(
    "line",
    [
        "https://evil.com/eos/opendata/x/test/ntuple_merged_0.root",
        "root://eospublic.cern.ch//eos/opendata/../x/test/ntuple_merged_0.root",
        "<html>",
        "\u202e",
    ],
)
def test_other_index_lines_are_refused(line):
    with pytest.raises(BadInput, match="is no file of record 12102"):
        record.parse_index(line)


def test_unknown_split():
    with pytest.raises(UnknownName, match="choose from train, test and root, h5"):
        record.list_record_files("validation")


@pytest.mark.mirror
def test_record_files(mirror):
    store = Store(mirrors=[str(mirror)], offline=True)
    assert [f.number for f in record.list_record_files("test", "root", store=store)] == [*range(9)]
    train = record.list_record_files("train", "h5", store=store)
    assert [f.number for f in train] == [*range(9, 91)]
    assert all(f.name.endswith(".h5") for f in train)


@pytest.mark.mirror
def test_artifacts_of_the_record(mirror):
    store = Store(mirrors=[str(mirror)], offline=True)
    every = record.find_record_artifacts("hbb/record", store=store)
    assert len({artifact.id for artifact in every}) == len(every) == 182
    assert [a.id for a in every[8:10]] == [
        "hbb/record/test/ntuple_merged_8.h5",
        "hbb/record/train/ntuple_merged_9.h5",
    ]
    assert (every[0].kind, every[-1].kind) == ("hdf5", "root")
    assert not any(artifact.pinned for artifact in every)
    assert all(url.startswith("https://opendata.cern.ch/") for a in every for url in a.urls)
    two = record.find_record_artifacts(
        "hbb/record", files=2, split="train", suffix="root", store=store
    )
    assert [a.name for a in two] == ["ntuple_merged_9.root", "ntuple_merged_10.root"]
    (one,) = record.find_record_artifacts("hbb/record/test/ntuple_merged_3.h5", store=store)
    assert one == every[3]
    for count in (0, 10):
        with pytest.raises(BadInput, match="hbb/record/test has 9 such files"):
            record.find_record_artifacts("hbb/record/test", files=count, suffix="h5", store=store)
    with pytest.raises(UnknownName, match="0 to 8 in test, 9 to 90 in train"):
        record.find_record_artifacts("hbb/record/test/ntuple_merged_9.h5", store=store)


@pytest.mark.mirror
def test_registry_says_what_the_manifest_says(mirror):
    manifest = tomllib.loads((mirror / "manifest.toml").read_text("utf-8"))["artifact"]
    assert len(manifest) == 168
    for entry in manifest:
        artifact = find_artifact(entry["id"])
        for fact in ("size", "sha256", "swhid", "licence", "origin"):
            assert getattr(artifact, fact) == entry[fact]
        assert list(artifact.urls) == entry["urls"] or not (entry["urls"] or artifact.verified)
    fetched = {a.id for a in load_registry() if not a.shipped}
    assert len(fetched - {entry["id"] for entry in manifest}) == 3


@pytest.mark.mirror
def test_kinds_fit_the_files(mirror):
    for artifact in load_registry():
        if (mirror / artifact.id).exists():
            verify(mirror / artifact.id, artifact)
    # ROOT files are those of the record, which the registry does not list.
    assert {artifact.kind for artifact in load_registry()} | {"root"} == set(MAGIC)
