"""Heaps that HDF5 would walk for ever are refused, and all that it writes is not."""

import os
import struct
import subprocess
import sys

import h5py
import numpy as np
import pytest
from heaps import HEAP, spoil
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from repro.data import hdf5_heaps
from repro.data.hbb.opening import open_table
from repro.data.hdf5 import check_dataset, open_hdf5
from repro.data.hdf5_heaps import check_heaps
from repro.errors import BadInput

VERSIONS = ("earliest", "latest")


def write(path, *, libver="earliest", texts=4, userblock=0):
    """Write a file with texts in heaps, and numbers that look like heaps and are none."""
    size = {"userblock_size": userblock} if userblock else {}
    with h5py.File(path, "w", libver=libver, **size) as file:
        for number in range(texts):
            file.attrs[f"text {number}"] = "x" * (number * 1500)
        some = HEAP + struct.pack("<Q", 2**63) + HEAP + bytes(16) + HEAP
        file.create_dataset("a", data=np.frombuffer(some, np.uint8))
    return path


@pytest.mark.parametrize("libver", VERSIONS)
@pytest.mark.parametrize("userblock", [0, 512, 2048])
def test_files_of_hdf5_are_taken(tmp_path, libver, userblock):
    path = write(tmp_path / "a.h5", libver=libver, userblock=userblock)
    with open_hdf5(path) as file:
        assert file.attrs["text 2"] == "x" * 3000
    with h5py.File(path, "r+") as file:
        for number in range(3000):
            file.attrs["text 1"] = "y" * (number % 50)
        del file.attrs["text 2"]
    check_heaps(path)


def test_a_table_of_many_texts_is_no_damage(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("names", data=[str(n) for n in range(70_000)])
    check_heaps(tmp_path / "a.h5")


@pytest.mark.parametrize("libver", VERSIONS)
@pytest.mark.parametrize("length", [0, 1, 8, 15, 2**40])
def test_free_space_that_leads_nowhere_is_refused(tmp_path, libver, length):
    path = spoil(write(tmp_path / "a.h5", libver=libver), length=length)
    with pytest.raises(BadInput, match="is damaged"):
        open_hdf5(path)


@pytest.mark.parametrize("length", [2**64 - 1, 2**64 - 16, 2**64 - 4096, 2**32])
def test_text_that_leads_back_is_refused(tmp_path, length):
    path = spoil(write(tmp_path / "a.h5"), length=length, number=1)
    with pytest.raises(BadInput, match="is damaged"):
        open_hdf5(path)


@pytest.mark.parametrize("libver", VERSIONS)
def test_virtual_arrays_that_lie_in_such_a_heap_are_refused(tmp_path, libver):
    """HDF5 walks it as soon as it is asked what kind of object the array is."""
    layout = h5py.VirtualLayout(shape=(4,), dtype="f4")
    layout[...] = h5py.VirtualSource("other.h5", "px", shape=(4,))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w", libver=libver) as file:
        file.create_virtual_dataset("measured", layout)
    spoil(path, length=0)
    for opened in (open_hdf5, open_table):
        with pytest.raises(BadInput, match="is damaged"):
            opened(path)


def test_tables_with_values_of_any_length_are_refused(tmp_path):
    kind = np.dtype([("x", "f4"), ("name", h5py.string_dtype())])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("a", data=np.array([(1, "b")], dtype=kind))
        with pytest.raises(BadInput, match="of no fixed size"):
            check_dataset("it", file["a"])


def test_a_heap_is_found_wherever_it_lies(tmp_path, monkeypatch):
    """Also where it begins in one piece of the file and ends in the next."""
    path = spoil(write(tmp_path / "a.h5"), length=0)
    start = path.read_bytes().index(HEAP)
    for more in range(-1, len(HEAP)):
        monkeypatch.setattr(hdf5_heaps, "_AT_ONCE", start + more)
        hdf5_heaps._check.cache_clear()
        with pytest.raises(BadInput, match="is damaged"):
            check_heaps(path)


def test_a_file_is_looked_through_once_and_again_when_it_changed(tmp_path, monkeypatch):
    seen = []
    starts = hdf5_heaps._starts
    monkeypatch.setattr(hdf5_heaps, "_starts", lambda *given: seen.append(given) or starts(*given))
    path = write(tmp_path / "a.h5")
    check_heaps(path)
    check_heaps(path)
    assert len(seen) == 1
    spoil(path, length=0)
    os.utime(path, ns=(1, 1))
    with pytest.raises(BadInput):
        check_heaps(path)


def test_what_is_no_hdf5_file_is_left_to_hdf5(tmp_path):
    for content in (b"", HEAP * 1000, b"\x89HDF\r\n\x1a\n"):
        path = tmp_path / "a.h5"
        path.write_bytes(content)
        check_heaps(path)


def test_looking_ends_soon_whatever_there_is(tmp_path):
    """Heaps within heaps, as many objects as fit, and signatures alone."""
    start = write(tmp_path / "a.h5").read_bytes()
    extent, count = 2**20, 2**17
    within = HEAP + struct.pack("<QH6xQ", extent, 1, extent - 32)
    object_ = struct.pack("<H6xQ", 1, 8) + bytes(8)
    bodies = {
        "overlapping": (count * within + bytes(extent), 0),
        "many": ((HEAP + struct.pack("<Q", 4096) + object_ * 170) * 8000, 1),
        "signatures": (HEAP * 2**22, 1),
    }
    for kind, (body, code) in bodies.items():
        path = tmp_path / f"{kind}.h5"
        path.write_bytes(start + body)
        program = f"from repro.data.hdf5_heaps import check_heaps; check_heaps({str(path)!r})"
        words = [sys.executable, "-c", program]
        done = subprocess.run(words, timeout=60, check=False, capture_output=True, text=True)
        assert done.returncode == code, kind
        assert code == 0 or "more texts than files of jets have" in done.stderr, kind


READ = """
import sys
from pathlib import Path
from repro.data.hdf5 import open_hdf5
from repro.data.hdf5_attributes import read_attributes
from repro.errors import BadInput

for path in sorted(Path(sys.argv[1]).iterdir()):
    print(path.name, flush=True)
    try:
        with open_hdf5(path) as file:
            read_attributes(file, "text 0", "text 1", "text 2", "text 3")
    except (BadInput, ValueError, OSError, RuntimeError, KeyError):
        pass
print("end")
"""


@settings(
    max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    changes=st.lists(
        st.tuples(st.integers(0, 4095), st.binary(min_size=1, max_size=8)),
        min_size=100,
        max_size=100,
    )
)
def test_whatever_a_heap_holds_reading_it_ends(tmp_path_factory, changes):
    """HDF5 cannot be interrupted: it reads in a process that can be killed."""
    folder = tmp_path_factory.mktemp("spoiled")
    content = write(tmp_path_factory.mktemp("whole") / "a.h5").read_bytes()
    start = content.index(HEAP)
    for number, (position, change) in enumerate(changes):
        spoiled = bytearray(content)
        place = start + position
        spoiled[place : place + len(change)] = change
        (folder / f"{number:03}.h5").write_bytes(spoiled)
    words = [sys.executable, "-c", READ, str(folder)]
    done = subprocess.run(words, timeout=60, check=False, capture_output=True, text=True)
    assert done.stdout.endswith("end\n"), done.stdout[-20:] + done.stderr
