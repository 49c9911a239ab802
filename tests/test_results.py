"""The result document: plain JSON, its schema, round trips, and the files of an item."""

import csv
import errno
import json
import os
from importlib import resources

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from repro.catalogue import find_item
from repro.data import atomic
from repro.data.atomic import write_atomically
from repro.errors import BadInput
from repro.metrics.bootstrap import Intervals
from repro.metrics.intervals import Interval
from repro.results.document import Result, look_up, named, plain
from repro.results.evidence import Evidence
from repro.results.files import write_result
from repro.results.judge import judge_item
from repro.results.provenance import environment
from repro.results.tables import to_latex, to_markdown

SCHEMA = json.loads(resources.files("repro.results").joinpath("schema.json").read_text("utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def make_result(item="toptag/fig1", values=None, **fields):
    values = values or {"auc": Interval(97.1, 97.0, 97.2, 0.95), "delta_auc": {"phi_1": 1.056}}
    defaults = {
        "data": {
            "source": "fixtures",
            "id": ["a.pkl", "b.pkl"],
            "doi": None,
            "sha256": ["0" * 64, None],
            "jets": 1000,
            "selection": "all",
        },
        "weights": [
            {
                "model": "topodnn:v4",
                "source": "authors",
                "id": "w",
                "swhid": "swh:1:cnt:" + "1" * 40,
                "sha256": "f" * 64,
            }
        ],
        "settings": {"corrected": False, "seed": 0},
        "evidence": {"": Evidence("subset", "some jets"), "auc": Evidence("complete", "all")},
        "environment": environment("cpu"),
        "seconds": 1.5,
        "notes": ["Φ is a letter."],
    }
    result = Result(item, find_item(item).title, values=values, **(defaults | fields))
    return Result(**(vars(result) | {"claims": judge_item(result)}))


@pytest.fixture
def table():
    rows = {
        "a_b": {"auc": {"value": 97.12, "interval": [97.0, 97.25]}, "n": 59323, "nodes": [3, 2]},
        "50% & #1": {"auc": {"value": 90.0}, "n": None},
        "Φ": {"auc": 1.0, "n": 2},
    }
    columns = {
        "auc": {"title": "AUC [%]", "digits": 1},
        "n": {"title": "parameters"},
        "nodes": {"title": "nodes"},
    }
    return make_result("toptag/table1", {"columns": columns, "rows": rows})


# --- plain JSON --------------------------------------------------------------------------------

numbers = st.one_of(st.integers(-(2**60), 2**60), st.floats(), st.booleans(), st.none())
trees = st.recursive(
    st.one_of(numbers, st.text()),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(st.text(), inner)),
    max_leaves=20,
)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_anything_becomes_strict_json_and_stays_so(tree):
    found = plain(tree)
    text = json.dumps(found, allow_nan=False)
    assert json.loads(text) == found
    assert plain(found) == found


@settings(max_examples=50, deadline=None)
@given(st.dictionaries(st.text(min_size=1), trees, min_size=1))
def test_any_values_survive_the_round_trip_through_a_file(tmp_path_factory, values):
    path = tmp_path_factory.getbasetemp() / "result.json"
    result = make_result(values=values)
    path.write_text(result.to_json(), "utf-8")
    assert Result.from_json(path) == result


def test_numpy_and_intervals_become_plain():
    assert plain(np.float32(0.5)) == 0.5
    assert plain(np.arange(3)) == [0, 1, 2]
    assert plain({1: (np.bool_(True), np.inf, -np.inf, np.nan)}) == {"1": [True, None, None, None]}
    assert plain(Interval(1.0, 0.5, np.inf, 0.95)) == {"value": 1.0, "interval": [0.5, None]}
    assert plain(Interval(1.0, np.nan, np.nan, 0.95)) == {"value": 1.0}
    pair = np.array([1.0, 2.0])
    assert plain(Intervals(pair, pair - 1, pair + 1, 0.95)) == {
        "value": [1.0, 2.0],
        "low": [0.0, 1.0],
        "high": [2.0, 3.0],
    }


def test_named_numbers_keep_their_order():
    pair = np.array([1.0, np.nan])
    found = named(["z", "a"], Intervals(pair, pair - 1, pair + 1, 0.95))
    assert list(found) == ["z", "a"]
    assert found == {"z": {"value": 1.0, "interval": [0.0, 2.0]}, "a": {"value": None}}


@pytest.mark.parametrize("path", ["x", "a.x", "a.b.c", "a.b.c.d", "", "a."])
def test_paths_that_lead_nowhere_give_none(path):
    assert look_up({"a": {"b": 1}}, path) is None


def test_keys_with_dots_cannot_be_reached_and_others_can():
    assert look_up({"a": {"b": {"c": 0}}}, "a.b.c") == 0
    assert look_up({"a": {"b": {"c": 0}}}, "a.b") == {"c": 0}


# --- document and schema -----------------------------------------------------------------------


def test_the_schema_is_a_schema():
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


def test_documents_follow_the_schema(table):
    for result in (make_result(), table):
        assert result.claims
        VALIDATOR.validate(result.document())
        VALIDATOR.validate(json.loads(result.to_json()))


def test_the_schema_names_every_field_of_the_document():
    assert set(SCHEMA["properties"]) == set(make_result().document()) == set(SCHEMA["required"])
    claim = SCHEMA["$defs"]["claim"]
    assert set(claim["properties"]) == set(make_result().claims[0]) == set(claim["required"])


BROKEN = {
    "another version": lambda d: d | {"schema": 2},
    "a field too many": lambda d: d | {"extra": 1},
    "a field too few": lambda d: {k: v for k, v in d.items() if k != "seconds"},
    "no item id": lambda d: d | {"item": "fig5"},
    "negative seconds": lambda d: d | {"seconds": -1},
    "no values": lambda d: d | {"values": {}},
    "an interval of three": lambda d: d | {"values": {"x": {"value": 1, "interval": [1, 2, 3]}}},
    "an unknown source": lambda d: d | {"data": d["data"] | {"source": "hearsay"}},
    "a short hash": lambda d: d | {"data": d["data"] | {"sha256": "abc"}},
    "data without jets": lambda d: d | {"data": d["data"] | {"jets": 0}},
    "no seed": lambda d: d | {"settings": {"corrected": True}},
    "unknown evidence": lambda d: d | {"evidence": {"": {"kind": "hearsay"}}},
    "no evidence for the rest": lambda d: d | {"evidence": {}},
    "an unknown verdict": lambda d: d | {"claims": [d["claims"][0] | {"verdict": "proved"}]},
    "a verdict on nothing": lambda d: d | {"claims": [d["claims"][0] | {"verdict": "deviates"}]},
    "a claim with more": lambda d: d | {"claims": [d["claims"][0] | {"item": "x"}]},
    "a negative tolerance": lambda d: d | {"claims": [d["claims"][0] | {"tolerance": -1}]},
}


@pytest.mark.parametrize("fault", BROKEN)
def test_the_schema_refuses(fault):
    document = make_result().document()
    document["claims"][0] |= {"got": None, "verdict": "not tested"}
    VALIDATOR.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        VALIDATOR.validate(BROKEN[fault](document))


def test_round_trip_through_a_file(tmp_path, table):
    for result in (make_result(), table):
        path = tmp_path / "result.json"
        path.write_text(result.to_json(), "utf-8")
        found = Result.from_json(path)
        assert found == result
        assert found.to_json() == result.to_json()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no json",
        "null",
        "[]",
        "[1]",
        "3",
        "{}",
        '{"schema": 1}',
        '{"schema": 2}',
        '{"schema": 1, "evidence": {"": {"kind": "hearsay", "description": ""}}}',
        '{"schema": 1, "evidence": {}, "nonsense": 1}',
        '{"schema": 1, "evidence": []}',
    ],
)
def test_files_that_are_no_result_are_refused_in_one_line(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(BadInput, match=r"result\.json is") as caught:
        Result.from_json(path)
    assert "\n" not in str(caught.value)


def test_missing_and_binary_files_are_no_results(tmp_path):
    (tmp_path / "binary.json").write_bytes(b"\x89HDF\xff\xfe")
    for name in ("nowhere.json", "binary.json", "."):
        with pytest.raises(BadInput, match="no result document"):
            Result.from_json(tmp_path / name)


# --- tables ------------------------------------------------------------------------------------


def test_a_column_has_decimal_places_significant_digits_or_numbers_as_they_are():
    row = dict.fromkeys(("plain", "places", "digits"), 0.0123456) | {"count": 12345}
    columns = {
        "plain": {"title": "a"},
        "places": {"title": "b", "digits": 2},
        "digits": {"title": "c", "significant": 3},
        "count": {"title": "d", "significant": 3},
    }
    result = make_result("toptag/table1", {"columns": columns, "rows": {"x": row}})
    assert "| x | 0.0123456 | 0.01 | 0.0123 | 12,345 |" in to_markdown(result)


def test_markdown_shows_values_with_their_intervals(table):
    lines = to_markdown(table).splitlines()
    assert lines[0] == f"# {table.title}"
    assert lines[-1] in table.notes
    assert lines[2:7] == [
        "|  | AUC [%] | parameters | nodes |",
        "| --- | --- | --- | --- |",
        "| a_b | 97.1 [97.0, 97.2] | 59,323 | 3-2 |",
        "| 50% & #1 | 90.0 | – | – |",
        "| Φ | 1.0 | 2 | – |",
    ]


def test_latex_escapes_what_latex_reads(table):
    text = to_latex(table)
    assert r"\begin{tabular}{lrrr}" in text
    assert r" & AUC [\%] & parameters & nodes \\" in text
    assert r"a\_b & 97.1 [97.0, 97.2] & 59,323 & 3-2 \\" in text
    assert r"50\% \& \#1 & 90.0 & -- & -- \\" in text
    assert r"$\Phi$ & 1.0 & 2 & -- \\" in text
    assert text.isascii()
    assert text.count("&") - text.count(r"\&") == 3 * 4


# --- files -------------------------------------------------------------------------------------


def read_csv(path):
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.reader(file))


def test_a_figure_has_four_files(tmp_path):
    pictures = {"png": b"\x89PNG", "pdf": b"%PDF"}
    result = make_result()
    paths = write_result(result, pictures, tmp_path / "new" / "folder")
    folder = tmp_path / "new" / "folder" / "toptag"
    assert paths == [folder / f"fig01.{suffix}" for suffix in ("json", "csv", "png", "pdf")]
    assert (folder / "fig01.json").read_text("utf-8") == result.to_json()
    assert (folder / "fig01.png").read_bytes() == b"\x89PNG"
    assert (folder / "fig01.pdf").read_bytes() == b"%PDF"
    assert sorted(p.name for p in folder.iterdir()) == sorted(p.name for p in paths)
    before = [path.read_bytes() for path in paths]
    write_result(result, pictures, tmp_path / "new" / "folder")
    assert [path.read_bytes() for path in paths] == before


def test_a_table_has_markdown_and_latex(tmp_path, table):
    paths = write_result(table, None, tmp_path)
    assert [path.name for path in paths] == [
        f"table01.{suffix}" for suffix in ("json", "csv", "md", "tex")
    ]
    assert paths[2].read_text("utf-8") == to_markdown(table)
    assert paths[3].read_text("utf-8") == to_latex(table)


def test_csv_has_one_line_per_number(tmp_path):
    values = {
        "auc": {"value": 97.1, "interval": [97.0, None]},
        "bars": {"pt_0": 0.5, "phi, 1": None},
        "order": {"value": ["a", "b"], "shares": {"a, b": 1.0}},
        "counts": [1, 2, 3],
        "matrix": [[1, 2], [3, 4]],
        "name": 'with "quotes"',
    }
    write_result(make_result(values=values), None, tmp_path)
    rows = read_csv(tmp_path / "toptag" / "fig01.csv")
    assert rows == [
        ["name", "value", "low", "high"],
        ["auc", "97.1", "97.0", ""],
        ["bars.pt_0", "0.5", "", ""],
        ["bars.phi, 1", "", "", ""],
        ["order.value", "a b", "", ""],
        ["order.shares.a, b", "1.0", "", ""],
        ["counts", "1 2 3", "", ""],
        ["matrix.0", "1 2", "", ""],
        ["matrix.1", "3 4", "", ""],
        ["name", 'with "quotes"', "", ""],
    ]


def test_csv_of_a_ranking_has_a_column_of_places(tmp_path):
    bar = {"unit": "1", "rank": 1}
    values = {
        "auc": 97.0,
        "bars": {
            "pt_0": {"value": 0.5, "interval": [0.4, 0.6], **bar, "places": [1, 2]},
            "pt_1": {"value": 0.4, **bar, "places": [1, 1]},
        },
    }
    write_result(make_result(values=values), None, tmp_path)
    assert read_csv(tmp_path / "toptag" / "fig01.csv") == [
        ["name", "value", "low", "high", "places"],
        ["auc", "97.0", "", "", ""],
        ["bars.pt_0", "0.5", "0.4", "0.6", "1-2"],
        ["bars.pt_1", "0.4", "", "", "1"],
    ]


def files_below(folder):
    return [path for path in folder.rglob("*") if path.is_file()]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(*_args, **_options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    original = atomic._create

    def make(path):
        stream = original(path)
        monkeypatch.setattr(stream, "write", full)
        return stream

    monkeypatch.setattr(atomic, "_create", make)
    with pytest.raises(BadInput, match="No space left on device") as caught:
        write_result(make_result(), None, tmp_path)
    assert "\n" not in str(caught.value)
    assert not files_below(tmp_path)


def test_a_failed_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    write_atomically(path, b"old")
    monkeypatch.setattr(
        "repro.data.atomic.Path.replace", lambda *_: (_ for _ in ()).throw(OSError("torn"))
    )
    with pytest.raises(BadInput, match="torn"):
        write_atomically(path, b"new")
    assert files_below(tmp_path) == [path]
    assert path.read_bytes() == b"old"


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "out").write_text("I am a file")
    with pytest.raises(BadInput, match="choose another folder") as caught:
        write_result(make_result(), None, tmp_path / "out")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "out").read_text() == "I am a file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write")
def test_a_folder_without_permission_is_refused(tmp_path):
    (tmp_path / "out").mkdir(mode=0o500)
    with pytest.raises(BadInput, match="Permission denied"):
        write_result(make_result(), None, tmp_path / "out")


def test_environment_says_what_computed_it():
    found = environment("cpu")
    assert {"repro", "python", "torch", "numpy", "platform", "device", "commit"} <= set(found)
    assert found["device"] == "cpu"
    assert all(isinstance(value, str) or value is None for value in found.values())
