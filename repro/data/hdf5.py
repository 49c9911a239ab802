"""What readers of HDF5 files have in common: they are opened and looked at here.

An HDF5 file can lead to others (links, virtual arrays, raw data kept elsewhere), can declare
arrays of any size without holding them, and can hold blocks that unpack to a thousand times their
size.  None of it is read.

What a block unpacks to is known beforehand for some filters alone, and no other is used.  Blosc
says it in 16 bytes before its data, and its filter makes that much room whatever the block's size
is; HDF5 then reads as much as a block has, also beyond what came of it.

Source: the header of c-blosc 1, ``README_CHUNK_FORMAT.rst``.
"""

import bz2
import math
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from repro.data.completeness import is_web_page
from repro.data.hdf5_attributes import read_attributes
from repro.data.hdf5_heaps import check_heaps
from repro.data.regular import check_regular, parse_json
from repro.errors import BadInput

__all__ = ["check_dataset", "open_hdf5", "read_description", "refuse_links"]

_DEFLATE, _SHUFFLE, _CHECKSUM, _BZIP2, _BLOSC = 1, 2, 3, 307, 32001
_PACKERS = frozenset((_DEFLATE, _BZIP2, _BLOSC))
_FILTERS = _PACKERS | {_SHUFFLE, _CHECKSUM}
_DEFLATE_RATIO = 1032  # zlib cannot do better
_BLOSC_HEADER = struct.Struct("<4x3I")  # after versions and flags: unpacked, inner block, packed
_LARGEST_BLOCK = 2**28
_UNSTORED = 2**26  # arrays no larger than this need not be stored: zeros
# More than deflate can; blosc with zstd can do better, of arrays that hold nothing.
_LARGEST_RATIO = 5000
_MOST_LINKS = 10_000
# What h5py makes of damaged bytes.
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError)


def open_hdf5(path: str | PathLike[str]) -> Any:  # noqa: ANN401  # h5py is untyped
    """Open an HDF5 file.

    Raises:
        MissingData: If there is no such file.
        BadInput: If it is no HDF5 file, is truncated, or leads to other files.
    """
    check_regular(Path(path))
    try:
        check_heaps(path)
        file = h5py.File(path, "r")
    except OSError as error:
        with Path(path).open("rb") as stream:
            page = is_web_page(stream.read(64))
        what = "a web page and no file of jets" if page else "truncated or no HDF5 file"
        raise BadInput(f"{path} is {what}: get it again") from error
    try:
        refuse_links(path, file)
    except BaseException:
        file.close()
        raise
    return file


def refuse_links(label: object, file: Any) -> None:  # noqa: ANN401  # h5py is untyped
    """Raise if a file has links that lead elsewhere, to other files or to another name.

    Args:
        label: What the file is called in messages.
        file: The open file.

    Raises:
        BadInput: If it has, or cannot be looked through.
    """
    left = _MOST_LINKS
    try:
        groups = [h5py.h5g.open(file.id, b"/")]
        while groups:
            group = groups.pop()
            left -= len(group)
            if left < 0:
                raise BadInput(f"{label} has more groups or arrays than files of jets have")
            for name in group:
                if group.links.get_info(name).type != h5py.h5l.TYPE_HARD:
                    shown = name.decode("utf-8", "replace")
                    raise BadInput(f"{label}: {shown} is a link to elsewhere: get the whole file")
                if h5py.h5o.get_info(group, name).type == h5py.h5o.TYPE_GROUP:
                    groups.append(h5py.h5g.open(group, name))
    except _DAMAGE as error:
        raise BadInput(f"{label} is damaged: get it again") from error


def check_dataset(label: object, dataset: Any, *, remote: bool = False) -> None:  # noqa: ANN401
    """Make sure that an array can be read: from this file, in bounded memory.

    Loads the compiled filters of hdf5plugin if it needs one (blosc).

    Args:
        label: What the file is called in messages.
        dataset: The h5py dataset.
        remote: Whether looking at each of its blocks would cost a request.

    Raises:
        BadInput: If its values have no fixed size, its data lie in other files, it needs a filter
            that is not to be had or is not known here, is compressed twice, or declares or unpacks
            to far more than it holds.
    """
    name = dataset.name
    if dataset.dtype.hasobject:
        raise BadInput(f"{label}: {name} has values of no fixed size: get it again")
    if dataset.is_virtual or dataset.external:
        raise BadInput(f"{label}: the data of {name} lie in other files: get the whole file")
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    _load_filters(label, codes)
    declared, stored = dataset.nbytes, dataset.id.get_storage_size()
    block = math.prod(dataset.chunks or (0,)) * dataset.id.get_type().get_size()
    if declared > max(_UNSTORED, _LARGEST_RATIO * stored) or block > _LARGEST_BLOCK:
        raise BadInput(f"{label}: {name} claims more values than it holds: get it again")
    _refuse_twice(f"{label}: {name}", codes)
    if block and codes and not remote:
        _check_blocks(f"{label}: {name}", dataset, codes, block)


def _load_filters(label: object, codes: Sequence[int]) -> None:
    known = [code for code in codes if code in _FILTERS]
    if not all(h5py.h5z.filter_avail(code) for code in known):
        import hdf5plugin  # noqa: F401, PLC0415  # registers its filters when imported
    for code in codes:
        if code not in _FILTERS or not h5py.h5z.filter_avail(code):
            raise BadInput(f"{label} is compressed with HDF5 filter {code}: write it with zlib")


def _refuse_twice(label: str, codes: Sequence[int]) -> None:
    """Raise if what a block unpacks to is the input of another filter that could make it more."""
    packers = [place for place, code in enumerate(codes) if code in _PACKERS]
    # Blosc shuffles by itself, and no program adds a checksum to it.
    alone = _BLOSC not in codes or len(codes) == 1
    if not alone or len(packers) > 1 or (packers and set(codes[packers[0] + 1 :]) - {_CHECKSUM}):
        raise BadInput(f"{label} is compressed twice: write it with zlib alone")


def _check_blocks(
    label: str,
    dataset: Any,  # noqa: ANN401  # h5py is untyped
    codes: Sequence[int],
    block: int,
) -> None:
    """Raise if a stored block is larger than what it is to give, or unpacks to more."""
    # Compressors add some bytes to what they cannot compress.
    largest = block + block // 8 + 2**16
    stored: list[Any] = []
    dataset.id.chunk_iter(stored.append)
    if max((info.size for info in stored), default=0) > largest:
        raise BadInput(f"{label} has blocks that are too large: get it again")
    if _BLOSC in codes:
        _check_blosc(label, dataset, stored, block)
    for code in {_DEFLATE, _BZIP2}.intersection(codes):
        for info in stored:
            if code == _BZIP2 or info.size * _DEFLATE_RATIO > _LARGEST_BLOCK:
                left_out, packed = dataset.id.read_direct_chunk(info.chunk_offset)
                unpacks = not left_out >> codes.index(code) & 1
                if unpacks and len(_unpacked(code, packed, largest + 1)) > largest:
                    raise BadInput(f"{label} unpacks to far more than it declares: get it again")


def _check_blosc(label: str, dataset: Any, stored: Sequence[Any], block: int) -> None:  # noqa: ANN401
    """Raise unless each block says that it unpacks to what a block has, and holds all of it."""
    try:
        for info, header in zip(stored, _blosc_headers(dataset, stored), strict=True):
            unpacked = packed = info.size
            if not info.filter_mask & 1:  # of a block that is not left as it was
                unpacked, _, packed = _BLOSC_HEADER.unpack(header)
            if unpacked != block or packed > info.size:
                raise BadInput(f"{label} unpacks to other than it declares: get it again")
    except (*_DAMAGE, OverflowError, struct.error) as error:
        raise BadInput(f"{label} has blocks that are damaged: get it again") from error


def _blosc_headers(dataset: Any, stored: Sequence[Any]) -> Iterator[bytes]:  # noqa: ANN401
    file, most = dataset.file, _BLOSC_HEADER.size
    # Reading whole blocks of a large file takes as long as reading its jets.  Not all versions of
    # HDF5 count what may precede a file among its places.
    if hasattr(os, "pread") and file.driver == "sec2" and not file.userblock_size:
        handle = file.id.get_vfd_handle()
        for info in stored:
            yield os.pread(handle, min(info.size, most), info.byte_offset)
    else:
        for info in stored:
            yield bytes(dataset.id.read_direct_chunk(info.chunk_offset)[1][:most])


def _unpacked(code: int, packed: bytes, most: int) -> bytes:
    try:
        if code == _BZIP2:
            return bz2.BZ2Decompressor().decompress(packed, most)
        return zlib.decompressobj().decompress(packed, most)
    except (zlib.error, OSError):
        return b""  # the reader says so


def read_description(file: Any, name: str = "repro") -> dict[str, Any]:  # noqa: ANN401
    """Return what an attribute of a file holds, a JSON object.

    Raises:
        KeyError: If there is no such attribute.
        ValueError: If it holds anything else.
    """
    text = read_attributes(file, name)[name]
    found = parse_json(text) if isinstance(text, str | bytes) else None
    if not isinstance(found, dict):
        raise ValueError(f"{name} is no JSON object")  # noqa: TRY004 - one error for all damage
    return found
