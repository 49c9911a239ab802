"""Submissions to HEPData: nothing is left out, and HEPData's own validator takes them."""

import collections
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from repro.catalogue import PAPERS, find_item
from repro.fair.data_tables import make_tables
from repro.fair.hepdata import claim_units, make_submission
from repro.fair.leaves import Point, find_leaves
from repro.fair.yaml_text import to_yaml
from repro.results.document import Result

FIGURES = Path(__file__).resolve().parent.parent / "figures"
DOCUMENTS = sorted(path for paper in PAPERS for path in (FIGURES / paper).glob("*.json"))

numbers = st.integers(-(10**6), 10**6) | st.floats(allow_nan=False, allow_infinity=False)
names = st.text("abcdefgh_", min_size=1, max_size=5).filter(str.isidentifier)
# "1-2", "null", "1e5", "on", "2020-01-01": words that a reader of YAML may take for something else.
words = st.text() | st.sampled_from(["1-2", "null", "1e5", "on", "2020-01-01", "~", "a: b", "# c"])
documents = st.dictionaries(
    names,
    st.recursive(
        numbers | words | st.booleans(),
        lambda inner: st.lists(inner) | st.dictionaries(names, inner),
        max_leaves=20,
    ),
    min_size=1,
)


@given(documents)
def test_yaml_is_read_as_it_was_written(document):
    assert yaml.safe_load(to_yaml(document)) == document


@pytest.mark.parametrize("value", [math.nan, math.inf, None, object()])
def test_yaml_refuses_what_it_cannot_say(value):
    with pytest.raises(ValueError, match=r"no finite number|no place"):
        to_yaml({"values": [value]})


intervals = st.builds(
    lambda value, minus, plus: {"value": value, "interval": [value - minus, value + plus]},
    st.floats(-1e6, 1e6),
    st.floats(0, 1e3),
    st.floats(0, 1e3),
)
result_values = st.dictionaries(
    names.filter(lambda name: name not in ("rows", "columns", "value", "unit")),
    st.recursive(
        intervals | numbers | st.lists(numbers, min_size=1, max_size=4),
        lambda inner: st.dictionaries(
            names.filter(lambda name: name not in ("value", "unit")), inner, min_size=1, max_size=4
        ),
        max_leaves=15,
    ),
    min_size=1,
    max_size=4,
)


@given(result_values)
def test_every_number_is_in_one_table_once(values):
    assert numbers_in_tables(values) == numbers_in(values)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_every_number_of_a_committed_result_is_in_one_table_once(path):
    values = Result.from_json(path).values
    assert numbers_in_tables(values) == numbers_in(values)


def numbers_in(values):
    """All numbers of values, whatever their shape, but what is said of other numbers."""
    rows = {
        name: {key: in_row(cell) for key, cell in row.items()}
        for name, row in values.get("rows", {}).items()
    }
    rest = {key: entry for key, entry in values.items() if key not in ("columns", "rows")}
    return collections.Counter(map(float, walk({**rest, "rows": rows})))


def in_row(cell):
    """Lists in rows are words, as in the table."""
    if isinstance(cell, dict) and isinstance(cell.get("value"), list):
        return {key: entry for key, entry in cell.items() if key not in ("value", "interval")}
    return None if isinstance(cell, list) else cell


def walk(value):
    if isinstance(value, dict):
        said = value.keys() & {"value", "low", "high"}
        if "value" in value and not isinstance(value["value"], list | dict):
            value = {k: v for k, v in value.items() if k in ("value", "candidates", "shares")}
        elif said == value.keys() and len(said) == 3:
            value = {"value": value["value"]}
        value = list(value.values())
    if isinstance(value, list):
        for entry in value:
            yield from walk(entry)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def numbers_in_tables(values):
    found = collections.Counter()
    for table in make_tables(values):
        columns = [c for c in table.dependent if ", rank" not in c.name and ", of" not in c.name]
        columns = [column for column in columns if ", p-value" not in column.name]
        columns += [
            column
            for column in table.independent
            if column.name in ("background", "recall", "bound")
        ]
        for cell in (cell for column in columns for cell in column.values):
            if isinstance(cell["value"], int | float):
                found[float(cell["value"])] += 1
        bins = [column for column in table.independent if column.name == "bin"]
        for low, high in ((c["low"], c["high"]) for column in bins for c in column.values):
            found[float(low)] += 1
            found[float(high)] += 1
    # Inner edges end one bin and begin the next.
    for curve in (leaf for leaf in find_leaves(values) if not isinstance(leaf, Point)):
        for edge in curve.edges[1:-1]:
            found[float(edge)] -= 1
    return +found


@given(intervals)
def test_errors_lead_back_to_the_ends_of_the_interval(number):
    (table,) = make_tables({"auc": number})
    (cell,) = table.dependent[0].values
    for error in cell.get("errors", []):
        minus, plus = error["asymerror"]["minus"], error["asymerror"]["plus"]
        low, high = number["interval"]
        near = {"rel": 1e-9, "abs": 1e-9}
        assert cell["value"] + minus == pytest.approx(low, **near)
        assert cell["value"] + plus == pytest.approx(high, **near)


def test_classes_are_columns_with_a_qualifier():
    values = {"mad": {c: {"pt_0": {"value": v, "interval": [0.0, 1.0]}} for c, v in
                      (("qcd", 0.25), ("top", 0.5))}}  # fmt: skip
    (table,) = make_tables(values)
    assert [column.name for column in table.independent] == ["constituent feature"]
    assert [dict(column.qualifiers) for column in table.dependent] == [
        {"class": "qcd"},
        {"class": "top"},
    ]
    assert [column.values[0]["value"] for column in table.dependent] == [0.25, 0.5]


def test_a_rank_has_the_places_that_it_shares():
    number = {"value": 0.5, "interval": [0.4, 0.6], "rank": 2, "places": [1, 4], "unit": "logit"}
    (table,) = make_tables({"shap": {"pt_0": number, "pt_1": number}})
    value, rank = table.dependent
    assert value.units == "logit"
    assert rank.values[0]["errors"][0]["asymerror"] == {"minus": -1, "plus": 2}


def test_an_open_interval_has_no_end_and_an_infinite_number_its_bound():
    open_end = {"value": 5.0, "interval": [4.0, None]}
    bounded = {"value": None, "interval": [300.0, None]}
    (table,) = make_tables({"rejection": {"mbns": open_end, "pfn": bounded, "x": {"value": None}}})
    first, second, third = table.dependent[0].values
    assert first["errors"][0]["asymerror"] == {"minus": -1.0, "plus": ""}
    assert second == {"value": "> 300.0"}
    assert third == {"value": "-"}


def test_units_come_from_the_result_or_from_the_claims():
    assert claim_units("toptag/table1")["rows.baseline.auc"] == "%"
    (table,) = make_tables({"auc": {"a": 97.0, "b": 98.0}}, {"auc.a": "%"})
    assert table.dependent[0].units == "%"
    # Two units that are claimed in one column are no unit of it.
    (table,) = make_tables({"auc": {"a": 97.0, "b": 98.0}}, {"auc.a": "%", "auc.b": "GeV"})
    assert table.dependent[0].units == ""


def test_rows_of_a_table_keep_headings_units_and_lists():
    values = {
        "columns": {"auc": {"title": "AUC [%]"}, "hidden": {"title": "hidden nodes"}},
        "rows": {"v1": {"auc": 97.0, "hidden": [300, 102]}, "v2": {"auc": 96.0, "hidden": [8]}},
    }
    (table,) = make_tables(values)
    assert [(c.name, c.units) for c in table.dependent] == [("AUC", "%"), ("hidden nodes", "")]
    assert table.dependent[1].values[0] == {"value": "300, 102"}


def validate(folder):
    """HEPData's own check, in a process of its own: it warns of what it uses."""
    command = [str(Path(sys.executable).parent / "hepdata-validate"), "-d", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, timeout=280, check=False)


def test_hepdata_would_say_what_it_does_not_take(tmp_path):
    pytest.importorskip("hepdata_validator")
    files = make_submission("toptag", [Result.from_json(FIGURES / "toptag" / "fig05.json")], {})
    for name, content in files.items():
        (tmp_path / name).write_bytes(content.replace(b"dependent_variables", b"variables"))
    assert validate(tmp_path).returncode != 0


@pytest.mark.slow
@pytest.mark.parametrize("paper", PAPERS)
def test_hepdata_takes_the_committed_results(paper, tmp_path):
    pytest.importorskip("hepdata_validator")
    results = [Result.from_json(path) for path in DOCUMENTS if path.parent.name == paper]
    pictures = {
        result.item: {"png": (FIGURES / paper / f"{find_item(result.item).stem}.png").read_bytes()}
        for result in results
        if (FIGURES / paper / f"{find_item(result.item).stem}.png").exists()
    }
    files = make_submission(paper, results, pictures)
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    done = validate(tmp_path)
    assert done.returncode == 0, done.stdout[-3000:]
    assert done.stdout.count("is valid HEPData data YAML") == len(
        [name for name in files if name.endswith(".yaml")]
    ) - len(["submission.yaml"])
    assert make_submission(paper, results, pictures) == files
    claims = [claim for result in results for claim in result.claims]
    tables = [yaml.safe_load(text) for name, text in files.items() if name.endswith("_claims.yaml")]
    judged = [
        v for t in tables for v in t["dependent_variables"] if v["header"]["name"] == "verdict"
    ]
    counted = collections.Counter(cell["value"] for v in judged for cell in v["values"])
    assert counted == collections.Counter(claim["verdict"] for claim in claims)


def test_a_user_s_jets_are_of_no_known_reaction():
    result = Result.from_json(FIGURES / "toptag" / "fig05.json")
    document = result.document() | {"data": result.data | {"source": "path", "id": "mine.h5"}}
    path_result = Result(**{k: v for k, v in document.items() if k not in ("schema", "evidence")},
                         evidence=result.evidence)  # fmt: skip
    known, unknown = (
        make_submission("toptag", [entry], {})["submission.yaml"].decode()
        for entry in (result, path_result)
    )
    assert "TOPBAR" in known
    assert "TOPBAR" not in unknown
    assert json.dumps("reactions") not in unknown
