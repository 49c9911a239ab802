"""Blocks of HDF5 files: what they unpack to is known beforehand, or they are refused."""

import os
import struct
import subprocess
import sys
from pathlib import Path

import h5py
import hdf5plugin
import numpy as np
import pytest

from repro.data.hdf5 import check_dataset, open_hdf5
from repro.errors import BadInput

ROWS, BLOCK = 1000, 128  # the last block is not full
BLOSC = dict(hdf5plugin.Blosc(cname="zstd", clevel=5))
READ = """
import sys
from pathlib import Path
from repro.data.hdf5 import check_dataset, open_hdf5
from repro.errors import BadInput

def most():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))

with open_hdf5(sys.argv[1]) as small, open_hdf5(sys.argv[2]) as large:
    check_dataset("it", small["a"])
    small["a"][:]
    before = most()
    try:
        check_dataset("it", large["a"])
        large["a"][:]
    except BadInput as error:
        print(error)
print(most() - before)
"""


def values():
    return np.random.default_rng(0).integers(0, 5, ROWS).astype("f4")


def write(path, *, before=0, **options):
    with h5py.File(path, "w", userblock_size=before) as file:
        file.create_dataset("a", data=values(), chunks=(BLOCK,), **options)
    return path


def change(path, header, row=0):
    """Overwrite the numbers of a block's blosc header: its size, that of its parts, and packed."""
    with h5py.File(path, "r+") as file:
        dataset = file["a"]
        _, packed = dataset.id.read_direct_chunk((row,))
        old = struct.unpack_from("<3I", packed, 4)
        numbers = [b if a is None else a for a, b in zip(header, old, strict=True)]
        packed = packed[:4] + struct.pack("<3I", *numbers) + packed[16:]
        dataset.id.write_direct_chunk((row,), packed)


def read(path):
    with open_hdf5(path) as file:
        check_dataset("it", file["a"])
        return file["a"][:]


@pytest.mark.parametrize("before", [0, 512])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"compression": "gzip"},
        {"compression": "gzip", "shuffle": True, "fletcher32": True},
        {"shuffle": True},
        {"fletcher32": True},
        dict(hdf5plugin.BZip2()),
        *(dict(hdf5plugin.Blosc(cname=name)) for name in ("blosclz", "lz4", "lz4hc", "zlib")),
        BLOSC,
    ],
    ids=str,
)
def test_what_is_known_is_read(tmp_path, options, before):
    path = write(tmp_path / "a.h5", before=before, **options)
    np.testing.assert_array_equal(read(path), values())


def test_noise_that_blosc_cannot_pack_is_read(tmp_path):
    noise = np.frombuffer(np.random.default_rng(1).bytes(4 * ROWS), "u4")
    with h5py.File(tmp_path / "a.h5", "w") as file:
        made = file.create_dataset("a", data=noise, chunks=(BLOCK,), **BLOSC)
        # As a program may leave it that does without a filter which does not help.
        made.id.write_direct_chunk((0,), noise[:BLOCK].tobytes(), filter_mask=1)
    np.testing.assert_array_equal(read(tmp_path / "a.h5"), noise)


@pytest.mark.parametrize("before", [0, 512])
@pytest.mark.parametrize("row", [0, 7 * BLOCK])
@pytest.mark.parametrize(
    "header",
    [(2**29, None, None), (4 * BLOCK + 4, None, None), (64, None, None), (None, None, 2**20)],
    ids=["512 MB", "a number more", "fewer numbers", "more than is stored"],
)
def test_blosc_blocks_of_other_sizes_are_refused(tmp_path, header, row, before):
    path = write(tmp_path / "a.h5", before=before, **BLOSC)
    change(path, header, row)
    with pytest.raises(BadInput, match="it: /a unpacks to other than it declares: get it again"):
        read(path)


@pytest.mark.parametrize("mask", [0, 1])
def test_blosc_blocks_that_are_cut_short_are_refused(tmp_path, mask):
    path = write(tmp_path / "a.h5", **BLOSC)
    with h5py.File(path, "r+") as file:
        file["a"].id.write_direct_chunk((0,), b"\2\1\1\4\0\2\0\0", filter_mask=mask)
    with pytest.raises(BadInput, match="get it again"):
        read(path)


def test_headers_are_found_where_the_program_stands_elsewhere(tmp_path, monkeypatch):
    write(tmp_path / "a.h5", **BLOSC)
    monkeypatch.chdir(tmp_path)
    with open_hdf5("a.h5") as file:
        monkeypatch.chdir("/")
        check_dataset("it", file["a"])


def test_headers_are_read_where_there_is_no_pread(tmp_path, monkeypatch):
    path = write(tmp_path / "a.h5", **BLOSC)
    monkeypatch.delattr(os, "pread")
    np.testing.assert_array_equal(read(path), values())
    change(path, (2**29, None, None))
    with pytest.raises(BadInput, match="unpacks to other"):
        read(path)


@pytest.mark.skipif(sys.platform != "linux", reason="Linux tells how much memory was taken")
def test_a_block_that_unpacks_to_much_takes_no_memory(tmp_path):
    path, many = tmp_path / "b.h5", 2**25
    with h5py.File(path, "w") as file:
        whole = file.create_dataset("all", shape=(many,), chunks=(many,), dtype="f4", **BLOSC)
        whole[:1] = 1
        _, packed = whole.id.read_direct_chunk((0,))
        made = file.create_dataset("a", shape=(8192,), chunks=(8192,), dtype="f4", **BLOSC)
        made.id.write_direct_chunk((0,), packed)
    limited = 'ulimit -v 6000000; exec "$0" -c "$@"'
    small = write(tmp_path / "a.h5", **BLOSC)
    command = ["bash", "-c", limited, sys.executable, READ, str(small), str(path)]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    said = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    *lines, kilobytes = said.stdout.splitlines()
    assert int(kilobytes) < 20_000, "the block has 131,072"
    assert lines == ["it: /a unpacks to other than it declares: get it again"]


TWICE = "compressed twice: write it with zlib alone"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({**BLOSC, "shuffle": True}, TWICE),
        ({**BLOSC, "fletcher32": True}, TWICE),
        ({"compression": "lzf"}, "filter 32000: write it with zlib"),
        ({"scaleoffset": 0}, "filter 6: write it with zlib"),
        (dict(hdf5plugin.Blosc2()), "filter 32026: write it with zlib"),
        (dict(hdf5plugin.Zstd()), "filter 32015: write it with zlib"),
        (dict(hdf5plugin.LZ4()), "filter 32004: write it with zlib"),
    ],
    ids=str,
)
@pytest.mark.parametrize("remote", [False, True])
def test_other_filters_are_refused(tmp_path, options, reason, remote):
    path = write(tmp_path / "a.h5", **options)
    with open_hdf5(path) as file, pytest.raises(BadInput, match=reason):
        check_dataset("it", file["a"], remote=remote)


@pytest.mark.parametrize("codes", [(1, 1), (1, 2), (32001, 1), (1, 32001), (307, 1)])
def test_blocks_that_are_packed_twice_are_refused(tmp_path, codes):
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_chunk((BLOCK,))
    for code in codes:
        properties.set_filter(code, h5py.h5z.FLAG_OPTIONAL, (5,))
    space = h5py.h5s.create_simple((ROWS,))
    with h5py.File(tmp_path / "a.h5", "w") as file:
        h5py.h5d.create(file.id, b"a", h5py.h5t.NATIVE_FLOAT, space, properties)
    with open_hdf5(tmp_path / "a.h5") as file, pytest.raises(BadInput, match=TWICE):
        check_dataset("it", file["a"])
