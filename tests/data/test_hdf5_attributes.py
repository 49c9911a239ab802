"""Attributes: text and numbers are read, and heaps that HDF5 would walk for ever are not."""

import struct

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data import hdf5_attributes
from repro.data.hdf5_attributes import read_attributes

TEXTS = {"short": "abc", "long": "x" * 5000, "empty": "", "other": "Δ" * 11}
LISTS = np.empty(1, dtype=h5py.vlen_dtype(int))
LISTS[0] = np.arange(2)
HEAP = b"GCOL\x01\x00\x00\x00"


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.attrs.update(TEXTS)
        file.attrs["number"], file.attrs["flag"] = 7, np.bool_(True)
        file.attrs["bytes"], file.attrs["numbers"] = np.bytes_(b"fixed"), np.arange(3.0)
        # Bytes of an array that look like heaps, and are none.
        some = HEAP + struct.pack("<Q", 2**63) + HEAP + bytes(16) + HEAP
        file.create_dataset("a", data=np.frombuffer(some, np.uint8))
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
    [
        np.array([(1, 2.0)], dtype=[("a", "i4"), ("b", "f8")]),
        LISTS,
        np.void(b"opaque"),
    ],
    ids=["compound", "lists", "opaque"],
)
def test_other_kinds_are_refused(path, value):
    with h5py.File(path, "r+") as file:
        file.attrs.create("other kind", value)
        with pytest.raises(ValueError, match="neither text nor numbers"):
            read_attributes(file, "short", "other kind")
        assert read_attributes(file, "short") == {"short": "abc"}


def spoil(path, *, length, number=0):
    """Write another length of an object of the first heap."""
    content = bytearray(path.read_bytes())
    place = content.index(HEAP) + 16
    while (found := struct.unpack_from("<H6xQ", content, place))[0] != number:
        place += 16 + (found[1] + 7) // 8 * 8
    struct.pack_into("<Q", content, place + 8, length)
    path.write_bytes(content)


@pytest.mark.parametrize("length", [0, 1, 8, 15, 2**40])
def test_free_space_that_leads_nowhere_is_refused(path, length):
    spoil(path, length=length)
    with h5py.File(path) as file:
        with pytest.raises(ValueError, match="a heap is damaged"):
            read_attributes(file, "short")
        # No text of any length, no heap.
        assert read_attributes(file, "number", "bytes") == {"number": 7, "bytes": b"fixed"}


@pytest.mark.parametrize("length", [2**64 - 1, 2**64 - 16, 2**64 - 4096, 2**32])
def test_text_that_leads_back_is_refused(path, length):
    spoil(path, length=length, number=1)
    with h5py.File(path) as file, pytest.raises(ValueError, match="a heap is damaged"):
        read_attributes(file, "short")


def test_a_heap_is_found_wherever_it_lies(path, monkeypatch):
    """Also where it begins in one piece of the file and ends in the next."""
    spoil(path, length=0)
    start = path.read_bytes().index(HEAP)
    for more in range(-1, len(HEAP)):
        monkeypatch.setattr(hdf5_attributes, "_AT_ONCE", start + more)
        with h5py.File(path) as file, pytest.raises(ValueError, match="a heap is damaged"):
            read_attributes(file, "short")


def test_a_heap_that_is_too_large_is_refused(path, monkeypatch):
    monkeypatch.setattr(hdf5_attributes, "_LARGEST_HEAP", 1000)
    with h5py.File(path) as file, pytest.raises(ValueError, match="too large"):
        read_attributes(file, "short")


def test_so_are_more_objects_than_there_can_be(path, monkeypatch):
    monkeypatch.setattr(hdf5_attributes, "_MOST_OBJECTS", 3)
    with h5py.File(path) as file, pytest.raises(ValueError, match=r"damaged|too many"):
        read_attributes(file, "short")


def test_what_is_read_by_its_address_is_not_looked_through(path):
    spoil(path, length=0)
    with path.open("rb") as stream, h5py.File(stream) as file:
        assert read_attributes(file, "number") == {"number": 7}
        assert file.driver != "sec2"


@pytest.mark.timeout(120)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(position=st.integers(0, 4095), change=st.binary(min_size=1, max_size=8))
def test_whatever_a_heap_holds_reading_it_ends(path, position, change):
    """HDF5 cannot be interrupted: were it to walk for ever, this would time out."""
    content = bytearray(path.read_bytes())
    start = content.index(HEAP) + position
    content[start : start + len(change)] = change
    spoiled = path.with_name("spoiled.h5")
    spoiled.write_bytes(content)
    with h5py.File(spoiled) as file:
        try:
            found = read_attributes(file, *TEXTS)
        except (ValueError, OSError, RuntimeError, KeyError):
            return
        assert set(found) == set(TEXTS)
