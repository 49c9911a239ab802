"""Measured jets: what rounding does, files of them, and every command that reads these."""

import json
from unittest import mock

import h5py
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from measured_toys import measured_toys

from repro.cli import main
from repro.data.hbb import measured_file
from repro.data.hbb.derived import derive
from repro.data.hbb.measured import KINDS, Column, columns_of, join_measured
from repro.data.hbb.measured_file import MeasuredTable, write_measured
from repro.data.hbb.opening import open_table
from repro.data.hbb.outside import is_record_file
from repro.errors import BadInput

COLUMNS = [(kind, column) for kind in KINDS for column in columns_of(kind)]
SPREAD = st.floats(-1e6, 1e6, allow_nan=False).filter(lambda v: v == 0 or abs(v) > 1e-30)


def assert_same(first, second):
    for kind in KINDS:
        for name, column in first.values(kind).items():
            np.testing.assert_array_equal(column, second.values(kind)[name], err_msg=name)
    for kind, counts in first.counts.items():
        np.testing.assert_array_equal(counts, second.counts[kind])


@pytest.fixture(scope="module")
def jets():
    return measured_toys(40, seed=8).rounded()


@pytest.fixture
def path(jets, tmp_path):
    write_measured(tmp_path / "jets.h5", [jets.take(slice(25)), jets.take(slice(25, None))], {})
    return tmp_path / "jets.h5"


@given(value=SPREAD, bits=st.integers(2, 24))
def test_rounding_keeps_the_bits_that_it_says(value, bits):
    column = Column("any", "", bits=bits)
    kept = float(column.round(np.array([value]))[0])
    assert abs(kept - value) <= abs(value) * 2.0**-bits * (1 + 1e-6)
    assert float(column.round(np.array([kept]))[0]) == kept
    assert float(column.round(np.array([-value]))[0]) == -kept


@given(value=st.floats(-3.9, 3.9))
def test_steps_are_as_wide_as_they_say(value):
    column = next(c for _, c in COLUMNS if c.name == "phi")
    kept = float(column.round(np.array([value]))[0])
    assert abs(kept - value) <= column.step / 2
    assert float(column.round(np.array([kept]))[0]) == kept


def test_every_number_is_rounded_or_whole():
    for _, column in COLUMNS:
        whole = np.dtype(column.dtype).kind in "iu"
        assert whole == (column.bits is None), column.name


def test_features_hardly_move_by_rounding():
    raw = measured_toys(60, seed=2)
    coarse = {c.name for c in columns_of("tracks") if c.bits == 5}
    assert len(coarse) == 6  # those parts of the covariance from which nothing else follows
    for kind in ("tracks", "vertices"):
        exact, rounded = derive(raw, kind).astype(float), derive(raw.rounded(), kind)
        moved = np.sqrt(((rounded - exact) ** 2).mean(axis=(0, 2))) / exact.std(axis=(0, 2))
        assert 0 < moved.max() < 0.02
        assert (moved > 0.004).sum() <= (6 if kind == "tracks" else 0)


def test_taken_jets_are_those_asked_for(jets):
    rows = np.array([7, 3, 3, 39])
    for kind in ("tracks", "vertices", "spectators"):
        np.testing.assert_array_equal(derive(jets.take(rows), kind), derive(jets, kind)[rows])
    assert_same(join_measured([jets.take(slice(9)), jets.take(slice(9, None))]), jets)


def test_file_gives_the_jets_back(jets, path):
    with MeasuredTable.open(path) as table:
        assert_same(table.read_measured(0, 40), jets)
        assert_same(table.read_measured(11, 30), jets.take(slice(11, 30)))
        whole = table.read_jets()
    for kind in ("tracks", "vertices", "spectators"):
        np.testing.assert_array_equal(getattr(whole, kind), derive(jets, kind))
    np.testing.assert_array_equal(whole.labels, jets.jets["is_higgs"])
    neither = (jets.jets["is_higgs"] == 0) & (jets.jets["is_qcd"] == 0)
    assert neither.any()
    np.testing.assert_array_equal(whole.unlabelled, neither)


def test_same_jets_give_the_same_bytes(jets, path, tmp_path):
    write_measured(tmp_path / "again.h5", [jets], {})
    assert (tmp_path / "again.h5").read_bytes() == path.read_bytes()


def test_file_says_how_it_was_made(jets, tmp_path):
    write_measured(tmp_path / "jets.h5", [jets], {"seed": 3})
    with MeasuredTable.open(tmp_path / "jets.h5") as table:
        assert table.recipe == {"seed": 3}


def test_opening_knows_the_file(path):
    assert is_record_file(path)
    with open_table(path) as table:
        assert isinstance(table, MeasuredTable)
        assert len(table) == 40


def test_convert_makes_a_processed_file_with_the_same_jets(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["convert", "jets.h5", "--out", "processed.h5", "-q"]) == 0
    with open_table(path) as measured, open_table("processed.h5") as processed:
        assert type(processed) is not type(measured)
        assert processed.feature_sets == ("tracks", "vertices")
        first, second = measured.read_jets(), processed.read_jets()
    for name in ("tracks", "vertices", "spectators", "labels", "unlabelled"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    # What is converted can be converted.
    assert main(["convert", "processed.h5", "--out", "again.h5", "-q"]) == 0


def test_no_jets_are_no_file(tmp_path):
    with pytest.raises(BadInput, match="no jets to write"):
        write_measured(tmp_path / "jets.h5", [], {})
    assert not list(tmp_path.iterdir())


def test_nothing_is_left_of_a_file_that_fails(jets, tmp_path):
    full = mock.patch.object(measured_file, "columns_of", side_effect=OSError("full"))
    with full, pytest.raises(BadInput):
        write_measured(tmp_path / "jets.h5", [jets], {})
    assert not list(tmp_path.iterdir())


def _forget_column(file):
    del file["measured/tracks/dxy"]


def _shorten_column(file):
    values = file["measured/tracks/dxy"][:-1]
    del file["measured/tracks/dxy"]
    file["measured/tracks/dxy"] = values


def _other_type(file):
    values = file["measured/jets/pt"][:].astype(np.float64)
    del file["measured/jets/pt"]
    file["measured/jets/pt"] = values


def _other_format(file):
    file.attrs["format"] = "repro measured jets 0"


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (_forget_column, "measured/tracks/dxy"),
        (_shorten_column, "measured/tracks/dxy"),
        (_other_type, "measured/jets/pt"),
        (_other_format, "another version"),
    ],
)
def test_damaged_files_are_told_in_one_line(path, damage, said):
    with h5py.File(path, "r+") as file:
        damage(file)
    with pytest.raises(BadInput, match=said) as told:
        open_table(path)
    assert "\n" not in str(told.value)


def test_recipe_that_is_no_json(path):
    with h5py.File(path, "r+") as file:
        file.attrs["repro"] = "{"
    with MeasuredTable.open(path) as table, pytest.raises(BadInput, match="damaged"):
        json.dumps(table.recipe)
