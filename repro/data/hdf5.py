"""What readers of HDF5 files have in common: they are opened and looked at here.

An HDF5 file can lead to others (links, virtual arrays, raw data kept elsewhere), can declare
arrays of any size without holding them, and can hold blocks that unpack to a thousand times their
size.  None of it is read.
"""

import math
import zlib
from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import h5py

from repro.data.regular import check_regular, parse_json
from repro.errors import BadInput

__all__ = ["check_dataset", "open_hdf5", "read_description", "refuse_links"]

_DEFLATE = 1
_DEFLATE_RATIO = 1032  # zlib cannot do better
_LARGEST_BLOCK = 2**28
_UNSTORED = 2**26  # arrays no larger than this need not be stored: zeros
# More than deflate can; blosc with zstd can do better, of arrays that hold nothing.
_LARGEST_RATIO = 5000
_MOST_LINKS = 10_000
_CHECKSUM = 3
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
        file = h5py.File(path, "r")
    except OSError as error:
        raise BadInput(f"{path} is truncated or no HDF5 file: get it again") from error
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
        BadInput: If its data lie in other files, it needs a filter that is not to be had, or it
            declares or unpacks to far more than it holds.
    """
    name = dataset.name
    if dataset.is_virtual or dataset.external:
        raise BadInput(f"{label}: the data of {name} lie in other files: get the whole file")
    properties = dataset.id.get_create_plist()
    codes = [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]
    _load_filters(label, codes)
    declared, stored = dataset.nbytes, dataset.id.get_storage_size()
    block = math.prod(dataset.chunks or (0,)) * dataset.dtype.itemsize
    if declared > max(_UNSTORED, _LARGEST_RATIO * stored) or block > _LARGEST_BLOCK:
        raise BadInput(f"{label}: {name} claims more values than it holds: get it again")
    if block and codes and not remote:
        _check_blocks(f"{label}: {name}", dataset, codes, block)


def _load_filters(label: object, codes: Sequence[int]) -> None:
    if not all(h5py.h5z.filter_avail(code) for code in codes):
        import hdf5plugin  # noqa: F401, PLC0415  # registers its filters when imported
    for code in codes:
        if not h5py.h5z.filter_avail(code):
            raise BadInput(f"{label} is compressed with HDF5 filter {code}: write it with zlib")


def _check_blocks(
    label: str,
    dataset: Any,  # noqa: ANN401  # h5py is untyped
    codes: Sequence[int],
    block: int,
) -> None:
    """Raise if a stored block is larger than what it is to give, or unpacks to more."""
    # Compressors add some bytes to what they cannot compress.
    largest = block + block // 8 + 2**16
    sizes: dict[tuple[int, ...], int] = {}
    dataset.id.chunk_iter(lambda info: sizes.__setitem__(info.chunk_offset, info.size))
    if max(sizes.values(), default=0) > largest:
        raise BadInput(f"{label} has blocks that are too large: get it again")
    if _DEFLATE not in codes:
        return
    if set(codes[codes.index(_DEFLATE) + 1 :]) - {_CHECKSUM}:
        raise BadInput(f"{label} is compressed twice: write it with zlib alone")
    for offset, size in sizes.items():
        if size * _DEFLATE_RATIO > _LARGEST_BLOCK:
            left_out, packed = dataset.id.read_direct_chunk(offset)
            unpacks = not left_out >> codes.index(_DEFLATE) & 1
            if unpacks and len(_unpacked(packed, largest + 1)) > largest:
                raise BadInput(f"{label} unpacks to far more than it declares: get it again")


def _unpacked(packed: bytes, most: int) -> bytes:
    try:
        return zlib.decompressobj().decompress(packed, most)
    except zlib.error:
        return b""  # the reader says so


def read_description(file: Any, name: str = "repro") -> dict[str, Any]:  # noqa: ANN401
    """Return what an attribute of a file holds, a JSON object.

    Raises:
        KeyError: If there is no such attribute.
        ValueError: If it holds anything else.
    """
    text = file.attrs[name]
    found = parse_json(text) if isinstance(text, str | bytes) else None
    if not isinstance(found, dict):
        raise ValueError(f"{name} is no JSON object")  # noqa: TRY004 - one error for all damage
    return found
