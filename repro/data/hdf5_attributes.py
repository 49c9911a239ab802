"""Attributes of HDF5 files, of text and numbers alone.

Text of any length lies in global heaps, each a run of objects that state their lengths.  HDF5 (2.0)
steps from one to the next without end where one states none, and nothing can stop it.  So heaps are
looked through before such text is read.

Source: HDF5 File Format Specification, section III.E, global heap.
"""

import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import h5py

__all__ = ["read_attributes"]

_PLAIN = (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.ENUM, h5py.h5t.BITFIELD, h5py.h5t.STRING)
_SIGNATURE = b"GCOL\x01"
_LENGTHS = {2: struct.Struct("<H"), 4: struct.Struct("<I"), 8: struct.Struct("<Q")}
_AT_ONCE = 2**24
_LARGEST_HEAP = 2**26
_MOST_OBJECTS = 2**16  # what their numbers can tell apart


def read_attributes(place: Any, *names: str) -> dict[str, Any]:  # noqa: ANN401  # h5py is untyped
    """Return those of some attributes that a file, group or array has.

    Raises:
        ValueError: If one is neither text nor numbers, or what holds the text is damaged.
    """
    found = [name for name in names if name in place.attrs]
    types = [h5py.h5a.open(place.id, name.encode()).get_type() for name in found]
    if any(kind.get_class() not in _PLAIN for kind in types):
        raise ValueError("attributes are neither text nor numbers")
    if any(isinstance(kind, h5py.h5t.TypeStringID) and kind.is_variable_str() for kind in types):
        _check_heaps(place.file)
    return {name: place.attrs[name] for name in found}


def _check_heaps(file: Any) -> None:  # noqa: ANN401  # h5py is untyped
    """Raise if the objects of a heap do not follow each other to its end.

    Files that are read by their address are not looked through: that would be all of their bytes.
    """
    if file.driver != "sec2":
        return
    length = _LENGTHS.get(file.id.get_create_plist().get_sizes()[1])
    if length is None:
        raise ValueError("lengths are stored in an unknown way")
    objects = 0
    with Path(file.filename).open("rb") as handle:
        for heap in _heaps(handle, length):
            objects += _count_objects(heap, length)
            if objects > _MOST_OBJECTS:
                raise ValueError("heaps have too many objects")


def _heaps(handle: BinaryIO, length: struct.Struct) -> Iterator[bytes]:
    """Yield what lies where heaps seem to begin, and fits into the file; HDF5 refuses others.

    Raises:
        ValueError: If one is too large to be looked at.
    """
    size = os.fstat(handle.fileno()).st_size
    for start in range(0, size, _AT_ONCE):
        some = _read(handle, start, _AT_ONCE + len(_SIGNATURE) - 1)
        place = some.find(_SIGNATURE)
        while place >= 0:
            header = _read(handle, start + place, 8 + length.size)
            if len(header) == 8 + length.size:
                (extent,) = length.unpack_from(header, 8)
                if extent <= min(size - start - place, _LARGEST_HEAP):
                    yield _read(handle, start + place, extent)
                elif extent <= size - start - place:
                    raise ValueError("a heap is too large")
            place = some.find(_SIGNATURE, place + 1)


def _count_objects(heap: bytes, length: struct.Struct) -> int:
    """Return how many objects a heap has.

    Raises:
        ValueError: If one does not lead to the next, or to the end.
    """
    head = _aligned(8 + length.size)
    place, count = head, 0
    while place + head <= len(heap):
        (number,) = struct.unpack_from("<H", heap, place)
        (stated,) = length.unpack_from(heap, place + 8)
        # Object 0 is what is free, and states its whole length.
        needed = head + _aligned(stated) if number else stated
        place, count = place + needed, count + 1
        if needed < head or place > len(heap) or count > _MOST_OBJECTS:
            raise ValueError("a heap is damaged")
    return count


def _aligned(size: int) -> int:
    return -(-size // 8) * 8


def _read(handle: BinaryIO, start: int, size: int) -> bytes:
    handle.seek(start)
    return handle.read(size)
