"""Attributes: one text and numbers are read, and nothing else."""

import h5py
import numpy as np
import pytest

from repro.data.hdf5_attributes import read_attributes

TEXTS = {"short": "abc", "long": "x" * 5000, "empty": "", "other": "Δ" * 11}
LISTS = np.empty(1, dtype=h5py.vlen_dtype(int))
LISTS[0] = np.arange(2)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(TEXTS)
        file.attrs["number"], file.attrs["flag"] = 7, np.bool_(True)
        file.attrs["bytes"], file.attrs["numbers"] = np.bytes_(b"fixed"), np.arange(3.0)
        file.create_dataset("a", data=np.arange(3))
    return path


def test_what_is_there_is_read(path):
    with h5py.File(path) as file:
        found = read_attributes(file, *TEXTS, "number", "flag", "bytes", "numbers", "nothing")
        assert {name: found[name] for name in TEXTS} == TEXTS
        assert (found["number"], found["flag"], found["bytes"]) == (7, True, b"fixed")
        np.testing.assert_array_equal(found["numbers"], [0, 1, 2])
        assert "nothing" not in found
        assert read_attributes(file["a"], "short") == {}


@pytest.mark.parametrize(
    "value",
    [np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]), LISTS, np.void(b"opaque")],
    ids=["compound", "lists", "opaque"],
)
def test_other_kinds_are_refused(path, value):
    with h5py.File(path, "r+") as file:
        file.attrs.create("other kind", value)
        with pytest.raises(ValueError, match="neither text nor numbers"):
            read_attributes(file, "short", "other kind")
        assert read_attributes(file, "short") == {"short": "abc"}


def test_one_text_that_counts_as_many_is_refused(path):
    with h5py.File(path, "r+") as file:
        file.attrs.create("many", ["abc"] * 200, dtype=h5py.string_dtype())
        with pytest.raises(ValueError, match="more than one text"):
            read_attributes(file, "many")


def test_numbers_beyond_a_megabyte_are_refused(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w", libver="latest", track_order=True) as file:
        file.attrs.create("numbers", np.zeros(2**17 + 1))
        with pytest.raises(ValueError, match="neither text nor numbers"):
            read_attributes(file, "numbers")
