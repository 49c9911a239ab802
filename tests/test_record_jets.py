"""Which jets the items of hbb take: files of the record at hand, a user's file, or none."""

import io
import json
import shutil
from importlib import resources

import jsonschema
import numpy as np
import pytest
from record_files import jets_of_a_class_by_chance, write_record
from tqdm import tqdm

from repro.catalogue import find_item
from repro.data.integrity import hash_file
from repro.data.pins import find_artifact
from repro.data.record import list_record_files
from repro.data.store import Store, shipped_path
from repro.errors import MissingData
from repro.figures import record_jets
from repro.figures.context import Context, Settings
from repro.figures.record_jets import EMBEDDED
from repro.figures.run import compute_item

SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))
ROUNDING = "it is rounding"


@pytest.fixture(scope="module", autouse=True)
def few_neighbours():
    """A tenth of the draws says as much to a test."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("repro.figures.known_relevance._NEIGHBOURS", 6)
        yield


@pytest.fixture(scope="module")
def record(tmp_path_factory):
    """A file as the authors' converter makes them."""
    path = tmp_path_factory.mktemp("record") / "newdata_0.h5"
    return write_record(path, *jets_of_a_class_by_chance(260))


@pytest.fixture
def cached(mirror, record, tmp_path):
    """A cache with a test file of the record, and the index that lists it."""
    place = tmp_path / "beside" / "hbb" / "record" / "test"
    place.mkdir(parents=True)
    shutil.copy(record, place / "ntuple_merged_3.h5")
    return Store(tmp_path / "cache", mirrors=[str(mirror), str(tmp_path / "beside")], offline=True)


@pytest.mark.parametrize("data", ["auto", "paper"])
def test_cached_files_of_the_record_are_taken(cached, record, caplog, data):
    found = Context(Settings(data=data, jets=100, quiet=True), cached).record
    assert found
    assert (found.source, found.kind) == ("paper", "subset")
    assert sum(len(part) for part in found.iter_jets()) == 100
    block = found.data(100)
    assert block["id"] == ["hbb/record/test/ntuple_merged_3.h5"]
    assert block["sha256"] == [hash_file(record)]
    assert ("ntuple_merged_3.h5" in caplog.text) == (data == "auto")


def test_a_result_names_the_files_of_the_record(cached, record, monkeypatch):
    settings = Settings(data="paper", jets=100, device="cpu", quiet=True, weights="authors")
    context = Context(settings, cached)
    monkeypatch.setattr("repro.figures.interaction.sorted_labels", lambda: ["baseline", "De8"])
    result = compute_item(find_item("hbb/table1"), context)
    jsonschema.validate(json.loads(result.to_json()), SCHEMA)
    (file,) = result.data["files"]
    assert file["checksum"] == f"sha256:{hash_file(record)}"
    verdicts = {entry["id"]: entry for entry in result.claims}
    assert verdicts["hbb/C1.De8"]["verdict"] == "reproduced"
    assert verdicts["hbb/C2.loaded"]["verdict"] == "deviates"
    assert "it takes 100 of each class" in verdicts["hbb/C17.auc.De8"]["reason"]


@pytest.fixture
def two_cached(mirror, record, tmp_path):
    """A cache with two test files of the record."""
    place = tmp_path / "beside" / "hbb" / "record" / "test"
    place.mkdir(parents=True)
    for number in (3, 5):
        shutil.copy(record, place / f"ntuple_merged_{number}.h5")
    return Store(tmp_path / "cache", mirrors=[str(mirror), str(tmp_path / "beside")], offline=True)


@pytest.mark.parametrize(
    ("jets", "numbers"), [(100, [3]), (260, [3]), (261, [3, 5]), (None, [3, 5])]
)
def test_only_the_files_that_are_used_are_fetched_and_named(two_cached, jets, numbers):
    found = Context(Settings(data="paper", jets=jets, quiet=True), two_cached).record
    place = two_cached.directory / "hbb" / "record" / "test"
    assert not place.exists()
    count = sum(len(part) for part in found.iter_jets())
    assert count == (jets or 520)
    names = [f"ntuple_merged_{number}.h5" for number in numbers]
    assert found.data(count)["id"] == [f"hbb/record/test/{name}" for name in names]
    assert sorted(path.name for path in place.glob("*.h5")) == names
    assert [name in found.describe(count) for name in names] == [True] * len(names)


def test_jets_are_looked_at_in_steps(record, cached, monkeypatch):
    monkeypatch.setattr(record_jets, "STEP", 100)
    shutil.copy(record, cached.mirrors[1] + "/hbb/record/test/ntuple_merged_5.h5")
    whole = Context(Settings(data="paper", quiet=True), cached).record
    steps = list(whole.iter_jets())
    assert [len(jets) for jets in steps] == 2 * [100, 100, 60]
    assert whole.count == 520
    assert Context(Settings(data="paper", jets=300, quiet=True), cached).record.count == 300
    assert Context(Settings(data="paper", jets=900, quiet=True), cached).record.count == 520
    later = list(whole.iter_jets(start=230))
    assert [len(jets) for jets in later] == [30, 100, 100, 60]
    every, last = (np.concatenate([jets.tracks for jets in some]) for some in (steps, later))
    np.testing.assert_array_equal(every[230:], last)


def test_a_bar_counts_the_jets_that_go_by(record, monkeypatch):
    monkeypatch.setattr(record_jets, "STEP", 100)
    bars = []

    def make(**settings):
        bars.append(tqdm(file=io.StringIO(), **{k: settings[k] for k in ("total", "initial")}))
        return bars[-1]

    monkeypatch.setattr("repro.figures.context.make_bar", make)
    context = Context(Settings(data=str(record)))
    left = context.record.iter_jets(start=100)
    assert sum(len(jets) for jets in context.progress_of_jets(left, "jets", done=100)) == 160
    (bar,) = bars
    assert (bar.total, bar.n) == (260, 260)


def test_a_file_of_the_record_is_recognised_by_its_hash(cached, record, tmp_path):
    """Under any name, once the record's own was fetched: the record states no hashes."""
    mine = tmp_path / "mine.h5"
    shutil.copy(record, mine)
    before = Context(Settings(data=str(mine), quiet=True), cached).record
    assert before.data(260) == {
        "source": "path",
        "id": "mine.h5",
        "doi": None,
        "sha256": hash_file(record),
        "jets": 260,
        "selection": "all",
    }
    assert before.kind == "other"
    list(Context(Settings(data="paper", quiet=True), cached).record.iter_jets())
    after = Context(Settings(data=str(mine), quiet=True), cached).record
    assert after.kind == "subset"
    assert after.block["id"] == ["hbb/record/test/ntuple_merged_3.h5"]
    assert after.block["doi"] == "10.7483/OPENDATA.CMS.JGJX.MS7Q"
    with mine.open("ab") as stream:
        stream.write(b"0")
    changed = Context(Settings(data=str(mine), quiet=True), cached).record
    assert changed.block["source"] == "path"


def test_jets_of_a_train_file_are_other_jets(mirror, record, tmp_path):
    place = tmp_path / "beside" / "hbb" / "record" / "train"
    place.mkdir(parents=True)
    shutil.copy(record, place / "ntuple_merged_10.h5")
    store = Store(tmp_path / "c", mirrors=[str(mirror), str(tmp_path / "beside")], offline=True)
    (file,) = (f for f in list_record_files("train", "h5", store=store) if f.number == 10)
    store.fetch(file.artifact())
    found = Context(Settings(data=str(record), quiet=True), store).record
    assert found.block["id"] == ["hbb/record/train/ntuple_merged_10.h5"]
    assert found.kind == "other"


def test_first_jets_are_taken_where_a_number_is_given(make_context, record):
    few = make_context(data=str(record), jets=50).record
    assert sum(len(part) for part in few.iter_jets()) == 50
    assert few.data(50)["selection"] == "first 50"
    everything = make_context(data=str(record)).record
    assert everything.data(260)["selection"] == "all"
    assert len(next(everything.iter_jets("removed"))) < 260


def test_that_there_are_no_jets_is_said_once_and_loudly(make_context, caplog):
    context = make_context(data="fixtures")
    for _ in range(2):
        assert not context.record
    (said,) = [entry.getMessage() for entry in caplog.records if entry.levelname == "WARNING"]
    assert "no jets" in said
    assert "not tested" in said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("paper", "fetch hbb/record --files 1"),
        ("nowhere.root", "no data at 'nowhere.root'"),
    ],
)
def test_jets_that_are_not_there_are_one_line(make_context, data, said):
    with pytest.raises(MissingData, match=said) as raised:
        compute_item(find_item("hbb/fig11"), make_context(data=data))
    assert "\n" not in str(raised.value)


def test_sources_without_jets_of_hbb_leave_what_the_weights_decide(make_context, caplog):
    """So that ``verify --data fixtures`` of both papers judges all it can."""
    said = "stored no jets of hbb"
    result = compute_item(find_item("hbb/fig11"), make_context(data="fixtures"))
    verdicts = {entry["verdict"] for entry in result.claims}
    assert verdicts == {"reproduced", "not tested"}
    without = [entry["reason"] for entry in result.claims if entry["verdict"] == "not tested"]
    assert all(said in reason or ROUNDING in reason for reason in without)
    assert said in caplog.text


def test_auto_takes_simulated_jets_where_the_record_is_not_at_hand(make_context, caplog):
    found = make_context(data="auto").record
    assert found.source == "embedded"
    assert "fetch hbb/record --files 1" in caplog.text
    assert "simulated jets" in caplog.text


def test_simulated_jets_come_with_the_package(make_context):
    found = make_context(data="embedded", jets=50).record
    assert (found.source, found.kind) == ("embedded", "other")
    assert sum(len(part) for part in found.iter_jets()) == 50
    block = found.data(50)
    assert block["source"] == "embedded"
    assert block["id"] == EMBEDDED
    assert block["sha256"] == hash_file(shipped_path(find_artifact(EMBEDDED)))
    assert block["selection"] == "first 50"
    assert "window-1.h5" in found.describe(50)


def test_more_simulated_jets_than_there_are_is_all_of_them(make_context):
    found = make_context(data="embedded", jets=10**6).record
    assert found.data(sum(len(part) for part in found.iter_jets()))["selection"] == "all"
