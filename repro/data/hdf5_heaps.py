"""Global heaps of HDF5 files: they are walked here before HDF5 walks them.

Text of any length, and what virtual arrays consist of, lie in heaps: runs of objects that state
their lengths.  HDF5 (2.0) steps from one to the next without end where one states none, as soon as
an array is looked at, and nothing but the end of the process stops it.

Source: HDF5 File Format Specification, sections II.A, superblock, and III.E, global heap.
"""

import functools
import os
import struct
from collections.abc import Iterator
from os import PathLike
from pathlib import Path
from typing import BinaryIO

from repro.errors import BadInput

__all__ = ["check_heaps"]

_FILE, _HEAP = b"\x89HDF\r\n\x1a\n", b"GCOL\x01"
_LENGTHS = {2: struct.Struct("<H"), 4: struct.Struct("<I"), 8: struct.Struct("<Q")}
_AT_ONCE = 2**20
_MOST_OBJECTS = 2**20


def check_heaps(path: str | PathLike[str]) -> None:
    """Make sure that HDF5 can walk every heap of a file to its end.

    All of the file is read, once for as long as it stays as it is: whether there are heaps is not
    known before.  What is no HDF5 file is left to HDF5.

    Raises:
        BadInput: If an object of a heap does not lead to the next one, or there are more of them
            than files of jets have.
        OSError: If the file cannot be read.
    """
    found = Path(path).stat()
    _check(os.fspath(path), (found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns))


@functools.lru_cache(maxsize=256)
def _check(path: str, state: tuple[int, int, int, int]) -> None:
    with Path(path).open("rb", buffering=0) as file:
        length, size = _length(file), state[2]
        if length is None:
            return
        left = _MOST_OBJECTS
        for start in _starts(file, size):
            extent = _number(length, _read(file, start + 8, length.size))
            left -= 1
            # HDF5 refuses what does not fit into the file, or these bytes are no heap.
            if extent is not None and extent <= size - start:
                walked = _walk(file, range(start, start + extent), length, left)
                if walked is None:
                    raise BadInput(f"{path} is damaged: get it again")
                left -= walked
            if left < 0:
                raise BadInput(f"{path} has more texts than files of jets have")


def _length(file: BinaryIO) -> struct.Struct | None:
    """Return how lengths are stored; None if HDF5 will not open this."""
    start, size = 0, os.fstat(file.fileno()).st_size
    while start + len(_FILE) <= size:
        head = _read(file, start, 16)
        if head.startswith(_FILE) and len(head) == 16:
            old = head[8] < 2
            return _LENGTHS.get(head[14 if old else 10])
        start = max(2 * start, 512)
    return None


def _starts(file: BinaryIO, size: int) -> Iterator[int]:
    """Yield where heaps seem to begin."""
    for start in range(0, size, _AT_ONCE):
        some = _read(file, start, _AT_ONCE + len(_HEAP) - 1)
        place = some.find(_HEAP)
        while place >= 0:
            yield start + place
            place = some.find(_HEAP, place + 1)


def _walk(file: BinaryIO, heap: range, length: struct.Struct, most: int) -> int | None:
    """Return how many objects a heap has, or one more than ``most``.

    None if one does not lead to the next, or to the end.
    """
    head = -(-(8 + length.size) // 8) * 8
    place, count = heap.start + head, 0
    while place + head <= heap.stop and count <= most:
        some = _read(file, place, 8 + length.size)
        stated = _number(length, some[8:])
        if stated is None:
            return None
        # Object 0 is what is free, and states its whole length.
        needed = stated if some[:2] == b"\0\0" else head + -(-stated // 8) * 8
        place, count = place + needed, count + 1
        if needed < head or place > heap.stop:
            return None
    return count


def _number(length: struct.Struct, some: bytes) -> int | None:
    return int(length.unpack(some)[0]) if len(some) == length.size else None


def _read(file: BinaryIO, start: int, size: int) -> bytes:
    file.seek(start)
    return file.read(size)
