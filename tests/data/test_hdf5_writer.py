"""HDF5 files where there is no room: an error in words, and a process that goes on."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from repro.data import hdf5_writer
from repro.data.hdf5_writer import new_hdf5
from repro.errors import BadInput


def fill(file):
    """Groups, packed chunks, and a table that grows: much that the library writes late."""
    random = np.random.default_rng(0)
    for i in range(8):
        values = random.normal(size=(500, 20)).astype(np.float32)
        file.create_dataset(f"g{i}/a", data=values, chunks=(100, 20), compression=4, shuffle=True)
    table = file.create_dataset("t", (0, 30), np.float64, maxshape=(None, 30), chunks=(64, 30))
    for _ in range(20):
        start = len(table)
        table.resize(start + 101, axis=0)
        table[start:] = random.normal(size=(101, 30))
    file.attrs["text"] = "t" * 3000


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    path = tmp_path_factory.mktemp("plain") / "plain.h5"
    with h5py.File(path, "w") as file:
        fill(file)
    return path.read_bytes()


def test_bytes_are_those_of_the_library(tmp_path, plain):
    with new_hdf5(tmp_path / "a.h5") as new:
        fill(new.hdf5)
        new.check()
    assert (tmp_path / "a.h5").read_bytes() == plain


@pytest.mark.parametrize("share", [0.0, 0.001, 0.1, 0.5, 0.9, 0.999])
def test_no_room_is_one_line_and_leaves_nothing(tmp_path, monkeypatch, plain, share):
    limit = int(share * len(plain))
    write = hdf5_writer._Sink.write

    class Full:
        """A stream on a disk with so much room."""

        def __init__(self, stream):
            self._stream = stream

        def __getattr__(self, name):
            return getattr(self._stream, name)

        def write(self, data):
            if self._stream.tell() + len(data) > limit:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return self._stream.write(data)

    def limited(self, data):
        if not isinstance(self.stream, Full):
            self.stream = Full(self.stream)
        return write(self, data)

    monkeypatch.setattr(hdf5_writer._Sink, "write", limited)
    with (
        pytest.raises(BadInput, match="No space left on device; make room") as caught,
        new_hdf5(tmp_path / "a.h5") as new,
    ):
        fill(new.hdf5)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.iterdir())


_LIMITED = """
import resource, signal, sys
from pathlib import Path
from test_hdf5_writer import fill
from repro.data.hdf5_writer import new_hdf5
from repro.errors import BadInput

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
for limit in range(int(sys.argv[2]), 0, -40_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    try:
        with new_hdf5(Path(sys.argv[1])) as new:
            fill(new.hdf5)
    except BadInput as error:
        assert "File too large; make room" in str(error), error
    else:
        raise AssertionError(limit)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no limits")
def test_a_real_limit_at_many_places(tmp_path, plain):
    """The library itself ends the process with SIGSEGV here, after errors nobody can catch."""
    words = [sys.executable, "-c", _LIMITED, str(tmp_path / "a.h5"), str(len(plain) - 1)]
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    done = subprocess.run(
        words, env=os.environ | {"PYTHONPATH": path}, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert not list(tmp_path.iterdir())


def test_what_is_written_is_not_written_on_after_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(hdf5_writer._Sink, "write", _fail)
    parts = iter(range(10))
    with pytest.raises(BadInput):
        write_parts(tmp_path / "a.h5", parts)
    assert next(parts) == 1


def write_parts(path, parts):
    with new_hdf5(path) as new:
        for part in parts:
            new.hdf5.create_dataset(f"d{part}", data=np.zeros(100_000))
            new.check()


def _fail(sink, data):
    sink.error = sink.error or OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    sink._position += len(data)
    sink._end = max(sink._end, sink._position)
    return len(data)
