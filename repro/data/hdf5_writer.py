"""Write HDF5 files whole or not at all, also where there is no room for them.

The HDF5 library cannot close a file that it could not write: it raises errors of its own from where
they cannot be caught, and may end the whole process.  So it writes through a file that never fails
in its eyes: the first error is kept, what is written after it goes nowhere, and the error is raised
where it is asked for.
"""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import RawIOBase
from pathlib import Path
from typing import Any

import h5py

from repro.data.atomic import replacing

__all__ = ["NewFile", "new_hdf5"]

# Of what is written after an error, the library reads its own tables again.
_SMALL = 1 << 16


@dataclass(frozen=True, eq=False)
class NewFile:
    """A file that is being written.

    Attributes:
        hdf5: The h5py file.
    """

    hdf5: Any
    _sink: "_Sink"

    def check(self) -> None:
        """Raise if something could not be written: after each part, for the rest is in vain.

        Raises:
            OSError: Whatever it was; :func:`new_hdf5` turns it into words.
        """
        if self._sink.error is not None:
            raise self._sink.error


@contextlib.contextmanager
def new_hdf5(path: Path) -> Iterator[NewFile]:
    """Give a new HDF5 file, which gets its name if all goes well.

    Raises:
        BadInput: If it cannot be written; nothing is left behind.
    """
    with replacing(path) as stream:
        sink = _Sink(stream.raw)  # type: ignore[attr-defined]
        with h5py.File(sink, "w") as file:
            yield NewFile(file, sink)
        if sink.error is not None:
            raise sink.error


@dataclass(eq=False)
class _Sink:
    """A file as h5py takes it, whose writes do not fail.

    Attributes:
        stream: Where the bytes go; not buffered, so that errors come at once.
        error: Why one of them did not get there.
    """

    stream: RawIOBase
    error: OSError | None = None
    _position: int = 0
    _end: int = 0
    _lost: dict[int, bytes] = field(default_factory=dict)

    def seek(self, offset: int, whence: int = 0) -> int:
        self._position = offset + (0, self._position, self._end)[whence]
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int) -> bytes:
        """Return what lies at the position."""
        content = bytearray(size)
        self.readinto(memoryview(content))
        return bytes(content)

    def readinto(self, buffer: memoryview) -> int:
        lost = self._lost.get(self._position)
        if lost is not None and len(lost) >= len(buffer):
            buffer[:] = lost[: len(buffer)]
            return len(buffer)
        self.stream.seek(self._position)
        got = 0
        while got < len(buffer) and (more := self.stream.readinto(buffer[got:])):
            got += more
        buffer[got:] = bytes(len(buffer) - got)
        return len(buffer)

    def write(self, data: memoryview) -> int:
        size = len(data)
        if self.error is None:
            with self._keeping():
                self.stream.seek(self._position)
                done = 0
                while done < size:
                    done += self.stream.write(data[done:]) or 0
        if self.error is not None and size < _SMALL:
            self._lost[self._position] = bytes(data)
        self._position += size
        self._end = max(self._end, self._position)
        return size

    def truncate(self, size: int | None = None) -> int:
        size = self._position if size is None else size
        if self.error is None:
            with self._keeping():
                self.stream.truncate(size)
        self._end = size
        return size

    def flush(self) -> None:
        """Nothing is held back."""

    @contextlib.contextmanager
    def _keeping(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.error = error
